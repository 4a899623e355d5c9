/**
 * The text of a message/delivery-status part (RFC 3464 §2, RFC 3461 §6.3): what became of which recipient, for
 * programs. It is ASCII and folded. Whatever a remote server said and whatever a sender made up stands in it as text:
 * nothing can end a field, begin another one, or a group of them.
 */
import { UsageError } from "../errors.ts";
import type { Reply } from "../reply.ts";
import { parseDomain } from "../syntax/domain.ts";
import { decodeXtext, encodeUtf8Address } from "../syntax/xtext.ts";
import { ascii, encodeUtf8 } from "../wire/utf8.ts";
import type { HeldRecipient } from "./envelope.ts";

/**
 * What was done with the message for a recipient (RFC 3464 §2.3.3). `relayed`: passed on to where no notifications
 * are sent. `expanded`: passed on to several in the place of one.
 */
export type DeliveryAction = "failed" | "delayed" | "delivered" | "relayed" | "expanded";

/** What became of one recipient. */
export interface Report {
  readonly recipient: HeldRecipient;
  readonly action: DeliveryAction;
  /** What the next host said of it; null: nothing, this host has decided. */
  readonly reply: Reply | null;
  /** The enhanced code; left out: that of the reply, or `5.0.0`, `4.0.0`, `2.0.0` as the action has it. */
  readonly status?: string | null;
  /** The name of the next host, or its address as a literal; null, or no name: not told. */
  readonly remote: string | null;
}

/**
 * The part, each line ending in CRLF.
 *
 * @param reporter the name of this host, or its address literal
 * @param envid ENVID as it was received, in xtext; null if none was given
 * @throws {UsageError} when `reporter` is neither name nor literal, or there is no recipient
 */
export function deliveryStatus(reporter: string, envid: string | null, reports: readonly Report[]): string {
  if (parseDomain(reporter) === null)
    throw new UsageError(`reporter: ${JSON.stringify(reporter)} is no domain`);
  if (reports.length === 0) throw new UsageError("reports: a notification is about one recipient at least");
  const original = envid === null ? null : decodedEnvid(envid);
  const message = [
    ...(original === null ? [] : [field("Original-Envelope-Id", original)]),
    field("Reporting-MTA", `dns; ${reporter}`),
  ];
  return [message, ...reports.map(recipientFields)].map((group) => group.join("")).join("\r\n");
}

/** The enhanced code of a report (RFC 3463). */
export function reportStatus({ action, reply, status }: Report): string {
  const code = status ?? reply?.enhanced ?? null;
  if (code !== null && /^[245]\.[0-9]{1,3}\.[0-9]{1,3}$/.test(code)) return code;
  const digit = reply === null ? 0 : Math.trunc(reply.code / 100);
  const expected = action === "failed" ? 5 : action === "delayed" ? 4 : 2;
  // What is given up after days of 4yz has failed, and its last reply was still a 4yz.
  return `${action === "failed" && digit === 4 ? digit : expected}.0.0`;
}

function recipientFields(report: Report): string[] {
  const { recipient, action, reply, remote } = report;
  const { orcpt } = recipient.parameters;
  const fields: string[] = [];
  if (orcpt !== null && /^[A-Za-z0-9-]{1,64}$/.test(orcpt.type))
    fields.push(field("Original-Recipient", typedAddress(orcpt.type, orcpt.address)));
  fields.push(field("Final-Recipient", typedAddress("rfc822", recipient.to.address)));
  fields.push(field("Action", action), field("Status", reportStatus(report)));
  if (remote !== null && parseDomain(remote) !== null) fields.push(field("Remote-MTA", `dns; ${remote}`));
  if (reply !== null) fields.push(field("Diagnostic-Code", ...diagnostic(reply)));
  return fields;
}

/** An address with its type. What is not ASCII has a type of its own, and a form in ASCII (RFC 6533 §3). */
function typedAddress(type: string, address: string): string {
  if (type.toLowerCase() !== "utf-8" && /^[\x20-\x7e]*$/.test(address)) return `${type}; ${address}`;
  return `utf-8; ${encodeUtf8Address(address)}`;
}

/**
 * A reply as it was said, a piece for each line (RFC 3461 §9.2): `550-5.1.1 one`, `550 5.1.1 two`. Of very long ones
 * the begin and the last line: that is what tells anything.
 */
function diagnostic({ code, enhanced, lines }: Reply): string[] {
  const kept =
    lines.length <= mostLines ? lines : [...lines.slice(0, mostLines - 1), lines[lines.length - 1]];
  const said = kept.map((line, at) => {
    const text = [enhanced ?? "", line.slice(0, longestLine)].filter((word) => word !== "").join(" ");
    return `${code}${at < kept.length - 1 ? "-" : " "}${text}`;
  });
  return [`smtp; ${said[0]}`, ...said.slice(1)];
}

function decodedEnvid(envid: string): string | null {
  const octets = encodeUtf8(envid);
  const decoded = decodeXtext(octets, 0, octets.length);
  return decoded === null ? null : ascii(decoded, 0, decoded.length);
}

/** A field of printable ASCII: folded where there is a blank, before each further piece, and where a line gets full. */
function field(name: string, ...pieces: readonly string[]): string {
  let text = "";
  let line = `${name}:`;
  for (const [index, piece] of pieces.entries()) {
    // A line of blanks alone would pass for the end of a group.
    const safe = piece.replace(/[^ -~]/g, "?").replace(/ {100,}/g, " ");
    const words = safe.match(/ *[^ ]+/g) ?? ["?"];
    for (const [at, word] of words.entries()) {
      const spaced = at === 0 ? ` ${word.trimStart()}` : word;
      const breaks = (index > 0 && at === 0) || line.length + spaced.length >= preferredLine;
      if (breaks && line !== `${name}:`) {
        text += `${line}\r\n`;
        line = spaced;
      } else {
        line += spaced;
      }
      // No line may have more than 998 octets (RFC 5322 §2.1.1): a word as long as that is broken.
      for (; line.length > longestLine; line = ` ${line.slice(longestLine)}`)
        text += `${line.slice(0, longestLine)}\r\n`;
    }
  }
  return `${text}${line}\r\n`;
}

/** RFC 5322 §2.1.1. */
const preferredLine = 78;
/** Of a reply that is quoted: octets of a line, and lines. A server may send a thousand of each. */
const longestLine = 900;
const mostLines = 20;

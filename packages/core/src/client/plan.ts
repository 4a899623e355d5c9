import { UsageError } from "../errors.ts";
import type { Capabilities } from "../syntax/capabilities.ts";
import { formatDomain, lowerAscii } from "../syntax/domain.ts";
import { formatMailbox, type Mailbox, parseAddress } from "../syntax/path.ts";
import { encodeXtext } from "../syntax/xtext.ts";
import type { ClientSettings } from "./config.ts";
import type { Addressee, OutgoingEnvelope } from "./events.ts";
import type { Failure, FailureCode, Outcome } from "./outcome.ts";

/** An envelope that was checked: nothing in it can break out of its command line (G12). */
export interface CheckedEnvelope {
  readonly from: CheckedPath | null;
  readonly to: readonly CheckedRecipient[];
  readonly size: number | null;
  readonly body: "7BIT" | "8BITMIME" | "BINARYMIME";
  readonly smtputf8: boolean;
  readonly ret: "FULL" | "HDRS" | null;
  /** In xtext. */
  readonly envid: string | null;
  /** In xtext, or `<>`. */
  readonly auth: string | null;
}

/** An address as it goes between angle brackets. */
export interface CheckedPath {
  readonly text: string;
  readonly utf8: boolean;
  /** For counting domains (RFC 9422); in lower case. */
  readonly domain: string;
}

export interface CheckedRecipient extends CheckedPath {
  /** NOTIFY and ORCPT as they go on the wire; empty: none. */
  readonly parameters: string;
  readonly dsn: boolean;
}

/** What is to be said for an envelope, given what the server offers. */
export interface Plan {
  readonly mail: string;
  /** A line for each recipient; null for one that cannot be tried. */
  readonly rcpt: readonly (string | null)[];
  /** The outcomes that are known before anything is said; null where not. */
  readonly outcomes: (Outcome | null)[];
  readonly mode: "data" | "bdat";
  /** What MAIL says of the content. */
  readonly body: "7BIT" | "8BITMIME" | "BINARYMIME";
  readonly utf8: boolean;
  readonly prdr: boolean;
}

/**
 * Checks what the caller gave against the grammar: each address, each parameter.
 *
 * @throws {UsageError} naming what cannot be: nothing is stripped or repaired silently
 */
export function checkEnvelope(envelope: OutgoingEnvelope): CheckedEnvelope {
  const { from, to, size, ret, envid, auth } = envelope;
  if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0)) throw new UsageError(`size: ${size}`);
  if (envid !== undefined && !/^[\x20-\x7e]+$/.test(envid))
    throw new UsageError("envid: printable ASCII only");
  const encoded = envid === undefined ? null : encodeXtext(envid);
  if (encoded !== null && encoded.length > 100)
    throw new UsageError("envid: more than 100 octets (RFC 3461 §5.4)");
  if (auth !== undefined && auth !== "<>") {
    checkPath(auth, "auth");
    if (encodeXtext(auth).length > 494) throw new UsageError("auth: more than 500 octets (RFC 4954 §3)");
  }
  return {
    from: from === null ? null : checkPath(from, "from"),
    to: to.map(checkRecipient),
    size: size ?? null,
    body: oneOf(envelope.body ?? "7BIT", ["7BIT", "8BITMIME", "BINARYMIME"], "body"),
    smtputf8: envelope.smtputf8 ?? false,
    ret: ret === undefined ? null : oneOf<"FULL" | "HDRS">(ret, ["FULL", "HDRS"], "ret"),
    envid: encoded,
    auth: auth === undefined ? null : auth === "<>" ? auth : encodeXtext(auth),
  };
}

/** Compares what a message needs with what the server offers, before anything is sent (RFC 5321 §2.2.3). */
export function plan(
  envelope: CheckedEnvelope,
  capabilities: Capabilities,
  settings: ClientSettings,
  said: Said,
): Plan {
  const whole = needsOfAll(envelope, capabilities, settings, said);
  const domains = new Set(said.domains);
  let count = 0;
  const outcomes = envelope.to.map((recipient): Outcome | null => {
    const reason = whole ?? needsOfOne(recipient, capabilities, count, domains);
    if (reason !== null) return { status: "notTried", reason };
    count++;
    domains.add(recipient.domain);
    return null;
  });
  const utf8 =
    envelope.smtputf8 ||
    [envelope.from, ...envelope.to.filter((_, at) => outcomes[at] === null)].some((path) => path?.utf8);
  const bdat = envelope.body === "BINARYMIME" || (settings.chunking !== "avoid" && capabilities.chunking);
  const prdr = capabilities.prdr && settings.protocol === "smtp" && count > 1;
  return {
    mail: mailLine(envelope, capabilities, utf8, prdr),
    rcpt: envelope.to.map(({ text, parameters }, at) =>
      outcomes[at] === null ? `RCPT TO:<${text}>${parameters}` : null,
    ),
    outcomes,
    mode: bdat ? "bdat" : "data",
    body: envelope.body,
    utf8,
    prdr,
  };
}

/** What was said on this connection already, for the limits of RFC 9422. */
export interface Said {
  readonly transactions: number;
  readonly domains: readonly string[];
}

function needsOfAll(
  envelope: CheckedEnvelope,
  capabilities: Capabilities,
  settings: ClientSettings,
  said: Said,
): Failure | null {
  const { size, body, from } = envelope;
  const { mailMax } = capabilities.limits;
  if (mailMax !== null && said.transactions >= mailMax)
    return failure("limit-exceeded", "the server takes no more messages on this connection");
  if (size !== null && capabilities.size !== null && size > capabilities.size) {
    return failure("size-exceeded", `${size} octets, and the server takes ${capabilities.size}`);
  }
  if (body === "8BITMIME" && !capabilities["8bitmime"])
    return failure("8bitmime-missing", "8-bit content, and the server lacks 8BITMIME");
  if (body === "BINARYMIME" && !capabilities.binarymime)
    return failure("binarymime-missing", "binary content, and the server lacks BINARYMIME");
  if (settings.chunking === "require" && !capabilities.chunking)
    return failure("chunking-missing", "the server lacks CHUNKING");
  if ((envelope.smtputf8 || from?.utf8) && !capabilities.smtputf8)
    return failure("smtputf8-missing", "UTF-8 in sender or header, and the server lacks SMTPUTF8");
  if ((envelope.ret !== null || envelope.envid !== null) && !capabilities.dsn)
    return failure("dsn-missing", "RET or ENVID, and the server lacks DSN");
  if (envelope.auth !== null && capabilities.auth.length === 0)
    return failure("extension-missing", "the AUTH parameter, and the server lacks AUTH");
  return null;
}

function needsOfOne(
  recipient: CheckedRecipient,
  { smtputf8, dsn, limits }: Capabilities,
  count: number,
  domains: ReadonlySet<string>,
): Failure | null {
  if (recipient.utf8 && !smtputf8)
    return failure("smtputf8-missing", "address in UTF-8, and the server lacks SMTPUTF8");
  if (recipient.dsn && !dsn) return failure("dsn-missing", "NOTIFY or ORCPT, and the server lacks DSN");
  if (limits.rcptMax !== null && count >= limits.rcptMax)
    return failure("limit-exceeded", `the server takes ${limits.rcptMax} recipients at a time`);
  if (
    limits.rcptDomainMax !== null &&
    !domains.has(recipient.domain) &&
    domains.size >= limits.rcptDomainMax
  ) {
    return failure("limit-exceeded", `the server takes ${limits.rcptDomainMax} domains on a connection`);
  }
  return null;
}

function mailLine(
  envelope: CheckedEnvelope,
  capabilities: Capabilities,
  utf8: boolean,
  prdr: boolean,
): string {
  const words = [`MAIL FROM:<${envelope.from?.text ?? ""}>`];
  if (envelope.size !== null && capabilities.size !== null) words.push(`SIZE=${envelope.size}`);
  if (envelope.body !== "7BIT") words.push(`BODY=${envelope.body}`);
  if (utf8) words.push("SMTPUTF8");
  if (envelope.ret !== null) words.push(`RET=${envelope.ret}`);
  if (envelope.envid !== null) words.push(`ENVID=${envelope.envid}`);
  if (envelope.auth !== null) words.push(`AUTH=${envelope.auth}`);
  if (prdr) words.push("PRDR");
  return words.join(" ");
}

function checkRecipient(given: string | Mailbox | Addressee, index: number): CheckedRecipient {
  const name = `to[${index}]`;
  const addressee: Addressee = typeof given === "object" && "to" in given ? given : { to: given };
  const { notify, orcpt } = addressee;
  // The one address without a domain (RFC 5321 §4.1.1.3); nobody sends from it.
  const postmaster = typeof addressee.to === "string" && /^postmaster$/i.test(addressee.to);
  const path = postmaster
    ? { text: addressee.to as string, utf8: false, domain: "" }
    : checkPath(addressee.to, name);
  let parameters = "";
  if (notify !== undefined) {
    for (const word of notify) oneOf(word, ["NEVER", "SUCCESS", "FAILURE", "DELAY"], `${name}.notify`);
    const alone = notify.length === 1 || !notify.includes("NEVER");
    if (notify.length === 0 || !alone)
      throw new UsageError(`${name}.notify: NEVER alone, or one or more of the others`);
    parameters += ` NOTIFY=${notify.join(",")}`;
  }
  if (orcpt !== undefined) {
    if (!/^[A-Za-z0-9-]+$/.test(orcpt.type)) throw new UsageError(`${name}.orcpt.type: not an address type`);
    const text = `${orcpt.type};${encodeOriginal(orcpt.type, orcpt.address, name)}`;
    if (text.length > 500) throw new UsageError(`${name}.orcpt: more than 500 octets (RFC 3461 §5.4)`);
    parameters += ` ORCPT=${text}`;
  }
  return { ...path, parameters, dsn: parameters !== "" };
}

/** The address of ORCPT: in xtext, or for `utf-8` in the form that any server takes (RFC 6533 §3). */
function encodeOriginal(type: string, address: string, name: string): string {
  if (type.toLowerCase() !== "utf-8") {
    if (!/^[\x20-\x7e]+$/.test(address)) throw new UsageError(`${name}.orcpt.address: printable ASCII only`);
    return encodeXtext(address);
  }
  if (loneSurrogate.test(address) || parseAddress(address, { utf8: true }) === null)
    throw new UsageError(`${name}.orcpt.address: not an address: ${JSON.stringify(address)}`);
  return address.replace(/[^\x21-\x7e]|[+=\\]/gu, (letter) => {
    const point = (letter.codePointAt(0) as number).toString(16).toUpperCase();
    return `\\x{${point.padStart(2, "0")}}`;
  });
}

function checkPath(given: string | Mailbox, name: string): CheckedPath {
  const text = typeof given === "string" ? given : formatMailbox(given);
  const mailbox = loneSurrogate.test(text) ? null : parseAddress(text, { utf8: true });
  if (mailbox === null) throw new UsageError(`${name}: not an address: ${JSON.stringify(text)}`);
  const domain = mailbox.domain === null ? "" : lowerAscii(formatDomain(mailbox.domain));
  return { text, utf8: /[^\x00-\x7f]/.test(text), domain };
}

/** It has no form in UTF-8: on the wire it would be another letter. */
const loneSurrogate = /[\ud800-\udfff]/u;

function oneOf<T extends string>(given: T, allowed: readonly T[], name: string): T {
  if (!allowed.includes(given))
    throw new UsageError(`${name}: ${JSON.stringify(given)}, not one of ${allowed.join(", ")}`);
  return given;
}

/** A failure with its name and a plain sentence. */
export function failure(code: FailureCode, detail: string): Failure {
  return { code, detail };
}

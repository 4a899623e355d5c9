import {
  decodeLossy,
  deliveryStatus,
  HeaderReader,
  isNotificationDue,
  type MailParameters,
  noMailParameters,
  noRcptParameters,
  notification,
  type Report,
  receivedField,
  reply,
  returnPathField,
  UsageError,
} from "@sansmtp/core";
import { hold, same } from "../finding.ts";
import { Choices, cut, latin1, octets } from "../input.ts";
import type { Target } from "../target.ts";

const words = [
  "Received: ",
  "TLS-Required: No\r\n",
  "Solicitation: a.example:ADV\r\n",
  "\r\n",
  "\r\n\r\n",
  "\r\n ",
  ":",
  ";",
  "(",
  ")",
  "\\",
  '"',
  "<a@example.com>",
  "example.com",
  "[192.0.2.1]",
  "fe80::1%eth0",
  "\u00c3\u00bc",
  "\u00e2\u0080\u00a8",
  "\u00e2\u0080\u008f",
  "+0D+0A",
  "x".repeat(90),
].map(octets);

/** What a server or a relay makes of what others have said: trace fields, delivery status, and what it reads of a header. */
export const trace: Target = {
  name: "trace",
  seeds: () =>
    [
      "\x10\x10\x10\x10mail.example\x05host.\x04a.b",
      "\x00\x00Received: x\r\nTLS-Required: No\r\nSolicitation: a:b\r\n\r\nbody",
      "\xff\x20x@y.example 250 2.1.5 yes rfc822;a+40b",
    ].map(octets),
  words,
  grown: 4096,
  longest: 400,
  check(input) {
    fields(new Choices(input), true);
    header(input);
  },
  plain(input) {
    fields(new Choices(input), false);
    const reader = new HeaderReader();
    for (const piece of cut(input, (input[0] ?? 0) % 3)) reader.take(piece);
  },
};

function fields(choices: Choices, watched: boolean): void {
  const [kind, more] = [choices.octet(), choices.octet()];
  const text = (): string => decodeLossy(choices.take(choices.done ? 0 : 1 + choices.octet()));
  const [hello, host, address, recipient, cipher, group, solicit] = [
    text(),
    text(),
    text(),
    text(),
    text(),
    text(),
    text(),
  ];
  const utf8 = (kind & 1) === 1;
  const field = receivedField({
    from: { hello, host: (kind & 2) === 0 ? host : null, address: (kind & 4) === 0 ? address : "192.0.2.1" },
    by: "mx.example.com",
    protocol: "ESMTPS",
    solicit: (kind & 8) === 0 ? null : solicit.split(","),
    id: (kind & 16) === 0 ? null : "a.b@c",
    for: (kind & 32) === 0 ? recipient : null,
    tls: (kind & 64) === 0 ? null : { cipher, group },
    priority: (kind & 128) === 0 ? null : (more % 19) - 9,
    now: more * 1e10,
    offset: more * 5 - 600,
    utf8,
  });
  if (watched) folded(field, "Received", utf8);
  try {
    const path = returnPathField(recipient);
    if (watched) folded(path, "Return-Path", true);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
  }
  status(choices, hello, host, recipient, cipher, more, watched);
}

function status(
  choices: Choices,
  said: string,
  remote: string,
  recipient: string,
  envid: string,
  more: number,
  watched: boolean,
): void {
  const lines = said.replace(/[\0-\x08\x0a-\x1f\x7f]/g, "?").split("\t");
  const report: Report = {
    recipient: {
      to: { address: recipient },
      parameters: {
        ...noRcptParameters,
        orcpt:
          (more & 1) === 0
            ? null
            : { type: choices.pick(["rfc822", "utf-8", remote]), address: said, raw: said },
        notify: (more & 2) === 0 ? null : (["FAILURE", "DELAY", "SUCCESS"] as const),
      },
    },
    action: choices.pick(["failed", "delayed", "delivered", "relayed", "expanded"] as const),
    reply: (more & 4) === 0 ? null : reply(choices.pick([550, 450, 250]), lines),
    status: (more & 8) === 0 ? null : said,
    remote: (more & 16) === 0 ? null : remote,
  };
  const part = deliveryStatus("mx.example.com", (more & 32) === 0 ? null : envid, [report, report]);
  const parameters: MailParameters = { ...noMailParameters, ret: "FULL", envid };
  const held = { from: { address: "a@example.net" }, parameters, recipients: [report.recipient] };
  const due = isNotificationDue(report.action, held, report.recipient);
  const told = notification(held, [report], "mx.example.com");
  if (!watched) return;
  hold((told !== null) === due, "a notification that is not due");
  const groups = part.split("\r\n\r\n");
  hold(groups.length === 3, "another number of groups in the status of a delivery", () => part);
  for (const group of groups)
    for (const line of `${group}\r\n`
      .replace(/(\r\n)+$/, "\r\n")
      .split(/\r\n(?![ ])/)
      .slice(0, -1)) {
      hold(
        /^[A-Za-z-]+: ?[\x20-\x7e\r\n]*$/.test(line),
        "G12 not a field in the status of a delivery",
        () => line,
      );
      hold(
        /^(Original-Envelope-Id|Reporting-MTA|Original-Recipient|Final-Recipient|Action|Status|Remote-MTA|Diagnostic-Code):/.test(
          line,
        ),
        "G12 a field that nobody has written",
        () => part,
      );
    }
  hold(!/[^\r]\n|\r(?!\n)/.test(part), "G12 a bare CR or LF in the status of a delivery", () => part);
  for (const line of part.split("\r\n"))
    hold(line.length <= 998, "a line of more than 998 octets", () => line);
}

/** One field, folded, which nothing in it can end. */
function folded(field: string, name: string, utf8: boolean): void {
  hold(field.startsWith(`${name}:`) && field.endsWith("\r\n"), "G12 not the field", () => field);
  const lines = field.slice(0, -2).split("\r\n");
  for (const [at, line] of lines.entries()) {
    hold(
      !/[\0-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]/.test(
        line.replace(/[\ud800-\udbff][\udc00-\udfff]/g, ""),
      ),
      "G12 a control in a trace field",
      () => field,
    );
    hold(at === 0 || /^[\t ]+[^\t ]/.test(line), "G12 a trace field is ended in its midst", () => field);
    if (!utf8) hold(/^[\t -~]*$/.test(line), "a trace field that is not ASCII", () => field);
  }
  if (name !== "Received") return;
  // Outside of comments one semicolon, before the date.
  const outside = bare(field);
  hold(!/[()]/.test(outside), "G12 a comment of a trace field is not closed", () => field);
  const clauses = outside.replace(/<[^>]*>/g, "").split(";");
  hold(clauses.length === 2, "G12 another clause in a trace field", () => field);
}

/** Without comments and quoted strings; in these a bracket is none, as behind a backslash (RFC 5322 §3.2.2, §3.2.4). */
function bare(field: string): string {
  const parts = field.match(/\((?:\\.|[^\\()])*\)|"(?:\\.|[^\\"])*"|./gs) ?? [];
  return parts.filter(({ length }) => length === 1).join("");
}

/** A header streams by in any pieces; against a reader that has it all at once. */
function header(input: Uint8Array): void {
  const readers = [0, 1, 2 + (input[1] ?? 0)].map((how) => {
    const reader = new HeaderReader();
    for (const piece of cut(input, how)) reader.take(piece);
    const { received, ended, solicitation } = reader;
    return JSON.stringify([
      received,
      ended,
      solicitation,
      reader.tlsIsOptional(false),
      reader.tlsIsOptional(true),
    ]);
  });
  for (const each of readers) same(each, readers[0] as string, "G2 a header is read differently by pieces");
  const lines = latin1(input).replaceAll("\r", "").split("\n");
  const end = lines.indexOf("");
  const ended = end >= 0 && end < lines.length - 1;
  const head = ended ? lines.slice(0, end) : lines;
  const fields = head.filter((line) => /^received *[\t ]*:/i.test(line)).length;
  const plain = head.every((line) => !/^[ \t]/.test(line) && /^[!-9;-~]*:/.test(line));
  if (plain)
    same(
      JSON.stringify(JSON.parse(readers[0] as string).slice(0, 2)),
      JSON.stringify([fields, ended]),
      "Received fields are counted differently",
    );
}

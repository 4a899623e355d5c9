import { type BarePolicy, reply, type ServerConfig } from "@sansmtp/core";
import fc from "fast-check";
import { accept, type Decision, type Question } from "../dialogues/client.ts";

const good = fc.constantFrom(
  "EHLO a.example\r\n",
  "LHLO a.example\r\n",
  "MAIL FROM:<a@example.net>\r\n",
  "RCPT TO:<b@example.com>\r\n",
  "RCPT TO:<refused@example.com>\r\n",
  "DATA\r\n",
  "RSET\r\n",
  "NOOP\r\n",
);

const odd = fc.constantFrom(
  "HELO a.example\r\n",
  "EHLO\r\n",
  "MAIL FROM:<a@>\r\n",
  "MAIL FROM:<a@example.net> FOO\r\n",
  "RCPT TO:<>\r\n",
  "VRFY x\r\n",
  "EXPN x\r\n",
  "HELP\r\n",
  "TURN\r\n",
  "FOO\r\n",
  "AUTH CRAM-MD5\r\nAAAA\r\n",
  "AUTH SCRAM-SHA-256\r\n*\r\n",
  "AUTH SCRAM-SHA-256\r\n!\r\n",
  "AUTH SCRAM-SHA-256 AAAA\r\nAAAA\r\n",
  "AUTH SCRAM-SHA-256 AAAA\r\nAA==\r\n",
  "AUTH SCRAM-SHA-256\r\n",
  "AUTH FOO\r\n",
  "NOOP\0\r\n",
  "NOOP\n\r\n",
  "\r\n",
  "RSET \t\r\n",
  ".\r\n",
);

const last = fc.constantFrom("QUIT\r\n", "BDAT x\r\n", "BDAT 99999 LAST\r\nx");

/** Content with all that matters in it, dots and bare line ends first of all. */
const content = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.string({ unit: fc.constantFrom("a", ".", "\r\n", "\r\n.", "\0", "\xFF"), maxLength: 12 }),
  },
  { weight: 3, arbitrary: fc.string({ unit: fc.constantFrom("a", ".", "\r", "\n", "\r\n"), maxLength: 12 }) },
  { weight: 1, arbitrary: fc.nat({ max: 1200 }).map((length) => "x".repeat(length)) },
);

const mail = fc.constantFrom(
  "MAIL FROM:<a@example.net>\r\n",
  "MAIL FROM:<> SIZE=10 BODY=8BITMIME\r\n",
  "MAIL FROM:<> BODY=BINARYMIME\r\n",
  "MAIL FROM:<a@example.net> PRDR\r\n",
  "MAIL FROM:<a@example.net> BY=60;R MT-PRIORITY=3\r\n",
);

const recipients = fc
  .array(fc.constantFrom("b", "c", "refused", "deferred"), { minLength: 1, maxLength: 4 })
  .map((names) => names.map((name) => `RCPT TO:<${name}@example.com>\r\n`).join(""));

const byData = content.map((octets) => `DATA\r\n${octets}\r\n.\r\n`);

const byChunks = fc
  .array(fc.oneof({ weight: 4, arbitrary: chunk() }, { weight: 1, arbitrary: fetched() }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((chunks) => `${chunks.join("")}BDAT 0 LAST\r\n`);

/** A whole message, now and then with something in its midst. */
const message = fc
  .tuple(mail, recipients, fc.option(odd, { freq: 5 }), fc.oneof(byData, byChunks))
  .map(([from, to, between, by]) => `${from}${to}${between ?? ""}${by}`);

const noise = fc.oneof(
  content,
  fc.string({ unit: fc.nat({ max: 255 }).map((octet) => String.fromCharCode(octet)), maxLength: 40 }),
  fc.nat({ max: 6000 }).map((length) => `${"x".repeat(length)}\r\n`),
);

/** What a client may say: messages, good commands, bad ones, and plain nonsense. */
export const traffic: fc.Arbitrary<string> = fc
  .tuple(
    fc.oneof(
      { weight: 6, arbitrary: fc.constant("EHLO a.example\r\nLHLO a.example\r\n") },
      { weight: 1, arbitrary: noise },
    ),
    fc.array(
      fc.oneof(
        { weight: 6, arbitrary: message },
        { weight: 5, arbitrary: good },
        { weight: 5, arbitrary: odd },
        { weight: 3, arbitrary: chunk() },
        { weight: 1, arbitrary: fetched() },
        { weight: 1, arbitrary: noise },
      ),
      { maxLength: 12 },
    ),
    fc.option(last),
  )
  .map(([hello, said, end]) => hello + said.join("") + (end ?? ""));

/** Content that the application fetches, or refuses to. */
function fetched(): fc.Arbitrary<string> {
  return fc
    .tuple(
      fc.constantFrom("imap://a.example/x", "imap://a.example/refused", "http://a.example/x", "x"),
      fc.boolean(),
    )
    .map(([url, last]) => `BURL ${url}${last ? " LAST" : ""}\r\n`);
}

function chunk(): fc.Arbitrary<string> {
  return fc
    .record({
      octets: fc.oneof(content, fc.constant("QUIT\r\n")),
      off: fc.oneof(
        { weight: 8, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.integer({ min: -2, max: 5 }) },
      ),
      last: fc.oneof(
        { weight: 3, arbitrary: fc.constant(false) },
        { weight: 1, arbitrary: fc.constant(true) },
      ),
    })
    .map(
      ({ octets, off, last }) =>
        `BDAT ${Math.max(0, octets.length + off)}${last ? " LAST" : ""}\r\n${octets}`,
    );
}

/** Configurations that differ in what matters to the reading of octets. */
export const configs: fc.Arbitrary<Partial<ServerConfig>> = fc
  .record({
    protocol: fc.constantFrom("smtp" as const, "lmtp" as const),
    service: fc.constantFrom("relay" as const, "submission" as const),
    rest: settings(),
  })
  .map(({ protocol, service, rest }) => ({
    ...rest,
    protocol,
    service,
    authRequired: false,
    extensions: {
      ...rest.extensions,
      deliverby: { minimum: 50 },
      prdr: protocol === "smtp",
      burl: service === "submission" && { urls: ["imap"] },
    },
  }));

function settings() {
  return fc.record({
    mechanisms: fc.constant(["CRAM-MD5", "SCRAM-SHA-256"]),
    bareCr: fc.constantFrom<BarePolicy>("reject", "normalize", "space", "keep"),
    bareLf: fc.constantFrom<BarePolicy>("reject", "normalize", "space", "keep"),
    concurrentRecipients: fc.constantFrom(1, 3),
    extensions: fc.record({ binarymime: fc.boolean(), expn: fc.boolean() }),
    limits: fc.record({
      textLine: fc.constantFrom(998, Number.POSITIVE_INFINITY),
      errors: fc.constantFrom(5, 1000, 1000, 1000),
      idleCommands: fc.constantFrom(8, 1000, 1000, 1000),
    }),
  });
}

/** An application that decides by what it is asked alone, so that it decides alike in every run. */
export function decideByQuestion(question: Question): Decision {
  switch (question.type) {
    case "rcpt":
      if (question.to.local === "refused") return reply(550, "5.1.1", "No");
      if (question.to.local === "deferred") return reply(450, "4.2.0", "Later");
      return undefined;
    case "auth":
      return question.step === 0
        ? reply(334, "AAAA")
        : reply(question.response?.length === 3 ? 235 : 535, "Well");
    case "burl":
      return question.url.endsWith("refused") ? reply(554, "5.6.6", "No") : reply(250, "2.0.0", "OK");
    case "message":
      if (question.envelope.parameters.prdr && question.content.size % 2 === 1)
        return question.envelope.recipients.map(({ to }) =>
          to.local === "b" ? reply(250, "2.0.0", "OK") : reply(550, "5.7.1", "No"),
        );
      return question.content.size % 5 === 4 ? reply(554, "5.6.0", "No") : reply(250, "2.0.0", "OK");
    default:
      return accept(question);
  }
}

/** Cuts octets at the given places. */
export function piecesOf(octets: string, cuts: readonly number[]): string[] {
  const places = [...new Set(cuts.map((cut) => cut % (octets.length + 1)))]
    .filter((cut) => cut > 0 && cut < octets.length)
    .sort((a, b) => a - b);
  return [0, ...places].map((from, at) => octets.slice(from, places[at] ?? octets.length));
}

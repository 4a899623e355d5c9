import { type Reply, reply, type ServerConfig } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { CheckedReply } from "../../packages/core/src/reply.ts";
import * as replies from "../../packages/core/src/server/replies.ts";
import { accept, Client, ehlo, mail, rcpt } from "../dialogues/client.ts";

const submission: Partial<ServerConfig> = {
  service: "submission",
  mechanisms: ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN"],
  authRequired: false,
  extensions: { burl: { urls: ["imap"] } },
};
const auth: Partial<ServerConfig> = { mechanisms: ["SCRAM-SHA-256", "CRAM-MD5", "PLAIN"] };
const trusting: Partial<ServerConfig> = { extensions: { xclient: { trusted: ["192.0.2.1"] } } };
const relaying: Partial<ServerConfig> = { extensions: { xforward: { trusted: ["192.0.2.1"] } } };
const releasing: Partial<ServerConfig> = {
  ...submission,
  extensions: { futurerelease: { maximumInterval: 60, maximumTime: "2027-01-01T00:00:00Z" } },
};
const prdr: Partial<ServerConfig> = { extensions: { prdr: true } };
const toPrdr = "MAIL FROM:<> PRDR\r\nRCPT TO:<b@example.com>\r\nRCPT TO:<c@example.com>\r\nBDAT 0 LAST\r\n";
const open = ehlo + mail + rcpt;

/** What the server says by itself: to a client that has said the first, and now the second. */
const table: readonly (readonly [string, Partial<ServerConfig>, string, string, string])[] = [
  ["S-EHLO-05", {}, "", "HELO a.example", "250 mx.example.com"],
  ["R-ENH-01", {}, ehlo, "MAIL FROM:<a@example.net>", "250 2.1.0 Sender ok"],
  ["S-RCPT-06", {}, ehlo + mail, "RCPT TO:<b@example.com>", "250 2.1.5 Recipient ok"],
  ["S-DATA-01", {}, open, "DATA", "354 Start mail input; end with <CRLF>.<CRLF>"],
  ["S-NOOP-01", {}, "", "NOOP", "250 2.0.0 OK"],
  ["S-RSET-01", {}, open, "RSET", "250 2.0.0 OK"],
  ["S-QUIT-01", {}, open, "QUIT", "221 2.0.0 mx.example.com closing"],
  ["S-VRFY-02", {}, "", "VRFY x", "252 2.0.0 Cannot VRFY user, but will accept message and attempt delivery"],
  [
    "S-EXPN-01",
    { extensions: { expn: true } },
    "",
    "EXPN x",
    "252 2.0.0 Cannot expand, but will accept message and attempt delivery",
  ],
  [
    "X-ETRN-02",
    { extensions: { etrn: true } },
    ehlo,
    "ETRN x",
    "458 4.3.0 Unable to queue messages for node",
  ],
  ["X-BURL-02", submission, ehlo, "BURL imap://a.example/x", "503 5.5.0 No valid recipients"],
  [
    "X-BURL-02",
    submission,
    "HELO a.example\r\n",
    "BURL imap://a.example/x",
    "503 5.5.1 Bad sequence of commands",
  ],
  ["X-BURL-02", submission, "", "BURL imap://a.example/x", "503 5.5.1 Bad sequence of commands"],
  [
    "X-BURL-05",
    submission,
    open,
    "BURL http://a.example/x",
    "554 5.7.14 No trust relationship with that server",
  ],
  ["X-BURL-02", submission, open, "BURL imap://a.example/x", "451 4.4.1 Cannot fetch that now"],
  ["X-SUB-02", submission, ehlo, "MAIL FROM:<a@b>", "554 5.1.8 Sender's domain must be complete"],
  ["X-SUB-02", submission, ehlo + mail, "RCPT TO:<a@b>", "554 5.1.2 Recipient's domain must be complete"],
  ["X-SUB-02", submission, ehlo + mail, "RCPT TO:<a@b.c>", "250 2.1.5 Recipient ok"],
  ["X-SUB-02", submission, ehlo + mail, "RCPT TO:<a@[192.0.2.1]>", "250 2.1.5 Recipient ok"],
  ["X-SUB-02", submission, ehlo + mail, "RCPT TO:<Postmaster>", "250 2.1.5 Recipient ok"],
  ["X-SUB-02", {}, ehlo + mail, "RCPT TO:<a@b>", "250 2.1.5 Recipient ok"],
  [
    "X-LIM-01",
    { limits: { recipientDomains: 1 } },
    open,
    "RCPT TO:<b@example.org>",
    "452 4.5.3 Too many domains in this session",
  ],
  ["S-LINE-13", {}, "", "FOO", "500 5.5.2 Command not recognized"],
  ["S-LINE-10", {}, "", "NOOP\0", "500 5.5.2 Command not recognized"],
  ["S-LINE-09", {}, "", "NOOP \xff", "500 5.5.2 Command not recognized"],
  ["S-LINE-09", {}, "", "HELP \xff", "500 5.5.2 Command not recognized"],
  ["S-EHLO-17", {}, "", "LHLO a.example", "500 Command not recognized"],
  ["S-EHLO-17", { protocol: "lmtp" }, "", "EHLO a.example", "500 Command not recognized"],
  ["S-EHLO-17", { protocol: "lmtp" }, "", "HELO a.example", "500 Command not recognized"],
  ["S-LINE-11", {}, "", `NOOP ${"x".repeat(5000)}`, "500 5.5.2 Line too long"],
  ["S-OLD-01", {}, "", "TURN", "502 5.5.1 Command not implemented"],
  ["S-OLD-01", {}, "", "SEND FROM:<a@example.net>", "502 5.5.1 Command not implemented"],
  ["S-OLD-01", {}, "", "SOML FROM:<a@example.net>", "502 5.5.1 Command not implemented"],
  ["S-OLD-01", {}, "", "SAML FROM:<a@example.net>", "502 5.5.1 Command not implemented"],
  ["S-LINE-14", {}, ehlo, "ETRN x", "502 5.5.1 Command not implemented"],
  ["S-SEQ-01", {}, ehlo, "DATA", "503 5.5.1 Bad sequence of commands"],
  ["S-HELP-01", {}, "", "HELP FOO", "504 5.5.4 No help for that"],
  ["S-HELP-01", {}, "", "HELP noop", "214 2.0.0 Syntax: NOOP"],
  ["T-TLS-08", { tls: "required" }, ehlo, mail, "530 5.7.0 Must issue a STARTTLS command first"],
  ["T-TLS-08", { tls: "required" }, ehlo, "BDAT 0", "530 5.7.0 Must issue a STARTTLS command first"],
  ["R-ENH-08", { tls: "offered" }, ehlo, "STARTTLS", "220 2.0.0 Ready to start TLS"],
  ["A-AUTH-15", { ...auth, authRequired: true }, ehlo, mail, "530 5.7.0 Authentication required"],
  ["A-AUTH-12", auth, ehlo, "AUTH SCRAM-SHA-256 AAAA", "454 4.7.0 Temporary authentication failure"],
  ["A-AUTH-06", auth, `${ehlo}AUTH SCRAM-SHA-256\r\n`, "*", "501 5.7.0 Authentication cancelled"],
  ["A-AUTH-07", auth, `${ehlo}AUTH SCRAM-SHA-256\r\n`, "!", "501 5.5.2 Cannot decode response"],
  ["A-AUTH-07", auth, `${ehlo}AUTH SCRAM-SHA-256\r\n`, "+", "501 5.5.2 Cannot decode response"],
  ["A-AUTH-07", auth, `${ehlo}AUTH SCRAM-SHA-256\r\n`, "**", "501 5.5.2 Cannot decode response"],
  ["A-AUTH-07", auth, `${ehlo}AUTH SCRAM-SHA-256\r\n`, "", "454 4.7.0 Temporary authentication failure"],
  [
    "A-AUTH-08",
    auth,
    `${ehlo}AUTH SCRAM-SHA-256\r\n`,
    "A".repeat(12_300),
    "500 5.5.6 Authentication exchange line is too long",
  ],
  ["A-AUTH-03", auth, ehlo, "AUTH X", "504 5.5.4 Unrecognized authentication type"],
  ["A-AUTH-01", auth, ehlo, "AUTH PLAIN AAAA", "504 5.5.4 Unrecognized authentication type"],
  [
    "A-AUTH-04",
    auth,
    ehlo,
    "AUTH CRAM-MD5 AAAA",
    "501 5.7.0 Initial response not allowed with this mechanism",
  ],
  ["A-AUTH-05 R-FMT-03", auth, ehlo, "AUTH SCRAM-SHA-256", "334 "],
  [
    "X-SIZE-03",
    {},
    ehlo,
    "MAIL FROM:<> SIZE=26214401",
    "552 5.3.4 Message size exceeds fixed maximum message size",
  ],
  ["X-SIZE-03", {}, ehlo, "MAIL FROM:<> SIZE=26214400", "250 2.1.0 Sender ok"],
  ["X-FUT-03", releasing, ehlo, "MAIL FROM:<> HOLDFOR=5", "501 5.5.4 Bad release time"],
  ["X-FUT-03", releasing, ehlo, "MAIL FROM:<a@example.net> HOLDFOR=5", "250 2.1.0 Sender ok"],
  [
    "S-DATA-15",
    { limits: { textLine: 998 } },
    `${open}DATA\r\n`,
    `${"x".repeat(999)}\r\n.`,
    "554 5.6.0 Line too long",
  ],
  ["SEC-EOD-02", {}, `${open}DATA\r\n`, "a\nb\r\n.", "550 5.5.2 Bare LF received"],
  ["SEC-EOD-02", {}, `${open}DATA\r\n`, "a\rb\r\n.", "550 5.5.2 Bare CR received"],
  [
    "S-SIZE-02",
    { limits: { message: 65_536 } },
    `${open}DATA\r\n`,
    `${"x".repeat(65_537)}\r\n.`,
    "552 5.3.4 Message too big",
  ],
  ["S-DATA-07", {}, `${open}DATA\r\n`, ".", "451 4.3.0 Local error in processing"],
  ["S-BDAT-04", {}, open, "BDAT 0", "250 2.0.0 0 octets received"],
  ["T-TLS-04", { tls: "offered" }, ehlo, "STARTTLS\r\nNOOP", "554 5.5.0 Protocol synchronization error"],
  ["X-PIPE-15", { strictPipelining: true }, ehlo, "NOOP\r\nNOOP", "554 5.5.0 Protocol synchronization error"],
  ["S-DATA-07", prdr, ehlo, toPrdr, "451 4.3.0 Local error in processing"],
  ["X-XFW-01", relaying, ehlo, "XFORWARD NAME=a", "550 5.7.0 You are not authorized to say this"],
  ["X-XCL-01", trusting, ehlo, "XCLIENT NAME=a", "550 5.7.0 You are not authorized to say this"],
  [
    "X-ATRN-02",
    { mechanisms: ["CRAM-MD5"], service: "on-demand" },
    ehlo,
    "ATRN",
    "530 5.7.0 Authentication required",
  ],
  [
    "S-OLD-03",
    { hostileVerbs: ["GET"] },
    "",
    "GET /",
    "421 4.7.0 mx.example.com This is not what you are looking for",
  ],
  ["S-BDAT-12", {}, open, "BDAT x", "421 4.7.0 mx.example.com Cannot tell where the chunk ends, closing"],
  ["S-LINE-18", { limits: { errors: 1 } }, "FOO\r\n", "FOO", "421 4.7.0 mx.example.com Too many errors"],
  [
    "S-LINE-18",
    { limits: { idleCommands: 1 } },
    "NOOP\r\n",
    "NOOP",
    "421 4.7.0 mx.example.com Too many commands without mail",
  ],
  [
    "SEC-DOS-01",
    { limits: { transactions: 1 } },
    `${ehlo}${mail}RSET\r\n`,
    mail,
    "421 4.7.0 mx.example.com Too many transactions",
  ],
];

test("R-ENH-02 R-ENH-05 the replies that are made beforehand", () => {
  const made = Object.values(replies).filter((each) => each instanceof CheckedReply);
  const lines = made.map(({ code, enhanced, lines }) => `${code} ${enhanced} ${lines.join("|")}`);
  expect(lines.sort()).toEqual(
    [
      "220 2.0.0 Ready to start TLS",
      "250 2.0.0 OK",
      "250 2.1.0 Sender ok",
      "250 2.1.5 Recipient ok",
      "250 null ",
      "252 2.0.0 Cannot VRFY user, but will accept message and attempt delivery",
      "252 2.0.0 Cannot expand, but will accept message and attempt delivery",
      "334 null ",
      "353 null Content analysis has started",
      "354 null Start mail input; end with <CRLF>.<CRLF>",
      "450 4.2.0 No recipient takes it now",
      "450 4.7.0 ATRN request refused",
      "451 4.3.0 Local error in processing",
      "451 4.4.1 Cannot fetch that now",
      "452 4.5.3 Too many domains in this session",
      "452 4.5.3 Too many recipients",
      "454 4.7.0 Temporary authentication failure",
      "458 4.3.0 Unable to queue messages for node",
      "500 5.5.2 Command not recognized",
      "500 5.5.2 Line too long",
      "500 5.5.6 Authentication exchange line is too long",
      "500 null Command not recognized",
      "501 5.5.2 Cannot decode response",
      "501 5.7.0 Authentication cancelled",
      "501 5.7.0 Initial response not allowed with this mechanism",
      "502 5.5.1 Command not implemented",
      "503 5.5.0 No valid recipients",
      "503 5.5.1 Bad sequence of commands",
      "504 5.5.4 No help for that",
      "504 5.5.4 Unrecognized authentication type",
      "530 5.7.0 Authentication required",
      "530 5.7.0 Must issue a STARTTLS command first",
      "550 5.2.0 No recipient takes it",
      "550 5.5.2 Bare CR received",
      "550 5.5.2 Bare LF received",
      "550 5.7.0 You are not authorized to say this",
      "552 5.3.4 Message size exceeds fixed maximum message size",
      "552 5.3.4 Message too big",
      "554 5.1.2 Recipient's domain must be complete",
      "554 5.1.8 Sender's domain must be complete",
      "554 5.5.0 Protocol synchronization error",
      "554 5.5.1 No valid recipients",
      "554 5.6.0 Line too long",
      "554 5.7.0 Command refused due to lack of security",
      "554 5.7.14 No trust relationship with that server",
    ].sort(),
  );
  const named = (text: string) => replies.withName("mx.example", reply(220, text)).lines[0];
  expect(["", " ", "a", " a ", "mx.example", "mx.example a", "mx.examples"].map(named)).toEqual([
    "mx.example",
    "mx.example",
    "mx.example a",
    "mx.example  a",
    "mx.example",
    "mx.example a",
    "mx.example mx.examples",
  ]);
});

/** The default answers, as of a session without an application. */
const byDefault = () => undefined;

describe("what the server says by itself, word for word", () => {
  test.each(table)("%s (%j) %j, %j: %s", (_, config, before, line, expected) => {
    const client = new Client(config, byDefault);
    client.say(before);
    const said = client.say(line.endsWith("\r\n") ? line : `${line}\r\n`);
    const [last] = said.split("\r\n").slice(-2);
    expect(last).toBe(expected);
  });

  const lines = (client: Client, octets: string) => client.say(octets).split("\r\n").slice(0, -1);

  test("S-EHLO-04 to EHLO its name, then what it offers", () => {
    expect(lines(new Client({}, byDefault), ehlo)).toEqual([
      "250-mx.example.com",
      "250-PIPELINING",
      "250-SIZE 26214400",
      "250-8BITMIME",
      "250-ENHANCEDSTATUSCODES",
      "250-CHUNKING",
      "250 HELP",
    ]);
    const welcome = new Client({ extensions: { help: false } }, ({ type }) =>
      type === "hello" ? reply(250, "hello there") : undefined,
    );
    expect(lines(welcome, ehlo)[0]).toBe("250-mx.example.com hello there");
    expect(lines(welcome, "HELO a.example\r\n")).toEqual(["250 mx.example.com hello there"]);
  });

  test("S-DATA-05 M-LMTP-03 to DATA behind recipients that were all refused: 554, in LMTP 503", () => {
    const refuse = ({ type }: { type: string }) => (type === "rcpt" ? reply(550, "5.1.1", "No") : undefined);
    expect(lines(new Client({}, refuse), `${open}DATA\r\n`).at(-1)).toBe("554 5.5.1 No valid recipients");
    expect(lines(new Client({}, refuse), `${open}BDAT 0\r\n`).at(-1)).toBe("554 5.5.1 No valid recipients");
    const helo = `HELO a.example\r\n${mail}${rcpt}`;
    expect(lines(new Client({}, refuse), `${helo}DATA\r\n`).at(-1)).toBe("554 5.5.1 No valid recipients");
    expect(lines(new Client({}, refuse), `${helo}BDAT 0\r\n`).at(-1)).toBe(
      "503 5.5.1 Bad sequence of commands",
    );
    const lmtp = new Client({ protocol: "lmtp" }, refuse);
    expect(lines(lmtp, `LHLO a.example\r\n${mail}${rcpt}DATA\r\n`).at(-1)).toBe(
      "503 5.5.1 Bad sequence of commands",
    );
    const binary = new Client({ extensions: { binarymime: true } }, refuse);
    expect(lines(binary, `${ehlo}MAIL FROM:<> BODY=BINARYMIME\r\n${rcpt}DATA\r\n`).at(-1)).toBe(
      "503 5.5.1 Bad sequence of commands",
    );
    expect(binary.of("violation").at(-1)?.rule).toBe("S-SEQ-01");
    expect(lines(binary, "BDAT 0\r\n").at(-1)).toBe("554 5.5.1 No valid recipients");
    expect(binary.of("violation").at(-1)?.rule).toBe("S-DATA-05");
    const accepted = new Client({ extensions: { binarymime: true } }, byDefault);
    expect(lines(accepted, `${ehlo}MAIL FROM:<> BODY=BINARYMIME\r\n${rcpt}DATA\r\n`).at(-1)).toBe(
      "503 5.5.1 Bad sequence of commands",
    );
    expect(accepted.of("violation").at(-1)?.rule).toBe("S-BIN-02");
  });

  test("X-ATRN-02 to ATRN by default that it cannot now", () => {
    const client = new Client({ mechanisms: ["CRAM-MD5"], service: "on-demand" }, ({ type }) =>
      type === "auth" ? reply(235, "2.7.0", "OK") : undefined,
    );
    expect(lines(client, `${ehlo}AUTH CRAM-MD5\r\nATRN\r\n`).at(-1)).toBe("450 4.7.0 ATRN request refused");
  });

  test("R-ENH-01 under PRDR that the content is looked at, then each verdict, then one for the whole", () => {
    const verdicts = (...codes: number[]): readonly Reply[] =>
      codes.map((code) => reply(code, `${Math.trunc(code / 100)}.0.0`, "x"));
    for (const [codes, last] of [
      [[250, 550], "250 2.0.0 OK"],
      [[550, 250], "250 2.0.0 OK"],
      [[450, 250], "250 2.0.0 OK"],
      [[450, 550], "450 4.2.0 No recipient takes it now"],
      [[550, 450], "450 4.2.0 No recipient takes it now"],
      [[550, 554], "550 5.2.0 No recipient takes it"],
    ] as const) {
      const client = new Client(prdr, ({ type }) => (type === "message" ? verdicts(...codes) : undefined));
      client.say(ehlo);
      expect(lines(client, toPrdr).slice(3)).toEqual([
        "353 Content analysis has started",
        ...codes.map((code) => `${code} ${Math.trunc(code / 100)}.0.0 x`),
        last,
      ]);
      expect(client.session.transaction).toBe("none");
    }
  });

  test("S-SES-10 under PRDR 421 ends the session, for one and for all, with nothing before it for all", () => {
    const gone = reply(421, "4.3.2", "Gone");
    const all = new Client(prdr, ({ type }) => (type === "message" ? gone : undefined));
    expect(lines(all, ehlo + toPrdr).slice(-1)).toEqual(["421 4.3.2 mx.example.com Gone"]);
    expect(
      lines(new Client(prdr, ({ type }) => (type === "message" ? gone : undefined)), ehlo + toPrdr),
    ).not.toContain("353 Content analysis has started");
    expect([all.closed, all.of("reset").map(({ cause }) => cause)]).toEqual(["refused", ["closed"]]);
    const one = new Client(prdr, ({ type }) => (type === "message" ? [gone, reply(250, "x")] : undefined));
    expect(lines(one, ehlo + toPrdr).slice(-2)).toEqual([
      "250 2.1.5 Recipient ok",
      "421 4.3.2 mx.example.com Gone",
    ]);
    expect(one.closed).toBe("refused");
  });

  test("T-TLS-07 inside TLS that is too weak, and after a greeting that refuses", () => {
    const weak = new Client({ tls: "implicit" }, byDefault);
    expect(weak.tlsUp({ sufficient: false })).toBe("220 mx.example.com ESMTP\r\n");
    for (const line of ["NOOP", "MAIL FROM:<>", "QUIT x", "BDAT 0", "BDAT 0 LAST"])
      expect(lines(weak, `${line}\r\n`)).toEqual(["554 5.7.0 Command refused due to lack of security"]);
    expect(weak.of("violation").map(({ rule }) => rule)).toEqual(Array(5).fill("T-TLS-07"));
    expect(lines(weak, "QUIT \r\n")).toEqual(["221 2.0.0 mx.example.com closing"]);
    const refused = new Client({}, ({ type }) => (type === "connect" ? reply(554, "No") : undefined));
    for (const line of ["NOOP", "MAIL FROM:<>", "QUIT x", "BDAT 0", "BDAT 0 LAST"])
      expect(lines(refused, `${line}\r\n`)).toEqual(["503 5.5.1 Bad sequence of commands"]);
    expect(refused.of("violation").map(({ rule }) => rule)).toEqual(Array(5).fill("S-SES-04"));
  });

  test("S-SES-01 S-SES-06 S-SES-10 its name is the first word of 220 and 421, once, and nothing stands behind it alone", () => {
    const greeted = (text: string | string[], code = 220) =>
      new Client({}, ({ type }) => (type === "connect" ? reply(code, text) : undefined)).sent;
    expect(greeted("")).toBe("220 mx.example.com\r\n");
    expect(greeted("  ")).toBe("220 mx.example.com\r\n");
    expect(greeted(" a ")).toBe("220 mx.example.com  a\r\n");
    expect(greeted("mx.example.com")).toBe("220 mx.example.com\r\n");
    expect(greeted("mx.example.com a")).toBe("220 mx.example.com a\r\n");
    expect(greeted("mx.example.comet")).toBe("220 mx.example.com mx.example.comet\r\n");
    expect(greeted(["a", "b"])).toBe("220-mx.example.com a\r\n220 b\r\n");
    expect(greeted("a", 554)).toBe("554 mx.example.com a\r\n");
    expect(greeted("a", 450)).toBe("450 mx.example.com a\r\n");
    expect(greeted("a", 521)).toBe("521 mx.example.com a\r\n");
    expect(greeted("a", 421)).toBe("421 mx.example.com a\r\n");
    const late = new Client({}, ({ type }) =>
      type === "mail" ? reply(421, "4.3.2", ["Gone", "b"]) : undefined,
    );
    expect(lines(late, ehlo + mail).slice(-2)).toEqual(["421-4.3.2 mx.example.com Gone", "421 4.3.2 b"]);
    const told = new Client({}, ({ type }) => (type === "mail" ? reply(550, "5.7.1", "No") : undefined));
    expect(lines(told, ehlo + mail).at(-1)).toBe("550 5.7.1 No");
  });

  test("L-TIME-12 S-SES-11 SEC-DOS-05 A-AUTH-14 and at the end of what it bears", () => {
    const timed = new Client({}, byDefault);
    expect(timed.wait(300_000)).toBe("421 4.4.2 mx.example.com Timeout, closing transmission channel\r\n");
    const shut = new Client({}, byDefault);
    shut.session.shutdown();
    shut.drain();
    expect(shut.sent.split("\r\n").at(-2)).toBe(
      "421 4.3.2 mx.example.com Service not available, closing transmission channel",
    );
    const early = new Client({ timers: { greetingDelay: 10 } }, byDefault);
    early.session.shutdown("now");
    early.drain();
    expect(early.sent).toBe("421 mx.example.com Service not available, closing transmission channel\r\n");
    const refusing = new Client({ limits: { refusedRecipients: 1 } }, ({ type }) =>
      type === "rcpt" ? reply(550, "5.1.1", "No") : undefined,
    );
    expect(lines(refusing, open + rcpt).slice(-2)).toEqual([
      "550 5.1.1 No",
      "421 4.7.0 mx.example.com Too many recipients refused",
    ]);
    expect([refusing.of("violation").at(-1)?.rule, refusing.closed]).toEqual(["SEC-DOS-05", "abuse"]);
    const guessing = new Client({ ...auth, limits: { authFailures: 3 } }, ({ type }) =>
      type === "auth" ? reply(535, "5.7.8", "No") : undefined,
    );
    expect(lines(guessing, ehlo + "AUTH SCRAM-SHA-256 AAAA\r\n".repeat(4)).slice(-2)).toEqual([
      "535 5.7.8 No",
      "421 4.7.0 mx.example.com Too many failed authentications",
    ]);
    expect([guessing.of("violation").at(-1)?.rule, guessing.closed]).toEqual(["A-AUTH-14", "abuse"]);
  });

  test("R-ENH-01 no enhanced codes where they are not offered", () => {
    const bare = new Client({ extensions: { enhancedStatusCodes: false } }, accept);
    expect(lines(bare, `${mail}NOOP\r\nFOO\r\nQUIT\r\n`)).toEqual([
      "503 Bad sequence of commands",
      "250 OK",
      "500 Command not recognized",
      "221 mx.example.com closing",
    ]);
  });
});

import { type Reply, reply, type ServerConfig, type ServerEvent, ServerSession } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { endsOf } from "../../packages/core/src/server/record.ts";
import {
  accept,
  Client,
  type Decision,
  ehlo,
  frozen,
  mail,
  type Question,
  rcpt,
} from "../dialogues/client.ts";
import { after, polled, short } from "./polling.ts";

const open = ehlo + mail + rcpt;
const burl: Partial<ServerConfig> = {
  service: "submission",
  mechanisms: ["SCRAM-SHA-256"],
  authRequired: false,
  extensions: { burl: { urls: ["imap"] }, prdr: true },
};
const xclient: Partial<ServerConfig> = {
  extensions: { xclient: { trusted: ["192.0.2.1"] }, xforward: { trusted: ["192.0.2.1"] } },
};
const taking = (question: Question): Decision =>
  question.type === "burl" ? reply(250, "2.5.0", "Fetched") : accept(question);

describe("a reply that does not end a group leaves with the next", () => {
  test.each<[string, string, Partial<ServerConfig>, string, string, string]>([
    ["S-MAIL-03", "MAIL refused by the grammar", {}, ehlo, "MAIL FROM:<a@>", "501"],
    ["X-SIZE-03", "MAIL too big", {}, ehlo, "MAIL FROM:<> SIZE=99999999", "552"],
    [
      "X-DBY-03",
      "MAIL whose parameters do not go together",
      { extensions: { deliverby: { minimum: 9 } } },
      ehlo,
      "MAIL FROM:<> BY=1;R",
      "555",
    ],
    ["X-SUB-02", "MAIL incomplete", burl, ehlo, "MAIL FROM:<a@b>", "554"],
    ["S-SEQ-01", "MAIL out of order", {}, ehlo + mail, "MAIL FROM:<>", "503"],
    ["T-TLS-08", "MAIL before TLS", { tls: "required" }, ehlo, "MAIL FROM:<>", "530"],
    ["S-RCPT-04", "RCPT refused by the grammar", {}, ehlo + mail, "RCPT TO:<>", "501"],
    ["X-SUB-02", "RCPT incomplete", burl, ehlo + mail, "RCPT TO:<a@b>", "554"],
    ["X-LIM-01", "a domain too many", { limits: { recipientDomains: 1 } }, open, "RCPT TO:<a@c.d>", "452"],
    ["S-RCPT-02", "RCPT out of order", {}, ehlo, "RCPT TO:<a@c.d>", "503"],
    ["S-RSET-02", "RSET with an argument", {}, ehlo, "RSET x", "501"],
    ["S-RSET-01", "RSET", {}, ehlo, "RSET", "250"],
    ["X-BURL-02", "BURL out of order", burl, ehlo, "BURL imap://a.example/x", "503"],
    ["X-BURL-02", "BURL refused by the grammar", burl, open, "BURL", "501"],
    ["X-BURL-05", "BURL not trusted", burl, open, "BURL http://a.example/x", "554"],
    ["X-XCL-03", "XCLIENT refused by the grammar", xclient, ehlo, "XCLIENT X=y", "501"],
    ["X-XCL-03", "XCLIENT in a transaction", xclient, ehlo + mail, "XCLIENT NAME=y", "503"],
    ["X-XFW-04", "XFORWARD refused by the grammar", xclient, ehlo, "XFORWARD NAME=(", "501"],
    ["X-XFW-02", "XFORWARD", xclient, ehlo, "XFORWARD NAME=y", "250"],
    ["S-BDAT-07", "BDAT out of order", {}, ehlo, "BDAT 0", "503"],
    ["S-BDAT-04", "BDAT", {}, open, "BDAT 0", "250"],
  ])("X-PIPE-08 X-PIPE-12 %s %s", (_, __, config, before, line, code) => {
    expect(
      after(config, before, taking)
        .then(`${line}\r\nNOOP\r\n`)
        .filter((each) => /^\d/.test(each)),
    ).toEqual([`${code} 250`]);
  });

  test.each<[string, string, Partial<ServerConfig>, string, string, string]>([
    ["S-EHLO-09", "EHLO without a name", {}, ehlo, "EHLO", "501"],
    ["S-DATA-05", "DATA out of order", {}, ehlo, "DATA", "503"],
    ["S-DATA-01", "DATA with an argument", {}, open, "DATA x", "501"],
    ["S-NOOP-01", "NOOP", {}, ehlo, "NOOP", "250"],
    ["S-VRFY-01", "VRFY without an argument", {}, ehlo, "VRFY", "501"],
    ["S-LINE-13", "an unknown verb", {}, ehlo, "FOO", "500"],
    ["S-LINE-11", "a line too long", {}, ehlo, `FOO ${"x".repeat(5000)}`, "500"],
    ["S-LINE-10", "a control octet", {}, ehlo, "NOOP\0", "500"],
    ["S-LINE-15", "an empty line", {}, ehlo, "", "500"],
    ["S-OLD-01", "TURN", {}, ehlo, "TURN", "502"],
    ["A-AUTH-03", "AUTH without a mechanism", { mechanisms: ["PLAIN"] }, ehlo, "AUTH", "501"],
    ["T-TLS-02", "STARTTLS with an argument", { tls: "offered" }, ehlo, "STARTTLS x", "501"],
    ["X-ETRN-02", "ETRN without an argument", { extensions: { etrn: true } }, ehlo, "ETRN", "501"],
  ])("X-PIPE-11 one that ends it leaves at once: %s %s", (_, __, config, before, line, code) => {
    expect(
      after(config, before)
        .then(`${line}\r\nNOOP\r\n`)
        .filter((each) => /^\d/.test(each)),
    ).toEqual([code, "250"]);
  });

  test("X-PIPE-11 S-EHLO-09 A-AUTH-12 so does one with which the application refuses what ends a group", () => {
    const no = (type: Question["type"]) => (question: Question) =>
      question.type === type ? reply(550, "5.7.1", "No") : accept(question);
    for (const [type, line, config] of [
      ["hello", "EHLO a.example", {}],
      ["data", "DATA", {}],
      ["auth", "AUTH SCRAM-SHA-1 AAAA", { mechanisms: ["SCRAM-SHA-1"] }],
      ["command", "VRFY x", {}],
      ["command", "ETRN x", { extensions: { etrn: true } }],
    ] as const) {
      const before = type === "data" ? open : ehlo;
      const { session, then } = after(config, before);
      session.receive(Buffer.from(`${line}\r\nNOOP\r\n`));
      const codes = polled(session, no(type)).filter((each) => /^\d/.test(each));
      expect([line, codes]).toEqual([line, ["550", "250"]]);
      expect(then("NOOP\r\n")).toEqual(["250"]);
    }
  });
});

describe("commands behind a refused one that began a group", () => {
  const group = `${rcpt}${rcpt}DATA\r\nBDAT 0\r\n`;

  test.each<[string, string, Partial<ServerConfig>, string]>([
    ["X-SIZE-03", "MAIL too big", {}, "MAIL FROM:<> SIZE=99999999"],
    ["S-MAIL-03", "MAIL refused by the grammar", {}, "MAIL FROM:<a@>"],
    ["X-SUB-02", "MAIL incomplete", burl, "MAIL FROM:<a@b>"],
    ["S-PARM-02", "MAIL with what is not offered", {}, "MAIL FROM:<> RET=FULL"],
    ["S-LINE-10", "MAIL with a control octet", {}, "MAIL FROM:<\x07>"],
  ])("X-PIPE-16 S-LINE-18 are no errors: %s %s", (_, __, config, line) => {
    const { session, then } = after({ ...config, limits: { errors: 2 } }, ehlo);
    // BDAT is answered for itself.
    const said = then(`${line}\r\n${group}`).filter((each) => /^\d/.test(each));
    expect(said.join(" ")).toMatch(/^5\d\d 503 503 503 503$/);
    expect(session.phase).toBe("ready");
  });

  test("X-PIPE-16 S-LINE-18 but those are which no refusal went before, or another command came between", () => {
    expect(after({ limits: { errors: 2 } }, ehlo).then(`${rcpt}${rcpt}${rcpt}`)).toContain("close abuse");
    expect(after({ limits: { errors: 2 } }, ehlo).then("MAIL FROM:<a@>\r\nFOO\r\nFOO\r\n")).toContain(
      "close abuse",
    );
    expect(after({ limits: { errors: 2 } }, ehlo).then("MAIL FROM:<a@>\r\nVRFY\r\nVRFY\r\n")).toContain(
      "close abuse",
    );
    const { then } = after({ limits: { errors: 2 } }, ehlo + mail);
    // A MAIL within a transaction begins none.
    expect(then(`${mail}DATA\r\n${mail}`)).toContain("close abuse");
  });

  test("S-DATA-05 a MAIL refused within a transaction is no recipient that was refused", () => {
    for (const line of ["MAIL FROM:<>", "MAIL FROM:<\x07>", `MAIL FROM:<${"x".repeat(5000)}>`]) {
      const { then } = after({}, ehlo + mail);
      then(`${line}\r\n`);
      expect([line.slice(0, 20), then("DATA\r\n")]).toEqual([line.slice(0, 20), ["S-SEQ-01", "503"]]);
    }
  });

  test("L-EXC-03 S-LINE-18 recipients too many are no errors, as many as may be refused", () => {
    const { then, session } = after(
      { limits: { recipientDomains: 1, errors: 1, refusedRecipients: 3 } },
      open,
    );
    expect(then("RCPT TO:<a@c.d>\r\n".repeat(3)).filter((each) => /^\d/.test(each))).toEqual(["452 452 452"]);
    expect(then("RCPT TO:<a@c.d>\r\n")).toContain("452");
    expect(then("RCPT TO:<a@c.d>\r\n").at(-1)).toBe("close abuse");
    expect(session.phase).toBe("closed");
  });
});

describe("the order in which things are told", () => {
  const gone = reply(421, "4.3.2", "Gone");

  test("G4 G10 S-SES-10 a transaction that 421 ends is reset before it is said, whatever was asked", () => {
    for (const type of ["rcpt", "data", "message"] as const) {
      const { session } = after({}, ehlo + mail);
      session.receive(Buffer.from(`${rcpt}DATA\r\n`));
      const decide = (question: Question) => (question.type === type ? gone : accept(question));
      const first = polled(session, decide);
      const all = session.phase === "closed" ? first : [...first, ...receiveAnd(session, ".\r\n", decide)];
      expect([type, all.at(-3), all.at(-1)]).toEqual([type, "reset closed", "close refused"]);
      expect(all.at(-2)).toMatch(/421$/);
    }
    const lmtp = after({ protocol: "lmtp" }, `LHLO a.example\r\n${mail}${rcpt}${rcpt}DATA\r\n`, ({ type }) =>
      type === "message" ? [reply(250, "2.0.0", "OK"), gone] : undefined,
    );
    expect(lmtp.then(".\r\nNOOP\r\n")).toEqual(["message", "reset closed", "250 421", "close refused"]);
    for (const decision of [gone, [gone, gone], [reply(250, "2.0.0", "OK"), gone]] as const) {
      const prdr = after(burl, `${ehlo}MAIL FROM:<> PRDR\r\n${rcpt}${rcpt}`, ({ type }) =>
        type === "message" ? (decision as Reply) : undefined,
      );
      const said = prdr.then("BDAT 0 LAST\r\nNOOP\r\n");
      expect(said.slice(0, 2)).toEqual(["message", "reset closed"]);
      expect(said.slice(-1)).toEqual(["close refused"]);
    }
  });

  test("G4 S-QUIT-01 L-TIME-12 S-SES-12 S-SES-11 a transaction is reset before the last reply, with its cause", () => {
    const { then } = after({}, open);
    expect(then("QUIT\r\n")).toEqual(["reset quit", "221", "close quit"]);
    const ended = after({}, open).session;
    ended.receiveEnd();
    expect(polled(ended)).toEqual(["reset end", "close end"]);
    const lost = after({}, open).session;
    lost.lost();
    expect(polled(lost)).toEqual(["reset lost", "close lost"]);
    const timed = after({}, open).session;
    timed.advance(300_000);
    expect(polled(timed)).toEqual(["reset timeout", "421", "close timeout"]);
    const shut = after({}, open).session;
    shut.shutdown("now");
    expect(polled(shut)).toEqual(["reset closed", "421", "close shutdown"]);
    const abused = after({ hostileVerbs: ["GET"] }, open);
    expect(abused.then("GET /\r\n")).toEqual(["S-OLD-03", "reset closed", "421", "close abuse"]);
    expect(after({}, open).then("BDAT x\r\n")).toEqual([
      "S-BDAT-12",
      "reset closed",
      "421",
      "close protocol",
    ]);
    expect(after({}, open).then("RSET\r\n")).toEqual(["reset rset", "250"]);
    expect(after({}, open).then(ehlo)).toEqual(["hello", "reset hello", "250"]);
    expect(after({}, ehlo).then("RSET\r\n")).toEqual(["250"]);
  });

  test("S-SES-14 G4 what the session closes for stays so, whatever happens before it is closed", () => {
    const happenings: ((session: ServerSession) => void)[] = [
      (session) => session.lost(),
      (session) => session.receiveEnd(),
      (session) => session.shutdown("now"),
      (session) => session.advance(1e9),
      (session) => session.receive(Buffer.from("NOOP\r\n")),
    ];
    for (const [at, happens] of happenings.entries()) {
      const { session } = after({}, open);
      session.receive(Buffer.from("QUIT\r\n"));
      expect(short(session.poll() as ServerEvent)).toBe("reset quit");
      expect(session.phase).toBe("closing");
      happens(session);
      // What is lost cannot be told anything any more.
      expect([at, polled(session)]).toEqual([at, at === 0 ? ["close quit"] : ["221", "close quit"]]);
      expect([session.waiting, session.deadline, session.wantsInput]).toEqual(["closed", null, false]);
      happens(session);
      expect(session.poll()).toBeNull();
    }
  });

  test("S-SES-14 SEC-DOS-01 a session that is over takes octets, and holds none", () => {
    const { session } = after({ limits: { unread: 1024 } }, "QUIT\r\n");
    const before = frozen(session);
    for (let count = 0; count < 100; count++) session.receive(Buffer.alloc(1000, 0x78));
    expect(frozen(session)).toEqual(before);
  });

  test("X-ATRN-03 G3 the session is over with the event that turns it", () => {
    const { session } = after({ service: "on-demand", mechanisms: ["CRAM-MD5"] }, `${ehlo}AUTH CRAM-MD5\r\n`);
    const events: string[] = [];
    session.receive(Buffer.from("ATRN a.example\r\n"));
    for (let event = session.poll(); event !== null; event = session.poll()) {
      events.push(`${short(event)} ${session.waiting}`);
      if ("id" in event) session.answer(event.id, reply(250, "2.0.0", "OK"));
    }
    expect(events).toEqual(["atrn nothing", "250 nothing", "turn closed"]);
  });

  test("G3 G6 a body is told of, and a session that is lost then has its transaction reset", () => {
    const { session } = after({ timers: { data: 1000 } }, `${open}DATA\r\n`);
    session.receive(Buffer.from("x\r\n"), 5);
    expect(session.poll()?.type).toBe("body");
    session.lost(50);
    expect(polled(session)).toEqual(["reset lost", "close lost"]);
  });
});

function receiveAnd(
  session: ServerSession,
  octets: string,
  decide: (question: Question) => Decision,
): string[] {
  session.receive(Buffer.from(octets));
  return polled(session, decide);
}

describe("input", () => {
  test("T-TLS-04 X-ATRN-06 S-SES-14 is wanted, or not, by where the session stands", () => {
    const later = (type: Question["type"]) => (question: Question) =>
      question.type === type ? "later" : accept(question);
    const wants = (config: Partial<ServerConfig>, said: string, type: Question["type"] = "connect") => {
      const session = new ServerSession({ name: "mx.example.com", ...config });
      polled(session);
      session.receive(Buffer.from(said));
      polled(session, later(type));
      return session.wantsInput;
    };
    expect(wants({}, ehlo)).toBe(true);
    expect(wants({}, ehlo, "hello")).toBe(true);
    expect(wants({}, ehlo + mail, "mail")).toBe(true);
    expect(wants({}, `${open}DATA\r\n`)).toBe(true);
    expect(wants({ tls: "offered" }, `${ehlo}STARTTLS\r\n`, "starttls")).toBe(false);
    expect(wants({ tls: "offered" }, `${ehlo}STARTTLS\r\n`)).toBe(false);
    const onDemand: Partial<ServerConfig> = { service: "on-demand", mechanisms: ["CRAM-MD5"] };
    expect(wants(onDemand, `${ehlo}AUTH CRAM-MD5\r\n`, "auth")).toBe(true);
    expect(wants(onDemand, `${ehlo}AUTH CRAM-MD5\r\nATRN\r\n`, "atrn")).toBe(false);
    expect(wants({}, "QUIT\r\n")).toBe(false);
    const closing = after({}, ehlo).session;
    closing.receive(Buffer.from("QUIT\r\n"));
    closing.poll();
    expect([closing.phase, closing.wantsInput]).toEqual(["closing", false]);
    const ended = after({}, ehlo).session;
    ended.receiveEnd();
    expect(ended.wantsInput).toBe(false);
  });

  test("S-SES-11 T-TLS-03 a service that ends when idle ends after the handshake, and says so inside TLS", () => {
    const { session } = after({ tls: "offered" }, `${ehlo}STARTTLS\r\n`);
    session.shutdown("idle");
    expect([polled(session), session.waiting]).toEqual([[], "tls"]);
    session.upgraded();
    expect(polled(session)).toEqual(["421", "close shutdown"]);
  });

  test("S-SES-11 G11 and after the octets of a chunk that is refused, whose reply is said first", () => {
    const { session, then } = after({}, `${ehlo}BDAT 10\r\nabc`);
    session.shutdown("idle");
    expect(polled(session)).toEqual([]);
    expect(then("defghijNOOP\r\n")).toEqual(["503 421", "close shutdown"]);
    for (const [before, now] of [
      ["", true],
      [ehlo, true],
      [ehlo + mail, false],
      [open, false],
      [`${open}BDAT 0\r\n`, false],
      [`${open}BDAT 65537\r\n${"x".repeat(65_537)}`, true],
    ] as const) {
      const each = after({ limits: { message: 65_536 } }, before).session;
      each.shutdown();
      expect([before.slice(0, 90), polled(each).length > 0]).toEqual([before.slice(0, 90), now]);
    }
  });

  test("X-PIPE-15 T-TLS-04 with strict pipelining nothing is asked of what was sent ahead, and all else is", () => {
    const strict = { strictPipelining: true };
    expect(after(strict, ehlo).then(`${mail}${rcpt}`)).toEqual(["mail", "rcpt", "250 250"]);
    expect(after(strict, "HELO a.example\r\n").then(`${mail}${rcpt}`)).toEqual([
      "X-PIPE-15",
      "554",
      "close protocol",
    ]);
    expect(after(strict, "").then(`${mail}${rcpt}`)).toEqual(["X-PIPE-15", "554", "close protocol"]);
    expect(after({ ...strict, extensions: { pipelining: false } }, ehlo).then(`${mail}${rcpt}`)).toEqual([
      "X-PIPE-15",
      "554",
      "close protocol",
    ]);
    expect(after(strict, ehlo).then(`NOOP\r\n${mail}`)).toEqual(["X-PIPE-15", "554", "close protocol"]);
    expect(after(strict, ehlo).then(`FOO\r\n${mail}`)).toEqual(["X-PIPE-15", "554", "close protocol"]);
    const begun = after(strict, ehlo);
    begun.then(mail);
    expect(begun.then("RSET\r\nNOOP\r\n")).toEqual(["reset rset", "250 250"]);
    expect(after(strict, "LHLO x\r\n").then("NOOP\r\n")).toEqual(["250"]);
    expect(after({ ...strict, protocol: "lmtp" }, "LHLO a.example\r\n").then(`${mail}${rcpt}`)).toEqual([
      "mail",
      "rcpt",
      "250 250",
    ]);
  });
});

describe("pieces of a message", () => {
  test("X-BURL-02 a piece that is lost leaves nothing to go on with, and the last one no message", () => {
    for (const [line, code] of [
      ["BURL http://a.example/x", "554"],
      ["BURL //", "501"],
    ]) {
      const one = after(burl, open, taking);
      expect(one.then(`${line}\r\n`).at(-1)).toBe(code);
      expect([line, one.session.transaction]).toEqual([line, "failed"]);
      expect(one.then(`${mail}BDAT 0\r\n`).at(-1)).toBe("503 503");
      const last = after(burl, open, taking);
      expect(last.then(`${line} LAST\r\n`)).toContain("reset refused");
      expect([line, last.session.transaction]).toEqual([line, "none"]);
      expect(last.then(mail)).toEqual(["mail", "250"]);
    }
    const out = after(burl, ehlo + mail, taking);
    expect(out.then("BURL http://a.example/x\r\n")).toEqual(["X-BURL-02", "503"]);
    expect(out.session.transaction).toBe("sender");
    const refused = (last: string) =>
      after(burl, open, ({ type }) => (type === "burl" ? reply(554, "5.6.6", "No") : undefined)).then(
        `BURL imap://a.example/x${last}\r\n`,
      );
    expect(refused("")).toEqual(["burl", "reset refused", "554"]);
    expect(refused(" LAST")).toEqual(["burl", "reset refused", "554"]);
  });

  test("S-BDAT-15 SEC-EOD-02 a CR that waits for its LF before a piece from elsewhere is bare", () => {
    const { session, then } = after(burl, `${open}BDAT 2\r\nx\r`, taking);
    expect(then("BURL imap://a.example/x\r\n").slice(0, 2)).toEqual(["SEC-EOD-02", "reset refused"]);
    expect(session.transaction).toBe("failed");
    const last = after(burl, `${open}BDAT 2\r\nx\r`, taking);
    expect(last.then("BURL imap://a.example/x LAST\r\n")).toEqual(["SEC-EOD-02", "reset refused", "550"]);
    expect(last.session.transaction).toBe("none");
    const kept = after({ ...burl, bareCr: "keep" }, `${open}BDAT 2\r\nx\r`, taking);
    expect(kept.then("BURL imap://a.example/x\r\n")).toEqual(["body", "burl", "250"]);
    expect(after(burl, `${open}BDAT 3\r\nx\r\n`, taking).then("BURL imap://a.example/x LAST\r\n")).toEqual([
      "burl",
      "message",
      "250",
    ]);
    // A verb that is no BURL asks for no end of a piece.
    expect(after(burl, `${open}BDAT 2\r\nx\r`, taking).then("VRFY x\r\nBDAT 1 LAST\r\n\n")).toEqual([
      "command",
      "252",
      "body",
      "message",
      "250",
    ]);
  });

  test("SEC-EOD-02 S-SES-09 where bare line ends close the session they do in chunks, too, and nothing else does", () => {
    const close = { closeOnBareLineEnds: true, limits: { message: 65_536 } };
    expect(after(close, open).then("BDAT 3\r\na\nb")).toEqual([
      "body",
      "SEC-EOD-02",
      "reset refused",
      "421",
      "close abuse",
    ]);
    expect(after(close, open).then("BDAT 3 LAST\r\na\nb").slice(-3)).toEqual([
      "reset refused",
      "421",
      "close abuse",
    ]);
    expect(after(close, `${open}DATA\r\n`).then("a\rb\r\n.\r\n").slice(-2)).toEqual(["421", "close abuse"]);
    expect(
      after(close, open)
        .then(`BDAT 65537\r\n${"x".repeat(65_537)}`)
        .slice(-2),
    ).toEqual(["reset refused", "552"]);
    expect(after({}, open).then("BDAT 3\r\na\nb").slice(-2)).toEqual(["reset refused", "550"]);
    const client = new Client(close);
    client.say(`${open}DATA\r\n`);
    expect(client.say("a\nb\r\n.\r\n")).toBe("421 4.7.0 mx.example.com Bare LF received\r\n");
    const chunks = new Client(close);
    chunks.say(open);
    expect(chunks.say("BDAT 3\r\na\rb")).toBe("421 4.7.0 mx.example.com Bare CR received\r\n");
  });

  test("M-LMTP-06 G10 a last chunk without a recipient ends the transaction in LMTP, unsaid", () => {
    const { session, then } = after({ protocol: "lmtp" }, `LHLO a.example\r\n${mail}`);
    expect(then("BDAT 3 LAST\r\nabc")).toEqual(["S-SEQ-01", "reset refused"]);
    expect(session.transaction).toBe("none");
    const smtp = after({}, ehlo + mail);
    expect(smtp.then("BDAT 3 LAST\r\nabc")).toEqual(["S-SEQ-01", "503"]);
    expect(smtp.session.transaction).toBe("sender");
  });

  test("L-TIME-11 a block of content has the octets that were read, and not those behind them", () => {
    const { session } = after({ limits: { dataBlock: 100 }, timers: { dataBlock: 1000 } }, `${open}DATA\r\n`);
    session.receive(Buffer.from(`${"x".repeat(48)}\r\n..${"y".repeat(45)}`), 500);
    polled(session);
    expect(session.deadline).toBe(1000);
    session.receive(Buffer.from("zz"), 600);
    polled(session);
    expect(session.deadline).toBe(1000);
    session.receive(Buffer.from("z"), 700);
    polled(session);
    expect(session.deadline).toBe(1700);
  });
});

describe("who the client is", () => {
  test("X-XCL-04 X-XCL-07 of what a proxy has told, where it comes from and goes to stays behind TLS", () => {
    expect(endsOf(null)).toBeNull();
    expect(endsOf({})).toBeNull();
    expect(endsOf({ helo: "a", login: "b", proto: "SMTP" })).toBeNull();
    const ends = { name: "a.example", addr: "192.0.2.9", port: 5, destaddr: "192.0.2.8", destport: null };
    expect(endsOf({ ...ends, helo: "a", login: "b", proto: "ESMTP" })).toEqual(ends);
    expect(endsOf({ addr: null, login: "b" })).toEqual({ addr: null });
    const { session, then } = after({ ...xclient, tls: "offered" }, ehlo);
    then("XCLIENT NAME=a.example LOGIN=b HELO=c ADDR=192.0.2.9\r\n");
    expect(session.client).toEqual({
      hello: null,
      tls: null,
      authenticated: "XCLIENT",
      address: "192.0.2.9",
      xclient: { name: "a.example", login: "b", helo: "c", addr: "192.0.2.9" },
    });
    then(`${ehlo}STARTTLS\r\n`);
    session.upgraded({ version: "TLSv1.3" });
    expect(session.client).toEqual({
      hello: null,
      tls: {
        version: "TLSv1.3",
        cipher: null,
        serverName: null,
        peer: null,
        sufficient: true,
        bindings: {},
      },
      authenticated: null,
      address: "192.0.2.9",
      xclient: { name: "a.example", addr: "192.0.2.9" },
    });
  });

  test("T-TLS-05 T-TLS-06 G10 TLS begins with nothing of what was learned before", () => {
    const { session, then } = after(
      { tls: "offered", mechanisms: ["SCRAM-SHA-1"] },
      `${ehlo}AUTH SCRAM-SHA-1 AAAA\r\n`,
    );
    expect(session.client).toMatchObject({ authenticated: "SCRAM-SHA-1", hello: { verb: "EHLO" } });
    then("STARTTLS\r\n");
    session.upgraded(
      { cipher: "x", serverName: "y", peer: { z: 1 } as never, bindings: { a: new Uint8Array(1) } } as never,
      77,
    );
    expect(session.client).toEqual({
      hello: null,
      tls: {
        version: null,
        cipher: "x",
        serverName: "y",
        peer: { z: 1 },
        sufficient: true,
        bindings: { a: new Uint8Array(1) },
      },
      authenticated: null,
      address: "192.0.2.1",
      xclient: null,
    });
    expect([session.phase, session.deadline]).toEqual(["unidentified", 300_077]);
    expect(then(`${mail}${ehlo}AUTH SCRAM-SHA-1 AAAA\r\n`)).toEqual([
      "S-SEQ-01",
      "hello",
      "503 250",
      "auth",
      "235",
    ]);
  });

  test("M-LMTP-18 the protocol of the trace is told by greeting, TLS, AUTH and UTF-8", () => {
    const protocol = (config: Partial<ServerConfig>, tls: boolean, said: string) => {
      const { session, then } = after({ ...config, ...(tls ? { tls: "implicit" } : {}) }, "");
      if (tls) session.upgraded();
      polled(session);
      then(said);
      return session.protocol;
    };
    const auth = { mechanisms: ["SCRAM-SHA-1"], extensions: { smtputf8: true } };
    const login = "AUTH SCRAM-SHA-1 AAAA\r\n";
    expect(protocol({}, false, "")).toBe("SMTP");
    expect(protocol({}, false, "HELO a.example\r\n")).toBe("SMTP");
    expect(protocol({}, true, "HELO a.example\r\n")).toBe("SMTP");
    expect(protocol({}, false, ehlo)).toBe("ESMTP");
    expect(protocol({}, true, ehlo)).toBe("ESMTPS");
    expect(protocol(auth, false, ehlo + login)).toBe("ESMTPA");
    expect(protocol(auth, true, ehlo + login)).toBe("ESMTPSA");
    expect(protocol(auth, false, `${ehlo}MAIL FROM:<> SMTPUTF8\r\n`)).toBe("UTF8SMTP");
    expect(protocol(auth, true, `${ehlo}${login}MAIL FROM:<> SMTPUTF8\r\n`)).toBe("UTF8SMTPSA");
    expect(protocol({ protocol: "lmtp" }, false, "LHLO a.example\r\n")).toBe("LMTP");
    expect(protocol({ protocol: "lmtp", ...auth }, true, `LHLO a.example\r\n${login}`)).toBe("LMTPSA");
  });
});

describe("what a question tells", () => {
  test("X-UTF8-07 S-HELP-01 of a command: its verb, its argument, and whether UTF-8 was asked for", () => {
    const custom = [{ keyword: null, verbs: [{ verb: "XSTAT" }] }];
    const { session } = after({ extensions: { etrn: true, expn: true, smtputf8: true }, custom }, ehlo);
    const asked = (line: string) => {
      session.receive(Buffer.from(`${line}\r\n`, "latin1"));
      const event = session.poll();
      if (event?.type !== "command") throw new Error(`${line}: ${event?.type}`);
      session.answer(event.id, undefined);
      polled(session);
      return [event.verb, event.argument, event.mailbox?.local ?? null, event.smtputf8];
    };
    expect(asked("HELP mail")).toEqual(["HELP", "mail", null, false]);
    expect(asked("HELP")).toEqual(["HELP", "", null, false]);
    expect(asked("ETRN @example.com")).toEqual(["ETRN", "@example.com", null, false]);
    expect(asked("XSTAT a b")).toEqual(["XSTAT", "a b", null, false]);
    expect(asked("VRFY x")).toEqual(["VRFY", "x", null, false]);
    expect(asked("VRFY b@example.com SMTPUTF8")).toEqual(["VRFY", "b@example.com", "b", true]);
    expect(asked("EXPN x SMTPUTF8")).toEqual(["EXPN", "x", null, true]);
    session.receive(Buffer.from("HELO a.example\r\n"));
    polled(session);
    // After HELO nothing of the extensions is in force.
    expect(asked("VRFY x SMTPUTF8")).toEqual(["VRFY", "x SMTPUTF8", null, false]);
  });

  test("A-PARM-02 X-PRI-03 of MAIL: what the client may assert, and what not", () => {
    const given = (trusted: boolean, authenticated: boolean, parameters: string) => {
      const client = new Client({
        mechanisms: ["SCRAM-SHA-1"],
        trustAuthParameter: trusted,
        extensions: { mtPriority: true },
      });
      client.say(ehlo + (authenticated ? "AUTH SCRAM-SHA-1 AAAA\r\n" : ""));
      const said = client.say(`MAIL FROM:<> ${parameters}\r\n`);
      const { auth, priority } = client.of("mail").at(-1)?.parameters ?? {};
      return [said.slice(0, 9), auth, priority];
    };
    const asserted = "AUTH=a@example.net";
    expect(given(false, false, asserted)).toEqual(["250 2.1.0", "<>", null]);
    expect(given(false, true, asserted)).toEqual(["250 2.1.0", "<>", null]);
    expect(given(true, false, asserted)).toEqual(["250 2.1.0", "<>", null]);
    expect(given(true, true, asserted)).toEqual(["250 2.1.0", "a@example.net", null]);
    expect(given(false, false, "AUTH=<>")).toEqual(["250 2.1.0", "<>", null]);
    expect(given(false, false, "MT-PRIORITY=3")).toEqual(["250 2.3.6", null, 0]);
    expect(given(false, true, "MT-PRIORITY=3")).toEqual(["250 2.1.0", null, 3]);
    expect(given(false, false, "MT-PRIORITY=-3")).toEqual(["250 2.1.0", null, -3]);
    expect(given(false, false, "MT-PRIORITY=0")).toEqual(["250 2.1.0", null, 0]);
    expect(given(false, false, `MT-PRIORITY=3 ${asserted}`)).toEqual(["250 2.3.6", "<>", 0]);
    expect(given(true, true, `MT-PRIORITY=3 ${asserted}`)).toEqual(["250 2.1.0", "a@example.net", 3]);
    expect(given(false, true, `MT-PRIORITY=3 ${asserted}`)).toEqual(["250 2.1.0", "<>", 3]);
    expect(given(false, false, "SIZE=1")).toEqual(["250 2.1.0", null, null]);
  });

  test("S-LINE-10 of a control octet which it was, and where, however the line is placed", () => {
    const { session, then } = after({}, ehlo);
    then("NOOP a\x07b\r\nNOOP\0\r\nNOOP \x7f\r\nNOOP a\nb\r\n");
    session.receive(Buffer.from("NOOP a\x1f\r\n"));
    const told = session.poll();
    expect(told).toMatchObject({ type: "violation", rule: "S-LINE-10", at: 6 });
    expect((told as { detail: string }).detail).toContain("0x1F");
  });

  test("X-XCL-01 L-TIME-17 the address of the client is its, and is told at a time", () => {
    const session = new ServerSession({ name: "mx.example.com" });
    session.connected("192.0.2.7", 9);
    expect(session.client.address).toBe("192.0.2.7");
    expect(session.deadline).toBe(0);
  });
});

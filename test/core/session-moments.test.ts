import { noMailParameters, reply, type ServerConfig, ServerSession } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { lacking, offered } from "../../packages/core/src/server/capabilities.ts";
import { Machine } from "../../packages/core/src/server/machine.ts";
import { settle } from "../../packages/core/src/server/settings.ts";
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
const auth: Partial<ServerConfig> = { mechanisms: ["SCRAM-SHA-256", "CRAM-MD5"] };
const later =
  (type: Question["type"]) =>
  (question: Question): Decision =>
    question.type === type ? "later" : accept(question);

describe("what is not offered", () => {
  test.each<[Partial<ServerConfig>, string]>([
    [{}, "AUTH SCRAM-SHA-256"],
    [{}, "STARTTLS"],
    [{ tls: "none" }, "STARTTLS x"],
    [{}, "ETRN x"],
    [{}, "EXPN x"],
    [{ extensions: { help: false } }, "HELP"],
    [{ extensions: { chunking: false } }, "BDAT 0"],
    [
      { service: "submission", mechanisms: ["SCRAM-SHA-256"], authRequired: false },
      "BURL imap://a.example/x",
    ],
    [{}, "ATRN"],
    [{}, "SEND"],
  ])("S-LINE-14 R-CODE-03 %j %s is 502, and told of by its rule", (config, line) => {
    expect(after(config, ehlo).then(`${line}\r\n`)).toEqual(["S-LINE-14", "502"]);
  });

  test.each(["XCLIENT NAME=x", "XFORWARD NAME=x", "XX", "NOOPS", "toString", "constructor", "__proto__"])(
    "S-LINE-13 S-LINE-17 and %s is not known",
    (line) => {
      expect(after({}, ehlo).then(`${line}\r\n`)).toEqual(["S-LINE-13", "500"]);
    },
  );

  test("S-LINE-14 by the configuration alone", () => {
    const settings = settle({ name: "mx.example.com", tls: "offered", extensions: { etrn: true } });
    expect(
      (["always", "never", "starttls", "auth", "etrn", "expn"] as const).map((offer) =>
        offered(offer, settings),
      ),
    ).toEqual([true, false, true, false, true, false]);
  });
});

describe("a mechanism that needs something", () => {
  const tls = { version: null, cipher: null, serverName: null, peer: null, sufficient: true, bindings: {} };
  test("A-AUTH-01 A-EXT-02 A-SCRAM-14 lacks it, and is told of by the rule that says so", () => {
    const x = { name: "X", first: "client" } as const;
    const bound = { ...tls, bindings: { "tls-exporter": new Uint8Array(1) } };
    const known = { ...tls, peer: { x: 1 } as never };
    for (const [mechanism, given, rule] of [
      [{ ...x, cleartext: true }, null, "A-AUTH-01"],
      [{ ...x, cleartext: true }, tls, null],
      [{ ...x, cleartext: false }, null, null],
      [{ ...x, cleartext: false, needs: null }, null, null],
      [{ ...x, cleartext: false, needs: "certificate" }, null, "A-EXT-02"],
      [{ ...x, cleartext: false, needs: "certificate" }, bound, "A-EXT-02"],
      [{ ...x, cleartext: false, needs: "certificate" }, known, null],
      [{ ...x, cleartext: false, needs: "channel-binding" }, null, "A-SCRAM-14"],
      [{ ...x, cleartext: false, needs: "channel-binding" }, known, "A-SCRAM-14"],
      [{ ...x, cleartext: false, needs: "channel-binding" }, bound, null],
      [{ ...x, cleartext: true, needs: "channel-binding" }, null, "A-AUTH-01"],
    ] as const)
      expect(lacking(mechanism, given)?.rule ?? null).toBe(rule);
    const { session, then } = after({ mechanisms: ["PLAIN"] }, ehlo);
    expect(then("AUTH PLAIN AAAA\r\n")).toEqual(["A-AUTH-01", "504"]);
    expect(session.reader).toBe("line");
  });
});

describe("recipients that are asked about at the same time", () => {
  const many = { concurrentRecipients: 3 };
  const asked = (said: string) => after(many, ehlo + mail, later("rcpt")).then(said);

  test("X-PIPE-12 S-LINE-16 are nothing but RCPTs that would be asked: what comes behind waits", () => {
    expect(asked(rcpt)).toEqual(["rcpt"]);
    expect(asked(rcpt.repeat(3))).toEqual(["rcpt", "rcpt", "rcpt"]);
    expect(asked(rcpt.repeat(4))).toEqual(["rcpt", "rcpt", "rcpt"]);
    for (const line of [
      "VRFY x",
      "EHLO a.example",
      "NOOP",
      "DATA",
      "RCPT TO:<>",
      "FOO",
      "QUIT",
      " rcpt to:<b@c.d>",
      "RCPTS",
    ])
      expect([line, asked(`${rcpt}${line}\r\n${rcpt}`)]).toEqual([line, ["rcpt"]]);
    expect(asked(`${rcpt}rcpt to:<c@example.com>  \r\n`)).toEqual(["rcpt", "rcpt"]);
    const { session, then } = after({}, ehlo + mail, later("rcpt"));
    expect([then(rcpt + rcpt), session.waiting]).toEqual([["rcpt"], "answer"]);
  });

  test("X-PIPE-12 S-LINE-16 and are answered in their order, then what waited", () => {
    const { session, then } = after(many, ehlo + mail, later("rcpt"));
    then(`${rcpt}${rcpt}VRFY x\r\nNOOP\r\n`);
    expect(session.answer(5, reply(550, "5.1.1", "No"))).toBe(true);
    expect([polled(session), session.waiting]).toEqual([[], "answer"]);
    expect(session.answer(5, undefined)).toBe(false);
    expect(session.answer(4, undefined)).toBe(true);
    expect(polled(session)).toEqual(["command", "250 550 252", "250"]);
    expect(session.envelope.recipients).toHaveLength(1);
  });
});

describe("octets that come while a question is open", () => {
  test("T-TLS-04 behind STARTTLS and before its 220 are an injection; where it is refused they are commands", () => {
    for (const [answer, expected] of [
      [undefined, ["T-TLS-04", "554", "close protocol"]],
      [reply(454, "4.7.0", "No"), ["454", "250"]],
    ] as const) {
      const { session, then } = after({ tls: "offered" }, ehlo, later("starttls"));
      expect(then("STARTTLS\r\n")).toEqual(["starttls"]);
      session.receive(Buffer.from("NOOP\r\n"));
      session.answer(3, answer);
      expect(polled(session)).toEqual(expected);
    }
  });

  test("X-ATRN-06 X-ATRN-02 behind ATRN and before its 250 belong to nobody", () => {
    const onDemand: Partial<ServerConfig> = { service: "on-demand", mechanisms: ["CRAM-MD5"] };
    for (const [octets, answer, expected] of [
      ["NOOP\r\n", reply(250, "x"), ["X-ATRN-06", "554", "close protocol"]],
      ["NOOP\r\n", reply(453, "x"), ["453", "250"]],
      ["", reply(250, "x"), ["250", "turn"]],
      [null, reply(250, "x"), ["450", "close end"]],
      [null, reply(453, "x"), ["453", "close end"]],
    ] as const) {
      const { session, then } = after(onDemand, `${ehlo}AUTH CRAM-MD5\r\n`, later("atrn"));
      expect(then("ATRN a.example\r\n")).toEqual(["atrn"]);
      if (octets === null) session.receiveEnd();
      else if (octets !== "") session.receive(Buffer.from(octets));
      session.answer(4, answer);
      expect(polled(session).flatMap((each) => (each.split(" 250")[0] === each ? [each] : [each]))).toEqual(
        expected,
      );
    }
  });

  test("S-SES-08 before the greeting are told of once, whether it is waited for or decided on", () => {
    const session = new ServerSession({ name: "mx.example.com" });
    expect(short(session.poll() as never)).toBe("connect");
    session.receive(Buffer.from("NO"));
    expect(short(session.poll() as never)).toBe("S-SES-08");
    expect(session.poll()).toBeNull();
    session.receive(Buffer.from("OP\r\n"));
    expect(session.poll()).toBeNull();
    session.answer(1, undefined);
    expect(polled(session)).toEqual(["220", "250"]);
    const delayed = new ServerSession({ name: "mx.example.com", timers: { greetingDelay: 100 } });
    expect(polled(delayed)).toEqual([]);
    delayed.receive(Buffer.from("NOOP\r\n"));
    expect(polled(delayed)).toEqual(["S-SES-08", "connect", "220", "250"]);
    const ended = new ServerSession({ name: "mx.example.com", timers: { greetingDelay: 100 } });
    ended.receiveEnd();
    expect(polled(ended)).toEqual(["connect", "220", "close end"]);
    const quiet = new ServerSession({ name: "mx.example.com", timers: { greetingDelay: 100 } });
    expect([polled(quiet), quiet.deadlineReason]).toEqual([[], "greetingDelay"]);
    quiet.advance(100);
    const told = quiet.poll();
    expect(told).toMatchObject({ type: "connect", early: false, proxy: null, xclient: null });
  });
});

describe("replies of an exchange", () => {
  test("A-AUTH-05 A-AUTH-06 X-PIPE-11 are not held back by what was sent ahead", () => {
    expect(after(auth, ehlo).then("AUTH SCRAM-SHA-256\r\nAAAA\r\nNOOP\r\n")).toEqual([
      "334",
      "auth",
      "235",
      "250",
    ]);
    expect(after(auth, ehlo).then("AUTH SCRAM-SHA-256\r\n*\r\nNOOP\r\n")).toEqual(["334", "501", "250"]);
    expect(after(auth, ehlo).then("AUTH SCRAM-SHA-256\r\n!\r\nNOOP\r\n")).toEqual([
      "334",
      "A-AUTH-07",
      "501",
      "250",
    ]);
  });

  test("A-AUTH-08 A-AUTH-07 are told of by their rules, and end it", () => {
    const { session, then } = after(
      { ...auth, limits: { authLine: 12_288 } },
      `${ehlo}AUTH SCRAM-SHA-256\r\n`,
    );
    expect(then(`${"A".repeat(12_287)}\r\n`)).toEqual(["A-AUTH-08", "500"]);
    expect([session.reader, session.client.authenticated]).toEqual(["line", null]);
    const fits = after(auth, `${ehlo}AUTH SCRAM-SHA-256\r\n`);
    expect(fits.then(`${"A".repeat(12_284)}\r\n`)).toEqual(["auth", "235"]);
    expect(fits.session.client.authenticated).toBe("SCRAM-SHA-256");
  });

  test("A-AUTH-11 are counted by step, from the first response", () => {
    const steps: unknown[] = [];
    const { then } = after(auth, ehlo, (question) => {
      if (question.type !== "auth") return undefined;
      steps.push([question.mechanism, question.step, question.response?.length ?? null]);
      return question.step < 2 ? reply(334, "AAAA") : reply(235, "2.7.0", "OK");
    });
    then("AUTH CRAM-MD5\r\nAAAA\r\n\r\n");
    expect(steps).toEqual([
      ["CRAM-MD5", 0, null],
      ["CRAM-MD5", 1, 3],
      ["CRAM-MD5", 2, 0],
    ]);
    then("NOOP\r\n");
    const first: unknown[] = [];
    const other = after(auth, ehlo, (question) => {
      if (question.type === "auth") first.push([question.step, question.response?.length ?? null]);
      return accept(question);
    });
    other.then("AUTH SCRAM-SHA-256\r\nAAAA\r\n");
    expect(first).toEqual([[0, 3]]);
  });
});

describe("deadlines", () => {
  const timers = { command: 1000, dataBlock: 500, data: 700, tls: 300, session: 10_000 };

  test("L-TIME-10 L-TIME-11 L-TIME-17 are of what is waited for", () => {
    const at = (
      said: string,
      config: Partial<ServerConfig> = {},
      decide?: (question: Question) => Decision,
    ) => {
      const { session } = after({ ...auth, ...config, timers }, said, decide);
      return [session.deadline, session.deadlineReason];
    };
    expect(at("")).toEqual([1000, "command"]);
    expect(at(`${ehlo}AUTH SCRAM-SHA-256\r\n`)).toEqual([1000, "command"]);
    expect(at(`${open}DATA\r\n`)).toEqual([500, "dataBlock"]);
    expect(at(`${open}BDAT 5\r\n`)).toEqual([500, "dataBlock"]);
    expect(at(`${open}BDAT 0\r\n`)).toEqual([700, "data"]);
    expect(at(`${ehlo}BDAT 5\r\n`)).toEqual([500, "dataBlock"]);
    expect(at(`${ehlo}STARTTLS\r\n`, { tls: "offered" })).toEqual([300, "tls"]);
    expect(at(ehlo + mail, {}, later("mail"))).toEqual([10_000, "session"]);
    expect(at(`${open}DATA\r\n.\r\n`, {}, later("message"))).toEqual([10_000, "session"]);
    expect(at("QUIT\r\n")).toEqual([null, null]);
  });

  test("L-TIME-11 L-TIME-17 the time in which the application decides on a piece is not the message's", () => {
    const burl: Partial<ServerConfig> = {
      service: "submission",
      mechanisms: ["SCRAM-SHA-256"],
      authRequired: false,
      extensions: { burl: { urls: ["imap"] } },
    };
    const { session, then } = after({ ...burl, timers }, `${open}BDAT 0\r\n`, later("burl"));
    session.advance(100);
    expect(then("BURL imap://a.example/x\r\n")).toEqual(["burl"]);
    session.advance(5100);
    session.answer(5, reply(250, "x"));
    expect(polled(session)).toEqual(["250"]);
    expect([session.deadline, session.deadlineReason]).toEqual([5700, "data"]);
    // A DATA that takes its time has its own begin.
    const data = after({ timers }, open, later("data"));
    expect(data.then("DATA\r\n")).toEqual(["data"]);
    data.session.advance(3000);
    data.session.answer(5, undefined);
    polled(data.session);
    expect([data.session.deadline, data.session.deadlineReason]).toEqual([3500, "dataBlock"]);
    const first = after({ ...burl, timers }, open, later("burl"));
    expect(first.then("BURL imap://a.example/x\r\n")).toEqual(["burl"]);
    first.session.advance(3000);
    first.session.answer(5, reply(250, "x"));
    polled(first.session);
    expect([first.session.deadline, first.session.deadlineReason]).toEqual([3700, "data"]);
  });

  test("L-TIME-17 of two that run out together the one that is waited for is named", () => {
    const at = (said: string, given: object) => after({ timers: given }, said).session.deadlineReason;
    expect(at("", { command: 1000, session: 1000 })).toBe("command");
    expect(at("", { command: 1001, session: 1000 })).toBe("session");
    expect(at(`${open}DATA\r\n`, { dataBlock: 500, data: 500 })).toBe("dataBlock");
    expect(at(`${open}DATA\r\n`, { dataBlock: 501, data: 500 })).toBe("data");
    expect(at(`${open}BDAT 0\r\n`, { command: 500, data: 500 })).toBe("command");
  });

  test("L-TIME-10 L-TIME-17 the time in which what is told is looked at is the client's, but for content", () => {
    const { session } = after({ timers: { command: 1000 } }, ehlo);
    session.receive(Buffer.from("FOO\r\n"));
    expect(short(session.poll() as never)).toBe("S-LINE-13");
    expect(session.deadline).toBe(1000);
    session.advance(500);
    expect(polled(session)).toEqual(["500"]);
    expect(session.deadline).toBe(1000);
  });

  test("L-TIME-12 SEC-DOS-04 pass at their moment, not before", () => {
    for (const [said, span] of [
      ["", 1000],
      [`${open}DATA\r\n`, 500],
      [`${open}BDAT 0\r\n`, 700],
    ] as const) {
      const { session } = after({ timers }, said);
      session.advance(span - 1);
      expect(polled(session)).toEqual([]);
      session.advance(span);
      expect(polled(session).at(-1)).toBe("close timeout");
    }
    const { session, then } = after({ timers: { session: 1000 } }, ehlo);
    session.advance(999);
    expect(then("NOOP\r\n")).toEqual(["250"]);
    session.advance(1000);
    expect(then("NOOP\r\n")).toEqual(["421", "close timeout"]);
  });
});

describe("getters", () => {
  test("G3 tell that something may have come of a call, and where the session stands at a question", () => {
    const { session } = after({}, open);
    expect(session.waiting).toBe("input");
    session.advance(5);
    expect(session.waiting).toBe("nothing");
    expect(session.poll()).toBeNull();
    expect(session.waiting).toBe("input");
    session.receive(Buffer.from("BDAT 0 LAST\r\n"));
    expect(session.waiting).toBe("nothing");
    expect(short(session.poll() as never)).toBe("message");
    expect([session.transaction, session.reader, session.waiting]).toEqual(["verdict", "line", "nothing"]);
    const data = after({}, `${open}DATA\r\n`, later("message"));
    expect(data.then(".\r\n")).toEqual(["message"]);
    expect([data.session.transaction, data.session.reader, data.session.waiting]).toEqual([
      "verdict",
      "line",
      "answer",
    ]);
    const closed = after({}, "QUIT\r\n").session;
    closed.advance(99);
    expect(closed.waiting).toBe("closed");
  });

  test("G10 X-GEN-03 a MAIL without parameters has those of all that have none", () => {
    const { session, then } = after({}, ehlo + mail);
    expect(session.envelope.parameters).toBe(noMailParameters);
    then("RSET\r\n");
    expect(session.envelope).toEqual({
      from: null,
      parameters: noMailParameters,
      recipients: [],
      forwarded: null,
    });
  });

  test("S-SES-14 X-ATRN-03 what comes when the roles have turned is not the session's, and no harm", () => {
    const { session } = after({ service: "on-demand", mechanisms: ["CRAM-MD5"] }, `${ehlo}AUTH CRAM-MD5\r\n`);
    session.receive(Buffer.from("ATRN a.example\r\n"));
    const decide = () => reply(250, "2.0.0", "OK");
    expect(polled(session, decide)).toEqual(["atrn", "250", "turn"]);
    expect(() => session.receive(Buffer.from("220 x\r\n"))).not.toThrow();
    expect([session.poll(), session.waiting, session.phase]).toEqual([null, "closed", "closed"]);
  });

  test("S-SES-14 what comes when the session is closing is not held", () => {
    const { session } = after({}, ehlo);
    session.receive(Buffer.from("QUIT\r\n"));
    session.poll();
    expect([session.phase, session.deadline, session.deadlineReason]).toEqual(["closing", null, null]);
    const before = frozen(session);
    session.receive(Buffer.from("NOOP\r\n"));
    const held = (snapshot: typeof before) => (snapshot.held as { input: unknown }).input;
    expect(held(frozen(session))).toEqual(held(before));
  });

  test("S-LINE-10 S-LINE-16 the place of a fault is counted in its line, wherever that begins", () => {
    for (const before of ["", "NOOP\r\n", "NOOP\r\nNOOP\r\n"]) {
      for (const [line, at] of [
        ["NOOP a\x1f", 6],
        ["FOO", 0],
        ["RCPT TO:<a@b>", 0],
        ["RCPT", 0],
        ["RSET x", 5],
        ["MAIL FROM:<a@b> SIZE=x", 16],
        ["BDAT 0", 0],
        ["BDAT 1x", 6],
      ] as const) {
        const client = new Client({ limits: { idleCommands: 50 } });
        client.say(ehlo);
        client.say(`${before}${line}\r\n`);
        expect([line, client.of("violation").map((told) => told.at)]).toEqual([line, [at]]);
      }
    }
  });

  test("S-LINE-10 a control octet is told of as that and as which, also where a line begins with it", () => {
    expect(after({}, "").then("\x01NOOP\r\n")).toEqual(["S-LINE-10", "500"]);
    const client = new Client();
    client.say("NOOP \x07\r\n");
    expect(client.of("violation")[0]?.detail).toContain("0x07");
  });

  test("S-BDAT-12 X-PIPE-15 a chunk whose end cannot be told is told of as that, whatever stands behind it", () => {
    for (const line of ["BDAT x", "BDAT 1\0", `BDAT ${"1".repeat(5000)}`])
      expect(after({ strictPipelining: true }, ehlo).then(`${line}\r\n`)).toEqual([
        "S-BDAT-12",
        "421",
        "close protocol",
      ]);
    const { then } = after({}, "", ({ type }) => (type === "connect" ? reply(554, "No") : undefined));
    expect(then("BDAT x\r\n")).toEqual(["S-BDAT-12", "421", "close protocol"]);
    expect(
      after({}, "", ({ type }) => (type === "connect" ? reply(554, "No") : undefined)).then("NOOP x\r\n"),
    ).toEqual(["S-SES-04", "503"]);
  });
});

describe("the outcome of a handshake", () => {
  test("G9 T-TLS-16 is told while one is pending, and at no other time", () => {
    const throws = (session: ServerSession) => {
      const before = frozen(session);
      expect(() => session.upgraded()).toThrow(/upgraded/);
      expect(() => session.upgradeFailed()).toThrow(/upgradeFailed/);
      expect(frozen(session)).toEqual(before);
    };
    throws(new ServerSession({ name: "mx.example.com" }));
    throws(new ServerSession({ name: "mx.example.com", proxy: true, tls: "implicit" }));
    // Not before it was announced.
    const implicit = new ServerSession({ name: "mx.example.com", tls: "implicit" });
    throws(implicit);
    expect(implicit.poll()).toMatchObject({ type: "upgrade" });
    implicit.upgraded();
    throws(implicit);
    for (const said of ["", ehlo, mail, `${open}DATA\r\n`, "QUIT\r\n"])
      throws(after({ tls: "offered" }, said).session);
    const asked = after({ tls: "offered" }, ehlo, later("starttls"));
    asked.then("STARTTLS\r\n");
    throws(asked.session);
    asked.session.answer(3, undefined);
    expect(short(asked.session.poll() as never)).toBe("220");
    throws(asked.session);
    expect(short(asked.session.poll() as never)).toBe("upgrade");
    asked.session.upgradeFailed();
    expect(polled(asked.session)).toEqual(["close tls"]);
  });

  test("X-XCL-04 G3 the session that XCLIENT begins anew is one that nobody is identified in", () => {
    const config = { extensions: { xclient: { trusted: ["192.0.2.1"] } } };
    const { session, then } = after(config, ehlo, later("connect"));
    expect(session.poll()).toBeNull();
    session.answer(1, undefined);
    polled(session);
    expect(then("XCLIENT NAME=a.example\r\n")).toEqual(["connect"]);
    expect([session.phase, session.client.hello]).toEqual(["unidentified", null]);
  });

  test("G2 S-BDAT-02 octets of a chunk are counted however they came, also where nobody polled in between", () => {
    const { session } = after({}, open);
    for (const piece of ["BDAT 6 LAST\r\na", "bc", "d", "efNO", "OP\r\n"])
      session.receive(Buffer.from(piece));
    const client = new Client();
    client.say(open);
    for (const piece of ["BDAT 6 LAST\r\na", "bc", "d", "efNO", "OP\r\n"])
      client.session.receive(Buffer.from(piece));
    client.drain();
    expect(client.content).toBe("abcdef");
    expect(polled(session).filter((each) => each !== "body")).toEqual(["message", "250 250"]);
  });
});

describe("one message and its verdict", () => {
  test("G9 M-LMTP-04 is for all recipients, but under LMTP and PRDR", () => {
    const session = after({}, `${open}DATA\r\n`).session;
    session.receive(Buffer.from(".\r\n"));
    const event = session.poll();
    if (event?.type !== "message") throw new Error("no message");
    const ok = reply(250, "2.0.0", "OK");
    expect(() => session.answerRecipient(event.id, 0, ok)).toThrow(/LMTP/);
    expect(() => session.answer(event.id, [ok])).toThrow(/one reply/);
    expect(session.answer(event.id, ok)).toBe(true);
    expect(polled(session)).toEqual(["250"]);
  });

  test("S-BIN-01 S-DATA-13 of binary content every octet is kept, and no line is too long", () => {
    const client = new Client({ extensions: { binarymime: true }, limits: { textLine: 998 } });
    const content = `a\nb\rc\r\nd\n\n\r\r${"x".repeat(3000)}\r`;
    client.say(`${ehlo}MAIL FROM:<> BODY=BINARYMIME\r\n${rcpt}`);
    expect(client.codes(`BDAT ${content.length} LAST\r\n${content}NOOP`)).toBe("250 250");
    expect(client.content).toBe(content);
    expect(client.of("message")[0]?.content).toMatchObject({ size: content.length });
  });

  test("A-AUTH-03 A-AUTH-04 T-TLS-05 an AUTH that is refused is told of by its rule, and is forgotten with TLS", () => {
    const { session, then } = after({ ...auth, tls: "offered" }, ehlo);
    expect(then("AUTH X\r\n")).toEqual(["A-AUTH-03", "504"]);
    expect(then("AUTH CRAM-MD5 AAAA\r\n")).toEqual(["A-AUTH-04", "501"]);
    then("STARTTLS\r\n");
    session.upgraded();
    session.receive(Buffer.from("NO"));
    expect(session.snapshot().redacted).toBe(false);
  });
});

test("S-PARM-05 S-PARM-02 S-PARM-01 a parameter is told of by the rule that it breaks, after HELO by that of HELO", () => {
  const helo = "HELO a.example\r\n";
  expect(after({}, helo).then("MAIL FROM:<> SIZE=1\r\n")).toEqual(["S-PARM-05", "555"]);
  expect(after({}, helo).then("MAIL FROM:<> X=1\r\n")).toEqual(["S-PARM-05", "555"]);
  expect(after({}, ehlo).then("MAIL FROM:<> X=1\r\n")).toEqual(["S-PARM-02", "555"]);
  expect(after({}, ehlo).then("MAIL FROM:<> RET=FULL\r\n")).toEqual(["S-PARM-02", "555"]);
  expect(after({}, ehlo).then("MAIL FROM:<> SMTPUTF8\r\n")).toEqual(["S-PARM-02", "555"]);
  const utf8 = { extensions: { smtputf8: true } };
  const address = Buffer.from("MAIL FROM:<ü@example.net>").toString("latin1");
  expect(after(utf8, ehlo).then(`${address} SMTPUTF8\r\n`)).toEqual(["mail", "250"]);
  expect(after(utf8, ehlo).then(`${address}\r\n`).at(-1)).toMatch(/^5/);
  expect(after({}, ehlo).then(`${address} SMTPUTF8\r\n`).at(-1)).toMatch(/^5/);
  const { then } = after(utf8, `${ehlo}MAIL FROM:<> SMTPUTF8\r\n`);
  expect(then(`${address.replace("MAIL FROM", "RCPT TO")}\r\n`)).toEqual(["rcpt", "250"]);
});

describe("the order of content and replies", () => {
  test("G4 S-BDAT-15 all content of a message is told of before a reply is sent that was due behind it", () => {
    const { then } = after({ bareCr: "keep" }, ehlo);
    expect(then(`${mail}${rcpt}BDAT 3 LAST\r\nab\r`)).toEqual([
      "mail",
      "rcpt",
      "body",
      "body",
      "message",
      "250 250 250",
    ]);
    const refused = after({}, ehlo);
    expect(refused.then(`${mail}${rcpt}BDAT 3 LAST\r\nab\r`)).toEqual([
      "mail",
      "rcpt",
      "body",
      "SEC-EOD-02",
      "reset refused",
      "250 250 550",
    ]);
  });

  test("L-EXC-03 X-PIPE-12 a recipient too many ends no group", () => {
    const { then } = after({ limits: { recipients: 100 } }, ehlo + mail + rcpt.repeat(100));
    expect(then(`${rcpt}NOOP\r\n`)).toEqual(["L-EXC-03", "452 250"]);
  });
});

describe("what is held", () => {
  test("G6 G9 SEC-DOS-01 of input no more than four times what may be unread", () => {
    const session = new ServerSession({ name: "mx.example.com", limits: { unread: 1024 } });
    const empty = new Machine(session.settings, 0);
    empty.input.push(Buffer.alloc(1));
    const each = empty.input.charge - 1;
    session.receive(Buffer.alloc(4096 - each, 0x78));
    session.receive(Buffer.alloc(1));
    expect(() => session.receive(Buffer.alloc(1))).toThrow(/wantsInput/);
  });

  test.each(["AUTH", "AUTH !", "AUTH X", "AUTH PLAIN AAAA", "AUTH CRAM-MD5 AAAA", "AUTH SCRAM-SHA-256 !"])(
    "G13 A-AUTH-29 what follows %s may be a response, though it was refused",
    (line) => {
      const { session, then } = after({ mechanisms: ["PLAIN", "CRAM-MD5", "SCRAM-SHA-256"] }, ehlo);
      expect(session.snapshot().redacted).toBe(false);
      expect(then(`${line}\r\nc2Vj`).at(-1)).toMatch(/^50/);
      expect(session.snapshot().redacted).toBe(true);
    },
  );

  test("G7 is told of by the same names in each snapshot of version 1: one that was kept can be restored", () => {
    const session = new ServerSession({ name: "mx.example.com" }, 5);
    const octets = (text: string) => ({ $octets: Buffer.from(text).toString("base64") });
    expect(frozen(session)).toEqual({
      version: 1,
      redacted: false,
      held: {
        state: {
          phase: "greeting",
          reader: "line",
          mail: {
            transaction: "none",
            from: null,
            parameters: JSON.parse(JSON.stringify(noMailParameters)),
            recipients: [],
            refused: 0,
            contentRefused: false,
            dataSince: 0,
            forwarded: null,
          },
          hello: null,
          tls: null,
          authenticated: null,
          authTried: false,
          exchange: null,
          chunk: null,
          proxy: null,
          peer: null,
          xclient: null,
          slots: [],
          nextId: 1,
          now: 5,
          started: 5,
          since: 5,
          heldAt: null,
          block: 0,
          ended: false,
          shutdown: "no",
          upgradeDue: false,
          early: false,
          closing: null,
          waiting: "nothing",
          held: null,
          errors: 0,
          idleCommands: 0,
          refusedRecipients: 0,
          authFailures: 0,
          transactions: 0,
          domains: null,
          turn: null,
        },
        input: octets(""),
        output: octets(""),
        lines: (frozen(session).held as { lines: unknown }).lines,
        events: [],
        content: null,
        proxy: null,
        mustSend: false,
      },
    });
    const { session: named } = after(
      { limits: { recipientDomains: 5 } },
      `${open}RCPT TO:<a@B.c>\r\n${rcpt}RCPT TO:<postmaster>\r\n`,
    );
    expect(frozen(named).held).toMatchObject({
      state: { domains: { named: { "@example.com": true, "@b.c": true, "@": true }, count: 3 }, nextId: 8 },
    });
    const implicit = new ServerSession({ name: "mx.example.com", tls: "implicit" });
    expect(frozen(implicit).held).toMatchObject({
      state: { phase: "upgrading", upgradeDue: true },
    });
  });

  test("SEC-DOS-01 S-LINE-11 of a line is as much as a command may have, and where there is AUTH a response", () => {
    const heldOf = (config: Partial<ServerConfig>, octets: number) => {
      const { session, then } = after(config, ehlo);
      then("x".repeat(octets));
      return JSON.stringify(session.snapshot({ secrets: true })).length;
    };
    const little = heldOf({}, 1);
    expect(heldOf({}, 4000)).toBeGreaterThan(little + 4000);
    expect(heldOf({}, 5000)).toBeLessThan(little + 200);
    expect(heldOf({ limits: { commandLine: 600 } }, 1000)).toBeLessThan(little + 200);
    expect(heldOf(auth, 12_000)).toBeGreaterThan(little + 12_000);
    expect(heldOf(auth, 13_000)).toBeLessThan(little + 200);
  });

  test("G13 an answer that was given to a question is shown, but one of AUTH", () => {
    const failed = (question: Question) =>
      question.type === "auth" ? reply(535, "5.7.8", "No") : later("mail")(question);
    const { session, then } = after(auth, `${ehlo}AUTH SCRAM-SHA-256 AAAA\r\n`, failed);
    expect(then(`${mail}x`)).toEqual(["mail"]);
    session.answer(4, reply(550, "5.7.1", "This is shown"));
    const shown = session.snapshot();
    expect(shown.redacted).toBe(true);
    expect(JSON.stringify(shown)).toContain("This is shown");
    const asked = after(auth, ehlo, later("auth"));
    asked.then("AUTH SCRAM-SHA-256 AAAA\r\n");
    asked.session.answer(3, reply(535, "5.7.8", "This is not"));
    expect(JSON.stringify(asked.session.snapshot())).not.toContain("This is not");
  });

  test("X-XCL-01 the zone of an address is what ends it", () => {
    const session = new ServerSession({ name: "mx.example.com" });
    for (const odd of ["fe80::1%eth0:1", "fe80::1%a%b", "%eth0", "192.0.2.1%a"])
      expect(() => session.connected(odd), odd).toThrow();
    session.connected("fe80::1%eth0.5");
    expect(session.client.address).toBe("fe80::1");
  });
});

test("X-XCL-04 X-XCL-07 XCLIENT in several commands tells of one client, and behind its EHLO of another", () => {
  const config = { extensions: { xclient: { trusted: ["192.0.2.0/24"] } } };
  const told = (...lines: string[]) => {
    const { session, then } = after(config, ehlo);
    for (const line of lines) then(`${line}\r\n`);
    return [session.client.xclient, session.client.authenticated, session.client.address];
  };
  const first = "XCLIENT NAME=a.example LOGIN=b";
  expect(told(first)).toEqual([{ name: "a.example", login: "b" }, "XCLIENT", "192.0.2.1"]);
  expect(told(first, "XCLIENT PORT=5")).toEqual([
    { name: "a.example", login: "b", port: 5 },
    "XCLIENT",
    "192.0.2.1",
  ]);
  expect(told(first, "EHLO x.example", "XCLIENT PORT=5")).toEqual([
    { name: "a.example", port: 5 },
    null,
    "192.0.2.1",
  ]);
  expect(told(first, "EHLO x.example", "XCLIENT ADDR=192.0.2.7")).toEqual([
    { addr: "192.0.2.7" },
    null,
    "192.0.2.7",
  ]);
  expect(told(first, "XCLIENT ADDR=192.0.2.7")).toEqual([
    { name: "a.example", login: "b", addr: "192.0.2.7" },
    "XCLIENT",
    "192.0.2.7",
  ]);
});

describe("what is counted", () => {
  const over = (
    config: Partial<ServerConfig>,
    said: string,
    then: string,
    decide?: (question: Question) => Decision,
  ) =>
    after(config, said, decide)
      .then(then)
      .filter((each) => /^(S-|SEC|close)/.test(each));

  test("S-LINE-18 SEC-DOS-01 SEC-DOS-05 is told of by its rule when it is too many", () => {
    expect(over({ limits: { idleCommands: 1 } }, "NOOP\r\n", "NOOP\r\n")).toEqual([
      "S-LINE-18",
      "close abuse",
    ]);
    expect(over({ limits: { errors: 1 } }, "FOO\r\n", "FOO\r\n")).toEqual([
      "S-LINE-13",
      "S-LINE-18",
      "close abuse",
    ]);
    expect(over({ limits: { transactions: 1 } }, `${ehlo}${mail}RSET\r\n`, mail)).toEqual([
      "SEC-DOS-01",
      "close abuse",
    ]);
    expect(over({ limits: { errors: 1 } }, `${ehlo}BDAT 0\r\n`, "BDAT 0\r\n")).toEqual([
      "S-SEQ-01",
      "S-LINE-18",
      "close abuse",
    ]);
    const failed = `${open}BDAT 65537\r\n${"x".repeat(65_537)}`;
    const limits = { message: 65_536, errors: 1 };
    expect(over({ limits }, failed, "BDAT 0\r\n".repeat(5))).toEqual(Array(5).fill("S-SEQ-01"));
    expect(over({ limits: { ...limits, idleCommands: 2 } }, failed, "BDAT 0\r\n")).toEqual(["S-SEQ-01"]);
    expect(over({ limits: { ...limits, idleCommands: 2 } }, failed, "BDAT 0\r\nBDAT 0\r\n")).toEqual([
      "S-SEQ-01",
      "S-SEQ-01",
      "S-LINE-18",
      "close abuse",
    ]);
  });

  test("S-LINE-18 S-DATA-07 begins anew behind a message, and goes on behind all else", () => {
    const limits = { idleCommands: 3 };
    const message = `${mail}${rcpt}BDAT 0 LAST\r\n`;
    expect(after({ limits }, `${ehlo}NOOP\r\n${message}`).then("NOOP\r\n".repeat(3)).at(-1)).toBe("250");
    expect(after({ limits }, `${ehlo}NOOP\r\n${mail}`).then("RSET\r\nRSET\r\n").at(-1)).toBe("close abuse");
    expect(after({ limits }, `${ehlo}NOOP\r\n${mail}`).then("QUIT\r\n").at(-1)).toBe("close quit");
  });

  test("X-PIPE-09 X-PIPE-16 S-LINE-18 DATA behind recipients that were all refused is no error", () => {
    const no = (question: Question) =>
      question.type === "rcpt" ? reply(550, "5.1.1", "No") : accept(question);
    const { then, session } = after({ limits: { errors: 1 } }, ehlo + mail, no);
    expect(then(`${rcpt}DATA\r\nDATA\r\nDATA\r\n`).at(-1)).toBe("554");
    expect(session.phase).toBe("ready");
    // What is out of order behind it, but RCPT and DATA, is one.
    expect(
      after({ extensions: { etrn: true } }, ehlo + mail + rcpt, no).then("ETRN x\r\nMAIL FROM:<>\r\n"),
    ).toEqual(["S-SEQ-01", "503", "S-SEQ-01", "503"]);
    expect(then("ETRN x\r\nMAIL FROM:<>\r\n").at(-1)).toBe("close abuse");
    const malformed = after({ limits: { errors: 1 } }, ehlo + mail, no);
    expect(malformed.then(`${rcpt}RCPT TO:<>\r\nRCPT TO:<>\r\n`).at(-1)).toBe("close abuse");
    const chunks = after({ limits: { errors: 1 } }, ehlo + mail, no);
    expect(chunks.then(`${rcpt}BDAT 0\r\nBDAT 0\r\n`).at(-1)).toBe("close abuse");
  });

  test("S-LINE-18 chunks that are refused are told of in the words of commands", () => {
    const client = new Client({ limits: { errors: 1 } });
    client.say(`${ehlo}BDAT 0\r\n`);
    expect(client.say("BDAT 0\r\n")).toBe("421 4.7.0 mx.example.com Too many errors\r\n");
    const idle = new Client({ limits: { message: 65_536, idleCommands: 2 } });
    idle.say(`${open}BDAT 65537\r\n${"x".repeat(65_537)}BDAT 0\r\n`);
    expect(idle.say("BDAT 0\r\n")).toBe("421 4.7.0 mx.example.com Too many commands without mail\r\n");
  });

  test("L-LEN-23 X-SIZE-03 parameters too many, and a size too great, are told of by their rules", () => {
    const config: Partial<ServerConfig> = {
      mechanisms: ["SCRAM-SHA-256"],
      extensions: { dsn: true, smtputf8: true, deliverby: true, mtPriority: true, noSoliciting: true },
      limits: { parameters: 8 },
    };
    const eight = "SIZE=1 BODY=7BIT SMTPUTF8 RET=FULL ENVID=a BY=5;R MT-PRIORITY=-1 SOLICIT=a:b";
    expect(after(config, ehlo).then(`MAIL FROM:<> ${eight}\r\n`)).toEqual(["mail", "250"]);
    expect(after(config, ehlo).then(`MAIL FROM:<> ${eight} AUTH=<>\r\n`)).toEqual(["L-LEN-23", "501"]);
    expect(after({}, ehlo).then("MAIL FROM:<> SIZE=99999999\r\n")).toEqual(["X-SIZE-03", "552"]);
    expect(after({ limits: { message: 0 } }, ehlo).then(`MAIL FROM:<> SIZE=${2 ** 53 - 1}\r\n`)).toEqual([
      "mail",
      "250",
    ]);
    expect(after({ limits: { message: 0 } }, ehlo).then(`MAIL FROM:<> SIZE=${2 ** 53}\r\n`)).toEqual([
      "X-SIZE-03",
      "552",
    ]);
  });

  test("L-EXC-03 recipients too many are told so", () => {
    const client = new Client({ limits: { recipients: 100 } });
    client.say(ehlo + mail + rcpt.repeat(100));
    expect(client.say(rcpt)).toBe("452 4.5.3 Too many recipients\r\n");
    expect(client.of("violation").at(-1)?.rule).toBe("L-EXC-03");
  });
});

describe("a poll", () => {
  test("G6 SEC-DOS-01 hands out replies when they are a burst, and not before", () => {
    const machine = new Machine(settle({ name: "mx.example.com" }), 0);
    for (let event = machine.poll(); event !== null; event = machine.poll())
      if (event.type === "connect") machine.openSlot(event.id)!.answer = reply(220, "x");
    machine.input.push(Buffer.from("RSET\r\n".repeat(1500)));
    machine.state.idleCommands = -1e6;
    const sizes: number[] = [];
    for (let event = machine.poll(); event !== null; event = machine.poll())
      if (event.type === "send") sizes.push(event.data.length);
    // "250 2.0.0 OK" and CRLF.
    const one = 14;
    const burst = Math.ceil(16_384 / one) * one;
    expect(sizes).toEqual([burst, 1500 * one - burst]);
  });

  test("G6 input is wanted up to what may be unread", () => {
    const machine = new Machine(settle({ name: "mx.example.com" }), 0);
    machine.input.push(Buffer.from("EHLO"));
    const { charge } = machine.input;
    expect(charge).toBeGreaterThanOrEqual(4);
    expect([machine.wantsInput(charge), machine.wantsInput(charge + 1)]).toEqual([false, true]);
  });
});

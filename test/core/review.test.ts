import {
  challenge,
  type Reply,
  reply,
  type ServerConfig,
  type ServerEvent,
  ServerSession,
  settle,
  UsageError,
} from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { accept, Client, codesOf, ehlo, mail, type Question, rcpt } from "../dialogues/client.ts";
import { latin1 } from "../dialogues/items.ts";

const scram = { name: "SCRAM-SHA-1", first: "client", cleartext: false } as const;

/** What a session sends when it is polled until null. */
function drain(session: ServerSession, decide: (question: Question) => Reply | undefined = () => undefined) {
  let sent = "";
  for (let event = session.poll(); event !== null; event = session.poll()) {
    if (event.type === "send") sent += latin1(event.data);
    if ("id" in event) session.answer(event.id, decide(event));
  }
  return sent;
}

/** The question of a type that a session comes to, left open. */
function openQuestion<T extends Question["type"]>(
  session: ServerSession,
  type: T,
): Extract<ServerEvent, { type: T }> {
  for (let event = session.poll(); event !== null; event = session.poll()) {
    if (event.type === type) return event as Extract<ServerEvent, { type: T }>;
    if ("id" in event) session.answer(event.id, undefined);
  }
  throw new Error(`no question ${type}`);
}

function started(octets: string, config: Partial<ServerConfig> = {}): ServerSession {
  const session = new ServerSession({ name: "mx.example.com", ...config });
  session.receive(Buffer.from(octets, "latin1"));
  return session;
}

describe("long lines that must stay whole", () => {
  test("A-AUTH-10 L-LEN-10 a challenge is one line, however long", () => {
    const octets = new Uint8Array(6000).fill(7);
    const session = started(`${ehlo}AUTH SCRAM-SHA-1 AAAA\r\n`, { mechanisms: [scram] });
    const sent = drain(session, ({ type }) => (type === "auth" ? challenge(octets) : undefined));
    expect(sent.endsWith(`\r\n334 ${Buffer.from(octets).toString("base64")}\r\n`)).toBe(true);
    const longer = started(`${ehlo}AUTH SCRAM-SHA-1 AAAA\r\n`, { mechanisms: [scram] });
    const { id } = openQuestion(longer, "auth");
    expect(() => longer.answer(id, challenge(new Uint8Array(9213)))).toThrow(UsageError);
    expect(longer.answer(id, challenge(new Uint8Array(9210)))).toBe(true);
  });

  test("S-EHLO-04 G12 no text of the application can become a line of extensions", () => {
    const session = started(ehlo);
    const { id } = openQuestion(session, "hello");
    expect(() => session.answer(id, reply(250, `${"x".repeat(480)} STARTTLS`))).toThrow(UsageError);
    expect(session.answer(id, reply(250, "x".repeat(250)))).toBe(true);
    expect(drain(session)).toMatch(/^250-mx\.example\.com x{250}\r\n250-PIPELINING\r\n/);
  });

  test("S-EHLO-06 R-FMT-04 no line of extensions is so long that it would be folded into two", () => {
    const mechanisms = Array.from({ length: 60 }, (_, at) => ({ ...scram, name: `MECHANISM-${at}` }));
    expect(() => settle({ name: "mx.example.com", mechanisms })).toThrow(UsageError);
    const custom = [{ keyword: "XX", announce: "y".repeat(510) }];
    expect(() => settle({ name: "mx.example.com", custom })).toThrow(UsageError);
  });
});

describe("replies are the session's own", () => {
  test("G12 SEC-INJ-02 what becomes of a reply after it was given makes no difference", () => {
    const session = started(ehlo + mail);
    const { id } = openQuestion(session, "mail");
    const lines = ["fine"];
    session.answer(id, { code: 250, enhanced: null, lines });
    lines[0] = "fine\r\n250 forged";
    expect(drain(session)).toBe("250 2.0.0 fine\r\n");
  });

  test("G12 G7 the default reply and the extensions of a question cannot be changed", () => {
    const session = started(ehlo + mail);
    const hello = openQuestion(session, "hello");
    expect(() => (hello.capabilities as string[]).push("X\r\nY")).toThrow(TypeError);
    session.answer(hello.id, undefined);
    const question = openQuestion(session, "mail");
    expect(() => ((question.reply.lines as string[])[0] = "x\r\ny")).toThrow(TypeError);
    expect(() => ((question.reply as { code: number }).code = 999)).toThrow(TypeError);
  });

  test("G9 a reply whose text is no list of strings is refused, and the question stays open", () => {
    const session = started(ehlo + mail);
    const { id } = openQuestion(session, "mail");
    for (const lines of ["text", undefined, [1], [undefined], new Array(2), [{ length: 0 }]]) {
      const odd = { code: 250, enhanced: null, lines } as unknown as Reply;
      expect(() => session.answer(id, odd)).toThrow(UsageError);
    }
    expect(() => session.answer(id, 250 as never)).toThrow(UsageError);
    expect(session.answer(id, undefined)).toBe(true);
  });
});

describe("arguments that cannot be", () => {
  test("G9 a time that is no time is refused, and none passes", () => {
    for (const now of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, "5" as never]) {
      expect(() => new ServerSession({ name: "mx.example.com" }, now)).toThrow(UsageError);
      const session = started(ehlo);
      const { id } = openQuestion(session, "hello");
      const before = JSON.stringify(session.snapshot({ secrets: true }));
      for (const call of [
        () => session.advance(now),
        () => session.receive(Buffer.from("x"), now),
        () => session.receiveEnd(now),
        () => session.lost(now),
        () => session.shutdown("now", now),
        () => session.answer(id, undefined, now),
      ]) {
        expect(call).toThrow(UsageError);
        expect(JSON.stringify(session.snapshot({ secrets: true }))).toBe(before);
      }
    }
  });

  test("G9 what is no Uint8Array is not received, and there are two ways to shut down", () => {
    const session = started(ehlo);
    const before = JSON.stringify(session.snapshot({ secrets: true }));
    for (const odd of ["NOOP\r\n", [1, 2], undefined, null, 5, new ArrayBuffer(2), new Int8Array(2)]) {
      expect(() => session.receive(odd as never)).toThrow(UsageError);
    }
    expect(() => session.shutdown("later" as never)).toThrow(UsageError);
    expect(JSON.stringify(session.snapshot({ secrets: true }))).toBe(before);
  });

  test("G9 what is no snapshot is refused, also where only its head looks like one", () => {
    for (const held of [null, {}, "x", [], { state: {} }]) {
      const snapshot = { version: 1, redacted: false, held } as never;
      expect(() => ServerSession.restore({ name: "mx.example.com" }, snapshot)).toThrow(UsageError);
    }
  });

  test("G9 a configuration that is misspelled does not weaken the server: it is refused", () => {
    const odd: Record<string, unknown>[] = [
      { name: undefined },
      { name: 5 },
      { tls: "requierd" },
      { protocol: "LMTP" },
      { bareLf: "rejcet" },
      { bareCr: "rejcet" },
      { banner: [5] },
      { mechanisms: [{ name: "X", first: "cleint", cleartext: false }] },
      { custom: [{ keyword: null, verbs: [{ verb: "MAIL" }] }] },
      { concurrentRecipients: "2" },
      { limits: { message: Number.POSITIVE_INFINITY } },
      { limits: { message: 70_000.5 } },
      { limits: { message: 1e21 } },
      { limits: { errors: "5" } },
      { limits: { recipients: 100.5 } },
      { timers: { command: "5" } },
    ];
    for (const part of odd) {
      expect(() => settle({ name: "mx.example.com", ...part } as never), JSON.stringify(part)).toThrow(
        UsageError,
      );
    }
    expect(() =>
      settle({ name: "mx.example.com", limits: { recipients: Number.POSITIVE_INFINITY } }),
    ).not.toThrow();
  });

  test("G1 G7 G12 settings stay as they were checked", () => {
    const banner = ["ready"];
    const custom = [{ keyword: "XX" }];
    const settings = settle({ name: "mx.example.com", banner, custom });
    banner[0] = "x\r\ny";
    custom[0]!.keyword = "X\r\nY";
    expect(() => ((settings as { name: string }).name = "x\r\ny")).toThrow(TypeError);
    expect(() => ((settings.limits as { errors: number }).errors = 0)).toThrow(TypeError);
    const client = new Client(settings);
    expect(client.sent).toBe("220 mx.example.com ready\r\n");
    expect(client.say(ehlo)).toContain("250 XX\r\n");
  });
});

describe("BDAT that is refused", () => {
  test("S-BDAT-07 L-TIME-11 G2 its octets have the time that content has, whatever the origin of time", () => {
    const session = new ServerSession({ name: "mx.example.com", timers: { data: 60_000 } }, 1e9);
    drain(session);
    session.receive(Buffer.from(`${ehlo}BDAT 5\r\nab`), 1e9);
    drain(session);
    expect([session.reader, session.deadline]).toEqual(["drain", 1e9 + 60_000]);
    session.receive(Buffer.from("cde"), 1e9 + 59_999);
    expect(codesOf(drain(session))).toBe("503");
  });

  test("S-BDAT-13 M-LMTP-06 with CHUNKING off BDAT LAST is answered in LMTP, too, and ends nothing", () => {
    const client = new Client({ protocol: "lmtp", extensions: { chunking: false } });
    client.say(`LHLO a.example\r\n${mail}`);
    expect(codesOf(client.say("BDAT 3 LAST\r\nabcNOOP\r\n"))).toBe("502 250");
    expect(client.session.transaction).toBe("sender");
  });

  test("S-BDAT-06 S-BDAT-10 chunks sent ahead of the refusal are all answered 503, and are no errors", () => {
    const client = new Client({ limits: { errors: 5 } });
    client.say(ehlo + mail + rcpt);
    const said = client.say(`BDAT 2\r\nx\n${"BDAT 6\r\nQUIT\r\n".repeat(50)}BDAT 0 LAST\r\n${mail}`);
    expect(codesOf(said)).toBe(`550${" 503".repeat(51)} 250`);
  });

  test("S-LINE-18 SEC-DOS-01 chunks behind a refused one do not go on for ever", () => {
    const client = new Client({ limits: { idleCommands: 10 } });
    client.say(ehlo + mail + rcpt);
    expect(codesOf(client.say(`BDAT 2\r\nx\n${"BDAT 0\r\n".repeat(50)}`))).toMatch(/^550( 503){9} 421$/);
    expect(client.closed).toBe("abuse");
  });

  test("S-BDAT-13 S-SES-04 G11 its octets are no commands after a greeting of 554, with CHUNKING off", () => {
    for (const chunking of [true, false]) {
      const client = new Client({ extensions: { chunking } }, () => reply(554, "No"));
      expect(codesOf(client.say("BDAT 6\r\nQUIT\r\nNOOP\r\n"))).toBe("503 503");
    }
  });
});

test("SEC-DOS-04 L-TIME-11 the time of a message passes between chunks, too", () => {
  const client = new Client({ timers: { data: 1000 } });
  client.say(`${ehlo}${mail}${rcpt}BDAT 1\r\nx`);
  expect([client.session.deadline, client.session.deadlineReason]).toEqual([1000, "data"]);
  client.wait(999);
  client.say("BDAT 1\r\nx");
  expect(codesOf(client.wait(1))).toBe("421");
  expect(client.of("reset").at(-1)?.cause).toBe("timeout");
});

test("S-RCPT-09 L-EXC-03 recipients beyond the limit are no errors: what was accepted can still be sent", () => {
  const client = new Client({ limits: { recipients: 100, errors: 5, refusedRecipients: 50 } });
  client.say(ehlo + mail);
  expect(codesOf(client.say(rcpt.repeat(150)))).toBe(
    [...Array(100).fill("250"), ...Array(50).fill("452")].join(" "),
  );
  expect(codesOf(client.say("DATA\r\n.\r\n"))).toBe("354 250");
  client.say(mail + rcpt.repeat(100));
  expect(codesOf(client.say(rcpt.repeat(6)))).toBe("452 452 452 452 452 421");
});

describe("what was sent ahead of a refusal", () => {
  const refuses = (type: Question["type"]) => (question: Question) =>
    question.type === type ? reply(450, "4.7.1", "Later") : accept(question);

  test("X-PIPE-16 S-LINE-18 recipients and DATA behind a refused MAIL are no errors", () => {
    for (const from of [mail, "MAIL FROM:<a@example.net> SIZE=99999999999\r\n"]) {
      const client = new Client({}, refuses("mail"));
      client.say(ehlo);
      for (let time = 0; time < 5; time++)
        expect(codesOf(client.say(`${from}${rcpt.repeat(50)}DATA\r\n`))).toMatch(/^(450|552)( 503){51}$/);
    }
  });

  test("X-PIPE-09 S-LINE-18 nor is DATA behind recipients of which none was accepted", () => {
    const client = new Client({}, refuses("rcpt"));
    client.say(ehlo);
    for (let time = 0; time < 50; time++)
      expect(codesOf(client.say(`${mail}${rcpt}DATA\r\nRSET\r\n`))).toBe("250 450 554 250");
  });

  test("SEC-DOS-01 S-LINE-18 but there is an end to it", () => {
    const client = new Client({ limits: { errors: 5, refusedRecipients: 10 } }, refuses("mail"));
    client.say(ehlo);
    expect(codesOf(client.say(mail + rcpt.repeat(50)))).toBe(`450${" 503".repeat(15)} 421`);
    const idle = new Client({ limits: { errors: 5 } });
    expect(codesOf(idle.say(rcpt.repeat(50)))).toBe(`${"503 ".repeat(5)}421`);
    const early = new Client({ limits: { errors: 5 } });
    expect(codesOf(early.say(mail.repeat(50)))).toBe(`${"503 ".repeat(5)}421`);
  });
});

test("SEC-DOS-04 G3 a session that is over its time before the greeting ends, too", () => {
  const session = new ServerSession({ name: "mx.example.com", timers: { session: 600, greetingDelay: 500 } });
  expect(session.poll()).toBeNull();
  session.advance(700);
  expect(drain(session)).toMatch(/^421 /);
  expect([session.waiting, session.deadline]).toEqual(["closed", null]);
});

test("G3 S-SES-12 a CR at the end of the last chunk is told of while the message stands, and its end is not lost", () => {
  const { session } = new Client();
  session.receive(Buffer.from(`${ehlo}${mail}${rcpt}BDAT 3 LAST\r\nab\r`));
  for (let event = session.poll(); event?.type !== "violation"; event = session.poll()) {
    if (event !== null && "id" in event) session.answer(event.id, undefined);
  }
  expect([session.transaction, session.reader]).toEqual(["chunks", "octets"]);
  session.lost();
  expect(session.poll()).toEqual({ type: "reset", cause: "lost" });
});

test("S-SES-11 G4 what was decided is said, also when the service ends before it could be", () => {
  const client = new Client({}, (question) => (question.type === "message" ? "later" : accept(question)));
  client.say(`${ehlo}${mail}${rcpt}DATA\r\n.\r\n`);
  client.session.answer(client.open[0]!.id, reply(250, "2.0.0", "Stored"));
  client.session.shutdown("now");
  const before = client.sent.length;
  client.drain();
  expect(codesOf(client.sent.slice(before))).toBe("250 421");
  expect(client.of("reset")).toEqual([]);
});

test("S-SES-01 the name is the first word, not the beginning of another", () => {
  const session = new ServerSession({ name: "mx", banner: "mxserver ready" });
  expect(drain(session)).toBe("220 mx mxserver ready\r\n");
});

test("S-SES-08 who speaks while the application decides on the connection is an early talker, too", () => {
  const session = new ServerSession({ name: "mx.example.com" });
  const { id, early } = openQuestion(session, "connect");
  session.receive(Buffer.from("NOOP\r\n"));
  expect(session.poll()).toMatchObject({ type: "violation", rule: "S-SES-08" });
  expect([early, session.poll(), session.waiting]).toEqual([false, null, "answer"]);
  session.answer(id, undefined);
  expect(codesOf(drain(session))).toBe("220 250");
});

test("G13 A-AUTH-29 responses sent ahead stay secret, also when AUTH failed before they were read", () => {
  const secret = "c2VjcmV0LXBhc3N3b3Jk";
  const decided = [reply(535, "5.7.8", "No"), reply(454, "4.7.0", "Later"), challenge("Password:")];
  for (const cleartext of [true, false]) {
    for (const decision of decided) {
      const mechanisms = [{ name: "LOGIN", first: "either", cleartext }] as const;
      const session = started(`${ehlo}AUTH LOGIN dXNlcg==\r\n${secret}\r\n${secret}`, { mechanisms });
      for (let event = session.poll(); event !== null; event = session.poll()) {
        if ("id" in event) session.answer(event.id, event.type === "auth" ? decision : undefined);
        const shown = JSON.stringify(session.snapshot());
        for (const [, octets] of shown.matchAll(/"\$octets":"([^"]*)"/g)) {
          expect(Buffer.from(octets as string, "base64").toString()).not.toMatch(/c2VjcmV0|UGFzc3dvcmQ6/);
        }
        expect(shown).not.toMatch(/c2VjcmV0|UGFzc3dvcmQ6/);
      }
    }
  }
});

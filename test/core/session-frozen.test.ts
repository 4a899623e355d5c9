import { reply, type ServerConfig, type ServerEvent, ServerSession, UsageError } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { accept, type Decision, ehlo, frozen, mail, type Question, rcpt } from "../dialogues/client.ts";
import { latin1 } from "../dialogues/items.ts";

const open = ehlo + mail + rcpt;
const auth = [{ name: "PLAIN", first: "client", cleartext: false } as const, "CRAM-MD5"];

/** Octets, or something else that happens, and at what time. */
type Step = string | ((session: ServerSession) => void);

/** What a session comes to: all that poll gives, and what can be asked of it after each step. */
function run(
  config: Partial<ServerConfig>,
  steps: readonly Step[],
  decide: (question: Question) => Decision,
  isFrozen: boolean,
): unknown[] {
  const full: ServerConfig = { name: "mx.example.com", ...config };
  let session = new ServerSession(full, 0);
  const log: unknown[] = [];
  const again = () => {
    if (isFrozen) session = ServerSession.restore(full, frozen(session));
    return session;
  };
  const look = () => {
    const { phase, transaction, reader, waiting, wantsInput, deadline, deadlineReason } = session;
    log.push({ phase, transaction, reader, waiting, wantsInput, deadline, deadlineReason });
    log.push(session.client, session.envelope, session.protocol);
  };
  const poll = () => {
    for (let event: ServerEvent | null = again().poll(); event !== null; event = again().poll()) {
      log.push(event.type === "send" || event.type === "body" ? [event.type, latin1(event.data)] : event);
      look();
      if (!("id" in event)) continue;
      const decision = decide(event);
      if (decision !== "later") again().answer(event.id, decision);
    }
    look();
  };
  again().connected("192.0.2.1");
  poll();
  let now = 0;
  for (const step of steps) {
    now += 7;
    again().advance(now);
    if (typeof step === "string") again().receive(Buffer.from(step, "latin1"), now);
    else step(again());
    poll();
  }
  return log;
}

const later =
  (type: Question["type"]) =>
  (question: Question): Decision =>
    question.type === type ? "later" : accept(question);
const no = (type: Question["type"], code: number) => (question: Question) =>
  question.type === type ? reply(code, "x") : accept(question);

/** Sessions that stop in the middle of something, at each thing that there is to hold. */
const cases: [
  name: string,
  config: Partial<ServerConfig>,
  steps: readonly Step[],
  decide?: (question: Question) => Decision,
][] = [
  [
    "a PROXY header in parts",
    { proxy: true },
    ["PROXY TCP4 192.0.2.9 ", "192.0.2.8 5", " 25\r\nEHLO a.example\r\n"],
  ],
  [
    "a handshake before the greeting",
    { tls: "implicit" },
    [(session) => session.upgraded({ cipher: "x" }), ehlo],
  ],
  [
    "both",
    { tls: "implicit", proxy: true },
    ["PROXY UNKNOWN", "\r\nabc", (session) => session.upgraded({ sufficient: false }), "NOOP\r\nQUIT\r\n"],
  ],
  ["a greeting that waits", { timers: { greetingDelay: 20 } }, [() => {}, () => {}, () => {}, ehlo]],
  ["an early talker", { timers: { greetingDelay: 20 } }, ["NO", "OP\r\n"]],
  ["a greeting that refuses", {}, ["NOOP\r\nBDAT 3\r\na", "bcQUIT\r\n"], no("connect", 554)],
  ["half a line", {}, ["EH", "LO a.example\r", "\nNOOP", "\r", "\n", "NO\rOP", "\n\r\n"]],
  ["a line too long", {}, [`NOOP ${"x".repeat(4000)}`, "x".repeat(200), "\r\nNOOP\r\n"]],
  ["a transaction", {}, [ehlo, mail, rcpt, "RCPT TO:<c@example.com>\r\n", "DATA\r\n", "x\r\n", ".\r\n"]],
  [
    "content with stuffed dots, a CR, its end",
    {},
    [open, "DATA\r\n", "..a\r", "\n.", ".b\r\n", ".", "\r", "\nNOOP\r\n"],
  ],
  ["content that is refused", {}, [open, "DATA\r\n", "a\nb", "c\r\n", ".\r\n", mail]],
  [
    "chunks with what would be dots",
    {},
    [open, "BDAT 8\r\na\r\n", "..b\r", "BDAT 6\r\n\n.\r\n.c", "BDAT 3 LAST\r\n\r\n", ".", mail],
  ],
  ["a chunk that is refused", {}, [ehlo, "BDAT 5\r\nab", "cde", "NOOP\r\n"]],
  [
    "a chunk too big, and those behind",
    { limits: { message: 65_536 } },
    [
      open,
      `BDAT 65537\r\n${"x".repeat(65_000)}`,
      "x".repeat(537),
      "BDAT 2\r\na",
      "b",
      "BDAT 1 LAST\r\n",
      "c",
      mail,
    ],
  ],
  ["an AUTH exchange", { mechanisms: auth }, [ehlo, "AUTH PLAIN\r\n", "AA", "AA\r\n", mail]],
  [
    "one that is cancelled",
    { mechanisms: auth },
    [ehlo, "AUTH PLAIN\r\n", "*", "\r\n", "AUTH PLAIN AAAA\r\n"],
  ],
  ["challenges", { mechanisms: auth }, [ehlo, "AUTH CRAM-MD5\r\n", "AAAA\r\n", "BBBB\r\n"], no("auth", 334)],
  [
    "failures of AUTH",
    { mechanisms: auth },
    [ehlo, ...Array(4).fill("AUTH PLAIN AAAA\r\n")],
    no("auth", 535),
  ],
  ["errors", { limits: { errors: 3 } }, ["FOO\r\n", "FOO\r\n", "FOO\r\n", "FOO\r\n"]],
  ["idle commands", { limits: { idleCommands: 3 } }, ["NOOP\r\n", "NOOP\r\n", "RSET\r\n", "NOOP\r\n"]],
  [
    "refused recipients",
    { limits: { refusedRecipients: 2 } },
    [ehlo + mail, rcpt, rcpt, rcpt],
    no("rcpt", 550),
  ],
  ["transactions", { limits: { transactions: 2 } }, [ehlo + mail, `RSET\r\n${mail}`, `RSET\r\n${mail}`]],
  [
    "domains",
    { limits: { recipientDomains: 2 } },
    [open, "RCPT TO:<a@b.c>\r\n", "RCPT TO:<a@c.d>\r\n", rcpt, "RSET\r\n", mail, "RCPT TO:<a@c.d>\r\n"],
  ],
  ["recipients that were all refused", {}, [ehlo + mail, rcpt, "DATA\r\n", "BDAT 0\r\n"], no("rcpt", 550)],
  [
    "a MAIL that was refused",
    { limits: { errors: 1 } },
    [ehlo, "MAIL FROM:<a@>\r\n", rcpt, rcpt, "DATA\r\n"],
  ],
  [
    "a question",
    {},
    [ehlo + mail, `${rcpt}NOOP\r\n`, (session) => session.answer(4, undefined)],
    later("rcpt"),
  ],
  [
    "questions at the same time, and a line that waits for them",
    { concurrentRecipients: 3 },
    [
      ehlo + mail,
      rcpt.repeat(2),
      "DATA\r\n",
      (session) => session.answer(5, reply(550, "x")),
      (session) => session.answer(4, undefined),
      "x\r\n.\r\n",
    ],
    later("rcpt"),
  ],
  [
    "verdicts",
    { protocol: "lmtp" },
    [
      `LHLO a.example\r\n${mail}${rcpt}${rcpt}DATA\r\n`,
      ".\r\nNOOP\r\n",
      (session) => session.answerRecipient(7, 1, reply(550, "x")),
      (session) => session.answerRecipient(7, 0, reply(250, "x")),
    ],
    later("message"),
  ],
  ["STARTTLS", { tls: "offered" }, [ehlo, "STARTTLS\r\n", (session) => session.upgraded(), mail, ehlo, mail]],
  ["STARTTLS that fails", { tls: "offered" }, [ehlo, "STARTTLS\r\n", (session) => session.upgradeFailed()]],
  [
    "XCLIENT and XFORWARD",
    { extensions: { xclient: { trusted: ["192.0.2.0/24"] }, xforward: { trusted: ["192.0.2.0/24"] } } },
    [
      ehlo,
      "XFORWARD NAME=a.example\r\n",
      "XFORWARD ADDR=192.0.2.7\r\n",
      mail,
      "RSET\r\n",
      "XCLIENT NAME=c.example\r\n",
      "XCLIENT ADDR=192.0.2.6\r\n",
      ehlo,
      mail,
    ],
  ],
  ["an idle shutdown", {}, [open, (session) => session.shutdown("idle"), "DATA\r\n", ".\r\n", "NOOP\r\n"]],
  ["the end of the input", {}, [open, "DATA\r\nx", (session) => session.receiveEnd()]],
  ["a quit", {}, [open, "QUIT\r\n"]],
  [
    "a turn",
    { service: "on-demand", mechanisms: ["CRAM-MD5"] },
    [ehlo, "AUTH CRAM-MD5\r\n", "ATRN a.example\r\n"],
  ],
];

describe("a session that is frozen before each call", () => {
  test.each<(typeof cases)[number]>(cases)(
    "G7 goes on as one that is not: %s",
    (_, config, steps, decide = accept) => {
      expect(run(config, steps, decide, true)).toEqual(run(config, steps, decide, false));
    },
  );

  test("G7 G4 what was not polled yet is kept, in its order, and leaves when it would", () => {
    const config = { name: "mx.example.com" };
    const poll = (session: ServerSession, freeze: boolean): unknown[] => {
      let each = session;
      const order: unknown[] = [];
      for (let event = each.poll(); event !== null; event = each.poll()) {
        order.push(event.type === "send" ? latin1(event.data) : event.type);
        if ("id" in event) each.answer(event.id, undefined);
        if (freeze) each = ServerSession.restore(config, frozen(each));
      }
      return order;
    };
    // 503, not held back, is to leave before RCPT is read; two events wait behind a violation.
    const octets = `${ehlo}DATA\r\n${mail}${rcpt}DATA\r\na\nb\r\n.\r\n${mail}${rcpt}QUIT\r\n`;
    const [one, two] = [false, true].map((freeze) => {
      const session = new ServerSession(config);
      session.receive(Buffer.from(octets));
      return poll(session, freeze);
    });
    expect(two).toEqual(one);
    expect(one).toContain("reset");
  });
});

describe("a snapshot", () => {
  const config: ServerConfig = { name: "mx.example.com", mechanisms: auth };
  const at = (octets: string, polls = 99, decide: (question: Question) => Decision = accept) => {
    const session = new ServerSession(config);
    session.receive(Buffer.from(octets, "latin1"));
    for (let count = 0; count < polls; count++) {
      const event = session.poll();
      if (event === null) break;
      if (!("id" in event)) continue;
      const decision = decide(event);
      if (decision !== "later") session.answer(event.id, decision);
    }
    return session;
  };

  test("G13 A-AUTH-29 is redacted where something may be of AUTH, and nowhere else", () => {
    const refuse = no("auth", 535);
    const redacted = (octets: string, polls?: number, decide?: (question: Question) => Decision) =>
      at(octets, polls, decide).snapshot().redacted;
    // In the exchange, whatever is read.
    expect(redacted(`${ehlo}AUTH PLAIN\r\n`)).toBe(true);
    expect(redacted(`${ehlo}AUTH PLAIN AAAA\r\n`, 99, later("auth"))).toBe(true);
    // The word is unread, in any letters, in part or in whole.
    for (const word of ["AUTH ", "auth ", "aUtH", "NOOP\r\nAUTH", "XAUTH"])
      expect([word, redacted(word, 0)]).toEqual([word, true]);
    for (const word of ["AUT", "AU TH", "UTH", "NOOP\r\n", "", "bUTH", "AVTH"])
      expect([word, redacted(word, 0)]).toEqual([word, false]);
    expect(redacted(`${ehlo}AUTH PLAIN`)).toBe(true);
    expect(redacted(`${ehlo}AUT`)).toBe(false);
    // AUTH has failed: what is unread may be a response, if there is anything.
    expect(redacted(`${ehlo}AUTH PLAIN AAAA\r\n`, 99, refuse)).toBe(false);
    expect(redacted(`${ehlo}AUTH PLAIN AAAA\r\nx`, 99, refuse)).toBe(true);
    expect(redacted(`${ehlo}AUTH X\r\nAAAA`)).toBe(true);
    // It has succeeded.
    expect(redacted(`${ehlo}AUTH PLAIN AAAA\r\n`)).toBe(false);
    expect(redacted(`${ehlo}AUTH PLAIN AAAA\r\nx`)).toBe(false);
    expect(redacted(`${open}DATA\r\nx`)).toBe(false);
    expect(redacted(`${ehlo}AUTH PLAIN AAAA\r\nAUTH PLAIN\r\nx`)).toBe(false);
    expect(redacted(`${ehlo}NOOP\r\nx`)).toBe(false);
    const asked = at(`${ehlo}AUTH PLAIN AAAA\r\n`, 99, later("auth"));
    expect(asked.snapshot({ secrets: true }).redacted).toBe(false);
    expect(asked.snapshot({ secrets: false }).redacted).toBe(true);
    expect(asked.snapshot({}).redacted).toBe(true);
  });

  test("G13 that is redacted has nothing unread, nothing unsent and no response, and all else", () => {
    const shown = at(`${ehlo}AUTH PLAIN c2VjcmV0\r\nabc`, 99, later("auth")).snapshot();
    expect(shown).toMatchObject({
      version: 1,
      redacted: true,
      held: {
        input: null,
        output: null,
        lines: null,
        proxy: null,
        content: null,
        mustSend: false,
        events: [],
        state: { phase: "ready", held: null, exchange: { mechanism: "PLAIN", step: 0 } },
      },
    });
    const [slot] = (shown.held as { state: { slots: { question: object; answer: null }[] } }).state.slots;
    expect(slot).toMatchObject({
      answer: null,
      question: { type: "auth", response: null, mechanism: "PLAIN" },
    });
    // The question waits behind what comes before it.
    const waiting = new ServerSession(config);
    waiting.receive(Buffer.from(`${ehlo}`));
    for (let event = waiting.poll(); event !== null; event = waiting.poll())
      if ("id" in event) waiting.answer(event.id, undefined);
    expect(waiting.snapshot().redacted).toBe(false);
    expect(() => ServerSession.restore(config, shown)).toThrow(UsageError);
  });

  test("G9 that is damaged is refused", () => {
    const good = frozen(at(ehlo));
    const held = good.held as object;
    expect(() => ServerSession.restore(config, good)).not.toThrow();
    for (const wrong of [
      { ...held, state: 5 },
      { ...held, state: undefined },
      { ...held, lines: "x" },
      { ...held, lines: undefined },
      { ...held, events: {} },
      { ...held, events: null },
      { ...held, input: null },
      { ...held, output: null },
      { ...held, input: "abc", output: "abc" },
      null,
      5,
    ])
      expect(() => ServerSession.restore(config, { ...good, held: wrong } as never)).toThrow(UsageError);
    for (const head of [{ version: 2 }, { version: "1" }, { version: undefined }, { redacted: true }])
      expect(() => ServerSession.restore(config, { ...good, ...head } as never)).toThrow(UsageError);
    for (const none of [undefined, null, 5, "x"])
      expect(() => ServerSession.restore(config, none as never)).toThrow(UsageError);
  });

  test("SEC-DOS-01 G6 of a session that is idle holds nothing, however long it has been talked to", () => {
    const session = at(open);
    const before = JSON.stringify(frozen(session)).length;
    for (let time = 0; time < 50; time++) {
      session.receive(Buffer.from(`NO`));
      session.poll();
      session.receive(Buffer.from(`OP\r\nRSET\r\n${mail}${rcpt}`));
      for (let event = session.poll(); event !== null; event = session.poll())
        if ("id" in event) session.answer(event.id, undefined);
    }
    expect(JSON.stringify(frozen(session)).length).toBeLessThan(before + 20);
  });
});

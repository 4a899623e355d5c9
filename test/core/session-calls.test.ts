import {
  challenge,
  exchange,
  type Reply,
  reply,
  type ServerConfig,
  type ServerEvent,
  ServerSession,
  settle,
  UsageError,
} from "@sansmtp/core";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { accept, Client, codesOf, ehlo, frozen, mail, type Question, rcpt } from "../dialogues/client.ts";
import { latin1 } from "../dialogues/items.ts";
import { configs, decideByQuestion, traffic } from "../properties/traffic.ts";

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

/** What poll gives, in short: `250 250` for a send with two replies, else the type of the event. */
function inOrder(
  session: ServerSession,
  octets: string,
  decide: (question: Question) => Reply | undefined | "later" = () => undefined,
): string[] {
  session.receive(Buffer.from(octets, "latin1"));
  const order: string[] = [];
  for (let event = session.poll(); event !== null; event = session.poll()) {
    order.push(event.type === "send" ? codesOf(latin1(event.data)) : event.type);
    if (!("id" in event)) continue;
    const decision = decide(event);
    if (decision !== "later") session.answer(event.id, decision);
  }
  return order;
}

function ready(config: Partial<ServerConfig> = {}, octets = ehlo): ServerSession {
  const session = new ServerSession({ name: "mx.example.com", ...config });
  inOrder(session, octets);
  return session;
}

describe("replies leave when they should", () => {
  test("X-PIPE-08 X-PIPE-12 G5 replies of a group leave together, when all octets are consumed", () => {
    expect(inOrder(ready(), mail + rcpt + rcpt)).toEqual(["mail", "rcpt", "rcpt", "250 250 250"]);
    expect(inOrder(ready(), `${mail}${rcpt}RSET\r\n${mail}`)).toEqual([
      "mail",
      "rcpt",
      "reset",
      "mail",
      "250 250 250 250",
    ]);
    expect(inOrder(ready(), `${mail}${rcpt}DATA\r\n`)).toEqual(["mail", "rcpt", "data", "250 250 354"]);
    expect(inOrder(ready(), `${mail}RCPT TO`)).toEqual(["mail", "250"]);
  });

  test("X-PIPE-11 replies to EHLO, DATA, VRFY, EXPN, TURN, QUIT, NOOP and unknown commands are not held back", () => {
    for (const line of [
      "EHLO a.example",
      "HELO a.example",
      "VRFY x",
      "EXPN x",
      "TURN",
      "NOOP",
      "FOO",
      "HELP",
      "FOO\0",
      "",
    ]) {
      const session = ready({ extensions: { expn: true } });
      const order = inOrder(session, `${line}\r\n${mail}`, ({ type }) =>
        type === "mail" ? "later" : undefined,
      );
      expect([line, order.indexOf("mail")]).toEqual([line, order.length - 1]);
      expect([line, order.at(-2)]).toEqual([line, expect.stringMatching(/^\d{3}$/)]);
    }
    const session = ready({}, ehlo + mail + rcpt);
    expect(
      inOrder(session, "DATA\r\nx\r\n.\r\n", ({ type }) => (type === "message" ? "later" : undefined)),
    ).toEqual(["data", "354", "body", "message"]);
    expect(inOrder(ready(), `QUIT\r\n${mail}`)).toEqual(["221", "close"]);
  });

  test("X-PIPE-12 G5 what is known is said before the application is waited for", () => {
    for (const config of [{}, { concurrentRecipients: 10 }]) {
      const session = ready(config);
      const order = inOrder(session, mail + rcpt + rcpt, ({ type }) =>
        type === "rcpt" ? "later" : undefined,
      );
      expect(order.filter((what) => what === "250")).toEqual(["250"]);
      expect(session.waiting).toBe("answer");
    }
  });

  test("SEC-DOS-01 G6 replies that pile up are handed out in pieces, and no more is read until they are taken", () => {
    const session = ready({ limits: { recipients: 1e9 } });
    session.receive(Buffer.from(`${mail}${rcpt.repeat(50_000)}`));
    let sends = 0;
    for (let event = session.poll(); event !== null; event = session.poll()) {
      if (event.type === "send") expect(event.data.length).toBeLessThan(20_000);
      if (event.type === "send") sends++;
      if ("id" in event) session.answer(event.id, undefined);
    }
    expect(sends).toBeGreaterThan(50);
  });

  test("T-TLS-03 T-TLS-16 S-QUIT-01 G4 220 comes before the handshake, 221 and 421 before the close", () => {
    expect(inOrder(ready({ tls: "offered" }), "STARTTLS\r\n")).toEqual(["starttls", "220", "upgrade"]);
    expect(inOrder(ready(), "QUIT\r\n")).toEqual(["221", "close"]);
    expect(inOrder(ready({}, ehlo + mail), "QUIT\r\n")).toEqual(["reset", "221", "close"]);
    const session = ready({}, ehlo + mail + rcpt);
    session.shutdown("now");
    expect(inOrder(session, "")).toEqual(["reset", "421", "close"]);
  });

  test("S-LINE-16 S-DATA-07 S-DATA-10 the verdict is asked for once, when the content is out, and said before the next command is read", () => {
    const session = ready({}, `${ehlo}${mail}${rcpt}DATA\r\n`);
    expect(inOrder(session, `x\r\n.\r\n${mail}`)).toEqual(["body", "message", "mail", "451 250"]);
  });
});

/** What a call comes to. */
function attempt(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    if (error instanceof UsageError) return "UsageError";
    throw error;
  }
}

/** Codes that cannot answer a question, since they would say another thing than it asks. */
const unfit: Record<Question["type"], readonly number[]> = {
  connect: [200, 221, 235, 250, 334, 354],
  hello: [220, 221, 235, 334, 354],
  starttls: [200, 221, 235, 250, 334, 354],
  auth: [200, 220, 221, 250, 354],
  mail: [220, 221, 235, 334, 354],
  rcpt: [220, 221, 235, 334, 354],
  data: [220, 221, 235, 250, 334],
  message: [220, 221, 235, 334, 354],
  burl: [220, 221, 235, 334, 354],
  atrn: [220, 221, 235, 251, 334, 354],
  command: [220, 221, 235, 334, 354],
};

describe("calls at the wrong time", () => {
  test("G9 T-TLS-16 SEC-TLS-05 octets in the clear while the handshake is pending are an error, and change nothing", () => {
    const session = ready({ tls: "offered" }, `${ehlo}STARTTLS\r\n`);
    const before = frozen(session);
    expect(session.waiting).toBe("tls");
    expect(() => session.receive(Buffer.from("MAIL FROM:<evil@example.net>\r\n"))).toThrow(UsageError);
    expect(frozen(session)).toEqual(before);
    session.upgraded({});
    expect(inOrder(session, rcpt + ehlo)).toEqual(["violation", "hello", "503 250"]);
  });

  test("G9 no misuse changes anything, whatever has gone before", () => {
    fc.assert(
      fc.property(configs, traffic, fc.nat({ max: 40 }), (config, octets, polls) => {
        const session = new ServerSession({ name: "mx.example.com", ...config });
        session.receive(Buffer.from(octets, "latin1"));
        let open: Question | undefined;
        for (let count = 0; count < polls; count++) {
          if (open !== undefined) session.answer(open.id, decideByQuestion(open) as Reply);
          const event = session.poll();
          open = event !== null && "id" in event ? event : undefined;
        }
        const before = frozen(session);
        expect(attempt(() => session.upgraded({}))).toBe("UsageError");
        expect(attempt(() => session.upgradeFailed())).toBe("UsageError");
        for (const id of [-1, 0.5, 1e9, Number.NaN]) {
          expect(session.answer(id, reply(250, "x"))).toBe(false);
          expect(session.answerRecipient(id, 0, reply(250, "x"))).toBe(false);
        }
        if (open !== undefined) {
          const { id, type } = open;
          for (const code of unfit[type])
            expect(attempt(() => session.answer(id, reply(code, "AAAA")))).toBe("UsageError");
          for (const index of [-1, 0.5, 99])
            expect(attempt(() => session.answerRecipient(id, index, undefined))).toBe("UsageError");
          expect(attempt(() => session.answer(id, []))).toBe("UsageError");
          expect(attempt(() => session.answer(id, { code: 250, enhanced: null, lines: ["\n"] }))).toBe(
            "UsageError",
          );
        }
        expect(frozen(session)).toEqual(before);
      }),
      { numRuns: 400 },
    );
  });

  test("G9 a late answer, a second answer and an answer to nothing return false and change nothing", () => {
    const kept: Question[] = [];
    const client = new Client({ protocol: "lmtp", mechanisms: ["SCRAM-SHA-1"] }, (question) => {
      kept.push(question);
      return accept(question);
    });
    client.say(`LHLO a.example\r\nAUTH SCRAM-SHA-1 AAAA\r\nVRFY x\r\n${mail}${rcpt}DATA\r\n.\r\n`);
    expect(kept.map(({ type }) => type)).toEqual([
      "connect",
      "hello",
      "auth",
      "command",
      "mail",
      "rcpt",
      "data",
      "message",
    ]);
    const before = frozen(client.session);
    for (const { id } of kept) {
      expect(client.session.answer(id, reply(550, "x"))).toBe(false);
      expect(client.session.answer(id, undefined)).toBe(false);
      expect(client.session.answer(id, [])).toBe(false);
      expect(client.session.answerRecipient(id, 0, undefined)).toBe(false);
    }
    expect(frozen(client.session)).toEqual(before);
    expect(new Set(kept.map(({ id }) => id)).size).toBe(kept.length);
  });

  test("G9 S-SES-12 what ends the session closes every question", () => {
    for (const end of [
      (session: ServerSession) => session.lost(),
      (session: ServerSession) => session.shutdown("now"),
      (session: ServerSession) => session.advance(1e9),
    ]) {
      for (const held of ["connect", "hello", "mail", "rcpt", "data", "message"]) {
        const client = new Client({ timers: { session: 1e9 } });
        const fresh = new Client({ timers: { session: 1e9 } }, (question) =>
          question.type === held ? "later" : accept(question),
        );
        fresh.say(`${ehlo}${mail}${rcpt}DATA\r\n.\r\n`);
        const { id } = fresh.open[0]!;
        end(fresh.session);
        fresh.drain();
        expect([held, fresh.session.waiting]).toEqual([held, "closed"]);
        expect(fresh.session.answer(id, undefined)).toBe(false);
        expect(fresh.session.poll()).toBeNull();
        expect(client.closed).toBeNull();
      }
    }
  });

  test("S-SES-12 after a loss nothing is sent or asked any more, whatever was under way", () => {
    const octets = `${ehlo}${mail}${rcpt}DATA\r\nx\ny\r\n.\r\n${mail}${rcpt}RSET\r\nNOOP\r\nFOO\r\n`;
    for (let polls = 0; polls < 30; polls++) {
      const session = ready({}, "");
      session.receive(Buffer.from(octets));
      for (let count = 0; count < polls; count++) {
        const event = session.poll();
        if (event !== null && "id" in event) session.answer(event.id, undefined);
      }
      const { transaction } = session;
      session.lost();
      expect([polls, inOrderOf(session)]).toEqual([
        polls,
        transaction === "none" ? ["close"] : ["reset", "close"],
      ]);
    }
  });

  test("S-DATA-06 G8 an envelope that was handed out stays as it is", () => {
    const client = new Client({}, (question) =>
      question.type === "data" && question.envelope.recipients.length < 2
        ? reply(451, "4.3.0", "Later")
        : accept(question),
    );
    client.say(`${ehlo}${mail}${rcpt}DATA\r\n${rcpt}DATA\r\n`);
    expect(client.of("data").map(({ envelope }) => envelope.recipients.length)).toEqual([1, 2]);
  });

  test("M-LMTP-15 S-SES-10 421 as the verdict for one recipient ends the session, and the others get none", () => {
    const verdicts = [reply(250, "2.0.0", "OK"), reply(421, "4.3.2", "Gone"), reply(250, "2.0.0", "OK")];
    const client = new Client({ protocol: "lmtp" }, (question) =>
      question.type === "message" ? verdicts : accept(question),
    );
    expect(codesOf(client.say(`LHLO a.example\r\n${mail}${rcpt}${rcpt}${rcpt}DATA\r\n.\r\nNOOP\r\n`))).toBe(
      "250 250 250 250 250 354 250 421",
    );
    expect(client.closed).toBe("refused");
  });

  test("G9 after receiveEnd nothing more can be received", () => {
    const session = ready();
    session.receiveEnd();
    expect(attempt(() => session.receive(Buffer.from("NOOP\r\n")))).toBe("UsageError");
    expect(inOrderOf(session)).toEqual(["close"]);
  });

  test("G9 M-LMTP-04 under LMTP there is a reply for each recipient, or one for all", () => {
    const client = new Client({ protocol: "lmtp" }, (question) =>
      question.type === "message" ? "later" : accept(question),
    );
    client.say(`LHLO a.example\r\n${mail}${rcpt}${rcpt}${rcpt}DATA\r\n.\r\n`);
    const { id } = client.open[0]!;
    const { session } = client;
    const ok = reply(250, "2.0.0", "OK");
    for (const few of [[], [ok], [ok, ok], [ok, ok, ok, ok]])
      expect(attempt(() => session.answer(id, few))).toBe("UsageError");
    expect(attempt(() => session.answer(id, [ok, ok, reply(354, "x")]))).toBe("UsageError");
    expect(session.answerRecipient(id, 1, reply(450, "4.2.0", "one"))).toBe(true);
    expect(session.answerRecipient(id, 1, ok)).toBe(false);
    expect(session.answer(id, undefined)).toBe(true);
    client.watch.answered(id);
    client.drain();
    expect(codesOf(client.sent)).toMatch(/451 450 451$/);
  });
});

test("M-LMTP-10 M-LMTP-04 G7 verdicts given one by one, in any order, are said in the order of the recipients", () => {
  const verdicts = fc.array(fc.constantFrom(250, 450, 550), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(
      verdicts.chain((codes) =>
        fc.tuple(fc.constant(codes), fc.shuffledSubarray([...codes.keys()], { minLength: codes.length })),
      ),
      ([codes, order]) => {
        const client = new Client({ protocol: "lmtp" }, (question) =>
          question.type === "message" ? "later" : accept(question),
        );
        client.say(`LHLO a.example\r\n${mail}${rcpt.repeat(codes.length)}DATA\r\n`);
        client.say(".\r\nNOOP\r\n");
        const before = client.sent.length;
        const given = new Set<number>();
        for (const index of order) {
          const { id } = client.open[0]!;
          expect(client.session.answerRecipient(id, index, reply(codes[index]!, `to ${index}`))).toBe(true);
          given.add(index);
          if (given.size === codes.length) client.watch.answered(id);
          client.drain();
          const known = codes.findIndex((_, at) => !given.has(at));
          const said = codesOf(client.sent.slice(before))
            .split(" ")
            .filter((code) => code !== "");
          expect(said).toEqual(known < 0 ? [...codes.map(String), "250"] : codes.slice(0, known).map(String));
        }
      },
    ),
  );
});

describe("exchange", () => {
  test("G5 octets in, reply octets and events out", () => {
    const session = new ServerSession({ name: "mx.example.com" });
    expect(latin1(exchange(session).reply)).toBe("220 mx.example.com ESMTP\r\n");
    const { reply: said, events } = exchange(
      session,
      `${ehlo}${mail}RCPT TO:<ü@example.com>\r\n${rcpt}`,
      (question) => (question.type === "rcpt" ? reply(550, "5.1.1", "No") : undefined),
    );
    expect(codesOf(latin1(said))).toBe("250 250 501 550");
    expect(events.map(({ type }) => type)).toEqual(["hello", "mail", "violation", "rcpt"]);
    expect(exchange(session, new Uint8Array())).toEqual({ reply: new Uint8Array(), events: [] });
    expect(exchange(session, Buffer.from("QUIT\r\n")).events.map(({ type }) => type)).toEqual([
      "reset",
      "close",
    ]);
  });

  test("A-AUTH-10 A-AUTH-05 a challenge is base64 and nothing else", () => {
    expect(challenge("").lines).toEqual([""]);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (octets) => {
        const client = new Client({ mechanisms: ["SCRAM-SHA-1"] }, (question) =>
          question.type === "auth" ? challenge(octets) : accept(question),
        );
        client.say(ehlo);
        const said = client.say("AUTH SCRAM-SHA-1 AAAA\r\n");
        expect(said).toBe(`334 ${Buffer.from(octets).toString("base64")}\r\n`);
      }),
    );
    const client = new Client({ mechanisms: ["SCRAM-SHA-1"] }, (question) =>
      question.type === "auth" ? "later" : accept(question),
    );
    client.say(`${ehlo}AUTH SCRAM-SHA-1 AAAA\r\n`);
    for (const wrong of [reply(334, "not base64"), reply(334, ["AAAA", "AAAA"]), reply(334, "A=AA")]) {
      expect(attempt(() => client.session.answer(client.open[0]!.id, wrong))).toBe("UsageError");
    }
  });

  test("A-AUTH-07 responses are decoded strictly, and handed on octet for octet", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.boolean(), (octets, initial) => {
        const client = new Client({ mechanisms: ["SCRAM-SHA-1"] });
        client.say(ehlo);
        const text = Buffer.from(octets).toString("base64");
        client.say(
          initial ? `AUTH SCRAM-SHA-1 ${text === "" ? "=" : text}\r\n` : `AUTH SCRAM-SHA-1\r\n${text}\r\n`,
        );
        expect(client.of("auth")[0]?.response).toEqual(octets);
        expect(client.session.client.authenticated).toBe("SCRAM-SHA-1");
      }),
    );
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom("A", "B", "=", "+", "/", "-", "_", " "),
          minLength: 1,
          maxLength: 9,
        }),
        (text) => {
          const client = new Client({ mechanisms: ["SCRAM-SHA-1"] });
          client.say(ehlo);
          const code = codesOf(client.say(`AUTH SCRAM-SHA-1\r\n${text}\r\n`));
          // Blanks before CRLF belong to no command, but a response is no command.
          const valid = Buffer.from(text, "base64").toString("base64") === text;
          expect([text, code]).toEqual([text, valid ? "334 235" : "334 501"]);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe("secrets", () => {
  const secret = "c2VjcmV0LXBhc3N3b3Jk";

  test("A-AUTH-29 G13 nothing but the question shows what was sent in an exchange", () => {
    const lines = [
      `AUTH PLAIN ${secret}`,
      `AUTH PLAIN ${secret}!`,
      `AUTH PLAIN ${secret} x`,
      `AUTH ${secret}`,
      `AUTH PLAIN\r\n${secret}`,
      `AUTH PLAIN\r\n${secret}!`,
      `AUTH PLAIN\r\n${secret}\0`,
      `AUTH PLAIN\r\n${secret.repeat(1000)}`,
      `AUTH PLAIN ${secret.repeat(1000)}`,
      `auth plain ${secret}\0`,
    ];
    for (const line of lines) {
      for (const tls of [true, false]) {
        const client = new Client({ tls: tls ? "implicit" : "none", mechanisms: ["PLAIN"] }, (question) =>
          question.type === "auth" ? reply(535, "5.7.8", "No") : accept(question),
        );
        if (tls) client.tlsUp();
        client.say(ehlo);
        client.say(`${line}\r\n`);
        const shown = JSON.stringify([
          client.sent,
          client.events.filter(({ type }) => type !== "auth"),
          client.session.snapshot(),
        ]);
        for (const form of [secret, "secret-password", secret.slice(0, 12)])
          expect([line.slice(0, 40), shown.includes(form)]).toEqual([line.slice(0, 40), false]);
      }
    }
  });

  test("T-IMP-03 A-AUTH-01 in the clear a mechanism that shows the password is refused alike, and the application is not asked", () => {
    const said = ["dGVzdAB0ZXN0ADEyMzQ=", "AAAA", "=", "", "!"].map((response) => {
      const client = new Client({ mechanisms: ["PLAIN"] });
      client.say(ehlo);
      const reply = client.say(`AUTH PLAIN ${response}\r\n`);
      expect(client.of("auth")).toEqual([]);
      return reply;
    });
    expect(new Set(said.slice(0, 4)).size).toBe(1);
    expect(said[0]).toMatch(/^504 5\.5\.4 /);
  });
});

describe("settings", () => {
  test("G7 settled settings give the same session, and settling twice is settling once", () => {
    const settings = settle({ name: "mx.example.com", extensions: { dsn: true } });
    expect(settle(settings)).toBe(settings);
    const client = new Client(settings);
    expect(client.say(ehlo)).toContain("250-DSN\r\n");
  });

  test("G3 getters tell of the session as of the event just returned", () => {
    const session = new ServerSession({ name: "mx.example.com" });
    inOrder(session, "");
    session.receive(Buffer.from(`${ehlo}${mail}${rcpt}DATA\r\nx\r\n.\r\nQUIT\r\n`));
    const seen: string[] = [];
    for (let event: ServerEvent | null = session.poll(); event !== null; event = session.poll()) {
      seen.push(
        `${event.type}: ${session.phase} ${session.transaction} ${session.client.hello?.verb ?? "nobody"}`,
      );
      if ("id" in event) session.answer(event.id, undefined);
    }
    expect(seen.filter((line) => !line.startsWith("send"))).toEqual([
      "hello: unidentified none nobody",
      "mail: ready none EHLO",
      "rcpt: ready sender EHLO",
      "data: ready recipients EHLO",
      "body: ready data EHLO",
      "message: ready verdict EHLO",
      "close: closed none EHLO",
    ]);
  });
});

function inOrderOf(session: ServerSession): string[] {
  const order: string[] = [];
  for (let event = session.poll(); event !== null; event = session.poll()) order.push(event.type);
  return order;
}

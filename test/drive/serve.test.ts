import { challenge, type Reply, reply, type ServerEvent, UsageError } from "@sansmtp/core";
import type { Handlers } from "@sansmtp/drive";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Client, codes, ehlo, envelope, later, ready, settled, text, Wire } from "./wire.ts";

const taken = reply(250, "2.0.0", "Queued");
const all: Handlers = { rcpt: () => undefined, message: () => taken };

describe("the pump", () => {
  it("answers a pipelined burst in one write and no microtask while handlers are synchronous", () => {
    const client = new Client(all);
    client.say(ehlo);
    const { writes } = client.wire;
    // What is seen here was there before any promise could settle.
    expect(codes(client.say(`${envelope}RCPT TO:<c@example.com>\r\nDATA\r\n`))).toBe("250 250 250 354");
    expect(client.wire.writes - writes).toBe(1);
    expect(codes(client.say(`Hello\r\n.\r\n${envelope}DATA\r\n`))).toBe("250 250 250 354");
    expect(client.wire.writes - writes).toBe(2);
  });

  it("X-PIPE-13 keeps what is pipelined while a handler takes its time, and acts on one command at a time", async () => {
    const asked: string[] = [];
    const client = new Client({
      ...all,
      async mail({ from }) {
        asked.push(`mail ${from?.address}`);
        await settled();
        asked.push("mail decided");
        return undefined;
      },
      rcpt({ to }) {
        asked.push(`rcpt ${to.address}`);
        return undefined;
      },
    });
    const sent = client.say(`${ready}Hello\r\n.\r\nNOOP\r\nQUIT\r\n`);
    expect(codes(sent)).toBe("220 250");
    await settled();
    await settled();
    expect(codes(client.heard())).toBe("250 250 354 250 250 221");
    expect(asked).toEqual(["mail a@example.net", "mail decided", "rcpt b@example.com"]);
  });

  it("changes nothing on the wire when handlers take their time, or octets come in pieces", async () => {
    const dialogue = `${ehlo}${envelope}RCPT TO:<no@example.com>\r\nDATA\r\nHello\r\n..\r\n.\r\nVRFY x\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.e>\r\nBDAT 3\r\nabcBDAT 2 LAST\r\n\r\nRSET\r\nQUIT\r\n`;
    const decide = (handlers: Handlers, delays: readonly number[]): Handlers => {
      let at = 0;
      return Object.fromEntries(
        Object.entries(handlers).map(([name, handler]) => [
          name,
          async (...given: [never, never]) => {
            for (let left = delays[at++ % delays.length] ?? 0; left > 0; left--) await null;
            return (handler as (...given: [never, never]) => unknown)(...given);
          },
        ]),
      );
    };
    const contents: string[] = [];
    const handlers: Handlers = {
      connect: () => undefined,
      hello: () => undefined,
      mail: () => undefined,
      rcpt: ({ to }) => (to.local === "no" ? reply(550, "5.1.1", "No") : undefined),
      data: () => undefined,
      command: () => undefined,
      async message({ body }) {
        contents.push(await text(body));
        return taken;
      },
    };
    const expected = codes(await finish(new Client(handlers), [dialogue]));
    expect(expected).toBe("220 250 250 250 550 354 250 252 250 250 250 250 250 221");
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(3), { minLength: 1, maxLength: 8 }),
        fc.array(fc.nat(dialogue.length), { maxLength: 6 }),
        async (delays, cuts) => {
          contents.length = 0;
          const at = [0, ...cuts.sort((a, b) => a - b), dialogue.length];
          const pieces = at.slice(1).map((end, index) => dialogue.slice(at[index], end));
          const client = new Client(decide(handlers, delays));
          expect(codes(await finish(client, pieces))).toBe(expected);
          expect(contents).toEqual(["Hello\r\n.\r\n", "abc\r\n"]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it("asks about recipients at the same time when it may, and answers them in order", async () => {
    const asked: string[] = [];
    const answers = [later<Reply | undefined>(), later<Reply | undefined>(), later<Reply | undefined>()];
    let recipients: string[] = [];
    const client = new Client(
      {
        rcpt({ to }) {
          asked.push(to.local);
          return answers[asked.length - 1]!.promise;
        },
        message(message) {
          recipients = message.recipients.map(({ to }) => to.local);
          return taken;
        },
      },
      { concurrentRecipients: 2 },
    );
    client.say(`${ehlo}MAIL FROM:<>\r\n`);
    client.heard();
    client.say("RCPT TO:<one@a.b>\r\nRCPT TO:<two@a.b>\r\nRCPT TO:<three@a.b>\r\nDATA\r\n");
    expect(asked).toEqual(["one", "two"]);
    answers[1]!.resolve(undefined);
    await settled();
    expect(client.heard()).toBe("");
    answers[0]!.resolve(reply(550, "5.1.1", "No one"));
    await settled();
    expect(asked).toEqual(["one", "two", "three"]);
    answers[2]!.resolve(undefined);
    await settled();
    expect(codes(client.heard())).toBe("550 250 250 354");
    client.say("x\r\n.\r\n");
    expect(recipients).toEqual(["two", "three"]);
  });

  it("shows a handler the transaction so far", () => {
    const seen: unknown[] = [];
    const client = new Client({
      rcpt(_, { envelope }) {
        seen.push([envelope?.from?.address, envelope?.recipients.map(({ to }) => to.address)]);
        return undefined;
      },
    });
    client.say(`${ehlo}${envelope}RCPT TO:<c@example.com>\r\n`);
    expect(seen).toEqual([
      ["a@example.net", []],
      ["a@example.net", ["b@example.com"]],
    ]);
    client.say("RSET\r\n");
    expect(client.connection.envelope).toBeNull();
  });
});

describe("without a handler", () => {
  it("SEC-TRU-01 recipients are refused: relay is the application's word", () => {
    const client = new Client();
    expect(client.say(`${ehlo}${envelope}`)).toMatch(/550 5\.7\.1 Relaying denied\r\n$/);
  });

  it("a message is not taken", () => {
    const client = new Client({ rcpt: () => undefined });
    expect(codes(client.say(`${ready}Hello\r\n.\r\n`))).toBe("220 250 250 250 354 451");
  });

  it("nobody is authenticated", () => {
    const client = new Client({}, { mechanisms: [{ name: "X", first: "client", cleartext: false }] });
    expect(codes(client.say(`${ehlo}AUTH X YQ==\r\n`))).toBe("220 250 454");
    expect(client.connection.client.authenticated).toBeNull();
  });

  it("and a transport that cannot do TLS, STARTTLS is answered 454", () => {
    const wire = new Wire();
    wire.upgrade = undefined;
    const client = new Client({ starttls: () => undefined }, { tls: "offered" }, {}, wire);
    expect(codes(client.say(`${ehlo}STARTTLS\r\n`))).toBe("220 250 454");
  });
});

describe("a handler that fails", () => {
  const mechanisms = [{ name: "X", first: "client", cleartext: false }] as const;
  const cases: readonly (readonly [keyof Handlers, string, string, number])[] = [
    ["connect", "", "421", 1],
    ["hello", ehlo, "220 451", 1],
    ["starttls", `${ehlo}STARTTLS\r\n`, "220 250 454", 1],
    ["auth", `${ehlo}AUTH X YQ==\r\n`, "220 250 454", 1],
    ["mail", `${ehlo}MAIL FROM:<>\r\n`, "220 250 451", 1],
    ["rcpt", `${ehlo}${envelope}`, "220 250 250 451", 1],
    ["data", ready, "220 250 250 250 451", 1],
    ["message", `${ready}Hello\r\n.\r\n`, "220 250 250 250 354 451", 1],
    ["command", `${ehlo}VRFY x\r\n`, "220 250 451", 1],
  ];

  it.each(cases)(
    "%s: one that throws gives the client a 4yz and the application the error",
    (name, octets, expected) => {
      const error = new Error("disk on fire");
      const client = new Client(
        {
          ...all,
          [name]: () => {
            throw error;
          },
        },
        { tls: "offered", mechanisms },
      );
      client.connection.receive(Buffer.from(octets));
      expect(codes(client.heard())).toBe(expected);
      expect(client.errors).toEqual([error]);
    },
  );

  it.each(cases)("%s: one that rejects, likewise", async (name, octets, expected) => {
    const error = new Error("disk on fire");
    const client = new Client(
      { ...all, [name]: () => Promise.reject(error) },
      { tls: "offered", mechanisms },
    );
    await settled();
    expect(codes(await client.tell(octets))).toBe(expected);
    expect(client.errors).toEqual([error]);
  });

  it.each(cases)("%s: one that gives what cannot be a reply, likewise", async (name, octets, expected) => {
    for (const wrong of [
      "250 OK",
      true,
      { code: 250 },
      { code: 999, enhanced: null, lines: ["x"] },
      250,
      [],
    ]) {
      const client = new Client({ ...all, [name]: () => wrong as never }, { tls: "offered", mechanisms });
      expect(codes(client.heard() + (await client.tell(octets)))).toBe(expected);
      expect(client.errors).toHaveLength(1);
    }
  });

  it("G12 a reply that holds a line end never reaches the wire", () => {
    const forged = { code: 250, enhanced: null, lines: ["OK\r\n250 forged"] };
    const client = new Client({ ...all, mail: () => forged });
    const sent = client.say(`${ehlo}MAIL FROM:<>\r\n`);
    expect(codes(sent)).toBe("220 250 451");
    expect(sent).not.toContain("forged");
    expect(client.errors[0]).toBeInstanceOf(UsageError);
  });

  it("goes on after a hook that throws, and after an onError that does", () => {
    const fail = () => {
      throw new Error("hook");
    };
    const errors: unknown[] = [];
    const observe = { receive: fail, send: fail, event: fail, secured: fail };
    const client = new Client({ ...all, observe, onClose: fail, onError: (error) => errors.push(error) });
    expect(codes(client.say(`${ready}Hello\r\n.\r\nQUIT\r\n`))).toBe("220 250 250 250 354 250 221");
    expect(client.wire.closed).toBe(true);
    expect(errors.length).toBeGreaterThan(5);
    const quiet = new Client({ ...all, mail: fail, observe, onClose: fail, onError: fail });
    expect(codes(quiet.say(`${ehlo}${envelope}QUIT\r\n`))).toBe("220 250 451 503 221");
  });

  it("is not asked again, nor believed, when its answer comes after the end", async () => {
    const answers = [later<undefined>(), later<undefined>()];
    const calls = [...answers];
    const handlers: Handlers = { mail: () => calls.shift()?.promise };
    for (const outcome of ["resolve", "reject"] as const) {
      const client = new Client(handlers);
      client.say(`${ehlo}MAIL FROM:<>\r\n`);
      client.connection.lost();
      const answer = answers.shift()!;
      if (outcome === "resolve") answer.resolve(undefined);
      else answer.reject(new Error("too late, and wrong"));
      await settled();
      expect(codes(client.wire.sent)).toBe("220 250");
      expect(client.errors).toHaveLength(outcome === "resolve" ? 0 : 1);
    }
  });
});

describe("what the application sees", () => {
  it("octets, events, and the end, in their order", () => {
    const seen: string[] = [];
    const client = new Client({
      ...all,
      observe: {
        receive: (octets) => seen.push(`C: ${Buffer.from(octets).toString().trim()}`),
        send: (octets) => seen.push(`S: ${Buffer.from(octets).toString().slice(0, 3)}`),
        event: ({ type }) => seen.push(type),
      },
      onClose: ({ reason, error }) => seen.push(`${reason} ${error}`),
    });
    client.say("HELO x.y\r\n");
    client.say("QUIT\r\n");
    expect(seen).toEqual("connect|S: 220|C: HELO x.y|hello|S: 250|C: QUIT|S: 221|close|quit null".split("|"));
  });

  it("G13 secrets of AUTH reach the handler alone", () => {
    const events: ServerEvent[] = [];
    const responses: (string | null)[] = [];
    const client = new Client(
      {
        auth({ response, step }) {
          responses.push(response === null ? null : Buffer.from(response).toString());
          return step === 0 ? challenge("more") : reply(235, "2.7.0", "Welcome");
        },
        observe: { event: (event) => events.push(event) },
      },
      { mechanisms: [{ name: "X", first: "client", cleartext: false }] },
    );
    expect(codes(client.say(`${ehlo}AUTH X c2VjcmV0\r\nd29yZA==\r\n`))).toBe("220 250 334 235");
    expect(responses).toEqual(["secret", "word"]);
    expect(client.connection.client.authenticated).toBe("X");
    const shown = events.filter((event) => event.type === "auth");
    expect(shown.map(({ response }) => response)).toEqual([null, null]);
  });

  it("SEC-PRX-11 the client's address is the one that the PROXY header names", () => {
    const seen: unknown[] = [];
    const client = new Client(
      {
        connect({ proxy }, { remote, local, peer }) {
          seen.push(proxy?.family, remote, local, peer);
          return undefined;
        },
      },
      { proxy: true },
    );
    client.say("PROXY TCP4 203.0.113.9 198.51.100.7 56324 25\r\n");
    expect(seen).toEqual([
      "TCP4",
      { address: "203.0.113.9", port: 56_324 },
      { address: "198.51.100.7", port: 25 },
      { address: "192.0.2.1", port: 40_000 },
    ]);
    expect(client.connection.proxy?.version).toBe(1);
    const local = new Client({}, { proxy: true });
    local.say("PROXY UNKNOWN\r\n");
    expect(local.connection.remote).toEqual({ address: "192.0.2.1", port: 40_000 });
  });

  it("a signal that fires at the end, asked for before or after", () => {
    const client = new Client();
    const { signal } = client.connection;
    expect(signal.aborted).toBe(false);
    client.say("QUIT\r\n");
    expect(signal.aborted).toBe(true);
    const other = new Client();
    other.say("QUIT\r\n");
    expect(other.connection.signal.aborted).toBe(true);
  });
});

describe("the transport", () => {
  it("SEC-DOS-01 a client that leaves its replies unread is not read from, and nothing is written", async () => {
    const client = new Client(all);
    client.wire.isFull = true;
    client.say(ehlo);
    const { writes } = client.wire;
    expect(client.wire.reads).toBe(false);
    client.say("NOOP\r\n".repeat(50));
    expect(client.wire.writes).toBe(writes);
    client.wire.isFull = false;
    client.wire.drained();
    await settled();
    expect(client.wire.reads).toBe(true);
    expect(codes(client.heard())).toMatch(/^250( 250){49}$/);
  });

  it("SEC-DOS-01 counts such a client as lost after a while", async () => {
    const client = new Client(all, {}, { stall: 60_000 });
    client.wire.isFull = true;
    client.say(ehlo);
    await client.wait(59_999);
    expect(client.wire.closed).toBe(false);
    await client.wait(1);
    expect(client.wire.closed).toBe(true);
    expect(await client.connection.closed).toMatchObject({ reason: "lost", error: expect.any(Error) });
    client.wire.drained();
    await settled();
  });

  it("that breaks while it is full, or when it is written to, is lost", async () => {
    const client = new Client(all);
    client.wire.isFull = true;
    client.say(ehlo);
    client.wire.drained(new Error("EPIPE"));
    expect(await client.connection.closed).toMatchObject({ reason: "lost", error: new Error("EPIPE") });
    expect(client.errors).toEqual([]);
    const wire = new Wire();
    wire.write = () => {
      throw new Error("no");
    };
    const other = new Client(all, {}, {}, wire);
    expect((await other.connection.closed).reason).toBe("lost");
    expect(other.errors).toEqual([new Error("no")]);
  });

  it("L-TIME-12 is woken at the deadline: 421 4.4.2, and the end", async () => {
    const client = new Client(all, { timers: { command: 300_000 } });
    expect(codes(client.heard())).toBe("220");
    expect(client.wire.wakesAt).toBe(300_000);
    client.wire.time = 100_000;
    client.say(`${ready}half a mess`);
    expect(client.wire.wakesAt).toBe(400_000);
    // Too early: nothing, and it is asked again.
    client.wire.wakesAt = null;
    client.connection.wake();
    expect(client.wire.wakesAt).toBe(400_000);
    client.heard();
    expect(await client.wait(300_000)).toMatch(/^421 4\.4\.2 /);
    expect(await client.reason).toBe("timeout");
    expect(client.wire.closed).toBe(true);
  });

  it("never is woken for a timer that is off", () => {
    const client = new Client(all, { timers: { command: Number.POSITIVE_INFINITY } });
    expect(client.wire.wakesAt).toBeNull();
  });

  it("S-SES-14 may say anything after the end, which changes nothing", async () => {
    const client = new Client(all);
    client.say("QUIT\r\n");
    const { sent } = client.wire;
    client.say(ready);
    client.connection.receiveEnd();
    client.connection.lost(new Error("reset"));
    client.connection.wake();
    client.connection.shutdown("now");
    await settled();
    expect(client.wire.sent).toBe(sent);
    expect(await client.connection.closed).toEqual({ reason: "quit", error: null });
  });

  it("answers what came before the client ended its side, even if it takes a while", async () => {
    const client = new Client({ ...all, mail: () => settled().then(() => undefined) });
    client.say(`${ehlo}MAIL FROM:<>\r\nNOOP\r\n`);
    client.connection.receiveEnd();
    await settled();
    await settled();
    expect(codes(client.wire.sent)).toBe("220 250 250 250");
    expect(await client.reason).toBe("end");
  });
});

describe("TLS", () => {
  it("T-TLS-16 begins when the 220 was written, and what the handshake gave is known", async () => {
    const seen: unknown[] = [];
    const client = new Client(
      { ...all, observe: { secured: ({ version }) => seen.push(version) } },
      { tls: "required" },
    );
    expect(codes(client.say(`${ehlo}STARTTLS\r\n`))).toBe("220 250 220");
    expect(client.wire.received).toHaveLength(0);
    expect(client.wire.reads).toBe(false);
    client.wire.handshake({ version: "TLSv1.3", peer: "client" });
    await settled();
    expect(client.wire.reads).toBe(true);
    expect(client.connection.client.tls).toMatchObject({ version: "TLSv1.3", peer: "client" });
    expect(codes(client.say(ready))).toBe("250 250 250 354");
    expect(client.connection.protocol).toBe("ESMTPS");
    expect(seen).toEqual(["TLSv1.3"]);
  });

  it("waits for a transport that is full before the handshake", async () => {
    const client = new Client(all, { tls: "offered" });
    client.say(ehlo);
    client.wire.isFull = true;
    client.say("STARTTLS\r\n");
    expect(client.wire.received).toBeNull();
    client.wire.drained();
    await settled();
    expect(client.wire.received).not.toBeNull();
  });

  it("that fails ends the connection, with the cause", async () => {
    const client = new Client(all, { tls: "offered" });
    client.say(`${ehlo}STARTTLS\r\n`);
    client.wire.handshake(new Error("no shared cipher"));
    expect(await client.connection.closed).toEqual({ reason: "tls", error: new Error("no shared cipher") });
    expect(client.wire.closed).toBe(true);
  });

  it("L-TIME-13 that takes too long is given up, and then comes too late", async () => {
    const client = new Client(all, { tls: "offered" });
    client.say(`${ehlo}STARTTLS\r\n`);
    client.heard();
    expect(await client.wait(60_000)).toBe("");
    expect(await client.reason).toBe("timeout");
    client.wire.handshake({ version: "TLSv1.3" });
    await settled();
    expect(client.connection.client.tls).toBeNull();
    const other = new Client(all, { tls: "offered" });
    other.say(`${ehlo}STARTTLS\r\n`);
    other.connection.lost();
    other.wire.handshake(new Error("gone"));
    await settled();
    expect(await other.reason).toBe("lost");
  });

  it("SEC-PRX-12 is given what came behind a PROXY header", async () => {
    const client = new Client(all, { tls: "implicit", proxy: true });
    expect(client.say("PROXY TCP4 192.0.2.1 198.51.100.7 1 2\r\n\x16\x03\x01")).toBe("");
    expect(client.wire.received).toEqual(Uint8Array.of(0x16, 3, 1));
    client.wire.handshake({});
    await settled();
    expect(codes(client.heard())).toBe("220");
  });
});

describe("shutdown", () => {
  it("S-SES-11 tells 421 at once when nothing is open", async () => {
    const client = new Client(all);
    client.say(ehlo);
    client.connection.shutdown();
    expect(client.heard()).toMatch(/^421 4\.3\.2 /m);
    expect(await client.reason).toBe("shutdown");
  });

  it("S-SES-10 lets a transaction end first, or tells 421 in the middle of it", async () => {
    for (const when of ["idle", "now"] as const) {
      const client = new Client(all);
      client.say(`${ready}Hello\r\n`);
      client.heard();
      client.connection.shutdown(when);
      expect(codes(client.heard())).toBe(when === "idle" ? "" : "421");
      expect(codes(client.say(".\r\n"))).toBe(when === "idle" ? "250 421" : "");
      expect(await client.reason).toBe("shutdown");
    }
  });

  it("now waits for nothing: not for an answer, a reader or a client", async () => {
    const stuck = new Client({ mail: () => new Promise(() => {}) });
    stuck.say(`${ehlo}MAIL FROM:<>\r\n`);
    stuck.connection.shutdown("now");
    expect(codes(stuck.wire.sent)).toBe("220 250 421");
    const unread = new Client({ ...all, message: () => new Promise(() => {}) });
    unread.say(`${ready}${"x".repeat(1000)}\r\n`);
    unread.say(`${"x".repeat(1000)}\r\n`);
    unread.connection.shutdown("now");
    expect(codes(unread.wire.sent)).toBe("220 250 250 250 354 421");
    const full = new Client(all);
    full.wire.isFull = true;
    full.say(`${ehlo}NOOP\r\n`);
    full.connection.shutdown("now");
    expect(full.wire.closed).toBe(true);
    expect(full.wire.sent).toMatch(/421 4\.3\.2 [^\n]*\n$/);
  });
});

/** Sends pieces, and waits until the session is over. */
async function finish(client: Client, pieces: readonly string[]): Promise<string> {
  for (const piece of pieces) {
    client.say(piece);
    await null;
  }
  await client.connection.closed;
  return client.wire.sent;
}

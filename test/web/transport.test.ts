import { connect, type Streams, StreamTransport } from "@sansmtp/web";
import { describe, expect, it } from "vitest";
import { pause, until } from "../node/client.ts";
import { large } from "./runtimes/errand.ts";
import { codes, connected, ehlo, envelope, Hand, message, serving, text } from "./streams.ts";

const name = "client.example.net";

describe("a session over a pair of streams", () => {
  it("delivers, says goodbye, and leaves both sides ended", async () => {
    const ends = connected();
    const { connection, messages } = serving(ends.server);
    const client = await connect({ streams: ends.client, name });
    expect((await client.send(message)).accepted).toEqual(["b@example.com"]);
    await client.quit();
    expect(await client.closed).toMatchObject({ failure: null });
    expect((await connection.closed).reason).toBe("quit");
    expect(messages).toEqual([message.body]);
  });

  it("authenticates without a password on the way", async () => {
    const ends = connected();
    const users: string[] = [];
    serving(ends.server, {
      authenticate({ mechanism, identity, verify }) {
        users.push(`${identity.user} by ${mechanism}`);
        return verify({ password: "secret" });
      },
    });
    const auth = { user: "me", pass: "secret" };
    const client = await connect({ streams: ends.client, name, auth, tls: "never" });
    expect(users).toEqual(["me by SCRAM-SHA-256"]);
    await client.quit();
  });

  it("carries large mail both ways at once", async () => {
    const body = large(10_000_000);
    const ways = [connected(), connected({ holds: 8 })].map((ends) => ({
      ...serving(ends.server, { limits: { message: 20_000_000 } }),
      client: connect({ streams: ends.client, name }),
    }));
    const sent = await Promise.all(ways.map(async ({ client }) => (await client).send({ ...message, body })));
    expect(sent.map(({ accepted }) => accepted.length)).toEqual([1, 1]);
    for (const { messages } of ways) expect(messages[0] === body).toBe(true);
  });

  const dialogue = `${ehlo}${envelope}..a\r\n.\r\nQUIT\r\n`;

  it("G2 gives a server the same session in whatever two pieces the octets come", async () => {
    for (let at = 0; at <= dialogue.length; at++) {
      const ends = connected();
      const { messages } = serving(ends.server);
      const hand = new Hand(ends.client);
      void hand.send(dialogue.slice(0, at)).then(() => hand.send(dialogue.slice(at)));
      expect(codes(await hand.hear()), `cut at ${at}`).toBe("220 250 250 250 354 250 221");
      expect(messages).toEqual([".a\r\n"]);
    }
  });

  it("G2 gives both sides the same session in pieces of any size", async () => {
    for (let piece = 1; piece < 200; piece++) {
      const ends = connected({ piece });
      const { messages } = serving(ends.server);
      const client = await connect({ streams: ends.client, name });
      expect((await client.send(message)).accepted, `pieces of ${piece}`).toHaveLength(1);
      await client.quit();
      expect(messages).toEqual([message.body]);
    }
  });

  it("locks its streams, and does not take those of somebody else", () => {
    const { client } = connected();
    new StreamTransport(client);
    expect(client.readable.locked && client.writable.locked).toBe(true);
    expect(() => new StreamTransport(client)).toThrow(TypeError);
  });
});

describe("reading", () => {
  /** A transport that tells what happens on it. */
  function told() {
    let source = null as unknown as ReadableStreamDefaultController<Uint8Array>;
    let pulled = 0;
    const readable = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          source = controller;
        },
        pull: () => void pulled++,
      },
      { highWaterMark: 0 },
    );
    const happened: string[] = [];
    const transport = new StreamTransport({ readable, writable: new WritableStream() });
    transport.attach({
      receive: (octets) => happened.push(Buffer.from(octets).toString()),
      receiveEnd: () => happened.push("end"),
      lost: (error) => happened.push(String(error)),
      wake: () => happened.push("wake"),
    });
    return { transport, happened, source, pulled: () => pulled };
  }

  it("asks for nothing before it is told to, and gives nothing while it is off, though it was asked for", async () => {
    const { transport, happened, source, pulled } = told();
    await pause(0);
    expect(pulled()).toBe(0);
    transport.read(true);
    await pause(0);
    expect(pulled()).toBe(1);
    transport.read(false);
    source.enqueue(Buffer.from("first"));
    await pause(0);
    expect([happened, pulled()]).toEqual([[], 1]);
    transport.read(true);
    expect(happened).toEqual([]);
    await pause(0);
    expect(happened).toEqual(["first"]);
    source.enqueue(Buffer.from("second"));
    await pause(0);
    expect(happened).toEqual(["first", "second"]);
  });

  it("tells of the end once, and only when it is wanted", async () => {
    const { transport, happened, source } = told();
    source.close();
    await pause(0);
    expect(happened).toEqual([]);
    for (const on of [true, false, true]) {
      transport.read(on);
      await pause(0);
      expect(happened).toEqual(["end"]);
    }
  });

  it("tells of a loss, wanted or not", async () => {
    const { happened, source } = told();
    source.error(new Error("broken"));
    await pause(0);
    expect(happened).toEqual(["Error: broken"]);
  });

  it("tells nothing when it is closed, but that it is gone", async () => {
    const { transport, happened, source } = told();
    transport.read(true);
    transport.wake(transport.now() + 10);
    transport.close();
    source.enqueue(Buffer.from("more"));
    await pause(0);
    source.error(new Error("broken"));
    await pause(30);
    expect(happened).toEqual(["undefined"]);
  });
});

describe("back-pressure", () => {
  it("SEC-DOS-01 holds the client back while the application does not read, and then has the whole message", async () => {
    let go = (): void => {};
    const gone = new Promise<void>((resolve) => {
      go = resolve;
    });
    let whole = "";
    const ends = connected();
    serving(ends.server, {
      async message({ body }) {
        await gone;
        whole = await text(body);
        return { code: 250, enhanced: "2.0.0", lines: ["Ok"] };
      },
    });
    const hand = new Hand(ends.client);
    await hand.hear(/^220 /);
    void hand.send(`${ehlo}${envelope}`);
    await hand.hear(/^354 /m);
    const block = `${"x".repeat(998)}\r\n`.repeat(65);
    let taken = 0;
    for (let time = 0; time < 100; time++) void hand.send(block).then(() => taken++);
    void hand.send(".\r\n");
    await pause(50);
    expect(taken).toBeLessThan(10);
    go();
    await hand.hear(/^250 2\.0\.0 Ok/m);
    expect(whole.length).toBe(100 * block.length);
  });

  it("SEC-DOS-01 does not read from a client that leaves its replies unread", async () => {
    const ends = connected();
    serving(ends.server, { limits: { idleCommands: 1e9 } });
    const hand = new Hand(ends.client);
    const greeting = (await hand.hear(/^220 /)).length;
    let taken = 0;
    for (let time = 0; time < 1_000; time++) void hand.send("RSET\r\n".repeat(100)).then(() => taken++);
    await pause(50);
    // Replies of 64 KiB wait for it, and no more.
    expect(taken).toBeLessThan(60);
    void hand.hear();
    await until(
      () => hand.heard.length === greeting + 100_000 * "250 2.0.0 OK\r\n".length,
      "all replies",
      15_000,
    );
    expect(taken).toBe(1_000);
  });

  it("waits for a stream that never says it is full, as sockets of Workers without a highWaterMark do", async () => {
    let asked = 0;
    let taken = 0;
    let slow = true;
    const ends = connected();
    const writer = ends.client.writable.getWriter();
    const endless = new WritableStream<Uint8Array>(
      {
        async write(octets) {
          await writer.write(octets);
          taken += octets.length;
          while (slow && taken > 100_000) await pause(5);
        },
        close: () => writer.close(),
      },
      {
        highWaterMark: Number.POSITIVE_INFINITY,
        size(octets) {
          asked += octets.length;
          return 1;
        },
      },
    );
    const { messages } = serving(ends.server);
    const client = await connect({ streams: { ...ends.client, writable: endless }, name });
    const body = large(1_000_000);
    const sending = client.send({ ...message, body });
    await pause(50);
    expect(asked).toBeGreaterThan(100_000);
    expect(asked).toBeLessThan(300_000);
    slow = false;
    expect((await sending).accepted).toHaveLength(1);
    expect(messages[0] === body).toBe(true);
  });
});

describe("the loss of a connection", () => {
  const broken = new Error("broken");

  it.each([
    ["an error on what it reads", (hand: Hand) => hand.abort(broken)],
    ["an error on what it writes", (hand: Hand) => hand.cancel(broken)],
  ])("is known to a server by %s, though it was idle", async (_, breaks) => {
    const ends = connected();
    const { connection } = serving(ends.server);
    const hand = new Hand(ends.client);
    await hand.hear(/^220 /);
    await breaks(hand);
    expect(await connection.closed).toEqual({ reason: "lost", error: broken });
  });

  it.each([
    ["an error on what it reads", (hand: Hand) => hand.abort(broken)],
    ["an error on what it writes", (hand: Hand) => hand.cancel(broken)],
  ])("is known to a client by %s: what was sent is unknown", async (_, breaks) => {
    const ends = connected();
    const hand = new Hand(ends.server);
    const connecting = connect({ streams: ends.client, name });
    void hand.send("220 mx\r\n");
    await hand.hear(/^EHLO /);
    void hand.send("250 mx\r\n");
    const client = await connecting;
    const sending = client.send(message);
    await hand.hear(/MAIL .*\r\n$/);
    void hand.send("250 Ok\r\n");
    await hand.hear(/RCPT .*\r\n$/);
    void hand.send("250 Ok\r\n");
    await hand.hear(/DATA\r\n$/);
    void hand.send("354 Go\r\n");
    await hand.hear(/\r\n\.\r\n$/);
    await breaks(hand);
    expect((await sending).outcomes).toMatchObject([{ status: "unknown" }]);
    expect(await client.closed).toMatchObject({ error: broken });
  });

  it("is not what buffers are, which a WebSocketStream gives", async () => {
    const { buffer } = Uint8Array.from(Buffer.from("QUIT\r\n"));
    const readable = new ReadableStream({ start: (controller) => controller.enqueue(buffer) });
    const { connection } = serving({ readable, writable: new WritableStream() });
    expect((await connection.closed).reason).toBe("quit");
  });

  it("is what a piece is that is not octets", async () => {
    const readable = new ReadableStream({ start: (controller) => controller.enqueue("EHLO a\r\n") });
    const { connection } = serving({ readable, writable: new WritableStream() });
    const { reason, error } = await connection.closed;
    expect(reason).toBe("lost");
    expect(error).toBeInstanceOf(TypeError);
  });
});

describe("the end", () => {
  it("of the client's side leaves the server's open until all is answered", async () => {
    const ends = connected();
    const { messages } = serving(ends.server, {
      async message({ body }) {
        messages.push(await text(body));
        await pause(20);
        return { code: 250, enhanced: "2.0.0", lines: ["Late"] };
      },
    });
    const hand = new Hand(ends.client);
    void hand.send(`${ehlo}${envelope}a\r\n.\r\n`).then(() => hand.end());
    expect(await hand.hear()).toMatch(/\r\n250 2\.0\.0 Late\r\n/);
    expect(hand.ended).toBe(true);
  });

  it("S-SES-09 comes with the last reply although the client goes on sending", async () => {
    const ends = connected();
    serving(ends.server, { limits: { errors: 3 } });
    const hand = new Hand(ends.client);
    void hand.send(ehlo);
    let taken = 0;
    for (let time = 0; time < 1_000; time++) {
      hand.send("WRONG\r\n".repeat(100)).then(
        () => taken++,
        () => {},
      );
    }
    expect(await hand.hear()).toMatch(/421 4\.7\.0 [^\n]*\n$/);
    expect(hand.ended).toBe(true);
    await until(() => taken === 1_000, "the rest to be thrown away");
  });

  it("is not waited for when both sides have ended", async () => {
    const ends = connected();
    let closed = 0;
    serving({ ...ends.server, close: () => closed++ });
    const client = await connect({ streams: { ...ends.client, close: () => closed++ }, name });
    await client.quit();
    await until(() => closed === 2, "both to let go", 500);
  });

  it("is waited for a short time only", async () => {
    const ends = connected();
    let closed = 0;
    const streams: Streams = { ...ends.server, close: () => closed++ };
    serving(streams);
    const hand = new Hand(ends.client);
    void hand.send("QUIT\r\n");
    await hand.hear();
    const started = performance.now();
    expect(closed).toBe(0);
    await until(() => closed === 1, "the server to let go");
    expect(performance.now() - started).toBeGreaterThan(1_000);
    await expect(hand.send("NOOP\r\n")).rejects.toThrow("the session is over");
  });

  it("is not waited for from a client that sends for ever", async () => {
    const ends = connected();
    let closed = false;
    const streams: Streams = {
      ...ends.server,
      close: () => {
        closed = true;
      },
    };
    serving(streams);
    const hand = new Hand(ends.client);
    void hand.send("QUIT\r\n");
    await hand.hear();
    let taken = 0;
    const send = (): Promise<void> =>
      hand.send("x".repeat(65_536)).then(
        () => {
          taken++;
          return send();
        },
        () => {},
      );
    void send();
    await until(() => closed, "the server to let go");
    expect(taken).toBeLessThan(20);
  });
});

describe("time", () => {
  it("ends a session that rests too long", async () => {
    const ends = connected();
    const { connection } = serving(ends.server, { timers: { command: 50 } });
    const hand = new Hand(ends.client);
    expect(codes(await hand.hear())).toBe("220 421");
    await hand.end();
    expect((await connection.closed).reason).toBe("timeout");
  });

  it("that a timer cannot take is no time at all", async () => {
    const ends = connected();
    const { connection } = serving(ends.server, { timers: { command: 1e12 } });
    const hand = new Hand(ends.client);
    await hand.hear(/^220 /);
    await pause(30);
    void hand.send("NOOP\r\n");
    await hand.hear(/^250 /m);
    connection.shutdown("now");
    expect(codes(await hand.hear())).toBe("220 250 421");
  });
});

import { type Reply, reply, UsageError } from "@sansmtp/core";
import { type Handlers, type Message, MessageAborted } from "@sansmtp/drive";
import { describe, expect, it } from "vitest";
import { Client, codes, ehlo, envelope, later, ready, settled, text } from "./wire.ts";

const taken = reply(250, "2.0.0", "Queued");

describe("a message handler", () => {
  it("gets the envelope, the content as it comes, and gives the final reply by returning it", async () => {
    const verdict = later<Reply>();
    let content = "";
    let message: Message | null = null;
    const client = new Client({
      rcpt: () => undefined,
      async message(given) {
        message = given;
        expect(given.content).toBeNull();
        content = await text(given.body);
        return verdict.promise;
      },
    });
    client.say(`${ehlo}MAIL FROM:<a@example.net> SIZE=100\r\nRCPT TO:<B@example.com>\r\nDATA\r\n`);
    expect(message).toBeNull();
    client.heard();
    expect(await client.tell("Hello\r\n..dot\r\n")).toBe("");
    expect(message).toMatchObject({ protocol: "ESMTP", parameters: { size: 100 } });
    expect(message!.from?.address).toBe("a@example.net");
    expect(message!.recipients.map(({ to }) => to.address)).toEqual(["B@example.com"]);
    expect(await client.tell("\xff\r\n.\r\nNOOP\r\n")).toBe("");
    expect(content).toBe("Hello\r\n.dot\r\n\xff\r\n");
    expect(message!.content).toEqual({ size: 16, eightBit: true, bareCr: 0, bareLf: 0 });
    verdict.resolve(taken);
    await settled();
    expect(client.heard()).toBe("250 2.0.0 Queued\r\n250 2.0.0 OK\r\n");
  });

  it("X-UTF8-05 refuses for whom an internationalised message is too much at RCPT, or with 554 5.6.9 behind the content", async () => {
    const client = new Client(
      {
        rcpt: ({ to }, { envelope }) =>
          envelope?.parameters.smtputf8 && to.local === "old" ? reply(550, "5.6.7", "ASCII only") : undefined,
        message: ({ parameters }) =>
          parameters.smtputf8 ? reply(554, "5.6.9", "Cannot be taken to ASCII") : taken,
      },
      { extensions: { smtputf8: true } },
    );
    client.say(ehlo);
    const rcpts = "RCPT TO:<old@example.com>\r\nRCPT TO:<b@example.com>\r\n";
    for (const [parameter, first, verdict] of [
      [" SMTPUTF8", "550 5.6.7 ASCII only", "554 5.6.9 Cannot be taken to ASCII"],
      ["", "250 2.1.5 Recipient ok", "250 2.0.0 Queued"],
    ]) {
      client.heard();
      expect(await client.tell(`MAIL FROM:<a@example.net>${parameter}\r\n${rcpts}`)).toBe(
        `250 2.1.0 Sender ok\r\n${first}\r\n250 2.1.5 Recipient ok\r\n`,
      );
      await client.tell("DATA\r\n");
      expect(await client.tell("Hello\r\n.\r\n")).toBe(`${verdict}\r\n`);
    }
  });

  it("gets an empty message, too", async () => {
    const client = new Client({
      rcpt: () => undefined,
      message: async ({ body }) => reply(250, "2.0.0", `${(await text(body)).length} octets`),
    });
    expect(await client.tell(`${ready}.\r\n`)).toMatch(/250 2\.0\.0 0 octets\r\n$/);
    expect(await client.tell(`${envelope}BDAT 0 LAST\r\n`)).toMatch(/250 2\.0\.0 0 octets\r\n$/);
  });

  it("may leave the body unread: the rest is read to its end and thrown away", async () => {
    for (const message of [
      () => taken,
      async () => taken,
      async ({ body }: Message) => {
        for await (const octets of body) if (octets.length > 0) break;
        return taken;
      },
      async ({ body }: Message) => {
        // Asked for twice, and never waited for.
        void body[Symbol.asyncIterator]().next();
        void body[Symbol.asyncIterator]().next();
        return taken;
      },
    ] satisfies Handlers["message"][]) {
      const client = new Client({ rcpt: () => undefined, message });
      client.say(ready);
      client.heard();
      for (let line = 0; line < 50; line++) expect(await client.tell(`QUIT ${line}\r\n`)).toBe("");
      expect(await client.tell(".\r\nNOOP\r\n")).toBe("250 2.0.0 Queued\r\n250 2.0.0 OK\r\n");
    }
  });

  it("that has answered leaves a reader behind with an error, not with half a message", async () => {
    let reading: Promise<string> | null = null;
    const client = new Client({
      rcpt: () => undefined,
      message({ body }) {
        reading = text(body);
        return taken;
      },
    });
    client.say(`${ready}Hello\r\n`);
    await expect(reading).rejects.toMatchObject({ name: "MessageAborted", cause: "answered" });
    expect(codes(await client.tell(".\r\n"))).toBe("250");
  });

  it("holds the client back while it does not take what has come", async () => {
    const pieces: Uint8Array[] = [];
    const more = later<void>();
    const client = new Client({
      rcpt: () => undefined,
      async message({ body }) {
        for await (const piece of body) {
          pieces.push(piece);
          await more.promise;
        }
        return taken;
      },
    });
    client.say(ready);
    const line = `${"x".repeat(998)}\r\n`;
    let sent = 0;
    while (client.wire.reads === true && sent < 1000) {
      await client.tell(line);
      sent++;
    }
    // The reader has one piece, one waits for it, and the session holds what limits.unread allows.
    expect(pieces).toHaveLength(1);
    expect(sent).toBeGreaterThan(40);
    expect(sent).toBeLessThan(70);
    more.resolve();
    await client.tell("");
    expect(client.wire.reads).toBe(true);
    expect(pieces.reduce((length, piece) => length + piece.length, 0)).toBe(sent * 1000);
    expect(codes(await client.tell(".\r\n"))).toBe("250");
  });

  it("is called synchronously, and a synchronous one costs no microtask", () => {
    const client = new Client({ rcpt: () => undefined, message: () => taken });
    expect(codes(client.say(`${ready}Hello\r\n.\r\n`))).toBe("220 250 250 250 354 250");
  });

  it("ends a session whose time is over although it takes nothing", async () => {
    let signal: AbortSignal | null = null;
    const client = new Client(
      {
        rcpt: () => undefined,
        message(message) {
          ({ signal } = message);
          return new Promise(() => {});
        },
      },
      { timers: { session: 10_000 } },
    );
    client.say(`${ready}Hello\r\n`);
    client.say("Hello\r\n");
    client.heard();
    expect(codes(await client.wait(10_000))).toBe("421");
    expect(signal!.aborted).toBe(true);
    expect(client.wire.closed).toBe(true);
  });
});

describe("a message that comes to nothing", () => {
  /** Records what becomes of each message. */
  function witness(): { readonly handlers: Handlers; readonly fates: string[] } {
    const fates: string[] = [];
    return {
      fates,
      handlers: {
        rcpt: () => undefined,
        async message({ body, signal }) {
          signal.addEventListener("abort", () => fates.push(`signal ${signal.reason.cause}`));
          try {
            fates.push(`whole ${await text(body)}`);
          } catch (error) {
            if (!(error instanceof MessageAborted)) throw error;
            fates.push(`aborted ${error.cause}`);
            throw error;
          }
          return taken;
        },
      },
    };
  }

  const ways: readonly (readonly [string, (client: Client) => void, string, string])[] = [
    ["RSET between chunks", (client) => client.say("RSET\r\n"), "rset", "250"],
    ["EHLO between chunks", (client) => client.say(ehlo), "hello", "250"],
    ["QUIT between chunks", (client) => client.say("QUIT\r\n"), "quit", "221"],
    ["a bare LF", (client) => client.say("BDAT 2 LAST\r\n\n."), "refused", "550"],
    ["S-SES-12 loss of the connection", (client) => client.connection.lost(), "lost", ""],
    ["the client's end", (client) => client.connection.receiveEnd(), "end", ""],
    ["a shutdown", (client) => client.connection.shutdown("now"), "closed", "421"],
  ];

  it.each(ways)(
    "%s: the reader is thrown MessageAborted, the signal fires, what it returns is dropped",
    async (_, act, cause, code) => {
      const { handlers, fates } = witness();
      const client = new Client(handlers);
      await client.tell(`${ehlo}${envelope}BDAT 5\r\nHello`);
      const { length } = client.wire.sent;
      act(client);
      await settled();
      expect(fates).toEqual([`signal ${cause}`, `aborted ${cause}`]);
      expect(codes(client.wire.sent.slice(length))).toBe(code);
      expect(client.errors).toEqual([]);
    },
  );

  it("S-SES-12 is aborted by its signal alone when it was read to the end and the verdict is still out", async () => {
    const fates: unknown[] = [];
    const verdict = later<Reply>();
    const client = new Client({
      rcpt: () => undefined,
      async message({ body, signal }) {
        fates.push(await text(body));
        await verdict.promise;
        fates.push(signal.aborted);
        return taken;
      },
    });
    await client.tell(`${ready}Hello\r\n.\r\n`);
    client.connection.lost();
    verdict.resolve(taken);
    await settled();
    expect(fates).toEqual(["Hello\r\n", true]);
    expect(codes(client.heard())).not.toMatch(/354 250/);
  });

  it("does not touch the message after it", async () => {
    const { handlers, fates } = witness();
    const client = new Client(handlers);
    await client.tell(`${ehlo}${envelope}BDAT 5\r\nHelloRSET\r\n`);
    await client.tell(`${envelope}DATA\r\n`);
    await client.tell("Bye\r\n.\r\n");
    expect(fates).toEqual(["signal rset", "aborted rset", "whole Bye\r\n"]);
    expect(codes(client.heard())).toBe("");
    expect(codes(client.wire.sent)).toBe("220 250 250 250 250 250 250 250 354 250");
  });

  it("is told to a handler that asks for the signal only afterwards", async () => {
    let message: Message | null = null;
    const client = new Client({
      rcpt: () => undefined,
      async message(given) {
        message = given;
        await text(given.body).catch(() => {});
        return taken;
      },
    });
    await client.tell(`${ehlo}${envelope}BDAT 5\r\nHelloRSET\r\n`);
    expect(message!.signal.aborted).toBe(true);
    expect(message!.signal.reason).toBeInstanceOf(MessageAborted);
  });

  it("whose handler fails in its own way all the same is told to onError", async () => {
    const client = new Client({
      rcpt: () => undefined,
      async message({ body }) {
        await text(body).catch(() => {});
        throw new Error("cannot remove the file");
      },
    });
    await client.tell(`${ehlo}${envelope}BDAT 5\r\nHelloRSET\r\n`);
    expect(client.errors).toEqual([new Error("cannot remove the file")]);
  });

  it("has the envelope that was accepted, even if it was refused as soon as it came", () => {
    let recipients: string[] = [];
    const client = new Client({
      rcpt: () => undefined,
      message(message) {
        recipients = message.recipients.map(({ to }) => to.address);
        return taken;
      },
    });
    client.say(ready);
    expect(codes(client.say("a\nb\r\n.\r\n"))).toMatch(/550$/);
    expect(recipients).toEqual(["b@example.com"]);
  });
});

describe("LMTP", () => {
  const lhlo = "LHLO client.example.net\r\nMAIL FROM:<>\r\n";
  const recipients = "RCPT TO:<a@x.y>\r\nRCPT TO:<b@x.y>\r\nRCPT TO:<c@x.y>\r\n";
  const start: Handlers = { rcpt: () => undefined };
  const no = reply(550, "5.2.2", "Full");

  it("M-LMTP-04 M-LMTP-05 takes a reply for each recipient, or one for all", async () => {
    for (const [answer, expected] of [
      [[taken, no, undefined], "250 550 451"],
      [taken, "250 250 250"],
      [undefined, "451 451 451"],
    ] as const) {
      const client = new Client({ ...start, message: () => answer }, { protocol: "lmtp" });
      client.say(`${lhlo}${recipients}DATA\r\n`);
      client.heard();
      expect(codes(client.say("x\r\n.\r\n"))).toBe(expected);
    }
  });

  it("M-LMTP-10 sends each verdict as soon as it and those before it are known", async () => {
    let message: Message | null = null;
    const end = later<undefined>();
    const client = new Client(
      {
        ...start,
        async message(given) {
          message = given;
          given.verdict(2, no);
          await text(given.body);
          return end.promise;
        },
      },
      { protocol: "lmtp" },
    );
    await client.tell(`${lhlo}${recipients}DATA\r\nx\r\n.\r\n`);
    expect(message!.verdict(1, taken)).toBe(true);
    expect(client.heard()).toBe("");
    expect(message!.verdict(1, no)).toBe(false);
    expect(message!.verdict(0, taken)).toBe(true);
    expect(codes(client.heard())).toBe("250 250 550");
    // All is said: the session goes on although the handler has not returned.
    expect(codes(client.say(`MAIL FROM:<>\r\n${recipients}`))).toBe("250 250 250 250");
    end.resolve(undefined);
    await settled();
    expect(codes(client.heard())).toBe("");
    expect(client.connection.envelope?.recipients).toHaveLength(3);
  });

  it("has 451 for the recipients that a handler which fails has not decided", async () => {
    const client = new Client(
      {
        ...start,
        async message({ body, verdict }) {
          await text(body);
          verdict(1, taken);
          throw new Error("disk on fire");
        },
      },
      { protocol: "lmtp" },
    );
    expect(codes(await client.tell(`${lhlo}${recipients}DATA\r\nx\r\n.\r\n`))).toMatch(/354 451 250 451$/);
    expect(client.errors).toEqual([new Error("disk on fire")]);
  });

  it("says what cannot be a verdict to the handler, and never a 250", async () => {
    const thrown: unknown[] = [];
    const attempt = (call: () => unknown): void => {
      try {
        call();
      } catch (error) {
        thrown.push(error);
      }
    };
    const client = new Client(
      {
        ...start,
        message({ verdict }) {
          attempt(() => verdict(7, taken));
          verdict(0, { code: 250, enhanced: null, lines: ["\n"] });
          return [taken, taken];
        },
      },
      { protocol: "lmtp" },
    );
    expect(codes(client.say(`${lhlo}${recipients}DATA\r\nx\r\n.\r\n`))).toMatch(/354 451 451 451$/);
    expect(thrown).toEqual([expect.any(UsageError)]);
    expect(client.errors).toEqual([expect.any(UsageError), expect.any(UsageError)]);
    const smtp = new Client({
      ...start,
      message({ verdict }) {
        verdict(0, taken);
        return taken;
      },
    });
    expect(codes(smtp.say(`${ready}x\r\n.\r\n`))).toMatch(/354 451$/);
    expect(smtp.errors).toEqual([expect.any(UsageError)]);
  });

  it("counts no verdict after the message was aborted", async () => {
    let message: Message | null = null;
    const client = new Client(
      {
        ...start,
        async message(given) {
          message = given;
          await text(given.body);
          return taken;
        },
      },
      { protocol: "lmtp" },
    );
    await client.tell(`${lhlo}${recipients}BDAT 1\r\nxRSET\r\n`);
    expect(message!.verdict(0, taken)).toBe(false);
  });
});

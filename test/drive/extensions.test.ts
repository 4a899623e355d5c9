import { type ClientIdentity, reply, type ServerConfig } from "@sansmtp/core";
import { type Handlers, type Message, type Client as Sender, Service } from "@sansmtp/drive";
import { describe, expect, it } from "vitest";
import { Client, codes, ehlo, envelope, later, settled, text, Wire } from "./wire.ts";

const taken = reply(250, "2.0.0", "Queued");

/** Octets of a text. */
const octets = (given: string) => Buffer.from(given, "latin1");

describe("BURL", () => {
  const config: Partial<ServerConfig> = {
    service: "submission",
    authRequired: false,
    mechanisms: ["SCRAM-SHA-256"],
    extensions: { burl: { urls: ["imap"] } },
  };
  const url = "imap://imap.example.com";

  it("X-BURL-02 puts what the application fetches behind what has come so far, in order", async () => {
    const asked: string[] = [];
    let content = "";
    const client = new Client(
      {
        rcpt: () => undefined,
        async *burl({ url, last }) {
          asked.push(`${url} ${last}`);
          yield octets(`<${url.at(-1)}`);
          await settled();
          yield octets(">\r\n");
        },
        async message({ body }) {
          content = await text(body);
          return taken;
        },
      } as Handlers,
      config,
    );
    await client.tell(`${ehlo}${envelope}`);
    client.heard();
    const { length } = client.wire.sent;
    client.say(`BDAT 3\r\na\r\nBURL ${url}/1\r\nBDAT 3\r\nb\r\nBURL ${url}/2 LAST\r\nNOOP\r\n`);
    for (let round = 0; round < 5; round++) await settled();
    expect(client.wire.sent.slice(length)).toBe(
      "250 2.0.0 3 octets received\r\n250 2.5.0 Ok\r\n250 2.0.0 3 octets received\r\n250 2.0.0 Queued\r\n250 2.0.0 OK\r\n",
    );
    expect(content).toBe("a\r\n<1>\r\nb\r\n<2>\r\n");
    expect(asked).toEqual([`${url}/1 false`, `${url}/2 true`]);
    expect(client.errors).toEqual([]);
  });

  it("G13 an observer is told where a URL leads, and not what it opens", async () => {
    const seen: unknown[] = [];
    const asked: string[] = [];
    const secret = "Drafts;UID=25;urlauth=submit+a:internal:91354a473744909de610943775f92038";
    const client = new Client(
      {
        rcpt: () => undefined,
        burl: ({ url }) => {
          asked.push(url);
          return reply(554, "5.6.6", "Content not available");
        },
        observe: { event: (event) => seen.push(event) },
      },
      config,
    );
    await client.tell(`${ehlo}${envelope}BURL ${url}/${secret} LAST\r\n`);
    await client.tell(`${envelope}BURL imap://me:hunter2@imap.example.com?${secret}\r\n`);
    expect(asked).toEqual([`${url}/${secret}`, `imap://me:hunter2@imap.example.com?${secret}`]);
    expect(seen.flatMap((event) => ((event as { url?: string }).url ? [event] : []))).toMatchObject([
      { type: "burl", url: `${url}/***`, last: true },
      { type: "burl", url: "imap://me:***@imap.example.com***", last: false },
    ]);
    expect(JSON.stringify(seen)).not.toMatch(/9135|hunter2/);
  });

  it("X-BURL-02 a message may be nothing but fetched, and a promise of content is waited for", async () => {
    let content = "";
    const client = new Client(
      {
        rcpt: () => undefined,
        burl: async () => {
          await settled();
          return new Blob(["all of it\r\n"]).stream() as unknown as AsyncIterable<Uint8Array>;
        },
        async message({ body }) {
          content = await text(body);
          return taken;
        },
      },
      config,
    );
    client.say(`${ehlo}${envelope}BURL ${url}/1 LAST\r\n`);
    for (let round = 0; round < 5; round++) await settled();
    expect(codes(client.wire.sent)).toBe("220 250 250 250 250");
    expect(content).toBe("all of it\r\n");
  });

  it("holds the source back while the content is not taken", async () => {
    let given = 0;
    const more = later<void>();
    const client = new Client(
      {
        rcpt: () => undefined,
        async *burl() {
          for (; given < 100; given++) yield octets("x");
        },
        async message({ body }) {
          await more.promise;
          await text(body);
          return taken;
        },
      } as Handlers,
      config,
    );
    client.say(`${ehlo}${envelope}BURL ${url}/1 LAST\r\n`);
    await settled();
    expect(given).toBeLessThan(3);
    more.resolve();
    for (let round = 0; round < 5; round++) await settled();
    expect(given).toBe(100);
    expect(codes(client.wire.sent)).toBe("220 250 250 250 250");
  });

  it("leaves the rest of the source where it is when nobody wants it", async () => {
    let left = false;
    const client = new Client(
      {
        rcpt: () => undefined,
        async *burl() {
          try {
            for (;;) {
              await settled();
              yield octets("x");
            }
          } finally {
            left = true;
          }
        },
        message: () => taken,
      } as Handlers,
      config,
    );
    client.say(`${ehlo}${envelope}BURL ${url}/1 LAST\r\n`);
    for (let round = 0; round < 5; round++) await settled();
    expect(left).toBe(true);
    expect(codes(client.wire.sent)).toBe("220 250 250 250 250");
  });

  it.each([
    ["", "451"],
    [" LAST", "451"],
  ])("X-BURL-03 a source that breaks off takes the message with it%s", async (last, code) => {
    const fates: unknown[] = [];
    const client = new Client(
      {
        rcpt: () => undefined,
        async *burl() {
          yield octets("half");
          throw new Error("the IMAP server is gone");
        },
        async message({ body }) {
          await text(body).catch((error) => fates.push(error.cause));
          return taken;
        },
      } as Handlers,
      config,
    );
    await client.tell(`${ehlo}${envelope}BDAT 1\r\na`);
    client.heard();
    client.say(`BURL ${url}/1${last}\r\n`);
    for (let round = 0; round < 5; round++) await settled();
    expect(codes(client.heard())).toBe(code);
    expect(fates).toEqual(["refused"]);
    expect(client.errors).toMatchObject([{ message: "the IMAP server is gone" }]);
    expect(codes(await client.tell(`RSET\r\n${envelope}`))).toBe("250 250 250");
  });

  it("X-BURL-03 the application refuses, by a reply, by nothing, or by what cannot be", async () => {
    const answers: unknown[] = [reply(554, "5.6.6", "Not there"), undefined, null, taken];
    const client = new Client({ rcpt: () => undefined, burl: () => answers.shift() as undefined }, config);
    client.say(ehlo);
    client.heard();
    for (const code of ["554", "451", "451"])
      expect(codes(client.say(`${envelope}BURL ${url}/1 LAST\r\n`))).toBe(`250 250 ${code}`);
    expect(client.errors).toEqual([]);
    expect(client.connection.envelope).toBeNull();
  });

  it("S-SES-12 the connection is lost while the source is still open", async () => {
    const fates: unknown[] = [];
    const next = later<void>();
    const client = new Client(
      {
        rcpt: () => undefined,
        async *burl() {
          try {
            yield octets("x");
            await next.promise;
            yield octets("y");
            fates.push("read on");
          } finally {
            fates.push("left");
          }
        },
        async message({ body }) {
          await text(body).catch((error) => fates.push(error.cause));
          return taken;
        },
      } as Handlers,
      config,
    );
    await client.tell(`${ehlo}${envelope}BURL ${url}/1 LAST\r\n`);
    client.connection.lost();
    await settled();
    next.resolve();
    await settled();
    expect(fates).toEqual(["lost", "left"]);
    expect(client.errors).toEqual([]);
    expect(await client.reason).toBe("lost");
  });
});

describe("PRDR", () => {
  const config: Partial<ServerConfig> = { extensions: { prdr: true } };
  const begin = `${ehlo}MAIL FROM:<a@example.net> PRDR\r\nRCPT TO:<b@example.com>\r\nRCPT TO:<c@example.com>\r\n`;
  const no = reply(550, "5.7.1", "No");

  async function answers(message: Handlers["message"]): Promise<string> {
    const client = new Client({ rcpt: () => undefined, message }, config);
    await client.tell(begin);
    const { length } = client.wire.sent;
    client.say("BDAT 4 LAST\r\nabcdNOOP\r\n");
    await settled();
    expect(client.errors).toEqual([]);
    return codes(client.wire.sent.slice(length));
  }

  it("has a verdict for each recipient: an array", async () => {
    expect(await answers(() => [taken, no])).toBe("353 250 550 250 250");
    const late = async ({ body }: Message) => {
      await text(body);
      return [no, no];
    };
    expect(await answers(late)).toBe("353 550 550 550 250");
  });

  it("or one for all", async () => {
    expect(await answers(() => taken)).toBe("250 250");
    expect(await answers(() => undefined)).toBe("451 250");
  });

  it("or one by one, before the end of the content, and behind it", async () => {
    const early = async (message: Message) => {
      expect(message.verdict(1, no)).toBe(true);
      expect(message.verdict(1, taken)).toBe(false);
      await text(message.body);
      expect(message.verdict(0, taken)).toBe(true);
      expect(message.verdict(0, no)).toBe(false);
      return no;
    };
    expect(await answers(early)).toBe("353 250 550 250 250");
    const rest = async (message: Message) => {
      message.verdict(1, no);
      await text(message.body);
      return taken;
    };
    expect(await answers(rest)).toBe("353 250 550 250 250");
  });

  it("is not to be had by who has not asked for it", async () => {
    const client = new Client(
      {
        rcpt: () => undefined,
        message(message) {
          message.verdict(0, taken);
          return taken;
        },
      },
      config,
    );
    expect(codes(client.say(`${ehlo}${envelope}BDAT 1 LAST\r\nx`))).toBe("220 250 250 250 451");
    expect(client.errors).toMatchObject([{ name: "UsageError" }]);
  });
});

describe("an extension of the application's own", () => {
  it("X-GEN-01 works by the handlers that there are: its words, its parameters, its verb", async () => {
    const seen: unknown[] = [];
    const client = new Client(
      {
        mail({ parameters }) {
          return parameters.other.XQUEUE === "closed" ? reply(450, "4.3.2", "That one is closed") : undefined;
        },
        rcpt: ({ parameters }) => void seen.push(parameters.other),
        async command({ verb, argument }) {
          await settled();
          return verb === "XSTAT" ? reply(250, "2.0.0", `${argument}: 42 messages`) : undefined;
        },
        async message({ parameters, recipients, body }) {
          seen.push(parameters.other, recipients[0]?.parameters.other, await text(body));
          return taken;
        },
      },
      {
        custom: [
          {
            keyword: "XQUEUE",
            announce: "fast slow",
            mail: [{ keyword: "XQUEUE" }],
            rcpt: [{ keyword: "XROUTE", value: "none" }],
            verbs: [{ verb: "XSTAT" }],
          },
        ],
      },
    );
    expect(client.say(ehlo)).toMatch(/250 XQUEUE fast slow\r\n$/);
    expect(await client.tell("XSTAT fast\r\n")).toBe("250 2.0.0 fast: 42 messages\r\n");
    expect(codes(await client.tell("MAIL FROM:<> XQUEUE=closed\r\n"))).toBe("450");
    const { length } = client.wire.sent;
    client.say("MAIL FROM:<> XQUEUE=fast\r\nRCPT TO:<b@c.d> XROUTE\r\nDATA\r\nHello\r\n.\r\n");
    await settled();
    expect(codes(client.wire.sent.slice(length))).toBe("250 250 354 250");
    client.heard();
    expect(seen).toEqual([{ XROUTE: true }, { XQUEUE: "fast" }, { XROUTE: true }, "Hello\r\n"]);
    expect(await client.tell("HELP\r\n")).toMatch(/ XSTAT\r\n$/);
    expect(client.errors).toEqual([]);
  });
});

describe("XCLIENT", () => {
  const config: ServerConfig = {
    name: "mx.example.com",
    extensions: { xclient: { trusted: ["10.0.0.0/8"] }, xforward: { trusted: ["10.0.0.0/8"] } },
  };

  function dial(handlers: Handlers = {}, limits = {}, service = new Service(config, handlers, limits)) {
    const from = (address: string | null) => {
      const wire = new Wire();
      const peer = address === null ? null : { address, port: 4000 };
      const connection = service.accept(wire, { peer, local: { address: "10.0.0.25", port: 25 } })!;
      const say = (given: string) => {
        const { length } = wire.sent;
        connection.receive(octets(given));
        return codes(wire.sent.slice(length));
      };
      return { wire, connection, say };
    };
    return { from, service };
  }

  it("X-XCL-02 X-XCL-04 changes who the client is, and what it has come to", () => {
    const seen: unknown[] = [];
    const { from } = dial({
      connect: ({ xclient }, { remote, local, peer }) => void seen.push({ xclient, remote, local, peer }),
    });
    const { connection, say } = from("10.0.0.1");
    expect(say("XCLIENT PORT=5\r\n")).toBe("220");
    expect(connection.remote).toEqual({ address: "10.0.0.1", port: 5 });
    expect(say("XCLIENT ADDR=192.0.2.9 DESTADDR=198.51.100.7 DESTPORT=587 LOGIN=jo\r\n")).toBe("220");
    expect(seen.at(-1)).toEqual({
      xclient: {
        port: 5,
        addr: "192.0.2.9",
        destaddr: "198.51.100.7",
        destport: 587,
        login: "jo",
      },
      remote: { address: "192.0.2.9", port: 5 },
      local: { address: "198.51.100.7", port: 587 },
      peer: { address: "10.0.0.1", port: 4000 },
    });
    expect(seen).toHaveLength(3);
    const { authenticated, address, xclient }: ClientIdentity = connection.client;
    expect([authenticated, address, xclient?.login]).toEqual(["XCLIENT", "192.0.2.9", "jo"]);
    expect(say("XCLIENT ADDR=10.0.0.2\r\n")).toBe("550");
  });

  it("X-XCL-02 an address that is not known is none", () => {
    const { connection, say } = dial().from("10.0.0.1");
    expect(say("XCLIENT ADDR=[UNAVAILABLE]\r\n")).toBe("220");
    expect(connection.remote).toBeNull();
    expect(connection.client.address).toBeNull();
  });

  it("X-XCL-07 stays with the client when TLS begins, in both accounts of it", async () => {
    const service = new Service({ ...config, tls: "offered" }, {});
    const { connection, say, wire } = dial({}, {}, service).from("10.0.0.1");
    expect(say("XCLIENT ADDR=192.0.2.9\r\nEHLO a.example\r\n")).toBe("220 250");
    expect(say("STARTTLS\r\n")).toBe("220");
    wire.handshake({ version: "TLSv1.3" });
    await settled();
    expect(connection.remote?.address).toBe("192.0.2.9");
    expect(connection.client.address).toBe("192.0.2.9");
    expect(say("XCLIENT ADDR=10.0.0.2\r\n")).toBe("550");
  });

  it("X-XCL-01 the session is told where a connection comes from, whatever it looks like", () => {
    const { from } = dial();
    expect(from("::ffff:10.0.0.1").say("XCLIENT NAME=a.example\r\n")).toBe("220");
    expect(from("192.0.2.1").say("XCLIENT NAME=a.example\r\n")).toBe("550");
    expect(from(null).say("XCLIENT NAME=a.example\r\n")).toBe("550");
    expect(from("fe80::1%eth0").connection.client.address).toBe("fe80::1");
  });

  it("S-SES-06 counts a connection once, and for the client behind as soon as that is known", async () => {
    const { from, service } = dial({}, { maxConnections: 5, maxConnectionsPerAddress: 2 });
    const [one, two] = [from("10.0.0.1"), from("10.0.0.1")];
    expect(codes(from("10.0.0.1").wire.sent)).toBe("421");
    expect(one.say("XCLIENT ADDR=192.0.2.9\r\n")).toBe("220");
    expect(two.say("XCLIENT ADDR=192.0.2.9\r\n")).toBe("220");
    // The proxy itself is free for others now.
    const three = from("10.0.0.1");
    expect(three.say("XCLIENT ADDR=192.0.2.9\r\n")).toBe("421");
    const four = from("10.0.0.1");
    expect(four.say("XCLIENT ADDR=192.0.2.10\r\nXCLIENT ADDR=192.0.2.11\r\n")).toBe("220 550");
    one.connection.lost();
    await settled();
    expect(from("192.0.2.9").wire.sent).toMatch(/^220/);
    expect(from("192.0.2.9").wire.sent).toMatch(/^421/);
    // Of five there are four: two of 192.0.2.9, one of 192.0.2.10, and none of those refused.
    expect(codes(from("192.0.2.20").wire.sent)).toBe("220");
    expect(codes(from("192.0.2.21").wire.sent)).toBe("220");
    expect(codes(from("192.0.2.22").wire.sent)).toBe("421");
    await service.shutdown("now");
  });

  it("X-XFW-02 X-XFW-03 XFORWARD comes with the message, and with no other", async () => {
    const seen: unknown[] = [];
    const { from } = dial({
      rcpt: () => undefined,
      data: (_, { envelope }) => void seen.push(envelope?.forwarded?.name),
      message: ({ forwarded }) => {
        seen.push(forwarded?.name);
        return taken;
      },
    });
    const { say } = from("10.0.0.1");
    const message = `${envelope}DATA\r\nx\r\n.\r\n`;
    expect(say(`${ehlo}XFORWARD NAME=spike.example\r\n${message}${message}`)).toBe(
      "250 250 250 250 354 250 250 250 354 250",
    );
    expect(seen).toEqual(["spike.example", "spike.example", undefined, undefined]);
  });
});

describe("ATRN", () => {
  const config: Partial<ServerConfig> = { service: "on-demand", mechanisms: ["CRAM-MD5"] };
  const login = `${ehlo}AUTH CRAM-MD5\r\n`;
  const yes: Handlers = {
    auth: () => reply(235, "2.7.0", "Welcome"),
    atrn: () => reply(250, "2.0.0", "Now turning"),
  };

  /** A connection on which the roles turn, and the client that begins then. */
  function turning(handlers: Handlers = {}, wire = new Wire()) {
    const begun: { sender: Sender | null; domains: readonly string[] } = { sender: null, domains: [] };
    const client = new Client(
      {
        ...yes,
        turn(turned) {
          begun.domains = turned.domains;
          begun.sender = turned.client({ name: "mx.example.com", onError: () => {} });
        },
        ...handlers,
      },
      config,
      {},
      wire,
    );
    client.say(login);
    client.heard();
    return { client, begun };
  }

  it("X-ATRN-03 turns the roles: the other side greets, and is sent its mail", async () => {
    const { client, begun } = turning();
    expect(codes(client.say("ATRN example.com,example.org\r\n"))).toBe("250");
    expect(begun.domains).toEqual(["example.com", "example.org"]);
    expect(client.wire.closed).toBe(false);
    expect(client.wire.reads).toBe(true);
    const sent = begun.sender!.send({ from: "a@example.net", to: ["b@example.com"], body: "Hello\r\n" });
    expect(await client.tell("220 client.example.net ESMTP\r\n")).toBe("EHLO mx.example.com\r\n");
    // What this side offered, and what it was told of the other before, is no more.
    expect(await client.tell("250 client.example.net\r\n")).toBe("MAIL FROM:<a@example.net>\r\n");
    expect(await client.tell("250 OK\r\n")).toBe("RCPT TO:<b@example.com>\r\n");
    expect(await client.tell("250 OK\r\n")).toBe("DATA\r\n");
    expect(await client.tell("354 Go\r\n")).toBe("Hello\r\n.\r\n");
    await client.tell("250 OK\r\n");
    expect(await sent).toMatchObject({ outcomes: [{ status: "accepted" }] });
    const quit = begun.sender!.quit();
    expect(await client.tell("")).toBe("QUIT\r\n");
    await client.tell("221 Bye\r\n");
    await quit;
    expect(await client.reason).toBe("turn");
    expect(client.wire.closed).toBe(true);
    expect(client.errors).toEqual([]);
  });

  it("X-ATRN-06 octets that came before the 250 end it", async () => {
    const { client, begun } = turning();
    expect(codes(client.say("ATRN\r\n220 too early\r\n"))).toBe("554");
    expect(begun.sender).toBeNull();
    expect(await client.reason).toBe("protocol");
  });

  it("closes when the application does not go on", async () => {
    for (const turn of [undefined, () => {}]) {
      const { client } = turning({ turn });
      expect(codes(client.say("ATRN\r\n"))).toBe("250");
      expect(client.wire.closed).toBe(true);
      expect(await client.reason).toBe("turn");
    }
    const thrown = turning({
      turn() {
        throw new Error("no mail after all");
      },
    });
    thrown.client.say("ATRN\r\n");
    expect(thrown.client.wire.closed).toBe(true);
    expect(thrown.client.errors).toMatchObject([{ message: "no mail after all" }]);
  });

  it("begins one client, and none too late", async () => {
    const errors: unknown[] = [];
    let begin: (() => unknown) | null = null;
    const { client } = turning({
      turn(turned) {
        const options = { name: "mx.example.com", onError: () => {} };
        begin = () => turned.client(options);
        begin();
        try {
          begin();
        } catch (error) {
          errors.push(error);
        }
      },
    });
    client.say("ATRN\r\n");
    expect(errors).toMatchObject([{ name: "UsageError" }]);
    client.connection.lost();
    await settled();
    expect(begin).toThrow(/too late/);
  });

  it("X-ATRN-03 does not turn to somebody who has gone before the 250 has left", async () => {
    const { client, begun } = turning();
    client.wire.isFull = true;
    client.say("ATRN\r\n");
    expect(begun.sender).toBeNull();
    client.connection.lost();
    await settled();
    expect(begun.sender).toBeNull();
    expect(await client.reason).toBe("lost");
  });

  it("waits with the change of roles until the 250 has left", async () => {
    const { client, begun } = turning();
    client.wire.isFull = true;
    client.say("ATRN\r\n");
    expect(begun.sender).toBeNull();
    expect(client.wire.reads).toBe(false);
    client.wire.isFull = false;
    client.wire.drained();
    await settled();
    expect(begun.sender).not.toBeNull();
    expect(client.wire.reads).toBe(true);
  });

  it.each(["now", "idle"] as const)("ends with the service, %s", async (when) => {
    const { client, begun } = turning();
    client.say("ATRN\r\n");
    await client.tell("220 client.example.net\r\n250 client.example.net\r\n");
    client.heard();
    client.connection.shutdown(when);
    await settled();
    expect(client.heard()).toBe(when === "idle" ? "QUIT\r\n" : "");
    if (when === "idle") await client.tell("221 Bye\r\n");
    expect(await client.reason).toBe("turn");
    const late = begun.sender!.send({ from: "a@b.example", to: ["b@b.example"], body: "" });
    await expect(late).rejects.toThrow(/quit/);
  });

  it("is lost with the connection", async () => {
    const { client, begun } = turning();
    client.say("ATRN\r\n");
    const sent = begun.sender!.send({ from: "a@b.example", to: ["b@b.example"], body: "" });
    client.connection.lost(new Error("reset"));
    expect(await sent).toMatchObject({ outcomes: [{ status: "notTried" }] });
    expect(await client.connection.closed).toMatchObject({ reason: "turn", error: { message: "reset" } });
  });
});

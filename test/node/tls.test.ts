import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect as connectTls, createSecureContext } from "node:tls";
import { reply, type ServerOptions } from "@sansmtp/node";
import { describe, expect, it, onTestFinished } from "vitest";
import { certificates } from "./certificates.ts";
import { type Client, pause, until } from "./client.ts";
import { Prefixed } from "./prefixed.ts";
import { ehlo, envelope, type Serving, serving } from "./serving.ts";

const { ca, server, other, client: trusted, impostor } = await certificates();

/** STARTTLS up to its 220. */
async function dialStartTls({ dial }: Serving): Promise<Client> {
  const client = await dial();
  await client.replies(1);
  await client.say(ehlo);
  expect(await client.say("STARTTLS")).toBe("220");
  return client;
}

describe("STARTTLS", () => {
  it("carries mail, and the session knows with which TLS", async () => {
    const seen: unknown[] = [];
    const running = await serving({
      tlsOptions: server,
      tls: "required",
      hello(_, { client, protocol }) {
        seen.push(client.tls, protocol);
        return undefined;
      },
    });
    const client = await dialStartTls(running);
    const secure = await client.startTls({
      ca: ca.cert,
      rejectUnauthorized: true,
      servername: "mx.example.com",
    });
    const version = secure.getProtocol();
    expect(await client.say(ehlo)).toBe("250");
    expect(await client.say(...envelope)).toBe("250 250 354");
    const line = `${"Hello ".repeat(100)}\r\n`;
    const message = line.repeat(25_000);
    client.send(`${message}.\r\nQUIT\r\n`);
    expect(await client.replies(2)).toBe("250 221");
    // T-TLS-17: a clean end, so that the client can tell it from a cut.
    await client.end();
    client.socket.end();
    expect(await client.closed).toBeNull();
    expect(running.messages[0] === message).toBe(true);
    expect(seen[0]).toBeNull();
    expect(seen[2]).toEqual({
      version,
      cipher: expect.stringMatching(/^TLS_/),
      serverName: "mx.example.com",
      peer: null,
      sufficient: true,
      bindings: expect.any(Object),
    });
    expect(running.errors).toEqual([]);
  });

  it("SEC-TLS-01 T-TLS-04 T-TLS-03 nothing that came in the clear is heard inside TLS", async () => {
    const heard: string[] = [];
    const running = await serving({
      tlsOptions: server,
      starttls: () => pause(50).then(() => undefined),
      mail({ from }) {
        heard.push(from?.address ?? "");
        return undefined;
      },
    });
    // In one segment with STARTTLS.
    const first = await running.dial();
    await first.replies(1);
    await first.say(ehlo);
    first.send("STARTTLS\r\nMAIL FROM:<evil@example.net>\r\n");
    expect(await first.replies(1)).toBe("554");
    await first.end();
    // While the server makes up its mind, and so in front of the ClientHello.
    const second = await running.dial();
    await second.replies(1);
    await second.say(ehlo);
    second.send("STARTTLS\r\n");
    await pause(10);
    second.send("MAIL FROM:<evil@example.net>\r\n");
    expect(await second.replies(1)).toBe("220");
    await expect(second.startTls()).rejects.toThrow();
    // In front of the ClientHello although it was told to go ahead.
    const third = await dialStartTls(running);
    third.send("MAIL FROM:<evil@example.net>\r\n");
    await expect(third.startTls()).rejects.toThrow();
    await until(() => running.closings.length === 3, "all to be closed");
    expect(running.closings.map(({ reason }) => reason)).toEqual(["protocol", "tls", "tls"]);
    expect(heard).toEqual([]);
    expect(running.errors).toEqual([]);
  });

  it("T-TLS-17 refuses TLS below 1.2", async () => {
    const running = await serving({ tlsOptions: server });
    const client = await dialStartTls(running);
    const old: ConnectionOptions = {
      minVersion: "TLSv1",
      maxVersion: "TLSv1.1",
      ciphers: "DEFAULT@SECLEVEL=0",
    };
    await expect(client.startTls(old)).rejects.toThrow();
    await until(() => running.closings.length === 1, "the end");
    expect(running.closings[0]).toMatchObject({ reason: "tls", error: expect.any(Error) });
  });

  it("takes each handshake for the session that it belongs to, however many overlap", async () => {
    for (const unix of [false, true]) {
      const seen = new Set<string>();
      const folder = await mkdtemp(join(tmpdir(), "sansmtp-"));
      onTestFinished(() => rm(folder, { recursive: true }));
      const running = await serving(
        {
          tlsOptions: server,
          hello({ name }, { client }) {
            if (client.tls !== null) seen.add(`${name} ${client.tls.serverName}`);
            return undefined;
          },
        },
        unix ? join(folder, "smtp") : undefined,
      );
      const clients = await Promise.all(Array.from({ length: 40 }, () => dialStartTls(running)));
      await Promise.all(
        clients.map(async (client, at) => {
          await client.startTls({ servername: `c${at}.example.net` });
          await client.say(`EHLO c${at}.example.net`);
        }),
      );
      expect([...seen].sort()).toEqual(
        clients.map((_, at) => `c${at}.example.net c${at}.example.net`).sort(),
      );
    }
  });

  it("lets a client that has half-closed inside TLS have its replies", async () => {
    const running = await serving({ tlsOptions: server, mail: () => pause(20).then(() => undefined) });
    const client = await dialStartTls(running);
    await client.startTls({ allowHalfOpen: true } as ConnectionOptions);
    client.heard = "";
    client.socket.end(`${ehlo}\r\nMAIL FROM:<>\r\nNOOP\r\n`);
    await client.end();
    expect(client.heard.match(/^\d{3}(?= )/gm)?.join(" ")).toBe("250 250 250");
  });

  it("leaves no timer of the time before it behind", async () => {
    const running = await serving({ tlsOptions: server, timers: { command: 250, tls: 200 } });
    const client = await dialStartTls(running);
    await client.startTls();
    for (let turn = 0; turn < 6; turn++) {
      await pause(100);
      expect(await client.say("NOOP")).toBe("250");
    }
    expect(await client.hear(/421 4\.4\.2/)).toMatch(/421/);
  });
});

describe("implicit TLS", () => {
  const implicit = { tls: "implicit", tlsOptions: server } as const;

  it("T-IMP-01 comes before the greeting", async () => {
    const running = await serving(implicit);
    const client = await running.dial();
    await client.startTls({ ca: ca.cert, rejectUnauthorized: true, servername: "mx.example.com" });
    expect(await client.replies(1)).toBe("220");
    expect(await client.say(ehlo)).toBe("250");
    expect(client.heard).not.toContain("STARTTLS");
    expect(await client.say(...envelope)).toBe("250 250 354");
    expect(await client.say("Hello\r\n.")).toBe("250");
    expect(running.messages).toEqual(["Hello\r\n"]);
  });

  it("SEC-PRX-12 SEC-PRX-02 begins behind the PROXY header, also in the same segment", async () => {
    const seen: unknown[] = [];
    const running = await serving({
      ...implicit,
      proxy: true,
      trustedProxies: ["127.0.0.0/8"],
      connect(_, { remote, peer, client }) {
        seen.push(remote?.address, peer?.address, client.tls?.serverName);
        return undefined;
      },
    });
    const header = "PROXY TCP4 192.0.2.1 198.51.100.7 56324 465\r\n";
    for (const cut of [0, 10, header.length, header.length + 5]) {
      const client = await running.dial();
      client.socket.removeAllListeners("data");
      const segments = new Prefixed(client.socket, Buffer.from(header), cut);
      const secure = connectTls({
        socket: segments,
        rejectUnauthorized: false,
        servername: "mx.example.com",
      });
      secure.on("error", () => {});
      const greeting = await new Promise((resolve) => secure.once("data", resolve));
      expect(String(greeting)).toMatch(/^220 /);
    }
    expect(seen).toEqual(Array(4).fill(["192.0.2.1", "127.0.0.1", "mx.example.com"]).flat());
  });
});

describe("client certificates", () => {
  const demanding = { ...server, ca: ca.cert, requestCert: true };

  it("T-TLS-19 are not asked for unless configured", async () => {
    let peer: unknown = "unknown";
    const running = await serving({
      tlsOptions: { ...server, ca: ca.cert },
      hello(_, { client }) {
        peer = client.tls?.peer;
        return undefined;
      },
    });
    const client = await dialStartTls(running);
    await client.startTls(trusted);
    await client.say(ehlo);
    expect(peer).toBeNull();
  });

  const offers: readonly (readonly [string, ConnectionOptions, string | null])[] = [
    ["none", {}, null],
    ["one that nobody has signed", impostor, null],
    ["one that was signed", trusted, "relay.example.net"],
  ];

  it.each(offers)("are enforced when they are asked for: %s", async (_, offer, expected) => {
    for (const tls of ["offered", "implicit"] as const) {
      for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
        let peer: unknown = null;
        const running = await serving({
          tls,
          tlsOptions: demanding,
          hello(_, { client }) {
            peer = client.tls?.peer ?? null;
            return undefined;
          },
        });
        const client = tls === "offered" ? await dialStartTls(running) : await running.dial();
        const attempt = async () => {
          await client.startTls({ ...offer, maxVersion });
          if (tls === "implicit") await client.replies(1);
          return client.say(ehlo);
        };
        if (expected === null) {
          await expect(attempt()).rejects.toThrow();
          await until(() => running.closings.length === 1, "the end");
          expect(running.closings[0]!.reason).toBe("tls");
        } else {
          expect(await attempt()).toBe("250");
        }
        expect(peer).toBe(expected);
      }
    }
  });

  it("that are not verified give no name where the server lets them in all the same", async () => {
    let peer: unknown = "unknown";
    const running = await serving({
      tlsOptions: { ...demanding, rejectUnauthorized: false },
      hello(_, { client }) {
        peer = client.tls === null ? "no TLS" : client.tls.peer;
        return undefined;
      },
    });
    const client = await dialStartTls(running);
    await client.startTls(impostor);
    expect(await client.say(ehlo)).toBe("250");
    expect(peer).toBeNull();
  });
});

describe("the name that the client asks for", () => {
  it("chooses the certificate", async () => {
    const contexts: Record<string, ReturnType<typeof createSecureContext>> = {
      "other.example.com": createSecureContext(other),
    };
    const running = await serving({
      tlsOptions: { ...server, SNICallback: (name, done) => done(null, contexts[name]) },
    });
    for (const servername of ["other.example.com", "mx.example.com"]) {
      const client = await dialStartTls(running);
      const secure = await client.startTls({ servername, ca: ca.cert, rejectUnauthorized: true });
      expect(secure.getPeerCertificate().subject.CN).toBe(servername);
    }
    // And without a name there is a certificate, too.
    const client = await dialStartTls(running);
    const secure = await client.startTls({ servername: "" });
    expect(secure.getPeerCertificate().subject.CN).toBe("mx.example.com");
  });
});

describe("a handshake that comes to nothing", () => {
  const hello = Buffer.from([0x16, 3, 1, 0x02, 0, 1, 0, 0x01, 0xfc, 3, 3]);
  const ways: readonly (readonly [string, (client: Client) => void])[] = [
    ["the end before it", (client) => client.socket.end()],
    ["the end in the middle of it", (client) => client.socket.end(hello)],
    ["a reset before it", (client) => client.crash()],
    [
      "a reset in the middle of it",
      (client) => {
        client.socket.write(hello, () => client.crash());
      },
    ],
    ["garbage", (client) => client.send("GET / HTTP/1.1\r\nHost: mx.example.com\r\n\r\n")],
    ["an alert", (client) => client.socket.write(Buffer.from([0x15, 3, 1, 0, 2, 2, 40]))],
  ];

  it.each(ways)("releases the socket, and the server lives: %s", async (_, act) => {
    for (const tls of ["offered", "implicit"] as const) {
      const running = await serving({ tls, tlsOptions: server });
      for (let time = 0; time < 5; time++) {
        const client = tls === "offered" ? await dialStartTls(running) : await running.dial();
        act(client);
      }
      await until(() => running.closings.length === 5, "all to be released", 2_000);
      for (const { reason } of running.closings) expect(["tls", "lost"]).toContain(reason);
      const client = tls === "offered" ? await dialStartTls(running) : await running.dial();
      await client.startTls();
      if (tls === "implicit") await client.replies(1);
      expect(await client.say(ehlo)).toBe("250");
      expect(running.errors).toEqual([]);
      // The sockets themselves are gone, too: nothing but the last client keeps the server.
      client.socket.destroy();
      const started = performance.now();
      await running.server.close();
      expect(performance.now() - started).toBeLessThan(1_000);
    }
  });

  it("L-TIME-13 is cut off in time, without a word", async () => {
    for (const tls of ["offered", "implicit"] as const) {
      const running = await serving({ tls, tlsOptions: server, timers: { tls: 100 } });
      const client = tls === "offered" ? await dialStartTls(running) : await running.dial();
      client.heard = "";
      client.socket.write(hello);
      await client.end();
      expect(client.heard).toBe("");
      expect(running.closings).toEqual([{ reason: "timeout", error: null }]);
    }
  });

  it("does not keep a server from closing", async () => {
    const running = await serving({ tlsOptions: server });
    const client = await dialStartTls(running);
    client.socket.write(hello);
    await running.server.close({ within: 50 });
    await client.end();
    expect(running.closings.map(({ reason }) => reason)).toEqual(["shutdown"]);
  });

  it("survives hundreds of them among good ones", { timeout: 60_000 }, async () => {
    const options: Partial<ServerOptions> = { tlsOptions: server, maxConnectionsPerAddress: 1000 };
    const running = await serving({ ...options, message: () => reply(250, "2.0.0", "OK") });
    let delivered = 0;
    const session = async (at: number): Promise<void> => {
      const client = await dialStartTls(running);
      const [, act] = ways[at % (ways.length * 2)] ?? [];
      if (act !== undefined) return act(client);
      await client.startTls();
      await client.say(ehlo);
      await client.say(...envelope);
      if ((await client.say("Hello\r\n.")) === "250") delivered++;
      client.crash();
    };
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 24 }, (_, at) => session(at)));
    }
    expect(delivered).toBe(120);
    await until(() => running.server.connections.size === 0, "all to be gone");
    expect(running.errors).toEqual([]);
  });
});

describe("PROXY headers", () => {
  it("SEC-PRX-01 SEC-TRU-02 are believed from trusted proxies only: others are cut off", async () => {
    const running = await serving({ proxy: true, trustedProxies: ["10.0.0.0/8", "2001:db8::1"] });
    const client = await running.dial();
    client.send("PROXY TCP4 192.0.2.1 198.51.100.7 1 2\r\nQUIT\r\n");
    await client.end();
    expect(client.heard).toBe("");
    expect(running.closings).toEqual([]);
  });

  it("SEC-PRX-02 come before anything is said, or nothing is", async () => {
    const running = await serving({ proxy: true, trustedProxies: ["127.0.0.1"], timers: { proxy: 200 } });
    const good = await running.dial();
    await pause(20);
    expect(good.heard).toBe("");
    good.send("PROXY TCP4 192.0.2.1 198.51.100.7 1 2\r\n");
    expect(await good.replies(1)).toBe("220");
    const bad = await running.dial();
    bad.send(`${ehlo}\r\n`);
    const late = await running.dial();
    late.send("PROXY TCP4");
    for (const client of [bad, late]) {
      await client.end();
      expect(client.heard).toBe("");
    }
    expect(running.closings.map(({ reason }) => reason)).toEqual(["proxy", "timeout"]);
  });
});

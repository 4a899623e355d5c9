import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { deriveScramKeys } from "@sansmtp/sasl";
import { expect, onTestFinished } from "vitest";
import { certificates } from "../node/certificates.ts";
import { type Client, pause, until } from "../node/client.ts";
import { Prefixed } from "../node/prefixed.ts";
import { dialled, message } from "../node/scripted.ts";
import { ehlo, envelope, serving } from "../node/serving.ts";
import { dial, type Serving, serve, thrown } from "./serving.ts";
import { inEachRuntime } from "./suite.ts";

const { ca, server, other, client: trusted, impostor } = await certificates();
const offered = { options: { tlsOptions: server } } as const;
const implicit = { options: { tls: "implicit", tlsOptions: server } } as const;
const mx = { ca: ca.cert, rejectUnauthorized: true, servername: "mx.example.com" } as const;

/** STARTTLS up to its 220. */
async function dialStartTls({ dial }: Serving): Promise<Client> {
  const client = await dial();
  await client.replies(1);
  await client.say(ehlo);
  expect(await client.say("STARTTLS")).toBe("220");
  return client;
}

inEachRuntime(({ runtime, proves, test }) => {
  const { capabilities } = runtime;

  proves("implicitTls", "comes before the greeting, carries mail, and ends cleanly", async (running) => {
    const serving = await serve(running, implicit);
    const client = await serving.dial();
    await client.startTls(mx);
    expect(await client.replies(1)).toBe("220");
    expect(await client.say(ehlo)).toBe("250");
    expect(client.heard).not.toContain("STARTTLS");
    expect(await client.say(...envelope)).toBe("250 250 354");
    expect(await client.say("Hello\r\n.", "QUIT")).toBe("250 221");
    await client.end();
    client.socket.end();
    expect(await client.closed).toBeNull();
    const { messages, errors, closings, hellos } = await serving.until((now) => now.closings.length === 1);
    expect(messages).toHaveLength(1);
    expect(closings).toEqual([{ reason: "quit", error: null }]);
    expect(hellos[0]!.tls).not.toBeNull();
    expect(errors).toEqual([]);
  });

  proves("serverStartTls", "carries mail, and all is forgotten that came before", async (running) => {
    const serving = await serve(running, { options: { ...offered.options, tls: "required" } });
    const client = await dialStartTls(serving);
    await client.startTls(mx);
    expect(await client.say("MAIL FROM:<a@example.net>")).toBe("503");
    expect(await client.say(ehlo)).toBe("250");
    expect(await client.say(...envelope)).toBe("250 250 354");
    expect(await client.say("Hello\r\n.", "QUIT")).toBe("250 221");
    await client.end();
    client.socket.end();
    expect(await client.closed).toBeNull();
    const { hellos, errors, messages } = await serving.served();
    expect(hellos.map(({ tls }) => tls !== null)).toEqual([false, true]);
    expect(messages).toHaveLength(1);
    expect(errors).toEqual([]);
  });

  proves("serverStartTls", "nothing that came in the clear is heard inside TLS", async (running) => {
    const serving = await serve(running, { ...offered, thinks: 50 });
    const evil = "MAIL FROM:<evil@example.net>\r\n";
    // In one segment with STARTTLS.
    const first = await serving.dial();
    await first.replies(1);
    await first.say(ehlo);
    first.send(`STARTTLS\r\n${evil}`);
    expect(await first.replies(1)).toBe("554");
    await first.end();
    // While the server makes up its mind, and so in front of the ClientHello.
    const second = await serving.dial();
    await second.replies(1);
    await second.say(ehlo);
    second.send("STARTTLS\r\n");
    await pause(10);
    second.send(evil);
    expect(await second.replies(1)).toBe("220");
    await expect(second.startTls()).rejects.toThrow();
    // In front of the ClientHello although it was told to go ahead.
    const third = await dialStartTls(serving);
    third.send(evil);
    await expect(third.startTls()).rejects.toThrow();
    const { closings, senders, errors } = await serving.until((now) => now.closings.length === 3);
    expect(closings.map(({ reason }) => reason)).toEqual(["protocol", "tls", "tls"]);
    expect(senders).toEqual([]);
    expect(errors).toEqual([]);
  });

  proves("serverStartTls", "each handshake is taken for the session it belongs to", async (running) => {
    const serving = await serve(running, offered);
    const clients = await Promise.all(Array.from({ length: 40 }, () => dialStartTls(serving)));
    await Promise.all(
      clients.map(async (client, at) => {
        await client.startTls({ servername: `c${at}.example.net` });
        await client.say(`EHLO c${at}.example.net`);
      }),
    );
    const { hellos } = await serving.served();
    const inside = hellos.filter(({ tls }) => tls !== null);
    expect(inside).toHaveLength(40);
    for (const { name, tls } of inside) expect(tls!.serverName ?? name).toBe(name);
  });

  proves("tlsDetails", "the session knows version, cipher and name", async (running) => {
    for (const given of [offered, implicit]) {
      const serving = await serve(running, given);
      const client = given === offered ? await dialStartTls(serving) : await serving.dial();
      const secure = await client.startTls(mx);
      if (given === implicit) await client.replies(1);
      await client.say(ehlo);
      const { tls } = (await serving.served()).hellos.at(-1)!;
      if (given === offered || capabilities.tlsDetails === true) {
        expect(tls).toMatchObject({
          version: secure.getProtocol(),
          cipher: secure.getCipher().standardName,
          serverName: "mx.example.com",
          peer: null,
        });
      } else {
        expect(tls).toMatchObject({ version: null, cipher: null, serverName: null, peer: null });
      }
    }
  });

  test("TLS below 1.2 is refused", async (running) => {
    for (const given of [offered, implicit]) {
      const serving = await serve(running, given);
      const client = given === offered ? await dialStartTls(serving) : await serving.dial();
      const old: ConnectionOptions = {
        minVersion: "TLSv1",
        maxVersion: "TLSv1.1",
        ciphers: "DEFAULT@SECLEVEL=0",
      };
      await expect(client.startTls(old)).rejects.toThrow();
      const { closings } = await serving.until((now) => now.closings.length === 1);
      expect(closings[0]).toMatchObject({ reason: "tls", error: expect.any(String) });
    }
  });

  proves("unixSocketTls", "from the start and with STARTTLS, each for its session", async (running) => {
    for (const given of [offered, implicit]) {
      const folder = await mkdtemp(join(tmpdir(), "sansmtp-"));
      onTestFinished(() => rm(folder, { recursive: true }));
      const serving = await serve(running, { ...given, place: { path: join(folder, "smtp") } });
      const clients = await Promise.all(
        Array.from({ length: 10 }, () => (given === offered ? dialStartTls(serving) : serving.dial())),
      );
      await Promise.all(
        clients.map(async (client, at) => {
          await client.startTls({ servername: `c${at}.example.net` });
          if (given === implicit) await client.replies(1);
          await client.say(`EHLO c${at}.example.net`);
          expect(await client.say(...envelope)).toBe("250 250 354");
        }),
      );
      const inside = (await serving.served()).hellos.filter(({ tls }) => tls !== null);
      expect(inside.map(({ name }) => name).sort()).toEqual(
        clients.map((_, at) => `c${at}.example.net`).sort(),
      );
      for (const { name, tls } of inside) expect(tls!.serverName ?? name).toBe(name);
    }
  });

  proves("halfClose", "a client that has ended its side inside TLS has its replies", async (running) => {
    for (const given of [offered, implicit]) {
      const serving = await serve(running, { ...given, thinks: given === offered ? 20 : 0 });
      const client = given === offered ? await dialStartTls(serving) : await serving.dial();
      await client.startTls({ allowHalfOpen: true } as ConnectionOptions);
      if (given === implicit) await client.replies(1);
      client.heard = "";
      client.socket.end(`${ehlo}\r\nMAIL FROM:<>\r\nNOOP\r\n`);
      await client.end();
      expect(client.heard.match(/^\d{3}(?= )/gm)?.join(" ")).toBe("250 250 250");
    }
  });

  test("no timer of the time before TLS is left behind", async (running) => {
    const options = { ...offered.options, timers: { command: 300, tls: 200 } };
    const serving = await serve(running, { options });
    const client = await dialStartTls(serving);
    await client.startTls();
    for (let turn = 0; turn < 5; turn++) {
      await pause(100);
      expect(await client.say("NOOP")).toBe("250");
    }
    expect(await client.hear(/421 4\.4\.2/)).toMatch(/421/);
  });

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

  test("a handshake that comes to nothing releases its socket, and the server lives", async (running) => {
    for (const given of [offered, implicit]) {
      const serving = await serve(running, given);
      await pause(50);
      const before = running.descriptors();
      for (const [, act] of ways) {
        for (let time = 0; time < 3; time++) {
          const client = given === offered ? await dialStartTls(serving) : await serving.dial();
          act(client);
        }
      }
      const all = ways.length * 3;
      const { closings } = await serving.until((now) => now.closings.length === all, 5_000);
      for (const { reason } of closings) expect(["tls", "lost"]).toContain(reason);
      await until(() => (running.descriptors() ?? 0) <= (before ?? 0), "all descriptors to be closed", 5_000);
      const client = given === offered ? await dialStartTls(serving) : await serving.dial();
      await client.startTls();
      if (given === implicit) await client.replies(1);
      expect(await client.say(ehlo)).toBe("250");
      expect((await serving.served()).errors).toEqual([]);
    }
  });

  proves("timeouts", "a handshake is cut off in time, without a word", async (running) => {
    for (const { options } of [offered, implicit]) {
      const serving = await serve(running, { options: { ...options, timers: { tls: 100 } } });
      const client = options === offered.options ? await dialStartTls(serving) : await serving.dial();
      client.heard = "";
      client.socket.write(hello);
      await client.end();
      expect(client.heard).toBe("");
      expect((await serving.served()).closings).toEqual([{ reason: "timeout", error: null }]);
    }
  });

  proves("gracefulClose", "does not wait for a handshake longer than it says", async (running) => {
    for (const given of [offered, implicit]) {
      const serving = await serve(running, given);
      const client = given === offered ? await dialStartTls(serving) : await serving.dial();
      client.socket.write(hello);
      await serving.until(({ connections }) => connections === 1);
      await serving.close(50);
      await client.end();
      expect((await serving.served()).closings.map(({ reason }) => reason)).toEqual(["shutdown"]);
    }
  });

  proves("sni", "the name that the client asks for chooses the certificate", async (running) => {
    for (const { options } of [offered, implicit]) {
      const given = { options, certificates: { "other.example.com": other } };
      if (capabilities.sni !== true) {
        expect(await thrown(serve(running, given))).toMatchObject({ name: "UsageError" });
        continue;
      }
      const serving = await serve(running, given);
      for (const servername of ["other.example.com", "mx.example.com", ""]) {
        const client = options === offered.options ? await dialStartTls(serving) : await serving.dial();
        const secure = await client.startTls({ ...mx, servername, rejectUnauthorized: servername !== "" });
        expect(secure.getPeerCertificate().subject.CN).toBe(servername || "mx.example.com");
        client.raw.destroy();
      }
    }
  });

  test("it chooses also where it is the name that the server listens on", async (running) => {
    if (capabilities.sni !== true) return;
    const place = { port: 0, host: "localhost" };
    const serving = await serve(running, { ...implicit, place, certificates: { localhost: other } });
    const client = await serving.dial();
    const secure = await client.startTls({ ...mx, servername: "localhost", rejectUnauthorized: false });
    expect(secure.getPeerCertificate().subject.CN).toBe("other.example.com");
  });

  const offers: readonly (readonly [ConnectionOptions, string | null])[] = [
    [{}, null],
    [impostor, null],
    [trusted, "relay.example.net"],
  ];

  proves("serverVerifiesClient", "who has no certificate that was signed is cut off", async (running) => {
    const demanding = { ...server, ca: ca.cert, requestCert: true };
    for (const tls of ["offered", "implicit"] as const) {
      const given = { options: { tls, tlsOptions: demanding } };
      if (capabilities.serverVerifiesClient !== true) {
        expect(await thrown(serve(running, given))).toMatchObject({ name: "UsageError" });
        continue;
      }
      for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
        for (const [offer, peer] of offers) {
          const serving = await serve(running, given);
          const client = tls === "offered" ? await dialStartTls(serving) : await serving.dial();
          const attempt = async (): Promise<string> => {
            await client.startTls({ ...offer, maxVersion });
            if (tls === "implicit") await client.replies(1);
            return client.say(ehlo);
          };
          if (peer === null) {
            await expect(attempt()).rejects.toThrow();
            const { closings } = await serving.until((now) => now.closings.length === 1);
            expect(closings[0]!.reason).toBe("tls");
          } else {
            expect(await attempt()).toBe("250");
            expect((await serving.served()).hellos.at(-1)!.tls!.peer).toBe(peer);
          }
        }
      }
    }
  });

  test("client certificates are not asked for unless configured", async (running) => {
    const serving = await serve(running, { options: { tlsOptions: { ...server, ca: ca.cert } } });
    const client = await dialStartTls(serving);
    await client.startTls(trusted);
    await client.say(ehlo);
    expect((await serving.served()).hellos.at(-1)!.tls!.peer).toBeNull();
  });

  proves("proxyBeforeTls", "TLS begins behind the header, also in the same segment", async (running) => {
    const proxy = { proxy: true, trustedProxies: ["127.0.0.0/8"] };
    const given = { options: { ...implicit.options, ...proxy } };
    if (capabilities.proxyBeforeTls !== true) {
      expect(await thrown(serve(running, given))).toMatchObject({ name: "UsageError" });
      return;
    }
    const serving = await serve(running, given);
    const header = "PROXY TCP4 192.0.2.1 198.51.100.7 56324 465\r\n";
    for (const cut of [0, 10, header.length, header.length + 5]) {
      const client = await serving.dial();
      client.socket.removeAllListeners("data");
      const socket = new Prefixed(client.socket, Buffer.from(header), cut);
      const secure = connectTls({ ...mx, socket });
      secure.on("error", () => {});
      const greeting = await new Promise((resolve) => secure.once("data", resolve));
      expect(String(greeting)).toMatch(/^220 /);
      secure.write(`${ehlo}\r\n`);
      await new Promise((resolve) => secure.once("data", resolve));
    }
    const { hellos } = await serving.served();
    expect(hellos.map(({ remote }) => remote)).toEqual(Array(4).fill("192.0.2.1"));
    expect(hellos.every(({ tls }) => tls !== null)).toBe(true);
  });

  test("a server takes the versions that it was given, no others", async (running) => {
    for (const { options } of [offered, implicit]) {
      const limited = { ...options, tlsOptions: { ...server, minVersion: "TLSv1.3" } };
      const serving = await serve(running, { options: limited });
      const client = async () => (options === offered.options ? dialStartTls(serving) : serving.dial());
      await expect((await client()).startTls({ maxVersion: "TLSv1.2" })).rejects.toThrow();
      await serving.until(({ closings }) => closings[0]?.reason === "tls");
      await (await client()).startTls();
    }
  });

  proves("cipherControl", "a server takes the ciphers that it was given, no others", async (running) => {
    const limit = { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" } as const;
    for (const { options } of [offered, implicit]) {
      const given = { options: { ...options, tlsOptions: { ...server, ...limit } } };
      if (capabilities.cipherControl !== true) {
        expect(await thrown(serve(running, given))).toMatchObject({ name: "UsageError" });
        continue;
      }
      const serving = await serve(running, given);
      const client = async () => (options === offered.options ? dialStartTls(serving) : serving.dial());
      const ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256";
      await expect((await client()).startTls({ ciphers, maxVersion: "TLSv1.2" })).rejects.toThrow();
      await serving.until(({ closings }) => closings[0]?.reason === "tls");
      await (await client()).startTls();
    }
  });

  proves("channelBindings", "both sides authenticate by it, or by none that is bound", async (running) => {
    const bound = capabilities.channelBindings === true;
    const auth = { user: "me", pass: "secret" };
    const keys = deriveScramKeys("secret", { salt: new Uint8Array(16).fill(5) });
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const inside = await serve(running, { ...offered, knows: true });
      const client = await dialled({
        ...{ host: "localhost", port: inside.port, auth },
        tlsOptions: { ca: ca.cert, maxVersion },
      });
      expect((await client.send(message)).accepted).toHaveLength(1);
      const outside = await serving({
        tlsOptions: server,
        authRequired: true,
        authenticate: ({ identity, verify }) => verify(identity.user === "me" ? keys : null),
        mail: (_, { client }) => void used.push(client.authenticated),
      });
      const used: (string | null)[] = [...(await inside.served()).mechanisms];
      const options = { auth, ...outside.address, tlsOptions: { ca: ca.cert, maxVersion } };
      const { client: sender } = await dial(running, { ...options, host: "localhost" });
      expect((await running.call("send", { client: sender, size: 100 })).statuses).toEqual(["accepted"]);
      expect(used).toEqual(Array(2).fill(bound ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256"));
    }
  });

  proves("gracefulClose", "a client that does not read is dropped, inside TLS, too", async (running) => {
    const servings = await Promise.all(
      [offered, implicit].map(async (given) => {
        const options = { ...given.options, limits: { idleCommands: 1e9 } };
        const serving = await serve(running, { options });
        const client = given === offered ? await dialStartTls(serving) : await serving.dial();
        await client.startTls();
        if (given === implicit) await client.replies(1);
        await client.say(ehlo);
        client.raw.pause();
        client.socket.pause();
        for (let time = 0; time < 100; time++) client.send("RSET\r\n".repeat(10_000));
        return serving;
      }),
    );
    await pause(200);
    // Both listeners, and their connections.
    if (running.sockets() !== null) expect(running.sockets()).toBe(4);
    await Promise.all(servings.map(({ close }) => close(0)));
    await until(() => (running.sockets() ?? 0) === 0, "the sockets to be closed");
  });
});

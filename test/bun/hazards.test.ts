import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { ConnectionOptions } from "node:tls";
import { type ConnectOptions, connect, reply } from "@sansmtp/node";
import { describe, expect, it, onTestFinished } from "vitest";
import { certificates } from "../node/certificates.ts";
import { Client, pause } from "../node/client.ts";
import { scripted } from "../node/scripted.ts";
import { ehlo, envelope, serving } from "../node/serving.ts";
import { missing } from "../runtimes/runtimes.ts";
import { bun, Child } from "./child.ts";

// What the sockets in Bun do, and nobody would expect, seen from outside.

const { ca, server: certificate, impostor } = await certificates();
const mx = { ca: ca.cert, rejectUnauthorized: true, servername: "mx.example.com" };

/** A server in Bun. */
async function serve(options: object): Promise<{ child: Child; port: number; dial(): Promise<Client> }> {
  const child = new Child("scripts/server.ts", options);
  const address = await child.next<{ host: string; port: number }>();
  return { child, port: address.port, dial: () => Client.connect(address) };
}

/** Ends it: nothing was printed, and nothing was heard that was no text. */
async function ended(child: Child): Promise<void> {
  const end = child.end();
  for (let said: object = {}; !("opaque" in said); ) {
    said = await child.next<object>();
    if ("opaque" in said) expect(said.opaque).toBe(0);
  }
  expect(await end).toBe(0);
  expect(child.errors).toBe("");
}

/** What a client in Bun says first. */
async function dial(given: object): Promise<{ child: Child; said: Record<string, unknown> }> {
  const child = new Child("scripts/client.ts", given);
  return { child, said: await child.next() };
}

describe.skipIf(bun.program === null)(bun.program === null ? missing(bun) : "in Bun", () => {
  for (const tls of ["none", "offered", "implicit"] as const) {
    it.each([
      ["stays", 80_000, 200],
      ["has ended its side", 80_000, 200],
      // As much as the kernel takes.
      ["begins to read when the server has let go", 20_000, 2_500],
    ] as const)(`a large last reply arrives whole at a client who %s, with TLS ${tls}`, async (...given) => {
      const [way, count, rest] = given;
      const { child, dial } = await serve(tls === "none" ? {} : { tls, tlsOptions: certificate });
      const client = await dial();
      if (tls === "implicit") await client.startTls({ ...mx, allowHalfOpen: true } as ConnectionOptions);
      await client.replies(1);
      if (tls === "offered") {
        expect(await client.say(ehlo, "STARTTLS")).toBe("250 220");
        await client.startTls(mx);
      }
      client.heard = "";
      client.send(`EHLO lines-${count}.example.net\r\n`);
      if (way === "has ended its side") client.socket.end();
      client.socket.pause();
      await pause(rest);
      client.socket.resume();
      await client.end();
      const lines = client.heard.split("\r\n");
      expect(lines).toHaveLength(count + 1);
      const wrong = lines.slice(0, -1).findIndex((line, at) => !line.includes(` line ${at}.`));
      expect(wrong).toBe(-1);
      expect(client.heard.length).toBeGreaterThan(count * 75);
      client.socket.destroy();
      await ended(child);
    });

    it(`a message of 20 MB leaves whole, slowly read, with TLS ${tls}`, async () => {
      let heard = "";
      const { address } = await serving({
        ...(tls === "none" ? {} : { tls, tlsOptions: certificate }),
        limits: { message: 30_000_000 },
        async message({ body }) {
          await pause(300);
          for await (const octets of body) heard += Buffer.from(octets).toString("latin1");
          return reply(250, "2.0.0", "Queued");
        },
      });
      const { port } = address as { port: number };
      const options = {
        host: "localhost",
        port,
        tls: { none: "never", offered: "required", implicit: "implicit" }[tls],
        // With BDAT each chunk waits for its reply.
        chunking: "avoid",
        tlsOptions: tls === "none" ? {} : { ca: ca.cert },
      };
      const { child, said } = await dial({ options, size: 20_480_000 });
      expect(said).toEqual({
        tls: tls === "none" ? null : "TLSv1.3",
        peer: tls === "none" ? null : "mx.example.com",
      });
      expect(await child.next()).toEqual({ status: "accepted", opaque: 0 });
      expect(heard === `${"x".repeat(62)}\r\n`.repeat(320_000)).toBe(true);
      await child.end();
    });
  }

  it("what is encrypted never reaches the session, behind STARTTLS, too", async () => {
    const { child, dial } = await serve({ tlsOptions: certificate });
    const client = await dial();
    await client.replies(1);
    expect(await client.say(ehlo, "STARTTLS")).toBe("250 220");
    await client.startTls(mx);
    expect(await client.say(ehlo, ...envelope)).toBe("250 250 250 354");
    client.send("A line of text.\r\n".repeat(20_000));
    expect(await client.say(".", "QUIT")).toBe("250 221");
    client.socket.destroy();
    // `ended` expects that no octet was read that is no text.
    await ended(child);
  });

  it("TLS options that say nothing are not TLS off: not an octet leaves in the clear", async () => {
    for (const tls of ["implicit", "required"] as const) {
      const server = await scripted((socket) => {
        const replies = ["250-mx\r\n250 STARTTLS\r\n", "220 Go\r\n"];
        if (tls === "implicit") return;
        socket.write("220 mx ESMTP\r\n");
        // To what looks like TLS it says nothing.
        socket.on("data", () => socket.write(replies.shift() ?? ""));
      });
      const options = { port: server.port, host: "127.0.0.1", tls, tlsOptions: {}, timers: { tls: 300 } };
      const { said } = await dial({ options });
      expect(said).toMatchObject({ name: "ConnectError", code: "timeout" });
      // Nothing but a ClientHello, although Bun has connected long ago.
      const clear = tls === "implicit" ? "" : "EHLO client.example.net\r\nSTARTTLS\r\n";
      expect(server.heard().slice(0, clear.length)).toBe(clear);
      const records = Buffer.from(server.heard().slice(clear.length), "latin1");
      expect(records[0]).toBe(0x16);
      expect(records.length).toBe(5 + records.readUInt16BE(3));
    }
  });

  it("a server without a certificate is not made", async () => {
    const child = new Child("scripts/server.ts", { tls: "implicit", tlsOptions: {} });
    await expect(child.next()).rejects.toThrow(/UsageError[\s\S]*tlsOptions/);
  });

  it("a certificate that nobody has signed is not trusted, whatever the rule for its name", async () => {
    const { address } = await serving({ tls: "implicit", tlsOptions: certificate });
    const { port } = address as { port: number };
    const options = { port, host: "127.0.0.1", tls: "implicit" };
    for (const tlsOptions of [{}, { ca: impostor.cert }])
      expect((await dial({ options: { ...options, tlsOptions }, anyName: true })).said).toMatchObject({
        code: "tls-failed",
      });
    const trusting = { ...options, tlsOptions: { ca: ca.cert } };
    // It is for mx.example.com and localhost.
    expect((await dial({ options: trusting })).said).toMatchObject({ code: "tls-failed" });
    expect((await dial({ options: trusting, anyName: true })).said).toMatchObject({ tls: "TLSv1.3" });
    // Asked not to look, it says that it knows nobody.
    const blind = { ...options, tlsOptions: { rejectUnauthorized: false } };
    expect((await dial({ options: blind })).said).toEqual({ tls: "TLSv1.3", peer: null });
  });

  it("a connection that was given up never comes to be", async () => {
    const script = `
import socket, sys
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(0)
first = socket.create_connection(server.getsockname())
print(server.getsockname()[1], flush=True)
sys.stdin.readline()
server.accept()
server.settimeout(4)
try:
    server.accept()
    print("came", flush=True)
except TimeoutError:
    print("stayed away", flush=True)
`;
    const python = spawn("python3", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
    onTestFinished(() => void python.kill());
    const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]();
    const port = Number((await lines.next()).value);
    const { said, child } = await dial({ options: { port, host: "127.0.0.1", tls: "never" }, abort: 200 });
    expect(said).toMatchObject({ name: "TimeoutError" });
    python.stdin.write("\n");
    // The system asks again after one second, and after three, for whoever still wants it.
    expect((await lines.next()).value).toBe("stayed away");
    await child.end();
    expect(child.errors).toBe("");
  });

  it("timers go by the millisecond, not by what Bun's sockets have", async () => {
    const { child, dial } = await serve({ timers: { command: 300 } });
    const client = await dial();
    await client.replies(1);
    const started = performance.now();
    await client.hear(/421 4\.4\.2/);
    expect(performance.now() - started).toBeGreaterThan(200);
    expect(performance.now() - started).toBeLessThan(1_500);
    client.socket.destroy();
    await ended(child);
  });

  it("a handler that rejects has its say, and the process lives", async () => {
    const { child, dial } = await serve({});
    const client = await dial();
    await client.replies(1);
    expect(await client.say(ehlo, "MAIL FROM:<trouble@example.net>", "NOOP")).toMatch(/^250 4\d\d 250$/);
    expect(await child.next()).toEqual({ error: "Error: in trouble" });
    client.socket.destroy();
    await ended(child);
  });

  it("AUTH is bound to the channel with every version of TLS, on both sides", async () => {
    const auth = { user: "tim", pass: "pencil", mechanisms: ["SCRAM-SHA-256-PLUS"] } as const;
    for (const maxVersion of ["TLSv1.2", "TLSv1.3"] as const) {
      const inside = await serve({ tlsOptions: certificate });
      const tlsOptions = { ca: ca.cert, maxVersion };
      const options: ConnectOptions = { port: inside.port, tls: "required", tlsOptions, auth };
      const client = await connect({ ...options, host: "localhost", name: "client.example.net" });
      expect(await inside.child.next()).toEqual({ mechanism: "SCRAM-SHA-256-PLUS" });
      await client.quit();
      await ended(inside.child);
      const outside = await serving({
        tlsOptions: { ...certificate, maxVersion },
        authenticate: ({ verify }) => verify({ password: "pencil" }),
      });
      const { port } = outside.address as { port: number };
      const { said, child } = await dial({ options: { ...options, host: "localhost", port } });
      expect(said).toEqual({ tls: maxVersion, peer: "mx.example.com" });
      await child.end();
    }
  });

  it("an option that Bun would ignore is refused, also where the sockets of Node are used", async () => {
    const ignored: readonly object[] = [
      { honorCipherOrder: true },
      { ticketKeys: "x" },
      { ciphers: "TLS_AES_256_GCM_SHA384" },
      { ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384", minVersion: "TLSv1.3" },
      { minVersion: "TLSv9" },
    ];
    for (const option of ignored) {
      const name = Object.keys(option)[0]!;
      const child = new Child("scripts/server.ts", { tlsOptions: { ...certificate, ...option } });
      await expect(child.next()).rejects.toThrow(new RegExp(`UsageError[\\s\\S]*tlsOptions\\.${name}`));
      const { said } = await dial({ options: { tlsOptions: option } });
      expect(said).toMatchObject({
        name: "UsageError",
        message: expect.stringContaining(`tlsOptions.${name}`),
      });
    }
  });

  it("ciphers that Bun cannot read are said when the server is made, and the version below 1.2 that it could do is off", async () => {
    const unread = new Child("scripts/server.ts", {
      tlsOptions: { ...certificate, ciphers: "DEFAULT@SECLEVEL=0" },
    });
    await expect(unread.next()).rejects.toThrow(/cipher/i);
    const { child, dial } = await serve({ tls: "implicit", tlsOptions: certificate });
    const client = await dial();
    const old = { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
    await expect(client.startTls({ ...mx, ...old })).rejects.toThrow();
    client.socket.destroy();
    await ended(child);
  });

  it("ciphers that are given are all there are, so that TLS 1.3 is off", async () => {
    const ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
    const { child, dial } = await serve({ tls: "implicit", tlsOptions: { ...certificate, ciphers } });
    const client = await dial();
    const secure = await client.startTls(mx);
    expect([secure.getProtocol(), secure.getCipher().name]).toEqual(["TLSv1.2", ciphers]);
    client.socket.destroy();
    await ended(child);
  });

  it("the sockets of Node are read no further than wanted, with TLS, too", async () => {
    // A PROXY header before TLS: then it is these.
    const options = {
      proxy: true,
      trustedProxies: ["127.0.0.0/8"],
      tls: "implicit",
      tlsOptions: certificate,
    };
    const { child, dial } = await serve({ ...options, limits: { idleCommands: 1e9 } });
    const client = await dial();
    client.send("PROXY TCP4 192.0.2.1 198.51.100.7 56324 465\r\n");
    await client.startTls(mx);
    await client.replies(1);
    await client.say(ehlo);
    client.socket.pause();
    const flood = "RSET\r\n".repeat(10_000);
    for (let time = 0; time < 600; time++) client.send(flood);
    await pause(1_000);
    // Replies are not taken, and so no more is read: what the kernel does not hold stays here.
    expect(client.socket.writableLength).toBeGreaterThan(1_000_000);
    client.socket.destroy();
    expect(await child.end()).toBe(0);
    expect(child.errors).toBe("");
  });
});

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reply, type ServerOptions } from "@sansmtp/node";
import { expect, inject, onTestFinished } from "vitest";
import { certificates } from "../node/certificates.ts";
import { pause, until } from "../node/client.ts";
import { replying, scripted } from "../node/scripted.ts";
import { serving } from "../node/serving.ts";
import { Running } from "./running.ts";
import { dial, thrown } from "./serving.ts";
import { inEachRuntime } from "./suite.ts";

const { ca, server: certificate, other, client: ours, impostor } = await certificates();
const trusting = { host: "localhost", tlsOptions: { ca: ca.cert } } as const;

/** A server on Node, outside the runtime. */
async function portOf(options: Partial<ServerOptions> = {}): Promise<{ port: number; messages: string[] }> {
  const { address, messages } = await serving(options);
  return { port: (address as { port: number }).port, messages };
}

inEachRuntime(({ runtime, proves, test }) => {
  const { capabilities } = runtime;

  proves("plain", "a client sends, and a refusal is data", async (running) => {
    const { port, messages } = await portOf({
      rcpt: ({ to }) => (to.local === "nobody" ? reply(550, "5.1.1", "No") : undefined),
    });
    const { client, tls } = await dial(running, { port });
    expect(tls).toBeNull();
    const to = ["b@example.com", "nobody@example.com"];
    const sent = await running.call("send", { client, to, size: 100 });
    expect(sent).toEqual({ statuses: ["accepted", "refused"], safeToRetry: false });
    await running.call("quit", { client });
    expect(messages.map(({ length }) => length)).toEqual([100]);
  });

  test("a client that is given no name says the address that it has", async (running) => {
    const server = await scripted((socket) => replying(socket, {}));
    await dial(running, { port: server.port, name: undefined });
    expect(server.heard()).toMatch(/^EHLO (\[127\.0\.0\.1\]|[\w-]+(\.[\w-]+)+)\r\n$/);
  });

  test("a pool sends many messages over few connections", async (running) => {
    const server = await portOf({ maxConnections: 2 });
    const options = { host: "127.0.0.1", port: server.port, maxConnections: 2 };
    expect(await running.call("pool", { options, size: 1000, count: 20 })).toBe(20);
    expect(server.messages).toHaveLength(20);
  });

  test("nobody there is unreachable, with the system's code as cause", async (running) => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as { port: number };
    await new Promise((resolve) => closed.close(resolve));
    expect(await thrown(dial(running, { port }))).toMatchObject({
      name: "ConnectError",
      code: "unreachable",
    });
    expect(await thrown(dial(running, { host: "no.such.host.invalid" }))).toMatchObject({
      code: "unreachable",
    });
    expect(await thrown(dial(running, { port: 0 }))).toMatchObject({ name: "UsageError" });
  });

  proves("clientStartTls", "sends inside TLS, to the host that was meant", async (running) => {
    const { port, messages } = await portOf({ tlsOptions: certificate });
    const { client, tls } = await dial(running, { ...trusting, port, tls: "required" });
    expect(tls).not.toBeNull();
    expect((await running.call("send", { client, size: 1000 })).statuses).toEqual(["accepted"]);
    await running.call("quit", { client });
    expect(messages).toHaveLength(1);
  });

  proves("clientStartTls", "works when each reply comes in pieces, and late", async (running) => {
    const slow = await relay((await portOf({ tlsOptions: certificate })).port, 300);
    const { client } = await dial(running, { ...trusting, port: slow, tls: "required" });
    expect((await running.call("send", { client, size: 1000 })).statuses).toEqual(["accepted"]);
  });

  proves(
    "clientStartTls",
    "a certificate that is not the host's, or that nobody has signed",
    async (running) => {
      const { port, messages } = await portOf({ tlsOptions: certificate });
      const wrong = await portOf({ tlsOptions: other });
      for (const options of [
        { host: "localhost", port },
        { ...trusting, host: "127.0.0.1", port },
        { ...trusting, port: wrong.port },
      ])
        expect(await thrown(dial(running, { ...options, tls: "required" }))).toMatchObject({
          code: "tls-failed",
        });
      expect(messages).toEqual([]);
      // Where TLS is only offered, any certificate is better than none.
      expect((await dial(running, { port: wrong.port })).tls).not.toBeNull();
    },
  );

  proves("clientStartTls", "what follows the 220 in the clear ends the connection", async (running) => {
    const EHLO = "250-mx\r\n250 STARTTLS";
    const injecting = await scripted((socket) =>
      replying(socket, { EHLO, STARTTLS: "220 Go\r\n250-mx\r\n250 AUTH PLAIN" }),
    );
    const { port } = injecting;
    expect(await thrown(dial(running, { ...trusting, port, tls: "required" }))).toMatchObject({
      code: "tls-injection",
    });
    const late = await scripted((socket) => {
      replying(socket, { EHLO, STARTTLS: "220 Go" });
      socket.on("data", (octets) => {
        if (octets[0] === 0x16) socket.write("250 2.0.0 Ok\r\n");
      });
    });
    expect(await thrown(dial(running, { ...trusting, port: late.port, tls: "required" }))).toMatchObject({
      code: "tls-failed",
    });
  });

  proves(
    "clientStartTls",
    "offered, and the handshake fails: another connection, in the clear",
    async (running) => {
      const server = await scripted((socket, number) => {
        replying(socket, { EHLO: "250-mx\r\n250 STARTTLS", STARTTLS: "220 Go" });
        if (number > 1) replying(socket, {});
        else
          socket.on("data", (octets) => {
            if (octets[0] === 0x16) socket.end();
          });
      });
      const { tls } = await dial(running, { port: server.port });
      expect(tls).toBeNull();
      expect(server.sockets).toHaveLength(2);
    },
  );

  proves("implicitTls", "a client greets inside TLS, and only the host that was meant", async (running) => {
    const tls = "implicit";
    const { port, messages } = await portOf({ tls, tlsOptions: certificate });
    const { client } = await dial(running, { ...trusting, port, tls });
    expect((await running.call("send", { client, size: 1000 })).statuses).toEqual(["accepted"]);
    await running.call("quit", { client });
    expect(messages).toHaveLength(1);
    const wrong = await portOf({ tls, tlsOptions: other });
    expect(await thrown(dial(running, { ...trusting, port: wrong.port, tls }))).toMatchObject({
      code: "tls-failed",
    });
    expect(await thrown(dial(running, { host: "localhost", port, tls }))).toMatchObject({
      code: "tls-failed",
    });
    const plain = await portOf();
    expect(await thrown(dial(running, { ...trusting, port: plain.port, tls }))).toMatchObject({
      code: "plain-on-tls-port",
    });
  });

  proves("tlsDetails", "a client knows version and cipher", async (running) => {
    const starttls = await portOf({ tlsOptions: certificate });
    const implicit = await portOf({ tls: "implicit", tlsOptions: certificate });
    for (const [port, mode] of [
      [starttls.port, "required"],
      [implicit.port, "implicit"],
    ]) {
      const { tls } = await dial(running, { ...trusting, port, tls: mode });
      if (capabilities.tlsDetails === true)
        expect(tls).toMatchObject({ version: "TLSv1.3", cipher: expect.stringMatching(/^TLS_/) });
      else expect(tls).not.toBeNull();
    }
  });

  proves(
    "ownAuthorities",
    "an authority that was not given is not trusted, though the runtime has it",
    async (running) => {
      const { port } = await portOf({ tlsOptions: certificate });
      const file = join(await folder(), "ca.pem");
      await writeFile(file, ca.cert);
      const believing = new Running(runtime, inject("starters"), {
        NODE_EXTRA_CA_CERTS: file,
        DENO_CERT: file,
      });
      onTestFinished(() => void believing.stop());
      const options = { host: "localhost", port, tls: "required" };
      expect((await dial(believing, options)).tls).not.toBeNull();
      expect(await thrown(dial(running, options))).toMatchObject({ code: "tls-failed" });
      for (const at of [running, believing]) {
        const failed = await thrown(dial(at, { ...options, tlsOptions: { ca: impostor.cert } }));
        if (capabilities.ownAuthorities === true || at === running)
          expect(failed).toMatchObject({ code: "tls-failed" });
        else expect(failed).toBeNull();
      }
    },
  );

  proves("clientCertificate", "is shown to a server that demands one", async (running) => {
    const demanding = { ...certificate, ca: ca.cert, requestCert: true };
    for (const tls of ["offered", "implicit"] as const) {
      const peers: (string | null)[] = [];
      const { port } = await portOf({
        tls,
        tlsOptions: demanding,
        hello: (_, { client }) => void peers.push(client.tls?.peer ?? null),
      });
      const tlsOptions = { ...trusting.tlsOptions, ...ours };
      const attempt = dial(running, {
        ...trusting,
        port,
        tls: tls === "offered" ? "required" : tls,
        tlsOptions,
      });
      if (capabilities.clientCertificate !== true) {
        expect(await thrown(attempt)).toMatchObject({ name: "UsageError" });
        continue;
      }
      await attempt;
      expect(peers.at(-1)).toBe("relay.example.net");
    }
  });

  test("a client offers the versions that it was given, no others", async (running) => {
    const { port } = await portOf({ tlsOptions: { ...certificate, maxVersion: "TLSv1.2" } });
    const options = { ...trusting, port, tls: "required" };
    const tlsOptions = { ...trusting.tlsOptions, minVersion: "TLSv1.3" };
    expect(await thrown(dial(running, { ...options, tlsOptions }))).toMatchObject({ code: "tls-failed" });
    expect((await dial(running, options)).tls).not.toBeNull();
  });

  proves("cipherControl", "a client offers the ciphers that it was given, no others", async (running) => {
    const limit = { maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" } as const;
    const { port } = await portOf({ tlsOptions: { ...certificate, ...limit } });
    const options = { ...trusting, port, tls: "required" };
    const given = { ...trusting.tlsOptions, ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" };
    expect(await thrown(dial(running, { ...options, tlsOptions: given }))).toMatchObject(
      capabilities.cipherControl === true ? { code: "tls-failed" } : { name: "UsageError" },
    );
    expect((await dial(running, options)).tls).not.toBeNull();
  });

  proves("unixSocket", "a client sends over one", async (running) => {
    const path = join(await folder(), "smtp");
    const { messages } = await serving({}, path);
    const { client } = await dial(running, { path, tls: "never" });
    expect((await running.call("send", { client, size: 1000 })).statuses).toEqual(["accepted"]);
    expect(messages).toHaveLength(1);
    expect(await thrown(dial(running, { path: `${path}-not` }))).toMatchObject({ code: "unreachable" });
  });

  proves("unixSocketTls", "a client starts TLS on one", async (running) => {
    const path = join(await folder(), "smtp");
    await serving({ tlsOptions: certificate }, path);
    const { client, tls } = await dial(running, { ...trusting, path, tls: "required" });
    expect(tls).not.toBeNull();
    expect((await running.call("send", { client, size: 1000 })).statuses).toEqual(["accepted"]);
  });

  proves(
    "backPressure",
    "a server that does not read is not sent to, and content is not asked for",
    async (running) => {
      for (const tls of ["never", "required"] as const) {
        let go: () => void = () => {};
        const gone = new Promise<void>((resolve) => {
          go = resolve;
        });
        let size = 0;
        const { port } = await portOf({
          ...(tls === "never" ? {} : { tlsOptions: certificate }),
          limits: { message: 50_000_000 },
          async message({ body }) {
            await gone;
            for await (const octets of body) size += octets.length;
            return reply(250, "2.0.0", "Ok");
          },
        });
        const { client } = await dial(running, { ...trusting, port, tls });
        const sending = running.call("send", { client, size: 30_000_000 });
        let taken = -1;
        await running.until("progress", { client }, (now) => {
          const rests = now > 0 && now === taken;
          taken = now;
          return rests;
        });
        await pause(200);
        taken = await running.call("progress", { client });
        // What the kernel takes on both sides.
        expect(taken).toBeLessThan(20_000_000);
        go();
        expect((await sending).statuses).toEqual(["accepted"]);
        expect(size).toBe(30_000_000);
      }
    },
  );

  proves("abort", "the signal of `connect` ends it while the server says nothing", async (running) => {
    const { port, sockets } = await scripted(() => {});
    const signal = `connect ${runtime.name}`;
    const connecting = thrown(
      running.call("connect", { signal, options: { host: "127.0.0.1", port, tls: "never" } }),
    );
    await until(() => sockets.length === 1, "the connection");
    await running.call("abort", { signal });
    expect(await connecting).toMatchObject({ name: "AbortError" });
    await until(() => sockets[0]!.readableEnded || sockets[0]!.destroyed, "its end");
  });

  proves("connectAbort", "in the middle of the connection, and of the handshake", async (running) => {
    const before = running.descriptors() ?? 0;
    const full = await unanswering();
    const halfway = await scripted((socket) => {
      socket.resume();
    });
    for (const options of [
      { host: "127.0.0.1", port: full, tls: "never" },
      { ...trusting, port: halfway.port, tls: "implicit" },
    ]) {
      const signal = `give up ${options.port}`;
      const connecting = thrown(running.call("connect", { signal, options }));
      await pause(100);
      await running.call("abort", { signal });
      expect(await connecting).toMatchObject({ name: "AbortError" });
    }
    await until(() => (running.descriptors() ?? 0) <= before, "all to be closed");
  });

  proves("timeouts", "connecting takes no longer than it may", async (running) => {
    const port = await unanswering();
    const started = performance.now();
    const failed = await thrown(dial(running, { port, tls: "never", connectTimeout: 200 }));
    expect(failed).toMatchObject({ code: "unreachable" });
    expect(performance.now() - started).toBeLessThan(2_000);
  });

  proves("timeouts", "nor does a handshake, or a reply", async (running) => {
    const EHLO = "250-mx\r\n250 STARTTLS";
    const tls = await scripted((socket) => replying(socket, { EHLO, STARTTLS: "220 Go" }));
    const options = { ...trusting, port: tls.port, tls: "required", timers: { tls: 100 } };
    expect(await thrown(dial(running, options))).toMatchObject({ code: "timeout" });
    const silent = await scripted((socket) => replying(socket, { RCPT: "nothing" }));
    const { client } = await dial(running, { port: silent.port, timers: { rcpt: 100 } });
    const sent = await running.call("send", { client, size: 100 });
    expect(sent).toEqual({ statuses: ["notTried"], safeToRetry: true });
  });

  proves("abort", "the signal of `send` gives up a message that is on the way", async (running) => {
    const { port, sockets } = await scripted((socket) => {
      replying(socket, {});
      socket.on("data", (octets) => {
        if (String(octets).includes("DATA\r\n")) socket.pause();
      });
    });
    const { client } = await dial(running, { port });
    const signal = `send ${runtime.name}`;
    const sending = running.call("send", { client, size: 40_000_000, signal });
    await running.until("progress", { client }, (taken) => taken > 1_000_000);
    await running.call("abort", { signal });
    expect(await sending).toEqual({ statuses: ["notTried"], safeToRetry: true });
    sockets[0]!.resume();
    await until(() => sockets[0]!.destroyed, "the end of the connection");
  });

  test("a connection that is lost behind the content leaves the outcome unknown", async (running) => {
    const { port } = await scripted((socket) => replying(socket, { ".": "cut" }));
    const { client } = await dial(running, { port });
    const sent = await running.call("send", { client, size: 1000 });
    expect(sent).toEqual({ statuses: ["unknown"], safeToRetry: false });
  });

  proves(
    "halfClose",
    "a server that has ended its side behind the verdict has been heard",
    async (running) => {
      const { port } = await scripted((socket) => {
        replying(socket, {});
        socket.on("data", (octets) => {
          if (String(octets).endsWith("\r\n.\r\n")) socket.end();
        });
      });
      const { client } = await dial(running, { port });
      expect((await running.call("send", { client, size: 1000 })).statuses).toEqual(["accepted"]);
    },
  );
});

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "sansmtp-"));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

/** A port in front of another on which what the server says comes in pieces, one octet at a time at first. */
async function relay(port: number, count: number): Promise<number> {
  const server = createServer((client) => {
    const inner = connect(port, "127.0.0.1");
    client.pipe(inner);
    void (async () => {
      let left = count;
      for await (const octets of inner as AsyncIterable<Buffer>) {
        for (const octet of octets.subarray(0, left)) {
          client.write(Uint8Array.of(octet));
          await pause(2);
        }
        client.write(octets.subarray(left));
        left = Math.max(0, left - octets.length);
      }
      client.end();
    })().catch(() => client.destroy());
    client.on("error", () => inner.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return (server.address() as { port: number }).port;
}

/** A port that does not answer: its queue is full. Node could not have that, since it takes every connection. */
async function unanswering(): Promise<number> {
  const script = `
import socket, sys
server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(0)
client = socket.create_connection(server.getsockname())
print(server.getsockname()[1], flush=True)
sys.stdin.read()
`;
  const child = spawn("python3", ["-c", script], { stdio: ["pipe", "pipe", "inherit"] });
  onTestFinished(() => void child.stdin.end());
  const [port] = await once(child.stdout, "data");
  return Number(port);
}

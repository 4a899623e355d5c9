import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Address } from "@sansmtp/drive";
import { expect, onTestFinished } from "vitest";
import { certificates } from "../node/certificates.ts";
import { Client, pause } from "../node/client.ts";
import { ehlo, envelope } from "../node/serving.ts";
import { pieces, stuffed, sumOf } from "./content.ts";
import { serve, thrown } from "./serving.ts";
import { inEachRuntime } from "./suite.ts";

const { server: certificate } = await certificates();
// More than the kernel takes.
const large = sumOf(pieces(20_000_000));
const wire = stuffed(pieces(large.size));

inEachRuntime(({ proves, test }) => {
  proves("plain", "takes mail, in pieces and in groups, and knows the client", async (running) => {
    const serving = await serve(running);
    const client = await serving.dial();
    expect(await client.replies(1)).toBe("220");
    for (const octet of `${ehlo}\r\n`) {
      client.send(octet);
      await pause(1);
    }
    expect(await client.replies(1)).toBe("250");
    client.send(`${envelope.join("\r\n")}\r\n`);
    expect(await client.replies(3)).toBe("250 250 354");
    const message = "Subject: hello\r\n\r\n.It works\r\n";
    client.send(`${message.replace(/^\./gm, "..")}.\r\nQUIT\r\n`);
    expect(await client.replies(2)).toBe("250 221");
    await client.end();
    client.socket.end();
    expect(await client.closed).toBeNull();
    const { messages, closings, errors, hellos, connections } = await serving.until(
      (served) => served.closings.length === 1,
    );
    expect(messages).toEqual([sumOf([Buffer.from(message)])]);
    expect(closings).toEqual([{ reason: "quit", error: null }]);
    expect(hellos).toEqual([{ name: "client.example.net", remote: "127.0.0.1", tls: null }]);
    expect({ errors, connections }).toEqual({ errors: [], connections: 0 });
  });

  test("says where it listens, and with the system's code when a place is taken", async (running) => {
    const { address, port } = await serve(running);
    expect(address).toEqual({ host: "127.0.0.1", port: expect.any(Number) });
    expect(await thrown(serve(running, { place: { port } }))).toMatchObject({ code: "EADDRINUSE" });
    expect(await thrown(serve(running, { place: { path: "/no/such/folder/socket" } }))).not.toBeNull();
  });

  test("refuses options that cannot be", async (running) => {
    for (const options of [
      { name: "no name" },
      { tls: "offered" },
      { tls: "implicit", tlsOptions: { key: "x" } },
      { proxy: true },
      { maxConnections: 0 },
    ])
      expect(await thrown(serve(running, { options })), JSON.stringify(options)).toMatchObject({
        name: "UsageError",
      });
  });

  test("survives resets at any time", async (running) => {
    const serving = await serve(running);
    for (const lines of [[], [ehlo], [ehlo, ...envelope]]) {
      const client = await serving.dial();
      client.send(lines.map((line) => `${line}\r\n`).join(""));
      await client.replies(lines.length + 1);
      client.crash();
    }
    const { errors, closings } = await serving.until(({ connections }) => connections === 0);
    expect(errors).toEqual([]);
    expect(closings.map(({ reason }) => reason)).toEqual(["lost", "lost", "lost"]);
    expect(await (await serving.dial()).replies(1)).toBe("220");
  });

  proves("gracefulClose", "421 to the idle, and open transactions end", async (running) => {
    const serving = await serve(running);
    const [idle, busy] = [await serving.dial(), await serving.dial()];
    await idle.replies(1);
    await busy.replies(1);
    await busy.say(ehlo);
    await busy.say(...envelope);
    let closed = false;
    const closing = serving.close().then(() => {
      closed = true;
    });
    expect(await idle.hear(/421/)).toMatch(/421 4\.3\.2/);
    idle.socket.end();
    await idle.closed;
    expect(await refusal(serving.address)).toBe("ECONNREFUSED");
    expect(closed).toBe(false);
    busy.send("Hello\r\n.\r\n");
    expect(await busy.replies(2)).toBe("250 421");
    busy.socket.end();
    await closing;
    const { messages, connections, address } = await serving.served();
    expect(messages).toHaveLength(1);
    expect({ connections, address }).toEqual({ connections: 0, address: null });
  });

  proves(
    "gracefulClose",
    "421 to the rest when time is up, and who does not go is dropped",
    async (running) => {
      const serving = await serve(running);
      const busy = await serving.dial();
      await busy.replies(1);
      await busy.say(ehlo);
      await busy.say(...envelope);
      busy.send("Hello\r\n");
      const started = performance.now();
      const long = serving.close(60_000);
      await serving.close(100);
      await long;
      expect(performance.now() - started).toBeLessThan(4_000);
      expect(busy.heard).toMatch(/421 4\.3\.2 [^\n]*\n$/);
      expect(busy.ended).toBe(true);
      expect(await serving.served()).toMatchObject({ messages: [], errors: [] });
    },
  );

  proves("gracefulClose", "the last reply arrives although the client goes on sending", async (running) => {
    const serving = await serve(running, { options: { limits: { errors: 3 } } });
    const client = await serving.dial();
    client.socket.pause();
    client.send(`${ehlo}\r\n`);
    // Far more than the kernel takes, and than the server reads: most of it comes after the 421.
    for (let time = 0; time < 200; time++) client.send("WRONG\r\n".repeat(10_000));
    const { closings } = await serving.until((served) => served.closings.length === 1);
    await pause(100);
    client.socket.resume();
    await client.hear(/421 4\.7\.0 [^\n]*\n$/);
    expect(closings[0]!.reason).toBe("abuse");
    await client.end();
  });

  proves("gracefulClose", "who stays after the last reply is dropped after a short time", async (running) => {
    const serving = await serve(running);
    const client = await serving.dial();
    await client.replies(1);
    expect(await client.say("QUIT")).toBe("221");
    await client.end();
    const started = performance.now();
    const closed = serving.close();
    const writing = setInterval(() => client.send("NOOP\r\n"), 50);
    await closed;
    clearInterval(writing);
    expect(performance.now() - started).toBeGreaterThan(1_000);
    expect(performance.now() - started).toBeLessThan(4_000);
  });

  proves("abort", "the signal of `listen` closes the server", async (running) => {
    const signal = "listen";
    const serving = await serve(running, { signal });
    const client = await serving.dial();
    await client.replies(1);
    await running.call("abort", { signal });
    expect(await client.hear(/421/)).toMatch(/421 4\.3\.2/);
    client.socket.end();
    await serving.close();
    expect(await refusal(serving.address)).toBe("ECONNREFUSED");
    // Aborted before: it does not even listen.
    expect(await thrown(serve(running, { signal }))).toMatchObject({ name: "AbortError" });
  });

  proves("timeouts", "who says nothing is told 421", async (running) => {
    const serving = await serve(running, { options: { timers: { command: 100 } } });
    const client = await serving.dial();
    await client.replies(1);
    await client.say(ehlo);
    client.send("MAIL FR");
    expect(await client.hear(/421/)).toMatch(/421 4\.4\.2 /);
    await client.end();
    expect((await serving.served()).closings).toEqual([{ reason: "timeout", error: null }]);
  });

  proves("unixSocket", "takes mail, from nobody with an address, and leaves no file", async (running) => {
    const path = join(await folder(), "smtp");
    const serving = await serve(running, { place: { path } });
    expect(serving.address).toEqual({ path });
    const client = await serving.dial();
    await client.replies(1);
    await client.say(ehlo);
    expect(await client.say(...envelope)).toBe("250 250 354");
    expect(await client.say("Hello\r\n.", "QUIT")).toBe("250 221");
    client.socket.end();
    await serving.close();
    const { messages, hellos } = await serving.served();
    expect(messages).toHaveLength(1);
    expect(hellos[0]!.remote).toBeNull();
    expect(existsSync(path)).toBe(false);
  });

  proves(
    "sharedPort",
    "two servers take what comes to one port, or the option is refused",
    async (running) => {
      const shared = (port: number) => serve(running, { place: { port, reusePort: true } });
      if (running.runtime.capabilities.sharedPort !== true) {
        expect(await thrown(shared(0))).toMatchObject({ name: "UsageError" });
        return;
      }
      const first = await shared(0);
      const second = await shared(first.port);
      expect(second.address).toEqual(first.address);
      // By chance all of them would come to one of the two: once in 2 to the 39th.
      for (let time = 0; time < 40; time++) {
        const client = await first.dial();
        client.send("QUIT\r\n");
        expect(await client.replies(2)).toBe("220 221");
      }
      const closings = async () =>
        (await Promise.all([first, second].map((each) => each.served()))).map(
          (served) => served.closings.length,
        );
      const [one, other] = await closings();
      expect(one! * other!).toBeGreaterThan(0);
      expect(await thrown(serve(running, { place: { port: first.port } }))).toMatchObject({
        code: "EADDRINUSE",
      });
      expect(await thrown(serve(running, { place: { path: "/no/such", reusePort: true } }))).toMatchObject({
        name: "UsageError",
      });
    },
  );

  proves("halfClose", "a client that has ended its side has its replies", async (running) => {
    const serving = await serve(running, { thinks: 20 });
    const client = await serving.dial();
    client.socket.end(`${ehlo}\r\nMAIL FROM:<>\r\nNOOP\r\n`);
    await client.end();
    expect(client.heard.match(/^\d{3}(?= )/gm)?.join(" ")).toBe("220 250 250 250");
  });

  proves("backPressure", "a client that does not read is not read from", async (running) => {
    // A Unix socket, since that holds little: on a network the kernel takes many megabytes.
    const place = { path: join(await folder(), "smtp") };
    const serving = await serve(running, { place, options: { limits: { idleCommands: 1e9 } } });
    const client = await serving.dial();
    await client.replies(1);
    await client.say(ehlo);
    client.socket.pause();
    const flood = "RSET\r\n".repeat(10_000);
    let said = 0;
    // Until the server has stopped reading for a while, with plenty unsent here.
    for (let before = -1, now = 0; before !== now || client.socket.writableLength < 1_000_000; ) {
      before = now;
      for (let time = 0; time < 20; time++, said += 10_000) client.send(flood);
      await pause(150);
      now = (await serving.served()).received;
    }
    const { sent } = await serving.served();
    // What the kernel holds, and little more.
    expect(sent).toBeLessThan(2_000_000);
    await pause(100);
    expect((await serving.served()).sent).toBe(sent);
    client.socket.resume();
    const end = said * "250 2.0.0 OK\r\n".length;
    await serving.until((served) => served.sent >= end, 20_000);
    while (client.heard.length < end) await pause(20);
  });

  proves(
    "backPressure",
    "a handler that does not take holds the client back, with TLS, too",
    async (running) => {
      for (const tls of ["none", "implicit"] as const) {
        const options = { tls, ...(tls === "none" ? {} : { tlsOptions: certificate }) };
        const serving = await serve(running, { takes: "later", options });
        const client = await serving.dial();
        if (tls === "implicit") await client.startTls();
        await client.replies(1);
        await client.say(ehlo);
        await client.say(...envelope);
        client.send(wire);
        await pause(300);
        expect((await serving.served()).received).toBeLessThan(1_000_000);
        expect(client.socket.writableLength).toBeGreaterThan(1_000_000);
        await running.call("take", { server: serving.server });
        expect(await client.replies(1)).toBe("250");
        expect((await serving.served()).messages).toEqual([large]);
      }
    },
  );
});

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "sansmtp-"));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

/** The code with which nobody is let in any more; a system may take a moment to close a port that it was told to. */
async function refusal(address: Address): Promise<unknown> {
  for (let time = 0; time < 50; time++) {
    const client = await Client.connect(address).catch((error: { code?: unknown }) => error);
    if (!(client instanceof Client)) return client.code;
    client.raw.destroy();
    await pause(10);
  }
  return "none";
}

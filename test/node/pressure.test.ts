import { reply } from "@sansmtp/node";
import { describe, expect, it } from "vitest";
import { certificates } from "./certificates.ts";
import { Client, pause, until } from "./client.ts";
import { ehlo, envelope, serving } from "./serving.ts";

const { server: tlsOptions } = await certificates();
const flood = "RSET\r\n".repeat(10_000);

describe("the last reply", () => {
  it("S-SES-09 arrives although the client goes on sending", async () => {
    for (const tls of ["none", "implicit"] as const) {
      const running = await serving({ tls, tlsOptions, limits: { errors: 3 } });
      const client = await running.dial();
      if (tls === "implicit") await client.startTls();
      client.socket.pause();
      client.send(`${ehlo}\r\n`);
      // Far more than the kernel takes, and than the server reads: most of it comes after the 421.
      for (let time = 0; time < 200; time++) client.send("WRONG\r\n".repeat(10_000));
      await until(() => running.closings.length === 1, "the end");
      await pause(100);
      client.socket.resume();
      await client.hear(/421 4\.7\.0 [^\n]*\n$/);
      expect(running.closings[0]!.reason).toBe("abuse");
      await client.end();
    }
  });

  it("S-QUIT-01 S-SES-14 221 arrives, and what comes behind QUIT is not heard", async () => {
    const running = await serving();
    const client = await running.dial();
    await client.replies(1);
    client.send(`QUIT\r\n${flood}`);
    await client.end();
    expect(client.heard).toMatch(/\r\n221 [^\n]*\n$/);
  });

  it("is waited for a short time only: who does not go is dropped", async () => {
    const running = await serving();
    const client = await running.dial();
    await client.replies(1);
    expect(await client.say("QUIT")).toBe("221");
    // The client has seen the end of the server's side, and stays.
    const started = performance.now();
    const closed = running.server.close();
    const writing = setInterval(() => client.send("NOOP\r\n"), 50);
    await closed;
    clearInterval(writing);
    expect(performance.now() - started).toBeGreaterThan(1_000);
    expect(performance.now() - started).toBeLessThan(4_000);
  });
});

describe("a client that does not read", () => {
  it("SEC-DOS-01 is not read from, so that nothing piles up, and gets everything when it does", async () => {
    for (const tls of ["none", "implicit"] as const) {
      let sent = 0;
      let received = 0;
      const running = await serving({
        tls,
        tlsOptions,
        limits: { idleCommands: 1e9 },
        observe: {
          send: (octets) => {
            sent += octets.length;
          },
          receive: (octets) => {
            received += octets.length;
          },
        },
      });
      const client = await running.dial();
      if (tls === "implicit") await client.startTls();
      await client.replies(1);
      await client.say(ehlo);
      client.socket.pause();
      sent = 0;
      let said = 0;
      // Until the server has stopped reading for a while, with plenty unsent here.
      for (let before = -1; before !== received || client.socket.writableLength < 1_000_000; ) {
        before = received;
        for (let time = 0; time < 30; time++, said += 10_000) client.send(flood);
        await pause(200);
      }
      // What the kernel holds, and little more.
      expect(sent).toBeLessThan(20_000_000);
      const pending = sent;
      await pause(100);
      expect(sent).toBe(pending);
      client.socket.resume();
      const reply = "250 2.0.0 OK\r\n".length;
      await until(() => sent === said * reply, "all to be answered", 15_000);
      await until(() => client.heard.length >= said * reply, "all to be heard", 15_000);
    }
  });
});

describe("an application that does not read", () => {
  it("SEC-DOS-01 holds the client back, and has the whole message when it does", async () => {
    for (const tls of ["none", "implicit"] as const) {
      let received = 0;
      let size = 0;
      let go: () => void = () => {};
      const gone = new Promise<void>((resolve) => {
        go = resolve;
      });
      const running = await serving({
        tls,
        tlsOptions,
        limits: { message: 100_000_000 },
        observe: {
          receive: (octets) => {
            received += octets.length;
          },
        },
        async message({ body }) {
          await gone;
          for await (const octets of body) size += octets.length;
          return reply(250, "2.0.0", "OK");
        },
      });
      const client = await running.dial();
      if (tls === "implicit") await client.startTls();
      await client.replies(1);
      await client.say(ehlo);
      await client.say(...envelope);
      const block = `${"x".repeat(998)}\r\n`.repeat(1000);
      for (let time = 0; time < 50; time++) client.send(block);
      client.send(".\r\n");
      await pause(300);
      expect(received).toBeLessThan(1_000_000);
      expect(client.socket.writableLength).toBeGreaterThan(10_000_000);
      go();
      expect(await client.replies(1)).toBe("250");
      expect(size).toBe(50_000_000);
    }
  });

  it("learns that the client is gone, and its reply is dropped", async () => {
    let aborted: unknown = null;
    const running = await serving({
      async message({ body, signal }) {
        for await (const _ of body);
        await new Promise((resolve) => signal.addEventListener("abort", resolve));
        aborted = signal.reason;
        return reply(250, "2.0.0", "OK");
      },
    });
    const client = await Client.connect(running.address);
    await client.replies(1);
    await client.say(ehlo);
    await client.say(...envelope);
    client.send("Hello\r\n.\r\n");
    await pause(20);
    client.crash();
    await until(() => aborted !== null, "the signal");
    expect(aborted).toMatchObject({ name: "MessageAborted", cause: "lost" });
    expect(running.errors).toEqual([]);
  });
});

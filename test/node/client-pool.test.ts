import { createPool, type Pool } from "@sansmtp/node";
import { describe, expect, it, onTestFinished } from "vitest";
import { message, replying, scripted } from "./scripted.ts";
import { serving } from "./serving.ts";

const line = `${"x".repeat(76)}\r\n`;

describe("a pool", () => {
  function pool(port: number, options: object = {}): Pool {
    const made = createPool({ host: "127.0.0.1", port, name: "client.example.net", ...options });
    onTestFinished(() => made.close());
    return made;
  }

  it("uses connections again, and no more than it may", async () => {
    const { address, messages } = await serving();
    const { port } = address as { port: number };
    const some = pool(port, { maxConnections: 3 });
    const sent = await Promise.all(Array.from({ length: 30 }, () => some.send(message)));
    expect(sent.every(({ accepted }) => accepted.length === 1)).toBe(true);
    expect(some.connections).toBe(3);
    expect(messages).toHaveLength(30);
    await some.close();
    expect(some.connections).toBe(0);
    await expect(some.send(message)).rejects.toThrow("closed");
  });

  it("takes another connection when the server takes no more messages on one (RFC 9422 MAILMAX)", async () => {
    const server = await scripted((socket) => replying(socket, { EHLO: "250-mx\r\n250 LIMITS MAILMAX=2" }));
    const one = pool(server.port, { maxConnections: 1 });
    const sent = await Promise.all(Array.from({ length: 5 }, () => one.send(message)));
    expect(sent.flatMap(({ accepted }) => accepted)).toHaveLength(5);
    expect(server.sockets).toHaveLength(3);
  });

  it("C-TXN-10 splits recipients over connections when both limits say so", async () => {
    const server = await scripted((socket) =>
      replying(socket, { EHLO: "250-mx\r\n250 LIMITS MAILMAX=1 RCPTMAX=2" }),
    );
    const one = pool(server.port, { maxConnections: 1 });
    const to = ["r1", "r2", "r3", "r4"].map((name) => `${name}@example.com`);
    expect((await one.send({ ...message, to })).accepted).toEqual(to);
    expect(server.sockets).toHaveLength(2);
    expect((await one.send({ ...message, to: [...to, ...to.slice(1)] })).notTried).toHaveLength(3);
  });

  it("as many messages on a connection as it may", async () => {
    const server = await scripted((socket) => replying(socket, {}));
    const one = pool(server.port, { maxConnections: 1, maxMessages: 2 });
    for (let number = 0; number < 5; number++) await one.send(message);
    expect(server.sockets).toHaveLength(3);
  });

  it("quits a connection that nobody uses", async () => {
    const server = await scripted((socket) => replying(socket, {}));
    const one = pool(server.port, { idleTimeout: 30 });
    await one.send(message);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(server.heard()).toMatch(/QUIT\r\n$/);
    expect(one.connections).toBe(0);
  });

  it("tries again on a fresh connection what a stale one has not begun", async () => {
    const server = await scripted((socket) => replying(socket, {}));
    const one = pool(server.port, { maxConnections: 1 });
    await one.send(message);
    server.sockets[0]?.destroy();
    expect((await one.send(message)).accepted).toHaveLength(1);
    expect(server.sockets).toHaveLength(2);
  });

  it.each([
    ["421 to MAIL", { MAIL: "421 4.3.2 Later" }],
    ["a cut at RCPT", { RCPT: "cut" }],
    ["a cut at DATA", { DATA: "cut" }],
  ])("tries again after %s, once", async (_, replies) => {
    const server = await scripted((socket, number) => replying(socket, number === 1 ? replies : {}));
    expect((await pool(server.port).send(message)).accepted).toHaveLength(1);
    expect(server.sockets).toHaveLength(2);
    const bad = await scripted((socket) => replying(socket, replies));
    expect((await pool(bad.port).send(message)).notTried).toHaveLength(1);
    expect(bad.sockets).toHaveLength(2);
  });

  it.each([
    ["L-TIME-18 unknown", { ".": "cut" }, "unknown"],
    ["C-TXN-11 refused", { ".": "554 5.7.1 No" }, "refused"],
    ["deferred", { MAIL: "451 4.3.0 Later" }, "deferred"],
  ])("never tries again what is %s", async (_, replies, status) => {
    const server = await scripted((socket) => replying(socket, replies));
    expect((await pool(server.port).send(message)).outcomes).toMatchObject([{ status }]);
    expect(server.sockets).toHaveLength(1);
  });

  it("never tries again what was accepted, when another recipient was not tried", async () => {
    let messages = 0;
    const server = await scripted((socket, number) => {
      replying(socket, { EHLO: "250-mx\r\n250 LIMITS RCPTMAX=1", ".": "250 Ok" });
      socket.on("data", (octets) => {
        if (octets.includes("RCPT TO:<r2@") && number === 1) socket.destroy();
        if (octets.includes("It works.")) messages++;
      });
    });
    const sent = await pool(server.port).send({ ...message, to: ["r1@example.com", "r2@example.com"] });
    expect(sent.accepted).toHaveLength(2);
    expect(messages).toBe(2);
  });

  it("does not read a stream twice", async () => {
    const server = await scripted((socket) => {
      replying(socket, {});
      socket.on("data", (octets) => void (octets.includes("xxx") && socket.destroy()));
    });
    async function* stream(): AsyncGenerator<string> {
      for (let number = 0; number < 100_000; number++) yield line;
    }
    expect((await pool(server.port).send({ ...message, body: stream() })).notTried).toHaveLength(1);
    expect(server.sockets).toHaveLength(1);
    await pool(server.port).send({ ...message, body: stream });
    expect(server.sockets).toHaveLength(3);
  });

  it("reports a server that cannot be reached for each recipient, and lets go of the stream", async () => {
    const sent = await pool(1).send(message);
    expect(sent.outcomes).toMatchObject([{ status: "notTried", reason: { code: "unreachable" } }]);
  });

  it("a message that waits for a connection can be given up", async () => {
    const server = await scripted((socket) => replying(socket, { ".": "nothing" }));
    const one = pool(server.port, { maxConnections: 1 });
    void one.send(message);
    const controller = new AbortController();
    const waiting = one.send({ ...message, signal: controller.signal });
    setTimeout(() => controller.abort(), 30);
    expect((await waiting).outcomes).toMatchObject([{ reason: { code: "abandoned" } }]);
    for (const socket of server.sockets) socket.destroy();
  });

  it("drains when it is closed", async () => {
    const { address, messages } = await serving();
    const { port } = address as { port: number };
    const one = pool(port, { maxConnections: 1 });
    const sending = Array.from({ length: 5 }, () => one.send(message));
    await one.close();
    expect((await Promise.all(sending)).flatMap(({ accepted }) => accepted)).toHaveLength(5);
    expect(messages).toHaveLength(5);
  });
});

import { reply } from "@sansmtp/node";
import { describe, expect, it } from "vitest";
import { dialled, message, replying, scripted } from "./scripted.ts";
import { serving } from "./serving.ts";

const line = `${"x".repeat(76)}\r\n`;

describe("messages", () => {
  it("20 MB of a stream in bounded memory, to a server that is slow", async () => {
    let size = 0;
    let ahead = 0;
    let made = 0;
    const { address } = await serving({
      async message({ body }) {
        for await (const octets of body) {
          size += octets.length;
          ahead = Math.max(ahead, made - size);
          if (size % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        }
        return reply(250, "2.0.0", "Queued");
      },
    });
    const client = await dialled({ port: (address as { port: number }).port });
    const piece = Buffer.from(line.repeat(500));
    async function* long(): AsyncGenerator<Uint8Array> {
      for (; made < 20 * 1024 * 1024; made += piece.length) yield piece;
    }
    const sent = await client.send({ ...message, body: long() });
    expect(sent.outcomes).toMatchObject([{ status: "accepted" }]);
    expect(size).toBe(made);
    // What the kernel holds of both sides is the most of it.
    expect(ahead).toBeLessThan(10 * 1024 * 1024);
  });

  it.each(["prefer", "avoid"] as const)("arrive as they were, chunking: %s", async (chunking) => {
    const { address, messages } = await serving();
    const client = await dialled({ port: (address as { port: number }).port, chunking });
    const body = `Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n${line.repeat(10_000)}`;
    expect((await client.send({ ...message, body })).accepted).toHaveLength(1);
    expect(messages).toEqual([body]);
  });

  it("C-TXN-05 one refused recipient does not stop the others", async () => {
    const { address, messages } = await serving({
      rcpt: ({ to }) => (to.local === "nobody" ? reply(550, "5.1.1", "No such mailbox") : undefined),
    });
    const client = await dialled({ port: (address as { port: number }).port });
    const sent = await client.send({ ...message, to: ["nobody@example.com", "b@example.com"] });
    expect(sent).toMatchObject({ refused: ["nobody@example.com"], accepted: ["b@example.com"] });
    expect(sent.outcomes[0]).toMatchObject({ reply: { code: 550, enhanced: "5.1.1" } });
    expect(messages).toHaveLength(1);
  });

  it("C-SES-10 many over one connection, in the order in which they were asked for", async () => {
    const { address, messages } = await serving();
    const client = await dialled({ port: (address as { port: number }).port });
    const bodies = Array.from({ length: 20 }, (_, number) => `Subject: ${number}\r\n`);
    await Promise.all(bodies.map((body) => client.send({ ...message, body })));
    await client.quit();
    expect(messages).toEqual(bodies);
  });

  it("C-SES-07 cut in the content: not tried; behind the last dot: unknown", async () => {
    const early = await scripted((socket) => {
      replying(socket, {});
      socket.on("data", (octets) => {
        if (octets.includes("xxx")) socket.resetAndDestroy();
      });
    });
    const first = await dialled({ port: early.port });
    const stream = (async function* () {
      for (let number = 0; number < 100_000; number++) yield line;
    })();
    expect(await first.send({ ...message, body: stream })).toMatchObject({
      outcomes: [{ status: "notTried" }],
      safeToRetry: true,
    });

    const late = await scripted((socket) => replying(socket, { ".": "cut" }));
    const second = await dialled({ port: late.port });
    expect(await second.send(message)).toMatchObject({
      outcomes: [{ status: "unknown", phase: "verdict", reply: null }],
      safeToRetry: false,
    });
  });
});

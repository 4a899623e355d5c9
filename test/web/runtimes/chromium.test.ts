import { connect as connectNet } from "node:net";
import { createServer, reply } from "@sansmtp/node";
import { connect, webSocketStreams } from "@sansmtp/web";
import { afterAll, describe, expect, it, type TestContext } from "vitest";
import { createWebSocketStream, type WebSocket } from "ws";
import { requireTools } from "../../clients/tool.ts";
import { text } from "../streams.ts";
import { chromium, visit } from "./chromium.ts";
import { large } from "./errand.ts";

/** What our server was given over the bridge. */
const messages: string[] = [];
const server = createServer({
  name: "mx.example.com",
  limits: { message: 20_000_000 },
  rcpt: () => undefined,
  async message({ body }) {
    messages.push(await text(body));
    return reply(250, "2.0.0", "Queued");
  },
});
afterAll(() => server.close({ within: 0 }));

/** What became of the message that was sent to the page. */
let delivered: readonly string[] = [];

async function report(): Promise<Readonly<Record<string, unknown>>> {
  const { port } = (await server.listen({ port: 0 })) as { port: number };
  return visit({
    "/smtp": (socket: WebSocket) => {
      const stream = createWebSocketStream(socket);
      const tcp = connectNet(port, "127.0.0.1");
      for (const end of [stream, tcp]) end.on("error", () => {});
      stream.pipe(tcp).pipe(stream);
    },
    "/serve": async (socket: WebSocket) => {
      const streams = webSocketStreams(socket);
      const client = await connect({ streams, name: "client.example.net" });
      const sent = await client.send({ from: "a@example.net", to: "b@example.com", body: large(1_000_000) });
      delivered = sent.outcomes.map(({ status }) => status);
      await client.quit();
    },
  });
}

let visited: ReturnType<typeof report> | null = null;

/** The page is visited once, by the first test. */
function deed(name: string, { skip }: TestContext): Promise<unknown> {
  requireTools([chromium], skip);
  visited ??= report();
  return visited.then((deeds) => deeds[name]);
}

describe("a page in Chromium", () => {
  it("is a client and a server to itself over two TransformStreams", async (context) => {
    expect(await deed("server and client in the page", context)).toEqual({
      outcomes: ["accepted", "accepted"],
      reason: "quit",
      kept: [true, true],
    });
  });

  it.for(["WebSocket", "WebSocketStream"])(
    "is a client of a server over a %s and a bridge",
    async (way, context) => {
      expect(await deed(`client over a ${way}`, context)).toEqual({ outcomes: ["accepted", "accepted"] });
      const sent = [large(1_000), large(8_000_000)];
      expect(messages.map((message, at) => message === sent[at % 2])).toEqual([true, true, true, true]);
    },
  );

  it("is a server over a WebSocket", async (context) => {
    expect(await deed("server over a WebSocket", context)).toEqual({ reason: "quit", kept: [true] });
    expect(delivered).toEqual(["accepted"]);
  });

  it("has the SIMD scanner, compiled on its main thread", async (context) => {
    expect(await deed("the scanner", context)).toBe("SIMD");
  });

  it("is told when nobody answers", async (context) => {
    expect(await deed("a WebSocket that nobody answers", context)).toEqual({
      error: true,
      cause: "Error: the WebSocket failed",
    });
  });
});

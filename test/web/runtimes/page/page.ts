import { simd } from "@sansmtp/core/simd";
import {
  type Client,
  ConnectError,
  connect,
  reply,
  type Sent,
  type Streams,
  serveStreams,
  webSocketStreams,
} from "@sansmtp/web";
import { large } from "../errand.ts";

/** The streams of a WebSocket: not in the types yet. */
declare class WebSocketStream {
  constructor(url: string);
  readonly opened: Promise<{ readonly readable: ReadableStream; readonly writable: WritableStream }>;
}

const name = "page.example.net";

/** Each thing that the page does by itself, and what came of it. */
const deeds: Readonly<Record<string, () => Promise<unknown>>> = {
  async "server and client in the page"() {
    const up = new TransformStream<Uint8Array, Uint8Array>();
    const down = new TransformStream<Uint8Array, Uint8Array>();
    const messages: string[] = [];
    const connection = receive({ readable: up.readable, writable: down.writable }, messages);
    const client = await connect({ streams: { readable: down.readable, writable: up.writable }, name });
    const outcomes = await sendTwo(client);
    const { reason } = await connection.closed;
    return { outcomes, reason, kept: messages.map((message, at) => message === large(sizes[at]!)) };
  },

  async "client over a WebSocket"() {
    const socket = new WebSocket(address("/smtp"));
    return { outcomes: await sendTwo(await connect({ streams: webSocketStreams(socket), name })) };
  },

  async "client over a WebSocketStream"() {
    const streams = await new WebSocketStream(address("/smtp")).opened;
    return { outcomes: await sendTwo(await connect({ streams, name })) };
  },

  async "server over a WebSocket"() {
    const messages: string[] = [];
    const socket = new WebSocket(address("/serve"));
    const { reason } = await receive(webSocketStreams(socket), messages).closed;
    return { reason, kept: messages.map((message) => message === large(1_000_000)) };
  },

  async "the scanner"() {
    return simd() === null ? "plain" : "SIMD";
  },

  async "a WebSocket that nobody answers"() {
    const socket = new WebSocket(address("/nobody"));
    const error = await connect({ streams: webSocketStreams(socket), name }).catch((thrown) => thrown);
    return { error: error instanceof ConnectError, cause: String(error.cause) };
  },
};

const sizes = [1_000, 8_000_000];

async function sendTwo(client: Client): Promise<string[]> {
  const outcomes: string[] = [];
  for (const size of sizes) {
    const sent: Sent = await client.send({ from: "a@example.net", to: "b@example.com", body: large(size) });
    outcomes.push(sent.outcomes.map(({ status }) => status).join(" "));
  }
  await client.quit();
  return outcomes;
}

function receive(streams: Streams, messages: string[]): ReturnType<typeof serveStreams> {
  return serveStreams(streams, {
    name: "page.example.com",
    scanner: simd(),
    limits: { message: 20_000_000 },
    rcpt: () => undefined,
    async message({ body }) {
      const pieces: BlobPart[] = [];
      for await (const octets of body) pieces.push(octets.slice());
      messages.push(await new Blob(pieces).text());
      return reply(250, "2.0.0", "Queued");
    },
  });
}

function address(path: string): string {
  return `ws://${location.host}${path}`;
}

const report: Record<string, unknown> = {};
for (const [deed, act] of Object.entries(deeds)) {
  report[deed] = await act().catch((error: unknown) => String(error));
}
await fetch("/report", { method: "POST", body: JSON.stringify(report) });

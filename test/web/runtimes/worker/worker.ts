import { connect as dial } from "cloudflare:sockets";
import { simd } from "@sansmtp/core/simd";
import {
  ConnectError,
  type ConnectOptions,
  connect,
  reply,
  type Streams,
  serveStreams,
  webSocketStreams,
} from "@sansmtp/web";
import { type Errand, large, type Report } from "../errand.ts";

export default {
  async fetch(request: Request): Promise<Response> {
    const errand: Errand = await request.json();
    return Response.json(await run(errand).catch(reportOf));
  },
};

async function run({ options, over, size, messages }: Errand): Promise<Report> {
  if (over === "nothing") return { scanner: simd() === null ? "plain" : "SIMD" };
  const { host, port, ...rest } = options;
  const kept: boolean[] = [];
  const client = await connect({ ...rest, ...wayOf({ host, port }, over, size, kept) });
  const tls = client.tls !== null;
  const outcomes: string[] = [];
  for (let number = 0; number < messages; number++) {
    const sent = await client.send({ from: "a@example.net", to: "b@example.com", body: large(size) });
    outcomes.push(sent.outcomes.map(({ status }) => status).join(" "));
  }
  await client.quit();
  const { failure } = await client.closed;
  return { outcomes, tls, failure: failure?.code ?? null, ...(kept.length > 0 && { kept }) };
}

type Way = Pick<ConnectOptions, "connect" | "socket" | "streams" | "host" | "port">;

function wayOf(
  { host, port }: Way,
  over: Exclude<Errand["over"], "nothing">,
  size: number,
  kept: boolean[],
): Way {
  switch (over) {
    case "connect":
      return { connect: dial, host, port };
    case "TransformStreams": {
      const up = new TransformStream<Uint8Array, Uint8Array>();
      const down = new TransformStream<Uint8Array, Uint8Array>();
      receive({ readable: up.readable, writable: down.writable }, size, kept);
      return { streams: { readable: down.readable, writable: up.writable } };
    }
    case "WebSockets": {
      const { 0: mine, 1: theirs } = new WebSocketPair();
      mine.accept();
      theirs.accept();
      receive(webSocketStreams(theirs), size, kept);
      return { streams: webSocketStreams(mine) };
    }
    default: {
      const address = { hostname: host ?? "localhost", port: port ?? 25 };
      return { socket: dial(address, { secureTransport: over, allowHalfOpen: true }) };
    }
  }
}

/** A server in the worker itself. */
function receive(streams: Streams, size: number, kept: boolean[]): void {
  serveStreams(streams, {
    name: "worker.example.com",
    scanner: simd(),
    limits: { message: 20_000_000 },
    rcpt: () => undefined,
    async message({ body }) {
      const pieces: Uint8Array[] = [];
      for await (const octets of body) pieces.push(octets.slice());
      kept.push((await new Blob(pieces).text()) === large(size));
      return reply(250, "2.0.0", "Queued");
    },
  });
}

function reportOf(error: unknown): Report {
  if (error instanceof ConnectError) return { code: error.code, error: error.message };
  return { error: String(error) };
}

// The part of the suite that runs inside a runtime: it does as it is told, with the adapter of that runtime.
import { createInterface } from "node:readline";
import type { Client, Pool, RuntimeCapabilities, Server } from "@sansmtp/drive";
import type { Calls, Connect, Failure, Request, Serve } from "../calls.ts";
import { run } from "./errands.ts";
import { measure } from "./measuring.ts";
import { Sending } from "./sending.ts";
import { Serving } from "./serving.ts";

/** What every adapter has. Its types check its options elsewhere. */
export interface Adapter {
  readonly capabilities: RuntimeCapabilities;
  createServer(options: object): Server;
  connect(options: object): Promise<Client>;
  createPool(options: object): Pool;
}

/** Reads calls from the standard input until that ends, and prints what came of them. */
export function obey(adapter: Adapter): void {
  const starter = new Starter(adapter);
  const lines = createInterface({ input: process.stdin });
  lines.on("line", async (line) => {
    const { id, call, given } = JSON.parse(line) as Request;
    try {
      const result = await starter.calls[call](given as never);
      console.log(JSON.stringify({ id, result }));
    } catch (error) {
      console.log(JSON.stringify({ id, error: failureOf(error) }));
    }
  });
  lines.on("close", () => process.exit());
}

class Starter {
  readonly calls: { readonly [Name in keyof Calls]: (given: Calls[Name]["given"]) => Result<Name> };
  readonly #adapter: Adapter;
  readonly #servers: Serving[] = [];
  readonly #clients: Sending[] = [];
  readonly #controllers: Map<string, AbortController> = new Map();

  constructor(adapter: Adapter) {
    this.#adapter = adapter;
    this.calls = {
      capabilities: () => adapter.capabilities,
      serve: (given) => this.#serve(given),
      served: ({ server }) => this.#servers[server]!.served(),
      take: ({ server }) => this.#servers[server]!.take(),
      close: ({ server, within }) => this.#servers[server]!.close(within),
      connect: (given) => this.#connect(given),
      send: ({ signal, ...given }) => this.#clients[given.client]!.send(given, this.#signal(signal)),
      progress: ({ client }) => this.#clients[client]!.taken,
      quit: ({ client }) => this.#clients[client]!.quit(),
      crowd: (given) => this.#crowd(given),
      pool: (given) => this.#pool(given),
      abort: ({ signal }) => {
        this.#controllers.get(signal)!.abort();
        return null;
      },
      drain: ({ server }) => this.#servers[server]!.drain(),
      errands: ({ errands, atOnce }) => run(adapter, errands, atOnce),
      measure,
    };
  }

  async #serve(given: Serve): Promise<Calls["serve"]["result"]> {
    const serving = new Serving(this.#adapter, given);
    const address = await serving.server.listen({
      ...(given.place ?? { port: 0 }),
      ...this.#signal(given.signal),
    });
    return { server: this.#servers.push(serving) - 1, address };
  }

  async #connect({ options, signal }: Connect): Promise<Calls["connect"]["result"]> {
    const all = { name: "client.example.net", ...options, ...this.#signal(signal) };
    const client = await this.#adapter.connect(all);
    return { client: this.#clients.push(new Sending(client)) - 1, tls: client.tls };
  }

  async #crowd({ options, size, count }: Calls["crowd"]["given"]): Promise<number> {
    const connected = await Promise.all(Array.from({ length: count }, () => this.#connect({ options })));
    const clients = connected.map(({ client }) => this.#clients[client]!);
    const sent = await Promise.all(clients.map((client) => client.send({ size })));
    await Promise.all(clients.map((client) => client.quit()));
    return sent.filter(({ statuses }) => statuses[0] === "accepted").length;
  }

  async #pool({ options, size, count }: Calls["pool"]["given"]): Promise<number> {
    await using pool = this.#adapter.createPool({ name: "client.example.net", ...options });
    const sending = Array.from({ length: count }, () => new Sending(pool).send({ size }));
    const sent = await Promise.all(sending);
    return sent.filter(({ statuses }) => statuses[0] === "accepted").length;
  }

  /** The option `signal`, if the call names one. */
  #signal(name: string | undefined): { readonly signal?: AbortSignal } {
    if (name === undefined) return {};
    const controller = this.#controllers.get(name) ?? new AbortController();
    this.#controllers.set(name, controller);
    return { signal: controller.signal };
  }
}

function failureOf(error: unknown): Failure {
  const { name, message, code } = error as Error & { readonly code?: string };
  return { name: String(name), message: String(message ?? error), code: code ?? null };
}

type Result<Name extends keyof Calls> = Calls[Name]["result"] | Promise<Calls[Name]["result"]>;

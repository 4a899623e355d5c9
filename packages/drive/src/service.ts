import {
  type CloseReason,
  type Reply,
  reply,
  type ServerConfig,
  type ServerSettings,
  settle,
} from "@sansmtp/core";
import { Connection, type Ends } from "./connection.ts";
import type { Handlers } from "./handlers.ts";
import type { Transport } from "./transport.ts";

/** How many connections are served at a time. Those above are told 421. */
export interface Admission {
  /** In all. Default: as many as come. */
  readonly maxConnections?: number;
  /** From one address. Default: as many as come. */
  readonly maxConnectionsPerAddress?: number;
}

/** All connections of a server, whatever they are made of: how many, who, and how they end. */
export class Service {
  readonly #settings: ServerSettings;
  readonly #handlers: Handlers;
  readonly #admission: Admission;
  readonly #open = new Set<Connection>();
  #closing = false;

  /** @throws {UsageError} when the configuration cannot be */
  constructor(config: ServerConfig, handlers: Handlers, admission: Admission = {}) {
    this.#settings = settle(config);
    this.#handlers = handlers;
    this.#admission = admission;
  }

  /** The configuration with its defaults. */
  get settings(): ServerSettings {
    return this.#settings;
  }

  /** The connections that are open. */
  get connections(): ReadonlySet<Connection> {
    return this.#open;
  }

  /** Serves one more connection. The caller starts it, and tells it what arrives. */
  accept(transport: Transport, ends: Partial<Ends> = {}): Connection {
    const refusal = this.#refusal(ends.remoteAddress ?? null);
    const handlers = refusal === null ? this.#handlers : { ...this.#handlers, connect: () => refusal };
    const connection = new Connection(this.#settings, transport, handlers, ends);
    this.#open.add(connection);
    connection.closed.then(() => this.#open.delete(connection));
    return connection;
  }

  /**
   * Ends the service: idle sessions are told 421 at once, open transactions may finish, and what is still open
   * after `within` milliseconds is told 421 then.
   *
   * @param after calls back after so many milliseconds, and returns what cancels that
   */
  async close(within: number, after: (milliseconds: number, call: () => void) => () => void): Promise<void> {
    this.#closing = true;
    for (const connection of [...this.#open]) connection.shutdown("idle");
    const cancel = after(within, () => {
      for (const connection of [...this.#open]) connection.shutdown("now");
    });
    const ends: Promise<CloseReason>[] = [...this.#open].map(({ closed }) => closed);
    await Promise.all(ends);
    cancel();
  }

  #refusal(address: string | null): Reply | null {
    if (this.#closing) return reply(421, "4.3.2", "Service not available, closing transmission channel");
    const { maxConnections, maxConnectionsPerAddress } = this.#admission;
    if (maxConnections !== undefined && this.#open.size >= maxConnections) return tooMany;
    if (maxConnectionsPerAddress === undefined || address === null) return null;
    let same = 0;
    for (const { ends } of this.#open) if (ends.remoteAddress === address) same++;
    return same >= maxConnectionsPerAddress ? tooMany : null;
  }
}

const tooMany = reply(421, "4.7.0", "Too many connections, try again later");

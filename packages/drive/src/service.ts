import {
  type ConnectQuestion,
  type Endpoint,
  inNetworks,
  type Network,
  parseNetwork,
  type Reply,
  reply,
  type ServerConfig,
  ServerSession,
  type ServerSettings,
  settle,
  UsageError,
} from "@sansmtp/core";
import { simd } from "@sansmtp/core/simd";
import { checkAuthentication, defaultMechanisms } from "./authentication.ts";
import type { Connected, Connection, Ends, Owner } from "./connection.ts";
import type { Handlers } from "./handlers.ts";
import { serve } from "./serve.ts";
import type { Transport } from "./transport.ts";

/**
 * How many connections are served at a time. Those beyond are told 421 (RFC 5321 §3.8); when there are a tenth more,
 * and ten, they are closed without a word. As many may linger whose last reply is on its way: the oldest are let go
 * of then.
 */
export interface Admission {
  /** In all. Default 1000: below what a process may have open, and each holds 128 KiB at worst, so 128 MB. */
  readonly maxConnections?: number;
  /**
   * From one client, as the PROXY header names it if there is one, or a trusted proxy by XCLIENT: an IPv4 address, or
   * the first half of an IPv6 address, which is what one customer has. Default 100: a tenth of all, and more than
   * senders open.
   */
  readonly maxConnectionsPerAddress?: number;
}

/** All connections of a server, whatever they are made of: how many, from whom, and how the last of them end. */
export class Service implements Owner {
  /** The configuration with its defaults filled in. */
  readonly settings: ServerSettings;
  readonly #handlers: Handlers;
  readonly #limits: Required<Admission>;
  readonly #open: Set<Connected> = new Set();
  /** Connections that were admitted: for whom each counts, null for nobody; and how many that makes by client. */
  readonly #admitted: Map<Connection, string | null> = new Map();
  readonly #clients: Map<string, number> = new Map();
  /** Connections by the client that has made them, admitted or not: a handshake takes a place, too. */
  readonly #arrived: Map<string, number> = new Map();
  /** What is not gone yet, of those whose transport can be destroyed. */
  readonly #held: Map<Connection, Transport> = new Map();
  /** Of that, what waits for a last reply to arrive, the oldest first. */
  readonly #lingering: Set<Connection> = new Set();
  /** Those who have many clients, and tell whom a connection is for. */
  readonly #proxies: readonly Network[];
  #number = 0;
  #ending: "idle" | "now" | null = null;
  #emptied: (() => void)[] = [];

  /** @throws {UsageError} when the configuration cannot be */
  constructor(config: ServerConfig, handlers: Handlers, admission: Admission = {}) {
    const { maxConnections = 1000, maxConnectionsPerAddress = 100 } = admission;
    for (const [name, limit] of Object.entries({ maxConnections, maxConnectionsPerAddress })) {
      if (!(limit >= 1)) throw new UsageError(`${name}: ${limit}, must be at least 1`);
    }
    const { mechanisms = handlers.authenticate === undefined ? [] : defaultMechanisms } = config;
    const { scanner = simd() } = config;
    this.settings = settle({ ...config, mechanisms, scanner });
    checkAuthentication(handlers, this.settings.mechanisms);
    this.#limits = { maxConnections, maxConnectionsPerAddress };
    const { xclient } = this.settings.extensions;
    this.#proxies = xclient === false ? [] : xclient.trusted.map((text) => parseNetwork(text) as Network);
    this.#handlers = {
      ...handlers,
      connect: (question, connection) => this.#connect(question, connection, handlers),
    };
  }

  /** The connections that are open. */
  get connections(): ReadonlySet<Connection> {
    return this.#open;
  }

  /**
   * Serves one more connection.
   *
   * @returns null when there are so many that not even that can be told: the adapter closes without a word
   */
  accept(transport: Transport, ends: Ends): Connected | null {
    const { maxConnections, maxConnectionsPerAddress } = this.#limits;
    // A tenth more are let in to be told 421, which with TLS takes a handshake.
    if (this.#open.size >= withSome(maxConnections)) return null;
    const client = this.#clientOf(ends);
    if (client !== null && (this.#arrived.get(client) ?? 0) >= withSome(maxConnectionsPerAddress))
      return null;
    const id = ++this.#number;
    const now = transport.now();
    const session = this.#handlers.session?.(this.settings, now, id) ?? new ServerSession(this.settings, now);
    if (ends.peer !== null) session.connected(ends.peer.address, now);
    const { command: stall } = this.settings.timers;
    const facts = { id, peer: ends.peer, local: ends.local, stall, owner: this };
    const connection = serve(session, transport, this.#handlers, facts);
    if (this.#ending !== null) connection.shutdown(this.#ending);
    return connection;
  }

  began(connection: Connected, transport: Transport): void {
    this.#open.add(connection);
    const client = this.#clientOf(connection);
    if (client !== null) count(this.#arrived, client, 1);
    if (transport.destroy !== undefined) this.#held.set(connection, transport);
  }

  over(connection: Connected): void {
    this.#open.delete(connection);
    const client = this.#clientOf(connection);
    if (client !== null) count(this.#arrived, client, -1);
    this.#dismiss(connection);
    if (this.#held.has(connection)) this.#linger(connection);
    this.#tellEmpty();
  }

  gone(connection: Connection): void {
    this.#held.delete(connection);
    this.#lingering.delete(connection);
    this.#tellEmpty();
  }

  /**
   * Ends the service: `idle` tells 421 to each connection as soon as no transaction is open on it, `now` to all.
   *
   * @returns resolves when no connection is open, and none waits for a last reply to arrive
   */
  shutdown(when: "idle" | "now"): Promise<void> {
    if (this.#ending !== "now") this.#ending = when;
    const empty = new Promise<void>((resolve) => this.#emptied.push(resolve));
    for (const connection of [...this.#open]) connection.shutdown(when);
    this.#tellEmpty();
    return empty;
  }

  #connect(question: ConnectQuestion, connection: Connection, handlers: Handlers): ReturnType<Connect> {
    return this.#refusal(connection) ?? handlers.connect?.(question, connection);
  }

  /**
   * Admits a connection, or says why not. With XCLIENT it is asked anew on one that was admitted: it counts once, and
   * from then on for the client behind, as a proxy has many.
   */
  #refusal(connection: Connection): Reply | null {
    const { maxConnections, maxConnectionsPerAddress } = this.#limits;
    const client = clientOf(connection.remote);
    const before = this.#admitted.get(connection);
    if (before === undefined && this.#admitted.size >= maxConnections) return tooMany;
    if (before === client) return null;
    const others = client === null ? 0 : (this.#clients.get(client) ?? 0);
    if (others >= maxConnectionsPerAddress) return tooMany;
    if (client !== null) count(this.#clients, client, 1);
    if (before !== undefined) this.#discount(before);
    this.#admitted.set(connection, client);
    return null;
  }

  #dismiss(connection: Connection): void {
    this.#discount(this.#admitted.get(connection) ?? null);
    this.#admitted.delete(connection);
  }

  #discount(client: string | null): void {
    if (client !== null) count(this.#clients, client, -1);
  }

  /** Who has made a connection; null: somebody who makes them for many, or nobody knows who. */
  #clientOf({ peer }: Pick<Ends, "peer">): string | null {
    if (peer === null || this.settings.proxy || inNetworks(peer.address, this.#proxies)) return null;
    return clientOf(peer);
  }

  /** Waits for the last reply to arrive, but not with more and more whose clients do not go. */
  #linger(connection: Connection): void {
    this.#lingering.add(connection);
    if (this.#lingering.size <= withSome(this.#limits.maxConnections) - this.#limits.maxConnections) return;
    const oldest = this.#lingering.values().next().value as Connection;
    const transport = this.#held.get(oldest);
    this.gone(oldest);
    transport?.destroy?.();
  }

  #tellEmpty(): void {
    if (this.#emptied.length === 0 || this.#open.size > 0 || this.#held.size > 0) return;
    for (const resolve of this.#emptied.splice(0)) resolve();
  }
}

type Connect = NonNullable<Handlers["connect"]>;

const tooMany = reply(421, "4.7.0", "Too many connections, try again later");

/** A tenth more, and ten. */
function withSome(limit: number): number {
  return limit * 1.1 + 10;
}

/** Counts up or down; what comes to nothing is forgotten. */
function count(counts: Map<string, number>, name: string, by: 1 | -1): void {
  const counted = (counts.get(name) ?? 0) + by;
  if (counted === 0) counts.delete(name);
  else counts.set(name, counted);
}

/** Who counts as one client: whoever has an IPv4 address, or a /64 of IPv6. */
function clientOf(remote: Endpoint | null): string | null {
  if (remote === null || !remote.address.includes(":")) return remote?.address ?? null;
  const [head, tail] = remote.address.split("::") as [string, string | undefined];
  const groups = head === "" ? [] : head.split(":");
  if (tail !== undefined) {
    const after = tail === "" ? 0 : tail.split(":").length;
    while (groups.length + after < 8) groups.push("0");
  }
  return groups.slice(0, 4).join(":");
}

import { type Outcome, UsageError } from "@sansmtp/core";
import { Alarm } from "./alarm.ts";
import type { Client } from "./client.ts";
import { Source } from "./client-body.ts";
import { ConnectError } from "./client-error.ts";
import {
  abandoned,
  notTried,
  type OutgoingMessage,
  type Recipient,
  recipientsOf,
  type Sent,
  sentOf,
} from "./client-message.ts";
import { type ConnectOptions, connectBy, type Dialler } from "./connect.ts";

/** How a pool uses its connections. */
export interface PoolOptions {
  /** At a time. Default 5: servers that mind begin to at 10 or 20 from one address. */
  readonly maxConnections?: number;
  /** Over one connection, where the server does not say (RFC 9422 MAILMAX). Default 100. */
  readonly maxMessages?: number;
  /** How long a connection is kept for the next message, in milliseconds. Default 30,000. */
  readonly idleTimeout?: number;
  /** How often a message is begun in all, when connections fail before anybody can have got it. Default 2. */
  readonly attempts?: number;
}

/**
 * Makes a pool of connections to one server. What `createPool` of each adapter does.
 *
 * @throws {UsageError} naming the option that cannot be
 */
export function poolBy(options: ConnectOptions & PoolOptions, dialler: Dialler): Pool {
  return new Pool(() => connectBy(options, dialler), options);
}

/**
 * Some connections to one server, each used for many messages.
 *
 * A recipient for whom nothing was done because the connection failed is tried once more, over a fresh one; nobody is
 * who was accepted, refused or deferred, and nobody of a message of which some outcome is `unknown`.
 */
export class Pool {
  readonly #connect: () => Promise<Client>;
  readonly #options: Required<PoolOptions>;
  readonly #idle: Lane[] = [];
  readonly #waiting: (() => void)[] = [];
  readonly #sending: Set<Promise<unknown>> = new Set();
  readonly #ending: Set<Promise<unknown>> = new Set();
  #open = 0;
  #closing = false;

  /**
   * @param connect gives another client that is ready
   * @throws {UsageError} when an option cannot be
   */
  constructor(connect: () => Promise<Client>, options: PoolOptions = {}) {
    const { maxConnections = 5, maxMessages = 100, idleTimeout = 30_000, attempts = 2 } = options;
    for (const [name, value] of Object.entries({ maxConnections, maxMessages, attempts })) {
      if (!(value >= 1)) throw new UsageError(`${name}: ${value}, must be at least 1`);
    }
    this.#connect = connect;
    this.#options = { maxConnections, maxMessages, idleTimeout, attempts };
  }

  /** Connections that are open, or being made. */
  get connections(): number {
    return this.#open;
  }

  /**
   * Sends a message, as `send` of {@link Client} does, over the next connection that is free.
   *
   * @throws {UsageError} (as a rejection) as `send` of a client does, and when the pool was closed
   */
  send(message: OutgoingMessage): Promise<Sent> {
    if (this.#closing) return Promise.reject(new UsageError("send: the pool was closed"));
    const sending = this.#send(message);
    this.#sending.add(sending);
    const done = (): void => void this.#sending.delete(sending);
    sending.then(done, done);
    return sending;
  }

  /** Takes no more messages, and quits when those it has are done. Resolves when all connections are over. */
  async close(): Promise<void> {
    this.#closing = true;
    while (this.#sending.size > 0) await Promise.allSettled(this.#sending);
    for (const lane of this.#idle.splice(0)) this.#quit(lane);
    while (this.#ending.size > 0) await Promise.allSettled(this.#ending);
  }

  /** Closes, as `close()` does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #send(message: OutgoingMessage): Promise<Sent> {
    const to = recipientsOf(message);
    // Made when a first attempt has not dealt with all, as it nearly always does: the outcomes, and whose are open.
    let outcomes: Outcome[] | null = null;
    let rest: readonly number[] | null = null;
    let error: unknown = null;
    let source: Source | null = null;
    try {
      for (let attempt = 1; ; attempt++) {
        const lane = await this.#lane(message.signal, attempt > 1);
        if (!("client" in lane)) {
          outcomes ??= notTried(to, lane);
          for (const index of rest ?? []) outcomes[index] = { status: "notTried", reason: lane };
          break;
        }
        let sent: Sent;
        try {
          source ??= lane.client.sourceOf(message);
          const some: readonly Recipient[] = rest === null ? to : rest.map((index) => to[index]);
          sent = await lane.client.deliver(some === message.to ? message : { ...message, to: some }, source);
        } finally {
          this.#giveBack(lane);
        }
        // All of it was dealt with at once, as nearly all messages are.
        if (rest === null && !sent.outcomes.some(isWorthAnother)) return sent;
        error ??= sent.error;
        const begun: Outcome[] = outcomes ?? [...sent.outcomes];
        for (const [at, index] of rest?.entries() ?? []) begun[index] = sent.outcomes[at];
        rest = (rest ?? [...begun.keys()]).filter((index) => isWorthAnother(begun[index]));
        outcomes = begun;
        const over = attempt >= this.#options.attempts || sent.unknown.length > 0 || message.signal?.aborted;
        if (rest.length === 0 || over || !source.fresh) break;
      }
    } finally {
      if (source === null) Source.discard(message.body);
      else source.release();
    }
    return sentOf(to, outcomes, error);
  }

  /** A connection that is free; why there is none. `fresh`: one that nobody has used. */
  async #lane(signal: AbortSignal | undefined, fresh: boolean): Promise<Lane | Failed> {
    for (;;) {
      if (signal?.aborted) {
        // Perhaps it was this one's turn.
        this.#next();
        return abandoned;
      }
      const lane = fresh ? undefined : this.#idle.pop();
      if (lane !== undefined) {
        lane.alarm.set(null);
        return lane;
      }
      if (this.#open < this.#options.maxConnections) return this.#dial();
      const oldest = fresh ? this.#idle.shift() : undefined;
      if (oldest !== undefined) this.#quit(oldest);
      await this.#turn(signal);
    }
  }

  async #dial(): Promise<Lane | Failed> {
    this.#open++;
    try {
      const client = await this.#connect();
      const alarm = new Alarm(() => this.#retire(lane));
      const lane: Lane = { client, messages: 0, alarm, over: false };
      client.closed.then(() => {
        lane.over = true;
        this.#open--;
        const at = this.#idle.indexOf(lane);
        if (at >= 0) this.#idle.splice(at, 1);
        alarm.stop();
        this.#next();
      });
      return lane;
    } catch (error) {
      this.#open--;
      this.#next();
      if (!(error instanceof ConnectError)) throw error;
      return error.reply ?? { code: error.code, detail: error.detail };
    }
  }

  /** Until a connection may be free. */
  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener("abort", done);
        const at = this.#waiting.indexOf(done);
        if (at >= 0) this.#waiting.splice(at, 1);
        resolve();
      };
      this.#waiting.push(done);
      signal?.addEventListener("abort", done);
    });
  }

  #next(): void {
    this.#waiting.shift()?.();
  }

  #giveBack(lane: Lane): void {
    const { client } = lane;
    lane.messages++;
    if (lane.over || !client.open) return;
    const used = lane.messages >= this.#options.maxMessages || client.messagesLeft < 1;
    if (used || this.#closing) return this.#waiting.length > 0 && !used ? this.#keep(lane) : this.#quit(lane);
    this.#keep(lane);
  }

  #keep(lane: Lane): void {
    lane.alarm.set(lane.alarm.now() + this.#options.idleTimeout);
    this.#idle.push(lane);
    this.#next();
  }

  /** Nobody has wanted it for so long. */
  #retire(lane: Lane): void {
    const at = this.#idle.indexOf(lane);
    if (at < 0) return;
    this.#idle.splice(at, 1);
    this.#quit(lane);
  }

  #quit({ client }: Lane): void {
    const ending = client.quit();
    this.#ending.add(ending);
    const done = (): void => void this.#ending.delete(ending);
    ending.then(done, done);
  }
}

interface Lane {
  readonly client: Client;
  messages: number;
  /** Rings when it was idle for too long. */
  readonly alarm: Alarm;
  over: boolean;
}

type Failed = Extract<Outcome, { status: "notTried" }>["reason"];

/** Nothing was done for this recipient, and what stood in the way was the connection and not a verdict. */
function isWorthAnother(outcome: Outcome): boolean {
  if (outcome.status !== "notTried") return false;
  const { reason } = outcome;
  return reason.code === 421 || (typeof reason.code === "string" && ofTheConnection.includes(reason.code));
}

/** `limit-exceeded`: by RFC 9422 a fresh connection begins to count anew. */
const ofTheConnection: readonly string[] = ["lost", "ended", "timeout", "closed-by-server", "limit-exceeded"];

// What the suite asks of a starter: one JSON line for each call, one for its result.
import type { TlsInfo } from "@sansmtp/core";
import type { Address, Place, RuntimeCapabilities } from "@sansmtp/drive";
import type { Sum } from "./content.ts";

/** The calls, by name: what is given, and what comes back. */
export interface Calls {
  capabilities: Call<null, RuntimeCapabilities>;
  /** Makes a server and listens. */
  serve: Call<Serve, { readonly server: number; readonly address: Address }>;
  /** What became of a server so far. */
  served: Call<{ readonly server: number }, Served>;
  /** Lets a handler that waits go on, and all after it. */
  take: Call<{ readonly server: number }, null>;
  /** Closes a server; comes back when all its connections are gone. */
  close: Call<{ readonly server: number; readonly within?: number }, null>;
  connect: Call<Connect, { readonly client: number; readonly tls: Partial<TlsInfo> | null }>;
  send: Call<Send, Sent>;
  /** How much content the client's messages were asked for so far. */
  progress: Call<{ readonly client: number }, number>;
  /** Ends a client with QUIT. */
  quit: Call<{ readonly client: number }, null>;
  /** So many clients at once, each with one message; how many of these were accepted. */
  crowd: Call<{ readonly options: object; readonly size: number; readonly count: number }, number>;
  /** One pool, so many messages at once; how many were accepted. */
  pool: Call<{ readonly options: object; readonly size: number; readonly count: number }, number>;
  /** Aborts the signal of that name. */
  abort: Call<{ readonly signal: string }, null>;
  /** What became of a server since the last time, which it then forgets. */
  drain: Call<{ readonly server: number }, Served>;
  /** One client after the other for each errand, so many at a time; what came of them, in their order. */
  errands: Call<{ readonly errands: readonly Errand[]; readonly atOnce: number }, readonly Ran[]>;
  /** What the process holds, once all garbage is collected. */
  measure: Call<null, Held>;
}

interface Call<Given, Result> {
  readonly given: Given;
  readonly result: Result;
}

export interface Serve {
  /** Of `createServer`, without handlers. */
  readonly options?: object;
  readonly place?: Place & { readonly reusePort?: boolean };
  /** What becomes of messages: all are taken; taken when `take` was called; refused with 550 unread. Default `all`. */
  readonly takes?: "all" | "later" | "none";
  /** How long the handlers of `starttls` and `mail` think, in milliseconds; 0 is not at all. */
  readonly thinks?: number;
  /** Other certificates by the name that the client asks for. */
  readonly certificates?: Readonly<Record<string, { readonly key: string; readonly cert: string }>>;
  readonly signal?: string;
  /** The name of the recipient says what the handlers do wrong: see `starters/faulty.ts`. */
  readonly faults?: boolean;
  /** Knows one user, `me` with the password `secret`, and nobody else may send. */
  readonly knows?: boolean;
}

export interface Served {
  readonly connections: number;
  readonly address: Address | null;
  /** Octets on the way in and out, before TLS. */
  readonly received: number;
  readonly sent: number;
  readonly messages: readonly Sum[];
  readonly errors: readonly string[];
  readonly closings: readonly { readonly reason: string; readonly error: string | null }[];
  /** Who has said EHLO, each time. */
  readonly hellos: readonly {
    readonly name: string;
    readonly remote: string | null;
    readonly tls: TlsInfo | null;
  }[];
  readonly senders: readonly string[];
  /** By which mechanism each sender had authenticated. */
  readonly mechanisms: readonly (string | null)[];
}

export interface Connect {
  readonly options: object;
  readonly signal?: string;
}

export interface Send {
  readonly client: number;
  readonly to?: readonly string[];
  readonly size: number;
  readonly signal?: string;
}

export interface Sent {
  readonly statuses: readonly string[];
  readonly safeToRetry: boolean;
}

/** A client that connects, sends one message and quits. */
export interface Errand {
  readonly options: object;
  /** What no other message says. */
  readonly id: string;
  readonly size: number;
}

/** What came of it: of the message, or why there was no connection. */
export type Ran =
  | { readonly sum: Sum; readonly status: string; readonly safeToRetry: boolean }
  | { readonly failure: string };

export interface Held {
  /** Octets: of objects, of buffers, and of the process. */
  readonly heap: number;
  readonly buffers: number;
  readonly resident: number;
  /** Timers that were set since the first call of `measure`, and have neither rung nor been cleared. */
  readonly timers: number;
  /** Connections and clients that were made and not collected. */
  readonly alive: number;
}

/** A line to the starter. */
export interface Request {
  readonly id: number;
  readonly call: keyof Calls;
  readonly given: unknown;
}

/** A line from it. */
export type Response =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: Failure };

export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly code: string | null;
}

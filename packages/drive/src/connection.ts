import type { ClientIdentity, CloseReason, Endpoint, Envelope, ProxyHeader } from "@sansmtp/core";
import type { Identity } from "@sansmtp/sasl";
import type { Transport } from "./transport.ts";

/** One client, as handlers and hooks see it. */
export interface Connection {
  /** As the adapter has numbered it. */
  readonly id: number;
  /** The client's address: what XCLIENT says, or the PROXY header, if there is one, else `peer`. Null for a Unix socket. */
  readonly remote: Endpoint | null;
  /** What the client has connected to, likewise. */
  readonly local: Endpoint | null;
  /** The other end of the connection itself, which is the proxy where there is one. */
  readonly peer: Endpoint | null;
  /** The PROXY header, if one is configured. */
  readonly proxy: ProxyHeader | null;
  /** What is known of the client: its EHLO, TLS, the mechanism with which it authenticated. */
  readonly client: ClientIdentity;
  /** Who has authenticated; null: nobody, or by a handler `auth` that keeps it to itself. */
  readonly identity: Identity | null;
  /** The protocol word for a Received field: `ESMTPS`, `LMTPA`... (RFC 3848). */
  readonly protocol: string;
  /** The open transaction: the sender and the recipients accepted so far. Null: none is open. */
  readonly envelope: Envelope | null;
  /** Aborted when the connection is over, so that what a handler does for it can stop. */
  readonly signal: AbortSignal;
  /** Resolves when the session is over. It never rejects. */
  readonly closed: Promise<Closing>;
  /**
   * Ends the session with 421: `idle` (the default) as soon as no transaction is open, `now` wherever it stands.
   */
  shutdown(when?: "idle" | "now"): void;
}

/** How a connection ended. */
export interface Closing {
  /** As the session gave it; `turn`: the roles had turned, and what came then is over. */
  readonly reason: CloseReason | "turn";
  /** What the transport gave as the cause: a failed handshake, a reset connection; null if it gave none. */
  readonly error: unknown;
}

/** Both ends of a connection. */
export interface Ends {
  /** The other end; null where it has no address. */
  readonly peer: Endpoint | null;
  /** This end; null where it has no address. */
  readonly local: Endpoint | null;
}

/** What the adapter knows of a connection. */
export interface ConnectionFacts extends Ends {
  /** Distinguishes connections: a running number. */
  readonly id: number;
  /**
   * How long a client may leave replies unread before the connection counts as lost, in milliseconds. Default 5
   * minutes, what RFC 5321 §4.5.3.2.7 gives it to send.
   */
  readonly stall?: number;
  /** Who has to know when it ends; nobody, if left out. */
  readonly owner?: Owner;
}

/** Whoever holds connections. */
export interface Owner {
  /** It begins; nothing was said yet. */
  began(connection: Connected, transport: Transport): void;
  /** The session is over, and the transport was closed. */
  over(connection: Connected): void;
  /** `lost` was told: the system has nothing of it any more. It may come before `over`, and more than once. */
  gone(connection: Connected): void;
}

/** The adapter's side of a connection: it tells here what happens. */
export interface Connected extends Connection, Incoming {}

/** What happens on a connection, as an adapter tells it to a pump of either side. */
export interface Incoming {
  /** Octets were read. They are kept, not copied: the adapter leaves them alone. */
  receive(octets: Uint8Array): void;
  /** The peer has half-closed. What was received is still answered. */
  receiveEnd(): void;
  /**
   * The connection is gone, both ways, and the system has nothing of it any more. To be told at the end of every
   * connection; that it has ended may be known already.
   */
  lost(error?: unknown): void;
  /** The time for which `wake` of the transport asked has come. */
  wake(): void;
}

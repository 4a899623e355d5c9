import type { Secured } from "@sansmtp/drive";

/**
 * What this package uses of Bun. It is declared here so that the package has no need of Bun's types, in which all of its
 * global names are, and in which `isServer` is missing.
 */
export interface Sockets<Data> {
  listen(options: Where & { readonly allowHalfOpen: true; readonly socket: Events<Data> }): Listening;
}

/** A place to listen at. */
export type Where =
  | { readonly hostname: string; readonly port: number; readonly reusePort: boolean }
  | { readonly unix: string };

/** Waits for connections. */
export interface Listening {
  readonly hostname?: string;
  readonly port?: number;
  /** Takes no more; the connections stay. */
  stop(): void;
}

/**
 * What happens on sockets. The same functions serve all sockets of a listener. None of them may throw, or return a
 * promise that rejects: that would be an error of the process.
 */
export interface Events<Data> {
  open?(socket: BunSocket<Data>): void;
  data(socket: BunSocket<Data>, octets: Uint8Array): void;
  /** The peer has ended its side. */
  end(socket: BunSocket<Data>): void;
  close(socket: BunSocket<Data>, error?: Error): void;
  error(socket: BunSocket<Data>, error: Error): void;
  /** There is room again. */
  drain(socket: BunSocket<Data>): void;
  /** `ok` says nothing of certificates: it may be true with an error for the peer's, and false for that alone. */
  handshake?(socket: BunSocket<Data>, ok: boolean, error: Error | null): void;
}

/** A connection, in the clear or inside TLS. */
export interface BunSocket<Data> extends Secured {
  data: Data;
  readonly remoteAddress?: string;
  readonly remotePort?: number;
  readonly localAddress?: string;
  readonly localPort?: number;
  /** How much of it was taken, which may be less than all; less than 0: it is closed. The rest is forgotten. */
  write(octets: Uint8Array): number;
  /** Ends the sending side. What was not taken is lost. */
  shutdown(): void;
  /** Lets go of it. What was taken is still sent. */
  close(): void;
  /** Lets go of it by a reset. What was taken may be lost, too. */
  terminate(): void;
  pause(): void;
  resume(): void;
  setNoDelay(on: boolean): void;
  /** The socket below, on which what is encrypted goes on to be told, and the one inside TLS. */
  upgradeTLS(options: {
    readonly isServer: boolean;
    readonly tls: NativeTls;
    readonly data: Data;
    readonly socket: Events<Data>;
  }): readonly [raw: BunSocket<Data>, secure: BunSocket<Data>];
  getTLSVersion(): string | null;
  getServername(): string | null;
  getTLSFinishedMessage(): Uint8Array | undefined;
  getTLSPeerFinishedMessage(): Uint8Array | undefined;
}

/** TLS as Bun's own sockets take it. */
export interface NativeTls {
  readonly [name: string]: unknown;
}

/** Bun itself. Read when it is used, so that this package can be imported anywhere. */
export function bun<Data>(): Sockets<Data> {
  return (globalThis as unknown as { readonly Bun: Sockets<Data> }).Bun;
}

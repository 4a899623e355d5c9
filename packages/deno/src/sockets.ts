/**
 * What this package uses of Deno. It is declared here so that the package has no need of Deno's types, in which all of
 * its global names are; a check sees to it that they agree.
 */
export interface Sockets {
  listen(options: { readonly hostname: string; readonly port: number }): Accepting;
  listen(options: { readonly transport: "unix"; readonly path: string }): Accepting;
  connect(options: {
    readonly hostname: string;
    readonly port: number;
    readonly signal: AbortSignal;
  }): Promise<TcpConn>;
  connect(options: { readonly transport: "unix"; readonly path: string }): Promise<Conn>;
  hostname(): string;
}

/** Waits for connections. */
export interface Accepting {
  readonly addr: Addr;
  accept(): Promise<Conn>;
  close(): void;
}

/** A connection. All of these reject or throw with an error of the system. */
export interface Conn {
  readonly localAddr: Addr;
  readonly remoteAddr: Addr;
  /** Into the buffer; how much, or null at the end. A read that waits is rejected by `close`. */
  read(into: Uint8Array<ArrayBuffer>): Promise<number | null>;
  /** How much of it was taken, which may be less than all. */
  write(octets: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
}

export interface TcpConn extends Conn {
  setNoDelay(on: boolean): void;
}

/** An address of any kind; a Unix socket has neither. */
export interface Addr {
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: string;
}

/** Deno itself. Read when it is used, so that this package can be imported anywhere. */
export function deno(): Sockets {
  return (globalThis as unknown as { readonly Deno: Sockets }).Deno;
}

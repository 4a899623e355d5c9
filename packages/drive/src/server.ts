import { inNetworks, type Network, parseNetwork, type ServerConfig, UsageError } from "@sansmtp/core";
import { longestTimer } from "./alarm.ts";
import type { Connection, Ends } from "./connection.ts";
import type { Handlers } from "./handlers.ts";
import { type Admission, Service } from "./service.ts";
import type { SocketTransport } from "./socket-transport.ts";

/** What a server is made of: how the protocol goes, and what the application decides. */
export interface ServerOptions extends ServerConfig, Handlers, Admission {
  /**
   * Who may connect when `proxy` is on: addresses and networks, such as `10.0.0.0/8`. Connections from elsewhere are
   * destroyed. At a Unix socket it is the file's permissions that say who may.
   */
  readonly trustedProxies?: readonly string[];
}

/** The same and TLS, of which the options are as the adapter's runtime takes them. */
export interface SecureServerOptions<TlsOptions> extends ServerOptions {
  /** `offered` is the default when `tlsOptions` are given. See {@link ServerConfig.tls}. */
  readonly tls?: ServerConfig["tls"];
  /**
   * Key, certificate, and what else of `tls.createServer` of Node the runtime heeds. TLS below 1.2 is refused unless
   * `minVersion` says otherwise (RFC 8314 §4.1); clients are asked for a certificate only with `requestCert`, and one
   * that is not signed by `ca` then ends the connection unless `rejectUnauthorized` is false.
   */
  readonly tlsOptions?: TlsOptions;
}

/** Where to listen: a TCP port (0: one that is free) of a host (by default 127.0.0.1), or a Unix socket. */
export type Place = { readonly port: number; readonly host?: string } | { readonly path: string };

/** Where to listen, how, and until when. */
export type ListenOptions = Place & {
  /**
   * Other processes listen on the same port, and the system spreads connections over all of them (SO_REUSEPORT). Each
   * counts its own connections only. Not for a Unix socket. Default false.
   */
  readonly reusePort?: boolean;
  /** Closes the server when it is aborted. */
  readonly signal?: AbortSignal;
};

/** Where a server listens. */
export type Address = { readonly host: string; readonly port: number } | { readonly path: string };

/** What an adapter gives for a place at which it listens. */
export interface Listener {
  readonly address: Address;
  /** Takes no more connections; resolves when no more come. Those that it took stay. */
  close(): Promise<void>;
}

/** Takes a connection, or destroys it without a word. */
export type Accept = (transport: SocketTransport, ends: Ends) => void;

/** Where an adapter is to listen. */
export type Spot =
  | { readonly host: string; readonly port: number; readonly reusePort: boolean }
  | { readonly path: string };

/** How an adapter listens. It rejects with the system's error when that place cannot be had. */
export type Listen = (spot: Spot, accept: Accept) => Promise<Listener>;

/** An SMTP or LMTP server on the sockets of a runtime. Made by `createServer` of an adapter. */
export class Server {
  readonly #service: Service;
  readonly #trusted: readonly Network[] | null;
  readonly #listen: Listen;
  #pending: Promise<Listener> | null = null;
  #listener: Listener | null = null;
  #closing: Promise<void> | null = null;

  /** @throws {UsageError} naming the option that cannot be */
  constructor(options: ServerOptions, listen: Listen) {
    const { trustedProxies, proxy = false } = options;
    this.#service = new Service(options, options, options);
    if (proxy && trustedProxies === undefined)
      throw new UsageError("trustedProxies: whom to believe as proxy?");
    this.#trusted = proxy ? (trustedProxies ?? []).map(network) : null;
    this.#listen = listen;
  }

  /** The connections that are open. */
  get connections(): ReadonlySet<Connection> {
    return this.#service.connections;
  }

  /** Where the server listens; null: it does not. */
  get address(): Address | null {
    return this.#listener?.address ?? null;
  }

  /**
   * Listens. It rejects with the system's error when that place cannot be had.
   *
   * @throws {UsageError} (as a rejection) when the server listens already or was closed, or when the port cannot be
   * shared
   */
  async listen(options: ListenOptions): Promise<Address> {
    const { signal } = options;
    const closed = new UsageError("listen: the server was closed");
    if (this.#closing !== null) throw closed;
    if (this.#pending !== null) throw new UsageError("listen: the server listens already");
    signal?.throwIfAborted();
    const spot = spotOf(options);
    this.#pending = this.#listen(spot, (transport, ends) => this.#accept(transport, ends, spot));
    try {
      this.#listener = await this.#pending;
    } catch (error) {
      this.#pending = null;
      throw error;
    }
    const abort = (): void => void this.close();
    signal?.addEventListener("abort", abort, { once: true });
    // Something has closed the server while the system was looking for the place.
    if (signal?.aborted || this.#closing !== null) {
      await this.close();
      throw signal?.reason ?? closed;
    }
    this.#released = () => signal?.removeEventListener("abort", abort);
    return this.#listener.address;
  }

  /**
   * Ends the service: no new connections, 421 to idle ones at once; open transactions may go on for a while, and
   * what is left then is told 421, too. Called again, it may shorten the while.
   *
   * @param options `within`: how long open transactions may take, in milliseconds; 30,000 by default
   * @returns resolves when all connections are gone
   */
  close(options: { readonly within?: number } = {}): Promise<void> {
    const timer = setTimeout(
      () => this.#service.shutdown("now"),
      Math.min(options.within ?? 30_000, longestTimer),
    );
    this.#closing ??= this.#close();
    return this.#closing.finally(() => clearTimeout(timer));
  }

  /** Closes as `close()` does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #released: () => void = () => {};

  async #close(): Promise<void> {
    this.#released();
    // It may still be looking for its place; that it does not find one is told to who asked for it.
    const stopped = this.#pending?.then(
      (listener) => {
        this.#listener = null;
        return listener.close();
      },
      () => {},
    );
    // Comes when the last socket is gone, which may have been waiting for its client to take the last reply.
    await this.#service.shutdown("idle");
    await stopped;
  }

  #accept(transport: SocketTransport, ends: Ends, place: Place): void {
    const connection = this.#trusts(ends, place) ? this.#service.accept(transport, ends) : null;
    if (connection === null) transport.destroy();
    else transport.attach(connection);
  }

  #trusts({ peer }: Ends, place: Place): boolean {
    if (this.#trusted === null) return true;
    return peer === null ? "path" in place : inNetworks(peer.address, this.#trusted);
  }
}

function spotOf(options: ListenOptions): Spot {
  const { reusePort = false } = options;
  if ("path" in options) {
    if (reusePort) throw new UsageError("reusePort: a Unix socket has no port");
    return { path: options.path };
  }
  const { host = "127.0.0.1", port } = options;
  return { host, port, reusePort };
}

function network(text: string): Network {
  const found = parseNetwork(text);
  if (found === null) {
    throw new UsageError(`trustedProxies: neither an address nor a network: ${JSON.stringify(text)}`);
  }
  return found;
}

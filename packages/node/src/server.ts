import {
  type BlockList,
  createServer as createNetServer,
  type Server as NetServer,
  type Socket,
} from "node:net";
import type { TlsOptions } from "node:tls";
import { type ServerConfig, UsageError } from "@sansmtp/core";
import { type Admission, type Connection, type Handlers, Service } from "@sansmtp/drive";
import { contains, endsOf, networks } from "./addresses.ts";
import { Handshakes } from "./handshakes.ts";
import { SocketTransport } from "./transport.ts";

/** What a server is made of: how the protocol goes, what the application decides, and what is Node's own. */
export interface ServerOptions extends ServerConfig, Handlers, Admission {
  /**
   * `offered` is the default when `tlsOptions` are given. See {@link ServerConfig.tls}.
   */
  readonly tls?: ServerConfig["tls"];
  /**
   * Key, certificate, and what else `tls.createServer` of Node takes. TLS below 1.2 is refused unless `minVersion`
   * says otherwise (RFC 8314 §4.1); clients are asked for a certificate only with `requestCert`, and one that is
   * not signed by `ca` then ends the connection unless `rejectUnauthorized` is false.
   */
  readonly tlsOptions?: TlsOptions;
  /**
   * Who may connect when `proxy` is on: addresses and networks, such as `10.0.0.0/8`. Connections from elsewhere are
   * destroyed. At a Unix socket it is the file's permissions that say who may.
   */
  readonly trustedProxies?: readonly string[];
}

/** Where to listen: a TCP port (0: one that is free) of a host (by default 127.0.0.1), or a Unix socket. */
export type Place = { readonly port: number; readonly host?: string } | { readonly path: string };

/** Where to listen, and until when. */
export type ListenOptions = Place & {
  /** Closes the server when it is aborted. */
  readonly signal?: AbortSignal;
};

/** Where a server listens. */
export type Address = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * Makes a server; it listens when `listen` is called.
 *
 * @throws {UsageError} naming the option that cannot be
 */
export function createServer(options: ServerOptions): Server {
  return new Server(options);
}

/** An SMTP or LMTP server on sockets of Node. Made by {@link createServer}. */
export class Server {
  readonly #service: Service;
  readonly #handshakes: Handshakes | null;
  readonly #trusted: BlockList | null;
  readonly #net: NetServer;
  #closing: Promise<void> | null = null;

  constructor(options: ServerOptions) {
    const { tlsOptions, trustedProxies, proxy = false } = options;
    const tls = options.tls ?? (tlsOptions === undefined ? "none" : "offered");
    this.#service = new Service({ ...options, tls }, options, options);
    if (tls !== "none" && !hasCertificate(tlsOptions)) {
      throw new UsageError(`tlsOptions: TLS that is ${tls} needs a key and a certificate`);
    }
    if (proxy && trustedProxies === undefined)
      throw new UsageError("trustedProxies: whom to believe as proxy?");
    this.#handshakes = tls === "none" ? null : new Handshakes(tlsOptions ?? {});
    this.#trusted = proxy ? networks(trustedProxies ?? []) : null;
    // Half-open: a client may end its side and still wait for replies. Each path to the end is this library's own.
    this.#net = createNetServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) =>
      this.#accept(socket),
    );
  }

  /** The connections that are open. */
  get connections(): ReadonlySet<Connection> {
    return this.#service.connections;
  }

  /** Where the server listens; null: it does not. */
  get address(): Address | null {
    const address = this.#net.address();
    if (address === null) return null;
    return typeof address === "string" ? { path: address } : { host: address.address, port: address.port };
  }

  /**
   * Listens. It rejects with the system's error when that place cannot be had.
   *
   * @throws {UsageError} (as a rejection) when the server listens already, or was closed
   */
  async listen(options: ListenOptions): Promise<Address> {
    const { signal } = options;
    if (this.#closing !== null) throw new UsageError("listen: the server was closed");
    if (this.#net.listening) throw new UsageError("listen: the server listens already");
    signal?.throwIfAborted();
    const closed = new UsageError("listen: the server was closed");
    await new Promise<void>((resolve, reject) => {
      const close = (): void => reject(closed);
      this.#net.once("error", reject).once("close", close);
      this.#net.listen(place(options), () => {
        this.#net.off("error", reject).off("close", close);
        // A connection that the system cannot accept (EMFILE) is a misfortune, not the end of the process.
        this.#net.on("error", (error) => process.emitWarning(error));
        resolve();
      });
    });
    const abort = (): void => void this.close();
    signal?.addEventListener("abort", abort);
    this.#net.once("close", () => signal?.removeEventListener("abort", abort));
    const { address } = this;
    // Something has closed the server while the system was looking for the place.
    if (signal?.aborted || this.#closing !== null) {
      this.#net.close();
      await this.close();
      throw signal?.reason ?? closed;
    }
    return address as Address;
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

  async #close(): Promise<void> {
    const stopped = new Promise<void>((resolve) => this.#net.close(() => resolve()));
    await this.#service.shutdown("idle");
    // Comes when the last socket is gone, which may have been waiting for its client to take the last reply.
    await stopped;
  }

  #accept(socket: Socket): void {
    const ends = endsOf(socket);
    const transport = new SocketTransport(socket, this.#handshakes);
    const connection = this.#mayConnect(ends.peer) ? this.#service.accept(transport, ends) : null;
    if (connection === null) socket.destroy();
    else transport.attach(connection);
  }

  #mayConnect(peer: ReturnType<typeof endsOf>["peer"]): boolean {
    if (this.#trusted === null) return true;
    return peer === null ? typeof this.#net.address() === "string" : contains(this.#trusted, peer);
  }
}

function place(options: ListenOptions): { path: string } | { port: number; host: string } {
  if ("path" in options) return { path: options.path };
  return { port: options.port, host: options.host ?? "127.0.0.1" };
}

function hasCertificate(options: TlsOptions = {}): boolean {
  const { key, cert, pfx, SNICallback, secureContext } = options;
  return (key !== undefined && cert !== undefined) || [pfx, SNICallback, secureContext].some(Boolean);
}

/** What a timer of Node can take, milliseconds. */
const longestTimer = 2_147_483_647;

import {
  BlockList,
  createServer as createNetServer,
  isIPv6,
  type Server as NetServer,
  type Socket,
} from "node:net";
import type { TlsOptions } from "node:tls";
import { type ServerConfig, UsageError } from "@sansmtp/core";
import { type Admission, type Connection, type Ends, type Handlers, Service } from "@sansmtp/drive";
import { SocketTransport } from "./transport.ts";

/** What a server is made of: how the protocol goes, what the application decides, and the runtime's own. */
export interface ServerOptions extends ServerConfig, Handlers, Admission {
  /**
   * Key, certificate and what else Node's `tls.createServer` takes; needed unless `tls` is `none`. TLS below 1.2 is
   * refused unless `minVersion` says otherwise; client certificates are asked for with `requestCert` only.
   */
  readonly tlsOptions?: TlsOptions;
  /** Who may connect when `proxy` is on: addresses, or networks as `10.0.0.0/8`. Others are cut off. */
  readonly trustedProxies?: readonly string[];
  /** Closes the server when it fires. */
  readonly signal?: AbortSignal;
}

/** Where to listen: a TCP port (0: any that is free), or the path of a Unix socket. */
export type Place = { readonly port: number; readonly host?: string } | { readonly path: string };

/** Where a server listens. */
export type Address = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * Makes a server; it listens when `listen` is called.
 *
 * @throws {UsageError} when the options cannot be
 */
export function createServer(options: ServerOptions): Server {
  return new Server(options);
}

/** An SMTP or LMTP server on sockets of Node. */
export class Server {
  readonly #service: Service;
  readonly #net: NetServer;
  readonly #tls: TlsOptions;
  readonly #trusted: BlockList | null;
  readonly #sockets = new Set<Socket>();
  #closing: Promise<void> | null = null;

  constructor(options: ServerOptions) {
    const { tlsOptions, trustedProxies, signal } = options;
    this.#service = new Service(options, options, options);
    this.#tls = { minVersion: "TLSv1.2", ...tlsOptions };
    this.#trusted = options.proxy ? networks(trustedProxies ?? []) : null;
    if (this.#service.settings.tls !== "none" && !hasCertificate(this.#tls)) {
      throw new UsageError("tlsOptions: TLS needs a key and a certificate");
    }
    if (options.proxy && !trustedProxies?.length)
      throw new UsageError("trustedProxies: proxy needs to know whom to trust");
    // Half-open: a client may end its side and still wait for replies. Every path that closes is our own.
    this.#net = createNetServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: false }, (socket) =>
      this.#accept(socket),
    );
    if (signal?.aborted) this.#closing = Promise.resolve();
    else signal?.addEventListener("abort", () => void this.close(), { once: true });
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
   * Listens. It rejects with the error of the system when that place cannot be had.
   *
   * @throws {UsageError} when the server is closed, or listens already
   */
  listen(place: Place): Promise<Address> {
    if (this.#closing !== null) throw new UsageError("listen: the server is closed");
    if (this.#net.listening) throw new UsageError("listen: the server listens already");
    return new Promise((resolve, reject) => {
      this.#net.once("error", reject);
      const listening = (): void => {
        this.#net.off("error", reject);
        resolve(this.address as Address);
      };
      if ("path" in place) this.#net.listen({ path: place.path }, listening);
      else this.#net.listen({ port: place.port, host: place.host ?? "127.0.0.1" }, listening);
    });
  }

  /**
   * Ends the service: no new connections; 421 to idle sessions at once; open transactions may finish, and what is
   * left then is told 421, too. Resolves when the last connection is gone.
   *
   * @param options within: milliseconds for open transactions, 30,000 by default
   */
  close(options: { readonly within?: number } = {}): Promise<void> {
    this.#closing ??= this.#close(options.within ?? 30_000);
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #close(within: number): Promise<void> {
    const stopped = new Promise<void>((resolve) => {
      if (this.#net.listening) this.#net.close(() => resolve());
      else resolve();
    });
    await this.#service.close(within, (milliseconds, call) => {
      const timer = setTimeout(call, milliseconds);
      return () => clearTimeout(timer);
    });
    await stopped;
    await Promise.all(
      [...this.#sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve))),
    );
  }

  #accept(socket: Socket): void {
    if (this.#trusted !== null && !contains(this.#trusted, socket.remoteAddress)) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    const transport = new SocketTransport(socket, this.#tls);
    transport.attach(this.#service.accept(transport, ends(socket)));
  }
}

function ends(socket: Socket): Ends {
  return {
    remoteAddress: plainAddress(socket.remoteAddress),
    remotePort: socket.remotePort ?? null,
    localAddress: plainAddress(socket.localAddress),
    localPort: socket.localPort ?? null,
  };
}

/** An IPv4 client of a socket that listens on both families is an IPv4 client. */
function plainAddress(address: string | undefined): string | null {
  return address?.replace(/^::ffff:(?=[0-9.]+$)/, "") ?? null;
}

function hasCertificate({ key, cert, pfx, SNICallback }: TlsOptions): boolean {
  return (key !== undefined && cert !== undefined) || pfx !== undefined || SNICallback !== undefined;
}

function networks(places: readonly string[]): BlockList {
  const list = new BlockList();
  for (const place of places) {
    const [address, prefix] = place.split("/") as [string, string | undefined];
    const family = isIPv6(address) ? "ipv6" : "ipv4";
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  return list;
}

/** A Unix socket has no address: who may use it is a matter of the file's permissions. */
function contains(list: BlockList, address: string | undefined): boolean {
  const plain = plainAddress(address);
  return plain === null || list.check(plain, isIPv6(plain) ? "ipv6" : "ipv4");
}

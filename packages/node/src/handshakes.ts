import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket, type TlsOptions } from "node:tls";

/**
 * The server's side of TLS handshakes on sockets that are connected already.
 *
 * They go through a `tls.Server` that never listens. A bare `new TLSSocket(raw, { isServer: true })` would not do:
 * it checks client certificates and then does not act on what it finds, `rejectUnauthorized` or not.
 */
export class Handshakes {
  readonly side = "server" as const;
  readonly #server: Server;
  readonly #pending: Map<Socket, (error: Error | null, secure: TLSSocket) => void> = new Map();

  /** @throws when Node can make nothing of the options, of a key in another format for example */
  constructor(options: TlsOptions) {
    // The session has a timer for handshakes. This one would be left running by Deno when a handshake fails, and hold
    // the socket until it rings; 0 stands for the default, and what is below it for no timer.
    this.#server = createServer({ minVersion: "TLSv1.2", ...options, handshakeTimeout: -1 });
    this.#server.on("secureConnection", (secure) => this.#settle(secure, null));
    this.#server.on("tlsClientError", (error, secure) => this.#settle(secure, error));
  }

  /** Does a handshake; what was read before can be put back with `raw.unshift`. */
  begin(raw: Socket): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      this.#pending.set(raw, (error, secure) => (error === null ? resolve(secure) : reject(error)));
      raw.once("close", () => this.#pending.delete(raw));
      this.#server.emit("connection", raw);
    });
  }

  #settle(secure: TLSSocket, error: Error | null): void {
    const raw = this.#rawOf(secure);
    const settle = raw && this.#pending.get(raw);
    if (raw && settle) {
      this.#pending.delete(raw);
      return settle(error, secure);
    }
    // It can be nobody's, or anybody's: fail closed.
    secure.on("error", () => {});
    secure.destroy();
  }

  /**
   * The server's events do not say which socket they are about. `_parent` does, but is not documented; the client's
   * address is public, but a Unix socket has none.
   */
  #rawOf(secure: TLSSocket): Socket | null {
    const parent = (secure as TLSSocket & { readonly _parent?: Socket })._parent;
    if (parent !== undefined && this.#pending.has(parent)) return parent;
    const { remoteAddress, remotePort } = secure;
    if (remoteAddress === undefined || remotePort === undefined) return null;
    for (const raw of this.#pending.keys()) {
      if (raw.remotePort === remotePort && raw.remoteAddress === remoteAddress) return raw;
    }
    return null;
  }
}

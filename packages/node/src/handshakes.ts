import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket, type TlsOptions } from "node:tls";
import type { TlsInfo } from "@sansmtp/core";
import { bindingsOf } from "./bindings.ts";

/** Called once, with the error or with the socket inside TLS. */
export type Settled = (error: Error | null, secure: TLSSocket | null) => void;

/**
 * The server's side of TLS handshakes on sockets that are connected already.
 *
 * They go through a `tls.Server` that never listens. A bare `new TLSSocket(raw, { isServer: true })` would not do:
 * it checks client certificates and then does not act on what it finds, `rejectUnauthorized` or not.
 */
export class Handshakes {
  readonly side = "server" as const;
  readonly #server: Server;
  readonly #pending: Map<Socket, Settled> = new Map();

  /** @throws when Node can make nothing of the options, of a key in another format for example */
  constructor(options: TlsOptions) {
    // The session has a timer for handshakes. This one would be left running by Deno when a handshake fails, and hold
    // the socket until it rings; 0 stands for the default, and what is below it for no timer.
    this.#server = createServer({ minVersion: "TLSv1.2", ...options, handshakeTimeout: -1 });
    this.#server.on("secureConnection", (secure) => this.#settle(secure, null));
    this.#server.on("tlsClientError", (error, secure) => this.#settle(secure, error));
  }

  /** Begins a handshake; what was read before can be put back with `raw.unshift`. */
  begin(raw: Socket, settled: Settled): void {
    this.#pending.set(raw, settled);
    // In TLS a half-open socket whose peer has gone is never let go of before the handshake is done.
    raw.allowHalfOpen = false;
    raw.once("close", () => this.#end(raw, new Error("the connection ended during the TLS handshake"), null));
    this.#server.emit("connection", raw);
  }

  #settle(secure: TLSSocket, error: Error | null): void {
    const raw = this.#rawOf(secure);
    if (raw !== null) return this.#end(raw, error, error === null ? secure : null);
    // It can be nobody's, or anybody's: fail closed.
    secure.on("error", () => {});
    secure.destroy();
  }

  #end(raw: Socket, error: Error | null, secure: TLSSocket | null): void {
    const settled = this.#pending.get(raw);
    if (settled === undefined) return;
    this.#pending.delete(raw);
    settled(error, secure);
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

/** What is asked of a socket inside TLS: `TLSSocket` of Node has it, and other sockets can be shown so. */
export interface Secured {
  readonly authorized: boolean;
  /** Not in the types of Node: on a server it is the name that the client has asked for. */
  readonly servername?: string | false | null;
  getProtocol(): string | null;
  getCipher(): { readonly name: string; readonly standardName?: string };
  getPeerCertificate(): { readonly subject?: object };
  getX509Certificate(): { readonly raw: Uint8Array } | undefined;
  getPeerX509Certificate(): { readonly raw: Uint8Array } | undefined;
  getFinished(): Uint8Array | undefined;
  getPeerFinished(): Uint8Array | undefined;
  isSessionReused(): boolean;
  exportKeyingMaterial(length: number, label: string, context: Buffer): Uint8Array;
}

/** What the session is told of a handshake. */
export function tlsInfo(secure: Secured, side: "server" | "client"): Partial<TlsInfo> {
  const { standardName, name } = secure.getCipher();
  return {
    version: secure.getProtocol(),
    cipher: standardName ?? name,
    serverName: secure.servername || null,
    peer: secure.authorized ? subject(secure) : null,
    bindings: bindingsOf(secure, side),
  };
}

/** The common name in the client's certificate; where it has none, the whole subject. */
function subject(secure: Secured): string | null {
  const fields = secure.getPeerCertificate().subject as Record<string, string | string[]> | undefined;
  if (fields === undefined) return null;
  if (typeof fields.CN === "string") return fields.CN;
  return Object.entries(fields)
    .flatMap(([name, values]) => [values].flat().map((value) => `${name}=${value}`))
    .join(", ");
}

import type { TlsOptions } from "node:tls";
import { type ServerConfig, UsageError } from "@sansmtp/core";
import { type ServerOptions as DriveOptions, type Listen, Server } from "@sansmtp/drive";
import { Handshakes } from "./handshakes.ts";
import { listenOn } from "./listen.ts";

/** What a server is made of: how the protocol goes, what the application decides, and what is Node's own. */
export interface ServerOptions extends DriveOptions {
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
}

/**
 * Makes a server; it listens when `listen` is called.
 *
 * @throws {UsageError} naming the option that cannot be
 */
export function createServer(options: ServerOptions): Server {
  return serverBy(options, (_, handshakes) => listenOn(handshakes));
}

/**
 * Makes a server that listens in another way, for runtimes that have sockets of Node besides their own.
 *
 * @param listening gives that way for when TLS begins, and for what does the handshakes on sockets of Node
 * @throws {UsageError} naming the option that cannot be
 */
export function serverBy(
  options: ServerOptions,
  listening: (tls: NonNullable<ServerConfig["tls"]>, handshakes: Handshakes | null) => Listen,
): Server {
  const { tlsOptions } = options;
  const tls = options.tls ?? (tlsOptions === undefined ? "none" : "offered");
  const handshakes = tls === "none" || !hasCertificate(tlsOptions) ? null : new Handshakes(tlsOptions ?? {});
  const server = new Server({ ...options, tls }, listening(tls, handshakes));
  if (tls !== "none" && handshakes === null)
    throw new UsageError(`tlsOptions: TLS that is ${tls} needs a key and a certificate`);
  return server;
}

function hasCertificate(options: TlsOptions = {}): boolean {
  const { key, cert, pfx, SNICallback, secureContext } = options;
  return (key !== undefined && cert !== undefined) || [pfx, SNICallback, secureContext].some(Boolean);
}

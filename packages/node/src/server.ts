import type { TlsOptions } from "node:tls";
import { type ServerConfig, UsageError } from "@sansmtp/core";
import { type Listen, type SecureServerOptions, Server } from "@sansmtp/drive";
import { Handshakes } from "./handshakes.ts";
import { listenOn } from "./listen.ts";

/** How the protocol goes, what the application decides, and what `tls.createServer` of Node takes. */
export type ServerOptions = SecureServerOptions<TlsOptions>;

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

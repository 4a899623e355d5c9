import type { SecureServerOptions, Server } from "@sansmtp/drive";
import { listenOn, serverBy } from "@sansmtp/node";
import { listen } from "./listen.ts";
import { checkServerTls, quirks, type ServerTls } from "./tls.ts";

/** What a server is made of: how the protocol goes, what the application decides, and TLS. */
export type ServerOptions = SecureServerOptions<ServerTls>;

/**
 * Makes a server; it listens when `listen` is called.
 *
 * Without TLS it is on Deno's own sockets, with TLS on those of Node that Deno has.
 *
 * @throws {UsageError} naming the option that cannot be
 */
export function createServer(options: ServerOptions): Server {
  checkServerTls(options.tlsOptions);
  return serverBy(options, (tls, handshakes) => (tls === "none" ? listen : listenOn(handshakes, quirks)));
}

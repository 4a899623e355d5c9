import type { SecureServerOptions, Server } from "@sansmtp/drive";
import { listenOn, serverBy } from "@sansmtp/node";
import { Handshakes } from "./handshakes.ts";
import { listen } from "./listen.ts";
import { isNative, type ServerTls, serverTls } from "./tls.ts";

/** What a server is made of: how the protocol goes, what the application decides, and TLS. */
export type ServerOptions = SecureServerOptions<ServerTls>;

/**
 * Makes a server; it listens when `listen` is called.
 *
 * It is on Bun's own sockets, unless certificates are to be chosen by name or a PROXY header comes before TLS, or
 * TLS is told something that only the sockets of Node take.
 *
 * @throws {UsageError} naming the option that cannot be
 */
export function createServer(options: ServerOptions): Server {
  const { proxy = false } = options;
  const tlsOptions = options.tlsOptions && serverTls(options.tlsOptions);
  return serverBy(tlsOptions === undefined ? options : { ...options, tlsOptions }, (tls, handshakes) => {
    if (tls === "none" || tlsOptions === undefined) return (spot, accept) => listen(spot, accept, null);
    // What is read with the header may belong to TLS already, and Bun cannot be given it back.
    if (!isNative(tlsOptions) || (proxy && tls === "implicit")) return listenOn(handshakes);
    const own = new Handshakes(tlsOptions);
    return (spot, accept) => listen(spot, accept, own);
  });
}

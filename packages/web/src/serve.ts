import { type Endpoint, type ServerConfig, UsageError } from "@sansmtp/core";
import { type Connected, type Connection, type Handlers, refuse, Service } from "@sansmtp/drive";
import type { Streams } from "./streams.ts";
import { StreamTransport } from "./transport.ts";

/** How the protocol goes, what the application decides, and what is known of the connection. */
export interface ServeOptions extends ServerConfig, Handlers {
  /** `offered` is the default where the streams have `upgrade`; elsewhere it can only be `none`. */
  readonly tls?: ServerConfig["tls"];
  /** The other end, if it has an address. */
  readonly peer?: Endpoint | null;
  /** This end, likewise. */
  readonly local?: Endpoint | null;
}

/**
 * Serves one connection over a pair of streams, and locks them.
 *
 * @throws {UsageError} naming the option that cannot be
 * @throws {TypeError} when one of the streams is locked
 */
export function serveStreams(streams: Streams, options: ServeOptions): Connection {
  const { peer = null, local = null } = options;
  const able = streams.upgrade !== undefined;
  const { tls = able ? "offered" : "none" } = options;
  refuse(options, ["tlsOptions"], "TLS is what upgrade of the streams makes it");
  refuse(options, ["trustedProxies"], "who connects is known to whoever has the streams");
  refuse(options, ["maxConnections", "maxConnectionsPerAddress"], "there is one; see Service of drive");
  if (tls !== "none" && !able) throw new UsageError(`tls: ${tls} needs streams with upgrade`);
  const service = new Service({ ...options, tls }, options);
  const transport = new StreamTransport(streams);
  const connection = service.accept(transport, { peer, local }) as Connected;
  transport.attach(connection);
  return connection;
}

import { hostname } from "node:os";
import {
  type Client,
  connectBy,
  type Dialled,
  type Dialler,
  type ConnectOptions as DriveOptions,
  Pool,
  type PoolOptions,
  type Target,
} from "@sansmtp/drive";
import { dialler as nodeDialler } from "@sansmtp/node";
import { clientHandshakes } from "./handshakes.ts";
import { endsOf, whereOf } from "./listen.ts";
import { bun } from "./sockets.ts";
import { type ClientTls, clientTls, isNative } from "./tls.ts";
import { SocketTransport } from "./transport.ts";

/** Where to connect to, how the protocol goes, and TLS. */
export interface ConnectOptions extends DriveOptions {
  /**
   * Of what `tls.connect` of Node takes, what Bun heeds: `ca`, `cert`, `servername`... The certificate has to be valid
   * for the host unless `rejectUnauthorized` is false; that is its default only where TLS is `offered` and there is no
   * `auth`, since nobody who could forge a certificate needs to: he could take away the offer.
   */
  readonly tlsOptions?: ClientTls;
}

/**
 * Connects to a server and waits until it takes messages: greeting, EHLO, TLS and AUTH are done.
 *
 * @throws {ConnectError} (as a rejection) when that fails: `code` says why, `cause` holds an error of the system
 * @throws {UsageError} (as a rejection) naming the option that cannot be
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  const tlsOptions = clientTls(options.tlsOptions ?? {});
  // Certificates in an archive, revoked ones and the like are for the sockets of Node alone.
  if (!isNative(tlsOptions)) return connectBy(options, nodeDialler(tlsOptions));
  return connectBy(options, { hostname, dial: (target) => dial(target, tlsOptions) } satisfies Dialler);
}

/**
 * Makes a pool of connections to one server; each is made when it is needed, by {@link connect}. The `signal` ends
 * attempts to connect, not messages: these have a `signal` of their own.
 *
 * @throws {UsageError} naming the option that cannot be
 */
export function createPool(options: ConnectOptions & PoolOptions): Pool {
  clientTls(options.tlsOptions ?? {});
  return new Pool(() => connect(options), options);
}

/** In the clear: TLS begins when the session says so, on the same socket. Bun cannot give up an attempt. */
async function dial({ place, host, verify }: Target, tlsOptions: ClientTls): Promise<Dialled> {
  const handshakes = clientHandshakes(host, verify, tlsOptions);
  let transport: SocketTransport | undefined;
  const socket = {
    ...SocketTransport.events,
    // Before anything can be read.
    open: (opened) => {
      transport = new SocketTransport(opened, handshakes);
    },
  } as typeof SocketTransport.events;
  const connected = await bun<SocketTransport>().connect({ ...whereOf(place), allowHalfOpen: true, socket });
  const made = transport ?? new SocketTransport(connected, handshakes);
  return {
    transport: made,
    local: endsOf(connected).local,
    attach: (connection) => made.attach(connection),
    destroy: () => made.destroy(),
  };
}

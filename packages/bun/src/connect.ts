import { hostname } from "node:os";
import {
  type Client,
  connectBy,
  type Dialled,
  type Dialler,
  dialled,
  endsOf,
  type Pool,
  type PoolOptions,
  poolBy,
  type SecureConnectOptions,
  type Target,
} from "@sansmtp/drive";
import { dialler as nodeDialler } from "@sansmtp/node";
import { clientHandshakes } from "./handshakes.ts";
import { whereOf } from "./listen.ts";
import { type BunSocket, bun } from "./sockets.ts";
import { type ClientTls, clientTls, isNative } from "./tls.ts";
import { BunTransport } from "./transport.ts";

/** Where to connect to, how the protocol goes, and TLS. */
export type ConnectOptions = SecureConnectOptions<ClientTls>;

/**
 * Connects to a server and waits until it takes messages: greeting, EHLO, TLS and AUTH are done.
 *
 * @throws {ConnectError} (as a rejection) when that fails: `code` says why, `cause` holds an error of the system
 * @throws {UsageError} (as a rejection) naming the option that cannot be
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  return connectBy(options, dialler(options.tlsOptions));
}

/**
 * Makes a pool of connections to one server; each is made when it is needed, by {@link connect}. The `signal` ends
 * attempts to connect, not messages: these have a `signal` of their own.
 *
 * @throws {UsageError} naming the option that cannot be
 */
export function createPool(options: ConnectOptions & PoolOptions): Pool {
  return poolBy(options, dialler(options.tlsOptions));
}

/**
 * Connects by Bun's own sockets, unless TLS is told something that only those of Node take that Bun has.
 *
 * @throws {UsageError} naming the option that Bun would ignore
 */
function dialler(given: ClientTls = {}): Dialler {
  const tlsOptions = clientTls(given);
  if (!isNative(tlsOptions)) return nodeDialler(tlsOptions);
  return { hostname, dial: (target) => dial(target, tlsOptions) };
}

/** In the clear: TLS begins when the session says so, on the same socket. Bun cannot give up an attempt. */
async function dial({ place, host, verify }: Target, tlsOptions: ClientTls): Promise<Dialled> {
  const handshakes = clientHandshakes(host, verify, tlsOptions);
  // Made before anything can be read.
  const open = (opened: BunSocket<BunTransport>): void => void new BunTransport(opened, handshakes);
  const socket = { ...BunTransport.events, open };
  const connected = await bun<BunTransport>().connect({ ...whereOf(place), allowHalfOpen: true, socket });
  return dialled(connected.data, endsOf(connected).local);
}

import { once } from "node:events";
import { connect as connectNet, type Socket } from "node:net";
import { hostname } from "node:os";
import type { ConnectionOptions } from "node:tls";
import {
  type Client,
  connectBy,
  type Dialler,
  dialled,
  endsOf,
  type Pool,
  type PoolOptions,
  poolBy,
  type SecureConnectOptions,
  type Target,
} from "@sansmtp/drive";
import { ClientHandshakes } from "./client-handshakes.ts";
import { NodeTransport, type Quirks } from "./transport.ts";

/** Where to connect to, how the protocol goes, and what `tls.connect` of Node takes. */
export type ConnectOptions = SecureConnectOptions<ConnectionOptions>;

/**
 * Connects to a server and waits until it takes messages: greeting, EHLO, TLS and AUTH are done.
 *
 * @throws {ConnectError} (as a rejection) when that fails: `code` says why, `cause` holds an error of the system
 * @throws {UsageError} (as a rejection) naming the option that cannot be
 */
export function connect(options: ConnectOptions): Promise<Client> {
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

/** Connects by sockets of Node. */
export function dialler(tlsOptions: ConnectionOptions = {}, quirks: Quirks = {}): Dialler {
  return {
    hostname,
    async dial(target, signal) {
      const socket = await connected(target, signal);
      const handshakes = new ClientHandshakes(target.host, {
        rejectUnauthorized: target.verify,
        ...tlsOptions,
      });
      return dialled(new NodeTransport(socket, handshakes, quirks), endsOf(socket).local);
    },
  };
}

async function connected({ place }: Target, signal: AbortSignal): Promise<Socket> {
  const common = { allowHalfOpen: true, noDelay: true };
  // A quarter of a second for each address, as Node has it, is less than some round trips.
  const family = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 2_500 };
  const socket = connectNet("path" in place ? { ...place, ...common } : { ...place, ...common, ...family });
  const aborted = (): void => void socket.destroy(signal.reason);
  signal.addEventListener("abort", aborted);
  try {
    await once(socket, "connect");
    return socket;
  } finally {
    signal.removeEventListener("abort", aborted);
  }
}

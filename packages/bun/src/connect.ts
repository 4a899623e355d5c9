import {
  type Client,
  connectBy,
  type Pool,
  type PoolOptions,
  poolBy,
  type SecureConnectOptions,
} from "@sansmtp/drive";
import { dialler } from "@sansmtp/node";
import { type ClientTls, clientTls } from "./tls.ts";

/** Where to connect to, how the protocol goes, and TLS. */
export type ConnectOptions = SecureConnectOptions<ClientTls>;

/**
 * Connects to a server and waits until it takes messages: greeting, EHLO, TLS and AUTH are done.
 *
 * It is over the sockets of Node that Bun has: an attempt of `Bun.connect` cannot be given up.
 *
 * @throws {ConnectError} (as a rejection) when that fails: `code` says why, `cause` holds an error of the system
 * @throws {UsageError} (as a rejection) naming the option that cannot be
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  return connectBy(options, dialler(clientTls(options.tlsOptions)));
}

/**
 * Makes a pool of connections to one server; each is made when it is needed, by {@link connect}. The `signal` ends
 * attempts to connect, not messages: these have a `signal` of their own.
 *
 * @throws {UsageError} naming the option that cannot be
 */
export function createPool(options: ConnectOptions & PoolOptions): Pool {
  return poolBy(options, dialler(clientTls(options.tlsOptions)));
}

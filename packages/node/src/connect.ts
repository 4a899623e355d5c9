import { connect as connectNet, type Socket } from "node:net";
import { hostname } from "node:os";
import type { ConnectionOptions } from "node:tls";
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
import { endsOf } from "./addresses.ts";
import { ClientHandshakes } from "./client-handshakes.ts";
import { type Quirks, SocketTransport } from "./transport.ts";

/** Where to connect to, how the protocol goes, and what is Node's own. */
export interface ConnectOptions extends DriveOptions {
  /**
   * What `tls.connect` of Node takes: `ca`, `cert`, `servername`... The certificate has to be valid for the host
   * unless `rejectUnauthorized` is false; that is its default only where TLS is `offered` and there is no `auth`,
   * since nobody who could forge a certificate needs to: he could take away the offer.
   */
  readonly tlsOptions?: ConnectionOptions;
}

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
  return new Pool(() => connect(options), options);
}

/** Connects by sockets of Node. */
export function dialler(tlsOptions: ConnectionOptions = {}, quirks: Quirks = {}): Dialler {
  return { hostname, dial: (target, signal) => dial(target, signal, tlsOptions, quirks) };
}

async function dial(
  target: Target,
  signal: AbortSignal,
  tlsOptions: ConnectionOptions,
  quirks: Quirks,
): Promise<Dialled> {
  const socket = await connected(target, signal);
  const handshakes = new ClientHandshakes(target.host, { rejectUnauthorized: target.verify, ...tlsOptions });
  const transport = new SocketTransport(socket, handshakes, quirks);
  return {
    transport,
    local: endsOf(socket).local,
    attach: (connection) => transport.attach(connection),
    destroy: () => void socket.destroy(),
  };
}

function connected({ place }: Target, signal: AbortSignal): Promise<Socket> {
  const common = { allowHalfOpen: true, noDelay: true };
  // A quarter of a second for each address, as Node has it, is less than some round trips.
  const family = { autoSelectFamily: true, autoSelectFamilyAttemptTimeout: 2_500 };
  const socket = connectNet("path" in place ? { ...place, ...common } : { ...place, ...common, ...family });
  return new Promise((resolve, reject) => {
    const settled = (): void => {
      signal.removeEventListener("abort", aborted);
      socket.off("connect", done).off("error", failed);
    };
    const done = (): void => {
      settled();
      resolve(socket);
    };
    const failed = (error: Error): void => {
      settled();
      socket.on("error", () => {}).destroy();
      reject(error);
    };
    const aborted = (): void => failed(signal.reason);
    socket.once("connect", done).once("error", failed);
    signal.addEventListener("abort", aborted);
  });
}

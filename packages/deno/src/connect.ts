import {
  type Client,
  connectBy,
  type Dialler,
  dialled,
  type Pool,
  type PoolOptions,
  poolBy,
  type SecureConnectOptions,
  type Target,
} from "@sansmtp/drive";
import { dialler as nodeDialler } from "@sansmtp/node";
import { endsOf } from "./listen.ts";
import { type Conn, deno } from "./sockets.ts";
import { type ClientTls, checkClientTls, quirks } from "./tls.ts";
import { ConnTransport } from "./transport.ts";

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
 * Connects by Deno's own sockets where there is never TLS, else by those of Node that Deno has.
 *
 * @throws {UsageError} naming the option that Deno would ignore
 */
function dialler(tlsOptions: ClientTls = {}): Dialler {
  checkClientTls(tlsOptions);
  const node = nodeDialler(tlsOptions, quirks);
  return {
    hostname: ownName,
    async dial(target, signal) {
      if (target.tls !== "never") return node.dial(target, signal);
      const conn = await connected(target, signal);
      return dialled(new ConnTransport(conn), endsOf(conn).local);
    },
  };
}

async function connected({ place }: Target, signal: AbortSignal): Promise<Conn> {
  if ("path" in place) return deno().connect({ transport: "unix", path: place.path });
  const conn = await deno().connect({ hostname: place.host, port: place.port, signal });
  conn.setNoDelay(true);
  return conn;
}

/** Empty where Deno is not allowed to tell it (`--allow-sys=hostname`). */
function ownName(): string {
  try {
    return deno().hostname();
  } catch {
    return "";
  }
}

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
import { endsOf } from "./listen.ts";
import { type Conn, deno } from "./sockets.ts";
import { type ClientTls, checkClientTls, quirks } from "./tls.ts";
import { ConnTransport } from "./transport.ts";

/** Where to connect to, how the protocol goes, and TLS. */
export interface ConnectOptions extends DriveOptions {
  /**
   * Of what `tls.connect` of Node takes, what Deno heeds: `ca`, `cert`, `servername`... The certificate has to be valid
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
  checkClientTls(options.tlsOptions);
  return connectBy(options, dialler(options.tlsOptions));
}

/**
 * Makes a pool of connections to one server; each is made when it is needed, by {@link connect}. The `signal` ends
 * attempts to connect, not messages: these have a `signal` of their own.
 *
 * @throws {UsageError} naming the option that cannot be
 */
export function createPool(options: ConnectOptions & PoolOptions): Pool {
  checkClientTls(options.tlsOptions);
  return new Pool(() => connect(options), options);
}

/** Connects by Deno's own sockets where there is never TLS, else by those of Node that Deno has. */
function dialler(tlsOptions: ClientTls = {}): Dialler {
  const node = nodeDialler(tlsOptions, quirks);
  return {
    hostname: ownName,
    dial: (target, signal) => (target.tls === "never" ? dial(target, signal) : node.dial(target, signal)),
  };
}

async function dial({ place }: Target, signal: AbortSignal): Promise<Dialled> {
  const conn = await connected(place, signal);
  const transport = new ConnTransport(conn);
  return {
    transport,
    local: endsOf(conn).local,
    attach: (connection) => transport.attach(connection),
    destroy: () => transport.destroy(),
  };
}

async function connected(place: Target["place"], signal: AbortSignal): Promise<Conn> {
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

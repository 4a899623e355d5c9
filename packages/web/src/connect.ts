import { UsageError } from "@sansmtp/core";
import {
  type Client,
  ConnectError,
  connectBy,
  connectOver,
  type Dialled,
  type Dialler,
  type ConnectOptions as DriveOptions,
  defaultTls,
} from "@sansmtp/drive";
import { refuse } from "./capabilities.ts";
import { clientStreams, type TcpConnect, type TcpSocket } from "./socket.ts";
import type { Streams } from "./streams.ts";
import { StreamTransport } from "./transport.ts";

/** What to connect over (one of `connect`, `socket` and `streams`), and how the protocol goes. */
export interface ConnectOptions extends Omit<DriveOptions, "path"> {
  /** Makes the connection, to `host` and `port`: `connect` of `cloudflare:sockets`. */
  readonly connect?: TcpConnect;
  /** A socket that is there already; what its `secureTransport` allows decides on `tls`. */
  readonly socket?: TcpSocket;
  /** Any two streams; TLS is what their `upgrade` makes of it. */
  readonly streams?: Streams;
  /** The argument of EHLO: a domain, or an address literal in brackets. Nothing here has a name of its own. */
  readonly name: string;
  /** `servername`: whose certificate is expected after STARTTLS, if not the host's. */
  readonly tlsOptions?: { readonly servername?: string };
}

/**
 * Connects to a server and waits until it takes messages: greeting, EHLO, TLS and AUTH are done.
 *
 * @throws {ConnectError} (as a rejection) when that fails: `code` says why, `cause` holds an error of the platform
 * @throws {UsageError} (as a rejection) naming the option that cannot be
 * @throws {TypeError} (as a rejection) when one of the streams is locked
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  check(options);
  const { connect: dial, socket, streams, signal, tlsOptions: { servername } = {} } = options;
  signal?.throwIfAborted();
  if (dial !== undefined) return connectBy(options, dialler(dial, servername));
  if (socket !== undefined) {
    const { secureTransport = socket.startTls === undefined ? "off" : "starttls" } = socket;
    const tls = possibleTls(
      options,
      sockets[secureTransport],
      `a socket with secureTransport ${secureTransport}`,
    );
    try {
      await opened(socket, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const detail = `the socket did not open: ${error instanceof Error ? error.message : error}`;
      throw new ConnectError({ code: "unreachable", detail }, null, error);
    }
    return connectOver({ ...options, tls }, dialled(clientStreams(socket, servername)));
  }
  const possible = (streams as Streams).upgrade === undefined ? clear : upgradable;
  const tls = possibleTls(options, possible, "streams without upgrade");
  return connectOver({ ...options, tls }, dialled(streams as Streams));
}

/** What would have no effect is refused. */
function check(options: ConnectOptions): void {
  const { connect: dial, socket, streams, name, tlsOptions = {} } = options;
  const given = [dial, socket, streams].filter((way) => way !== undefined).length;
  if (given !== 1) throw new UsageError("connect, socket, streams: one of them has to be given");
  if (name === undefined) throw new UsageError("name: has no default here");
  refuse(options, ["path"], "there are no Unix sockets here");
  if (dial === undefined) refuse(options, ["connectTimeout"], "the connection is there already");
  if (streams !== undefined) refuse(options, ["tlsOptions"], "TLS is what upgrade of the streams makes it");
  const { servername, ...others } = tlsOptions;
  const [other] = Object.keys(others);
  if (other !== undefined) throw new UsageError(`tlsOptions.${other}: the platform leaves no choice`);
  const { tls = defaultTls(options) } = options;
  const implicit = socket === undefined ? tls === "implicit" : socket.secureTransport === "on";
  if (!implicit || streams !== undefined) return;
  refuse(tlsOptions, ["servername"], "without STARTTLS it is the host's name that is checked");
  refuse(options, ["proxyHeader"], "it would have to come before TLS");
}

/** Connects as the platform does. */
function dialler(dial: TcpConnect, servername: string | undefined): Dialler {
  return {
    hostname: () => "",
    async dial({ place, tls }, signal) {
      const { host: hostname, port } = place as { readonly host: string; readonly port: number };
      const secureTransport = tls === "implicit" ? "on" : tls === "never" ? "off" : "starttls";
      const socket = dial(
        { hostname, port },
        { secureTransport, allowHalfOpen: true, highWaterMark: 65_536 },
      );
      await opened(socket, signal);
      return dialled(clientStreams(socket, servername));
    },
  };
}

/** Waits until a socket is connected; one that is not wanted any more is closed. */
async function opened(socket: TcpSocket, signal: AbortSignal | undefined): Promise<void> {
  // It may be one that cannot be closed any more.
  const close = (): void => void Promise.allSettled([socket.closed, (async () => socket.close())()]);
  let abort = (): void => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal?.reason);
    signal?.addEventListener("abort", abort);
  });
  try {
    await Promise.race([socket.opened, aborted]);
  } catch (error) {
    close();
    throw error;
  } finally {
    signal?.removeEventListener("abort", abort);
  }
}

function dialled(streams: Streams): Dialled {
  const transport = new StreamTransport(streams);
  return {
    transport,
    local: null,
    attach: (connection) => transport.attach(connection),
    destroy: () => transport.close(),
  };
}

/** What is wanted of TLS, as far as the connection can still do it. */
function possibleTls(options: ConnectOptions, possible: readonly Tls[], what: string): Tls {
  // No port says what it is: the connection is there.
  const { tls, port: _, ...others } = options;
  const wanted = tls ?? defaultTls(others);
  if (possible.includes(wanted)) return wanted;
  const [instead] = possible as [Tls];
  // TLS that is there already is more than what is wanted; where there can be none, none can be offered.
  const will = instead === "implicit" ? wanted !== "never" : tls === undefined && wanted === "offered";
  if (will) return instead;
  throw new UsageError(`tls: ${wanted} cannot be had with ${what}`);
}

type Tls = NonNullable<ConnectOptions["tls"]>;

/** What each kind of connection can still do. */
const clear: readonly Tls[] = ["never"];
const upgradable: readonly Tls[] = ["offered", "required", "never", "implicit"];
const sockets: Readonly<Record<"on" | "off" | "starttls", readonly Tls[]>> = {
  on: ["implicit"],
  off: clear,
  starttls: ["offered", "required", "never"],
};

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
  dialled,
  refuse,
  refuseOthers,
  tlsOver,
  unlessAborted,
} from "@sansmtp/drive";
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
    const tls = tlsOver(options, secureTransport, `a socket with secureTransport ${secureTransport}`);
    try {
      await opened(socket, signal);
    } catch (error) {
      signal?.throwIfAborted();
      const detail = `the socket did not open: ${error instanceof Error ? error.message : error}`;
      throw new ConnectError({ code: "unreachable", detail }, null, error);
    }
    return connectOver({ ...options, tls }, over(clientStreams(socket, servername)));
  }
  const { upgrade } = streams as Streams;
  const tls = tlsOver(options, upgrade === undefined ? "off" : "any", "streams without upgrade");
  return connectOver({ ...options, tls }, over(streams as Streams));
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
  refuseOthers(tlsOptions, ["servername"], "the platform leaves no choice");
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
      const how = { secureTransport, allowHalfOpen: true, highWaterMark: 65_536 } as const;
      const socket = dial({ hostname, port }, how);
      await opened(socket, signal);
      return over(clientStreams(socket, servername));
    },
  };
}

/** Waits until a socket is connected; one that is not wanted any more is closed. */
async function opened(socket: TcpSocket, signal: AbortSignal | undefined): Promise<void> {
  try {
    await unlessAborted(socket.opened, signal);
  } catch (error) {
    // It may be one that cannot be closed any more.
    void Promise.allSettled([socket.closed, (async () => socket.close())()]);
    throw error;
  }
}

function over(streams: Streams): Dialled {
  return dialled(new StreamTransport(streams), null);
}

import { UsageError } from "@sansmtp/core";
import {
  Client,
  type ClientOptions,
  type ClientTls,
  ConnectError,
  chosenPort,
  chosenTls,
  openClient,
  readyClient,
} from "@sansmtp/drive";
import { refuse } from "./capabilities.ts";
import { socketStreams, type TcpConnect, type TcpSocket } from "./socket.ts";
import type { Streams } from "./streams.ts";
import { StreamTransport } from "./transport.ts";

/** What to connect over (one of `connect`, `socket` and `streams`), and how the protocol goes. */
export interface ConnectOptions extends ClientOptions {
  /** Makes the connection: `connect` of `cloudflare:sockets`. */
  readonly connect?: TcpConnect;
  /** A socket that is there already; what its `secureTransport` allows decides on `tls`. */
  readonly socket?: TcpSocket;
  /** Any two streams; TLS is what their `upgrade` makes of it. */
  readonly streams?: Streams;
  /** With `connect`: name or address of the server. */
  readonly host?: string;
  /** With `connect`. Default 465 with TLS from the start, 587 with `auth`, else 25. */
  readonly port?: number;
  /**
   * When to use TLS. Default: `implicit` on port 465; `required` with `auth`, unless `allowInsecureAuth` is true; else
   * `offered`. A handshake that fails where it was only `offered` leads, with `connect`, to another connection without
   * TLS. The certificate is always checked.
   */
  readonly tls?: ClientTls;
  /** `servername`: whose certificate is expected after STARTTLS, if not the host's. */
  readonly tlsOptions?: { readonly servername?: string };
  /** How long to wait for the connection itself, in milliseconds. Default 30,000. */
  readonly connectTimeout?: number;
  /** Ends the attempt; when the client is ready it has done its work. */
  readonly signal?: AbortSignal;
}

/**
 * Connects to a server and waits until it takes messages: greeting, EHLO, TLS and AUTH are done.
 *
 * @throws {ConnectError} (as a rejection) when that fails: `code` says why, `cause` holds an error of the platform
 * @throws {UsageError} (as a rejection) naming the option that cannot be
 */
export async function connect(options: ConnectOptions): Promise<Client> {
  check(options);
  const { connect: dial, socket, streams, host = "localhost", signal } = options;
  signal?.throwIfAborted();
  const wanted = chosenTls(options);
  if (streams !== undefined) {
    const possible = streams.upgrade === undefined ? clear : upgradable;
    return begin(streams, options, possibleTls(options, possible, "streams without upgrade"));
  }
  const { servername } = options.tlsOptions ?? {};
  if (socket !== undefined) {
    const { secureTransport = socket.startTls === undefined ? "off" : "starttls" } = socket;
    const tls = possibleTls(
      options,
      sockets[secureTransport],
      `a socket with secureTransport ${secureTransport}`,
    );
    await opened(socket, options, "the socket did not open");
    return begin(socketStreams(socket, servername), options, tls);
  }
  return openClient(wanted, async (tls) => {
    const port = chosenPort(options, tls);
    const secureTransport = tls === "implicit" ? "on" : tls === "never" ? "off" : "starttls";
    const failure = `cannot connect to ${host}:${port}${tls === "implicit" ? " with TLS" : ""}`;
    let made: TcpSocket;
    try {
      const settings = { secureTransport, allowHalfOpen: true, highWaterMark: 65_536 } as const;
      made = (dial as TcpConnect)({ hostname: host, port }, settings);
    } catch (error) {
      throw new ConnectError({ code: "unreachable", detail: `${failure}: ${messageOf(error)}` }, null, error);
    }
    await opened(made, options, failure);
    return begin(socketStreams(made, servername), options, tls);
  });
}

/** What would have no effect is refused. */
function check(options: ConnectOptions): void {
  const { connect: dial, socket, streams, tlsOptions = {} } = options;
  const given = [dial, socket, streams].filter((way) => way !== undefined).length;
  if (given !== 1) throw new UsageError("connect, socket, streams: one of them has to be given");
  refuse(options, ["path"], "there are no Unix sockets here");
  if (dial === undefined) refuse(options, ["host", "port"], "the connection is there already");
  if (streams !== undefined) {
    refuse(options, ["connectTimeout"], "the connection is there already");
    refuse(options, ["tlsOptions"], "TLS is what upgrade of the streams makes it");
  }
  const { servername, ...others } = tlsOptions;
  const [other] = Object.keys(others);
  if (other !== undefined) throw new UsageError(`tlsOptions.${other}: the platform leaves no choice`);
  const implicit = socket === undefined ? chosenTls(options) === "implicit" : socket.secureTransport === "on";
  if (implicit) refuse(tlsOptions, ["servername"], "without STARTTLS it is the host's name that is checked");
}

/** What is wanted of TLS, as far as the connection can still do it. */
function possibleTls(options: ConnectOptions, possible: readonly ClientTls[], what: string): ClientTls {
  const wanted = chosenTls(options);
  if (possible.includes(wanted)) return wanted;
  const [instead] = possible as [ClientTls];
  // TLS that is there already is more than what is wanted; where there can be none, none can be offered.
  if (instead === "implicit" ? wanted !== "never" : options.tls === undefined && wanted === "offered")
    return instead;
  throw new UsageError(`tls: ${wanted} cannot be had with ${what}`);
}

/** Waits until a socket is connected. */
async function opened(socket: TcpSocket, options: ConnectOptions, failure: string): Promise<void> {
  const { signal, connectTimeout = 30_000 } = options;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let abort = (): void => {};
  try {
    const given = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(new Error("no answer in time")),
        Math.min(connectTimeout, 2_147_483_647),
      );
      abort = () => reject(signal?.reason);
      signal?.addEventListener("abort", abort);
    });
    await Promise.race([socket.opened, given]);
  } catch (error) {
    // It may be one that cannot be closed any more.
    void Promise.allSettled([socket.closed, (async () => socket.close())()]);
    signal?.throwIfAborted();
    throw new ConnectError({ code: "unreachable", detail: `${failure}: ${messageOf(error)}` }, null, error);
  } finally {
    if (timer !== undefined) clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}

async function begin(streams: Streams, options: ConnectOptions, tls: ClientTls): Promise<Client> {
  const transport = new StreamTransport(streams);
  let client: Client;
  try {
    client = new Client({ ...options, tls }, transport);
  } catch (error) {
    transport.close();
    throw error;
  }
  transport.attach(client.connection);
  return readyClient(client, options.signal);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What each kind of connection can still do, the most that it does by itself first. */
const clear: readonly ClientTls[] = ["never"];
const upgradable: readonly ClientTls[] = ["offered", "required", "never", "implicit"];
const sockets: Readonly<Record<"on" | "off" | "starttls", readonly ClientTls[]>> = {
  on: ["implicit"],
  off: clear,
  starttls: ["offered", "required", "never"],
};

import type { Streams } from "./streams.ts";

/** A TCP socket as Workers have it (`connect` of `cloudflare:sockets`), and who follows them. */
export interface TcpSocket {
  readonly readable: ReadableStream;
  readonly writable: WritableStream;
  /** Resolves when it is connected and, where there is TLS, its handshake is done. */
  readonly opened: Promise<unknown>;
  readonly closed: Promise<unknown>;
  /** Whether there is TLS, or could be. */
  readonly secureTransport?: "on" | "off" | "starttls";
  startTls?(options?: { expectedServerHostname?: string }): TcpSocket;
  close(): Promise<unknown>;
}

/** `connect` of `cloudflare:sockets`. */
export type TcpConnect = (
  address: { hostname: string; port: number },
  options: { secureTransport: "on" | "off" | "starttls"; allowHalfOpen: boolean; highWaterMark: number },
) => TcpSocket;

/**
 * The streams of a socket that a client has come in by, for {@link serveStreams}. Its `startTls` is of no use there: it
 * does the client's handshake.
 */
export function socketStreams(socket: TcpSocket): Streams {
  const { readable, writable } = quiet(socket);
  return { readable, writable, close: () => socket.close() };
}

/**
 * The streams of a socket that has connected to a server.
 *
 * @param servername whose certificate is expected after STARTTLS. Left out: the name that was connected to
 */
export function clientStreams(socket: TcpSocket, servername: string | undefined): Streams {
  const { readable, writable, secureTransport = "starttls" } = socket;
  let current = quiet(socket);
  const close = (): unknown => current.close();
  if (secureTransport === "on")
    return { readable, writable, close, upgrade: async () => ({ readable, writable }) };
  if (secureTransport === "off" || socket.startTls === undefined) return { readable, writable, close };
  const startTls = socket.startTls.bind(socket);
  const upgrade = async (): Promise<Pick<Streams, "readable" | "writable">> => {
    current = quiet(startTls(servername === undefined ? {} : { expectedServerHostname: servername }));
    await current.opened;
    return { readable: current.readable, writable: current.writable };
  };
  return { readable, writable, close, upgrade };
}

/** Its promises reject as well as its streams do, and it is the streams that are listened to. */
function quiet(socket: TcpSocket): TcpSocket {
  socket.opened.catch(() => {});
  socket.closed.catch(() => {});
  return socket;
}

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
 * The streams of a socket: for {@link serveStreams}, where a Worker is given one.
 *
 * @param servername whose certificate is expected of a server. Left out: the name that was connected to
 */
export function socketStreams(socket: TcpSocket, servername?: string): Streams {
  const { readable, writable, secureTransport = "starttls" } = socket;
  let current = quiet(socket);
  return {
    readable,
    writable,
    ...(secureTransport === "on" && { upgrade: async () => ({ readable, writable }) }),
    ...(secureTransport === "starttls" &&
      socket.startTls !== undefined && {
        upgrade: async () => {
          const options = servername === undefined ? {} : { expectedServerHostname: servername };
          current = quiet((socket as Required<TcpSocket>).startTls(options));
          await current.opened;
          return { readable: current.readable, writable: current.writable };
        },
      }),
    close: () => current.close(),
  };
}

/** Its promises reject as well as its streams do, and it is the streams that are listened to. */
function quiet(socket: TcpSocket): TcpSocket {
  socket.opened.catch(() => {});
  socket.closed.catch(() => {});
  return socket;
}

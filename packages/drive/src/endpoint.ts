import type { Endpoint } from "@sansmtp/core";
import type { Ends } from "./connection.ts";

/** One end of a connection as a system tells it; null where it tells none, as of a Unix socket. */
export function endpointOf(address: string | undefined, port: number | undefined): Endpoint | null {
  if (address === undefined || port === undefined) return null;
  // An IPv4 client of a socket that listens on both families is an IPv4 client.
  return { address: address.replace(/^::ffff:(?=[0-9.]+$)/i, ""), port };
}

/** Both ends of a connection, as sockets of Node and of Bun tell them. */
export function endsOf(socket: {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}): Ends {
  return {
    peer: endpointOf(socket.remoteAddress, socket.remotePort),
    local: endpointOf(socket.localAddress, socket.localPort),
  };
}

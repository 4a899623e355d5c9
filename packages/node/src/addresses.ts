import type { Socket } from "node:net";
import type { Endpoint } from "@sansmtp/core";
import type { Ends } from "@sansmtp/drive";

/** Both ends of a connection; null for a Unix socket, which has no addresses. */
export function endsOf(socket: Socket): Ends {
  return {
    peer: endpoint(socket.remoteAddress, socket.remotePort),
    local: endpoint(socket.localAddress, socket.localPort),
  };
}

function endpoint(address: string | undefined, port: number | undefined): Endpoint | null {
  if (address === undefined || port === undefined) return null;
  // An IPv4 client of a socket that listens on both families is an IPv4 client.
  return { address: address.replace(/^::ffff:(?=[0-9.]+$)/i, ""), port };
}

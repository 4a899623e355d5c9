import type { Socket } from "node:net";
import { type Ends, endpointOf } from "@sansmtp/drive";

/** Both ends of a connection; null for a Unix socket, which has no addresses. */
export function endsOf(socket: Socket): Ends {
  return {
    peer: endpointOf(socket.remoteAddress, socket.remotePort),
    local: endpointOf(socket.localAddress, socket.localPort),
  };
}

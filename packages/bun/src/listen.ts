import { type Accept, type Ends, endpointOf, type Listener, type Place } from "@sansmtp/drive";
import type { Handshakes } from "./handshakes.ts";
import { type BunSocket, bun, type Where } from "./sockets.ts";
import { SocketTransport } from "./transport.ts";

/** Listens on Bun's own sockets; with handshakes there can be TLS on them. */
export async function listen(
  place: Required<Place>,
  accept: Accept,
  handshakes: Handshakes | null,
): Promise<Listener> {
  const connections = new Set<SocketTransport>();
  const open = (socket: BunSocket<SocketTransport>): void => {
    const transport = new SocketTransport(socket, handshakes);
    connections.add(transport);
    transport.gone.then(() => connections.delete(transport));
    const connection = accept(transport, endsOf(socket));
    if (connection === null) transport.destroy();
    else transport.attach(connection);
  };
  const socket = { ...SocketTransport.events, open };
  const listening = bun<SocketTransport>().listen({ ...whereOf(place), allowHalfOpen: true, socket });
  const { hostname, port } = listening;
  return {
    address:
      hostname === undefined || port === undefined ? (place as { path: string }) : { host: hostname, port },
    async close() {
      listening.stop();
      await Promise.all([...connections].map(({ gone }) => gone));
    },
  };
}

/** Both ends of a connection; null for a Unix socket. */
export function endsOf(socket: BunSocket<unknown>): Ends {
  return {
    peer: endpointOf(socket.remoteAddress, socket.remotePort),
    local: endpointOf(socket.localAddress, socket.localPort),
  };
}

/** As Bun names it. */
export function whereOf(place: Required<Place>): Where {
  return "path" in place ? { unix: place.path } : { hostname: place.host, port: place.port };
}

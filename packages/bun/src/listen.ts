import { type Accept, endsOf, type Listener, type Place } from "@sansmtp/drive";
import type { Handshakes } from "./handshakes.ts";
import { type BunSocket, bun } from "./sockets.ts";
import { BunTransport } from "./transport.ts";

/** Listens on Bun's own sockets; with handshakes there can be TLS on them. */
export async function listen(
  place: Required<Place>,
  accept: Accept,
  handshakes: Handshakes | null,
): Promise<Listener> {
  const open = (socket: BunSocket<BunTransport>): void =>
    accept(new BunTransport(socket, handshakes), endsOf(socket));
  const socket = { ...BunTransport.events, open };
  const where = "path" in place ? { unix: place.path } : { hostname: place.host, port: place.port };
  const listening = bun<BunTransport>().listen({ ...where, allowHalfOpen: true, socket });
  const { hostname, port } = listening;
  return {
    address:
      hostname === undefined || port === undefined ? (place as { path: string }) : { host: hostname, port },
    async close() {
      listening.stop();
    },
  };
}

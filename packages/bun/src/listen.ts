import { type Accept, endsOf, type Listener, type Spot } from "@sansmtp/drive";
import type { Handshakes } from "./handshakes.ts";
import { type BunSocket, bun } from "./sockets.ts";
import { BunTransport } from "./transport.ts";

/** Listens on Bun's own sockets; with handshakes there can be TLS on them. */
export async function listen(spot: Spot, accept: Accept, handshakes: Handshakes | null): Promise<Listener> {
  const open = (socket: BunSocket<BunTransport>): void =>
    accept(new BunTransport(socket, handshakes), endsOf(socket));
  const socket = { ...BunTransport.events, open };
  const where =
    "path" in spot
      ? { unix: spot.path }
      : { hostname: spot.host, port: spot.port, reusePort: spot.reusePort };
  const listening = bun<BunTransport>().listen({ ...where, allowHalfOpen: true, socket });
  const { hostname, port } = listening;
  return {
    address:
      hostname === undefined || port === undefined ? (spot as { path: string }) : { host: hostname, port },
    async close() {
      listening.stop();
    },
  };
}

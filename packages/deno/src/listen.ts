import { type Address, type Ends, endpointOf, type Listen, type Spot } from "@sansmtp/drive";
import { listenOn } from "@sansmtp/node";
import { type Accepting, type Addr, type Conn, deno, type TcpConn } from "./sockets.ts";
import { quirks } from "./tls.ts";
import { ConnTransport } from "./transport.ts";

/**
 * Listens on Deno's own sockets; on those of Node where a port is to be shared, for which Deno's own have an option that
 * ends the process unless it was begun with `--unstable-net`.
 */
export const listen: Listen = async (spot, accept) => {
  if ("port" in spot && spot.reusePort) return listenOn(null, quirks)(spot, accept);
  const listener = open(spot);
  const accepting = takeAll(listener, (conn) => {
    if ("port" in spot) (conn as TcpConn).setNoDelay(true);
    accept(new ConnTransport(conn), endsOf(conn));
  });
  return {
    address: addressOf(listener.addr),
    async close() {
      listener.close();
      await accepting;
    },
  };
};

/** Both ends of a connection; null for a Unix socket. */
export function endsOf({ remoteAddr: peer, localAddr: local }: Conn): Ends {
  return {
    peer: endpointOf(peer.hostname, peer.port),
    local: endpointOf(local.hostname, local.port),
  };
}

function open(spot: Spot): Accepting {
  if ("path" in spot) return deno().listen({ transport: "unix", path: spot.path });
  return deno().listen({ hostname: spot.host, port: spot.port });
}

/** Takes connections until the listener is closed. */
async function takeAll(listener: Accepting, take: (conn: Conn) => void): Promise<void> {
  for (;;) {
    try {
      take(await listener.accept());
    } catch (error) {
      // Nothing else has this name: it is closed.
      if ((error as Error).name === "BadResource" || (error as Error).name === "Interrupted") return;
      // A connection that the system cannot accept (EMFILE) is a misfortune, not the end of the server.
      console.warn(error);
      await new Promise((resolve) => setTimeout(resolve, misfortune));
    }
  }
}

function addressOf({ hostname, port, path }: Addr): Address {
  return hostname === undefined || port === undefined ? { path: path ?? "" } : { host: hostname, port };
}

/** How long to wait after one, milliseconds: most often some connection has to end first. */
const misfortune = 100;

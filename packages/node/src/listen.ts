import { once } from "node:events";
import { createServer } from "node:net";
import { UsageError } from "@sansmtp/core";
import { endsOf, type Listen } from "@sansmtp/drive";
import { capabilities } from "./capabilities.ts";
import type { Handshakes } from "./handshakes.ts";
import { NodeTransport, type Quirks } from "./transport.ts";

/** Listens on sockets of Node; with handshakes there can be TLS on them. */
export function listenOn(handshakes: Handshakes | null, quirks: Quirks = {}): Listen {
  return async (spot, accept) => {
    if ("port" in spot && spot.reusePort && capabilities.sharedPort !== true)
      throw new UsageError(`reusePort: ${capabilities.sharedPort}`);
    // Half-open: a client may end its side and still wait for replies. Each path to the end is this library's own.
    const options = { allowHalfOpen: true, noDelay: true, pauseOnConnect: true };
    const net = createServer(options, (socket) =>
      accept(new NodeTransport(socket, handshakes, quirks), endsOf(socket)),
    );
    net.listen(spot);
    await once(net, "listening");
    // A connection that the system cannot accept (EMFILE) is a misfortune, not the end of the process.
    net.on("error", (error) => process.emitWarning(error));
    const address = net.address();
    if (address === null) throw new Error("bug: listening nowhere");
    return {
      address:
        typeof address === "string" ? { path: address } : { host: address.address, port: address.port },
      close: () => new Promise((resolve) => net.close(() => resolve())),
    };
  };
}

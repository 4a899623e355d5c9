import { createServer, type Socket } from "node:net";
import type { Accept, Address, Listen, Listener, Place } from "@sansmtp/drive";
import { endsOf } from "./addresses.ts";
import type { Handshakes } from "./handshakes.ts";
import { type Quirks, SocketTransport } from "./transport.ts";

/** Listens on sockets of Node; with handshakes there can be TLS on them. */
export function listenOn(handshakes: Handshakes | null, quirks: Quirks = {}): Listen {
  return (place, accept) => listen(place, accept, handshakes, quirks);
}

async function listen(
  place: Place,
  accept: Accept,
  handshakes: Handshakes | null,
  quirks: Quirks,
): Promise<Listener> {
  // Half-open: a client may end its side and still wait for replies. Each path to the end is this library's own.
  const net = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (socket) =>
    take(socket, accept, handshakes, quirks),
  );
  await new Promise<void>((resolve, reject) => {
    net.once("error", reject);
    net.listen(place, () => {
      net.off("error", reject);
      // A connection that the system cannot accept (EMFILE) is a misfortune, not the end of the process.
      net.on("error", (error) => process.emitWarning(error));
      resolve();
    });
  });
  const address = net.address();
  if (address === null) throw new Error("bug: listening nowhere");
  const where: Address =
    typeof address === "string" ? { path: address } : { host: address.address, port: address.port };
  return {
    address: where,
    close: () => new Promise((resolve) => net.close(() => resolve())),
  };
}

function take(socket: Socket, accept: Accept, handshakes: Handshakes | null, quirks: Quirks): void {
  const transport = new SocketTransport(socket, handshakes, quirks);
  const connection = accept(transport, endsOf(socket));
  if (connection === null) socket.destroy();
  else transport.attach(connection);
}

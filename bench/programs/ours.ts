import type { Reply, ServerOptions } from "@sansmtp/node";
import { reply } from "@sansmtp/node";
import { given, type Serve, serving } from "./control.ts";

/** Serves with the adapter of a runtime: whoever reads each message and keeps nothing of it. */
export async function serveOurs<Options>(
  createServer: (options: Options) => {
    listen(place: { port: number; reusePort: boolean }): Promise<object>;
  },
): Promise<void> {
  const { tls, shared } = given<Serve>();
  const queued: Reply = reply(250, "2.0.0", "Queued");
  const options: ServerOptions = {
    name: "mx.example.com",
    maxConnections: 100_000,
    maxConnectionsPerAddress: 100_000,
    limits: {
      message: 0,
      recipients: 100_000,
      idleCommands: 1_000_000_000,
      transactions: 1_000_000_000,
    },
    ...(tls === null ? {} : { tls: "implicit", tlsOptions: tls }),
    rcpt: () => undefined,
    async message({ body }) {
      let octets = 0;
      for await (const piece of body) octets += piece.length;
      return octets > 0 ? queued : undefined;
    },
    onError: () => {},
  };
  const place = { port: shared ?? 0, reusePort: shared !== undefined };
  const address = (await createServer(options as Options).listen(place)) as { readonly port: number };
  serving(address.port);
}

import { connect, createServer, type Socket } from "node:net";
import { Client } from "../node/client.ts";

/**
 * A client behind a hop that can be cut. A socket under TLS cannot be reset from above: Node 20 dies of it (a segmentation
 * fault, measured), and this one is below all that.
 */
export async function connectByHop(port: number): Promise<{ client: Client; cut: () => void }> {
  const there = connect({ port, host: "127.0.0.1", noDelay: true });
  await once(there, "connect");
  const hop = createServer({ noDelay: true }).listen(0, "127.0.0.1");
  await once(hop, "listening");
  const arrived = new Promise<Socket>((resolve) => hop.once("connection", resolve));
  const client = await Client.connect({ host: "127.0.0.1", port: (hop.address() as { port: number }).port });
  const here = await arrived;
  hop.close();
  here.on("error", () => {}).on("close", () => there.destroy());
  there.on("error", () => {}).on("close", () => here.destroy());
  here.pipe(there).pipe(here);
  return {
    client,
    cut() {
      there.resetAndDestroy();
    },
  };
}

function once(emitter: NodeJS.EventEmitter, event: string): Promise<void> {
  return new Promise((resolve, reject) => emitter.once(event, () => resolve()).once("error", reject));
}

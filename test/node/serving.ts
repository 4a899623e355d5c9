import {
  type Address,
  type Closing,
  createServer,
  reply,
  type Server,
  type ServerOptions,
} from "@sansmtp/node";
import { onTestFinished } from "vitest";
import { Client } from "./client.ts";

/** A server that takes all mail, with what became of it; it is closed when the test is over. */
export interface Serving {
  readonly server: Server;
  readonly address: Address;
  readonly messages: string[];
  readonly errors: unknown[];
  readonly closings: Closing[];
  /** Another client of it; it is gone when the test is over. */
  dial(): Promise<Client>;
}

export async function serving(options: Partial<ServerOptions> = {}, path?: string): Promise<Serving> {
  const messages: string[] = [];
  const errors: unknown[] = [];
  const closings: Closing[] = [];
  const server = createServer({
    name: "mx.example.com",
    rcpt: () => undefined,
    async message({ body }) {
      let whole = "";
      for await (const octets of body) whole += Buffer.from(octets).toString("latin1");
      messages.push(whole);
      return reply(250, "2.0.0", "Queued");
    },
    onError: (error) => errors.push(error),
    onClose: (closing) => closings.push(closing),
    ...options,
  });
  const address = await server.listen(path === undefined ? { port: 0 } : { path });
  const clients: Client[] = [];
  onTestFinished(async () => {
    for (const { socket } of clients) socket.destroy();
    await server.close({ within: 0 });
  });
  return {
    server,
    address,
    messages,
    errors,
    closings,
    async dial() {
      const client = await Client.connect(address);
      clients.push(client);
      return client;
    },
  };
}

export const ehlo = "EHLO client.example.net";
export const envelope = ["MAIL FROM:<a@example.net>", "RCPT TO:<b@example.com>", "DATA"] as const;

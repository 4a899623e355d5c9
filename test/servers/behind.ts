import {
  type Client,
  type Connection,
  type ConnectOptions,
  connect,
  type Message,
  reply,
  type ServerOptions,
} from "@sansmtp/node";
import { test } from "vitest";
import { type Serving, serving } from "../node/serving.ts";
import type { Front, Running } from "./proxies.ts";
import { Folder, freePort, requireServer } from "./root.ts";

/** Our server, and how to get at it. */
export interface Behind {
  /** Our client, connected to the proxy. */
  through(options?: Partial<ConnectOptions>): Promise<Client>;
  /** The connections that the server has had. */
  readonly seen: readonly Seen[];
  readonly running: Serving;
  /** The port of what stands in front. */
  readonly port: number;
  /** The messages that were taken, with who was said to have sent them. */
  readonly taken: readonly Taken[];
}

/** A connection, as it was at its end. */
type Seen = Pick<Connection, "remote" | "local" | "peer" | "proxy" | "protocol" | "client">;
/** A message that was taken. */
type Taken = Pick<Message, "from" | "forwarded"> & { readonly body: string };

/** A test with our server, and something in front of it. */
export const it = test.extend<{
  readonly behind: (
    front: Front,
    options: Partial<ServerOptions>,
    files?: Readonly<Record<string, string>>,
  ) => Promise<Behind>;
}>({
  behind: async ({ skip, onTestFailed }, use) => {
    const daemons: Running[] = [];
    const folders: Folder[] = [];
    onTestFailed(() => {
      for (const daemon of daemons) console.log(String(daemon));
    });
    await use(async (front, options, files = {}) => {
      requireServer(front.program, skip);
      const folder = await Folder.make();
      folders.push(folder);
      for (const [name, content] of Object.entries(files)) await folder.write(name, content);
      const seen: Seen[] = [];
      const taken: Taken[] = [];
      const running = await serving({
        ...options,
        async message({ from, forwarded, body }) {
          const pieces: Uint8Array[] = [];
          for await (const octets of body) pieces.push(octets);
          taken.push({ from, forwarded, body: Buffer.concat(pieces).toString("latin1") });
          return reply(250, "2.0.0", "Queued");
        },
        onClose(closing, { remote, local, peer, proxy, protocol, client }) {
          seen.push({ remote, local, peer, proxy, protocol, client });
          running.closings.push(closing);
        },
      });
      const port = await freePort();
      daemons.push(await front.start(folder, port, (running.address as { port: number }).port));
      const through = (given: Partial<ConnectOptions> = {}): Promise<Client> =>
        connect({ host: "127.0.0.1", port, name: "client.example.net", tls: "never", ...given });
      return { through, seen, running, port, taken };
    });
    for (const daemon of daemons) await daemon.stop();
    for (const folder of folders) await folder.remove();
  },
});

/** What is sent through it. */
export const body = "Subject: hello\r\n\r\nIt works.\r\n";
export const message = { from: "a@example.net", to: "b@example.com", body } as const;

/** Whom it is said to be from, and where they went. */
export const source = { address: "192.0.2.9", port: 4711 };
export const destination = { address: "198.51.100.7", port: 25 };

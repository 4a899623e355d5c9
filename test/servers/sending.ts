import type { Outcome } from "@sansmtp/core";
import { type Client, type ConnectOptions, connect } from "@sansmtp/node";
import { test } from "vitest";
import type { Listening, Peer } from "./peer.ts";
import { Folder, freePort, requireServer } from "./root.ts";

/** A test with servers of somebody else's, each stopped after it, and our client, whose dialogue a failure shows. */
export const it = test.extend<{
  readonly need: (program: string | null) => void;
  readonly serve: (peer: Pick<Peer, "program" | "start" | "protocol">) => Promise<Door>;
}>({
  need: async ({ skip }, use) =>
    use((program) => {
      if (program !== null) requireServer(program, skip);
    }),
  serve: async ({ need, onTestFailed }, use) => {
    const doors: Door[] = [];
    const folders: Folder[] = [];
    onTestFailed(() => {
      for (const door of doors) console.log(`The dialogue:\n${door.dialogue}\n${door.server}`);
    });
    await use(async (peer) => {
      need(peer.program);
      const folder = await (peer.program === null ? Folder.anywhere() : Folder.make());
      folders.push(folder);
      const port = await freePort();
      const door = new Door(port, await peer.start(folder, port), peer.protocol, folder.certificate);
      doors.push(door);
      return door;
    });
    for (const door of doors) await door.shut();
    for (const folder of folders) await folder.remove();
  },
});

/** A server that runs, from outside. */
export class Door {
  readonly port: number;
  readonly server: Listening;
  readonly #protocol: "smtp" | "lmtp";
  readonly certificate: string;
  readonly #clients: Client[] = [];
  /** What was said, without content. */
  dialogue = "";

  constructor(port: number, server: Listening, protocol: "smtp" | "lmtp", certificate: string) {
    this.port = port;
    this.server = server;
    this.#protocol = protocol;
    this.certificate = certificate;
  }

  async connect(options: Partial<ConnectOptions> = {}): Promise<Client> {
    const note = (who: string, octets: Uint8Array): void => {
      const text = Buffer.from(octets.subarray(0, 2000)).toString("utf8");
      if (this.dialogue.length < 20_000) this.dialogue += text.replace(/^(?=.)/gm, `${who}: `);
    };
    const client = await connect({
      host: "127.0.0.1",
      port: this.port,
      name: "client.example.net",
      protocol: this.#protocol,
      tls: "never",
      // Whatever does not come within this does not come.
      timers: {
        greeting: 10_000,
        other: 10_000,
        mail: 10_000,
        rcpt: 10_000,
        dataInit: 10_000,
        dataDone: 30_000,
      },
      tlsOptions: { ca: this.certificate },
      observe: { send: (octets) => note("C", octets), receive: (octets) => note("S", octets) },
      ...options,
    });
    this.#clients.push(client);
    return client;
  }

  async shut(): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.server.stop();
  }
}

/** Outcomes in short: `accepted 250`, `refused 550`, `notTried smtputf8-missing`. */
export function short(outcomes: readonly Outcome[]): string[] {
  return outcomes.map((outcome) => {
    if (outcome.status === "unknown") return `unknown ${outcome.reason}`;
    if (outcome.status !== "notTried") return `${outcome.status} ${outcome.reply.code}`;
    return `notTried ${outcome.reason.code}`;
  });
}

import type { Outcome } from "@sansmtp/core";
import { type Client, type ConnectOptions, connect } from "@sansmtp/node";
import { expect, test } from "vitest";
import { short as message } from "../clients/messages.ts";
import type { Listening, Peer } from "./peer.ts";
import { Folder, freePort, requireServer, until } from "./root.ts";

/** Starts a server, in a folder of its own. */
export type Serve = (peer: Pick<Peer, "program" | "start" | "protocol">) => Promise<Door>;

/** A test with servers of somebody else's, each stopped after it, and our client, whose dialogue a failure shows. */
export const it = test.extend<{
  readonly need: (program: string | null) => void;
  readonly serve: Serve;
  /** As `serve`, but all tests of the file that ask for the same server share it. */
  readonly share: Serve;
  readonly shared: Doors;
}>({
  need: async ({ skip }, use) =>
    use((program) => {
      if (program !== null) requireServer(program, skip);
    }),
  serve: async ({ need, onTestFailed }, use) => {
    const doors = new Doors();
    onTestFailed(() => console.log(String(doors)));
    await use((peer) => {
      need(peer.program);
      return doors.open(peer);
    });
    await doors.shut();
  },
  shared: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
    async ({}, use) => {
      const doors = new Doors();
      await use(doors);
      await doors.shut();
    },
    { scope: "file" },
  ],
  share: async ({ need, shared, onTestFailed }, use) => {
    onTestFailed(() => console.log(String(shared)));
    await use(async (peer) => {
      need(peer.program);
      const door = await shared.of(peer);
      door.dialogue = "";
      return door;
    });
  },
});

/** Servers that run, and their folders. */
class Doors {
  readonly #doors: Door[] = [];
  readonly #folders: Folder[] = [];
  readonly #known: Map<unknown, Promise<Door>> = new Map();

  async open(peer: Parameters<Serve>[0]): Promise<Door> {
    const folder = await (peer.program === null ? Folder.anywhere() : Folder.make());
    this.#folders.push(folder);
    const port = await freePort();
    const door = new Door(port, await peer.start(folder, port), peer.protocol, folder.certificate);
    this.#doors.push(door);
    return door;
  }

  /** The one server of this kind. */
  of(peer: Parameters<Serve>[0]): Promise<Door> {
    const door = this.#known.get(peer) ?? this.open(peer);
    this.#known.set(peer, door);
    return door;
  }

  async shut(): Promise<void> {
    for (const door of this.#doors) await door.shut();
    for (const folder of this.#folders) await folder.remove();
  }

  toString(): string {
    return this.#doors.map((door) => `The dialogue:\n${door.dialogue}\n${door.server}`).join("\n");
  }
}

/** A server that runs, from outside. */
export class Door {
  readonly port: number;
  readonly server: Listening;
  readonly #protocol: "smtp" | "lmtp";
  readonly #certificate: string;
  readonly #clients: Client[] = [];
  /** What was said, without content. */
  dialogue = "";

  constructor(port: number, server: Listening, protocol: "smtp" | "lmtp", certificate: string) {
    this.port = port;
    this.server = server;
    this.#protocol = protocol;
    this.#certificate = certificate;
  }

  /** TLS options that trust its certificate. */
  get trust(): { readonly ca: string } {
    return { ca: this.#certificate };
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
      tlsOptions: this.trust,
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

/** Sends a message to b, and returns the Received field that it has got. */
export async function received(door: Door, options: Partial<ConnectOptions> = {}): Promise<string> {
  const before = new Set(door.server.kept("b").map(String));
  const client = await door.connect(options);
  const sent = await client.send({ from: "a@example.net", to: "b@example.com", body: message });
  expect(sent.accepted).toEqual(["b@example.com"]);
  await client.quit();
  const fresh = await until(() =>
    door.server
      .kept("b")
      .map(String)
      // One that is there may not be all there yet.
      .find((each) => !before.has(each) && each.includes("goodbye")),
  );
  return /^Received: .*\n(?:[ \t].*\n)*/m.exec(fresh ?? "")?.[0] ?? "";
}

/** Outcomes in short: `accepted 250`, `refused 550`, `notTried smtputf8-missing`. */
export function short(outcomes: readonly Outcome[]): string[] {
  return outcomes.map((outcome) => {
    if (outcome.status === "unknown") return `unknown ${outcome.reason}`;
    if (outcome.status !== "notTried") return `${outcome.status} ${outcome.reply.code}`;
    return `notTried ${outcome.reason.code}`;
  });
}

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { selfSigned } from "../../packages/cli/src/certificate.ts";
import { Mail, Program, type Running } from "../cli/program.ts";
import { helo, type Submission } from "./clients.ts";
import { requireTools, type Tool } from "./tool.ts";

/**
 * A test with the real program at hand: `serve` starts it with the given options and a folder of its own, as often
 * as the test likes. After the test all are stopped; if it has failed, what they printed is shown.
 */
export const it = test.extend<{
  readonly program: Program;
  readonly place: Place;
  readonly need: Need;
  readonly serve: Serve;
}>({
  program: [
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
    async ({}, use) => {
      const program = await Program.build();
      await use(program);
      await program.remove();
    },
    { scope: "file" },
  ],
  place: [
    // biome-ignore lint/correctness/noEmptyPattern: as above
    async ({}, use) => {
      const place = await Place.make();
      await use(place);
      await place.remove();
    },
    { scope: "file" },
  ],
  need: async ({ skip }, use) => use((...tools) => requireTools(tools, skip)),
  serve: async ({ program, place, onTestFailed }, use) => {
    const all: Server[] = [];
    onTestFailed(() => {
      for (const server of all) console.log(`The server has printed:\n${server.printed}`);
    });
    await use(async (...given) => {
      const server = await Server.start(program, place, given);
      all.push(server);
      return server;
    });
    const codes = await Promise.all(all.map((server) => server.stop()));
    expect(codes, "the exit codes of the servers").toEqual(all.map(() => 0));
  },
});

/** Skips the test if one of the tools is missing. */
export type Need = (...tools: readonly Tool[]) => void;
export type Serve = (...given: readonly string[]) => Promise<Server>;

/** Files that the servers and clients of a test file need: a key, its certificate, messages. */
export class Place {
  readonly #folder: string;
  #files = 0;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async make(): Promise<Place> {
    const place = new Place(await mkdtemp(join(tmpdir(), "sansmtp-clients-")));
    const { key, cert } = await selfSigned("localhost");
    await writeFile(place.key, key, { mode: 0o600 });
    await writeFile(place.certificate, cert);
    return place;
  }

  get key(): string {
    return join(this.#folder, "key.pem");
  }

  get certificate(): string {
    return join(this.#folder, "certificate.pem");
  }

  /** A path that nothing has yet. */
  path(): string {
    return join(this.#folder, String(++this.#files));
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** The program `serve`, running. */
export class Server {
  readonly #running: Running;
  readonly #mail: Mail;
  readonly #place: Place;
  readonly socket: string | null;

  private constructor(running: Running, mail: Mail, place: Place, socket: string | null) {
    this.#running = running;
    this.#mail = mail;
    this.#place = place;
    this.socket = socket;
  }

  static async start(program: Program, place: Place, given: readonly string[]): Promise<Server> {
    const mail = await Mail.folder();
    const at = given.indexOf("--socket");
    const socket = at < 0 ? null : given[at + 1]!;
    const common = ["--name", "mx.example.com", "--directory", mail.directory];
    const running = await program.serve([...common, ...given]);
    return new Server(running, mail, place, socket);
  }

  get port(): number {
    return this.#running.port;
  }

  /** The dialogues, line by line, and what was stored. */
  get printed(): string {
    return this.#running.stdout + this.#running.stderr;
  }

  /** Checks that this is printed; soon, for what a server prints can arrive later than its reply. */
  async prints(text: string | RegExp): Promise<void> {
    await expect.poll(() => this.printed, { timeout: 5000 }).toMatch(text);
  }

  /** A submission to this server, from a@example.net to b@example.com if nothing else is said. */
  async submission(what: Pick<Submission, "content"> & Partial<Submission>): Promise<Submission> {
    const file = this.#place.path();
    await writeFile(file, what.content);
    return {
      protocol: "smtp",
      port: this.socket === null ? this.port : null,
      socket: this.socket,
      tls: "none",
      certificate: this.#place.certificate,
      from: "a@example.net",
      to: ["b@example.com"],
      file,
      ...what,
    };
  }

  /** Checks that one message was kept: the content as it was, behind the trace fields of this transaction. */
  async kept(
    content: Buffer,
    { from = "a@example.net", to = ["b@example.com"], by }: Transaction,
  ): Promise<void> {
    const messages = await this.#mail.messages();
    expect(messages).toHaveLength(1);
    const [trace, rest] = divided(messages[0]!);
    expect(trace).toMatch(traceOf(from, by));
    expectSame(rest, content);
    await this.prints(` from ${from} to ${to.join(", ")}: `);
  }

  /** Checks that nothing was kept. */
  async keptNothing(): Promise<void> {
    expect(await this.#mail.names("new")).toEqual([]);
    // What was begun is removed after the client has gone.
    await expect.poll(() => this.#mail.names("tmp"), { timeout: 5000 }).toEqual([]);
  }

  /** Stops it, and returns its exit code; null: it had to be killed. */
  async stop(): Promise<number | null> {
    const timer = setTimeout(() => this.#running.child.kill("SIGKILL"), 10_000);
    const code = await this.#running.stop();
    clearTimeout(timer);
    await this.#mail.remove();
    return code;
  }
}

export interface Transaction {
  readonly from?: string;
  /** The recipients that were accepted. */
  readonly to?: readonly string[];
  /** The protocol in the Received field. */
  readonly by: string;
}

/** The trace fields of a message, unfolded, and its content. */
function divided(message: Buffer): [trace: string, content: Buffer] {
  const match = /^Return-Path:.*\r\nReceived:.*\r\n(?:[\t ].*\r\n)*/.exec(
    message.toString("latin1", 0, 4096),
  );
  const length = match?.[0].length ?? 0;
  return [message.toString("utf8", 0, length).replace(/\r\n[\t ]+/g, " "), message.subarray(length)];
}

function traceOf(from: string, protocol: string): RegExp {
  const [sender, client] = [from, helo].map((text) => text.replaceAll(".", "\\."));
  const received = `from ${client} .*by mx\\.example\\.com with ${protocol} id .+; .+`;
  return new RegExp(`^Return-Path: <${sender}>\\r\\nReceived: ${received}\\r\\n$`);
}

/** Equality of octets; of large ones only the place where they part is shown. */
function expectSame(actual: Buffer, expected: Buffer): void {
  if (actual.equals(expected)) return;
  let at = 0;
  while (actual[at] === expected[at]) at++;
  const near = (octets: Buffer): string =>
    JSON.stringify(octets.toString("latin1", Math.max(0, at - 40), at + 40));
  throw new Error(
    `the content differs from octet ${at} of ${expected.length} on: ${near(actual)} instead of ${near(expected)}`,
  );
}

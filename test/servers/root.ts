import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { chmod, chown, mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { generate } from "selfsigned";
import type { TestContext } from "vitest";
import { environment } from "../clients/tool.ts";

/** Where `install` has unpacked the servers. */
const root =
  process.env.SANSMTP_SERVERS ??
  fileURLToPath(new URL("../../node_modules/.cache/sansmtp-servers", import.meta.url));

/**
 * Skips a test if a program is not in the root, and says how to get it there; with SANSMTP_REQUIRE_CLIENTS=1 the test
 * fails in the same words.
 */
export function requireServer(program: string, skip: TestContext["skip"]): void {
  const missing = missingServers.get(program) ?? explained(program);
  missingServers.set(program, missing);
  if (missing === "") return;
  if (process.env.SANSMTP_REQUIRE_CLIENTS === "1") throw new Error(missing);
  skip(missing);
}

const missingServers = new Map<string, string>();

function explained(program: string): string {
  const { status } = spawnSync("chroot", [root, "/usr/bin/python3", "-c", ""], { env: environment });
  if (status === 0 && existsSync(join(root, program))) return "";
  const text = `${program} is missing: run test/servers/install, and these tests, as root on Debian`;
  // The usual report of vitest counts what is skipped, but does not say why.
  console.warn(`Tests are skipped because ${text}`);
  return text;
}

/** A folder in the root, for what one server needs: its configuration, a certificate, the mail that it takes. */
export class Folder {
  /** As the servers see it. */
  readonly inside: string;
  readonly #root: string;

  private constructor(inside: string, from: string) {
    this.inside = inside;
    this.#root = from;
  }

  static async make(from = root): Promise<Folder> {
    const outside = await mkdtemp(join(from, "tmp", "sansmtp-"));
    const folder = new Folder(outside.slice(from.length), from);
    await chmod(outside, 0o755);
    await folder.#certify();
    return folder;
  }

  /** Makes a key and a certificate that its owner alone has vouched for. */
  async #certify(): Promise<void> {
    const { private: key, cert } = await generate([{ name: "commonName", value: "localhost" }], {
      keyType: "ec",
      algorithm: "sha256",
      extensions: [{ name: "subjectAltName", altNames: [{ type: 7, ip: "127.0.0.1" }] }],
    });
    await this.write("key.pem", key, 0o600);
    await this.write("certificate.pem", cert);
  }

  /** A folder for a server that does not run in the root. */
  static async anywhere(): Promise<Folder> {
    const outside = await mkdtemp(join(tmpdir(), "sansmtp-servers-"));
    await mkdir(join(outside, "tmp"));
    return Folder.make(outside);
  }

  /** Empties a place that a server uses whatever its configuration says. */
  async clear(path: string): Promise<void> {
    await rm(join(this.#root, path), { recursive: true, force: true });
  }

  /** The same place as this process sees it. */
  outside(...names: readonly string[]): string {
    return join(this.#root, this.inside, ...names);
  }

  /** Writes a file, and returns its path as the servers see it. */
  async write(name: string, content: string, mode = 0o644): Promise<string> {
    await writeFile(this.outside(name), content, { mode });
    return `${this.inside}/${name}`;
  }

  /** Makes a file look old: there are programs that wait until the one they read has not changed for a while. */
  async age(name: string): Promise<void> {
    const past = Date.now() / 1000 - 60;
    await utimes(this.outside(name), past, past);
  }

  /** Gives a file to a user of the root. */
  async give(name: string, user: number): Promise<void> {
    await chown(this.outside(name), user, user);
  }

  /** Makes a folder that everybody may write to, and returns its path as the servers see it. */
  async folder(name: string): Promise<string> {
    await mkdir(this.outside(name), { recursive: true });
    await chmod(this.outside(name), 0o777);
    return `${this.inside}/${name}`;
  }

  /** The queue of a Postfix, and its other places, with the owners that it insists on. */
  async postfixQueue(): Promise<void> {
    const make = async (name: string, owner: number, group: number, mode: number): Promise<void> => {
      await mkdir(this.outside(name));
      await chown(this.outside(name), owner, group);
      await chmod(this.outside(name), mode);
    };
    await make("data", 901, 901, 0o700);
    await make("queue", 0, 0, 0o755);
    await make("queue/pid", 0, 0, 0o755);
    await make("queue/maildrop", 901, 907, 0o1730);
    await make("queue/public", 901, 907, 0o2710);
    for (const name of [
      "active",
      "bounce",
      "corrupt",
      "defer",
      "deferred",
      "flush",
      "hold",
      "incoming",
      "private",
    ])
      await make(`queue/${name}`, 901, 0, 0o700);
    for (const name of ["saved", "trace"]) await make(`queue/${name}`, 901, 0, 0o700);
  }

  get certificate(): string {
    return readFileSync(this.outside("certificate.pem"), "utf8");
  }

  async remove(): Promise<void> {
    await rm(this.#root === root ? this.outside() : this.#root, { recursive: true, force: true });
  }
}

/** A server that runs in the root, in the foreground, with all that it starts in one process group. */
export class Daemon {
  readonly #child: ChildProcess;
  readonly #exit: Promise<unknown>;
  readonly #name: string;
  /** What it has printed. */
  printed = "";

  private constructor(program: string, given: readonly string[]) {
    this.#name = program;
    this.#child = spawn("chroot", [root, program, ...given], {
      env: { ...environment, PATH: "/usr/sbin:/usr/bin" },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    this.#exit = once(this.#child, "exit");
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => (this.printed += text));
  }

  /** Starts a program; returns when something listens on the port. */
  static async start(program: string, given: readonly string[], port: number): Promise<Daemon> {
    const daemon = new Daemon(program, given);
    for (let waited = 0; !isListening(port); waited += 20) {
      if (daemon.ended || waited > 15_000) {
        await daemon.stop();
        throw new Error(`${program} does not listen on ${port}; it has printed:\n${daemon.printed}`);
      }
      await pause(20);
    }
    return daemon;
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Asks it to end, and after a while does not ask. Nothing of it is left behind. */
  async stop(): Promise<void> {
    const { pid } = this.#child;
    if (pid === undefined) return;
    if (!this.ended) {
      this.#child.kill("SIGTERM");
      const late = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
      await this.#exit;
      clearTimeout(late);
    }
    try {
      process.kill(-pid, "SIGKILL");
    } catch {
      // Its group has ended with it.
    }
  }

  toString(): string {
    return `${this.#name} has printed:\n${this.printed}`;
  }
}

/** A port of 127.0.0.1 that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}

/** Whether something listens on a port of 127.0.0.1: to connect would be a session, which some servers count. */
function isListening(port: number): boolean {
  const place = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`;
  return readFileSync("/proc/net/tcp", "latin1").includes(place);
}

/** Waits until something is so, for at most ten seconds. */
export async function until<T>(what: () => T | undefined | Promise<T | undefined>): Promise<T | undefined> {
  for (let waited = 0; ; waited += 20) {
    const found = await what();
    if (found !== undefined || waited > 10_000) return found;
    await pause(20);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

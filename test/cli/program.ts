import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "tsup";

/** The program `sansmtp`, bundled with all that it imports, as it would run for a user: fast to start. */
export class Program {
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async build(): Promise<Program> {
    const folder = await mkdtemp(join(tmpdir(), "sansmtp-program-"));
    await build({
      config: false,
      silent: true,
      entry: [fileURLToPath(new URL("../../packages/cli/src/main.ts", import.meta.url))],
      outDir: folder,
      format: ["esm"],
      platform: "node",
      noExternal: [/./],
      // The libraries that are CommonJS ask for Node's modules by `require`.
      banner: {
        js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);",
      },
      esbuildOptions(options) {
        options.conditions = ["@sansmtp/source"];
      },
    });
    await writeFile(join(folder, "package.json"), '{ "type": "module" }');
    return new Program(folder);
  }

  async remove(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Runs it to its end. */
  async run(
    given: readonly string[],
    options: RunOptions = {},
  ): Promise<{ code: number | null; stdout: string; stderr: string }> {
    const running = this.#spawn(given, options);
    return { code: await running.exit, stdout: running.stdout, stderr: running.stderr };
  }

  /** Runs `serve` on a free port, with text or JSON lines, until it listens. */
  async serve(given: readonly string[], options: RunOptions = {}): Promise<Running> {
    const where = given.includes("--socket") || given.includes("--port") ? [] : ["--port", "0"];
    const running = this.#spawn(["serve", ...where, ...given], options);
    await running.output(/Listening on|"listening"/);
    return running;
  }

  #spawn(given: readonly string[], options: RunOptions): Running {
    const [command, ...before] = options.through ?? [];
    const program = [process.execPath, join(this.#folder, "main.js"), ...given];
    const all = command === undefined ? program : [command, ...before, ...program];
    const { NO_COLOR: _, FORCE_COLOR: __, ...environment } = process.env;
    const child = spawn(all[0]!, all.slice(1), {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...environment, ...options.environment },
    });
    return new Running(child);
  }
}

export interface RunOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** A command that runs the program: `["sh", "-c", ...]`. */
  readonly through?: readonly string[];
}

/** The program as a process. */
export class Running {
  readonly child: ChildProcess;
  readonly exit: Promise<number | null>;
  stdout = "";
  stderr = "";
  #ended = false;
  #wake: () => void = () => {};

  constructor(child: ChildProcess) {
    this.child = child;
    this.exit = once(child, "close").then(([code]) => {
      this.#ended = true;
      this.#wake();
      return code as number | null;
    });
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      this.#wake();
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (this.stderr += text));
  }

  get port(): number {
    const match = /(?:Listening on |"address":")(?:127\.0\.0\.1|\[::1\]):([0-9]+)/.exec(this.stdout);
    if (match === null) throw new Error(`no port in: ${this.stdout}`);
    return Number(match[1]);
  }

  /** What was printed, as JSON lines. */
  get entries(): Record<string, unknown>[] {
    return this.stdout
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  }

  /** Waits until the standard output matches. */
  async output(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stdout)) {
      if (this.#ended) throw new Error(`it has ended without ${pattern}:\n${this.stdout}${this.stderr}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async stop(): Promise<number | null> {
    this.child.kill("SIGTERM");
    return this.exit;
  }
}

/** The simplest client: it says what it is told to, and waits for what it is told to wait for. */
export class RawClient {
  readonly socket: Socket;
  /** All that the server has said. */
  heard = "";
  #seen = 0;
  #ended = false;
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    const ended = (): void => {
      this.#ended = true;
      this.#wake();
    };
    const heard = (text: string): void => {
      this.heard += text;
      this.#wake();
    };
    socket.setEncoding("latin1").on("data", heard).on("end", ended).on("close", ended).on("error", ended);
  }

  static async connect(to: number | string): Promise<RawClient> {
    const socket = typeof to === "number" ? connect(to, "127.0.0.1") : connect(to);
    await once(socket, "connect");
    return new RawClient(socket);
  }

  /** The next reply: its lines, joined by CRLF. */
  async reply(): Promise<string> {
    for (;;) {
      const match = /^(?:[0-9]{3}-[^\r\n]*\r\n)*[0-9]{3}(?: [^\r\n]*)?\r\n/.exec(
        this.heard.slice(this.#seen),
      );
      if (match !== null) {
        this.#seen += match[0].length;
        return match[0].trimEnd();
      }
      if (this.#ended) throw new Error(`closed; heard: ${this.heard.slice(this.#seen)}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** Says a line and waits for its reply. */
  async say(line: string): Promise<string> {
    this.write(`${line}\r\n`);
    return this.reply();
  }

  write(octets: string | Uint8Array): void {
    if (typeof octets === "string") this.socket.write(octets, "latin1");
    else this.socket.write(octets);
  }

  /** Delivers one message, and gives the reply to it. */
  async deliver(
    content: string,
    to: readonly string[] = ["b@example.com"],
    from = "a@example.net",
  ): Promise<string> {
    await this.say(`MAIL FROM:<${from}>`);
    for (const each of to) await this.say(`RCPT TO:<${each}>`);
    await this.say("DATA");
    this.write(content);
    return this.say(".");
  }

  async closed(): Promise<void> {
    if (!this.socket.closed) await once(this.socket, "close");
  }
}

/** A folder for mail, which does not exist yet. */
export class Mail {
  readonly directory: string;
  readonly #above: string;

  private constructor(above: string) {
    this.#above = above;
    this.directory = join(above, "mail");
  }

  static async folder(): Promise<Mail> {
    return new Mail(await mkdtemp(join(tmpdir(), "sansmtp-mail-")));
  }

  async names(folder: "tmp" | "new" | "cur" = "new"): Promise<string[]> {
    return (await readdir(join(this.directory, folder))).sort();
  }

  /** The messages in `new`, in the order of their names. */
  async messages(): Promise<Buffer[]> {
    return Promise.all((await this.names()).map((name) => readFile(join(this.directory, "new", name))));
  }

  async remove(): Promise<void> {
    await rm(this.#above, { recursive: true, force: true });
  }
}

import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Calls, Failure, Response } from "./calls.ts";
import { missing, type Runtime } from "./runtimes.ts";

/** What a call has thrown inside the runtime. */
export class Thrown extends Error {
  override readonly name: string;
  readonly code: string | null;

  constructor({ name, message, code }: Failure) {
    super(message);
    this.name = name;
    this.code = code;
  }
}

/** A starter that runs in its runtime. */
export class Running {
  readonly runtime: Runtime;
  /** Resolves with the exit code, or the signal. */
  readonly exit: Promise<number | string>;
  /** What it has printed that was no answer. */
  printed = "";
  readonly #child: ChildProcess;
  readonly #pending: Map<number, Pending> = new Map();
  #calls = 0;

  /**
   * @param starters where the bundles are
   * @param environment variables in addition to those of this process
   */
  constructor(runtime: Runtime, starters: string, environment: Readonly<Record<string, string>> = {}) {
    const { program, given, starter, bundled } = runtime;
    if (program === null) throw new Error(missing(runtime));
    const script = bundled
      ? `${starters}/${starter}.js`
      : fileURLToPath(new URL(`starters/${starter}.ts`, import.meta.url));
    this.runtime = runtime;
    const child = spawn(program, [...given, script], {
      cwd: root,
      stdio: "pipe",
      env: { ...process.env, ...environment },
    });
    this.#child = child;
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      this.printed += text;
    });
    child.stdin.on("error", () => {});
    createInterface({ input: child.stdout }).on("line", (line) => this.#line(line));
    this.exit = new Promise((resolve) => {
      child.once("error", (error) => {
        this.#fail(error.message);
        resolve(error.message);
      });
      child.once("close", (code, signal) => {
        this.#fail(`it has ended with ${code ?? signal}`);
        resolve(code ?? signal ?? 0);
      });
    });
  }

  /** Asks for something, and waits until it is done. It throws what was thrown there. */
  call<Name extends keyof Calls>(
    call: Name,
    ...[given]: Calls[Name]["given"] extends null ? [] : [Calls[Name]["given"]]
  ): Promise<Calls[Name]["result"]> {
    const id = ++this.#calls;
    this.#child.stdin!.write(`${JSON.stringify({ id, call, given: given ?? null })}\n`);
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: resolve as (result: unknown) => void, reject });
    });
  }

  /** Waits until something is so there. */
  async until<Name extends keyof Calls>(
    call: Name,
    given: Calls[Name]["given"],
    holds: (result: Calls[Name]["result"]) => boolean,
    within = 10_000,
  ): Promise<Calls[Name]["result"]> {
    for (const end = performance.now() + within; ; ) {
      const result = await this.call(call, ...([given] as never));
      if (holds(result)) return result;
      if (performance.now() > end)
        throw new Error(`waited ${within} ms in vain; at last it was ${JSON.stringify(result)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** How many descriptors it has open; null where the system does not tell. */
  descriptors(): number | null {
    try {
      return readdirSync(`/proc/${this.#child.pid}/fd`).length;
    } catch {
      return null;
    }
  }

  /** How many sockets of TCP it has open, whatever else the runtime opens for itself; null as above. */
  sockets(): number | null {
    const open = `/proc/${this.#child.pid}/fd`;
    try {
      const known = ["tcp", "tcp6"].map((name) => readFileSync(`/proc/net/${name}`, "latin1")).join("\n");
      const inodes = new Set(known.split("\n").map((line) => line.trim().split(/\s+/)[9]));
      return readdirSync(open).filter((name) => inodes.has(inodeOf(join(open, name)))).length;
    } catch {
      return null;
    }
  }

  /** Ends it, with its servers and clients, and gives the exit code. */
  async stop(): Promise<number | string> {
    this.#child.stdin!.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), 5_000);
    const code = await this.exit;
    clearTimeout(timer);
    return code;
  }

  #line(line: string): void {
    if (!line.startsWith('{"id":')) {
      this.printed += `${line}\n`;
      return;
    }
    const response = JSON.parse(line) as Response;
    const pending = this.#pending.get(response.id);
    this.#pending.delete(response.id);
    if ("error" in response) pending?.reject(new Thrown(response.error));
    else pending?.resolve(response.result);
  }

  #fail(reason: string): void {
    for (const { reject } of this.#pending.values())
      reject(new Error(`${this.runtime.name}: ${reason}\n${this.printed}`));
    this.#pending.clear();
  }
}

interface Pending {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Of a socket; what is gone meanwhile has none. */
function inodeOf(path: string): string {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1] ?? "";
  } catch {
    return "";
  }
}

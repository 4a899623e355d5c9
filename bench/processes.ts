import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { createInterface } from "node:readline";

/**
 * The core of a server, and of its load. One that is loaded with nothing else has no neighbour to wait for; where there
 * is one core only, or no taskset, nothing is pinned.
 */
export const serverCore = 0;
export const loadCore = 1;
const pinned = cpus().length > 1 && ["/usr/bin/taskset", "/bin/taskset"].some(existsSync);

/** A command, as it is run on one core. */
export function onCore(core: number | null, command: readonly string[]): readonly string[] {
  return pinned && core !== null ? ["taskset", "-c", String(core), ...command] : command;
}

/** What a program says of its memory, in octets. */
export interface Memory {
  /** In use by objects of the language, after a collection. */
  readonly heap: number;
  /** Buffers beside it. */
  readonly external: number;
}

/**
 * A program that runs beside the bench. It is told what to do by lines of JSON, and answers each by one; what needs
 * no more than to run is told nothing.
 */
export class Child {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #answers: ((line: string) => void)[] = [];
  readonly #lines: string[] = [];
  #printed = "";
  #ended = false;

  constructor(name: string, core: number | null, command: readonly string[], environment: object = {}) {
    this.#name = name;
    const [program, ...given] = onCore(core, command) as [string, ...string[]];
    this.#child = spawn(program, given, {
      env: { ...process.env, ...environment },
      stdio: ["pipe", "pipe", "pipe"],
    });
    this.#child.on("error", (error) => {
      this.#printed += error.message;
    });
    this.#child.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.#printed = (this.#printed + text).slice(-10_000);
    });
    this.#child.stdin!.on("error", () => {});
    createInterface({ input: this.#child.stdout! }).on("line", (line) => {
      const answer = this.#answers.shift();
      if (answer === undefined) this.#lines.push(line);
      else answer(line);
    });
    this.#child.once("close", () => {
      this.#ended = true;
      for (const answer of this.#answers.splice(0)) answer("");
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** The next line that it prints, as JSON. */
  async answer<T>(): Promise<T> {
    const line =
      this.#lines.shift() ??
      (this.#ended ? "" : await new Promise<string>((resolve) => this.#answers.push(resolve)));
    if (line === "") throw new Error(`it has ended: ${this}`);
    return JSON.parse(line) as T;
  }

  async ask<T>(question: object): Promise<T> {
    this.#child.stdin!.write(`${JSON.stringify(question)}\n`);
    return this.answer<T>();
  }

  /** Returns when something listens on a port of 127.0.0.1. */
  async listening(port: number): Promise<void> {
    const place = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`;
    // Haraka listens on both families.
    const mapped = `0000000000000000FFFF00000100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
    for (let waited = 0; ; waited += 20) {
      const sockets = readFileSync("/proc/net/tcp", "latin1") + readFileSync("/proc/net/tcp6", "latin1");
      if (sockets.includes(place) || sockets.includes(mapped)) return;
      if (this.#ended || waited > 20_000) throw new Error(`it does not listen: ${this}`);
      await pause(20);
    }
  }

  /**
   * Processor time of the process so far, threads included, in microseconds. The scheduler's own count is exact, but
   * forgets threads that have ended; that of `stat` has them all, in ticks of 10 ms.
   */
  cpu(): Cpu {
    return cpuOf(this.pid);
  }

  /** Octets in RAM that would be free without it. */
  proportional(): number {
    return inKilobytes(readFileSync(`/proc/${this.pid}/smaps_rollup`, "latin1"), "Pss");
  }

  /** Octets in RAM, and the most that they have been since {@link forgetPeak}. */
  resident(): { readonly now: number; readonly peak: number } {
    const status = readFileSync(`/proc/${this.pid}/status`, "latin1");
    return { now: inKilobytes(status, "VmRSS"), peak: inKilobytes(status, "VmHWM") };
  }

  forgetPeak(): void {
    writeFileSync(`/proc/${this.pid}/clear_refs`, "5");
  }

  toString(): string {
    return `${this.#name} has printed:\n${this.#printed}`;
  }

  async stop(): Promise<void> {
    if (this.#ended) return;
    this.#child.kill("SIGTERM");
    const late = setTimeout(() => this.#child.kill("SIGKILL"), 2_000);
    await once(this.#child, "close");
    clearTimeout(late);
  }
}

/** Processor time, counted in two ways. */
export interface Cpu {
  readonly exact: number;
  readonly ticks: number;
}

/** Processor time between two moments, microseconds. */
export function used(before: Cpu, after: Cpu): number {
  const exact = after.exact - before.exact;
  const ticks = after.ticks - before.ticks;
  // More than rounding can explain: threads have ended.
  return ticks - exact > 30_000 ? ticks : exact;
}

/** Processor time of a process so far, microseconds. */
export function cpuOf(pid: number): Cpu {
  let exact = 0;
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      exact += Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "latin1").split(" ")[0]) / 1000;
    } catch {
      // It has ended since.
    }
  }
  // The name may have blanks and brackets in it: count from behind the last one.
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return { exact, ticks: (Number(fields[11]) + Number(fields[12])) * 10_000 };
}

function inKilobytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(text)?.[1] ?? Number.NaN) * 1024;
}

/** Runs a command to its end, and gives what it has cost. It throws when that is no success. */
export async function run(core: number, command: readonly string[]): Promise<Cost> {
  // The shell counts in milliseconds where the count of Node's own children is in none at all.
  const timed = ["bash", "-c", 'TIMEFORMAT="%3R %3U %3S"; time "$@"', "bash", ...onCore(core, command)];
  const child = spawn(timed[0]!, timed.slice(1), { stdio: ["ignore", "ignore", "pipe"] });
  let printed = "";
  child.stderr!.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const [code] = (await once(child, "close")) as [number | null];
  const counted = /(\d+\.\d+) (\d+\.\d+) (\d+\.\d+)\s*$/.exec(printed);
  if (code !== 0 || counted === null) throw new Error(`${command.join(" ")}: ${printed}`);
  const [, real, user, system] = counted.map(Number) as [number, number, number, number];
  return { elapsed: real * 1e6, cpu: (user + system) * 1e6 };
}

/** Of a load, in microseconds. */
export interface Cost {
  readonly elapsed: number;
  /** Of the load's own process. */
  readonly cpu: number;
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { runtimes } from "../runtimes/runtimes.ts";

/** Bun; null where it is not installed. */
export const bun = runtimes.find(({ name }) => name === "Bun")!;

/** A script that runs in Bun until its standard input ends, and prints a line of JSON for each thing to know. */
export class Child {
  /** What it has printed that is for people: nothing, if all is well. */
  errors = "";
  readonly exit: Promise<number | null>;
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(script: string, given: object, cwd?: string) {
    const path = fileURLToPath(new URL(script, import.meta.url));
    this.#process = spawn(bun.program!, [...bun.given, path, JSON.stringify(given)], {
      stdio: "pipe",
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.#process.stderr!.setEncoding("utf8").on("data", (text: string) => {
      this.errors += text;
    });
    this.#process.stdin!.on("error", () => {});
    this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]();
    this.exit = new Promise((resolve) => this.#process.once("close", resolve));
    onTestFinished(() => void this.#process.kill("SIGKILL"));
  }

  /** The next thing that it says. */
  async next<Said>(): Promise<Said> {
    return JSON.parse(await this.line()) as Said;
  }

  /** The next line that it prints. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (!done) return value;
    await this.exit;
    throw new Error(`Bun has ended: ${this.errors}`);
  }

  /** Ends its input, and waits until it has ended. */
  async end(): Promise<number | null> {
    this.#process.stdin!.end();
    return this.exit;
  }
}

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { it as base } from "./serving.ts";
import { environment } from "./tool.ts";

/** A test with the server and somebody who talks to it through a program. */
export const it = base.extend<{ readonly at: (command: string, ...given: readonly string[]) => Typist }>({
  // biome-ignore lint/correctness/noEmptyPattern: vitest reads from the pattern what a fixture needs
  at: async ({}, use) => {
    const typists: Typist[] = [];
    await use((command, ...given) => {
      const typist = new Typist(command, given);
      typists.push(typist);
      return typist;
    });
    for (const typist of typists) await typist.end();
  },
});

/** Lines as they go over the wire. */
export function lines(...each: readonly string[]): Buffer {
  return Buffer.from(each.map((line) => `${line}\r\n`).join(""));
}

/** Somebody at the keyboard of a program that is connected to a server: reads what it prints, types lines. */
export class Typist {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exit: Promise<unknown>;
  /** What the program has printed so far. */
  screen = "";
  #read = 0;

  constructor(command: string, given: readonly string[]) {
    this.#child = spawn(command, given, { env: environment, stdio: "pipe" });
    this.#exit = once(this.#child, "close");
    this.#child.stdout.setEncoding("utf8").on("data", (text: string) => (this.screen += text));
    this.#child.stderr.resume();
    this.#child.stdin.on("error", () => {});
  }

  /** The next whole reply, its lines as they were sent, without CR LF at the end. */
  async reply(): Promise<string> {
    const reply = /^(?:[0-9]{3}-.*\r\n)*[0-9]{3}(?: .*)?\r\n/;
    for (;;) {
      const text = reply.exec(this.screen.slice(this.#read))?.[0];
      if (text !== undefined) {
        this.#read += text.length;
        return text.trimEnd();
      }
      await this.#within("a reply", Promise.race([once(this.#child.stdout, "data"), this.#exit]));
      if (this.#child.exitCode !== null && this.screen.length === this.#read) {
        throw new Error(`it ended in the place of a reply, and had printed:\n${this.screen}`);
      }
    }
  }

  /** Types lines, each ended by the Enter key. */
  type(...lines: readonly string[]): void {
    for (const line of lines) this.#child.stdin.write(`${line}\n`);
  }

  /** Types a line and reads the reply to it. */
  async say(line: string): Promise<string> {
    this.type(line);
    return this.reply();
  }

  /** Ctrl-D: nothing more will be typed. Returns when the program has ended. */
  async leave(): Promise<void> {
    this.#child.stdin.end();
    await this.#within("the end", this.#exit);
  }

  /** Ends the program if it has not ended by itself. */
  async end(): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#exit;
  }

  async #within<T>(what: string, work: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(new Error(`no sign of ${what} for ten seconds; so far there was:\n${this.screen}`));
      }, 10_000);
    });
    return Promise.race([work, late]).finally(() => clearTimeout(timer));
  }
}

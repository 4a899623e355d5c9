import type { Question, Reply } from "@sansmtp/core";
import { failed } from "./defaults.ts";

/** Who asks: the pump. */
export interface Asker {
  /** Goes on with what a promise came to. */
  later(outcome: () => void): void;
  /** Tells of what went wrong on this side. */
  report(error: unknown): void;
}

/** How a pump asks an application, which may throw, take its time, and answer with what cannot be. */
export class Deciding {
  readonly #asker: Asker;

  constructor(asker: Asker) {
    this.#asker = asker;
  }

  /** Calls what may throw, return or promise, and goes on with what came of it, now or later. */
  decide<T>(call: () => T | Promise<T>, gave: (value: T) => void, threw: (error: unknown) => void): void {
    let result: T | Promise<T>;
    try {
      result = call();
    } catch (error) {
      return threw(error);
    }
    if (!isPromise(result)) return gave(result);
    Promise.resolve(result).then(
      (value) => this.#asker.later(() => gave(value)),
      (error: unknown) => this.#asker.later(() => threw(error)),
    );
  }

  /**
   * Gives an answer to the session; one that cannot be is the application's fault, which the client need not know.
   *
   * @returns what was given in the end; null when it came too late
   */
  give<T>(question: Question, answer: T, give: (answer: T | Reply) => boolean): T | Reply | null {
    try {
      return give(answer) ? answer : null;
    } catch (error) {
      this.#asker.report(error);
      const instead = failed(question.type);
      return give(instead) ? instead : null;
    }
  }
}

/** Whether it has to be waited for. */
export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

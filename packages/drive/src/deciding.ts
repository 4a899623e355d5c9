import type { Question, Reply } from "@sansmtp/core";
import { failed } from "./defaults.ts";
import type { MessageAnswer } from "./handlers.ts";

/** Who asks: the pump. */
export interface Asker {
  /** Goes on with what a promise came to. */
  later<T>(outcome: (value: T) => void, value: T): void;
  /**
   * Gives a verdict to the session, the whole of it or that for one recipient; false: it came too late.
   *
   * @throws {UsageError} when there can be no such answer
   */
  give(question: Question, index: number | null, answer: MessageAnswer): boolean;
  /** Tells of what went wrong on this side. */
  report(error: unknown): void;
}

/** How a pump asks an application, which may throw, take its time, and answer with what cannot be. */
export class Deciding {
  readonly #asker: Asker;

  constructor(asker: Asker) {
    this.#asker = asker;
  }

  /** Goes on with what was promised when it is there. */
  wait<T>(promise: PromiseLike<T>, gave: (value: T) => void, threw: (error: unknown) => void): void {
    Promise.resolve(promise).then(
      (value) => this.#asker.later(gave, value),
      (error: unknown) => this.#asker.later(threw, error),
    );
  }

  /**
   * Gives an answer to the session; one that cannot be is the application's fault, which the client need not know.
   *
   * @param index which recipient it is for; null: all
   * @returns what was given in the end; null when it came too late
   */
  give<T extends MessageAnswer>(question: Question, index: number | null, answer: T): T | Reply | null {
    try {
      return this.#asker.give(question, index, answer) ? answer : null;
    } catch (error) {
      this.#asker.report(error);
      const instead = failed(question.type);
      return this.#asker.give(question, index, instead) ? instead : null;
    }
  }
}

/** Whether it has to be waited for. */
export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

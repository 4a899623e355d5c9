import {
  type BurlQuestion,
  type MessageQuestion,
  type Millis,
  type Question,
  type Reply,
  reply,
  type ServerSession,
} from "@sansmtp/core";
import type { Authentications } from "./authentication.ts";
import { fill } from "./body.ts";
import type { Connection } from "./connection.ts";
import { failed, isAbort, tlsUnavailable, unhandled } from "./defaults.ts";
import type { Answer, Handler, Handlers, MessageAnswer } from "./handlers.ts";
import type { Parties } from "./parties.ts";
import type { Receiving } from "./receiving.ts";

/** Who asks: the pump. */
export interface Asker {
  readonly session: ServerSession;
  readonly handlers: Handlers;
  readonly connection: Connection;
  readonly receiving: Receiving;
  readonly parties: Parties;
  /** Null: the application has no `authenticate`. */
  readonly authentications: Authentications | null;
  /** There can be TLS on the transport. */
  readonly secures: boolean;
  /** The connection is over: whoever stops for that is right. */
  readonly over: boolean;
  now(): Millis;
  /** Goes on with what a promise came to. */
  later<T>(outcome: (value: T) => void, value: T): void;
  /** Tells of what went wrong on this side. */
  report(error: unknown): void;
}

/** How a pump asks an application, which may throw, take its time, and answer with what cannot be. */
export class Deciding {
  readonly #asker: Asker;

  constructor(asker: Asker) {
    this.#asker = asker;
  }

  /** Asks, and gives the session what was answered, now or later. */
  ask(question: Asked): void {
    const { parties, authentications } = this.#asker;
    if (question.type === "rcpt") this.#asker.receiving.asked(question);
    if (question.type === "connect" && question.proxy !== null) parties.proxied(question.proxy);
    if (question.type === "connect" && question.xclient !== null) parties.presented(question.xclient);
    // What comes instead of a response has cancelled the exchange.
    if (question.type !== "auth") authentications?.abandon();
    let answer: Decision | Promise<Decision>;
    try {
      answer = this.#consult(question);
    } catch (error) {
      return this.#failed(question, error);
    }
    if (!isPromise(answer)) return this.#decided(question, answer);
    this.wait(
      answer,
      (value) => this.#decided(question, value),
      (error) => this.#failed(question, error),
    );
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
      return this.#give(question, index, answer) ? answer : null;
    } catch (error) {
      this.#asker.report(error);
      const instead = failed(question.type);
      return this.#give(question, index, instead) ? instead : null;
    }
  }

  #give(question: Question, index: number | null, answer: MessageAnswer): boolean {
    const { session } = this.#asker;
    const now = this.#asker.now();
    if (index === null) return session.answer(question.id, answer, now);
    return session.answerRecipient(question.id, index, answer as Answer, now);
  }

  #consult(question: Asked): Decision | Promise<Decision> {
    const { authentications, handlers, secures, connection } = this.#asker;
    if (question.type === "auth" && authentications !== null) return authentications.respond(question);
    if (question.type === "starttls" && !secures) return tlsUnavailable;
    const handler = handlers[question.type] as Handler<Question, Decision> | undefined;
    return handler === undefined ? unhandled(question.type) : handler(question, connection);
  }

  #decided(question: Asked, answer: Decision): void {
    if (question.type === "burl" && isIterable(answer)) this.#append(question, answer);
    else this.#answer(question, answer as Answer);
  }

  #failed(question: Asked, error: unknown): void {
    if (!this.#asker.over || !isAbort(error)) this.#asker.report(error);
    this.#answer(question, failed(question.type));
  }

  #answer(question: Asked, answer: Answer): void {
    const given = this.give<Reply>(question, null, answer ?? question.reply);
    if (given === null) return;
    const { parties, authentications } = this.#asker;
    if (question.type === "mail" || question.type === "rcpt") this.#asker.receiving.answered(question, given);
    if (question.type === "auth" && given.code === 235) parties.identity = authentications?.identity ?? null;
  }

  /** Puts content that the application fetches behind what has come so far (RFC 4468). */
  #append(question: BurlQuestion, content: AsyncIterable<Uint8Array>): void {
    const reception = this.#asker.receiving.begun();
    this.wait(
      fill(reception.body, content),
      () => this.#answer(question, fetched),
      (error) => {
        if (reception.aborted === null || !isAbort(error)) this.#asker.report(error);
        this.#answer(question, failed(question.type));
      },
    );
  }
}

/** For the verdict on a message see {@link Receiving}. */
type Asked = Exclude<Question, MessageQuestion>;

/** What a handler may answer: content in place of a reply where the question is for content. */
type Decision = Answer | AsyncIterable<Uint8Array>;

function isIterable(value: unknown): value is AsyncIterable<Uint8Array> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

/** Whether it has to be waited for. */
export function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

/** RFC 4468 §3. */
const fetched = reply(250, "2.5.0", "Ok");

import type { Envelope, MessageQuestion, Question, Reply, ServerSession } from "@sansmtp/core";
import type { AbortCause } from "./body.ts";
import type { Connection } from "./connection.ts";
import type { Deciding } from "./deciding.ts";
import { failed, isAbort } from "./defaults.ts";
import type { Answer, Handlers, MessageAnswer } from "./handlers.ts";
import { Reception } from "./reception.ts";
import { Transaction } from "./transaction.ts";

/** What receiving needs of the pump. */
export interface Receiver {
  readonly session: ServerSession;
  readonly handlers: Handlers;
  readonly connection: Connection;
  readonly deciding: Deciding;
  now(): number;
  /** Goes on: a piece of content was taken, or a verdict given. */
  run(): void;
  report(error: unknown): void;
}

/** The transaction of a connection, and the message that comes in it. */
export class Receiving {
  readonly #receiver: Receiver;
  readonly #transaction: Transaction = new Transaction();
  #reception: Reception | null = null;

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
  }

  get envelope(): Envelope | null {
    return this.#transaction.envelope;
  }

  /** A piece of content waits for its reader. */
  get full(): boolean {
    return this.#reception?.body.full === true;
  }

  asked(question: Question): void {
    this.#transaction.asked(question);
  }

  answered(question: Question, reply: Reply): void {
    const forwarded = question.type === "mail" ? this.#receiver.session.envelope.forwarded : null;
    this.#transaction.answered(question, reply, forwarded);
  }

  content(octets: Uint8Array): void {
    const reception = this.begun();
    // Full and yet polled: the session is being ended, and the message with it.
    if (reception.body.full) reception.abort("closed");
    else reception.body.push(octets);
  }

  whole(question: MessageQuestion): void {
    const reception = this.begun();
    reception.whole(question);
    this.#settled(reception);
  }

  /** Nobody waits for the message any more, and the transaction is over. */
  abort(cause: AbortCause): void {
    this.#reception?.abort(cause);
    this.#end();
  }

  /** The message that is coming; it begins with its first content. */
  begun(): Reception {
    if (this.#reception !== null) return this.#reception;
    const receiver = this.#receiver;
    const { session, handlers, connection, deciding } = receiver;
    const { envelope } = this;
    if (envelope === null) throw new Error("bug: content without a transaction");
    const perRecipient = session.settings.lmtp || envelope.parameters.prdr;
    const reception: Reception = new Reception(envelope, session.protocol, perRecipient, {
      taken: () => receiver.run(),
      verdict: (question, index, reply) => this.#verdict(reception, question, index, reply),
    });
    this.#reception = reception;
    deciding.decide<MessageAnswer>(
      () => handlers.message?.(reception.message, connection),
      (answer) => {
        reception.settle(answer);
        this.#settled(reception);
      },
      (error) => {
        if (reception.aborted === null || !isAbort(error)) receiver.report(error);
        reception.settle(failed("message"));
        this.#settled(reception);
      },
    );
    return reception;
  }

  /** Gives the verdict when the message is whole and the handler has returned, if it is still waited for. */
  #settled(reception: Reception): void {
    const { question, outcome, aborted } = reception;
    if (reception !== this.#reception || aborted !== null) return;
    if (question === null || outcome === null) return;
    this.#end();
    const receiver = this.#receiver;
    receiver.deciding.give(question, outcome.answer, (answer) =>
      receiver.session.answer(question.id, answer, receiver.now()),
    );
  }

  #verdict(reception: Reception, question: MessageQuestion, index: number, reply: Answer): boolean {
    const receiver = this.#receiver;
    const given = receiver.deciding.give(question, reply, (verdict) =>
      receiver.session.answerRecipient(question.id, index, verdict, receiver.now()),
    );
    const counts = given !== null;
    // With the last verdict the session goes on, whether the handler has returned or not.
    if (counts && --reception.undecided === 0 && reception === this.#reception) this.#end();
    receiver.run();
    return counts;
  }

  #end(): void {
    this.#reception = null;
    this.#transaction.end();
  }
}

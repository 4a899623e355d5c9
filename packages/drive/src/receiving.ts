import type {
  Envelope,
  MailQuestion,
  MessageQuestion,
  RcptQuestion,
  Reply,
  ServerSession,
} from "@sansmtp/core";
import type { AbortCause } from "./body.ts";
import type { Connection } from "./connection.ts";
import { type Deciding, isPromise } from "./deciding.ts";
import { failed, isAbort } from "./defaults.ts";
import type { Answer, Handlers, MessageAnswer } from "./handlers.ts";
import { Reception, type Receptionist } from "./reception.ts";
import { Transaction } from "./transaction.ts";

/** What receiving needs of the pump. */
export interface Receiver {
  readonly session: ServerSession;
  readonly handlers: Handlers;
  readonly connection: Connection;
  readonly deciding: Deciding;
  /** Goes on: a piece of content was taken, or a verdict given. */
  run(): void;
  report(error: unknown): void;
}

/** The transaction of a connection, and the message that comes in it. */
export class Receiving implements Receptionist {
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

  asked(question: RcptQuestion): void {
    this.#transaction.asked(question);
  }

  answered(question: MailQuestion | RcptQuestion, reply: Reply): void {
    const forwarded = question.type === "mail" ? this.#receiver.session.envelope.forwarded : null;
    this.#transaction.answered(question, reply, forwarded);
  }

  content(octets: Uint8Array): void {
    const reception = this.#reception;
    if (reception === null) this.#begin(octets);
    // Full and yet polled: the session is being ended, and the message with it.
    else if (reception.body.full) reception.abort("closed");
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
    return this.#reception ?? this.#begin(null);
  }

  /** @param first is in the body before the handler is called, so that it need not wait for it */
  #begin(first: Uint8Array | null): Reception {
    const { session, handlers, connection, deciding } = this.#receiver;
    const { envelope } = this;
    if (envelope === null) throw new Error("bug: content without a transaction");
    const perRecipient = session.settings.lmtp || envelope.parameters.prdr;
    const reception = new Reception(envelope, session.protocol, perRecipient, this);
    this.#reception = reception;
    if (first !== null) reception.body.push(first);
    let answer: MessageAnswer | Promise<MessageAnswer>;
    try {
      answer = handlers.message?.(reception.message, connection);
    } catch (error) {
      this.#threw(reception, error);
      return reception;
    }
    if (!isPromise(answer)) this.#returned(reception, answer);
    else
      deciding.wait(
        answer,
        (value) => this.#returned(reception, value),
        (error) => this.#threw(reception, error),
      );
    return reception;
  }

  #returned(reception: Reception, answer: MessageAnswer): void {
    reception.settle(answer);
    this.#settled(reception);
  }

  #threw(reception: Reception, error: unknown): void {
    if (reception.aborted === null || !isAbort(error)) this.#receiver.report(error);
    this.#returned(reception, failed("message"));
  }

  /** Gives the verdict when the message is whole and the handler has returned, if it is still waited for. */
  #settled(reception: Reception): void {
    const { question, outcome, aborted } = reception;
    if (reception !== this.#reception || aborted !== null) return;
    if (question === null || outcome === null) return;
    this.#end();
    this.#receiver.deciding.give(question, null, outcome.answer);
  }

  taken(): void {
    this.#receiver.run();
  }

  verdict(reception: Reception, question: MessageQuestion, index: number, reply: Answer): boolean {
    const counts = this.#receiver.deciding.give(question, index, reply) !== null;
    // With the last verdict the session goes on, whether the handler has returned or not.
    if (counts && --reception.undecided === 0 && reception === this.#reception) this.#end();
    this.#receiver.run();
    return counts;
  }

  #end(): void {
    this.#reception = null;
    this.#transaction.end();
  }
}

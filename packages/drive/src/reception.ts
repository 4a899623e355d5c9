import { type Content, type Envelope, type MessageQuestion, UsageError } from "@sansmtp/core";
import { type AbortCause, Body, MessageAborted } from "./body.ts";
import type { Answer, Message, MessageAnswer } from "./handlers.ts";

/** Who receives, for all that is of no message alone. */
export interface Receptionist {
  /** The body can take another piece. */
  taken(): void;
  /** Gives the verdict for one recipient, which is asked for. */
  verdict(reception: Reception, question: MessageQuestion, index: number, reply: Answer): boolean;
}

/**
 * A message that is being received: the meeting of the session, which gives content and at last asks for the
 * verdict, and the handler, which reads and at last returns it. Either may be first.
 */
export class Reception {
  readonly body: Body;
  /** What the handler gets. */
  readonly message: Message;
  /** The question, once the message is whole. */
  question: MessageQuestion | null = null;
  /** What the handler returned, once it has. */
  outcome: { readonly answer: MessageAnswer } | null = null;
  /** Why nobody waits for the outcome any more. */
  aborted: MessageAborted | null = null;
  /** LMTP or PRDR: recipients without a verdict. */
  undecided: number;
  readonly #receptionist: Receptionist;
  #controller: AbortController | null = null;
  /** Likewise: verdicts that were known before they were asked for. */
  #early: Map<number, Answer> | null = null;

  constructor(envelope: Envelope, protocol: string, perRecipient: boolean, receptionist: Receptionist) {
    this.undecided = envelope.recipients.length;
    this.#receptionist = receptionist;
    this.body = new Body(receptionist);
    this.message = new ReceivedMessage(this, envelope, protocol, perRecipient);
  }

  /** The message is whole: gives the verdicts that are known, and tells the reader. */
  whole(question: MessageQuestion): void {
    this.question = question;
    for (const [index, reply] of this.#early ?? []) this.#receptionist.verdict(this, question, index, reply);
    this.#early = null;
    this.body.end();
  }

  /** The handler has returned. */
  settle(answer: MessageAnswer): void {
    this.outcome = { answer };
    if (this.question === null) this.body.abort(new MessageAborted("answered"));
  }

  /** Nobody waits for the verdict any more. */
  abort(cause: AbortCause): void {
    this.aborted = new MessageAborted(cause);
    this.body.abort(this.aborted);
    this.#controller?.abort(this.aborted);
  }

  /** The verdict for one recipient, from the application. */
  decide(index: number, reply: Answer): boolean {
    if (this.aborted !== null) return false;
    if (this.question !== null) return this.#receptionist.verdict(this, this.question, index, reply);
    this.#early ??= new Map();
    if (this.#early.has(index)) return false;
    this.#early.set(index, reply);
    return true;
  }

  /** Most messages need none, so it is made when it is asked for. */
  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.aborted !== null) this.#controller.abort(this.aborted);
    return this.#controller.signal;
  }
}

/** What a handler sees of a reception. */
class ReceivedMessage implements Message {
  readonly from: Envelope["from"];
  readonly parameters: Envelope["parameters"];
  readonly recipients: Envelope["recipients"];
  readonly forwarded: Envelope["forwarded"];
  readonly protocol: string;
  readonly body: Body;
  readonly #reception: Reception;
  readonly #perRecipient: boolean;

  constructor(reception: Reception, envelope: Envelope, protocol: string, perRecipient: boolean) {
    this.from = envelope.from;
    this.parameters = envelope.parameters;
    this.recipients = envelope.recipients;
    this.forwarded = envelope.forwarded;
    this.protocol = protocol;
    this.body = reception.body;
    this.#reception = reception;
    this.#perRecipient = perRecipient;
  }

  /** A value, so that it can be taken out of the message. */
  get verdict(): Message["verdict"] {
    return (index, reply) => {
      if (!this.#perRecipient)
        throw new UsageError("verdict: only LMTP and PRDR have one for each recipient");
      if (!(index in this.recipients)) throw new UsageError(`verdict: there is no recipient ${index}`);
      return this.#reception.decide(index, reply);
    };
  }

  get content(): Content | null {
    return this.#reception.question?.content ?? null;
  }

  get signal(): AbortSignal {
    return this.#reception.signal;
  }
}

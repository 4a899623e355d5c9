import {
  type Envelope,
  type MailQuestion,
  type RcptQuestion,
  type Recipient,
  type Reply,
  replyClass,
} from "@sansmtp/core";

/**
 * What was accepted of a transaction so far. The session knows it too, but may have put an end to it by the time
 * that the content is handed out.
 */
export class Transaction {
  #sender: Pick<Envelope, "from" | "parameters" | "forwarded"> | null = null;
  /** The RCPTs in their order, and of each what was accepted: answers may come in another. */
  #asked: RcptQuestion[] = [];
  #recipients: (Recipient | null)[] = [];

  get envelope(): Envelope | null {
    if (this.#sender === null) return null;
    const { from, parameters, forwarded } = this.#sender;
    // A copy is as long as what it is of; what a filter lets through is given room for more.
    const recipients = this.#recipients.every(isThere)
      ? [...this.#recipients]
      : this.#recipients.filter(isThere);
    return { from, parameters, recipients, forwarded };
  }

  asked(question: RcptQuestion): void {
    // Most have one, and room for one is not room for seventeen, which a push would make.
    if (this.#asked.length === 0) {
      this.#asked = [question];
      this.#recipients = [null];
    } else {
      this.#asked.push(question);
      this.#recipients.push(null);
    }
  }

  /** @param forwarded what XFORWARD has told of a transaction that begins */
  answered(question: MailQuestion | RcptQuestion, reply: Reply, forwarded: Envelope["forwarded"]): void {
    if (replyClass(reply) !== 2) return;
    if (question.type === "mail") return this.#begin(question, forwarded);
    // The one that was asked last, as long as they are asked one by one.
    const at = this.#asked.lastIndexOf(question);
    if (at >= 0) this.#recipients[at] = { to: this.#asked[at].to, parameters: this.#asked[at].parameters };
  }

  end(): void {
    this.#sender = null;
    if (this.#asked.length === 0) return;
    this.#asked = [];
    this.#recipients = [];
  }

  #begin({ from, parameters }: MailQuestion, forwarded: Envelope["forwarded"]): void {
    this.end();
    this.#sender = { from, parameters, forwarded };
  }
}

function isThere(recipient: Recipient | null): recipient is Recipient {
  return recipient !== null;
}

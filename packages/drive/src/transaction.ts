import {
  type Envelope,
  type MailQuestion,
  type Question,
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
  /** The RCPTs in their order, each with what became of it: answers may come in another. */
  #recipients = new Map<RcptQuestion, Recipient | null>();

  get envelope(): Envelope | null {
    if (this.#sender === null) return null;
    const recipients = [...this.#recipients.values()].filter((recipient) => recipient !== null);
    return { ...this.#sender, recipients };
  }

  asked(question: Question): void {
    if (question.type === "rcpt") this.#recipients.set(question, null);
  }

  answered(question: Question, reply: Reply, forwarded: Envelope["forwarded"]): void {
    if (replyClass(reply) !== 2) return;
    if (question.type === "mail") this.#begin(question, forwarded);
    else if (question.type === "rcpt" && this.#recipients.has(question)) {
      this.#recipients.set(question, { to: question.to, parameters: question.parameters });
    }
  }

  end(): void {
    this.#sender = null;
    this.#recipients.clear();
  }

  #begin({ from, parameters }: MailQuestion, forwarded: Envelope["forwarded"]): void {
    this.end();
    this.#sender = { from, parameters, forwarded };
  }
}

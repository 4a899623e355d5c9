import { formatMailbox, parseAddress } from "@sansmtp/core";
import type { AcceptedMessage, SentMessage, Wired } from "@sansmtp/testing";

/** What is wrong between what the client says and what the server's application accepted. */
export interface Disagreements {
  /** Claimed as accepted, and nobody took responsibility: the mail is gone. */
  readonly lost: readonly string[];
  /** Said to be not accepted, and it was: sent again, it comes twice. */
  readonly doubled: readonly string[];
  /** Accepted with another content or sender, or more often than once. */
  readonly altered: readonly string[];
  /** No outcome at all. */
  readonly silent: readonly string[];
}

/** Compares them, recipient by recipient. `unknown` may be either. Messages are told apart by their `Id` line. */
export function disagreements({ sent, accepted }: Pick<Wired, "sent" | "accepted">): Disagreements {
  const found = {
    lost: [] as string[],
    doubled: [] as string[],
    altered: [] as string[],
    silent: [] as string[],
  };
  for (const one of sent) {
    const taken = accepted.filter((each) => idOf(each.text) === idOf(textOf(one)));
    if (one.outcomes === null) found.silent.push(idOf(textOf(one)));
    if (taken.some((each) => !isSame(one, each))) found.altered.push(idOf(textOf(one)));
    one.outcomes?.forEach((outcome, at) => {
      const name = `${idOf(textOf(one))} to[${at}]`;
      const to = canonical(one.message.to[at]);
      const times = taken.flatMap((each) => each.to).filter((address) => address === to).length;
      const named = one.message.to.filter((each) => canonical(each) === to).length;
      if (times > named) found.altered.push(name);
      if (outcome.status === "accepted" && times === 0) found.lost.push(name);
      if (named === 1 && times > 0 && outcome.status !== "accepted" && outcome.status !== "unknown")
        found.doubled.push(name);
    });
  }
  return found;
}

/** Nothing is wrong. */
export const agreement: Disagreements = { lost: [], doubled: [], altered: [], silent: [] };

function isSame({ message }: SentMessage, taken: AcceptedMessage): boolean {
  const from = message.from === null ? null : canonical(message.from);
  return from === taken.from && textOf({ message }) === taken.text;
}

/** An address as the server's application is shown it. */
function canonical(address: unknown): string {
  const mailbox = parseAddress(String(address));
  if (mailbox === null) throw new Error(`not an address: ${address}`);
  return formatMailbox(mailbox);
}

function textOf({ message }: Pick<SentMessage, "message">): string {
  const pieces = Array.isArray(message.content) ? message.content : [message.content];
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece as string))).toString("latin1");
}

function idOf(text: string): string {
  return /^Id: (.*)\r$/m.exec(text)?.[1] ?? `no id in ${JSON.stringify(text)}`;
}

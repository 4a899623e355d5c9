import type { Failure, Outcome, ReceivedReply } from "@sansmtp/core";
import type { Source } from "./client-body.ts";

/** Why a session is over, or of no use. */
export interface Failed {
  readonly failure: Failure;
  readonly reply: ReceivedReply | null;
}

/** A transaction that was asked of the session. */
export interface TransactionJob {
  readonly kind: "transaction";
  readonly source: Source;
  /** Places of recipients that the server has no room for in this transaction. */
  readonly tooMany: number[];
  error: unknown;
  done(outcomes: readonly Outcome[]): void;
}

/** A command, likewise. */
export interface CommandJob {
  readonly kind: "command";
  replied(reply: ReceivedReply): void;
  /** ATRN: the roles have turned. */
  readonly turned?: () => void;
  skipped(failure: Failure, reply: ReceivedReply | null): void;
}

/** What was asked of the session, and who waits for it. */
export type Job = TransactionJob | CommandJob;

/** What became of a transaction. */
export interface Done {
  readonly outcomes: readonly Outcome[];
  readonly tooMany: readonly number[];
  readonly error: unknown;
}

/** 452, and of old 552, mean that there are too many recipients (RFC 5321 §4.5.3.1.10), unless they say otherwise. */
export function isTooMany({ code, enhanced }: ReceivedReply): boolean {
  return (code === 452 || code === 552) && (enhanced === null || /^[45]\.5\.3$/.test(enhanced));
}

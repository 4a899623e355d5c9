import {
  type Addressee,
  type Capabilities,
  type Failure,
  isSafeToRetry,
  type Mailbox,
  type Outcome,
  type OutgoingEnvelope,
  type Reason,
} from "@sansmtp/core";
import type { OutgoingBody, Source } from "./client-body.ts";

/** A message to be sent. */
export interface OutgoingMessage extends Omit<OutgoingEnvelope, "to" | "body"> {
  /** One recipient, or more. */
  readonly to: Recipient | readonly Recipient[];
  /** The content. */
  readonly body: OutgoingBody;
  /**
   * What the content is. Content in memory is looked at. A stream is taken for `8BITMIME` where the server has that, and
   * else for `7BIT`; `BINARYMIME` is never guessed.
   */
  readonly bodyType?: "7BIT" | "8BITMIME" | "BINARYMIME";
  /** Gives the message up. See {@link Client.send} for what that can still change. */
  readonly signal?: AbortSignal;
}

/** An address as it is typed, or in parts, or with parameters of its own. */
export type Recipient = string | Mailbox | Addressee;

/** What became of a message. */
export interface Sent {
  /** For each recipient, in the order of `to`. */
  readonly outcomes: readonly Outcome[];
  /** Nobody can have got it: all of it can be sent again. */
  readonly safeToRetry: boolean;
  /** Recipients, as they were given, by their outcome. */
  readonly accepted: readonly Recipient[];
  readonly refused: readonly Recipient[];
  readonly deferred: readonly Recipient[];
  readonly unknown: readonly Recipient[];
  readonly notTried: readonly Recipient[];
  /** What reading the body threw; null: nothing. */
  readonly error: unknown;
}

/** The recipients of a message, as a list. */
export function recipientsOf({ to }: OutgoingMessage): readonly Recipient[] {
  return Array.isArray(to) ? (to as readonly Recipient[]) : [to as Recipient];
}

/** What is told of a message that was dealt with. */
export function sentOf(to: readonly Recipient[], outcomes: readonly Outcome[], error: unknown): Sent {
  const those = (status: Outcome["status"]): Recipient[] =>
    to.filter((_, index) => outcomes[index].status === status);
  return {
    outcomes,
    safeToRetry: isSafeToRetry(outcomes),
    accepted: those("accepted"),
    refused: those("refused"),
    deferred: those("deferred"),
    unknown: those("unknown"),
    notTried: those("notTried"),
    error,
  };
}

/** The outcomes of a message that nothing was done for. */
export function notTried(to: readonly unknown[], reason: Reason): Outcome[] {
  return to.map(() => ({ status: "notTried", reason }));
}

/** The envelope of a message for some of its recipients, at a server that offers this. */
export function envelopeFor(
  message: OutgoingMessage,
  to: readonly Recipient[],
  { survey }: Source,
  capabilities: Capabilities,
): OutgoingEnvelope {
  const { bodyType, from, burl, forwarded, ret, envid, auth, by, holdFor, holdUntil } = message;
  const { priority, requireTls, solicit, track, other } = message;
  const guessed = survey === null ? capabilities["8bitmime"] : survey.eightBit;
  // Each by its name, since to spread a message and put others in its place is slow. The types see to it that none is missing.
  return {
    from,
    to,
    size: message.size ?? survey?.size,
    body: bodyType ?? (guessed ? "8BITMIME" : "7BIT"),
    smtputf8: message.smtputf8 ?? survey?.utf8Header ?? false,
    burl,
    forwarded,
    ret,
    envid,
    auth,
    by,
    holdFor,
    holdUntil,
    priority,
    requireTls,
    solicit,
    track,
    other,
  } satisfies Required<{ [name in keyof OutgoingEnvelope]: unknown }> as OutgoingEnvelope;
}

/** Why a message was given up. */
export const abandoned: Failure = { code: "abandoned", detail: "given up by the caller" };

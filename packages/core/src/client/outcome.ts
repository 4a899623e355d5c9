import type { ReceivedReply } from "../syntax/replies.ts";

/**
 * What became of one recipient of a transaction.
 *
 * `accepted`: the server has taken responsibility (RFC 5321 §4.2.5). `refused`, `deferred`: it has said 5yz, 4yz.
 * `unknown`: everything was sent, and the verdict never came: the message may be delivered, and sending it again may
 * double it (RFC 1047). `notTried`: the server cannot have accepted it, for a reason that is not its verdict on this
 * recipient.
 */
export type Outcome =
  | { readonly status: "accepted" | "refused" | "deferred"; readonly reply: ReceivedReply }
  | {
      readonly status: "unknown";
      readonly phase: "verdict";
      readonly reply: ReceivedReply | null;
      readonly reason: FailureCode;
    }
  | { readonly status: "notTried"; readonly reason: Reason };

/** Why something was not tried: a reply to something before it, or a failure. */
export type Reason = ReceivedReply | Failure;

/** A failure that is not a reply. */
export interface Failure {
  readonly code: FailureCode;
  /** In plain words. */
  readonly detail: string;
}

/** Failures by their stable name. */
export type FailureCode =
  // The connection.
  | "unreachable"
  | "lost"
  | "ended"
  | "timeout"
  | "no-greeting"
  | "closed-by-server"
  | "closed"
  // The wrong door.
  | "tls-on-plain-port"
  | "plain-on-tls-port"
  | "http"
  | "imap"
  | "pop3"
  | "ssh"
  | "not-smtp"
  // The server.
  | "greeting-refused"
  | "hello-refused"
  | "reply-syntax"
  | "reply-unsolicited"
  | "reply-unexpected"
  // TLS, AUTH.
  | "tls-not-offered"
  | "tls-refused"
  | "tls-failed"
  | "tls-injection"
  | "turn-injection"
  | "auth-not-offered"
  | "auth-in-the-clear"
  | "auth-refused"
  | "xclient-refused"
  | "atrn-refused"
  // What the message needs and the server lacks.
  | "size-exceeded"
  | "8bitmime-missing"
  | "binarymime-missing"
  | "smtputf8-missing"
  | "chunking-missing"
  | "dsn-missing"
  | "requiretls-missing"
  | "extension-missing"
  | "limit-exceeded"
  // The message itself.
  | "content-bare-cr"
  | "content-bare-lf"
  | "content-long-line"
  | "content-8bit"
  | "abandoned";

/** Whether nobody can have got the message, so that all of it can be sent again. */
export function isSafeToRetry(outcomes: readonly Outcome[]): boolean {
  return outcomes.every(({ status }) => status !== "accepted" && status !== "unknown");
}

/** Why something was not tried: a reply that was out of place is no reason, when it says that all is well. */
export function whyNotTried(reason: Failure, reply: ReceivedReply | null): Reason {
  return reply !== null && reply.code >= 400 ? reply : reason;
}

/** The outcome that a reply of the server is for a recipient, by its first digit (RFC 5321 §4.2.1). */
export function verdict(reply: ReceivedReply): Outcome {
  const digit = Math.trunc(reply.code / 100);
  return { status: digit === 2 ? "accepted" : digit === 5 ? "refused" : "deferred", reply };
}

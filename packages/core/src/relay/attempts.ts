import type { FailureCode, Outcome } from "../client/outcome.ts";
import { type Reply, reply } from "../reply.ts";

/**
 * What is to be done about a recipient next (RFC 5321 §5.1, §4.2.1).
 *
 * `done`: it was delivered. `next`: try the next target now. `again`: the same target takes it in a transaction or
 * on a connection of its own (RFC 9422). `retry`: later, from the start. `return`: never; the sender is to be told.
 */
export type Step = "done" | "next" | "again" | "retry" | "return";

/** What a relay and its operator may choose. */
export interface StepPolicy {
  /** After a 4yz for the recipient: try the next target at once, or wait as that reply asks? Default `retry`. */
  readonly deferred?: "next" | "retry";
  /** When every target has refused the connection with 5yz: return, or hope for better days? Default `return`. */
  readonly refusedByAll?: "return" | "retry";
}

/**
 * What follows on the attempts so far.
 *
 * A reply to the recipient's own transaction is about the recipient: 5yz is final, and no other host is asked. What
 * befell the connection before that is about the host: the next one is tried. Where the content was sent and no
 * verdict came nobody is asked now, for a second host would deliver it a second time (RFC 1047).
 *
 * @param attempts the outcomes of this recipient, one for each target that was tried, in order
 * @param left how many targets have not been tried
 */
export function nextStep(attempts: readonly Outcome[], left: number, policy: StepPolicy = {}): Step {
  const last = attempts[attempts.length - 1];
  if (last === undefined) return left > 0 ? "next" : "retry";
  switch (last.status) {
    case "accepted":
      return "done";
    case "refused":
      // The host wants a login or TLS of this client (RFC 4954 §6): a fault in the setup, not in the message.
      return last.reply.code === 530 ? "retry" : "return";
    case "deferred":
      return left > 0 ? (policy.deferred ?? "retry") : "retry";
    case "unknown":
      return "retry";
  }
  const { reason } = last;
  const scope = "lines" in reason ? "host" : failures[reason.code].scope;
  if (scope !== "host" && scope !== "extension") return scope;
  if (left > 0) return "next";
  // 521 is said by hosts that never take mail (RFC 7504 §4): by the only one there is, that is the end.
  const permanent = attempts.every((attempt) => isPermanent(attempt, policy.refusedByAll ?? "return"));
  return permanent ? "return" : "retry";
}

function isPermanent(outcome: Outcome, refusedByAll: "return" | "retry"): boolean {
  if (outcome.status !== "notTried") return false;
  const { reason } = outcome;
  if (!("lines" in reason)) return failures[reason.code].scope === "extension";
  return reason.code === 521 || (reason.code >= 500 && refusedByAll === "return");
}

/**
 * The reply that says of an outcome what a server would have said: for a notification, or a session that waits.
 *
 * @returns the server's own reply where there is one
 */
export function outcomeReply(outcome: Outcome): Reply {
  switch (outcome.status) {
    case "unknown":
      return outcome.reply ?? failures[outcome.reason].reply;
    case "notTried":
      return "lines" in outcome.reason ? outcome.reason : failures[outcome.reason.code].reply;
    default:
      return outcome.reply;
  }
}

/** `host`: another may do better. `extension`: another may offer it; a matter of the message if none does. */
type Scope = "host" | "extension" | Exclude<Step, "done" | "next">;

const unreachable = { scope: "host", reply: reply(451, "4.4.1", "No answer from the host") } as const;
const lost = { scope: "host", reply: reply(451, "4.4.2", "The connection was lost") } as const;
const noServer = { scope: "host", reply: reply(451, "4.4.0", "The host does not speak SMTP there") } as const;
const outOfStep = {
  scope: "host",
  reply: reply(451, "4.5.0", "The host does not keep to the protocol"),
} as const;
const noTls = { scope: "host", reply: reply(451, "4.7.0", "No TLS with the host") } as const;
const noAuth = { scope: "host", reply: reply(451, "4.7.0", "No authentication at the host") } as const;
const badContent = {
  scope: "return",
  reply: reply(554, "5.6.0", "The content cannot be sent as it is"),
} as const;
const lacking = { scope: "extension", reply: reply(554, "5.3.3", "The host lacks an extension") } as const;

/** For each failure, on whom it reflects, and what it is in the words of SMTP. */
const failures: Readonly<Record<FailureCode, { readonly scope: Scope; readonly reply: Reply }>> = {
  unreachable,
  lost,
  ended: lost,
  timeout: lost,
  "no-greeting": unreachable,
  "closed-by-server": lost,
  closed: { ...lost, scope: "retry" },
  "tls-on-plain-port": noServer,
  "plain-on-tls-port": noServer,
  http: noServer,
  imap: noServer,
  pop3: noServer,
  ssh: noServer,
  "not-smtp": noServer,
  "greeting-refused": unreachable,
  "hello-refused": unreachable,
  "reply-syntax": outOfStep,
  "reply-unsolicited": outOfStep,
  "reply-unexpected": outOfStep,
  "tls-not-offered": noTls,
  "tls-refused": noTls,
  "tls-failed": noTls,
  "tls-injection": noTls,
  "turn-injection": outOfStep,
  "auth-not-offered": noAuth,
  "auth-in-the-clear": noAuth,
  "auth-refused": noAuth,
  "xclient-refused": noAuth,
  "atrn-refused": noAuth,
  // RFC 1870 §7: the next host would have to be let down, too.
  "size-exceeded": { scope: "return", reply: reply(552, "5.3.4", "Message too big for the host") },
  "8bitmime-missing": { scope: "extension", reply: reply(554, "5.6.3", "The host takes no 8-bit content") },
  "binarymime-missing": {
    scope: "extension",
    reply: reply(554, "5.6.3", "The host takes no binary content"),
  },
  "smtputf8-missing": { scope: "extension", reply: reply(553, "5.6.7", "The host takes no UTF-8 addresses") },
  "chunking-missing": lacking,
  "dsn-missing": lacking,
  "requiretls-missing": {
    scope: "extension",
    reply: reply(550, "5.7.30", "REQUIRETLS: the host will not do"),
  },
  "extension-missing": lacking,
  "limit-exceeded": { scope: "again", reply: reply(452, "4.5.3", "No more of it at a time") },
  "content-bare-cr": badContent,
  "content-bare-lf": badContent,
  "content-long-line": badContent,
  "content-8bit": badContent,
  abandoned: { scope: "retry", reply: reply(451, "4.3.0", "Sending was abandoned") },
};

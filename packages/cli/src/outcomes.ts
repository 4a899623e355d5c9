import type { FailureCode } from "@sansmtp/core";
import type { Outcome, Sent } from "@sansmtp/node";
import type { exitCodes } from "./exit.ts";
import { jsonLine } from "./journal.ts";
import { visibleText } from "./visible.ts";

/** What became of each recipient, a line each, in columns. */
export function table(to: readonly string[], { outcomes }: Sent): string {
  const rows = outcomes.map((outcome, index) => [
    words[outcome.status],
    visibleText(to[index]!),
    reasonOf(outcome),
  ]);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map(
      ([status, address, reason]) =>
        `${status!.padEnd(widths[0]!)}  ${address!.padEnd(widths[1]!)}  ${reason}\n`,
    )
    .join("");
}

/** The same as one JSON object on a line. */
export function json(to: readonly string[], { outcomes, safeToRetry }: Sent): string {
  const recipients = outcomes.map((outcome, index) => {
    const reply = replyOf(outcome);
    return {
      to: to[index],
      status: outcome.status,
      code: reply?.code ?? null,
      enhanced: reply?.enhanced ?? null,
      text: reply?.lines.join("\n") ?? null,
      failure: reply === null ? failureOf(outcome) : null,
    };
  });
  return jsonLine({ safeToRetry, recipients });
}

/** The exit code for what became of a message, and why; null: all is well. */
export function exitOf({
  outcomes,
}: Sent): { readonly reason: keyof typeof exitCodes; readonly message: string } | null {
  const count = (test: (outcome: Outcome) => boolean): number => outcomes.filter(test).length;
  const of = (some: number): string => `for ${some} of ${outcomes.length}`;
  const unknown = count(({ status }) => status === "unknown");
  const refused = count((outcome) => outcome.status === "refused" || isForGood(outcome));
  const closed = count(isClosed);
  const later = count(({ status }) => status !== "accepted") - unknown - refused;
  if (unknown > 0) {
    const message = `the verdict never came ${of(unknown)}: it may have arrived, and may come twice if it is sent again`;
    return { reason: "inputOutput", message };
  }
  if (closed > 0)
    return { reason: "noPermission", message: "the server wants a login, or TLS, before it takes mail" };
  if (later > 0) return { reason: "temporary", message: `it did not work now ${of(later)}, and may later` };
  return refused > 0 ? { reason: "data", message: `refused for good ${of(refused)}` } : null;
}

/** The exit code for a session that failed before anything could be sent. */
export function exitOfFailure(code: FailureCode, reply: number | null): keyof typeof exitCodes {
  if (code.startsWith("auth-")) return reply !== null && reply < 500 ? "temporary" : "noPermission";
  if (code === "greeting-refused" || code === "hello-refused" || code === "closed-by-server")
    return reply !== null && reply >= 500 ? "unavailable" : "temporary";
  if (code === "unreachable" || code === "no-greeting") return "unavailable";
  return ["timeout", "ended", "lost", "closed"].includes(code) ? "temporary" : "protocol";
}

const words: Readonly<Record<Outcome["status"], string>> = {
  accepted: "accepted",
  refused: "refused",
  deferred: "deferred",
  unknown: "unknown",
  notTried: "not tried",
};

function reasonOf(outcome: Outcome): string {
  const reply = replyOf(outcome);
  if (reply === null) return visibleText(failureOf(outcome) ?? "");
  const { code, enhanced, lines } = reply;
  return visibleText(
    [code, enhanced, lines.join(" ")].filter((part) => part !== null && part !== "").join(" "),
  );
}

function replyOf(outcome: Outcome): Extract<Outcome, { status: "unknown" }>["reply"] {
  if (outcome.status === "notTried") return "lines" in outcome.reason ? outcome.reason : null;
  return outcome.reply;
}

function failureOf(outcome: Outcome): string | null {
  if (outcome.status === "unknown") return outcome.reason;
  if (outcome.status !== "notTried" || "lines" in outcome.reason) return null;
  return `${outcome.reason.code}: ${outcome.reason.detail}`;
}

/** The server takes no mail on a connection like this (RFC 4954 §6): neither the message nor the recipient is at fault. */
function isClosed(outcome: Outcome): boolean {
  return outcome.status === "refused" && outcome.reply.code === 530;
}

/** Not tried, since it is the message that cannot be sent there. */
function isForGood(outcome: Outcome): boolean {
  if (outcome.status !== "notTried" || "lines" in outcome.reason) return false;
  return /^content-|-missing$|^size-exceeded$/.test(outcome.reason.code);
}

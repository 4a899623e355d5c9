import { type Question, type Reply, reply } from "@sansmtp/core";
import { MessageAborted } from "./body.ts";
import type { Answer } from "./handlers.ts";

/** The answer to a question that the application has no handler for. */
export function unhandled(type: Question["type"]): Answer {
  return type === "rcpt" ? relayingDenied : undefined;
}

/** The answer to a question whose handler threw, or gave what cannot be an answer: try again later. */
export function failed(type: Question["type"]): Reply {
  switch (type) {
    // Nothing was agreed on yet, so another attempt begins with another connection.
    case "connect":
      return notAvailable;
    case "starttls":
      return tlsUnavailable;
    case "auth":
      return authUnavailable;
    default:
      return localError;
  }
}

/** What throws or rejects because it was told to stop, and not because something is wrong. */
export function isAbort(error: unknown): boolean {
  if (error instanceof MessageAborted) return true;
  if (!(error instanceof Error)) return false;
  return error.name === "AbortError" || error.cause instanceof MessageAborted;
}

/** 454: no TLS now (RFC 3207 §4). */
export const tlsUnavailable: Reply = reply(454, "4.7.0", "TLS not available due to temporary reason");

const relayingDenied = reply(550, "5.7.1", "Relaying denied");
const notAvailable = reply(421, "4.3.0", "Service not available, closing transmission channel");
const authUnavailable = reply(454, "4.7.0", "Temporary authentication failure");
const localError = reply(451, "4.3.0", "Local error in processing");

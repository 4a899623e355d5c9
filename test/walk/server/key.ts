import type { Json } from "@sansmtp/core";
import { marksIn, unmarked } from "../marks.ts";
import type { Witness } from "./witness.ts";

/**
 * What tells two states apart: everything in the snapshot but what is named here. A field that is added to the
 * session is so part of the state until somebody says that it is not.
 */

/** Times: none passes in a walk but up to a deadline. */
const times = ["now", "started", "since", "dataSince", "heldAt"];
/** Numbers of questions, and of octets that were read: they only grow. */
const growing = ["id", "nextId", "read", "block", "at"];
/** Whether there was one is all that matters. */
const bounded = ["refused", "size", "line", "step", "bareCr", "bareLf"];
/** They count up to a limit, and are part of the state only where it can be reached. */
const limited = ["errors", "idleCommands", "refusedRecipients", "authFailures", "transactions", "domains"];

/** A snapshot as text, its octets readable, without what does not matter. */
export function shown(held: Json, counted: readonly string[]): string {
  return JSON.stringify(held, (key, value: unknown) => {
    if (typeof value === "number") {
      if (times.includes(key) || growing.includes(key)) return undefined;
      if (bounded.includes(key)) return Math.min(value, 1);
      if (limited.includes(key) && !counted.includes(key)) return undefined;
      return value;
    }
    if (key === "authenticated" || key === "mechanism") return value !== null;
    if (typeof value !== "object" || value === null) return value;
    if (key === "recipients")
      return `${Math.min((value as unknown[]).length, 2)}:${marksIn(JSON.stringify(value))}`;
    if (key === "held" && Array.isArray(value)) return String.fromCharCode(...(value as number[]));
    if ("$octets" in value) return Buffer.from(String(value.$octets), "base64").toString("latin1");
    if (limited.includes(key) && !counted.includes(key)) return undefined;
    return value;
  });
}

/** The name of a state: its snapshot whatever the marks are, one of many recipients being as good as the other. */
export function keyOf(text: string, witness: Witness): string {
  return `${unmarked(text).replace(/("recipients":"\d):[^"]*/g, "$1")} ${witness.key()}`;
}

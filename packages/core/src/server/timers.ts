import type { Millis } from "../time.ts";
import type { ServerTimer } from "./config.ts";
import type { State } from "./record.ts";
import type { ServerSettings } from "./settings.ts";

/** A deadline and the timer that it belongs to. */
export interface Deadline {
  readonly timer: ServerTimer;
  readonly at: Millis;
}

/**
 * The next deadline, from the state alone.
 *
 * A deadline runs per command and per block of content, not per octet, so that a slow trickle does not extend it
 * (RFC 5321 §4.5.3.2.7). None runs against the client while the application decides or consumes.
 */
export function nextDeadline(state: State, settings: ServerSettings): Deadline | null {
  const { timers } = settings;
  if (state.phase === "closing" || state.phase === "closed") return null;
  const session: Deadline = { timer: "session", at: state.started + timers.session };
  const own = state.heldAt === null ? ownDeadline(state, settings) : null;
  const next = own !== null && own.at <= session.at ? own : session;
  return next.at === Number.POSITIVE_INFINITY ? null : next;
}

function ownDeadline(state: State, { timers }: ServerSettings): Deadline | null {
  switch (state.phase) {
    case "proxy":
      return { timer: "proxy", at: state.since + timers.proxy };
    case "upgrading":
      return { timer: "tls", at: state.since + timers.tls };
    default:
  }
  if (state.slots.length > 0) return null;
  if (state.phase === "greeting") return { timer: "greetingDelay", at: state.since + timers.greetingDelay };
  const { reader, mail, since } = state;
  const lines = reader === "line" || reader === "sasl";
  const next: Deadline = lines
    ? { timer: "command", at: since + timers.command }
    : { timer: "dataBlock", at: since + timers.dataBlock };
  // The time of a message passes between its chunks, too.
  if (lines && mail.transaction !== "chunks") return next;
  const data: Deadline = { timer: "data", at: mail.dataSince + timers.data };
  return data.at < next.at ? data : next;
}

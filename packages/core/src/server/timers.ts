import type { Millis } from "../time.ts";
import type { ServerTimer } from "./config.ts";
import type { State } from "./record.ts";
import type { ServerSettings } from "./settings.ts";

/**
 * The timer that runs out next, from the state alone; null: none runs. It is asked for after every input, so nothing is
 * made for it.
 *
 * A deadline runs per command and per block of content, not per octet, so that a slow trickle does not extend it
 * (RFC 5321 §4.5.3.2.7). None runs against the client while the application decides or consumes.
 */
export function nextTimer(state: State, settings: ServerSettings): ServerTimer | null {
  if (state.phase === "closing" || state.phase === "closed") return null;
  const own = state.heldAt === null ? ownTimer(state, settings) : null;
  const next = own === null ? "session" : earlier(own, "session", state, settings);
  return deadlineOf(next, state, settings) === Number.POSITIVE_INFINITY ? null : next;
}

/** When a timer runs out. */
export function deadlineOf(timer: ServerTimer, state: State, { timers }: ServerSettings): Millis {
  switch (timer) {
    case "session":
      return state.started + timers.session;
    case "data":
      return state.mail.dataSince + timers.data;
    default:
      return state.since + timers[timer];
  }
}

function ownTimer(state: State, settings: ServerSettings): ServerTimer | null {
  if (state.phase === "proxy") return "proxy";
  if (state.phase === "upgrading") return "tls";
  if (state.slots.length > 0) return null;
  if (state.phase === "greeting") return "greetingDelay";
  const lines = state.reader === "line" || state.reader === "sasl";
  const next = lines ? "command" : "dataBlock";
  // The time of a message passes between its chunks, too.
  if (lines && state.mail.transaction !== "chunks") return next;
  return earlier(next, "data", state, settings);
}

/** The first of two, unless the other one runs out before it. */
function earlier(one: ServerTimer, other: ServerTimer, state: State, settings: ServerSettings): ServerTimer {
  return deadlineOf(other, state, settings) < deadlineOf(one, state, settings) ? other : one;
}

import type { ServerSession } from "@sansmtp/core";

/** What a session holds, as the length of its snapshot. */
export function heldBy(session: ServerSession): number {
  return JSON.stringify(session.snapshot({ secrets: true })).length;
}

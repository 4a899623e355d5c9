import { type Line, LineReader, lineOf, wholeLine } from "../wire/line.ts";
import type { Machine } from "./machine.ts";
import type { ServerSettings } from "./settings.ts";

/** The next line; of one that is too long its beginning, to be told by its length. Null: none is complete. */
export function readLine(machine: Machine): Line | null {
  const { input, settings } = machine;
  if (machine.lines === null) {
    const limit = longestLine(settings);
    const line = wholeLine(input, limit);
    if (line !== null || input.length === 0) return line;
    machine.lines = new LineReader(limit);
  }
  const reader = machine.lines;
  const read = reader.read(input);
  if (read === null) return null;
  machine.lines = null;
  return lineOf(read === "too-long" ? reader.beginning : read, reader.length);
}

/** Octets of the longest line that is held. */
export function longestLine({ limits, mechanisms }: ServerSettings): number {
  return mechanisms.length > 0 ? Math.max(limits.commandLine, limits.authLine) : limits.commandLine;
}

import { type ClientConfig, type Millis, type ServerConfig, UsageError } from "@sansmtp/core";
import type { Side } from "./faults.ts";
import { fromLatin1, latin1 } from "./octets.ts";

/** A session as it was: its configuration, and every call with what came of it. */
export interface Recording {
  readonly side: Side;
  readonly config: ServerConfig | ClientConfig;
  /** When it began. */
  readonly now: Millis;
  readonly calls: readonly Called[];
}

/** A call of a method: what it was given, and what it gave or threw. */
export interface Called {
  readonly call: string;
  readonly with: readonly unknown[];
  readonly gives?: unknown;
  readonly throws?: string;
}

/**
 * A recording as JSON lines: the first tells the side, the configuration and the time, each of the others a call.
 * Octets are `{ "octets": "…" }`, a character for each.
 */
export function writeRecording({ side, config, now, calls }: Recording): string {
  const lines = [{ sansmtp: version, side, config, now }, ...calls];
  return lines.map((line) => `${JSON.stringify(toPlain(line))}\n`).join("");
}

/**
 * Reads what {@link writeRecording} wrote.
 *
 * @throws {UsageError} naming the line that is not one of a recording
 */
export function readRecording(text: string): Recording {
  const lines = text.split("\n").flatMap((line, at) => (line.trim() === "" ? [] : [parsed(line, at + 1)]));
  const [head, ...calls] = lines as [Partial<Recording> & { sansmtp?: number }, ...Called[]];
  if (head?.sansmtp !== version || (head.side !== "client" && head.side !== "server")) {
    throw new UsageError("line 1: not the begin of a recording of this version");
  }
  calls.forEach((called, at) => {
    const whole = typeof called.call === "string" && Array.isArray(called.with);
    if (!whole) throw new UsageError(`line ${at + 2}: not a call`);
  });
  return { side: head.side, config: head.config as Recording["config"], now: head.now ?? 0, calls };
}

/** A value as plain JSON. */
export function toPlain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { octets: latin1(value) };
  if (value === undefined) return { undefined: true };
  if (value === Number.POSITIVE_INFINITY) return { infinity: true };
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, each]) => (each === undefined ? [] : [[key, toPlain(each)]])),
  );
}

function fromPlain(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(fromPlain);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const [key, only] = entries.length === 1 ? (entries[0] as [string, unknown]) : [null, null];
  if (key === "octets" && typeof only === "string") return fromLatin1(only);
  if (key === "undefined" && only === true) return undefined;
  if (key === "infinity" && only === true) return Number.POSITIVE_INFINITY;
  return Object.fromEntries(entries.map(([name, each]) => [name, fromPlain(each)]));
}

function parsed(line: string, number: number): unknown {
  try {
    return fromPlain(JSON.parse(line));
  } catch {
    throw new UsageError(`line ${number}: not JSON`);
  }
}

const version = 1;

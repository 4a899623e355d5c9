import type { Millis } from "@sansmtp/core";
import type { Side } from "./faults.ts";
import { fromLatin1, visible } from "./octets.ts";
import { SecretFinder } from "./secrets.ts";

/** How a transcript is written. */
export interface TranscriptOptions {
  /** Show what AUTH carries. Default false. */
  readonly secrets?: boolean;
  /** Begin each line with its time in milliseconds. Default false. */
  readonly times?: boolean;
}

/**
 * A dialogue as it was heard: octets when they arrived, and what happened in between. It is written as
 *
 *     C: MAIL FROM:<a@example.net>      a line of the client
 *     S: 250 2.1.0 Sender ok            a line of the server
 *     C> half a li                      octets that are no line, with escapes
 *     [client: accepted, refused]       what happened
 */
export class Transcript {
  readonly #entries: Entry[] = [];
  readonly #secrets = new SecretFinder();

  /** Octets have arrived. */
  heard(from: Side, octets: Uint8Array, at: Millis): void {
    this.#entries.push({ from, octets, mask: this.#secrets.mask(from, octets), at });
  }

  /** Something has happened. */
  note(text: string, at: Millis): void {
    this.#entries.push({ note: text, at });
  }

  /** The lines. */
  write(options: TranscriptOptions = {}): string {
    const rows: { text: string; at: Millis }[] = [];
    const open: Record<Side, string> = { client: "", server: "" };
    for (const entry of this.#entries) {
      if ("note" in entry) {
        rows.push({ text: `[${entry.note}]`, at: entry.at });
        continue;
      }
      const { from, at } = entry;
      open[from] += options.secrets === true ? shown(entry.octets, null) : shown(entry.octets, entry.mask);
      for (;;) {
        const end = open[from].indexOf("\n");
        if (end < 0) break;
        rows.push({ text: row(from, open[from].slice(0, end + 1)), at });
        open[from] = open[from].slice(end + 1);
      }
    }
    const at = this.#entries.at(-1)?.at ?? 0;
    for (const from of ["client", "server"] as const) {
      if (open[from] !== "") rows.push({ text: row(from, open[from]), at });
    }
    return rows
      .map((each) => (options.times === true ? `${String(each.at).padStart(8)}  ${each.text}` : each.text))
      .join("\n");
  }
}

type Entry =
  | {
      readonly from: Side;
      readonly octets: Uint8Array;
      readonly mask: readonly boolean[];
      readonly at: Millis;
    }
  | { readonly note: string; readonly at: Millis };

/** A character for each octet, and one that no octet is for each secret. */
function shown(octets: Uint8Array, mask: readonly boolean[] | null): string {
  return Array.from(octets, (octet, at) => (mask?.[at] === true ? hidden : String.fromCharCode(octet))).join(
    "",
  );
}

function row(from: Side, line: string): string {
  const letter = from === "client" ? "C" : "S";
  const plain = /^[\x20-\x7e\u2022]*\r\n$/.test(line);
  const text = plain
    ? line.slice(0, -2)
    : line
        .split(/(\u2022+)/)
        .map(readable)
        .join("");
  return `${letter}${plain ? ":" : ">"} ${text.replace(/\u2022+/g, "(secret)")}`.trimEnd();
}

function readable(part: string): string {
  return part.startsWith(hidden) ? part : visible(fromLatin1(part));
}

const hidden = "\u2022";

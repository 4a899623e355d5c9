import { isAbsolute, relative } from "node:path";
import pico from "picocolors";
import { visibleText } from "./visible.ts";

/** Something that happened while serving, in the words of the program. */
export type Entry =
  | {
      readonly event: "listening";
      readonly address: string;
      /** The TCP port; null: it is a Unix socket. */
      readonly port: number | null;
      readonly directory: string;
      readonly notes: readonly string[];
    }
  | { readonly event: "connected"; readonly connection: number; readonly from: string }
  /** A line that was said, as `Dialogue` gives it: safe to print. */
  | { readonly event: "client" | "server" | "content"; readonly connection: number; readonly line: string }
  /** A message, or a chunk of one, has come. */
  | { readonly event: "received"; readonly connection: number; readonly octets: number }
  | { readonly event: "secured"; readonly connection: number; readonly tls: string }
  | {
      readonly event: "stored";
      readonly connection: number;
      readonly id: string;
      readonly file: string;
      readonly octets: number;
      readonly from: string;
      readonly to: readonly string[];
    }
  | {
      readonly event: "violation";
      readonly connection: number;
      readonly rule: string;
      readonly detail: string;
    }
  | { readonly event: "closed"; readonly connection: number; readonly reason: string }
  /** Something went wrong on this side. */
  | { readonly event: "failed"; readonly connection: number | null; readonly error: string }
  | { readonly event: "stopping"; readonly open: number };

/** Writes down entries as they come. */
export type Journal = (entry: Entry) => void;

/** One JSON object for each entry on a line of its own, with the time. */
export function jsonJournal(write: (text: string) => void, now: () => Date = () => new Date()): Journal {
  return (entry) => write(jsonLine({ time: now().toISOString(), ...entry }));
}

/** A value as JSON on a line of its own, safe to show. */
export function jsonLine(value: object): string {
  return `${printableJson(JSON.stringify(value))}\n`;
}

/** JSON itself escapes C0 only; what else could steer a terminal is escaped as JSON does it, so that it still parses. */
export function printableJson(json: string): string {
  return json.replace(unprintable, escaped);
}

/**
 * Text for people: the dialogues as they go on, each line with the number of its connection.
 *
 * @param columns the width of the terminal, null where there is none; lines that are longer go on with an
 *   indentation, so that what a client says never stands where the program itself would speak
 */
export function textJournal(
  write: (text: string) => void,
  options: { readonly colours: boolean; readonly columns: () => number | null },
): Journal {
  const paint = pico.createColors(options.colours);
  return (entry) => {
    const number = "connection" in entry && entry.connection !== null ? `[${entry.connection}] ` : "";
    const [label, colour, text] = worded(entry, paint);
    const head = number + label;
    const columns = options.columns();
    const rows = columns === null ? [text] : wrapped(text, columns - head.length);
    const indent = " ".repeat(head.length);
    const lines = rows.map((row, at) =>
      at === 0 ? paint.dim(number) + colour(label + row) : indent + colour(row),
    );
    write(`${lines.join("\n")}\n`);
  };
}

/** Nothing but what went wrong. */
export function quietJournal(write: (text: string) => void): Journal {
  return (entry) => {
    if (entry.event === "failed") write(`sansmtp: ${visibleText(entry.error)}\n`);
  };
}

type Colours = ReturnType<typeof pico.createColors>;

/** A label that only the program writes, its colour, and the text, which may come from a client. */
function worded(
  entry: Entry,
  paint: Colours,
): [label: string, colour: (text: string) => string, text: string] {
  switch (entry.event) {
    case "listening": {
      const text = `Listening on ${entry.address}, keeping mail in ${short(entry.directory)}`;
      return ["", paint.bold, [text, ...entry.notes].map(visibleText).join("\n")];
    }
    case "connected":
      return ["", paint.dim, `connection from ${visibleText(entry.from)}`];
    case "client":
      return ["C: ", paint.cyan, entry.line];
    case "server":
      return ["S: ", /^[45]/.test(entry.line) ? paint.red : paint.green, entry.line];
    case "content":
      return ["C| ", paint.dim, entry.line];
    case "received":
      return ["C: ", paint.cyan, `(${octets(entry.octets)} of content)`];
    case "secured":
      return ["", paint.dim, visibleText(entry.tls)];
    case "stored": {
      const from = entry.from === "" ? "<>" : entry.from;
      const text = `${entry.id}, ${octets(entry.octets)}, from ${from} to ${entry.to.join(", ")}: ${short(entry.file)}`;
      return ["stored ", paint.bold, visibleText(text)];
    }
    case "violation":
      return ["broken rule ", paint.yellow, visibleText(`${entry.rule}: ${entry.detail}`)];
    case "closed":
      return ["closed: ", paint.dim, visibleText(entry.reason)];
    case "failed":
      return ["error: ", paint.red, visibleText(entry.error)];
    case "stopping":
      return ["", paint.bold, entry.open === 0 ? "Stopping" : "Stopping when open transactions have ended"];
  }
}

/** A path below the current folder as seen from there: shorter to read and to copy. */
function short(path: string): string {
  const here = relative(process.cwd(), path);
  return here === "" || here.startsWith("..") || isAbsolute(here) ? path : here;
}

function octets(count: number): string {
  return count === 1 ? "1 octet" : `${count.toLocaleString("en-US")} octets`;
}

/** Breaks text into rows of a width. What is not ASCII counts double, as wide characters do: rather too narrow. */
function wrapped(text: string, width: number): string[] {
  const rows: string[] = [];
  for (const line of text.split("\n")) {
    let row = "";
    let used = 0;
    for (const character of line) {
      const wide = character > "~" ? 2 : 1;
      if (used + wide > Math.max(width, 20)) {
        rows.push(row);
        row = "";
        used = 0;
      }
      row += character;
      used += wide;
    }
    rows.push(row);
  }
  return rows;
}

const unprintable = /[\p{C}\p{Zl}\p{Zp}]/gu;

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => character.charCodeAt(at))
    .map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`)
    .join("");
}

import { ofExtensions } from "./equivalent/extensions.ts";
import { ofServer } from "./equivalent/server.ts";
import { ofTop } from "./equivalent/top.ts";
import type { Named } from "./record.ts";

/** Mutants that nobody could tell from the core, and why. The longer the text, the fewer it may name by mistake. */
export interface Equivalent {
  readonly file: string;
  /** The source that is changed, or a part of it. */
  readonly original: string;
  readonly replacement: string;
  readonly reason: string;
}

const onlyContent = "nothing but content waits when a chunk is taken back: commands have left by then";
const neverHeld =
  "a challenge is handed out by the poll that reads it, so that no snapshot holds one among its events";
const label = "it is in the words of a UsageError alone";
const owed =
  "the settled stage waits for the replies that are owed all the same, and their verdicts are kept";

const equivalents: readonly Equivalent[] = [
  ...ofServer,
  ...ofExtensions,
  ...ofTop,
  ...[
    ['machine.out.filter(({ what }) => what === "content")', "machine.out"],
    ['what === "content"', "true"],
    ['what === "command"', "false"],
    ['"command"', '""'],
  ].map(([original, replacement]) => ({
    file: "client/chunks.ts",
    original: original as string,
    replacement: replacement as string,
    reason: onlyContent,
  })),
  ...[
    ['({ type }) => type !== "challenge"', "() => undefined"],
    ['events.filter(({ type }) => type !== "challenge")', "events"],
    ['type !== "challenge"', "true"],
    ['type !== "challenge"', "false"],
    ['type !== "challenge"', 'type === "challenge"'],
    ['"challenge"', '""'],
  ].map(([original, replacement]) => ({
    file: "client/snapshot.ts",
    original: original as string,
    replacement: replacement as string,
    reason: neverHeld,
  })),
  ...['"upgradeFailed"', '"upgraded"', '"burl"', '"write"', '"finish"'].map((original) => ({
    file: "client/session.ts",
    original,
    replacement: '""',
    reason: label,
  })),
  ...['"xclient"', '"forwarded"'].map((original) => ({
    file: "client/attributes.ts",
    original,
    replacement: '""',
    reason: label,
  })),
  ...["transfer.verdicts < accepted.length", "transfer.verdicts < accepted.length || transfer.each"].map(
    (original) => ({ file: "client/transfer.ts", original, replacement: "false", reason: owed }),
  ),
];

/** Why a mutant is equivalent; null: it is not known to be. How its source is broken into lines does not matter. */
export function reasonFor({ file, original, replacement }: Named): string | null {
  const found = equivalents.find(
    (each) =>
      each.file === file &&
      each.original === inOneLine(original) &&
      each.replacement === inOneLine(replacement),
  );
  return found?.reason ?? null;
}

function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}

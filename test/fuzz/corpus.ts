import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

/** An input that is kept, and why, if it is more than that it reaches something. */
export interface Kept {
  readonly input: Uint8Array;
  /** What it has found once: it stays, whatever it reaches. */
  readonly reason: string;
}

/** Where the corpus of a target is: a line for each input, in base64, with a reason behind it or not. */
export function corpusFile(target: string): string {
  return fileURLToPath(new URL(`corpus/${target}.txt`, import.meta.url));
}

export function readCorpus(path: string): Kept[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [text = "", ...reason] = line.split(" ");
      return { input: new Uint8Array(Buffer.from(text, "base64")), reason: reason.join(" ") };
    });
}

export function writeCorpus(path: string, kept: readonly Kept[]): void {
  const lines = kept.map(({ input, reason }) =>
    `${Buffer.from(input).toString("base64")} ${reason}`.trimEnd(),
  );
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, lines.map((line) => `${line}\n`).join(""));
}

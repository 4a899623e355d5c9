import { readdirSync, readFileSync } from "node:fs";
import { describe, test, vi } from "vitest";
import { parseDialogues } from "./dialogue.ts";
import { play } from "./play.ts";
import { parseGiven } from "./sections.ts";

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const folder = new URL("./", import.meta.url);
const read = (file: string) => readFileSync(new URL(file, folder), "utf8");
const given = parseGiven(read("given.txt"));

for (const file of readdirSync(folder).filter((name) => name.endsWith(".txt") && name !== "given.txt")) {
  describe(file, () => {
    for (const dialogue of parseDialogues(read(file), file, given)) {
      test(dialogue.title, () => play(dialogue));
    }
  });
}

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { bundle } from "./bundle.ts";
import { type Mutant, mutate } from "./mutants.ts";
import { pageFile, pageOf, type Recorded, readRecord, wholeOf } from "./record.ts";
import { Trials } from "./trials.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** What is promised of the core, in per cent; and how many are caught again, by the same test in another run. */
const promised = 98;
const again = 92;

describe("the page of mutants", () => {
  const recorded = readRecord(root);

  test("is made of the record", () => {
    expect(readFileSync(join(root, pageFile), "utf8")).toBe(pageOf(recorded));
  });

  test("adds up, and keeps what is promised", () => {
    for (const [file, { mutants, tried, caught, equivalent }] of Object.entries(recorded.files)) {
      expect([file, tried <= mutants, caught + equivalent <= tried]).toEqual([file, true, true]);
      const survived = recorded.survivors.filter((one) => one.file === file).length;
      expect([file, survived]).toEqual([file, tried - caught]);
    }
    expect(wholeOf(recorded).score).toBeGreaterThanOrEqual(promised);
  });
});

describe("mutants that were caught", () => {
  let mutants: readonly Mutant[] = [];
  let trials: Trials;
  let recorded: Recorded;

  beforeAll(async () => {
    recorded = readRecord(root);
    const made = await mutate(root);
    mutants = made.mutants;
    trials = new Trials(root, await bundle(root, made.sources), mutants);
  }, 60_000);

  test("are caught by the same tests again, as far as the core still has them", () => {
    const nameOf = ({ file, mutator, original, replacement, column }: Omit<Mutant, "id" | "line">) =>
      JSON.stringify([file, mutator, original, replacement, column]);
    const byName = new Map(mutants.map((mutant) => [nameOf(mutant), mutant]));
    const lost: string[] = [];
    let [found, caught] = [0, 0];
    for (const one of recorded.caught) {
      const mutant = byName.get(nameOf(one));
      if (mutant === undefined) continue;
      found++;
      if (trials.isCaughtBy(mutant, one.by)) caught++;
      else lost.push(`${one.file}: ${one.original} -> ${one.replacement}: ${one.by}`);
    }
    // Where this fails after the core or its tests were rewritten: `pnpm mutation`, then `pnpm mutation --record`.
    expect(found).toBeGreaterThan(recorded.caught.length / 4);
    expect((100 * caught) / found, lost.join("\n")).toBeGreaterThanOrEqual(again);
  }, 120_000);
});

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { bundle } from "./bundle.ts";
import { corpusFile, readCorpus } from "./corpus.ts";
import type { Found } from "./engine.ts";
import { run } from "./job.ts";
import { page, readRuns, withTable } from "./record.ts";
import { proven } from "./targets/names.ts";

const made = bundle("corpus");

test("the table of README.md is what was run", () => {
  const text = readFileSync(page, "utf8");
  expect(text).toBe(withTable(text, readRuns()));
});

for (const [name, guarantees] of Object.entries(proven)) {
  test(`${guarantees} ${name}: the corpus of the fuzzer finds nothing`, {
    timeout: 120_000,
  }, async () => {
    const inputs = readCorpus(corpusFile(name));
    expect(inputs.length).toBeGreaterThan(0);
    const found: Found[] = [];
    const { ended, hung } = await run(
      await made,
      { target: name, seed: 1, inputs, fuzz: false, milliseconds: 0 },
      { found: (each) => found.push(each) },
    );
    expect(found.map(({ kind, message }) => `${kind}: ${message}`)).toEqual([]);
    expect(hung).toBeNull();
    expect(ended.executions).toBeGreaterThan(inputs.length);
  });
}

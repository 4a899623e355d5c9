import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { cell, rows, table } from "./rows.ts";
import { runtimes } from "./runtimes.ts";

describe("the table", () => {
  it("has a test for each row", () => {
    const folder = new URL(".", import.meta.url);
    const files = readdirSync(folder).filter((name) => name.endsWith(".test.ts"));
    const tests = files.map((name) => readFileSync(new URL(name, folder), "utf8")).join("");
    const proven = new Set(Array.from(tests.matchAll(/\bproves\(\s*"(\w+)"/g), ([, row]) => row));
    expect([...proven].sort()).toEqual(Object.keys(rows).sort());
  });

  it("is as RUNTIMES.md has it: `pnpm test:runtimes --update` writes it", async () => {
    const names = runtimes.map(({ name }) => name);
    const shown = table(names, (row, name) => cell(row, runtimes.find((each) => each.name === name)!));
    await expect(`${introduction}${shown}`).toMatchFileSnapshot("../../packages/drive/RUNTIMES.md");
  });
});

const introduction = `# What each runtime can do

One suite, [test/runtimes](../../test/runtimes), runs inside each of them, and a cell is what its tests have found there. This
page is made from it. What is not in the table works the same everywhere; an option that a runtime cannot honour
throws a \`UsageError\` when it is given.

`;

import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { format } from "node:util";
import { expect, test, vi } from "vitest";

// The examples of the kit's README that are marked so are run, and what they print is compared.
const marked = /<!-- run by test\/testing\/readme\.test\.ts[^>]*-->\s+```ts\n(.*?)```\s+```text\n(.*?)```/gs;
const text = readFileSync(new URL("../../packages/testing/README.md", import.meta.url), "utf8");
const examples = Array.from(text.matchAll(marked), ([, code, output], index) => ({ index, code, output }));

test("there are examples to run", () => {
  expect(examples).toHaveLength(2);
});

test.each(examples)("example $index prints what it says", async ({ index, code, output }) => {
  const module = new URL(`./readme-example-${process.pid}-${index}.tmp.ts`, import.meta.url);
  const printed: string[] = [];
  const log = vi
    .spyOn(console, "log")
    .mockImplementation((...values) => void printed.push(format(...values)));
  writeFileSync(module, code);
  try {
    await import(module.pathname);
  } finally {
    log.mockRestore();
    rmSync(module);
  }
  expect(printed.join("\n").trimEnd()).toBe(output.trimEnd());
});

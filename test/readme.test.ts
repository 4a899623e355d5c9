import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { format } from "node:util";
import { expect, test, vi } from "vitest";

// An example of a README that is marked so is run, and what it prints is compared with the block behind it.
const marked = /<!-- run by test\/readme\.test\.ts[^>]*-->\s+```ts\n(.*?)```\s+```text\n(.*?)```/gs;

const examples = [
  "README.md",
  "packages/core/README.md",
  "packages/core/EXTENSIONS.md",
  "packages/drive/README.md",
  "packages/sasl/README.md",
  "packages/node/README.md",
  "packages/web/README.md",
]
  .flatMap((file) => {
    const text = readFileSync(new URL(`../${file}`, import.meta.url), "utf8");
    return Array.from(text.matchAll(marked), ([, code, output], index) => ({
      name: `${file}, example ${index + 1}`,
      file,
      code,
      output,
    }));
  })
  .map((example, index) => ({ ...example, index }));

test("there are examples to run", () => {
  expect(examples.map(({ file }) => file)).toEqual([
    "README.md",
    "README.md",
    "packages/core/README.md",
    "packages/core/README.md",
    "packages/core/README.md",
    "packages/core/EXTENSIONS.md",
    "packages/drive/README.md",
    "packages/sasl/README.md",
    "packages/node/README.md",
    "packages/web/README.md",
  ]);
});

test.each(examples)("$name prints what it says", async ({ file, index, code, output }) => {
  const module = new URL(
    `./readme-example-${process.pid}-${file.replaceAll("/", "-")}-${index}.tmp.ts`,
    import.meta.url,
  );
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
  expect(plain(printed.join("\n"))).toBe(plain(output));
});

function plain(text: string): string {
  return text.replaceAll("\r\n", "\n").trim();
}

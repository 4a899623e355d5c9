import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

// Those examples are run elsewhere: test/runtimes and test/packaging, and for web test/readme.test.ts.
const servers = [
  ["node", /^import [\s\S]*?^\}\)\.listen\(\{ port: 2525 \}\);$/m],
  ["deno", /^import [\s\S]*?^\}\)\.listen\(\{ port: 2525 \}\);$/m],
  ["bun", /^import [\s\S]*?^\}\)\.listen\(\{ port: 2525 \}\);$/m],
  ["web", /^serveStreams\([\s\S]*?^\}\);$/m],
] as const;

describe("the README of an adapter", () => {
  it.each(servers)("has a server in under ten lines: %s", (name, server) => {
    const readme = readFileSync(new URL(`../packages/${name}/README.md`, import.meta.url), "utf8");
    const [, example = ""] = /```ts\n([\s\S]*?)```/.exec(readme) ?? [];
    const [code = ""] = server.exec(example) ?? [];
    expect(code).toContain("reply(250");
    expect(code.split("\n").filter((line) => line.trim() !== "").length).toBeLessThan(10);
  });
});

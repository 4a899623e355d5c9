import { execFile } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, inject, it } from "vitest";
import { jsrConfig, jsrPackages, readJsrConfig, stageForJsr } from "./jsr.ts";
import { caches, programs } from "./runtimes.ts";

// A dry run asks nothing of jsr.io: the packages find each other in the folder. What npm packages they use comes from
// the registry that is configured.

it.each(jsrPackages)("the jsr.json of $manifest.name says what its package.json says (pnpm jsr)", (each) => {
  expect(readJsrConfig(each)).toEqual(jsrConfig(each));
});

it("deno publish --dry-run has nothing to object to, slow types included", async () => {
  const folder = mkdtempSync(join(inject("consumers"), "jsr-"));
  stageForJsr(folder);
  const output = await dryRun(folder);
  for (const { manifest } of jsrPackages) {
    expect(output).toContain(`Simulating publish of ${manifest.name}@${manifest.version}`);
  }
  expect(output).toContain("Dry run complete");
  expect(output).not.toMatch(/warning/i);
});

it("deno publish --dry-run tells of a slow type", async () => {
  const folder = mkdtempSync(join(inject("consumers"), "jsr-"));
  const config = { name: "@sansmtp/slow", version: "1.0.0", license: "MIT", exports: "./slow.ts" };
  writeFileSync(join(folder, "jsr.json"), JSON.stringify(config));
  writeFileSync(
    join(folder, "slow.ts"),
    "export function slow() {\n  return new Map<string, number>();\n}\n",
  );
  await expect(dryRun(folder)).rejects.toThrow("missing-explicit-return-type");
});

async function dryRun(cwd: string): Promise<string> {
  const env = { ...caches(inject("consumers")), NO_COLOR: "1" };
  const { stdout, stderr } = await promisify(execFile)(programs.deno, ["publish", "--dry-run"], { cwd, env });
  return stdout + stderr;
}

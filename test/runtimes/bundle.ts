import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { TestProject } from "vitest/node";
import { bundledStarters } from "./programs.ts";

/** Bundles the starters for runtimes that cannot run the source, once for all test files. */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "sansmtp-starters-"));
  await build({
    entryPoints: bundledStarters.map((name) =>
      fileURLToPath(new URL(`starters/${name}.ts`, import.meta.url)),
    ),
    outdir: folder,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["@sansmtp/source"],
    logLevel: "warning",
  });
  await writeFile(join(folder, "package.json"), '{ "type": "module" }');
  provide("starters", folder);
  return () => rm(folder, { recursive: true, force: true });
}

declare module "vitest" {
  export interface ProvidedContext {
    /** Where the bundled starters are. */
    readonly starters: string;
  }
}

import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/** Puts a file of this folder and all that it imports into one module of the web. */
export async function bundle(name: string, to: string, external: readonly string[] = []): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL(name, import.meta.url))],
    outfile: to,
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    conditions: ["@sansmtp/source"],
    external: [...external],
    logLevel: "silent",
  });
}

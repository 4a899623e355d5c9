import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import type { Core } from "../core.ts";

/** A change of the source: a text that is there once, and what stands in its place. */
export interface Edit {
  /** Below `packages/core/src`. */
  readonly file: string;
  readonly find: string;
  readonly put: string;
}

const source = fileURLToPath(new URL("../../../packages/core/src/", import.meta.url));

/**
 * The core with some of its text changed, as a module of its own.
 *
 * @throws {Error} when a text is not there, or more than once: the change would be another than was meant
 */
export async function coreWith(edits: readonly Edit[]): Promise<Core> {
  const changed = new Map<string, string>();
  for (const { file, find, put } of edits) {
    const path = join(source, file);
    const text = changed.get(path) ?? readFileSync(path, "utf8");
    const times = text.split(find).length - 1;
    if (times !== 1) throw new Error(`${file} has this ${times} times, not once:\n${find}`);
    changed.set(
      path,
      text.replace(find, () => put),
    );
  }
  const { outputFiles } = await build({
    entryPoints: [join(source, "index.ts")],
    bundle: true,
    write: false,
    format: "esm",
    target: "node20",
    logLevel: "silent",
    plugins: [
      {
        name: "sow",
        setup: ({ onLoad }) =>
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            const contents = changed.get(path);
            return contents === undefined ? null : { contents, loader: "ts" };
          }),
      },
    ],
  });
  const folder = await mkdtemp(join(tmpdir(), "sansmtp-"));
  try {
    const file = join(folder, "core.mjs");
    await writeFile(file, outputFiles[0]!.contents);
    return (await import(/* @vite-ignore */ pathToFileURL(file).href)) as Core;
  } finally {
    await rm(folder, { recursive: true });
  }
}

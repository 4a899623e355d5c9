import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { instrument } from "./instrument.ts";

/** The worker with everything in it that it needs, and the counters in what is to be fuzzed. */
export interface Bundle {
  readonly path: string;
  /** Where the branch of each place stands; the first place is for work. */
  readonly branches: readonly string[];
}

/** Where the bundle and all that is not for the repository goes. */
export const cache: string = fileURLToPath(
  new URL("../../node_modules/.cache/sansmtp-fuzz/", import.meta.url),
);

/** Bundles `worker.ts`; core and sasl are instrumented, and nothing else. */
export async function bundle(name = "worker", entry = "worker.ts"): Promise<Bundle> {
  const counts = fileURLToPath(new URL("counts.ts", import.meta.url));
  const imports = `import { counts as $c, long as $l } from ${JSON.stringify(counts)};`;
  const branches = ["work"];
  const path = `${cache}${name}.mjs`;
  await build({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    outfile: path,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    conditions: ["@sansmtp/source"],
    sourcemap: "inline",
    sourcesContent: false,
    logLevel: "error",
    plugins: [
      {
        name: "instrument",
        setup({ onLoad }) {
          // One after the other, in whatever order: the places of a file only have to be its own.
          let turn: Promise<unknown> = Promise.resolve();
          onLoad({ filter: /packages\/(core|sasl)\/src\/.*\.ts$/ }, (file) => {
            const loaded = turn.then(async () => {
              const source = await readFile(file.path, "utf8");
              const instrumented = instrument(source, file.path, branches.length);
              branches.push(...instrumented.branches);
              return { contents: `${imports}${instrumented.code}`, loader: "ts" as const };
            });
            turn = loaded;
            return loaded;
          });
        },
      },
    ],
  });
  return { path, branches };
}

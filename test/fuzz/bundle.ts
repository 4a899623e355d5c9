import { readdirSync, readFileSync } from "node:fs";
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
  const codes = new Map<string, string>();
  // All of them, in the order of their names: the same sources give the same places, and the same runs.
  for (const path of sources()) {
    const instrumented = instrument(readFileSync(path, "utf8"), path, branches.length);
    branches.push(...instrumented.branches);
    codes.set(path, `${imports}${instrumented.code}`);
  }
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
          onLoad({ filter: /packages\/(core|sasl)\/src\/.*\.ts$/ }, ({ path }) => {
            const contents = codes.get(path);
            return contents === undefined ? undefined : { contents, loader: "ts" };
          });
        },
      },
    ],
  });
  return { path, branches };
}

function sources(): string[] {
  return ["core", "sasl"].flatMap((name) => {
    const folder = fileURLToPath(new URL(`../../packages/${name}/src/`, import.meta.url));
    const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
    return files
      .filter((file) => file.endsWith(".ts"))
      .sort()
      .map((file) => folder + file);
  });
}

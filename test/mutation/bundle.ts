/** The mutated core and its tests as one script, which needs no vitest around it. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { build, type Plugin } from "esbuild";

const folders = ["core", "properties", "dialogues", "client-dialogues", "relay"];

/**
 * A script gives a function of `require` and of an object that it fills: see `Loaded` in trials.ts.
 *
 * @param tests the begin of the path below test/ of files that are used, such as `core/session`; none: all
 */
export async function bundle(
  root: string,
  sources: ReadonlyMap<string, string>,
  tests: readonly string[] = [],
): Promise<Scripts> {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, "test", folder))
      .filter((name) => name.endsWith(".test.ts"))
      .map((name) => `${folder}/${name}`)
      .filter((file) => tests.length === 0 || tests.some((begin) => file.startsWith(begin)))
      .map((file) => `./${file}`),
  );
  const result = await build({
    stdin: {
      contents: `${[...sources.keys(), "./mutation/loaded.ts", ...files].map((file) => `import ${JSON.stringify(file)};`).join("\n")}\nexport { tests } from "vitest";`,
      resolveDir: join(root, "test"),
    },
    bundle: true,
    write: false,
    format: "cjs",
    platform: "node",
    target: "node20",
    logLevel: "error",
    plugins: [originals(root, sources)],
  });
  const code = result.outputFiles[0]?.text ?? "";
  return { counting: script(counting(code)), switching: script(switching(code)) };
}

/** One script that counts which mutants each test comes by, and one that does nothing but switch. */
export interface Scripts {
  readonly counting: Script;
  readonly switching: Script;
}

function script(code: string): Script {
  return new Script(
    `(function (require, exported) { "use strict"; const module = {}; const counts_ = exported.counts;
let on_ = exported.first, hits_ = 0, most_ = 1e7;
function hit_() { if (++hits_ > most_) throw new Error("too many turns"); return true; }
exported.turn = (id, limit) => { on_ = id; hits_ = 0; most_ = limit; };
${code}
exported.tests = module.exports.tests; })`,
  );
}

/*
 * Stryker's switches compare strings, and count in objects. Small integers and an array of numbers are tens of times as
 * quick, which is what trying thousands of mutants comes to.
 */
const active = /stryMutAct_9fa48\d*\("(\d+)"\)/g;
const covered = /stryCov_9fa48\d*\(((?:"\d+"(?:, )?)+)\)/g;

function counting(code: string): string {
  return code
    .replaceAll(active, "false")
    .replaceAll(covered, (_, ids: string) => `(${ids.replaceAll(/"(\d+)"/g, "counts_[$1]++")})`);
}

function switching(code: string): string {
  return code.replaceAll(active, "(on_ === $1 && hit_())").replaceAll(covered, "0");
}

/** Where the mutated core is, what stands for vitest and fast-check; and a module keeps its address. */
function originals(root: string, sources: ReadonlyMap<string, string>): Plugin {
  const at = (path: string) => ({ path: join(root, path) });
  return {
    name: "originals",
    setup({ onLoad, onResolve }) {
      onResolve({ filter: /^vitest$/ }, () => at("test/mutation/vitest.ts"));
      onResolve({ filter: /^fast-check$/ }, ({ importer }) =>
        importer.endsWith("/mutation/fast-check.ts")
          ? { path: "fast-check", external: true }
          : at("test/mutation/fast-check.ts"),
      );
      onResolve({ filter: /^@sansmtp\/[a-z]+$/ }, ({ path }) => at(`packages/${path.slice(9)}/src/index.ts`));
      onResolve({ filter: /^@sansmtp\/[a-z]+\// }, ({ path }) =>
        at(path.replace(/^@sansmtp\/([a-z]+)\/(.*)$/, "packages/$1/src/$2.ts")),
      );
      onLoad({ filter: /packages\/core\/src\/.*\.ts$/ }, ({ path }) => {
        const contents = sources.get(path);
        return contents === undefined ? undefined : { contents, loader: "ts" };
      });
      onLoad({ filter: /test\/[^/]+\/[^/]+\.ts$/ }, ({ path }) => ({
        contents: readFileSync(path, "utf8")
          .replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href))
          // A module that can be run, too, waits for itself.
          .replaceAll(/^if \(process\.argv\[1\].*$/gm, ""),
        loader: "ts",
      }));
    },
  };
}

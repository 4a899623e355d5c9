/**
 * Runs the tests of the core for Stryker, in one process.
 *
 * The core, with every mutant in it behind a switch, and all of its tests are bundled into one script, which is
 * evaluated once: a mutant is then tried by turning its switch and calling the tests that reach it, the quick ones
 * first, until one fails. Only a mutant that acts while modules are loaded, as one in a table does, needs the script to
 * be evaluated again.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { declareClassPlugin, PluginKind } from "@stryker-mutator/api/plugin";
import {
  type DryRunResult,
  DryRunStatus,
  determineHitLimitReached,
  type MutantRunOptions,
  type MutantRunResult,
  MutantRunStatus,
  type TestRunner,
  TestStatus,
} from "@stryker-mutator/api/test-runner";
import { build, type Plugin } from "esbuild";
import type { Test } from "./vitest.ts";

const folders = ["core", "properties", "dialogues", "client-dialogues", "relay"];

/** A test that takes longer, in milliseconds of CPU, is left out: it would be run whole for each mutant that survives the others. */
const tooLong = 80;

/** Those of which it is known beforehand. What they prove, others of those tests prove of shorter or fewer inputs. */
const slow = [
  /every string of a, dot, CR and LF.*#[4-7]$/,
  /keeps the session's word|in every reachable state the exported table says/,
  /replies that pile up are handed out in pieces|lines, their number and the whole are bounded/,
  /the cost is linear|no octet of 12,000 is looked at more than|octet by octet is read in one step/,
  /a v2 header of the greatest length is read/,
  /every control octet at every place of a line|every code point goes there and back/,
  /a server reads what was written, however it was cut|has the same policy, no dots, and no end/,
  /a text line is measured without CRLF and stuffed dot/,
  /every (message|text|BDAT message) of up to/,
  /to freeze and thaw the session|no octets make a parser throw/,
];

/** What Stryker's switches look at: see its instrumenter. */
interface Switches {
  activeMutant?: string | undefined;
  currentTestId?: string | undefined;
  hitCount?: number | undefined;
  hitLimit?: number | undefined;
  mutantCoverage?: { static: Record<string, number>; perTest: Record<string, Record<string, number>> };
}

class CoreTests implements TestRunner {
  readonly #switches: Switches;
  #script: Script | undefined;
  #tests: readonly Test[] = [];
  #time = new Map<string, number>();
  /** Tests that have killed lately are tried first: neighbours die of the same. */
  #kills = new Map<string, number>();
  #isFresh = false;

  constructor() {
    const place = globalThis as { __stryker__?: Switches };
    place.__stryker__ ??= {};
    this.#switches = place.__stryker__;
  }

  capabilities(): { reloadEnvironment: boolean } {
    return { reloadEnvironment: true };
  }

  async init(): Promise<void> {
    process.env.SANSMTP_QUICK = "1";
    this.#script = await bundle(process.cwd());
  }

  async dryRun(): Promise<DryRunResult> {
    this.#load();
    const results = [];
    // What counts how often something came up fails, since a tenth of the runs is too few: it is left out, too.
    for (const test of this.#tests) {
      if (slow.some((title) => title.test(test.title))) continue;
      this.#switches.currentTestId = test.id;
      const start = process.cpuUsage();
      const failure = await run(test);
      const spent = process.cpuUsage(start);
      const timeSpentMs = (spent.user + spent.system) / 1000;
      this.#switches.currentTestId = undefined;
      if (failure !== null || timeSpentMs > tooLong) {
        delete this.#switches.mutantCoverage?.perTest[test.id];
        continue;
      }
      this.#time.set(test.id, timeSpentMs);
      results.push({ id: test.id, name: test.title, timeSpentMs, status: TestStatus.Success as const });
    }
    writeFileSync(timesFile(), JSON.stringify([...this.#time]));
    const mutantCoverage = this.#switches.mutantCoverage ?? { static: {}, perTest: {} };
    return { status: DryRunStatus.Complete, tests: results, mutantCoverage };
  }

  async mutantRun(options: MutantRunOptions): Promise<MutantRunResult> {
    const { activeMutant, mutantActivation, testFilter, hitLimit } = options;
    // One process makes the dry run for all.
    if (this.#time.size === 0) this.#time = new Map(JSON.parse(readFileSync(timesFile(), "utf8")));
    const isStatic = mutantActivation === "static";
    this.#switches.activeMutant = isStatic ? activeMutant.id : undefined;
    this.#switches.hitCount = hitLimit === undefined ? undefined : 0;
    this.#switches.hitLimit = hitLimit;
    if (isStatic || !this.#isFresh) {
      const failure = this.#tryLoad();
      this.#isFresh = !isStatic;
      if (failure !== null) return killed([], failure, 0);
    }
    this.#switches.activeMutant = activeMutant.id;
    const wanted = testFilter ? new Set(testFilter) : null;
    const tests = this.#tests.filter(({ id }) => this.#time.has(id) && (wanted === null || wanted.has(id)));
    tests.sort((one, other) => this.#cost(one) - this.#cost(other));
    let count = 0;
    for (const test of tests) {
      count++;
      const failure = await run(test);
      const hits = determineHitLimitReached(this.#switches.hitCount, hitLimit);
      if (hits) return { status: MutantRunStatus.Timeout, reason: hits.reason ?? "too many turns" };
      if (failure === null) continue;
      this.#kills.set(test.id, (this.#kills.get(test.id) ?? 0) + 1);
      return killed([test.id], failure, count);
    }
    return { status: MutantRunStatus.Survived, nrOfTests: count };
  }

  #cost({ id }: Test): number {
    return (this.#time.get(id) ?? 0) / (1 + (this.#kills.get(id) ?? 0));
  }

  #load(): void {
    const run = this.#script?.runInThisContext() as (
      require: NodeJS.Require,
      exported: { tests?: readonly Test[] },
    ) => void;
    const exported: { tests?: readonly Test[] } = {};
    run(createRequire(join(process.cwd(), "package.json")), exported);
    this.#tests = exported.tests ?? [];
    this.#isFresh = true;
  }

  /** A mutant may keep the modules from being loaded at all: that is seen at once. */
  #tryLoad(): string | null {
    try {
      this.#load();
      return this.#tests.length >= this.#time.size ? null : "fewer tests";
    } catch (error) {
      return String(error);
    }
  }
}

/** In Stryker's copy of the workspace: the tests to be run, by id, with the milliseconds each took. */
function timesFile(): string {
  return join(process.cwd(), "times.json");
}

function killed(killedBy: string[], failureMessage: string, nrOfTests: number): MutantRunResult {
  return {
    status: MutantRunStatus.Killed,
    killedBy,
    failureMessage: failureMessage.slice(0, 300),
    nrOfTests,
  };
}

async function run(test: Test): Promise<string | null> {
  try {
    const result = test.run();
    if (result instanceof Promise) await result;
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

async function bundle(root: string): Promise<Script> {
  const files = folders.flatMap((folder) =>
    readdirSync(join(root, "test", folder))
      .filter((name) => name.endsWith(".test.ts"))
      .map((name) => `./${folder}/${name}`),
  );
  const result = await build({
    stdin: {
      contents: `${files.map((file) => `import ${JSON.stringify(file)};`).join("\n")}\nexport { tests } from "vitest";`,
      resolveDir: join(root, "test"),
    },
    bundle: true,
    write: false,
    format: "cjs",
    platform: "node",
    target: "node20",
    logLevel: "error",
    plugins: [originals(root)],
  });
  const code = result.outputFiles[0]?.text ?? "";
  return new Script(
    `(function (require, exported) { "use strict"; const module = {}; ${code}\nexported.tests = module.exports.tests; })`,
  );
}

/** Where the mutated packages are, and what stands for vitest and fast-check; and a module keeps its address. */
function originals(root: string): Plugin {
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
      onResolve({ filter: /^@sansmtp\/testing\// }, ({ path }) =>
        at(`packages/testing/src/${path.slice(17)}.ts`),
      );
      onLoad({ filter: /test\/[^/]+\/[^/]+\.ts$/ }, ({ path }) => ({
        contents: readFileSync(path, "utf8").replaceAll(
          "import.meta.url",
          JSON.stringify(pathToFileURL(path).href),
        ),
        loader: "ts",
      }));
    },
  };
}

export const strykerPlugins = [declareClassPlugin(PluginKind.TestRunner, "core", CoreTests)];

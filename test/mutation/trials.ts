/**
 * Tries mutants: turns the switch of one, and runs the tests that come by it until one of them fails.
 *
 * What makes that cheap: all in one process; the test that is most likely to notice first, which is a quick one that
 * has noticed others in that file, and comes by few mutants beside it; and an end to each trial, after which a mutant
 * counts as survived, though a test that was not run might have caught it. A mutant in what is run while modules are
 * loaded, as in a table, needs the script to be evaluated anew, and then all tests may notice.
 */
import { createRequire } from "node:module";
import { join } from "node:path";
import { type Script, Script as VmScript } from "node:vm";
import type { Scripts } from "./bundle.ts";
import type { Mutant } from "./mutants.ts";
import type { Test } from "./vitest.ts";

/** A test that takes longer, in milliseconds of CPU, is left out. */
const tooLong = 150;

/** Those of which it is known beforehand. What they prove, others of those tests prove of shorter or fewer inputs. */
const slow = [
  /octets long, whole, in octets and at every cut #[3-7]$/,
  /keeps the session's word|in every reachable state the exported table says/,
  /replies that pile up are handed out in pieces|lines, their number and the whole are bounded/,
  /the cost is linear|no octet of 12,000 is looked at more than|octet by octet is read in one step/,
  /a v2 header of the greatest length is read/,
  /every control octet at every place of a line|every code point goes there and back/,
  /a server reads what was written, however it was cut|has the same policy, no dots, and no end/,
  /a text line is measured without CRLF and stuffed dot/,
  /every (message|text|BDAT message) of up to/,
  /to freeze and thaw the session|no octets make a parser throw/,
  /however much is written at once|a line over all limits|SEC-DOS-0[23]/,
  /v2 headers of UDP|other families, other protocols|every other version or command|all of the declared length/,
  /a v1 header has 107 octets|a checksum is compared|every order of equals/,
];

export interface Limits {
  /** Milliseconds of CPU for the tests of one mutant. */
  readonly trial: number;
}

export interface Trial {
  readonly verdict: "killed" | "timeout" | "survived" | "uncovered";
  /** The test that noticed. */
  readonly by: string | null;
  /** It was given up before all tests that come by were run. */
  readonly cut: boolean;
  readonly isStatic: boolean;
}

interface Loaded {
  tests: readonly Test[];
  turn(id: number, limit: number): void;
}

interface Known {
  readonly test: Test;
  readonly time: number;
  /** How many mutants it comes by, and, by their ids, which. */
  readonly breadth: number;
  readonly passed: Uint8Array;
}

const place = globalThis as { __trial__?: () => string | null; __coreLoaded__?: (() => void) | undefined };

export class Trials {
  readonly #scripts: Scripts;
  readonly #mutants: readonly Mutant[];
  readonly #shares = new Map<string, readonly number[]>();
  readonly #require: NodeJS.Require;
  /** By the id of the mutant: how often a test comes by it, at most. */
  readonly #mostHits: Uint32Array;
  readonly #static = new Set<string>();
  readonly #all: Known[] = [];
  /** How many mutants of a file each test has noticed. */
  readonly #kills = new Map<string, Map<string, number>>();
  #loaded: Loaded | null = null;
  /** Titles of tests that are left out, by why. */
  readonly leftOut: { readonly slow: string[]; readonly failing: string[]; readonly async: string[] } = {
    slow: [],
    failing: [],
    async: [],
  };

  constructor(root: string, scripts: Scripts, mutants: readonly Mutant[]) {
    this.#mutants = mutants;
    const most = mutants.reduce((sum, { id }) => Math.max(sum, Number(id)), 0);
    this.#mostHits = new Uint32Array(most + 1);
    process.env.SANSMTP_QUICK = "1";
    this.#scripts = scripts;
    this.#require = createRequire(join(root, "package.json"));
  }

  /** Runs all tests without a mutant, and learns which comes by which. */
  learn(): void {
    const counts = new Uint32Array(this.#mostHits.length);
    place.__coreLoaded__ = () => {
      counts.forEach((count, id) => {
        if (count > 0) this.#static.add(String(id));
      });
      counts.fill(0);
    };
    const { tests } = this.#load(this.#scripts.counting, -1, counts);
    place.__coreLoaded__ = undefined;
    // What tests alone do while they are declared.
    const declaring = counts.slice();
    for (const test of tests) {
      if (slow.some((title) => title.test(test.title))) {
        this.leftOut.slow.push(test.title);
        continue;
      }
      counts.fill(0);
      const start = process.cpuUsage();
      const failure = run(test);
      const spent = process.cpuUsage(start);
      const time = (spent.user + spent.system) / 1000;
      const out =
        failure === "async" ? "async" : failure !== null ? "failing" : time > tooLong ? "slow" : null;
      if (process.env.V && (out || time > 50)) console.log(test.title, time | 0, failure);
      if (out !== null) {
        this.leftOut[out].push(test.title);
        continue;
      }
      const passed = new Uint8Array(counts.length);
      let breadth = 0;
      for (let id = 0; id < counts.length; id++) {
        const hits = counts[id] as number;
        if (hits === 0) continue;
        passed[id] = 1;
        breadth++;
        if (hits > (this.#mostHits[id] as number)) this.#mostHits[id] = hits;
      }
      this.#all.push({ test, time: time + 0.05, breadth, passed });
    }
    for (let id = 0; id < counts.length; id++)
      if (this.#mostHits[id] === 0 && (declaring[id] as number) > 0) this.#static.add(String(id));
  }

  get size(): number {
    return this.#all.length;
  }

  isStatic(mutant: Mutant): boolean {
    return this.#static.has(mutant.id);
  }

  try(mutant: Mutant, limits: Limits): Trial {
    const isStatic = this.#static.has(mutant.id);
    const id = Number(mutant.id);
    const covering = isStatic ? this.#all : this.#all.filter(({ passed }) => passed[id] === 1);
    if (covering.length === 0) return { verdict: "uncovered", by: null, cut: false, isStatic };
    const kills = this.#kills.get(mutant.file) ?? new Map<string, number>();
    this.#kills.set(mutant.file, kills);
    const shares = isStatic ? this.#sharesOf(mutant.file) : null;
    const cost = ({ test, time, breadth, passed }: Known, at: number) =>
      (time * Math.sqrt(breadth + 1)) /
      (1 + 3 * (kills.get(test.id) ?? 0)) /
      (shares === null ? 1 : (1 + (shares[at] as number)) * (passed[id] === 1 ? 10 : 1));
    const tests = covering
      .map((known, at) => ({ known, cost: cost(known, at) }))
      .sort((one, other) => one.cost - other.cost)
      .map(({ known }) => known.test);
    const most = isStatic ? 10_000_000 : 1000 + 100 * (this.#mostHits[id] as number);
    let loaded: Loaded;
    try {
      if (isStatic) loaded = this.#load(this.#scripts.switching, id);
      else loaded = this.#loaded ??= this.#load(this.#scripts.switching, -1);
    } catch {
      return { verdict: "killed", by: "the modules are not loaded", cut: false, isStatic };
    }
    if (isStatic) this.#loaded = null;
    const byId = isStatic ? new Map(loaded.tests.map((test) => [test.id, test])) : null;
    const start = process.cpuUsage();
    for (const test of tests) {
      const own = byId === null ? loaded.tests[Number(test.id)] : byId.get(test.id);
      if (own === undefined || own.title !== test.title)
        return { verdict: "killed", by: "a table of tests is another", cut: false, isStatic };
      loaded.turn(id, most);
      const failure = runBounded(own);
      if (failure === "timeout") this.#loaded = null;
      loaded.turn(-1, 0);
      if (failure !== null) {
        kills.set(test.id, (kills.get(test.id) ?? 0) + 1);
        const verdict = failure === "timeout" || failure.includes("too many turns") ? "timeout" : "killed";
        // What it may have left behind in a module is not to speak against the next one.
        if (!isStatic && verdict === "killed" && run(own) !== null) {
          this.#loaded = null;
        }
        return { verdict, by: test.title, cut: false, isStatic };
      }
      const spent = process.cpuUsage(start);
      if ((spent.user + spent.system) / 1000 > limits.trial) {
        return { verdict: "survived", by: null, cut: test !== tests.at(-1), isStatic };
      }
    }
    return { verdict: "survived", by: null, cut: false, isStatic };
  }

  /** Whether a test, by its title, notices a mutant, and passes without it. */
  isCaughtBy(mutant: Mutant, title: string): boolean {
    const loaded = (this.#loaded ??= this.#load(this.#scripts.switching, -1));
    // Titles of tables are no names: the line that fails is one of those that have it.
    for (const test of loaded.tests.filter((each) => each.title === title)) {
      loaded.turn(Number(mutant.id), 1e7);
      const failure = runBounded(test);
      loaded.turn(-1, 0);
      if (failure === "timeout") this.#loaded = null;
      if (failure !== null) return failure === "timeout" || run(test) === null;
    }
    return false;
  }

  /** Of each test, how many mutants of a file it comes by. */
  #sharesOf(file: string): readonly number[] {
    const known = this.#shares.get(file);
    if (known !== undefined) return known;
    const ids = this.#mutants.filter((mutant) => mutant.file === file).map(({ id }) => Number(id));
    const shares = this.#all.map(({ passed }) => ids.reduce((sum, id) => sum + (passed[id] as number), 0));
    this.#shares.set(file, shares);
    return shares;
  }

  #load(script: Script, first: number, counts?: Uint32Array): Loaded {
    const evaluate = script.runInThisContext({ timeout: 20_000 }) as (
      require: NodeJS.Require,
      exported: object,
    ) => void;
    const exported: Partial<Loaded> & object = { first, counts } as never;
    evaluate(this.#require, exported);
    return exported as unknown as Loaded;
  }
}

function run(test: Test): string | null {
  try {
    const result = test.run();
    if (!(result instanceof Promise)) return null;
    result.catch(() => {});
    return "async";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const bounded = new VmScript("__trial__()");

/** Ends a test that runs in circles. */
function runBounded(test: Test): string | null {
  place.__trial__ = () => run(test);
  try {
    return bounded.runInThisContext({ timeout: 3000 }) as string | null;
  } catch {
    return "timeout";
  }
}

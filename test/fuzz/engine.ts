import { counts, ownPlaces, work } from "./counts.ts";
import { Finding, kindOf } from "./finding.ts";
import { mutate } from "./mutate.ts";
import { Random } from "./random.ts";
import type { Target } from "./target.ts";

/**
 * The loop of a coverage-guided fuzzer, as AFL and libFuzzer have shown it: an input that reaches a place that none
 * has reached, or reaches it more often by an order of magnitude, is kept, and changed in turn. Which one is changed
 * next is drawn by what it reaches, so that places that few inputs reach get as much work as those that all do.
 *
 * Two things are added. An input that costs more for its length than any of that length is kept as well, and what is
 * kept is repeated in itself to see how the cost grows. And all is drawn from one seed: the same seed, corpus and
 * number of executions give the same run.
 */

/** What was found: the input that shows it, as small as it could be made. */
export interface Found {
  readonly kind: string;
  readonly message: string;
  readonly input: Uint8Array;
  readonly execution: number;
}

interface Entry {
  readonly input: Uint8Array;
  /** Features of which this is the smallest input. */
  owned: number;
}

export class Engine {
  readonly #target: Target;
  readonly #branches: readonly string[];
  /** How often a place is reached makes no difference: for a corpus that is to be small. */
  readonly #coarse: boolean;
  /** How much of the work may go into seeing how costs grow, for each piece of work that goes into executions. */
  readonly #share: number;
  readonly #random: Random;
  /** For each place, the orders of magnitude in which it was reached, a bit each. */
  readonly #seen: Uint8Array;
  readonly #owners: (Entry | undefined)[] = [];
  readonly #features: number[] = [];
  #entries: Entry[] = [];
  readonly #dearest: number[] = [];
  /** Work done by executions, and to see how costs grow. */
  #tried = 0;
  #grown = 0;
  readonly #kinds = new Set<string>();
  /** Called before each execution, with the input. */
  readonly #watch: (input: Uint8Array) => void;
  readonly #onFound: (found: Found) => void;
  readonly #onKept: (input: Uint8Array) => void;
  executions = 0;
  /** How many inputs were repeated in themselves, to see how their cost grows. */
  measured = 0;
  /** The slowest input, in milliseconds, and what it was. */
  slowest: { readonly span: number; readonly input: Uint8Array } = { span: 0, input: new Uint8Array() };

  constructor(
    target: Target,
    branches: readonly string[],
    seed: number,
    on: {
      readonly watch?: (input: Uint8Array) => void;
      readonly found: (found: Found) => void;
      readonly kept?: (input: Uint8Array) => void;
    },
    { coarse = false, share = 1 / 3 }: { readonly coarse?: boolean; readonly share?: number } = {},
  ) {
    this.#target = target;
    this.#branches = branches;
    this.#coarse = coarse;
    this.#share = share;
    this.#random = new Random(seed);
    this.#seen = new Uint8Array(counts.length);
    this.#watch = on.watch ?? (() => {});
    this.#onFound = on.found;
    this.#onKept = on.kept ?? (() => {});
  }

  /** How many branches were reached so far. */
  get reached(): number {
    let reached = 0;
    for (let place = 1; place < this.#branches.length; place++) if (this.#seen[place] !== 0) reached++;
    return reached;
  }

  /** Branches reached, each with its orders of magnitude, and states of the target's own. */
  get features(): number {
    return this.#features.length;
  }

  /** The inputs that are worth keeping. */
  get corpus(): readonly Uint8Array[] {
    return this.#entries.map(({ input }) => input);
  }

  /**
   * Tries an input as it is, and keeps it if it reaches something new.
   *
   * @param reason why it is kept, if it has found something once; `repeat 4 2 to 800` in it: how its cost grows is looked
   * at again when the 2 octets at 4 are repeated until there are 800
   */
  add(input: Uint8Array, reason = ""): void {
    this.#execute(input, false);
    const [, at, length, size] = /\brepeat (\d+) (\d+) to (\d+)/.exec(reason) ?? [];
    if (at !== undefined) this.grow(input, { at: Number(at), length: Number(length), size: Number(size) });
  }

  /** Changes one of the inputs, and tries that. */
  step(): void {
    const { words = [], longest = 600 } = this.#target;
    const input = mutate(this.#draw(), this.#draw(), words, longest, this.#random);
    this.#execute(input, true);
    // Now and then something that reaches nothing new is repeated, too: what it costs may be new.
    if (this.executions % 200 === 0 && this.#grown <= this.#tried * this.#share) this.grow(input);
  }

  /**
   * How does the cost grow when a part of the input is repeated? Twice the input may take twice the work.
   *
   * @param part where it begins, how long it is, and how many octets it becomes; left out: anything behind the head
   */
  grow(
    input: Uint8Array,
    part?: { readonly at: number; readonly length: number; readonly size: number },
  ): void {
    const { plain, head = 0 } = this.#target;
    const grown = part?.size ?? this.#target.grown ?? 4096;
    if (plain === undefined || input.length <= head) return;
    const from = part?.at ?? head + this.#random.below(input.length - head);
    const rest = input.length - from;
    const length =
      part?.length ?? (this.#random.oneIn(2) ? rest : 1 + this.#random.below(Math.min(rest, 12)));
    const costs: number[] = [];
    let longest = input;
    const cost = (extra: number): number => {
      longest = repeated(input, from, length, extra);
      this.#watch(longest);
      counts.fill(0);
      plain(longest);
      this.#grown += work();
      costs.push(work());
      return work();
    };
    try {
      const [none, one, two, four] = [cost(0), cost(grown / 4), cost(grown / 2), cost(grown)];
      this.measured++;
      // What the first half has cost more is to be so with the next; a step, which a limit can make, does not count.
      if (four < 40_000 || two - one <= 1.3 * (one - none) || four - two <= 2.5 * (two - one)) return;
      if (cost(2 * grown) - four <= 2.5 * (four - two)) return;
    } catch (thrown) {
      this.#report(thrown, longest, (each) => plain(each));
      return;
    }
    const detail = `${costs.join(", ")} for twice the input each time: repeat ${from} ${length} to ${grown}`;
    this.#report(new Finding(`G6 superlinear at ${this.#busiest()}`, detail), input, null);
  }

  /** The branch that was reached most often. */
  #busiest(): string {
    let most = 1;
    for (let place = 1; place < this.#branches.length; place++)
      if ((counts[place] as number) > (counts[most] as number)) most = place;
    return this.#branches[most] ?? "?";
  }

  #draw(): Uint8Array {
    const random = this.#random;
    if (this.#entries.length === 0) return new Uint8Array();
    if (random.oneIn(3) || this.#features.length === 0) return random.pick(this.#entries).input;
    return (this.#owners[random.pick(this.#features)] as Entry).input;
  }

  #execute(input: Uint8Array, isNew: boolean): void {
    this.#watch(input);
    this.executions++;
    counts.fill(0);
    const start = performance.now();
    let thrown: unknown;
    let failed = false;
    try {
      this.#target.check(input);
    } catch (error) {
      thrown = error;
      failed = true;
    }
    const span = performance.now() - start;
    if (span > this.slowest.span) this.slowest = { span, input };
    this.#tried += work();
    const kept = this.#keep(input);
    if (failed) this.#report(thrown, input, (each) => this.#target.check(each));
    else if (kept) {
      if (isNew) this.#onKept(input);
      // A share of the work, and no more: most is for what is new.
      if (this.#grown <= this.#tried * this.#share) this.grow(input);
    }
  }

  /** Keeps an input that reaches what none has reached, or is the smallest that does, or the dearest of its length. */
  #keep(input: Uint8Array): boolean {
    let entry: Entry | null = null;
    let fresh = false;
    const claim = (feature: number): void => {
      entry ??= { input, owned: 0 };
      entry.owned++;
      const before = this.#owners[feature];
      if (before !== undefined) before.owned--;
      else this.#features.push(feature);
      this.#owners[feature] = entry;
    };
    const look = (from: number, to: number): void => {
      for (let place = from; place < to; place++) {
        const count = counts[place] as number;
        if (count === 0) continue;
        const order = this.#coarse ? 0 : magnitude(count);
        const bit = 1 << order;
        const feature = place * 8 + order;
        if (((this.#seen[place] as number) & bit) === 0) {
          this.#seen[place] = (this.#seen[place] as number) | bit;
          fresh = true;
          claim(feature);
        } else if (input.length < (this.#owners[feature] as Entry).input.length) {
          claim(feature);
        }
      }
    };
    const cost = work();
    look(1, this.#branches.length);
    look(ownPlaces, counts.length);
    const size = 32 - Math.clz32(input.length);
    if (cost > 1.2 * (this.#dearest[size] ?? 0)) {
      this.#dearest[size] = cost;
      fresh = true;
      entry ??= { input, owned: 0 };
      // It is the dearest: that counts as a feature of its own.
      claim(counts.length * 8 + size);
    }
    if (entry === null) return false;
    this.#entries.push(entry);
    if (this.#entries.length % 64 === 0) this.#entries = this.#entries.filter(({ owned }) => owned > 0);
    return fresh;
  }

  #report(thrown: unknown, input: Uint8Array, again: ((input: Uint8Array) => void) | null): void {
    const kind = kindOf(thrown);
    if (this.#kinds.has(kind)) return;
    this.#kinds.add(kind);
    const small = again === null ? input : this.#smaller(input, kind, again);
    const message = messageOf(again === null ? thrown : (thrownBy(small, again) ?? thrown));
    this.#onFound({ kind, message, input: small, execution: this.executions });
  }

  /** Leaves out of an input what is not needed to find the same. */
  #smaller(input: Uint8Array, kind: string, again: (input: Uint8Array) => void): Uint8Array {
    let best = input;
    let tries = 0;
    for (let span = Math.max(1, best.length >> 1); span >= 1; span >>= 1) {
      for (let at = 0; at < best.length && tries < 3000; tries++) {
        const shorter = new Uint8Array([...best.subarray(0, at), ...best.subarray(at + span)]);
        this.#watch(shorter);
        const thrown = thrownBy(shorter, again);
        if (thrown !== undefined && kindOf(thrown) === kind) best = shorter;
        else at += span;
      }
    }
    return best;
  }
}

/** The piece of `length` octets at `from`, repeated until there are `extra` octets more. */
function repeated(input: Uint8Array, from: number, length: number, extra: number): Uint8Array {
  const piece = input.subarray(from, from + length);
  const times = 1 + Math.ceil(extra / piece.length);
  const made = new Uint8Array(input.length + (times - 1) * piece.length);
  made.set(input.subarray(0, from));
  for (let time = 0; time < times; time++) made.set(piece, from + time * piece.length);
  made.set(input.subarray(from + length), from + times * piece.length);
  return made;
}

/** The order of magnitude of a count, 0 to 7. */
function magnitude(count: number): number {
  if (count < 4) return count - 1;
  return count < 8 ? 3 : count < 16 ? 4 : count < 32 ? 5 : count < 128 ? 6 : 7;
}

function thrownBy(input: Uint8Array, call: (input: Uint8Array) => void): unknown {
  try {
    call(input);
    return undefined;
  } catch (error) {
    return error ?? new Error("nothing was thrown, but thrown it was");
  }
}

function messageOf(thrown: unknown): string {
  if (thrown instanceof Finding) return thrown.message;
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}

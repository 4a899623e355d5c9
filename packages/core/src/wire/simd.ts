import type { Scanner } from "./scan.ts";

/** What simd.wat exports. */
export interface SimdExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly next: (at: number, prior: number, dot: number, last: number, most: number) => number;
}

/**
 * The scanner in WebAssembly SIMD: 16 octets in a few instructions (simd.wat). It sees only its own memory, so data is
 * copied there, a window at a time; that is a small part of what it costs. Since it knows data by its copy alone, every
 * `begin` makes it forget all: a caller may read into the same buffer again.
 *
 * Where finds are close together a call for each costs more than looking at octets one by one, so the plain scanner takes
 * over for the rest of such a chunk; it also has chunks that are short, and limits that lines of a few octets break.
 */
export class SimdScanner implements Scanner {
  readonly #next: SimdExports["next"];
  readonly #octets: Uint8Array;
  readonly #told: Int32Array;
  readonly #plain: Scanner;
  readonly #shortest: number;
  #isPlain = true;
  #chunk: Uint8Array = new Uint8Array(0);
  #from = 0;
  #end = 0;
  #dot = DOT;
  #maxLine = 0;
  /** What is in the window: the chunk's octets from here to there. */
  #windowFrom = 0;
  #windowEnd = 0;
  /** How often there was a find since `begin`. */
  #finds = 0;
  #lineStart = 0;
  #flags = 0;

  /** @param shortest chunks of fewer octets are for the plain scanner */
  constructor({ memory, next }: SimdExports, plain: Scanner, shortest: number = worthCopying) {
    this.#next = next;
    this.#octets = new Uint8Array(memory.buffer);
    this.#told = new Int32Array(memory.buffer, 0, 2);
    this.#plain = plain;
    this.#shortest = shortest;
  }

  begin(chunk: Uint8Array, from: number, end: number, dots: boolean, maxLine: number): void {
    this.#plain.begin(chunk, from, end, dots, maxLine);
    this.#flags = 0;
    this.#isPlain = end - from < this.#shortest || maxLine < shortestLine;
    if (this.#isPlain) return;
    this.#chunk = chunk;
    this.#from = from;
    this.#end = end;
    this.#dot = dots ? DOT : LF;
    this.#maxLine = maxLine;
    this.#windowEnd = from;
    this.#finds = 0;
  }

  get lineStart(): number {
    return this.#lineStart;
  }

  get eightBit(): boolean {
    return (this.#flags & eightBit) !== 0 || this.#plain.eightBit;
  }

  get nul(): boolean {
    return (this.#flags & nul) !== 0 || this.#plain.nul;
  }

  next(from: number, lineStart: number): number {
    if (this.#isPlain || this.#isDense(from)) {
      const found = this.#plain.next(from, lineStart);
      this.#lineStart = this.#plain.lineStart;
      return found;
    }
    const end = this.#end;
    const maxLine = this.#maxLine;
    const told = this.#told;
    this.#lineStart = lineStart;
    for (let at = from; ; at = this.#windowEnd) {
      if (at >= this.#windowEnd) this.#fill(at);
      const windowEnd = this.#windowEnd;
      const shift = window - this.#windowFrom;
      const prior = at === from ? text : this.#chunk[at - 1];
      const last = Math.max(-farOff, Math.min(farOff, this.#lineStart + maxLine + shift));
      const found = this.#next(at + shift, prior, this.#dot, last, Math.min(farOff, maxLine)) - shift;
      if (told[0] !== 0) this.#lineStart = told[0] - shift;
      this.#flags |= told[1];
      if (windowEnd === end) return Math.min(found, end);
      // The LF of a CR that ends the window may come in the next.
      const isEdge = found >= windowEnd || (found === windowEnd - 1 && this.#chunk[found] === CR);
      if (!isEdge) return found;
    }
  }

  /** A configuration that was written down as JSON, as recordings have it, is read with the plain scanner. */
  toJSON(): null {
    return null;
  }

  /** There is more than a find in 64 octets, on average. */
  #isDense(at: number): boolean {
    this.#finds += 1;
    this.#isPlain = this.#finds > 16 + ((at - this.#from) >>> 6);
    return this.#isPlain;
  }

  #fill(at: number): void {
    const chunk = this.#chunk;
    // The first is small: behind a short message in the chunk there may be a hundred others, each with its own reader.
    const windowEnd = Math.min(this.#end, at + (at === this.#from ? firstWindow : windowSize));
    const length = windowEnd - at;
    this.#octets.set(length === chunk.length ? chunk : chunk.subarray(at, windowEnd), window);
    // A CR that is the last octet is found by the text behind it; the search ends at the LF without CR at the latest.
    this.#octets[window + length] = text;
    this.#octets[window + length + 1] = LF;
    this.#windowFrom = at;
    this.#windowEnd = windowEnd;
  }
}

/** Where the window is in the memory of the module, and how many octets it takes: it fits in a cache of the first level. */
const window = 64;
const windowSize = 16_384;
const firstWindow = 4_096;
/** Octets from which on a copy and a call repay. */
const worthCopying = 200;
/** Shorter lines are not measured where they begin and end in the same 16 octets (simd.wat). */
const shortestLine = 16;
/** Farther from the window than any line that begins in it can end. */
const farOff = 1 << 30;
/** The flags that simd.wat tells: some octet is 128 or more; some octet is 0. */
const eightBit = 1;
const nul = 2;
const LF = 10;
const CR = 13;
const DOT = 46;
const text = 0x78;

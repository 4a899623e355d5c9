import type { Scanner } from "./scan.ts";

/**
 * The scanner for any place. It reads words of 4 octets, as one number each: 16 octets at a time while none of them is a
 * control below 14, which of all octets that are finds only the dot is not; then word by word to the next CR or LF, over
 * tabs and NULs, or until four words had none. Most are CR LF, and what is behind them is text: it goes on from there, 16
 * at a time again unless lines are short. Empty lines are words of their own.
 *
 * Chunks of a few octets are read octet by octet: the view that reads words is an object more.
 */
export class PlainScanner implements Scanner {
  #chunk: Uint8Array = new Uint8Array(0);
  #end = 0;
  #dot = DOT;
  #maxLine = 0;
  #words: DataView | null = null;
  #lineStart = 0;
  #bits = 0;
  #nul = false;

  begin(chunk: Uint8Array, _from: number, end: number, dots: boolean, maxLine: number): void {
    this.#chunk = chunk;
    this.#end = end;
    this.#dot = dots ? DOT : none;
    this.#maxLine = maxLine;
    this.#words = null;
    this.#bits = 0;
    this.#nul = false;
  }

  get lineStart(): number {
    return this.#lineStart;
  }

  get eightBit(): boolean {
    return (this.#bits & highBits) !== 0;
  }

  get nul(): boolean {
    return this.#nul;
  }

  next(from: number, lineStart: number): number {
    const chunk = this.#chunk;
    const end = this.#end;
    const dot = this.#dot;
    const maxLine = this.#maxLine;
    let words = this.#words;
    let line = lineStart;
    let at = from;
    let bits = 0;
    let nul = false;
    // Up to here octet by octet: finds may be dense.
    let stop = end - from < worthWords ? end : from + 4;
    search: for (;;) {
      while (at < stop) {
        const octet = chunk[at];
        if (octet >= 14) {
          bits |= octet;
          at += 1;
        } else if (octet === CR) {
          if (at + 1 >= end || chunk[at + 1] !== LF || at - line > maxLine) break search;
          at += 2;
          line = at;
          if (at >= end || chunk[at] === dot) break search;
        } else if (octet === LF) {
          break search;
        } else {
          if (octet === 0) nul = true;
          at += 1;
        }
      }
      if (at >= end) break;
      words ??= this.#words = new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
      for (; at + 16 <= end; at += 16) {
        const a = words.getInt32(at, true);
        const b = words.getInt32(at + 4, true);
        const c = words.getInt32(at + 8, true);
        const d = words.getInt32(at + 12, true);
        if (((below14(a) | below14(b) | below14(c) | below14(d)) & highBits) !== 0) break;
        bits |= a | b | c | d;
      }
      for (let clean = 0; at + 4 <= end; ) {
        const word = words.getInt32(at, true);
        const controls = below14(word) & highBits;
        if (controls === 0) {
          bits |= word;
          at += 4;
          clean += 1;
          if (clean === 4) break;
          continue;
        }
        // How many octets, in bits, are before the control; what is behind a line end may be behind the end of data.
        let before = (31 - Math.clz32(controls & -controls)) & 24;
        let octet = (word >>> before) & 0xff;
        if (octet !== CR && octet !== LF) {
          const lineEnds = (zeros(word ^ fourCr) | zeros(word ^ fourLf)) & highBits;
          if (lineEnds === 0) {
            if ((zeros(word) & highBits) !== 0) nul = true;
            bits |= word;
            at += 4;
            continue;
          }
          before = (31 - Math.clz32(lineEnds & -lineEnds)) & 24;
          if ((zeros(word | (-1 << before)) & highBits) !== 0) nul = true;
          octet = (word >>> before) & 0xff;
        }
        bits |= word & ~(-1 << before);
        at += before >>> 3;
        if (octet === LF || at + 1 >= end || chunk[at + 1] !== LF || at - line > maxLine) break search;
        const isLong = at - line >= longLine;
        at += 2;
        line = at;
        if (at >= end) break search;
        if (chunk[at] === CR) {
          while (at + 4 <= end && words.getInt32(at, true) === emptyLines) at += 4;
          line = at;
          if (at >= end) break search;
        }
        if (chunk[at] === dot) break search;
        if (isLong) break;
      }
      stop = at + 4 <= end ? at : end;
    }
    this.#lineStart = line;
    this.#bits |= bits;
    if (nul) this.#nul = true;
    return at;
  }
}

/** The CR at this offset is that of a CR LF, and no dot is behind it: both are known to be within the range. */
export function isPlainEnd(chunk: Uint8Array, cr: number, end: number): boolean {
  return cr + 2 < end && chunk[cr + 1] === LF && chunk[cr + 2] !== DOT;
}

/** What has a high bit if one of four octets is below 14; the lowest is that of the first such octet. */
function below14(word: number): number {
  return (word - 0x0e0e0e0e) & ~word;
}

/** The same for octets that are 0. */
function zeros(word: number): number {
  return (word - 0x01010101) & ~word;
}

/** The high bit of each octet, as the signed number that bit operations give. */
const highBits = -0x7f7f7f80;
const fourCr = 0x0d0d0d0d;
const fourLf = 0x0a0a0a0a;
/** CR LF CR LF */
const emptyLines = 0x0a0d0a0d;
/** Octets of a line from which on the next is likely to be worth 16 at a time. */
const longLine = 24;
/** Octets from which on reading words repays the object that it takes. */
const worthWords = 100;
/** No octet is this. */
const none = -1;
const LF = 10;
const CR = 13;
const DOT = 46;

/** The scanner that is used where no other is given: all share it, since each is done with a chunk before the next begins. */
export const plain: Scanner = new PlainScanner();

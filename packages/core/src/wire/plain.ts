import type { Scanner } from "./scan.ts";

/**
 * The scanner for any place. It reads 16 octets at a time, as four numbers, and asks of all at once whether CR, LF, NUL or
 * another control but the tab is among them. Where one is, it looks at the controls of these 16 one after the other: most
 * are a CR LF with text behind it. It goes on behind the 16, whatever they held: the processor reads the next before it
 * knows what became of these. To go on from the line end, wherever that is, would have it wait, and takes half as long
 * again on lines of any length.
 *
 * Chunks of a few octets are read octet by octet: the view that reads numbers is an object more.
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
    // Of a find among 16: what is before it is content, and what is behind it may be none.
    let find = from;
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
      while (at + 16 <= end) {
        const a = words.getInt32(at, true) ^ sevens;
        const b = words.getInt32(at + 4, true) ^ sevens;
        const c = words.getInt32(at + 8, true) ^ sevens;
        const d = words.getInt32(at + 12, true) ^ sevens;
        const inA = below14(a);
        const inB = below14(b);
        const inC = below14(c);
        const inD = below14(d);
        let behind = at + 16;
        if (((inA | inB | inC | inD) & highBits) !== 0) {
          let found = gather(inA) | (gather(inB) << 4) | (gather(inC) << 8) | (gather(inD) << 12);
          do {
            const control = at + 31 - Math.clz32(found & -found);
            const octet = chunk[control];
            if (octet === CR && control + 1 < end && chunk[control + 1] === LF && control - line <= maxLine) {
              line = control + 2;
              while (line + 4 <= end && words.getInt32(line) === emptyLines) line += 4;
              if (line >= end || chunk[line] === dot) {
                find = line;
                break search;
              }
              found = line < behind ? found & (-1 << (line - at)) : 0;
            } else if (octet === CR || octet === LF) {
              find = control;
              break search;
            } else {
              if (octet === 0) nul = true;
              found &= found - 1;
              if (chunk[control + 1] < 14) found &= telling(words, at, nul ? lowBits : 0);
            }
          } while (found !== 0);
          if (line > behind) behind = line;
        }
        bits |= a | b | c | d;
        at = behind;
      }
      stop = end;
    }
    for (; at < find; at += 1) bits |= chunk[at];
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

/**
 * Which of 16 octets are CR, LF or 0, or, where that is told, only the first two. Which controls there are besides, and
 * how often, tells nothing more. An octet behind one of these may be among them that is not.
 */
function telling(words: DataView, at: number, told: number): number {
  let all = 0;
  for (let word = 3; word >= 0; word--) {
    const four = words.getInt32(at + 4 * word, true);
    all = (all << 4) | gather(zeros(four ^ fourCr) | zeros(four ^ fourLf) | zeros(four | told));
  }
  return all;
}

/** The same as `below14` for octets that are 0. */
function zeros(word: number): number {
  return (word - lowBits) & ~word;
}

/** The high bits of four octets as the lowest four of a number. */
function gather(word: number): number {
  return Math.imul((word & highBits) >>> 7, 0x01020408) >>> 24;
}

/** The high bit of each octet, as the signed number that bit operations give. */
const highBits = -0x7f7f7f80;
const lowBits = 0x01010101;
/** XOR of this CR, LF and NUL are below 14, as are most controls; the tab is not. */
const sevens = 0x07070707;
const fourCr = 0x0d0d0d0d;
const fourLf = 0x0a0a0a0a;
/** CR LF CR LF */
const emptyLines = 0x0d0a0d0a;
/** Octets from which on reading words repays the object that it takes. */
const worthWords = 100;
/** No octet is this. */
const none = -1;
const LF = 10;
const CR = 13;
const DOT = 46;

/** The scanner that is used where no other is given: all share it, since each is done with a chunk before the next begins. */
export const plain: Scanner = new PlainScanner();

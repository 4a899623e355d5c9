import type { Input } from "./input.ts";

/** A line without its CRLF: octets of an array that may have others before it and behind it. */
export interface Line {
  readonly octets: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Octets that were read for it: CRLF included, and what was discarded of a line that was too long. */
  readonly length: number;
  /** The offset in `octets` of the first control octet but HT, or -1. */
  readonly control: number;
}

/**
 * Reads the next line if all of it is in the chunk in hand, as nearly every line is: it needs to be looked at once, and
 * nothing has to be held or copied. Null: it is not, or it is over the limit, and a `LineReader` has to read it.
 *
 * @param limit octets, CRLF included
 */
export function wholeLine(input: Input, limit: number): Line | null {
  const octets = input.chunk;
  if (octets === null) return null;
  const start = input.at;
  const stop = Math.min(octets.length, start + limit);
  let control = -1;
  for (let at = start; at < stop; at += 1) {
    const octet = octets[at];
    if (octet >= 0x20 && octet !== DEL) continue;
    if (octet === CR && at + 1 < stop && octets[at + 1] === LF) {
      const length = at + 2 - start;
      input.skip(length);
      return { octets, start, end: at, length, control };
    }
    if (octet !== HT && control === -1) control = at;
  }
  return null;
}

/** A line that a `LineReader` has read. */
export function lineOf(octets: Uint8Array, length: number): Line {
  return { octets, start: 0, end: octets.length, length, control: forbiddenOctet(octets) };
}

/** The offset of the first control octet but HT, or -1: CR, LF and NUL alone make a line invalid. */
export function forbiddenOctet(octets: Uint8Array): number {
  for (let at = 0; at < octets.length; at++) {
    const octet = octets[at];
    if ((octet < 0x20 && octet !== HT) || octet === DEL) return at;
  }
  return -1;
}

/**
 * Reads lines. A line ends at CR LF and nowhere else (RFC 5321 §2.3.8): a CR or an LF alone, or NUL, is part of
 * it, for the parser to refuse. Of a line over the limit the beginning alone is held; it is read to its end, and
 * told of once.
 *
 * What is held of an unfinished line is at most the limit; each octet is looked at once and copied a constant
 * number of times, however the line was cut into chunks.
 */
export class LineReader {
  /** Octets of a line, CRLF included. It may change between lines. */
  limit: number;

  #held: Uint8Array = nothing;
  /** Octets of the line so far, held or discarded. */
  #read = 0;
  #afterCr = false;
  #overlong = false;
  #length = 0;
  #beginning: Uint8Array = nothing;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Octets of the line that `read` returned last, or called too long: CRLF included. */
  get length(): number {
    return this.#length;
  }

  /** The first octets of the line that `read` called too long last: enough to tell what it was meant to be. */
  get beginning(): Uint8Array {
    return this.#beginning;
  }

  /**
   * The next line without its CRLF, read with it; `too-long` for one that was over the limit; null when all
   * input is read and no line is complete. The octets are a view of the chunk in which the line came, or a copy
   * when it came in several; neither is written to afterwards.
   */
  read(input: Input): Uint8Array | "too-long" | null {
    for (let chunk = input.chunk; chunk !== null; chunk = input.chunk) {
      const start = input.at;
      const end = lineEnd(chunk, start, this.#afterCr);
      const taken = (end === -1 ? chunk.length : end) - start;
      const held = this.#read;
      this.#read += taken;
      if (this.#read > this.limit && !this.#overlong) {
        this.#overlong = true;
        const most = Math.min(beginning, this.limit);
        this.#held = begin(this.#held.subarray(0, held), chunk.subarray(start, start + taken), most);
      }
      if (end !== -1) {
        const line = this.#overlong ? "too-long" : this.#line(chunk, start, end, held);
        if (this.#overlong) this.#beginning = this.#held;
        this.#length = this.#read;
        this.#forget();
        input.skip(taken);
        return line;
      }
      this.#afterCr = chunk[chunk.length - 1] === CR;
      if (!this.#overlong) this.#hold(chunk, start, held);
      input.skip(taken);
    }
    return null;
  }

  /** A copy of the first octets of the unfinished line, so many at most; null: it is too long, and they are gone. */
  begun(most: number): Uint8Array | null {
    return this.#overlong ? null : this.#held.slice(0, Math.min(this.#read, most));
  }

  /** The unfinished line, as JSON: together with the unread input it is all there is to know. */
  snapshot(): LineSnapshot {
    return {
      held: Array.from(this.#held.subarray(0, this.#read)),
      read: this.#read,
      afterCr: this.#afterCr,
      overlong: this.#overlong,
    };
  }

  /** Goes on where a snapshot was taken. */
  restore(snapshot: LineSnapshot): void {
    this.#held = Uint8Array.from(snapshot.held);
    this.#read = snapshot.read;
    this.#afterCr = snapshot.afterCr;
    this.#overlong = snapshot.overlong;
  }

  #line(chunk: Uint8Array, start: number, end: number, held: number): Uint8Array {
    if (held === 0) return new Uint8Array(chunk.buffer, chunk.byteOffset + start, end - 2 - start);
    // The LF, and the CR before it unless that is held already, are not part of the line.
    if (end - start < 2) return this.#held.subarray(0, held - (2 - (end - start)));
    this.#hold(chunk.subarray(0, end - 2), start, held);
    return this.#held.subarray(0, held + end - 2 - start);
  }

  #hold(chunk: Uint8Array, start: number, held: number): void {
    const needed = held + chunk.length - start;
    if (needed > this.#held.length) {
      const wider = new Uint8Array(Math.min(this.limit, Math.max(needed, 2 * this.#held.length, 64)));
      wider.set(this.#held.subarray(0, held));
      this.#held = wider;
    }
    this.#held.set(start === 0 ? chunk : chunk.subarray(start), held);
  }

  #forget(): void {
    // A new line gets a new buffer: the old one may be in the hands of the caller (G8).
    this.#held = nothing;
    this.#read = 0;
    this.#afterCr = false;
    this.#overlong = false;
  }
}

/** A copy of the first octets of a line that is not held, so many at most. */
function begin(held: Uint8Array, more: Uint8Array, most: number): Uint8Array {
  return Uint8Array.from([...held.subarray(0, most), ...more.subarray(0, most)].slice(0, most));
}

/** An unfinished line. */
export interface LineSnapshot {
  /** The octets held of it. */
  readonly held: readonly number[];
  /** Octets read of it. */
  readonly read: number;
  /** The last octet read is a CR. */
  readonly afterCr: boolean;
  /** It is too long: its beginning is held and the rest is being discarded. */
  readonly overlong: boolean;
}

/** What there is of a line when nothing of it was read. */
export const noLine: LineSnapshot = { held: [], read: 0, afterCr: false, overlong: false };

/** The offset behind the first CR LF, or -1. */
function lineEnd(chunk: Uint8Array, start: number, afterCr: boolean): number {
  let previousIsCr = afterCr;
  for (let at = start; at < chunk.length; at += 1) {
    const octet = chunk[at];
    if (octet === LF && previousIsCr) return at + 1;
    previousIsCr = octet === CR;
  }
  return -1;
}

const nothing: Uint8Array = new Uint8Array(0);
/** Octets: a verb and a blank. */
const beginning = 16;
const HT = 9;
const LF = 10;
const CR = 13;
const DEL = 0x7f;

import { join } from "./join.ts";

/**
 * What becomes of a CR or LF alone in content to be sent, which must not go on the wire (RFC 5321 §2.3.8): `strict`:
 * it is an error. `normalize`: it becomes CR LF. `space`: it becomes a space.
 */
export type LineEndPolicy = "strict" | "normalize" | "space";

/** How content is written. */
export interface WriterOptions {
  /** Dots are stuffed and a lone dot ends the data: DATA. False for BDAT. */
  readonly dots: boolean;
  readonly lineEnds: LineEndPolicy;
  /** The most octets of a line without CRLF (RFC 5321 §4.5.3.1.6). Infinity: any. */
  readonly maxLine: number;
  /** BINARYMIME: the octets go as they are. */
  readonly binary: boolean;
}

/** Why content cannot be sent, and where, in octets of what was given. */
export interface WriterFault {
  readonly fault: "content-bare-cr" | "content-bare-lf" | "content-long-line";
  readonly at: number;
}

/** Writes the content of one message (RFC 5321 §4.5.2), in whatever pieces it comes: they do not matter. */
export class ContentWriter {
  readonly #options: WriterOptions;
  #begin = true;
  #heldCr = false;
  #line = 0;
  #read = 0;
  #written = 0;
  #bits = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** Octets of content so far, without stuffed dots: what SIZE and BDAT count. */
  get size(): number {
    return this.#written;
  }

  /** Some octet is 0x80 or above. */
  get eightBit(): boolean {
    return this.#bits >= 0x80;
  }

  /** What goes on the wire for these octets: themselves, where nothing has to be changed. */
  write(octets: Uint8Array): Uint8Array | WriterFault {
    const { dots, lineEnds, binary } = this.#options;
    if (binary) {
      this.#written += octets.length;
      return octets;
    }
    const pieces = new Pieces(octets);
    const normalize = lineEnds === "normalize";
    for (let at = 0; at < octets.length; at++) {
      const octet = octets[at];
      if (this.#heldCr) {
        this.#heldCr = false;
        if (octet === LF) {
          pieces.replace(at, at + 1, crLf);
          this.#newLine();
          continue;
        }
        if (lineEnds === "strict") return { fault: "content-bare-cr", at: this.#read + at - 1 };
        pieces.replace(at, at, normalize ? crLf : blank);
        if (normalize) this.#newLine();
        else if (this.#isTooLong()) return { fault: "content-long-line", at: this.#read + at - 1 };
      }
      if (octet === CR) {
        if (octets[at + 1] === LF && at + 1 < octets.length) {
          at++;
          this.#newLine();
        } else {
          pieces.replace(at, at + 1, nothing);
          this.#heldCr = true;
        }
        continue;
      }
      if (octet === LF) {
        if (lineEnds === "strict") return { fault: "content-bare-lf", at: this.#read + at };
        pieces.replace(at, at + 1, normalize ? crLf : blank);
        if (normalize) this.#newLine();
        else if (this.#isTooLong()) return { fault: "content-long-line", at: this.#read + at };
        continue;
      }
      if (octet === dot && this.#begin && dots) pieces.replace(at, at, oneDot);
      this.#bits |= octet;
      if (this.#isTooLong()) return { fault: "content-long-line", at: this.#read + at };
    }
    this.#read += octets.length;
    const written = pieces.take();
    this.#written += written.length - pieces.stuffed;
    return written;
  }

  /** What ends the content: for DATA the CRLF that it lacks, and the lone dot. */
  finish(): Uint8Array | WriterFault {
    const { dots, lineEnds, binary } = this.#options;
    let end = nothing;
    if (this.#heldCr && !binary) {
      if (lineEnds === "strict") return { fault: "content-bare-cr", at: this.#read - 1 };
      end = lineEnds === "normalize" ? crLf : blank;
      this.#heldCr = false;
      if (lineEnds === "normalize") this.#newLine();
      else if (this.#isTooLong()) return { fault: "content-long-line", at: this.#read - 1 };
    }
    this.#written += end.length;
    if (!dots) return end;
    return this.#begin ? join([end, lastDot]) : join([end, crLf, lastDot]);
  }

  /** Everything but the options, as JSON. */
  snapshot(): WriterSnapshot {
    return {
      begin: this.#begin,
      heldCr: this.#heldCr,
      line: this.#line,
      read: this.#read,
      written: this.#written,
      bits: this.#bits,
    };
  }

  static restore(options: WriterOptions, snapshot: WriterSnapshot): ContentWriter {
    const writer = new ContentWriter(options);
    writer.#begin = snapshot.begin;
    writer.#heldCr = snapshot.heldCr;
    writer.#line = snapshot.line;
    writer.#read = snapshot.read;
    writer.#written = snapshot.written;
    writer.#bits = snapshot.bits;
    return writer;
  }

  /** An octet of text, a blank in the place of a line end, too: what follows does not begin the line. */
  #isTooLong(): boolean {
    this.#begin = false;
    return ++this.#line > this.#options.maxLine;
  }

  #newLine(): void {
    this.#begin = true;
    this.#line = 0;
  }
}

/** A writer in the middle of a message. */
export interface WriterSnapshot {
  readonly begin: boolean;
  readonly heldCr: boolean;
  readonly line: number;
  readonly read: number;
  readonly written: number;
  readonly bits: number;
}

/** A chunk with some of its octets replaced; the chunk itself when none were. */
class Pieces {
  readonly #chunk: Uint8Array;
  readonly #pieces: Uint8Array[] = [];
  #from = 0;
  /** Octets that are on the wire only. */
  stuffed = 0;

  constructor(chunk: Uint8Array) {
    this.#chunk = chunk;
  }

  replace(start: number, end: number, by: Uint8Array): void {
    if (start > this.#from) this.#pieces.push(this.#chunk.subarray(this.#from, start));
    if (by.length > 0) this.#pieces.push(by);
    if (by === oneDot) this.stuffed++;
    this.#from = end;
  }

  take(): Uint8Array {
    if (this.#from === 0 && this.#pieces.length === 0) return this.#chunk;
    this.replace(this.#chunk.length, this.#chunk.length, nothing);
    return join(this.#pieces);
  }
}

const CR = 13;
const LF = 10;
const dot = 0x2e;
const nothing: Uint8Array = new Uint8Array(0);
const crLf: Uint8Array = Uint8Array.of(CR, LF);
const blank: Uint8Array = Uint8Array.of(0x20);
const oneDot: Uint8Array = Uint8Array.of(dot);
const lastDot: Uint8Array = Uint8Array.of(dot, CR, LF);

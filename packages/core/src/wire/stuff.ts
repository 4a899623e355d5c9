/**
 * Writes message content: DATA with its dots stuffed (RFC 5321 §4.5.2), and what goes in the chunks of BDAT, which has
 * none (RFC 3030 §2); in both, lines end in CR LF and are no longer than the limit.
 *
 * The writer is at one of these places, and an octet moves it on:
 *
 *     line      the begin of a line     `.` is doubled;         else as in text
 *     text      within a line           CR -> cr;  LF is bare;  else content
 *     cr        behind CR               LF -> line;             else the CR was bare, and as in text
 *
 * In text a scanner finds the next octet that is worth a thought; content that needs no change goes on as it was given. A
 * CR is not written before the octet behind it is known.
 */
import { bug } from "../errors.ts";
import { join } from "./join.ts";
import { isPlainEnd, plain } from "./plain.ts";
import type { Scanner } from "./scan.ts";
import { Splice } from "./splice.ts";

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
  /** Who looks for what is worth a thought. Left out: the plain scanner. */
  readonly scanner?: Scanner | null;
}

/** Why content cannot be sent, and where, in octets of what was given. */
export interface WriterFault {
  readonly fault: "content-bare-cr" | "content-bare-lf" | "content-long-line";
  readonly at: number;
}

/** Writes the content of one message (RFC 5321 §4.5.2), in whatever pieces it comes: they do not matter. */
export class ContentWriter {
  readonly #options: WriterOptions;
  #place: Place = "line";
  /** Octets of the line in hand: of what was given. */
  #line = 0;
  #read = 0;
  #written = 0;
  #eightBit = false;

  // The piece in hand, as offsets in it.
  #lineStart = 0;
  /** Up to here it was written, or something in its place. */
  #done = 0;
  #fault: WriterFault | null = null;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  /** Octets of content so far, without stuffed dots: what SIZE and BDAT count. */
  get size(): number {
    return this.#written;
  }

  /** Some octet is 0x80 or above. */
  get eightBit(): boolean {
    return this.#eightBit;
  }

  /** What goes on the wire for these octets: themselves, where nothing has to be changed. */
  write(octets: Uint8Array): Uint8Array | WriterFault {
    if (this.#options.binary) {
      this.#written += octets.length;
      return octets;
    }
    if (octets.length === 0) return octets;
    splice.begin(octets);
    this.#done = 0;
    this.#lineStart = -this.#line;
    this.#walk(octets);
    const end = octets.length;
    const known = this.#place === "cr" ? end - 1 : end;
    this.#measureLine(known);
    if (this.#fault !== null) {
      splice.take();
      return this.#fault;
    }
    // Nothing was changed: what was given need not be copied, nor looked at through another view.
    if (splice.isEmpty && this.#done === 0 && known === end) {
      this.#written += end;
      this.#go(end);
      splice.take();
      return octets;
    }
    this.#emitTo(known);
    this.#go(end);
    return splice.take() ?? nothing;
  }

  /** What ends the content: for DATA the CRLF that it lacks, and the lone dot. */
  finish(): Uint8Array | WriterFault {
    const { dots, binary } = this.#options;
    let end = nothing;
    if (this.#place === "cr" && !binary) {
      splice.begin(nothing);
      this.#done = 0;
      this.#lineStart = -this.#line;
      this.#place = this.#meetBareCr(0);
      this.#go(0);
      if (this.#fault !== null) return this.#fault;
      end = splice.take() ?? bug("nothing in the place of a bare CR");
    }
    if (!dots) return end;
    return this.#place === "line" ? join([end, lastDot]) : join([end, crLf, lastDot]);
  }

  /** Everything but the options, as JSON. */
  snapshot(): WriterSnapshot {
    return {
      place: this.#place,
      line: this.#line,
      read: this.#read,
      written: this.#written,
      eightBit: this.#eightBit,
    };
  }

  static restore(options: WriterOptions, snapshot: WriterSnapshot): ContentWriter {
    const writer = new ContentWriter(options);
    writer.#place = snapshot.place;
    writer.#line = snapshot.line;
    writer.#read = snapshot.read;
    writer.#written = snapshot.written;
    writer.#eightBit = snapshot.eightBit;
    return writer;
  }

  /** The machine of the head of this file, up to the first fault. */
  #walk(octets: Uint8Array): void {
    const { dots, maxLine, scanner: given } = this.#options;
    const end = octets.length;
    // A few octets are walked one by one.
    const scanner = end < worthScanning ? null : (given ?? plain);
    scanner?.begin(octets, 0, end, dots, maxLine);
    let place = this.#place;
    let at = 0;
    let bits = 0;
    while (at < end && this.#fault === null) {
      switch (place) {
        case "line":
          if (dots && octets[at] === dot) {
            this.#stuff(at);
            at += 1;
          }
          place = "text";
          break;
        case "text":
          if (scanner === null) {
            let octet = 0;
            let line = this.#lineStart;
            while (at < end) {
              octet = octets[at];
              if (octet > CR) {
                bits |= octet;
                at += 1;
              } else if (octet === CR && isPlainEnd(octets, at, end) && at - line <= maxLine) {
                at += 2;
                line = at;
              } else {
                break;
              }
            }
            this.#lineStart = line;
            if (at === end) break;
            if (octet === CR) place = "cr";
            else if (octet === LF) place = this.#meetBareLf(at);
            at += 1;
            break;
          }
          at = scanner.next(at, this.#lineStart);
          this.#lineStart = scanner.lineStart;
          if (at === end) {
            // An LF that was no find ends a line.
            if (octets[end - 1] === LF) place = "line";
            break;
          }
          if (octets[at] === CR) place = "cr";
          else if (octets[at] === LF) place = this.#meetBareLf(at);
          else this.#stuff(at);
          at += 1;
          break;
        case "cr":
          if (octets[at] === LF) {
            this.#endLine(at);
            place = "line";
            at += 1;
          } else {
            place = this.#meetBareCr(at);
          }
          break;
      }
    }
    if (bits >= 0x80 || scanner?.eightBit === true) this.#eightBit = true;
    this.#place = place;
  }

  /** The dot is content, and one more is on the wire. */
  #stuff(at: number): void {
    this.#emitTo(at);
    splice.put(dot);
  }

  #endLine(lf: number): void {
    this.#measureLine(lf - 1);
    if (lf === 0) this.#put(CR);
    this.#lineStart = lf + 1;
  }

  /** The octet at `next` is not the LF that the CR before it wants. */
  #meetBareCr(next: number): Place {
    return this.#meetBare(next - 1, next, "content-bare-cr");
  }

  #meetBareLf(lf: number): Place {
    return this.#meetBare(lf, lf + 1, "content-bare-lf");
  }

  /** What stands for a CR or LF alone, and where it leads. */
  #meetBare(at: number, next: number, fault: WriterFault["fault"]): Place {
    const { lineEnds } = this.#options;
    this.#measureLine(lineEnds === "space" ? next : at);
    if (lineEnds === "strict") this.#refuse(fault, at);
    this.#emitTo(at);
    this.#done = next;
    if (lineEnds === "space") {
      this.#put(blank);
      return "text";
    }
    this.#put(CR);
    this.#put(LF);
    this.#lineStart = next;
    return "line";
  }

  /** The line goes on to here: is it too long? */
  #measureLine(to: number): void {
    const most = this.#lineStart + this.#options.maxLine;
    if (to > most) this.#refuse("content-long-line", most);
  }

  /** The first fault stands. */
  #refuse(fault: WriterFault["fault"], at: number): void {
    this.#fault ??= { fault, at: this.#read + at };
  }

  /** The octets up to here go as they are. */
  #emitTo(to: number): void {
    const from = this.#done;
    if (to <= from) return;
    this.#done = to;
    this.#written += to - from;
    splice.view(from, to);
  }

  /** An octet of content that is not in this piece. */
  #put(octet: number): void {
    this.#written += 1;
    splice.put(octet);
  }

  /** The piece was read. */
  #go(end: number): void {
    this.#read += end;
    this.#line = end - this.#lineStart;
  }
}

type Place = "line" | "text" | "cr";

/** A writer in the middle of a message. */
export interface WriterSnapshot {
  readonly place: Place;
  readonly line: number;
  readonly read: number;
  readonly written: number;
  readonly eightBit: boolean;
}

/** Where what goes on the wire is put together, for one writer after the other: none holds anything between calls. */
const splice: Splice = new Splice();
/** Octets from which on a scanner repays its calls. */
const worthScanning = 100;
const CR = 13;
const LF = 10;
const dot = 0x2e;
const nothing: Uint8Array = new Uint8Array(0);
const crLf: Uint8Array = Uint8Array.of(CR, LF);
const blank = 0x20;
const lastDot: Uint8Array = Uint8Array.of(dot, CR, LF);

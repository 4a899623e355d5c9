/**
 * Reads message content: DATA with its dots (RFC 5321 §4.5.2), and the chunks of BDAT, which have none
 * (RFC 3030 §2) but which together are text with the same rules for line ends.
 *
 * The reader is always at one of these places, and an octet moves it on:
 *
 *     line      the begin of a line     `.` is dropped -> dot;  else as in text
 *     dot       behind that dot         CR -> dot-cr;           else as in text
 *     dot-cr    behind dot CR           LF is the end of data;  else the CR was bare, and as in text
 *     text      within a line           CR -> cr;  LF is bare;  else content
 *     cr        behind CR               LF -> line;             else the CR was bare, and as in text
 *     end       behind the end of data
 *
 * This alone decides what is a line and where the data ends. What becomes of a bare CR or LF, of a long line, of
 * a message too big, changes the content and never the place, so that no setting can open the end of data to
 * smuggling. Without dots, `line`, `dot` and `dot-cr` are never entered.
 *
 * Text is not walked octet by octet: a scanner finds the next octet in it that is worth a thought. After a fault only the
 * end of the data is, so nothing else is looked for.
 *
 * A CR is not handed on before the octet behind it is known. All else is: the reader holds no content.
 */
import { seekEnd } from "./end.ts";
import type { Input } from "./input.ts";
import { isPlainEnd, plain } from "./plain.ts";
import type { Scanner } from "./scan.ts";
import { Splice } from "./splice.ts";

/**
 * What becomes of a CR without LF or an LF without CR in content, which RFC 5321 §2.3.8 forbids. `reject`: the
 * message is refused. `normalize`: it becomes CR LF. `space`: it becomes a space. `keep`: it is handed on.
 * Even as CR LF it begins no line as far as dots are concerned: its sender did not stuff there.
 */
export type BarePolicy = "reject" | "normalize" | "space" | "keep";

/** How content is read. */
export interface ContentOptions {
  /** Dots are removed and end the data: DATA. False for BDAT. */
  readonly dots: boolean;
  /** What becomes of CR that no LF follows. */
  readonly bareCr: BarePolicy;
  /** What becomes of LF that follows no CR. */
  readonly bareLf: BarePolicy;
  /** The most octets of content, counted as `size` is (RFC 1870 §5). Infinity: any. */
  readonly maxSize: number;
  /** The most octets of a line of content, without its CRLF and a removed dot (RFC 5321 §4.5.3.1.6). Infinity: any. */
  readonly maxLine: number;
  /** Who looks for what is worth a thought. Left out: the plain scanner. */
  readonly scanner?: Scanner | null;
}

/** Why content is refused. */
export interface ContentFault {
  readonly reason: "bare-cr" | "bare-lf" | "too-big" | "long-line";
  /** The offset of the offending octet in the data as sent, dots included; octets. */
  readonly at: number;
}

/** Reads the content of one message, over all its chunks. */
export class ContentReader {
  readonly #options: ContentOptions;
  #place: Place;
  #fault: ContentFault | null = null;
  #size = 0;
  #eightBit = false;
  #nul = false;
  #bareCr = 0;
  #bareLf = 0;
  /** Octets of data read before the chunk in hand. */
  #before = 0;
  /** How many of them belong to the line in hand. */
  #line = 0;

  // Offsets in the chunk in hand. The CR that ended the chunk before is at `#start` - 1.
  #chunk = nothing;
  #start = 0;
  #lineStart = 0;
  /** Content up to here was counted and handed on. */
  #done = 0;

  constructor(options: ContentOptions) {
    this.#options = options;
    this.#place = options.dots ? "line" : "text";
  }

  /** The end of data was read. Never without dots. */
  get ended(): boolean {
    return this.#place === "end";
  }

  /** The first reason to refuse the message, or null. From that octet on nothing more is handed on. */
  get fault(): ContentFault | null {
    return this.#fault;
  }

  /**
   * Octets of content so far (RFC 1870 §5): without removed dots and what ends the data, and with what a policy
   * put in place of a bare CR or LF. Like all that is told of content, 0 after a fault.
   */
  get size(): number {
    return this.#size;
  }

  /** Content has an octet of 128 or more, so it is not 7-bit (RFC 6152). */
  get eightBit(): boolean {
    return this.#eightBit;
  }

  /** Content has the octet 0. */
  get nul(): boolean {
    return this.#nul;
  }

  /** CRs so far that no LF follows. */
  get bareCr(): number {
    return this.#bareCr;
  }

  /** LFs so far that follow no CR. */
  get bareLf(): number {
    return this.#bareLf;
  }

  /**
   * Reads to the end of the current chunk of input, to the end of data or for `most` octets, whichever comes
   * first, and returns the content in it; null when there is none to hand on. The content is a view of the
   * chunk if nothing in it had to change, otherwise a copy. What is behind the end of data stays unread.
   */
  read(input: Input, most: number = Number.POSITIVE_INFINITY): Uint8Array | null {
    const chunk = input.chunk;
    if (chunk === null || this.#place === "end") return null;
    const start = input.at;
    this.#begin(chunk, start);
    const at = this.#walk(start, most < chunk.length - start ? start + most : chunk.length);
    input.skip(at - start);
    return this.#handOn(at);
  }

  /** The content is complete without an end of data, as after `BDAT LAST`: if a CR was held, it is bare. */
  finish(): Uint8Array | null {
    if (this.#place !== "cr") return null;
    this.#begin(nothing, 0);
    this.#meetBareCr(0);
    this.#place = "text";
    return this.#handOn(0);
  }

  /** Everything the reader knows, as JSON. */
  snapshot(): ContentSnapshot {
    return {
      place: this.#place,
      fault: this.#fault,
      size: this.#size,
      eightBit: this.#eightBit,
      nul: this.#nul,
      bareCr: this.#bareCr,
      bareLf: this.#bareLf,
      read: this.#before,
      line: this.#line,
    };
  }

  /** A reader that goes on where the snapshot was taken. */
  static restore(options: ContentOptions, snapshot: ContentSnapshot): ContentReader {
    const reader = new ContentReader(options);
    reader.#place = snapshot.place;
    reader.#fault = snapshot.fault;
    reader.#size = snapshot.size;
    reader.#eightBit = snapshot.eightBit;
    reader.#nul = snapshot.nul;
    reader.#bareCr = snapshot.bareCr;
    reader.#bareLf = snapshot.bareLf;
    reader.#before = snapshot.read;
    reader.#line = snapshot.line;
    return reader;
  }

  #begin(chunk: Uint8Array, start: number): void {
    this.#chunk = chunk;
    splice.begin(chunk);
    this.#start = start;
    this.#done = start;
    this.#lineStart = start - this.#line;
  }

  /** The machine of the head of this file. Returns where it stopped. */
  #walk(start: number, end: number): number {
    const chunk = this.#chunk;
    const { dots, maxLine, scanner: given } = this.#options;
    // A few octets are walked one by one.
    const scanner = end - start < worthScanning ? null : (given ?? plain);
    const nextLine = dots ? "line" : "text";
    scanner?.begin(chunk, start, end, dots, maxLine);
    let place = this.#place;
    let at = start;
    let bits = 0;
    while (at < end && place !== "end") {
      switch (place) {
        case "text":
          if (this.#fault !== null) {
            at = dots ? seekEnd(chunk, at, end) : end;
            if (at === end) break;
          }
          if (scanner === null) {
            let octet = 0;
            let line = this.#lineStart;
            while (at < end) {
              octet = chunk[at];
              if (octet > CR) {
                bits |= octet;
                at += 1;
              } else if (octet === CR && isPlainEnd(chunk, at, end) && at - line <= maxLine) {
                at += 2;
                line = at;
              } else {
                break;
              }
            }
            this.#lineStart = line;
            if (at === end) break;
            if (octet === CR) place = "cr";
            else if (octet === LF) this.#meetBareLf(at);
            else if (octet === 0) this.#nul = true;
            at += 1;
            break;
          }
          at = scanner.next(at, this.#lineStart);
          this.#lineStart = scanner.lineStart;
          if (at === end) {
            // An LF that was no find ends a line.
            if (chunk[end - 1] === LF) place = nextLine;
            break;
          }
          if (chunk[at] === CR) {
            place = "cr";
          } else if (chunk[at] === LF) {
            this.#meetBareLf(at);
          } else {
            const behind = this.#copyStuffed(at, end);
            if (behind > at) {
              at = behind;
              place = nextLine;
              break;
            }
            this.#dropDot(at);
            // Most were stuffed, and no end of data is near.
            if (at + 1 >= end || chunk[at + 1] === CR) place = "dot";
          }
          at += 1;
          break;
        case "cr":
          if (chunk[at] === LF) {
            this.#endLine(at);
            place = nextLine;
            at += 1;
          } else {
            this.#meetBareCr(at);
            place = "text";
          }
          break;
        case "line":
          if (chunk[at] === DOT) {
            this.#dropDot(at);
            place = "dot";
            at += 1;
          } else {
            place = "text";
          }
          break;
        case "dot":
          if (chunk[at] === CR) {
            place = "dot-cr";
            at += 1;
          } else {
            place = "text";
          }
          break;
        case "dot-cr":
          if (chunk[at] === LF) {
            this.#done = at + 1;
            this.#lineStart = at + 1;
            place = "end";
            at += 1;
          } else {
            this.#meetBareCr(at);
            place = "text";
          }
          break;
      }
    }
    if (bits >= 0x80 || scanner?.eightBit === true) this.#eightBit = true;
    if (scanner?.nul === true) this.#nul = true;
    this.#place = place;
    return at;
  }

  #endLine(lf: number): void {
    this.#measureLine(lf - 1);
    if (lf === this.#start) this.#emit(CR, lf - 1);
    this.#lineStart = lf + 1;
  }

  #dropDot(dot: number): void {
    this.#emitTo(dot);
    this.#done = dot + 1;
    this.#lineStart = dot + 1;
  }

  /** Short lines that begin with dots, the first of them here, if there is a copy already: returns where they end. */
  #copyStuffed(at: number, end: number): number {
    if (at - this.#done > fewOctets) return at;
    this.#emitTo(at);
    if (this.#fault !== null || splice.copied === 0) return at;
    const { maxSize, maxLine } = this.#options;
    const copied = splice.copied;
    const behind = splice.stuffedLines(at, Math.min(end, at + maxSize - this.#size), maxLine);
    this.#size += splice.copied - copied;
    this.#done = behind;
    this.#lineStart = behind;
    return behind;
  }

  /** The octet at `next` is not the LF that the CR before it wants. */
  #meetBareCr(next: number): void {
    const cr = next - 1;
    const policy = this.#options.bareCr;
    this.#bareCr += 1;
    this.#measureLine(policy === "keep" || policy === "space" ? next : cr);
    if (policy === "reject") this.#refuse("bare-cr", cr);
    if (policy === "space") {
      this.#emitTo(cr);
      this.#emit(SPACE, cr);
      this.#done = next;
      return;
    }
    // In the chunk it is content as it stands; from the chunk before it has to be made up for.
    if (next === this.#start) this.#emit(CR, cr);
    if (policy === "normalize") {
      this.#emitTo(next);
      this.#emit(LF, cr);
      this.#lineStart = next;
    }
  }

  #meetBareLf(lf: number): void {
    const policy = this.#options.bareLf;
    this.#bareLf += 1;
    if (policy === "keep") return;
    this.#measureLine(policy === "space" ? lf + 1 : lf);
    this.#emitTo(lf);
    if (policy === "reject") {
      this.#refuse("bare-lf", lf);
    } else if (policy === "space") {
      this.#emit(SPACE, lf);
      this.#done = lf + 1;
    } else {
      this.#emit(CR, lf);
      this.#lineStart = lf + 1;
    }
  }

  /** The line goes on to here: is it long now? Asked before its octets are emitted, so that the first fault wins. */
  #measureLine(to: number): void {
    const most = this.#lineStart + this.#options.maxLine;
    if (to > most) this.#refuse("long-line", most);
  }

  /** The first fault stands. What came before its octet is handed on, whatever the chunks were. */
  #refuse(reason: ContentFault["reason"], at: number): void {
    this.#emitTo(at);
    this.#fault ??= { reason, at: this.#before + at - this.#start };
  }

  /** The octets of the chunk up to here are content. */
  #emitTo(to: number): void {
    const from = this.#done;
    if (to <= from || this.#fault !== null) return;
    this.#done = to;
    const room = this.#options.maxSize - this.#size;
    if (to - from <= room) {
      this.#size += to - from;
      splice.view(from, to);
    } else {
      if (room > 0) splice.view(from, from + room);
      this.#refuse("too-big", from + room);
    }
  }

  /** Content that is not in the chunk at this place; `at` is the octet that it stands for. */
  #emit(octet: number, at: number): void {
    if (this.#fault !== null) return;
    if (this.#size >= this.#options.maxSize) return this.#refuse("too-big", at);
    this.#size += 1;
    splice.put(octet);
  }

  #handOn(at: number): Uint8Array | null {
    const known = this.#place === "cr" || this.#place === "dot-cr" ? at - 1 : at;
    this.#measureLine(known);
    this.#emitTo(known);
    this.#chunk = nothing;
    this.#before += at - this.#start;
    this.#line = at - this.#lineStart;
    if (this.#fault !== null) this.#forget();
    return splice.take();
  }

  /**
   * What was counted up to a fault would depend on the chunks: a line or a message is found too long when it is
   * measured, and what came behind was counted by then.
   */
  #forget(): void {
    this.#size = 0;
    this.#eightBit = false;
    this.#nul = false;
    this.#bareCr = 0;
    this.#bareLf = 0;
    this.#before = 0;
    this.#line = 0;
  }
}

/** The state of a `ContentReader`; its options are not part of it. */
export interface ContentSnapshot {
  /** Where it is in the data. */
  readonly place: Place;
  readonly fault: ContentFault | null;
  readonly size: number;
  readonly eightBit: boolean;
  readonly nul: boolean;
  readonly bareCr: number;
  readonly bareLf: number;
  /** Octets of data read, dots included. */
  readonly read: number;
  /** Octets read of the line in hand. */
  readonly line: number;
}

type Place = "line" | "dot" | "dot-cr" | "text" | "cr" | "end";

/** Where the content of one chunk is put together: by one reader after the other, none holds anything between reads. */
const splice: Splice = new Splice();
/** Octets from which on a scanner repays its calls. */
const worthScanning = 100;
/** Octets between two dots up to which it is faster to copy them one by one than to look for the next. */
const fewOctets = 32;
const nothing: Uint8Array = new Uint8Array(0);
const LF = 10;
const CR = 13;
const SPACE = 32;
const DOT = 46;

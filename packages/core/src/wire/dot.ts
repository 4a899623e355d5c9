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
 * A CR is not handed on before the octet behind it is known. All else is: the reader holds no content.
 */
import type { Input } from "./input.ts";
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
  #longLines = 0;
  /** Octets of data read before the chunk in hand. */
  #before = 0;
  /** How many of them belong to the line in hand. */
  #line = 0;
  /** The line in hand was found to be long. */
  #long = false;

  // Offsets in the chunk in hand. The CR that ended the chunk before is at `#start` - 1.
  #chunk = nothing;
  #start = 0;
  #lineStart = 0;
  /** Content up to here was counted and handed on. */
  #done = 0;
  readonly #splice = new Splice();

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
   * put in place of a bare CR or LF. Counted to the end after a fault, too.
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

  /** Lines so far longer than `maxLine`. */
  get longLines(): number {
    return this.#longLines;
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
      longLines: this.#longLines,
      read: this.#before,
      line: this.#line,
      long: this.#long,
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
    reader.#longLines = snapshot.longLines;
    reader.#before = snapshot.read;
    reader.#line = snapshot.line;
    reader.#long = snapshot.long;
    return reader;
  }

  #begin(chunk: Uint8Array, start: number): void {
    this.#chunk = chunk;
    this.#splice.begin(chunk);
    this.#start = start;
    this.#done = start;
    this.#lineStart = start - this.#line;
  }

  /** The machine of the head of this file. Returns where it stopped. */
  #walk(start: number, end: number): number {
    const chunk = this.#chunk;
    const words =
      end - start < worthWords ? null : new DataView(chunk.buffer, chunk.byteOffset, chunk.length);
    const nextLine = this.#options.dots ? "line" : "text";
    let place = this.#place;
    let at = start;
    while (at < end && place !== "end") {
      switch (place) {
        case "text":
          at = this.#skipText(words, at, end);
          if (at === end) break;
          if (chunk[at] === CR) place = "cr";
          else this.#meetBareLf(at);
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
            this.#nextLine(at + 1);
            place = "end";
            at += 1;
          } else {
            this.#meetBareCr(at);
            place = "text";
          }
          break;
      }
    }
    this.#place = place;
    return at;
  }

  /**
   * The offset of the next CR or LF that is worth a thought, or the end. Before it is text, with line ends as
   * they mostly are: CR LF, with no dot behind and no line too long. It takes 16 octets at a time while none is a
   * control below 14; then 4, to find that control; and octets from there to the end of those 16, because where
   * one is (tabs, empty lines) there are others.
   */
  #skipText(words: DataView | null, start: number, end: number): number {
    const chunk = this.#chunk;
    const most = this.#options.maxLine;
    let lineStart = this.#lineStart;
    let bits = 0;
    let at = start;
    // Up to here octet by octet: a line of a few octets is not worth more.
    let stop = words === null ? end : Math.min(start + 4, end);
    while (at < end) {
      if (at >= stop && words !== null) {
        for (; at + 16 <= end; at += 16) {
          const a = words.getInt32(at, true);
          const b = words.getInt32(at + 4, true);
          const c = words.getInt32(at + 8, true);
          const d = words.getInt32(at + 12, true);
          if ((below14(a) | below14(b) | below14(c) | below14(d)) !== 0) break;
          bits |= a | b | c | d;
        }
        stop = Math.min(at + 16, end);
        for (; at + 4 <= end; at += 4) {
          const word = words.getInt32(at, true);
          const controls = below14(word);
          // What is behind the control is ours, too: behind CR the end of data takes four octets more.
          bits |= word;
          if (controls === 0) continue;
          at += (31 - Math.clz32(controls & -controls)) >>> 3;
          break;
        }
      }
      let octet = 0;
      for (; at < stop && (octet = chunk[at]) >= 14; at += 1) bits |= octet;
      if (at >= stop) continue;
      if (octet === CR) {
        if (at + 2 >= end || chunk[at + 1] !== LF || chunk[at + 2] === DOT || at - lineStart > most) break;
        at += 2;
        lineStart = at;
        if (words !== null && chunk[at] >= 14) stop = at;
      } else if (octet === LF) {
        break;
      } else {
        if (octet === 0) this.#nul = true;
        at += 1;
      }
    }
    if ((bits & highBits) !== 0) this.#eightBit = true;
    this.#lineStart = lineStart;
    return at;
  }

  #endLine(lf: number): void {
    this.#measureLine(lf - 1);
    if (lf === this.#start) this.#emit(CR, lf - 1);
    this.#nextLine(lf + 1);
  }

  #dropDot(dot: number): void {
    this.#emitTo(dot);
    this.#done = dot + 1;
    this.#lineStart = dot + 1;
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
      this.#nextLine(next);
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
      this.#nextLine(lf + 1);
    }
  }

  #nextLine(start: number): void {
    this.#lineStart = start;
    this.#long = false;
  }

  /** The line goes on to here: is it long now? Asked before its octets are emitted, so that the first fault wins. */
  #measureLine(to: number): void {
    const most = this.#lineStart + this.#options.maxLine;
    if (to <= most || this.#long) return;
    this.#long = true;
    this.#longLines += 1;
    this.#refuse("long-line", most);
  }

  /** The first fault stands. What came before its octet is handed on, whatever the chunks were. */
  #refuse(reason: ContentFault["reason"], at: number): void {
    this.#emitTo(at);
    this.#fault ??= { reason, at: this.#before + at - this.#start };
  }

  /** The octets of the chunk up to here are content. */
  #emitTo(to: number): void {
    const from = this.#done;
    if (to <= from) return;
    this.#done = to;
    const room = this.#options.maxSize - this.#size;
    this.#size += to - from;
    if (this.#fault !== null) return;
    const fits = Math.min(to, from + room);
    if (fits > from) this.#splice.view(from, fits);
    if (fits < to) this.#refuse("too-big", fits);
  }

  /** Content that is not in the chunk at this place; `at` is the octet that it stands for. */
  #emit(octet: number, at: number): void {
    this.#size += 1;
    if (this.#fault !== null) return;
    if (this.#size > this.#options.maxSize) this.#refuse("too-big", at);
    else this.#splice.put(octet);
  }

  #handOn(at: number): Uint8Array | null {
    const known = this.#place === "cr" || this.#place === "dot-cr" ? at - 1 : at;
    this.#measureLine(known);
    this.#emitTo(known);
    this.#before += at - this.#start;
    this.#line = at - this.#lineStart;
    this.#chunk = nothing;
    return this.#splice.take();
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
  readonly longLines: number;
  /** Octets of data read, dots included. */
  readonly read: number;
  /** Octets read of the line in hand, and whether it is long already. */
  readonly line: number;
  readonly long: boolean;
}

type Place = "line" | "dot" | "dot-cr" | "text" | "cr" | "end";

/** Not zero if one of four octets is below 14; its lowest bit is then the highest of the first such octet. */
function below14(word: number): number {
  return (word - 0x0e0e0e0e) & ~word & highBits;
}

/** 0x80808080 as the signed number that bit operations give. */
const highBits = -0x7f7f7f80;
/** Octets from which on reading words repays the object that it takes. */
const worthWords = 100;
const nothing: Uint8Array = new Uint8Array(0);
const LF = 10;
const CR = 13;
const SPACE = 32;
const DOT = 46;

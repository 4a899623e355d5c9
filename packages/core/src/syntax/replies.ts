import type { Reply } from "../reply.ts";
import type { Input } from "../wire/input.ts";
import { LineReader, type LineSnapshot } from "../wire/line.ts";
import { ascii, decodeLossy } from "../wire/utf8.ts";

/** A reply as a server sent it. */
export interface ReceivedReply extends Reply {
  /** Text as it was sent, a line each, without code, enhanced code and CRLF: any octets (RFC 5321 §4.2). */
  readonly octets: readonly (readonly number[])[];
}

/** Why something is not a reply. It is fatal: what comes next could not be told apart (RFC 5321 §4.2). */
export interface ReplyFault {
  readonly rule: string;
  readonly detail: string;
  /** The first octets of what came, at most 256: to see at whose door one has knocked. */
  readonly octets: Uint8Array;
}

/** Bounds of a reply: octets of a line with CRLF, lines and octets of a whole reply. */
export interface ReplyLimits {
  readonly line: number;
  readonly lines: number;
  readonly octets: number;
}

/** RFC 5321 §4.5.3.1.5 has 512 for a line, and real servers exceed it; the rest bounds what one reply can cost. */
export const defaultReplyLimits: ReplyLimits = { line: 4096, lines: 1000, octets: 65_536 };

/**
 * Reads replies (RFC 5321 §4.2): strict in framing, tolerant in text. Three digits, the first 2 to 5, then a hyphen
 * when more lines follow, or a blank, or nothing; the same code on every line; CR LF alone ends a line.
 */
export class ReplyReader {
  readonly #limits: ReplyLimits;
  readonly #lines: LineReader;
  #code = 0;
  /** The lines of the reply so far, with their codes. */
  #said: Uint8Array[] = [];
  #octets = 0;

  constructor(limits: ReplyLimits = defaultReplyLimits) {
    this.#limits = limits;
    this.#lines = new LineReader(limits.line);
  }

  /** A reply has begun and is not complete. */
  get partial(): boolean {
    return this.#said.length > 0 || this.#lines.snapshot().read > 0;
  }

  /**
   * The first octets of a reply in its first line, for a look at whose they are: asked for with each piece of it. Null
   * when they were read already, or the line is too long.
   */
  begun(): Uint8Array | null {
    return this.#said.length > 0 ? null : this.#lines.begun(256);
  }

  /** The next reply; null when none is complete and all input is read. */
  read(input: Input): ReceivedReply | ReplyFault | null {
    for (;;) {
      const line = this.#lines.read(input);
      if (line === null) return null;
      if (line === "too-long")
        return fault("R-FMT-13", "reply line longer than the limit", new Uint8Array(0));
      const read = this.#line(line);
      if (read !== null) return read;
    }
  }

  snapshot(): ReplySnapshot {
    return {
      line: this.#lines.snapshot(),
      code: this.#code,
      said: this.#said.map((line) => [...line]),
      octets: this.#octets,
    };
  }

  restore(snapshot: ReplySnapshot): void {
    this.#lines.restore(snapshot.line);
    this.#code = snapshot.code;
    this.#said = snapshot.said.map((line) => Uint8Array.from(line));
    this.#octets = snapshot.octets;
  }

  #line(line: Uint8Array): ReceivedReply | ReplyFault | null {
    const code = replyCode(line);
    if (code === 0) return fault("R-FMT-10", "this is not a reply", line);
    const separator = line[3];
    if (line.length > 3 && separator !== space && separator !== hyphen) {
      return fault("R-FMT-10", "no blank or hyphen behind the reply code", line);
    }
    for (let at = 4; at < line.length; at++) {
      if (line[at] === 0x0d || line[at] === 0x0a) {
        return fault("R-FMT-14", "bare CR or bare LF in a reply", line);
      }
    }
    if (this.#said.length > 0 && code !== this.#code) {
      return fault("R-FMT-11", `code ${code} on a line of a ${this.#code} reply`, line);
    }
    this.#code = code;
    this.#octets += line.length + 2;
    if (this.#said.length >= this.#limits.lines || this.#octets > this.#limits.octets) {
      return fault("R-FMT-13", "reply larger than the limit", line);
    }
    if (separator !== hyphen) return this.#finished(line);
    // A copy of what has to wait: the octets are the caller's (G8).
    this.#said.push(line.slice());
    return null;
  }

  #finished(last: Uint8Array): ReceivedReply {
    const code = this.#code;
    const said = this.#said.length === 0 ? [last] : [...this.#said, last];
    const enhanced = enhancedCode(code, said[0]);
    const texts = said.map((line, index) => {
      const same = enhanced !== null && (index === 0 || enhancedCode(code, line) === enhanced);
      return same ? behindBlank(line, text + enhanced.length) : Math.min(text, line.length);
    });
    if (this.#said.length > 0) this.#said = [];
    this.#octets = 0;
    this.#code = 0;
    return {
      code,
      enhanced,
      lines: said.map((line, index) => decodeLossy(line, texts[index])),
      octets: said.map((line, index) => numbers(line, texts[index])),
    };
  }
}

/** What a {@link ReplyReader} holds, as JSON. */
export interface ReplySnapshot {
  readonly line: LineSnapshot;
  readonly code: number;
  readonly said: readonly (readonly number[])[];
  readonly octets: number;
}

/** Tells a fault from a reply. */
export function isReplyFault(read: ReceivedReply | ReplyFault): read is ReplyFault {
  return "rule" in read;
}

function fault(rule: string, detail: string, octets: Uint8Array): ReplyFault {
  return { rule, detail, octets: octets.slice(0, 256) };
}

/** Three digits, the first 2 to 5: unknown codes are judged by it (RFC 5321 §4.3.2). 0: none. */
function replyCode(line: Uint8Array): number {
  if (line.length < 3 || line[0] < 0x32 || line[0] > 0x35) return 0;
  for (let at = 1; at < 3; at++) if (line[at] < 0x30 || line[at] > 0x39) return 0;
  return (line[0] - 0x30) * 100 + (line[1] - 0x30) * 10 + (line[2] - 0x30);
}

/** `class.subject.detail` at the begin of the text of a line, of the class of the code (RFC 2034 §4). */
function enhancedCode(code: number, line: Uint8Array): string | null {
  if (line.length < text + 5 || line[text + 1] !== dot) return null;
  let end = text;
  while (end < line.length && end < text + 12 && line[end] !== space && line[end] !== tab) end++;
  const word = ascii(line, text, end);
  const known = /^[245]\.(?:0|[1-9][0-9]{0,2})\.(?:0|[1-9][0-9]{0,2})$/.test(word);
  return known && line[text] - 0x30 === Math.trunc(code / 100) ? word : null;
}

function behindBlank(line: Uint8Array, at: number): number {
  return line[at] === space || line[at] === tab ? at + 1 : at;
}

/** In a loop: to spread octets takes five times as long, and a list that grows has room for many more than it holds. */
function numbers(octets: Uint8Array, from: number): readonly number[] {
  const copy = new Array<number>(octets.length - from);
  for (let at = from; at < octets.length; at++) copy[at - from] = octets[at];
  return copy;
}

/** Where the text of a line begins. */
const text = 4;
const space = 0x20;
const hyphen = 0x2d;
const tab = 0x09;
const dot = 0x2e;

import { type ContentOptions, ContentReader } from "../../packages/core/src/wire/dot.ts";
import { Input } from "../../packages/core/src/wire/input.ts";

/** What a reader makes of data: what the tests compare. */
export interface Decoded {
  /** Octets handed on, joined. */
  readonly content: number[];
  /** Octets of the data consumed; the rest was left unread. */
  readonly consumed: number;
  readonly ended: boolean;
  readonly fault: { readonly reason: string; readonly at: number } | null;
  readonly size: number;
  readonly eightBit: boolean;
  readonly nul: boolean;
  readonly bareCr: number;
  readonly bareLf: number;
}

/**
 * The receiving machine as RFC 5321 §4.5.2 and the catalogue (03, section 2) have it, octet by octet and state by
 * state: slow, and plain to see. `finished`: content ends with the data, as after `BDAT LAST`.
 */
export function referenceDecode(data: Uint8Array, options: ContentOptions, finished = false): Decoded {
  const content: number[] = [];
  let fault: Decoded["fault"] = null;
  let state: "BOL" | "DOT" | "DOTCR" | "TXT" | "CR" = options.dots ? "BOL" : "TXT";
  let [size, bareCrs, bareLfs, line, at] = [0, 0, 0, 0, 0];
  let [ended, eightBit, nul] = [false, false, false];

  const emit = (octet: number, from: number) => {
    size += 1;
    if (size > options.maxSize) fault ??= { reason: "too-big", at: from };
    if (fault === null) content.push(octet);
  };
  const text = (octet: number, from: number) => {
    line += 1;
    if (line === options.maxLine + 1) fault ??= { reason: "long-line", at: from };
    emit(octet, from);
  };
  const lineEnd = (cr: number, lf: number) => {
    emit(13, cr);
    emit(10, lf);
    line = 0;
  };
  const bare = (octet: number, from: number, policy: string, reason: string) => {
    if (policy === "reject") fault ??= { reason, at: from };
    if (policy === "normalize") lineEnd(from, from);
    else text(policy === "space" ? 32 : octet, from);
  };
  const bareCr = () => {
    bareCrs += 1;
    bare(13, at - 1, options.bareCr, "bare-cr");
  };
  const bareLf = () => {
    bareLfs += 1;
    bare(10, at, options.bareLf, "bare-lf");
  };

  for (; at < data.length && !ended; at += 1) {
    const x = data[at];
    const column = x === 46 ? "." : x === 13 ? "CR" : x === 10 ? "LF" : "x";
    if (x >= 128) eightBit = true;
    if (x === 0) nul = true;
    switch (`${state} ${column}`) {
      case "BOL .":
        state = "DOT";
        break;
      case "BOL CR":
        state = "CR";
        break;
      case "BOL LF":
        bareLf();
        state = "TXT";
        break;
      case "BOL x":
        text(x, at);
        state = "TXT";
        break;
      case "DOT .":
        text(x, at);
        state = "TXT";
        break;
      case "DOT CR":
        state = "DOTCR";
        break;
      case "DOT LF":
        bareLf();
        state = "TXT";
        break;
      case "DOT x":
        text(x, at);
        state = "TXT";
        break;
      case "DOTCR .":
        bareCr();
        text(x, at);
        state = "TXT";
        break;
      case "DOTCR CR":
        bareCr();
        state = "CR";
        break;
      case "DOTCR LF":
        ended = true;
        break;
      case "DOTCR x":
        bareCr();
        text(x, at);
        state = "TXT";
        break;
      case "TXT .":
        text(x, at);
        break;
      case "TXT CR":
        state = "CR";
        break;
      case "TXT LF":
        bareLf();
        break;
      case "TXT x":
        text(x, at);
        break;
      case "CR .":
        bareCr();
        text(x, at);
        state = "TXT";
        break;
      case "CR CR":
        bareCr();
        break;
      case "CR LF":
        lineEnd(at - 1, at);
        state = options.dots ? "BOL" : "TXT";
        break;
      case "CR x":
        bareCr();
        text(x, at);
        state = "TXT";
        break;
    }
  }
  if (finished && state === "CR") bareCr();
  // Nothing is told of content that is refused.
  if (fault !== null) {
    [size, bareCrs, bareLfs] = [0, 0, 0];
    [eightBit, nul] = [false, false];
  }
  return {
    content,
    consumed: at,
    ended,
    fault,
    size,
    eightBit,
    nul,
    bareCr: bareCrs,
    bareLf: bareLfs,
  };
}

/**
 * What the reader makes of data in pieces. With `finished` the data is one BDAT message; with `resumed` the reader
 * is put into a snapshot and taken out again between the pieces.
 */
export function decode(
  pieces: readonly Uint8Array[],
  options: ContentOptions,
  { finished = false, resumed = false } = {},
): Decoded {
  const input = new Input();
  const content: number[] = [];
  let reader = new ContentReader(options);
  let consumed = 0;
  for (const piece of pieces) {
    input.push(piece);
    while (input.length > 0 && !reader.ended) {
      const before = input.length;
      const octets = reader.read(input);
      if (octets !== null) for (let at = 0; at < octets.length; at += 1) content.push(octets[at]);
      consumed += before - input.length;
      if (resumed) reader = ContentReader.restore(options, JSON.parse(JSON.stringify(reader.snapshot())));
    }
  }
  const last = finished ? reader.finish() : null;
  if (last !== null) content.push(...last);
  return {
    content,
    consumed,
    ended: reader.ended,
    fault: reader.fault,
    size: reader.size,
    eightBit: reader.eightBit,
    nul: reader.nul,
    bareCr: reader.bareCr,
    bareLf: reader.bareLf,
  };
}

/** Whole, octet by octet, and cut in two at every place. */
export function everyCut(data: Uint8Array): Uint8Array[][] {
  const cuts = [[data], byOctet(data)];
  for (let at = 1; at < data.length; at += 1) cuts.push([data.subarray(0, at), data.subarray(at)]);
  return cuts;
}

export function byOctet(data: Uint8Array): Uint8Array[] {
  return Array.from(data, (_, at) => data.subarray(at, at + 1));
}

/** Pieces that end at these offsets, in any order; empty pieces included. */
export function cutAt(data: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const bounds = [
    0,
    ...offsets.map((offset) => offset % (data.length + 1)).sort((a, b) => a - b),
    data.length,
  ];
  return bounds.slice(1).map((end, piece) => data.subarray(bounds[piece], end));
}

/** Each character is an octet. */
export function octets(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function characters(data: Iterable<number>): string {
  return Array.from(data, (octet) => String.fromCharCode(octet)).join("");
}

export const policies = ["reject", "normalize", "space", "keep"] as const;

/** DATA that takes anything as it is. */
export const lenient: ContentOptions = {
  dots: true,
  bareCr: "keep",
  bareLf: "keep",
  maxSize: Number.POSITIVE_INFINITY,
  maxLine: Number.POSITIVE_INFINITY,
};

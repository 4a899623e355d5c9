import { leftToRight, rightToLeft, unassigned } from "./prep-tables.ts";

/**
 * Prepares a name or a password so that what looks the same is the same; null: it cannot be one.
 *
 * @param kind `stored`: what is kept, or what a key is derived from; `query`: what a client says. Only in a query may
 *   there be characters that Unicode 3.2 did not have (RFC 3454 §7)
 */
export type Prepare = (text: string, kind: "stored" | "query") => string | null;

/**
 * SASLprep (RFC 4013): spaces become U+0020, what shows nothing goes, the rest is put into NFKC; control characters,
 * private ones and mixed directions are refused. ASCII stays as it is, except for control characters.
 */
export function saslprep(text: string, kind: "stored" | "query" = "stored"): string | null {
  if (/^[\x20-\x7e]*$/.test(text)) return text;
  const prepared = mapped(text).normalize("NFKC");
  let right = false;
  let left = false;
  for (const character of prepared) {
    const point = character.codePointAt(0) as number;
    if (within(tables.prohibited, point)) return null;
    if (kind === "stored" && within(tables.unassigned, point)) return null;
    right ||= within(tables.rightToLeft, point);
    left ||= within(tables.leftToRight, point);
  }
  return right && (left || !framed(prepared)) ? null : prepared;
}

/** RFC 3454 §6: what is written from right to left begins and ends so. */
function framed(text: string): boolean {
  const points = [...text].map((character) => character.codePointAt(0) as number);
  return within(tables.rightToLeft, points[0]) && within(tables.rightToLeft, points[points.length - 1]);
}

function mapped(text: string): string {
  let kept = "";
  for (const character of text) {
    const point = character.codePointAt(0) as number;
    if (within(tables.spaces, point)) kept += " ";
    else if (!within(tables.nothing, point)) kept += character;
  }
  return kept;
}

/** First and last of each range, one behind the other, in order. */
type Ranges = readonly number[];

/** Finds by halves. */
function within(ranges: Ranges, point: number): boolean {
  let low = 0;
  let high = ranges.length / 2;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (point > ranges[2 * middle + 1]) low = middle + 1;
    else high = middle;
  }
  return low < ranges.length / 2 && point >= ranges[2 * low];
}

/** See `prep-tables.ts`. */
function unpacked(words: string): Ranges {
  const ranges: number[] = [];
  let next = 0;
  for (const word of words.trim().split(/\s+/)) {
    const [gap, length = "1"] = word.split("-");
    const first = next + Number.parseInt(gap, 36);
    next = first + Number.parseInt(length, 36);
    ranges.push(first, next - 1);
  }
  return ranges;
}

/** C.4: the last two of each plane are no characters. */
const noncharacters: Ranges = Array.from({ length: 17 }, (_, plane) => [
  plane * 0x10000 + 0xfffe,
  plane * 0x10000 + 0xffff,
]).flat();

const spaces: Ranges = [
  0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200b, 0x202f, 0x202f, 0x205f, 0x205f, 0x3000, 0x3000,
];

/** RFC 4013 §2.3; overlapping tables are made one. */
const prohibited: Ranges = union([
  ...pairs(spaces),
  // C.2.1 and C.2.2: control characters.
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0x6dd, 0x6dd],
  [0x70f, 0x70f],
  [0x180e, 0x180e],
  [0x200c, 0x200d],
  [0x2028, 0x2029],
  [0x2060, 0x2063],
  [0x206a, 0x206f],
  [0xfeff, 0xfeff],
  [0xfff9, 0xfffc],
  [0x1d173, 0x1d17a],
  // C.3: private use.
  [0xe000, 0xf8ff],
  [0xf0000, 0xffffd],
  [0x100000, 0x10fffd],
  // C.4: no characters.
  [0xfdd0, 0xfdef],
  ...pairs(noncharacters),
  // C.5: surrogates, which are lone here.
  [0xd800, 0xdfff],
  // C.6 and C.7: not for plain text, not for canonical representation.
  [0xfff9, 0xfffd],
  [0x2ff0, 0x2ffb],
  // C.8: they change how text is shown, or are deprecated.
  [0x340, 0x341],
  [0x200e, 0x200f],
  [0x202a, 0x202e],
  [0x206a, 0x206f],
  // C.9: tags.
  [0xe0001, 0xe0001],
  [0xe0020, 0xe007f],
]);

function pairs(ranges: Ranges): [number, number][] {
  return Array.from({ length: ranges.length / 2 }, (_, at) => [ranges[2 * at], ranges[2 * at + 1]]);
}

function union(given: [number, number][]): Ranges {
  const made: [number, number][] = [];
  for (const [first, last] of given.sort(([a], [b]) => a - b)) {
    const before = made[made.length - 1];
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else made.push([first, last]);
  }
  return made.flat();
}

const tables = {
  spaces,
  prohibited,
  /** B.1: mapped to nothing. */
  nothing: [
    0xad, 0xad, 0x34f, 0x34f, 0x1806, 0x1806, 0x180b, 0x180d, 0x200b, 0x200d, 0x2060, 0x2060, 0xfe00, 0xfe0f,
    0xfeff, 0xfeff,
  ],
  unassigned: unpacked(unassigned),
  rightToLeft: unpacked(rightToLeft),
  leftToRight: unpacked(leftToRight),
} satisfies Record<string, Ranges>;

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { simd } from "../../packages/core/src/simd.ts";
import type { ContentOptions } from "../../packages/core/src/wire/dot.ts";
import {
  byOctet,
  characters,
  cutAt,
  type Decoded,
  decode,
  everyCut,
  lenient,
  octets,
  policies,
  referenceDecode,
} from "../core/wire-reference.ts";

/** `expect` is too slow for millions of comparisons: it is called where they differ. */
function same(actual: Decoded, expected: Decoded, told: () => unknown): void {
  const { content, fault } = expected;
  if (
    actual.consumed === expected.consumed &&
    actual.ended === expected.ended &&
    actual.size === expected.size &&
    actual.bareCr === expected.bareCr &&
    actual.bareLf === expected.bareLf &&
    actual.eightBit === expected.eightBit &&
    actual.nul === expected.nul &&
    actual.fault?.reason === fault?.reason &&
    actual.fault?.at === fault?.at &&
    actual.content.length === content.length &&
    actual.content.every((octet, at) => octet === content[at])
  )
    return;
  expect({ ...actual, of: told() }).toEqual({ ...expected, of: told() });
}

/** Every string of at most so many of these characters. */
function* strings(alphabet: string, most: number): Generator<string> {
  yield "";
  if (most === 0) return;
  for (const rest of strings(alphabet, most - 1)) for (const first of alphabet) yield first + rest;
}

describe.each(policies)("every message of up to 7 of a . CR LF, bare CR: %s", (bareCr) => {
  test.each(policies)(
    "S-DATA-02 S-DATA-03 S-DOT-03 S-DOT-05 SEC-EOD-01 SEC-EOD-03 ends at CRLF . CRLF alone, however it is cut, bare LF: %s",
    (bareLf) => {
      const options = { ...lenient, bareCr, bareLf };
      const reject = bareCr === "reject" || bareLf === "reject";
      let messages = 0;
      for (const text of strings("a.\r\n", 7)) {
        const data = octets(`${text}\r\n.\r\nNOOP\r\n`);
        const expected = referenceDecode(data, options);
        // What the reference, too, has to answer for: the line before the data counts as ended.
        const end = `\r\n${characters(data)}`.indexOf("\r\n.\r\n") + 3;
        if (expected.consumed !== end || !expected.ended) expect(expected.consumed).toBe(end);
        if (!reject && expected.fault !== null) expect(expected.fault).toBe(null);
        for (const pieces of everyCut(data)) {
          same(decode(pieces, options), expected, () => [text, pieces.map(characters)]);
        }
        messages += 1;
      }
      expect(messages).toBe(21_845);
    },
    60_000,
  );
});

test("S-DOT-05 every message of up to 5 of a . CR LF is the same after a snapshot at every cut", () => {
  for (const text of strings("a.\r\n", 5)) {
    const data = octets(`${text}\r\n.\r\n`);
    for (const policy of policies) {
      const options = { ...lenient, bareCr: policy, bareLf: policy, maxLine: 2 };
      const expected = referenceDecode(data, options);
      for (const pieces of everyCut(data)) {
        same(decode(pieces, options, { resumed: true }), expected, () => [text, pieces.map(characters)]);
      }
    }
  }
}, 60_000);

describe("limits", () => {
  test("S-DATA-16 L-LEN-06 every message of up to 5 of a . CR LF is refused at the same octet, however it is cut", () => {
    for (const text of strings("a.\r\n", 5)) {
      const data = octets(`${text}\r\n.\r\n.\r\n`);
      for (const [bareCr, bareLf] of [
        ["keep", "keep"],
        ["normalize", "normalize"],
        ["space", "reject"],
        ["reject", "space"],
      ] as const) {
        for (const [maxSize, maxLine] of [
          [0, 0],
          [1, 2],
          [2, 1],
          [3, 3],
          [4, 1],
          [5, 3],
        ]) {
          const options = { dots: true, bareCr, bareLf, maxSize, maxLine };
          const expected = referenceDecode(data, options);
          for (const pieces of everyCut(data)) {
            same(decode(pieces, options), expected, () => [text, options, pieces.map(characters)]);
          }
        }
      }
    }
  }, 60_000);
});

test("S-BDAT-15 every BDAT message of up to 6 of a . CR LF is the same in chunks", () => {
  for (const text of strings("a.\r\n", 6)) {
    const data = octets(text);
    for (const policy of policies) {
      const options = { ...lenient, dots: false, bareCr: policy, bareLf: policy, maxLine: 3, maxSize: 5 };
      const expected = referenceDecode(data, options, true);
      for (const pieces of everyCut(data)) {
        same(decode(pieces, options, { finished: true }), expected, () => [text, policy]);
      }
    }
  }
}, 60_000);

/** Text as mail has it, long enough that whole words are read, with what must not be there in between. */
const octet = fc.oneof(
  { weight: 20, arbitrary: fc.integer({ min: 32, max: 126 }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 255 }) },
);
const run = fc.oneof(
  { weight: 8, arbitrary: fc.array(octet, { maxLength: 90 }) },
  { weight: 4, arbitrary: fc.constantFrom(...["\r\n", "\r\n.", "\r\n..", "\r\n\r\n", "\t"].map(points)) },
  { weight: 1, arbitrary: fc.constantFrom(...["\r", "\n", "\r\n.\r", "\n.", "\0", "\xff"].map(points)) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...["\r\n.\r\n", "..\r\n".repeat(40), "\n".repeat(70)].map(points)),
  },
);
const anyData = fc.array(run, { maxLength: 40 }).map((runs) => Uint8Array.from(runs.flat()));
const anyCuts = fc.array(fc.nat(4000), { maxLength: 8 });
const anyOptions: fc.Arbitrary<ContentOptions> = fc.record({
  dots: fc.boolean(),
  bareCr: fc.constantFrom(...policies),
  bareLf: fc.constantFrom(...policies),
  maxSize: fc.oneof(fc.nat(2000), fc.constant(Number.POSITIVE_INFINITY)),
  maxLine: fc.oneof(fc.nat(200), fc.constant(998), fc.constant(Number.POSITIVE_INFINITY)),
  scanner: fc.constantFrom(null, simd()),
});

test("S-DOT-05 S-BDAT-15 any data in any pieces is what the reference makes of it", () => {
  fc.assert(
    fc.property(anyData, anyCuts, anyOptions, fc.boolean(), (data, cuts, options, resumed) => {
      const before = data.slice();
      const expected = referenceDecode(data, options, !options.dots);
      const finished = !options.dots;
      for (const pieces of [[data], cutAt(data, cuts), byOctet(data)]) {
        same(decode(pieces, options, { finished, resumed }), expected, () => pieces.map(characters));
      }
      expect(data).toEqual(before);
    }),
    { numRuns: 3000 },
  );
}, 60_000);

test.each([
  ["plain", null],
  ["SIMD", simd()],
])(
  "S-DOT-05 SEC-EOD-01 %s: so is data of many windows, and of dense finds",
  (_, scanner) => {
    const [few, many] = [fc.nat(40), fc.integer({ min: 4000, max: 17_000 })];
    const long = fc
      .tuple(
        fc.constantFrom("x", "xyz\r\n", "\t", `${"y".repeat(76)}\r\n`, "\r\n..", "\r\n", "\n", "\r"),
        fc.oneof(few, many),
      )
      .map(([text, times]) => points(text.repeat(Math.ceil(times / text.length))));
    const data = fc.array(fc.oneof(long, run), { maxLength: 8 }).map((runs) => Uint8Array.from(runs.flat()));
    fc.assert(
      fc.property(data, fc.array(fc.nat(100_000), { maxLength: 3 }), anyOptions, (data, cuts, given) => {
        const options = { ...given, scanner };
        const finished = !options.dots;
        const expected = referenceDecode(data, options, finished);
        for (const pieces of [[data], cutAt(data, cuts)]) {
          same(decode(pieces, options, { finished }), expected, () => [
            data.length,
            options,
            pieces.map((piece) => piece.length),
          ]);
        }
      }),
      { numRuns: 150 },
    );
  },
  60_000,
);

test("S-DOT-02 S-DATA-13 any text that is stuffed and decoded is the same text, however it is cut", () => {
  const anyLine = fc.array(
    octet.filter((one) => one !== 13 && one !== 10),
    { maxLength: 120 },
  );
  const dotted = fc
    .tuple(fc.constantFrom("", ".", "..", "..."), anyLine)
    .map(([dots, line]) => [...points(dots), ...line]);
  fc.assert(
    fc.property(fc.array(dotted, { maxLength: 60 }), anyCuts, (lines, cuts) => {
      const text = lines.flatMap((line) => [...line, 13, 10]);
      const data = Uint8Array.from([...stuffed(text), 46, 13, 10, 78]);
      const strict: ContentOptions = { ...lenient, bareCr: "reject", bareLf: "reject" };
      for (const pieces of [[data], cutAt(data, cuts), byOctet(data)]) {
        const { content, ended, consumed, size, fault } = decode(pieces, strict);
        expect(content).toEqual(text);
        expect([ended, consumed, size, fault]).toEqual([true, data.length - 1, text.length, null]);
      }
    }),
    { numRuns: 1000 },
  );
}, 60_000);

/** A dot more at the begin of each line: the first, and those behind CRLF. */
function stuffed(text: readonly number[]): number[] {
  return text.flatMap((octet, at) => {
    const begins = at === 0 || (text[at - 2] === 13 && text[at - 1] === 10);
    return begins && octet === 46 ? [46, 46] : [octet];
  });
}

function points(text: string): number[] {
  return [...octets(text)];
}

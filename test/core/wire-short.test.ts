/**
 * Every short text, at the widths at which the reader and the writer of content change their ways: few octets one by one,
 * more by words, more by vectors and windows. The properties try longer ones, by chance; these take milliseconds.
 */
import { describe, expect, test } from "vitest";
import { simd } from "../../packages/core/src/simd.ts";
import { type ContentOptions, ContentReader } from "../../packages/core/src/wire/dot.ts";
import { Input } from "../../packages/core/src/wire/input.ts";
import type { WriterOptions } from "../../packages/core/src/wire/stuff.ts";
import { referenceWrite, write } from "./stuff-reference.ts";
import { byOctet, characters, decode, everyCut, lenient, octets, referenceDecode } from "./wire-reference.ts";

/** Every string of at most so many of these characters. */
function strings(alphabet: string, most: number): string[] {
  const found = [""];
  let last = [""];
  for (let length = 1; length <= most; length++) {
    last = last.flatMap((begin) => [...alphabet].map((end) => begin + end));
    found.push(...last);
  }
  return found;
}

/** `expect` takes longer than what it compares. */
function same(actual: unknown, expected: unknown, told: object): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected))
    expect({ ...told, is: actual }).toEqual({ ...told, is: expected });
}

function reads(text: string, options: ContentOptions, pieces: readonly Uint8Array[], resumed = false): void {
  const finished = !options.dots;
  const expected = referenceDecode(octets(text), options, finished);
  const told = { text, options, pieces: pieces.map((piece) => piece.length) };
  same(decode(pieces, options, { finished, resumed }), expected, told);
}

const scanners = [
  ["plain", null],
  ["SIMD", simd()],
] as const;

const pairs = [
  ["keep", "keep"],
  ["reject", "reject"],
  ["normalize", "space"],
  ["space", "normalize"],
] as const;

describe("every short text is read as the reference reads it", () => {
  test.each(pairs)(
    "S-DATA-02 S-DOT-03 S-DOT-05 SEC-EOD-03 however it is cut; bare CR: %s, bare LF: %s",
    (bareCr, bareLf) => {
      for (const text of strings("a.\r\n\0\xe4", 3)) {
        const data = `${text}\r\n.\r\nN`;
        for (const pieces of everyCut(octets(data))) reads(data, { ...lenient, bareCr, bareLf }, pieces);
        reads(data, { ...lenient, bareCr, bareLf }, byOctet(octets(data)), true);
      }
    },
  );

  test.each(pairs)("S-BDAT-15 in chunks of BDAT; bare CR: %s, bare LF: %s", (bareCr, bareLf) => {
    for (const text of strings("a.\r\n\0\xe4", 3)) {
      const options = { ...lenient, dots: false, bareCr, bareLf };
      for (const pieces of everyCut(octets(text))) reads(text, options, pieces, pieces.length > 2);
    }
  });

  test.each(pairs)("S-DATA-16 L-LEN-06 within small limits; bare CR: %s, bare LF: %s", (bareCr, bareLf) => {
    for (const text of strings("a.\r\n", 4)) {
      for (const [maxSize, maxLine] of [
        [2, 1],
        [2, 2],
        [3, 2],
        [6, 0],
        [4, 3],
      ] as const) {
        const data = `${text}\r\n.\r\n`;
        const options = { dots: text.length !== 3, bareCr, bareLf, maxSize, maxLine };
        reads(data, options, [octets(data)]);
        reads(data, options, [octets(data).subarray(0, 3), octets(data).subarray(3)], true);
        reads(data, options, byOctet(octets(data)));
      }
    }
  });

  describe.each(scanners)("by the scanner %s", (_, scanner) => {
    // Behind these many octets, and before these many.
    const widths = [
      [0, 120],
      [96, 0],
      [99, 5],
      [120, 1],
      [200, 40],
      [64, 170],
    ] as const;

    test.each(widths)(
      "S-DATA-02 S-DOT-03 S-8BIT-02 behind %i other octets and before %i",
      (before, behind) => {
        let at = 0;
        for (const text of strings("a.\r\n\0\xe4", 3)) {
          // At each place of a vector.
          at = (at + 1) % 16;
          const data = `${"x".repeat(before + at)}${text}${"y".repeat(behind)}`;
          const options = { ...lenient, dots: at !== 7, scanner };
          reads(data, options, [octets(data)]);
          reads(data, options, [octets(data).subarray(0, 101), octets(data).subarray(101)]);
          const ended = `${data}\r\n.\r\nQUIT`;
          reads(ended, options, [octets(ended)]);
        }
      },
    );

    test("L-LEN-06 lines about the limit, and bare CR and LF in them", () => {
      for (const maxLine of [15, 16, 30, 98, 99, 100, 150]) {
        for (const text of ["", ".", "..", "\r", "\n", "\0", "\r\r", "\n."]) {
          for (let length = maxLine - 2; length <= maxLine + 2; length++) {
            const data = `${"x".repeat(length)}${text}\r\n${"y".repeat(130)}\r\n\r\n.\r\n`;
            for (const policy of ["keep", "normalize", "space"] as const) {
              const options = { ...lenient, bareCr: policy, bareLf: policy, maxLine, scanner };
              reads(data, options, [octets(data)]);
            }
          }
        }
      }
    });

    test("L-LEN-06 the last lines of a chunk, behind a dot", () => {
      for (const maxLine of [5, 16, 30]) {
        for (let length = maxLine - 2; length <= maxLine + 2; length++) {
          for (const dot of [".", ".."]) {
            const filler = `${"z".repeat(maxLine)}\r\n`.repeat(Math.ceil(200 / maxLine));
            const data = `${filler}${dot}${"y".repeat(length)}\r\nq\r\n.\r\n`;
            reads(data, { ...lenient, maxLine, scanner }, [octets(data)]);
          }
        }
      }
    });

    test.each([
      [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
      [Number.POSITIVE_INFINITY, 1],
      [Number.POSITIVE_INFINITY, 2],
      ...[135, 136, 137, 138, 139, 140, 141, 142].map((most): [number, number] => [most, 8]),
    ])(
      "S-DOT-02 S-DOT-05 S-DATA-16 L-LEN-06 lines with dots, one behind the other, of up to %s octets in lines of %s",
      (maxSize, maxLine) => {
        // Behind two of them there is a copy.
        const begin = `${"z\r\n".repeat(43)}..\r\n..\r\n`;
        const long = "y".repeat(120);
        for (const text of strings("a.\r\n\0\x80", maxLine === Number.POSITIVE_INFINITY ? 3 : 2)) {
          for (const line of [`.${text}\r\n`, `.a\r\n.${text}`, `..\r\n..\r\n${text}`]) {
            const data = `${begin}${line}`;
            const ended = `${data}\r\n.\r\nN`;
            const options = { ...lenient, maxSize, maxLine, scanner };
            reads(data, options, [octets(data)]);
            reads(ended, options, [octets(ended)]);
            reads(ended, options, [
              octets(ended).subarray(0, data.length - 2),
              octets(ended).subarray(data.length - 2),
            ]);
            reads(`${data}\r\n${long}`, { ...options, bareCr: "space", bareLf: "normalize" }, [
              octets(`${data}\r\n${long}`),
            ]);
          }
        }
      },
    );

    test.each([
      [120, 0],
      [120, 130],
      [3, 130],
    ])(
      "S-DOT-02 S-DOT-05 S-BDAT-15 where one chunk of %i and more ends, and the next with %i begins",
      (before, behind) => {
        for (const end of strings(".\r\n", 2)) {
          for (const begin of strings("a.\r\n", 2)) {
            const first = `${"x".repeat(before)}${end}`;
            const data = `${first}${begin}${"y".repeat(behind)}`;
            const pieces = [octets(data).subarray(0, first.length), octets(data).subarray(first.length)];
            reads(data, { ...lenient, scanner }, pieces);
            reads(data, { ...lenient, dots: false, scanner }, pieces);
            reads(data, { ...lenient, bareCr: "normalize", bareLf: "space", scanner }, pieces, true);
          }
        }
      },
    );

    test("S-8BIT-02 any octet, few of which are more than themselves", () => {
      for (let octet = 0; octet < 256; octet++) {
        const one = String.fromCharCode(octet);
        for (const data of [
          one,
          `a${one}b`,
          `${"x".repeat(130)}${one}y\r\n\t${one}`,
          `${"x".repeat(131)}${one}\r\n`,
        ]) {
          const read = decode([octets(data)], { ...lenient, scanner });
          expect([octet, read.eightBit, read.nul]).toEqual([octet, octet >= 128, octet === 0]);
        }
      }
    });

    test("S-DATA-02 where words and windows end", () => {
      for (const border of [4096, 20_480]) {
        for (let before = border - 5; before <= border + 1; before++) {
          const data = octets(`${"x".repeat(before)}\r\n..a\r\n.\r\nN`);
          const read = decode([data], { ...lenient, scanner });
          const content = characters(read.content.slice(before));
          expect([content, read.consumed, read.ended]).toEqual(["\r\n.a\r\n", before + 10, true]);
        }
      }
    });

    test("S-DATA-02 where there is much to find", () => {
      for (const text of ["..\r\n", "a\r\n.", "\n", "\r", "\0", "\r\n", "\r\r\n", "\t\xe4\r\n", "abcd\r\n"]) {
        const data = `${text.repeat(60)}${"z".repeat(130)}\r\n.\r\nN`;
        reads(data, { ...lenient, scanner }, [octets(data)]);
        reads(data, { ...lenient, bareCr: "space", bareLf: "normalize", maxLine: 140, scanner }, [
          octets(data).subarray(0, 111),
          octets(data).subarray(111),
        ]);
      }
    });

    test("S-DOT-04 in BDAT any octet may begin a line", () => {
      for (let octet = 0; octet < 256; octet++) {
        if (octet === 10 || octet === 13) continue;
        const data = `${"x".repeat(130)}\r\n${String.fromCharCode(octet)}y`;
        const { content } = decode([octets(data)], { ...lenient, dots: false, scanner }, { finished: true });
        expect([octet, characters(content) === data]).toEqual([octet, true]);
      }
    });

    test.each([
      [950, 60],
      [950, 48],
      [950, 49],
      [600, 399],
      [600, 398],
      [10, 1200],
    ])("L-LEN-06 a line of %i octets in one piece and %i in the next", (before, behind) => {
      const text = `${"x".repeat(before)}${"y".repeat(behind)}\r\nz`;
      const pieces = [octets(text).subarray(0, before), octets(text).subarray(before)];
      reads(text, { ...lenient, maxLine: 998, scanner }, pieces);
      const options: WriterOptions = { dots: true, lineEnds: "strict", maxLine: 998, binary: false, scanner };
      same(write(pieces, options, false), referenceWrite(text, options), { before, behind });
    });

    const long = "x".repeat(120);
    test.each<[string, string, Partial<ContentOptions>]>([
      [long, ".a\r\n.\r\n", {}],
      [`${long}\n`, ".a", {}],
      [`${long}\r\n`, ".a\r\n.\r\n", {}],
      [`${long}\r\n`, ".\r\n", {}],
      [`${long}\r`, "\n.a", {}],
      [`${long}\r\n.`, "\r\n", {}],
      [`${long}\r\n`, ".a", { dots: false }],
      ["\t", "\x01\x0c", {}],
      ["\x80", "", {}],
      ["aa\n", "b", { bareLf: "space", maxLine: 2, maxSize: 2 }],
      ["aa\n", "b", { bareLf: "space", maxLine: 2, maxSize: 3 }],
      ["a\n", "bc", { bareLf: "reject", dots: false }],
      [`${long}\n`, long, { bareLf: "reject", dots: false }],
      [`${"zzzzz\r\n".repeat(20)}.yyyyyy\r\nq`, "", { maxLine: 5 }],
      [`${"zzzzz\r\n".repeat(20)}.yyyyy\r\nq`, "", { maxLine: 5 }],
      [`${"zzzzz\r\n".repeat(20)}yyyyyy\r\n${long}`, "", { maxLine: 5 }],
      [`${long}\r\n\x01y`, "", { dots: false }],
      [`${long}\r\n.a`, "", {}],
      [`\r\n.a${long}`, "", {}],
      [`ab\r\n.\r\n${long}`, "", {}],
      [`${long}\r\n..\r\n..\r\n.a\rb\r\n.x`, "", {}],
      [`${long}\r\n..\r\n..\r\nyyyyyyyy\r\n.a\r\n.b\r\n`, "", { maxSize: 133 }],
    ])("S-DOT-02 S-DATA-02 L-LEN-06 %j and then %j, with %j", (first, second, given) => {
      const options = { ...lenient, scanner, ...given };
      reads(first + second, options, [octets(first + second)]);
      reads(first + second, options, [octets(first), octets(second)]);
    });

    test("S-BDAT-02 no octet is read beyond those that are asked for", () => {
      const data = octets(`${"x".repeat(99)}\r\n..\r\n\xe4\0${"y".repeat(140)}`);
      for (let most = 96; most < 112; most++) {
        const [input, reader] = [new Input(), new ContentReader({ ...lenient, scanner })];
        input.push(data);
        reader.read(input, most);
        expect([input.length, reader.eightBit, reader.nul]).toEqual([
          data.length - most,
          most > 105,
          most > 106,
        ]);
      }
    });
  });

  test.each([3, 4, 5, 6, 7, 8, 9, 10, 11])(
    "SEC-EOD-01 S-DATA-16 after a fault %i octets on, the end of the data is found, wherever it is",
    (more) => {
      const options = { ...lenient, bareLf: "reject" as const };
      for (const text of strings("a.\r\n", 4)) {
        const data = `\n${"x".repeat(more)}${text}\r\n.\r\nNOOP\r\n`;
        reads(data, options, [octets(data)]);
        reads(data, options, [octets(data).subarray(0, 9), octets(data).subarray(9)]);
      }
    },
  );
});

describe("every short text is written as the reference writes it", () => {
  const every = ["strict", "normalize", "space"] as const;
  const data: WriterOptions = { dots: true, lineEnds: "strict", maxLine: 998, binary: false };
  const writes = (text: string, options: WriterOptions, pieces: readonly Uint8Array[], resumed = false) =>
    same(write(pieces, options, resumed), referenceWrite(text, options), {
      text,
      options,
      pieces: pieces.map((piece) => piece.length),
    });

  test.each(every)("S-DOT-01 S-DATA-21 SEC-EOD-06 %s: however it is cut", (lineEnds) => {
    for (const text of strings("a.\r\n\xe4", 3)) {
      for (const dots of [true, false]) {
        const options = { ...data, dots, lineEnds };
        for (const pieces of everyCut(octets(text))) writes(text, options, pieces, pieces.length > 2);
      }
    }
  });

  test.each(every)("L-LEN-06 S-DATA-22 %s: within short lines", (lineEnds) => {
    for (const text of strings("a.\r\n", 4)) {
      for (const maxLine of [0, 1, 2]) {
        const options = { ...data, dots: maxLine !== 2, lineEnds, maxLine };
        writes(text, options, [octets(text)]);
        writes(text, options, byOctet(octets(text)), maxLine === 1);
      }
    }
  });

  describe.each(scanners)("by the scanner %s", (_, scanner) => {
    test.each([
      [0, 120],
      [96, 0],
      [99, 5],
      [120, 1],
      [200, 40],
    ] as const)("S-DOT-01 S-DATA-21 S-DATA-23 behind %i other octets and before %i", (before, behind) => {
      let at = 0;
      for (const text of strings("a.\r\n\0\xe4", 3)) {
        at = (at + 1) % 16;
        const content = `${"x".repeat(before + at)}${text}${"y".repeat(behind)}`;
        const options = {
          ...data,
          dots: at !== 7,
          lineEnds: every[at % 3] as (typeof every)[number],
          scanner,
        };
        writes(content, options, [octets(content)]);
        writes(content, options, [octets(content).subarray(0, 101), octets(content).subarray(101)]);
      }
    });

    test("S-DOT-01 S-DATA-21 where one piece ends and the next begins", () => {
      for (const end of strings(".\r\n", 2)) {
        for (const begin of strings("a.\r\n", 2)) {
          for (const [before, behind] of [
            [120, 0],
            [3, 130],
          ] as const) {
            const first = `${"x".repeat(before)}${end}`;
            const content = `${first}${begin}${"y".repeat(behind)}`;
            const pieces = [
              octets(content).subarray(0, first.length),
              octets(content).subarray(first.length),
            ];
            for (const lineEnds of every) writes(content, { ...data, lineEnds, scanner }, pieces);
          }
        }
      }
    });

    test("L-LEN-06 S-DATA-22 the last lines of a piece, behind a dot", () => {
      for (const maxLine of [5, 16, 30]) {
        for (let length = maxLine - 2; length <= maxLine + 2; length++) {
          const filler = `${"z".repeat(maxLine)}\r\n`.repeat(Math.ceil(200 / maxLine));
          const content = `${filler}.${"y".repeat(length)}\r\nq\r\n`;
          writes(content, { ...data, maxLine, scanner }, [octets(content)]);
        }
      }
    });

    test("L-LEN-06 S-DATA-22 lines about the limit, and bare CR and LF in them", () => {
      for (const maxLine of [15, 16, 30, 98, 99, 100, 150]) {
        for (const text of ["", ".", "\r", "\n", "\0", "\r\r", "\n."]) {
          for (let length = maxLine - 2; length <= maxLine + 2; length++) {
            const content = `${"x".repeat(length)}${text}\r\n${"y".repeat(130)}\r\n`;
            for (const lineEnds of every) {
              writes(content, { ...data, lineEnds, maxLine, scanner }, [octets(content)]);
            }
          }
        }
      }
    });
  });
});

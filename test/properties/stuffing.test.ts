import fc from "fast-check";
import { expect, test } from "vitest";
import { simd } from "../../packages/core/src/simd.ts";
import type { WriterOptions } from "../../packages/core/src/wire/stuff.ts";
import { referenceWrite, write } from "../core/stuff-reference.ts";
import { cutAt } from "../core/wire-reference.ts";

/** Text as mail has it, long enough that words and vectors are read, with what must not be there in between. */
const run = fc.oneof(
  { weight: 8, arbitrary: fc.nat(300).map((length) => "x".repeat(length)) },
  { weight: 6, arbitrary: fc.constantFrom("\r\n", "\r\n.", "\r\n..", "\r\n\r\n", "\t", "\xe4", "\0") },
  { weight: 2, arbitrary: fc.constantFrom("\r", "\n", "\r.", "\n.", "\r\r\n", ".") },
  {
    weight: 1,
    arbitrary: fc.constantFrom("\r\n.".repeat(60), "\n".repeat(70), "\r".repeat(70), ".".repeat(70)),
  },
  { weight: 1, arbitrary: fc.constantFrom("x".repeat(4096), "xyz\r\n".repeat(4000)) },
);
const anyContent = fc.array(run, { maxLength: 40 }).map((runs) => runs.join(""));
const anyOptions: fc.Arbitrary<WriterOptions> = fc.record({
  dots: fc.boolean(),
  lineEnds: fc.constantFrom("strict", "normalize", "space"),
  maxLine: fc.constantFrom(40, 300, 998, 5000, Number.POSITIVE_INFINITY),
  binary: fc.constant(false),
});

test.each([
  ["plain", null],
  ["SIMD", simd()],
])(
  "S-DOT-01 S-DATA-21 SEC-EOD-06 %s: any content in any pieces is written as the reference has it",
  (_, scanner) => {
    fc.assert(
      fc.property(
        anyContent,
        fc.array(fc.nat(9000), { maxLength: 6 }),
        anyOptions,
        fc.boolean(),
        (content, cuts, options, resumed) => {
          const data = Uint8Array.from(Buffer.from(content, "latin1"));
          const before = data.slice();
          const expected = referenceWrite(content, options);
          for (const pieces of [[data], cutAt(data, cuts)]) {
            expect(write(pieces, { ...options, scanner }, resumed)).toEqual(expected);
          }
          expect(data).toEqual(before);
        },
      ),
      { numRuns: 200 },
    );
  },
  60_000,
);

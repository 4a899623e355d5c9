import fc from "fast-check";
import { expect, test } from "vitest";
import { simd } from "../../packages/core/src/simd.ts";
import { ContentWriter, type WriterOptions } from "../../packages/core/src/wire/stuff.ts";
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

/** What goes on the wire, by regular expressions; or the fault. */
function reference(content: string, { dots, lineEnds, maxLine }: WriterOptions): object {
  const stray = /\r(?!\n)|(?<!\r)\n/g;
  let fault: { fault: string; at: number } | null = null;
  if (lineEnds === "strict") {
    const found = stray.exec(content);
    if (found !== null)
      fault = { fault: found[0] === "\r" ? "content-bare-cr" : "content-bare-lf", at: found.index };
  }
  let start = 0;
  for (const { 0: end, index } of content.matchAll(lineEnds === "space" ? /\r\n|$/g : /\r\n|\r|\n|$/g)) {
    if (fault !== null && start >= fault.at) break;
    if (index - start > maxLine) {
      if (fault === null || start + maxLine < fault.at)
        fault = { fault: "content-long-line", at: start + maxLine };
      break;
    }
    start = index + end.length;
  }
  if (fault !== null) return { fault };
  const text = lineEnds === "strict" ? content : content.replace(stray, lineEnds === "space" ? " " : "\r\n");
  const size = text.length;
  const eightBit = /[\x80-\xff]/.test(text);
  if (!dots) return { wire: text, size, eightBit };
  const stuffed = text.replace(/(^|\r\n)\./g, "$1..");
  const wire = `${stuffed}${stuffed === "" || stuffed.endsWith("\r\n") ? "" : "\r\n"}.\r\n`;
  return { wire, size, eightBit };
}

function write(pieces: readonly Uint8Array[], options: WriterOptions, resumed: boolean): object {
  let writer = new ContentWriter(options);
  const wire: string[] = [];
  for (const piece of [...pieces, null]) {
    if (resumed) writer = ContentWriter.restore(options, JSON.parse(JSON.stringify(writer.snapshot())));
    const written = piece === null ? writer.finish() : writer.write(piece);
    if (!(written instanceof Uint8Array)) return { fault: written };
    wire.push(Buffer.from(written).toString("latin1"));
  }
  return { wire: wire.join(""), size: writer.size, eightBit: writer.eightBit };
}

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
          const expected = reference(content, options);
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

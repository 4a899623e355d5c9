import fc from "fast-check";
import { expect, test } from "vitest";
import { Input } from "../../packages/core/src/wire/input.ts";
import { LineReader } from "../../packages/core/src/wire/line.ts";
import { byOctet, characters, cutAt, everyCut, octets } from "../core/wire-reference.ts";

/** Lines, `too-long` with the length, and what was read of a last one, in a string that can be compared. */
function read(pieces: readonly Uint8Array[], limit: number): string {
  const input = new Input();
  const reader = new LineReader(limit);
  const found: unknown[] = [];
  for (const piece of pieces) {
    input.push(piece);
    for (let line = reader.read(input); line !== null; line = reader.read(input)) {
      found.push(line === "too-long" ? reader.length : characters(line));
    }
    if (reader.snapshot().held.length > limit) throw new Error("more held than the limit");
  }
  return JSON.stringify([found, reader.snapshot().read]);
}

/** What the text is made of: the last part has no CRLF. */
function reference(text: string, limit: number): string {
  const parts = text.split("\r\n");
  const rest = parts.pop() ?? "";
  return JSON.stringify([
    parts.map((line) => (line.length + 2 > limit ? line.length + 2 : line)),
    rest.length,
  ]);
}

test("S-LINE-01 S-LINE-02 every text of up to 8 of a CR LF is cut at CRLF alone, in any pieces", () => {
  let texts = [""];
  for (let length = 0; length < 8; length += 1) {
    texts = texts.flatMap((text) => ["a", "\r", "\n"].map((next) => text + next));
    for (const text of texts) {
      for (const limit of [2, 3, 4, 100]) {
        const expected = reference(text, limit);
        for (const pieces of everyCut(octets(text))) {
          const found = read(pieces, limit);
          if (found !== expected) expect(found, JSON.stringify([text, limit])).toBe(expected);
        }
      }
    }
  }
}, 60_000);

test("S-LINE-01 S-LINE-02 S-LINE-19 any octets in any pieces are cut at CRLF alone", () => {
  const run = fc.oneof(
    fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 80 }).map((octets) => characters(octets)),
    fc.constantFrom("\r\n", "\r", "\n", "\n\r", "\r\r\n", "\0"),
  );
  fc.assert(
    fc.property(
      fc.array(run, { maxLength: 60 }),
      fc.array(fc.nat(3000), { maxLength: 12 }),
      fc.integer({ min: 2, max: 200 }),
      (runs, cuts, limit) => {
        const text = runs.join("");
        const data = octets(text);
        for (const pieces of [[data], byOctet(data), cutAt(data, cuts)]) {
          expect(read(pieces, limit)).toBe(reference(text, limit));
        }
        expect(data).toEqual(octets(text));
      },
    ),
    { numRuns: 1000 },
  );
}, 60_000);

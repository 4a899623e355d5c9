import { describe, expect, test } from "vitest";
import { Input } from "../../packages/core/src/wire/input.ts";
import { LineReader } from "../../packages/core/src/wire/line.ts";
import { characters, everyCut, octets } from "./wire-reference.ts";

/** Lines and their lengths, with what is left unread. */
function lines(pieces: readonly Uint8Array[], limit: number, resumed = false): [string, number][] {
  const input = new Input();
  const found: [string, number][] = [];
  let reader = new LineReader(limit);
  for (const piece of pieces) {
    input.push(piece);
    for (let line = reader.read(input); line !== null; line = reader.read(input)) {
      found.push([line === "too-long" ? line : characters(line), reader.length]);
    }
    if (resumed) {
      const snapshot = JSON.parse(JSON.stringify(reader.snapshot()));
      reader = new LineReader(limit);
      reader.restore(snapshot);
    }
  }
  return found;
}

function check(data: string, limit: number, expected: [string, number][]): void {
  for (const pieces of everyCut(octets(data))) {
    expect(lines(pieces, limit)).toEqual(expected);
    expect(lines(pieces, limit, true)).toEqual(expected);
  }
}

test("S-LINE-02 a line is whole only when its CRLF came, however it is cut", () => {
  check("NOOP\r\nQUIT\r\nEHL", 100, [
    ["NOOP", 6],
    ["QUIT", 6],
  ]);
  check("\r\n\r\n", 100, [
    ["", 2],
    ["", 2],
  ]);
});

test.each([
  ["NOOP\nNOOP\r\n", "NOOP\nNOOP"],
  ["NOOP\rNOOP\r\n", "NOOP\rNOOP"],
  ["NOOP\r\r\n", "NOOP\r"],
  ["NOOP\n\r\n", "NOOP\n"],
  ["NOOP\n\r\r\n", "NOOP\n\r"],
  ["NO\0OP\r\n", "NO\0OP"],
  ["NO\x85OP\xE2\x80\xA8\x0B\x0C\r\n", "NO\x85OP\xE2\x80\xA8\x0B\x0C"],
])("S-LINE-01 S-LINE-19 %j is one line", (data, line) => {
  check(data, 100, [[line, data.length]]);
  check(`${data}RSET\r\n`, 100, [
    [line, data.length],
    ["RSET", 6],
  ]);
});

describe("limit", () => {
  test("S-LINE-12 a line of just the limit, CRLF included, is not too long", () => {
    const noop = `NOOP ${"x".repeat(505)}`;
    check(`${noop}\r\n`, 512, [[noop, 512]]);
    check(`${noop}x\r\nQUIT\r\n`, 512, [
      ["too-long", 513],
      ["QUIT", 6],
    ]);
  });

  test("a line over the limit is told of once, with its length, and the next is read", () => {
    check("aaaaaaaa\r\nb\r\n", 6, [
      ["too-long", 10],
      ["b", 3],
    ]);
    check("a\rb\nc\r\r\nb\r\n", 6, [
      ["too-long", 8],
      ["b", 3],
    ]);
    check("aaaaa\r\n", 6, [["too-long", 7]]);
    check("aaaa\r\n", 6, [["aaaa", 6]]);
  });

  test("it may change between lines", () => {
    const input = new Input();
    const reader = new LineReader(4);
    input.push(octets("abc\r\nabc\r\nabc\r\n"));
    expect(reader.read(input)).toBe("too-long");
    reader.limit = 5;
    expect(reader.read(input)).toEqual(octets("abc"));
    reader.limit = 4;
    expect(reader.read(input)).toBe("too-long");
  });

  test("raised within a line that is too long, it comes too late", () => {
    const input = new Input();
    const reader = new LineReader(2);
    input.push(octets("abc"));
    expect(reader.read(input)).toBe(null);
    reader.limit = 100;
    input.push(octets("d\r\n"));
    expect(reader.read(input)).toBe("too-long");
    expect(reader.length).toBe(6);
  });
});

test.each([1, 3, 7, 100])("of a line that is too long the beginning is known, in pieces of %i", (size) => {
  const line = octets("BDAT 0000000000000000000000000001\r\nNOOP\r\n");
  const input = new Input();
  const reader = new LineReader(20);
  for (let at = 0; at < line.length; at += size) input.push(line.slice(at, at + size));
  expect(reader.read(input)).toBe("too-long");
  expect(characters(reader.beginning)).toBe("BDAT 00000000000");
  expect(characters(reader.read(input) as Uint8Array)).toBe("NOOP");
});

test("a line is a view of the chunk that it came in, and stays as it was", () => {
  const input = new Input();
  const reader = new LineReader(100);
  const chunk = octets("abc\r\ndef\r\nx");
  input.push(chunk);
  const [abc, def] = [reader.read(input), reader.read(input)] as [Uint8Array, Uint8Array];
  expect(abc.buffer).toBe(chunk.buffer);
  expect(reader.read(input)).toBe(null);
  input.push(octets("yz\r\nuvw\r\nr"));
  const [xyz, uvw] = [reader.read(input), reader.read(input)] as [Uint8Array, Uint8Array];
  expect(reader.read(input)).toBe(null);
  input.push(octets("s\r\n"));
  const rs = reader.read(input) as Uint8Array;
  expect([abc, def, xyz, uvw, rs].map(characters)).toEqual(["abc", "def", "xyz", "uvw", "rs"]);
  expect(chunk).toEqual(octets("abc\r\ndef\r\nx"));
});

test("G6 of a line without end no more than the limit is held, and its length is counted", () => {
  const limit = 512;
  const input = new Input();
  const reader = new LineReader(limit);
  const piece = new Uint8Array(1021).fill(65);
  for (let sent = 0; sent < 10_000; sent += 1) {
    input.push(sent === 0 ? piece.subarray(0, 300) : piece);
    expect(reader.read(input)).toBe(null);
    expect(input.charge).toBe(0);
    expect(reader.snapshot().held.length).toBe(sent === 0 ? 300 : 16);
  }
  input.push(octets("\r\n"));
  expect(reader.read(input)).toBe("too-long");
  expect(reader.length).toBe(300 + 9999 * 1021 + 2);
});

test("SEC-DOS-02 a long line octet by octet is read in one step for each octet", () => {
  const input = new Input();
  const length = 1 << 20;
  const reader = new LineReader(length + 2);
  const data = new Uint8Array(length).fill(0x0d);
  let lines = 0;
  for (let at = 0; at < length; at += 1) {
    input.push(data.subarray(at, at + 1));
    if (reader.read(input) !== null) lines += 1;
    if (input.charge !== 0) throw new Error("held");
  }
  input.push(octets("\r\n"));
  const line = reader.read(input) as Uint8Array;
  expect(lines).toBe(0);
  expect([line.length, line.every((octet) => octet === 0x0d)]).toEqual([length, true]);
  // Doubling, not one copy for each octet, and never beyond the limit.
  expect(line.buffer.byteLength).toBeLessThanOrEqual(length + 2);
}, 20_000);

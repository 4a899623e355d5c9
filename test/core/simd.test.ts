import { readFileSync } from "node:fs";
import { ClientSession, exchange, reply, ServerSession, UsageError } from "@sansmtp/core";
import { type Scanner, simd } from "@sansmtp/core/simd";
import { afterEach, describe, expect, test, vi } from "vitest";
import { PlainScanner, plain } from "../../packages/core/src/wire/plain.ts";
import { SimdScanner } from "../../packages/core/src/wire/simd.ts";
import { simdModule } from "../../packages/core/src/wire/simd-module.ts";
import { assemble, assembled } from "./assemble.ts";
import { octets } from "./wire-reference.ts";

/** Every runtime has it, and their types differ. */
declare const WebAssembly: {
  readonly Module: new (octets: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
};

/** The module, whose scanner takes chunks of any length. */
function scannerOf(shortest = 0): Scanner {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(simdModule, "hex")));
  return new SimdScanner(exports as ConstructorParameters<typeof SimdScanner>[0], plain, shortest);
}

interface Found {
  readonly at: number;
  readonly lineStart: number;
  readonly eightBit: boolean;
  readonly nul: boolean;
}

/** All finds of a scanner, each looked for behind the one before, as the machines do. */
function finds(
  scanner: Scanner,
  data: Uint8Array,
  from: number,
  dots: boolean,
  maxLine: number,
  line: number,
): Found[] {
  const found: Found[] = [];
  scanner.begin(data, from, data.length, dots, maxLine);
  let lineStart = line;
  for (let at = from; at < data.length; at += 1) {
    at = scanner.next(at, lineStart);
    lineStart = scanner.lineStart;
    found.push({ at, lineStart, eightBit: scanner.eightBit, nul: scanner.nul });
    // Behind the LF of a CR LF that is a find; behind a bare CR is what may be one.
    if (data[at] === 13 && data[at + 1] === 10) {
      at += 1;
      lineStart = at + 1;
    }
  }
  return found;
}

/** What the finds are, as scan.ts has it: octet by octet. */
function reference(data: Uint8Array, from: number, dots: boolean, maxLine: number, line: number): Found[] {
  const found: Found[] = [];
  let lineStart = line;
  let [eightBit, nul] = [false, false];
  let next = from;
  const find = (at: number) => {
    found.push({ at, lineStart, eightBit, nul });
    next = at + 1;
  };
  // What precedes the place that is looked from does not matter.
  let fresh = true;
  let at = from;
  for (; at < data.length; at += 1) {
    const [octet, before] = [data[at], fresh ? 0 : data[at - 1]];
    fresh = false;
    if (octet === 13) {
      if (data[at + 1] === 10 && at - lineStart <= maxLine) continue;
      find(at);
      fresh = true;
      if (data[at + 1] !== 10) continue;
      at += 1;
      next = at + 1;
      lineStart = next;
    } else if (octet === 10) {
      if (before === 13) lineStart = at + 1;
      else {
        find(at);
        fresh = true;
      }
    } else if (octet === 46 && dots && before === 10) {
      find(at);
      fresh = true;
    } else {
      if (octet >= 128) eightBit = true;
      if (octet === 0) nul = true;
    }
  }
  if (next < data.length) find(data.length);
  return found;
}

const simple = new PlainScanner();
const any = scannerOf();

function agree(data: Uint8Array, from: number, dots: boolean, maxLine: number, line: number): void {
  const expected = reference(data, from, dots, maxLine, line);
  for (const scanner of [simple, any]) {
    const actual = finds(scanner, data, from, dots, maxLine, line);
    const same =
      actual.length === expected.length &&
      actual.every(
        (one, at) =>
          one.at === expected[at]!.at &&
          one.lineStart === expected[at]!.lineStart &&
          one.eightBit === expected[at]!.eightBit &&
          one.nul === expected[at]!.nul,
      );
    if (!same) {
      const told = { tail: [...data.subarray(-80)], length: data.length, from, dots, maxLine, line };
      expect({ ...told, scanner: scanner === any ? "SIMD" : "plain", finds: actual }).toEqual({
        ...told,
        scanner: scanner === any ? "SIMD" : "plain",
        finds: expected,
      });
    }
  }
}

function* strings(alphabet: readonly number[], most: number): Generator<number[]> {
  yield [];
  if (most === 0) return;
  for (const rest of strings(alphabet, most - 1)) for (const first of alphabet) yield [first, ...rest];
}

describe("both scanners find what they have to", () => {
  const alphabet = [97, 46, 13, 10, 0, 0xe4];

  test("S-DATA-02 S-DOT-03 SEC-EOD-01 in every string of up to 5 of a . CR LF NUL 8-bit, at each place of 16 octets", () => {
    const data = new Uint8Array(140).fill(120);
    let place = 0;
    for (const string of strings(alphabet, 5)) {
      // Long enough that words and vectors are read, before it and behind it.
      place = (place + 1) % 16;
      data.fill(120).set(string, 100 + place);
      for (const dots of [true, false]) agree(data, 0, dots, 1000, 0);
      // At the very begin and end of what is looked at.
      data.fill(120).set(string, 0);
      data.set(string, 140 - string.length);
      agree(data, 0, true, 100, -3);
      agree(data.subarray(0, string.length), 0, true, 1000, 0);
    }
  });

  test("S-DATA-02 S-DOT-03 SEC-EOD-01 in every string of up to 3 of a . CR LF NUL HT 8-bit, at each place of a word", () => {
    const data = new Uint8Array(130).fill(120);
    for (const string of strings([...alphabet, 9], 3)) {
      for (let place = 0; place < 4; place += 1) {
        data.fill(120).set(string, 6 + place);
        data.set(string, 60 + place);
        agree(data, 0, place !== 1, 58, 0);
      }
    }
  });

  test("S-DATA-02 S-DOT-03 S-8BIT-02 in every string of up to 3 of a . CR LF NUL 8-bit and what is a bit from them, among controls", () => {
    const data = new Uint8Array(140);
    let place = 0;
    for (const string of strings([97, 46, 13, 10, 0, 1, 11, 12, 9, 0x80], 3)) {
      for (const around of [1, 9, 0]) {
        place = (place + 1) % 16;
        data
          .fill(120)
          .fill(around, 40, 110)
          .set(string, 60 + place);
        for (const dots of [true, false]) agree(data, 0, dots, 1000, 0);
        data
          .fill(120)
          .fill(around, 40, 60 + place)
          .set(string, 60 + place);
        agree(data, 0, true, 20 + place, 0);
      }
      for (let at = 30; at < 120; at += Math.max(string.length, 1)) data.set(string, at);
      agree(data, 0, true, 1000, 0);
    }
  });

  const text = `${"x".repeat(40)}\r\n${"y".repeat(30)}\r\n${"z".repeat(60)}`;
  test.each<[string, boolean, number, number]>([
    [text, true, 1000, 0],
    [text, true, 40, 0],
    [text, true, 39, 0],
    [text, true, 30, 11],
    [text, true, 29, 11],
    [text, true, 1000, -970],
    [text, true, 1000, -950],
    [`xy\r\n${text}`, true, 40, -38],
    [`xy\r\n${text}`, true, 40, -39],
    [`x\r\n.${text}`, true, 1000, 0],
    [`${text}\r\n.x`, true, 1000, 0],
    [`${text}\r\n.x`, false, 1000, 0],
    [`${text}\r\n\x01x`, false, 1000, 0],
    [`x\r\n\x01${text}`, false, 1000, 0],
    [`${text}\r\n\r\n\r\n.${text}`, true, 1000, 0],
    [`${text}\t\r\n${text}`, true, 1000, 0],
    [`${text}\r\nabcd\r\nefgh\r\n${text}`, true, 16, 130],
  ])("S-DOT-03 L-LEN-06 in %j, dots %s, lines of %i, from %i on", (data, dots, maxLine, line) => {
    agree(octets(data), 0, dots, maxLine, line);
  });

  test.each(["\r\n.\r\n", "\r\n..", "\n.", "\r.", "\r\r\n", "\r\n\r\n.", "\r\na", "\rab"])(
    "S-DATA-02 S-DOT-03 where the first window ends, of %j",
    (text) => {
      const data = new Uint8Array(4150);
      for (let at = 4096 - text.length; at <= 4096; at += 1) {
        data.fill(120).set(octets(text), at);
        agree(data, 4000, true, Number.POSITIVE_INFINITY, 0);
        agree(data, 0, true, Number.POSITIVE_INFINITY, 0);
      }
    },
  );

  test("S-DATA-02 S-DOT-03 SEC-EOD-01 at each border of words, vectors and windows", () => {
    const strings = [
      "\r\n.\r\n",
      "\r\n..",
      "\n.\r\n",
      "\r.\r\n",
      "\r\r\n",
      "\r\n\n",
      "\r\n\r\n.",
      "\xe4\r",
      "\0\n",
      "\r\n\t.",
      "\r\n",
    ];
    for (const border of [64, 4096, 4096 + 16_384, 65_536]) {
      for (const text of strings) {
        for (let at = border - 6; at <= border + 2; at += 1) {
          for (const from of [0, 1, 3]) {
            const data = new Uint8Array(border + 300).fill(120);
            data.set(octets(text), at);
            agree(data, from, true, Number.POSITIVE_INFINITY, -5);
            agree(data, from, false, 70_000, from);
            agree(data.subarray(0, Math.max(border, at + text.length)), from, true, border - 3, 0);
          }
        }
      }
    }
  });

  test("L-LEN-06 with lines of every length about the limit, wherever they begin", () => {
    for (const maxLine of [16, 17, 31, 64, 100, 998]) {
      for (let length = maxLine - 2; length <= maxLine + 2; length += 1) {
        for (let begin = 0; begin < 20; begin += 1) {
          const line = octets(
            `${"y".repeat(begin)}\r\n${"x".repeat(length)}\r\nab\r\n\r\nc${"z".repeat(200)}`,
          );
          agree(line, 0, true, maxLine, 0);
          agree(line, 0, true, maxLine, begin - maxLine);
        }
      }
    }
  });

  test("SEC-DOS-02 where finds are dense, and the plain scanner takes over", () => {
    for (const text of ["..\r\n", "\r\n.", "\n", "\r", "a\n", "\r\n", "\r\r\n", ".\r\n\0\xe4"]) {
      const dense = text.repeat(300);
      for (const before of [0, 1, 17, 5000]) {
        agree(octets("x".repeat(before) + dense + "x".repeat(99)), 0, true, 500, 0);
        agree(octets(`\xe4${"x".repeat(before)}${dense}`), 0, false, 16, 0);
      }
    }
  });
});

test("a scanner has nothing left of the chunk before, though it is in the same buffer", () => {
  const chunk = new Uint8Array(600).fill(120);
  chunk.set(octets("\r\n.\r\n"), 300);
  any.begin(chunk, 0, 600, true, 1000);
  expect(any.next(0, 0)).toBe(302);
  chunk.fill(120);
  any.begin(chunk, 0, 600, true, 1000);
  expect(any.next(0, 0)).toBe(600);
  chunk[10] = 0x80;
  any.begin(chunk, 0, 600, true, 1000);
  expect(any.next(0, 0)).toBe(600);
  expect(any.eightBit).toBe(true);
  any.begin(chunk, 11, 600, true, 1000);
  expect(any.next(11, 0)).toBe(600);
  expect(any.eightBit).toBe(false);
});

describe("the module", () => {
  test("is what its source gives (pnpm simd)", async () => {
    expect(readFileSync(assembled, "utf8")).toBe(await assemble());
  });

  test("is small enough to be compiled at once in a page, where 4 KiB are the most", () => {
    expect(simdModule.length / 2).toBeLessThan(4096);
  });
});

describe("simd()", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  test("is one scanner for all", () => {
    expect(simd()).not.toBeNull();
    expect(simd()).toBe(simd());
  });

  test.each([
    ["is not there", undefined],
    [
      "may not be compiled",
      {
        Module: class {
          constructor() {
            throw new EvalError("Wasm code generation disallowed by embedder");
          }
        },
      },
    ],
  ])("is null where WebAssembly %s", async (_, given) => {
    vi.resetModules();
    vi.stubGlobal("WebAssembly", given);
    const { simd } = await import("../../packages/core/src/simd.ts");
    expect(simd()).toBeNull();
  });

  const message = `${"x".repeat(300)}\r\n..\r\n\xe4\r\n`;

  test.each([
    ["simd()", simd()],
    ["null", null],
    ["nothing", undefined],
  ])("S-DOT-02 S-DOT-01 a server and a client with %s read and write the same", (_, scanner) => {
    const session = new ServerSession({ name: "mx.example.com", scanner });
    const kept: number[] = [];
    const { events } = exchange(
      session,
      `EHLO a\r\nMAIL FROM:<a@example.net> BODY=8BITMIME\r\nRCPT TO:<b@example.com>\r\nDATA\r\n`,
      () => undefined,
    );
    expect(events).not.toEqual([]);
    exchange(session, octets(`${message}.\r\n`), (question) => {
      expect(question).toMatchObject({
        type: "message",
        content: { size: message.length - 1, eightBit: true },
      });
      return reply(250, "2.0.0", "Queued");
    }).events.forEach((event) => {
      if (event.type === "body") kept.push(...event.data);
    });
    expect(kept).toEqual([...octets(message.replace("..", "."))]);
    expect(() => new ClientSession({ name: "client.example.net", scanner })).not.toThrow();
  });

  test("G9 what is no scanner is not taken for one", () => {
    const scanner = {} as Scanner;
    expect(() => new ServerSession({ name: "mx.example.com", scanner })).toThrow(UsageError);
    expect(() => new ClientSession({ name: "client.example.net", scanner })).toThrow(UsageError);
  });

  test("is null in JSON, as a recording has its configuration", () => {
    expect(JSON.stringify({ scanner: simd() })).toBe('{"scanner":null}');
  });
});

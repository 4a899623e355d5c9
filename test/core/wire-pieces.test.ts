/** The small pieces that readers and writers are made of, each alone: lines, splices, output, text, one end of data. */
import { UsageError } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { crc32c } from "../../packages/core/src/wire/crc32c.ts";
import { seekEnd } from "../../packages/core/src/wire/end.ts";
import { Input } from "../../packages/core/src/wire/input.ts";
import { join } from "../../packages/core/src/wire/join.ts";
import { forbiddenOctet, LineReader, lineOf, noLine, wholeLine } from "../../packages/core/src/wire/line.ts";
import { inNetworks, parseNetwork } from "../../packages/core/src/wire/network.ts";
import { Output } from "../../packages/core/src/wire/output.ts";
import { isPlainEnd, PlainScanner } from "../../packages/core/src/wire/plain.ts";
import { ProxyReader, signature } from "../../packages/core/src/wire/proxy.ts";
import { formatReply } from "../../packages/core/src/wire/reply-format.ts";
import { checkScanner } from "../../packages/core/src/wire/scan.ts";
import { type SimdExports, SimdScanner } from "../../packages/core/src/wire/simd.ts";
import { Splice } from "../../packages/core/src/wire/splice.ts";
import { ascii, decodeLossy, decodeUtf8, encodeUtf8 } from "../../packages/core/src/wire/utf8.ts";
import { characters, octets } from "./wire-reference.ts";

/** How many octets are copied from one array to another while something is done. */
function octetsCopied(work: () => void): number {
  let octets = 0;
  const set = Uint8Array.prototype.set;
  Object.defineProperty(Uint8Array.prototype, "set", {
    configurable: true,
    value(this: Uint8Array, from: Uint8Array, at?: number) {
      octets += from.length;
      set.call(this, from, at);
    },
  });
  try {
    work();
  } finally {
    Reflect.deleteProperty(Uint8Array.prototype, "set");
  }
  return octets;
}

describe("a line that is whole in its chunk", () => {
  function whole(text: string, limit: number, skip = 0): [string, number, number, number] | null {
    const input = new Input();
    const chunk = octets(text);
    input.push(chunk);
    input.skip(skip);
    const line = wholeLine(input, limit);
    if (line === null) {
      expect(input.length).toBe(text.length - skip);
      return null;
    }
    expect(line.octets).toBe(chunk);
    return [
      characters(chunk.subarray(line.start, line.end)),
      line.length,
      line.control,
      text.length - input.length,
    ];
  }

  test.each<[string, number, number, ReturnType<typeof whole>]>([
    ["NOOP\r\n", 6, 0, ["NOOP", 6, -1, 6]],
    ["NOOP\r\n", 5, 0, null],
    ["NOOP\r\nQUIT\r\n", 512, 0, ["NOOP", 6, -1, 6]],
    ["NOOP\r\nQUIT\r\n", 6, 6, ["QUIT", 6, -1, 12]],
    ["NOOP\r\nQUIT\r\n", 5, 6, null],
    ["NOOP\r\nQUIT\r\n", 512, 6, ["QUIT", 6, -1, 12]],
    ["\r\n", 2, 0, ["", 2, -1, 2]],
    ["\r\n", 1, 0, null],
    ["NOOP", 512, 0, null],
    ["NOOP\r", 512, 0, null],
    ["NOOP\n", 512, 0, null],
    ["NO\rOP\n\r\nx", 512, 0, ["NO\rOP\n", 8, 2, 8]],
    ["NO\nOP\x7f\r\n", 512, 0, ["NO\nOP\x7f", 8, 2, 8]],
    ["NO\x7fOP\0\r\n", 512, 0, ["NO\x7fOP\0", 8, 2, 8]],
    ["\0\r\n", 512, 0, ["\0", 3, 0, 3]],
    ["a\tb\x1f\r\n", 512, 0, ["a\tb\x1f", 6, 3, 6]],
    ["a\tb \xff\x80\r\n", 512, 0, ["a\tb \xff\x80", 8, -1, 8]],
    ["ab\r\r\n", 512, 0, ["ab\r", 5, 2, 5]],
    ["a\x01\nb\r\n", 512, 0, ["a\x01\nb", 6, 1, 6]],
    ["a\t\nb\r\n", 512, 0, ["a\t\nb", 6, 2, 6]],
    ["a\x7f\nb\r\n", 512, 0, ["a\x7f\nb", 6, 1, 6]],
    ["a\n\nb\r\n", 512, 0, ["a\n\nb", 6, 1, 6]],
  ])("S-LINE-02 S-LINE-12 of %j, with the limit %i, behind %i octets", (text, limit, skip, line) => {
    expect(whole(text, limit, skip)).toEqual(line);
  });

  test("there is none where nothing is unread", () => {
    expect(wholeLine(new Input(), 512)).toBeNull();
  });

  test.each([
    ["abc", -1],
    ["", -1],
    ["a\tb \x7e\x80\xff", -1],
    ["ab\0\x1f", 2],
    ["\x1f", 0],
    ["abc\x7f", 3],
    ["a\rb", 1],
    ["\nb", 0],
  ])("of %j the first control octet is at %i", (text, at) => {
    expect(forbiddenOctet(octets(text))).toBe(at);
    expect(lineOf(octets(text), 9)).toEqual({
      octets: octets(text),
      start: 0,
      end: text.length,
      length: 9,
      control: at,
    });
  });
});

describe("a line in pieces", () => {
  const read = (reader: LineReader, input: Input, text: string) => {
    input.push(octets(text));
    const line = reader.read(input);
    return line instanceof Uint8Array ? characters(line) : line;
  };

  test.each([
    [64, ["x".repeat(60), "yz", "0123", "\r", "\n"]],
    [100, ["x".repeat(20), "y".repeat(60), "0\r\n"]],
    [512, ["x".repeat(63), "y", "0\r", "\nNOOP\r\n"]],
    [512, ["x".repeat(64), "y".repeat(64), "z\r\n"]],
    [512, ["x".repeat(200), "\r\n"]],
    [512, ["x".repeat(200), "\r", "\n"]],
    [512, ["a", "b\r\n"]],
  ])("G6 S-LINE-12 within %i octets, of %j, is held in the room that it needs", (limit, pieces) => {
    const [input, reader] = [new Input(), new LineReader(limit)];
    const whole = pieces.join("");
    const end = whole.indexOf("\r\n");
    let come = 0;
    for (const piece of pieces) {
      const line = read(reader, input, piece);
      come += piece.length;
      const fits = end + 2 <= limit;
      expect(line).toBe(come < end + 2 ? null : fits ? whole.slice(0, end) : "too-long");
      if (line === null) {
        expect(reader.begun(5)).toEqual(come <= limit ? octets(whole.slice(0, Math.min(5, come))) : null);
        const { held, ...rest } = reader.snapshot();
        if (come <= limit) expect(characters(held)).toBe(whole.slice(0, come));
        expect(rest).toEqual({ read: come, afterCr: piece.endsWith("\r"), overlong: come > limit });
        expect(reader.begun(1000)?.length ?? null).toBe(come <= limit ? come : null);
      } else {
        expect(reader.length).toBe(end + 2);
        expect(reader.snapshot()).toEqual({ held: [], read: 0, afterCr: false, overlong: false });
      }
    }
  });

  test("G6 the room doubles, from 64 octets up to the limit", () => {
    const sizes = [
      [1, 64],
      [64, 64],
      [65, 128],
      [129, 256],
      [300, 512],
      [513, 600],
    ] as const;
    for (const [length, room] of sizes) {
      const [input, reader] = [new Input(), new LineReader(600)];
      for (let at = 0; at < length; at++) read(reader, input, "x");
      input.push(octets("\r\n"));
      expect([length, (reader.read(input) as Uint8Array).buffer.byteLength]).toEqual([length, room]);
    }
  });

  test("a view begins where the chunk does that is part of a larger one", () => {
    const larger = octets("__abc\r\nde\r\n__").subarray(2, 11);
    const [input, reader] = [new Input(), new LineReader(100)];
    input.push(larger);
    expect(characters(reader.read(input) as Uint8Array)).toBe("abc");
    expect(characters(reader.read(input) as Uint8Array)).toBe("de");
  });

  test.each([
    [20, "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnop"],
    [10, "abcdefghijklmnopqrstuvwxyz", "abcdefghij"],
    [17, "abcdefghijklmnop\r", "abcdefghijklmnop"],
  ])("over the limit of %i octets, of %j the beginning is known", (limit, text, beginning) => {
    for (let cut = 0; cut <= text.length; cut++) {
      const [input, reader] = [new Input(), new LineReader(limit)];
      expect(characters(reader.beginning)).toBe("");
      expect(read(reader, input, text.slice(0, cut))).toBeNull();
      expect(read(reader, input, `${text.slice(cut)}\r\nNOOP\r\n`)).toBe("too-long");
      expect([characters(reader.beginning), reader.length]).toEqual([beginning, text.length + 2]);
      expect(read(reader, input, "")).toBe("NOOP");
    }
  });
});

test("of a line that was too long the beginning stays, until another is", () => {
  const [input, reader] = [new Input(), new LineReader(6)];
  input.push(octets("abcdefgh\r\nab\r\nijklmnop\r\n"));
  const found: [unknown, string][] = [];
  for (let times = 0; times < 3; times++) {
    const line = reader.read(input);
    found.push([line instanceof Uint8Array ? characters(line) : line, characters(reader.beginning)]);
  }
  expect(found).toEqual([
    ["too-long", "abcdef"],
    ["ab", "abcdef"],
    ["too-long", "ijklmn"],
  ]);
});

test("G6 what is held of a line that begins behind another takes no room for that", () => {
  const [input, reader] = [new Input(), new LineReader(512)];
  input.push(octets(`NOOP\r\n${"x".repeat(70)}`));
  expect(characters(reader.read(input) as Uint8Array)).toBe("NOOP");
  expect(reader.read(input)).toBeNull();
  input.push(octets("\r\n"));
  const line = reader.read(input) as Uint8Array;
  expect([line.length, line.buffer.byteLength]).toEqual([70, 70]);
});

test.each([
  ["ab", "cd\r\n", "abcd"],
  ["ab\r", "\n", "ab"],
  ["ab", "\r\n", "ab"],
  ["a", "bcdef\rg\r\n", "abcdef\rg"],
])(
  "a line goes on where the cursor is: %j, and then %j behind what another has read",
  (first, second, line) => {
    const [input, reader] = [new Input(), new LineReader(100)];
    input.push(octets(first));
    expect(reader.read(input)).toBeNull();
    input.push(octets(`AUTH\r\n${second}`));
    input.skip(6);
    expect(characters(reader.read(input) as Uint8Array)).toBe(line);
    expect(reader.length).toBe(line.length + 2);
  },
);

describe("a splice", () => {
  type Step = number | readonly [number, number];
  /** What comes of views of a chunk of digits and of single octets: the text, and how many octets its array takes. */
  function spliced(chunk: Uint8Array, steps: readonly Step[]): [string, number] | null {
    const splice = new Splice();
    splice.begin(chunk);
    expect(splice.isEmpty).toBe(true);
    for (const step of steps) {
      if (typeof step === "number") splice.put(step);
      else splice.view(...step);
      expect(splice.isEmpty).toBe(false);
    }
    const taken = splice.take();
    return taken === null ? null : [characters(taken), taken.buffer.byteLength];
  }
  const ten = octets("0123456789");
  const x = 120;

  test.each<[string, readonly Step[], ReturnType<typeof spliced>]>([
    ["nothing", [], null],
    ["all of it", [[0, 10]], ["0123456789", 10]],
    ["a part", [[2, 5]], ["234", 10]],
    ["the end", [[2, 10]], ["23456789", 10]],
    [
      "two parts",
      [
        [0, 3],
        [4, 7],
      ],
      ["012456", 10],
    ],
    [
      "two parts, the first in the middle",
      [
        [2, 3],
        [4, 7],
      ],
      ["2456", 8],
    ],
    ["an octet in the first place", [x, [0, 10]], ["x0123456789", 11]],
    ["an octet in the last", [[0, 10], x], ["0123456789x", 11]],
    ["an octet behind a part", [[2, 5], x], ["234x", 9]],
    ["an octet between", [[0, 5], x, [5, 10]], ["01234x56789", 11]],
    ["octets alone", [x, x, x], ["xxx", 11]],
  ])("G6 of %s is one array, with room for what may come", (_, steps, expected) => {
    expect(spliced(ten, steps)).toEqual(expected);
  });

  test("G6 has room for 64 more octets than come, and then by the share of those before", () => {
    const chunk = octets("y".repeat(1000));
    const blanks: Step[] = [];
    for (let at = 0; at < 200; at++) blanks.push([at * 5, at * 5 + 5], x);
    const [text, room] = spliced(chunk, blanks) as [string, number];
    expect(text).toBe("yyyyyx".repeat(200));
    expect(room).toBeGreaterThanOrEqual(1200);
    expect(room).toBeLessThan(1400);
  });

  test.each([1, 5, 100])(
    "G6 each octet is copied a constant number of times, with one more behind each %i",
    (part) => {
      const chunk = octets("y".repeat(8000));
      let taken: Uint8Array | null = null;
      const copied = octetsCopied(() => {
        const splice = new Splice();
        splice.begin(chunk);
        for (let at = 0; at < chunk.length; at += part) {
          splice.view(at, at + part);
          splice.put(x);
        }
        taken = splice.take();
      });
      const { length, buffer } = taken as unknown as Uint8Array;
      expect(length).toBe(chunk.length + chunk.length / part);
      expect(copied).toBeLessThanOrEqual(1.5 * length);
      expect(buffer.byteLength).toBeLessThanOrEqual(1.1 * length + 100);
    },
  );

  test("is the chunk itself where that is all of it, but for a Buffer, of which a view is no Buffer", () => {
    const whole = (chunk: Uint8Array) => {
      const splice = new Splice();
      splice.begin(chunk);
      splice.view(0, chunk.length);
      return splice.take();
    };
    expect(whole(ten)).toBe(ten);
    const buffer = Buffer.from("abc");
    expect(Object.getPrototypeOf(whole(buffer))).toBe(Uint8Array.prototype);
    expect(whole(buffer)?.buffer).toBe(buffer.buffer);
    expect(whole(octets(""))).toBeNull();
  });

  test("does not take the rest of the chunk for its own", () => {
    const chunk = octets("y".repeat(100_000));
    const [text, room] = spliced(chunk, [[0, 3], x, [3, 6]]) as [string, number];
    expect([text, room]).toEqual(["yyyxyyy", 16 * 4 + 1024]);
  });

  test("of one chunk holds nothing of the one before, nor when it was taken", () => {
    const splice = new Splice();
    splice.begin(ten);
    splice.view(0, 3);
    splice.put(x);
    splice.begin(ten);
    expect(splice.isEmpty).toBe(true);
    splice.view(4, 6);
    expect(characters(splice.take() ?? [])).toBe("45");
    splice.begin(new Uint8Array(0));
    expect(splice.take()).toBeNull();
  });

  test.each([46, 47, 48, 49, 200])("copies %i octets", (length) => {
    const chunk = Uint8Array.from({ length: length + 3 }, (_, at) => at & 0xff);
    const expected = [...chunk.subarray(0, 1), ...chunk.subarray(2, length + 2), x];
    const splice = new Splice();
    splice.begin(chunk);
    splice.view(0, 1);
    splice.view(2, length + 2);
    splice.put(x);
    expect([...(splice.take() ?? [])]).toEqual(expected);
  });
});

describe("what grows with what comes is copied a constant number of times", () => {
  test("G6 a line octet by octet", () => {
    const [input, reader] = [new Input(), new LineReader(5000)];
    const octet = octets("x");
    const copied = octetsCopied(() => {
      for (let at = 0; at < 4000; at++) {
        input.push(octet);
        reader.read(input);
      }
    });
    expect(copied).toBeLessThan(3 * 4000);
  });

  test("G6 a PROXY header octet by octet, and in pieces", () => {
    for (const step of [1, 50, 3000]) {
      const header = new Uint8Array(16 + 6000);
      header.set([...signature, 0x21, 0x00, 6000 >> 8, 6000 & 0xff]);
      const reader = new ProxyReader();
      const copied = octetsCopied(() => {
        for (let at = 0; at < header.length; at += step) reader.read(header.subarray(at, at + step));
      });
      expect(copied).toBeLessThan(2 * header.length);
      expect(reader.held()).toEqual(header);
    }
  });

  test("G6 replies that gather", () => {
    const output = new Output();
    const reply = octets("250 2.1.5 Recipient ok\r\n");
    const copied = octetsCopied(() => {
      for (let times = 0; times < 1000; times++) output.put(reply);
    });
    expect(copied).toBeLessThan(2 * output.length);
  });
});

describe("output", () => {
  test("G8 is handed out as a copy, whatever was put, and is empty behind it", () => {
    for (const sizes of [
      [1, 2],
      [47],
      [48],
      [49, 47],
      [2047, 1],
      [2048, 1],
      [2000, 47, 48, 3000],
      [5000, 9000],
    ]) {
      const output = new Output();
      const whole: number[] = [];
      for (const [at, size] of sizes.entries()) {
        const piece = new Uint8Array(size).fill(at + 1);
        output.put(piece);
        whole.push(...piece);
        piece.fill(0);
      }
      expect(output.length).toBe(whole.length);
      const held = output.held();
      expect([...held]).toEqual(whole);
      held.fill(9);
      const taken = output.take();
      expect([...taken]).toEqual(whole);
      expect(taken.buffer.byteLength).toBe(whole.length);
      expect([output.length, output.held().length]).toEqual([0, 0]);
      const next = new Output();
      next.put(Uint8Array.of(7));
      expect([[...taken], [...next.take()]]).toEqual([whole, [7]]);
    }
  });

  test("G8 of two that are at work at the same time, neither has what is the other's", () => {
    const first = new Output();
    const second = new Output();
    first.put(octets("first"));
    second.put(octets("second"));
    expect(characters(first.take())).toBe("first");
    const third = new Output();
    third.put(octets("3"));
    expect([characters(second.take()), characters(third.take())]).toEqual(["second", "3"]);
    second.put(octets("again"));
    expect(characters(second.take())).toBe("again");
  });
});

describe("UTF-8", () => {
  test.each([
    ["", []],
    ["a\x7f", [0x61, 0x7f]],
    ["\x80", [0xc2, 0x80]],
    ["\u07ff", [0xdf, 0xbf]],
    ["\u0800", [0xe0, 0xa0, 0x80]],
    ["\ud7ff", [0xed, 0x9f, 0xbf]],
    ["\ue000", [0xee, 0x80, 0x80]],
    ["\uffff", [0xef, 0xbf, 0xbf]],
    ["\u{10000}", [0xf0, 0x90, 0x80, 0x80]],
    ["\u{1f600}z", [0xf0, 0x9f, 0x98, 0x80, 0x7a]],
    ["\u{10ffff}", [0xf4, 0x8f, 0xbf, 0xbf]],
  ])("%j goes there and back", (text, encoded) => {
    expect([...encodeUtf8(text)]).toEqual(encoded);
    expect(decodeUtf8(Uint8Array.from(encoded))).toBe(text);
    expect(decodeLossy(Uint8Array.from([1, ...encoded, 1]), 1, encoded.length + 1)).toBe(text);
  });

  test.each([
    ["\ud800", "�"],
    ["\udbff", "�"],
    ["\udc00", "�"],
    ["\udfff", "�"],
    ["\ud800a", "�a"],
    ["\ud800\ud800\udc00", "�\u{10000}"],
    ["\udc00\udc00", "��"],
    ["\udc00\ud800", "��"],
    ["\ud83d\ue000", "�\ue000"],
    ["\ud83d\udbff", "��"],
    ["\udbff\udfff", "\u{10ffff}"],
  ])("a surrogate alone in %j has no octets of its own", (text, written) => {
    expect(decodeUtf8(encodeUtf8(text))).toBe(written);
  });

  test.each([
    [[0x80], "�"],
    [[0xbf, 0x61], "�a"],
    [[0xc1, 0xbf], "��"],
    [[0xc2], "�"],
    [[0xc2, 0x7f], "�\x7f"],
    [[0xc2, 0xc0], "��"],
    [[0xe0, 0x9f, 0xbf], "���"],
    [[0xe1, 0x80], "��"],
    [[0xe1, 0x80, 0x7f], "��\x7f"],
    [[0xe1, 0x80, 0xc0], "���"],
    [[0xed, 0xa0, 0x80], "���"],
    [[0xf0, 0x8f, 0xbf, 0xbf], "����"],
    [[0xf0, 0x90, 0x80, 0x20], "��� "],
    [[0xf4, 0x90, 0x80, 0x80], "����"],
    [[0xf5, 0x80, 0x80, 0x80], "����"],
    [[0xff], "�"],
  ])("%j is not well-formed", (encoded, shown) => {
    expect(decodeUtf8(Uint8Array.from(encoded))).toBeNull();
    expect(decodeLossy(Uint8Array.from(encoded))).toBe(shown);
    const within = Uint8Array.from([0x61, ...encoded, 0xbf, 0xbf]);
    expect(decodeUtf8(within, 0, encoded.length + 1)).toBeNull();
    expect(decodeLossy(within, 0, encoded.length + 1)).toBe(`a${shown}`);
  });

  test("ASCII of any length is read, with and without other octets behind it", () => {
    const many = Uint8Array.from({ length: 140 }, (_, at) => 33 + (at % 90));
    for (let length = 0; length <= 90; length++) {
      for (const start of [0, 3]) {
        const expected = characters(many.subarray(start, start + length));
        expect(ascii(many, start, start + length)).toBe(expected);
        expect(ascii(many.subarray(0, start + length), start, start + length)).toBe(expected);
        expect(ascii(many.subarray(0, start + length + 5), start, start + length)).toBe(expected);
      }
    }
    expect(ascii(Uint8Array.of(0xe4, 0xff), 0, 2)).toBe("\xe4\xff");
  });

  test("G6 a text costs what it is, not what the chunk is", () => {
    let looks = 0;
    const chunk = new Proxy(new Uint8Array(2000).fill(0x61), {
      get(array, key) {
        if (typeof key === "string" && /^[0-9]+$/.test(key)) looks++;
        return Reflect.get(array, key, array);
      },
    });
    for (const length of [0, 1, 4, 5, 8, 16, 17, 100]) {
      looks = 0;
      expect(ascii(chunk, 3, 3 + length)).toBe("a".repeat(length));
      expect(looks).toBeLessThan(length + 16);
    }
  });

  test("G1 a text of any length is read, though arguments of a call have a limit", () => {
    const text = "ä".repeat(300_000);
    expect(decodeUtf8(encodeUtf8(text)) === text).toBe(true);
  });

  test.each([4095, 4096, 4097, 8192, 8193])("a text of %i code points is read in pieces", (length) => {
    const text = "ä".repeat(length);
    expect(decodeUtf8(encodeUtf8(text))).toBe(text);
    expect(decodeLossy(encodeUtf8(text))).toBe(text);
  });
});

describe("the text of a reply", () => {
  const lines = (...args: Parameters<typeof formatReply>) =>
    Buffer.from(formatReply(...args))
      .toString("utf8")
      .split("\r\n")
      .slice(0, -1);
  const sizes = (...args: Parameters<typeof formatReply>) =>
    lines(...args).map((line) => Buffer.byteLength(line) + 2);

  test.each([
    [506, [512]],
    [507, [512, 7]],
    [1012, [512, 512]],
    [1013, [512, 512, 7]],
  ])("R-FMT-02 R-FMT-04 %i octets of text are in lines of 512", (length, expected) => {
    expect(sizes(250, null, ["x".repeat(length)])).toEqual(expected);
    expect(sizes(250, null, ["ok", "x".repeat(length)])).toEqual([8, ...expected]);
    expect(lines(250, null, ["x".repeat(length)]).map((line) => line.slice(0, 4))).toEqual(
      expected.map((_, at) => (at < expected.length - 1 ? "250-" : "250 ")),
    );
  });

  test.each([
    ["x", 1],
    ["ß", 2],
    ["€", 3],
    ["😀", 4],
    ["\x7f", 1],
    ["\x80", 2],
    ["\u07ff", 2],
    ["\u0800", 3],
    ["\ud7ff", 3],
    ["\u{10000}", 4],
    ["\u{10fc00}", 4],
    ["\ue000", 3],
  ])("R-FMT-04 %s is not cut, of whose octets there are %i", (character, width) => {
    for (let before = 0; before < width; before++) {
      const text = `${"x".repeat(before)}${character.repeat(300)}`;
      const cut = lines(550, "5.1.1", [text]);
      expect(cut.map((line) => line.slice(10)).join("")).toBe(text);
      for (const line of cut) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(510);
      const first = cut[0] as string;
      if (cut.length > 1) expect(Buffer.byteLength(first)).toBeGreaterThan(510 - width);
    }
  });

  test("R-FMT-04 it is cut at the last blank that fits, which is left out", () => {
    const text = `${"a".repeat(300)} ${"b".repeat(205)} ${"c".repeat(506)} d`;
    expect(lines(250, null, [text]).map((line) => line.slice(4))).toEqual([
      "a".repeat(300),
      "b".repeat(205),
      "c".repeat(506),
      " d",
    ]);
    expect(lines(250, null, [` ${"a".repeat(506)}`]).map((line) => line.slice(4, 6))).toEqual([" a", "a"]);
  });

  test("a challenge is one line, however long", () => {
    expect(sizes(334, null, ["x".repeat(2000)])).toEqual([2006]);
    expect(sizes(335, null, ["x".repeat(506)])).toEqual([512]);
  });
});

describe("the end of the data, when nothing else matters", () => {
  test("SEC-EOD-01 is found wherever it is, and nothing is taken for it", () => {
    const wrong = [
      "\r\n.\r",
      "\n.\r\n",
      "\r.\r\n",
      "\r\n\r\n",
      "\r\n.\n",
      "x\n.\r\n",
      "\rx.\r\n",
      "\r\nx\r\n",
      "\r\n.x\n",
    ];
    for (let before = 0; before < 12; before++) {
      for (const text of wrong) {
        const chunk = octets(`${"x".repeat(before)}${text}\t.\r\n.\r\nQUIT`);
        expect([before, text, seekEnd(chunk, 0, chunk.length)]).toEqual([
          before,
          text,
          before + text.length + 2,
        ]);
        expect(seekEnd(chunk, 0, before + text.length)).toBe(Math.max(0, before + text.length - 4));
      }
      const chunk = octets(`\r\n.\n\r.${"x".repeat(before)}\r\n.\r\n`);
      expect(seekEnd(chunk, before, chunk.length)).toBe(6 + before);
      expect(seekEnd(chunk, 7 + before, chunk.length)).toBe(7 + before);
      expect(seekEnd(chunk, chunk.length, chunk.length)).toBe(chunk.length);
    }
  });
});

test.each([
  ["\r\na", 3, true],
  ["\r\n.", 3, false],
  ["\r\na", 2, false],
  ["\r\r\n", 3, false],
  ["\ra\n", 3, false],
])("whether %j, of whose octets %i are known, is an end of line and no dot: %s", (text, end, is) => {
  expect(isPlainEnd(octets(text), 0, end)).toBe(is);
});

test("no line is what a reader has that read nothing", () => {
  expect(noLine).toEqual(new LineReader(9).snapshot());
});

test("several arrays are one, and one is itself", () => {
  const one = octets("ab");
  expect(join([one])).toBe(one);
  expect(characters(join([one, octets(""), octets("c"), one]))).toBe("abcab");
  expect(join([])).toEqual(new Uint8Array(0));
});

test.each([
  ["", 0],
  ["a", 0xc1d04330],
  ["123456789", 0xe3069283],
])("the CRC-32C of %j is %i", (text, sum) => {
  expect(crc32c(octets(text))).toBe(sum);
});

describe("which scanner looks at a chunk", () => {
  /** A module that finds nothing but LF, and counts who is asked. */
  function counted(shortest?: number): {
    readonly scanner: SimdScanner;
    readonly asked: { plain: number; module: number };
  } {
    const asked = { plain: 0, module: 0 };
    const buffer = new ArrayBuffer(65_536);
    const memory = new Uint8Array(buffer);
    const next: SimdExports["next"] = (at) => {
      asked.module++;
      let found = at;
      while (memory[found] !== 10) found++;
      return found;
    };
    class Plain extends PlainScanner {
      override next(from: number, lineStart: number): number {
        asked.plain++;
        return super.next(from, lineStart);
      }
    }
    return { scanner: new SimdScanner({ memory: { buffer }, next }, new Plain(), shortest), asked };
  }

  test.each([
    [199, 1000, "plain"],
    [200, 1000, "module"],
    [200, 16, "module"],
    [200, 15, "plain"],
    [5000, 1000, "module"],
  ] as const)("of %i octets, with lines of %i: the %s one", (length, maxLine, which) => {
    const { scanner, asked } = counted();
    const chunk = new Uint8Array(length + 3).fill(120);
    scanner.begin(chunk, 3, length + 3, true, maxLine);
    expect(scanner.next(3, 0)).toBe(length + 3);
    expect(asked.plain > 0).toBe(which === "plain");
    expect(asked.module > 0).toBe(which === "module");
  });

  test("where there are more finds than 16, and one in 64 octets, it is the plain one from there", () => {
    const chunk = octets("x\n".repeat(600));
    const { scanner, asked } = counted();
    scanner.begin(chunk, 0, chunk.length, true, 1000);
    for (let at = 0; at < 40; at += 2) expect(scanner.next(at, 0)).toBe(at + 1);
    expect(asked).toEqual({ plain: 4, module: 16 });
    const sparse = octets(`${"x".repeat(63)}\n`.repeat(40));
    const other = counted();
    other.scanner.begin(sparse, 0, sparse.length, true, 1000);
    for (let line = 0; line < 40; line++) expect(other.scanner.next(line * 64, 0)).toBe(line * 64 + 63);
    expect(other.asked).toEqual({ plain: 0, module: 40 });
    other.scanner.begin(sparse, 0, 64, true, 1000);
    expect(other.scanner.next(0, 0)).toBe(63);
    expect(other.asked.plain).toBe(1);
  });

  test("G6 what is in the window is not copied again for the next find", () => {
    const sparse = octets(`${"x".repeat(99)}\n`.repeat(300));
    const { scanner } = counted();
    const copied = octetsCopied(() => {
      scanner.begin(sparse, 0, sparse.length, true, 1000);
      for (let line = 0; line < 300; line++) expect(scanner.next(line * 100, 0)).toBe(line * 100 + 99);
    });
    expect(copied).toBe(sparse.length);
  });

  test("where finds are dense is counted from where the data begins in the chunk", () => {
    const chunk = octets("x\n".repeat(4000));
    const { scanner, asked } = counted();
    scanner.begin(chunk, 6000, chunk.length, true, 1000);
    for (let at = 6000; at < 6040; at += 2) expect(scanner.next(at, 0)).toBe(at + 1);
    expect(asked).toEqual({ plain: 4, module: 16 });
  });

  test("of a chunk of many messages little is copied for the first", () => {
    const chunk = new Uint8Array(40_000).fill(120);
    const { scanner, asked } = counted();
    scanner.begin(chunk, 0, chunk.length, true, 1000);
    expect(scanner.next(0, 0)).toBe(chunk.length);
    // 4096, then 16,384 at a time.
    expect(asked.module).toBe(4);
  });
});

test.each([
  ["192.0.2.1", [{ octets: [192, 0, 2, 0], bits: 24 }], true],
  ["192.0.3.1", [{ octets: [192, 0, 2, 0], bits: 24 }], false],
  [
    "192.0.3.1",
    [
      { octets: [192, 0, 2, 0], bits: 24 },
      { octets: [192, 0, 3, 1], bits: 32 },
    ],
    true,
  ],
  ["192.0.2.1", [], false],
  ["localhost", [{ octets: [0, 0, 0, 0], bits: 0 }], false],
])("X-XCL-01 whether %s is in one of %j: %s", (address, networks, is) => {
  expect(inNetworks(address, networks)).toBe(is);
});

test.each([
  ["192.0.2.1/32", 32],
  ["192.0.2.1", 32],
  ["0.0.0.0/0", 0],
  ["2001:db8::1/128", 128],
  ["::/0", 0],
  ["::ffff:0.0.0.0/96", 0],
  ["0.0.0.0/x", null],
  ["0.0.0.0/33", null],
  ["0.0.0.0/-1", null],
  ["::ffff:0.0.0.0/95", null],
  ["::/129", null],
])("X-XCL-01 the network %s has %j bits", (text, bits) => {
  expect(parseNetwork(text)?.bits ?? null).toBe(bits);
});

test.each([[{ begin() {} }], [{ next() {} }], [{ begin: 1, next() {} }], [{ begin() {}, next: 1 }]])(
  "G9 %j is no scanner",
  (given) => {
    expect(() => checkScanner(given as never)).toThrow(UsageError);
    expect(() => checkScanner(null)).not.toThrow();
    expect(() => checkScanner(new PlainScanner())).not.toThrow();
  },
);

test("input is read on where it was pushed, and never beyond it", () => {
  const input = new Input();
  for (const text of ["ab", "c", "def"]) input.push(octets(text));
  input.skip(1);
  expect(() => input.skip(2)).toThrow("bug:");
  input.skip(1);
  input.push(octets("g"));
  expect(characters(input.octets())).toBe("cdefg");
  expect(characters(input.take(3))).toBe("cde");
  expect([input.length, input.at, characters(input.octets())]).toEqual([2, 2, "fg"]);
  expect(characters(input.take(2))).toBe("fg");
  new Input().skip(0);
  expect(characters(input.take(0))).toBe("");
  input.push(octets("xy"));
  const chunk = input.chunk as Uint8Array;
  const view = input.take(1);
  expect([characters(view), view.buffer === chunk.buffer]).toEqual(["x", true]);
});

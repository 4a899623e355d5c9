import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBase64, encodeBase64 } from "../../packages/core/src/syntax/base64.ts";
import { decodeXtext, encodeXtext } from "../../packages/core/src/syntax/xtext.ts";
import { decodeLossy, decodeUtf8, encodeUtf8 } from "../../packages/core/src/wire/utf8.ts";
import { octets } from "./arguments.ts";

const runs = { numRuns: 1000 };

describe("UTF-8", () => {
  const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
  const oracle = (octets: Uint8Array): string | null => {
    try {
      return strictDecoder.decode(octets);
    } catch {
      return null;
    }
  };
  const anyText = fc.string({ unit: "binary" });
  /** Octets at the borders of RFC 3629 §4, where decoders go wrong. */
  const border = fc.constantFrom(
    0x00,
    0x41,
    0x7f,
    0x80,
    0x8f,
    0x90,
    0x9f,
    0xa0,
    0xbf,
    0xc0,
    0xc1,
    0xc2,
    0xdf,
    0xe0,
    0xe1,
    0xec,
    0xed,
    0xee,
    0xef,
    0xf0,
    0xf1,
    0xf3,
    0xf4,
    0xf5,
    0xf8,
    0xff,
  );
  const anyOctets = fc.oneof(
    fc.uint8Array({ maxLength: 64 }),
    fc.array(border, { maxLength: 12 }).map((list) => Uint8Array.from(list)),
  );

  test("is encoded as Node does it", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(encodeUtf8(text)).toEqual(octets(text));
        expect(decodeUtf8(octets(text))).toBe(text);
      }),
      runs,
    );
  });

  test("a lone surrogate is encoded as U+FFFD", () => {
    for (const text of ["\ud800", "a\udc00b", "\ud83d\ud83d\ude00", "\udc00\ud800"]) {
      expect(encodeUtf8(text)).toEqual(octets(text));
    }
  });

  test("X-UTF8-03 only what is well-formed is decoded, as a strict decoder of the host has it", () => {
    fc.assert(
      fc.property(anyOctets, (octets) => {
        expect(decodeUtf8(octets)).toBe(oracle(octets));
      }),
      { numRuns: 5000 },
    );
  });

  test.each([
    ["overlong solidus", [0xc0, 0xaf]],
    ["overlong NUL", [0xc0, 0x80]],
    ["overlong, three octets", [0xe0, 0x9f, 0xbf]],
    ["overlong, four octets", [0xf0, 0x8f, 0xbf, 0xbf]],
    ["high surrogate", [0xed, 0xa0, 0x80]],
    ["low surrogate", [0xed, 0xbf, 0xbf]],
    ["above U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
    ["five octets", [0xf8, 0x88, 0x80, 0x80, 0x80]],
    ["cut off", [0xe2, 0x82]],
    ["continuation alone", [0x80]],
    ["Latin-1", [0x6a, 0xfc, 0x72]],
  ])("X-UTF8-03 %s is not UTF-8", (_what, list) => {
    const bad = Uint8Array.from(list);
    expect(decodeUtf8(bad)).toBeNull();
    expect(decodeLossy(bad)).toContain("\ufffd");
  });

  test("every code point goes there and back", () => {
    for (let point = 0; point <= 0x10ffff; point++) {
      if (point >= 0xd800 && point <= 0xdfff) continue;
      const text = String.fromCodePoint(point);
      if (decodeUtf8(encodeUtf8(text)) !== text) expect.fail(`U+${point.toString(16)}`);
    }
  });

  test("the lossy decoder never fails, and loses nothing that is well-formed", () => {
    fc.assert(
      fc.property(anyOctets, (octets) => {
        const text = decodeUtf8(octets);
        const lossy = decodeLossy(octets);
        if (text !== null) expect(lossy).toBe(text);
        else expect(lossy).toContain("\ufffd");
      }),
      runs,
    );
  });

  test("a part is decoded without a look at what is around it, however long it is", () => {
    const text = "jürgen 😀 ".repeat(5000);
    const within = octets(`\u{10ffff}${text}\u{10ffff}`);
    expect(decodeUtf8(within, 4, within.length - 4)).toBe(text);
    expect(decodeLossy(within, 4, within.length - 4)).toBe(text);
    expect(decodeUtf8(within, 1, 4)).toBeNull();
    expect(decodeUtf8(within, 0, 3)).toBeNull();
    expect(decodeUtf8(within, 4, 4)).toBe("");
  });
});

describe("base64", () => {
  const decode = (text: string) => decodeBase64(octets(text), 0, octets(text).length);

  test("is encoded and decoded as Node does it", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (value) => {
        const text = Buffer.from(value).toString("base64");
        expect(encodeBase64(value)).toBe(text);
        expect(decode(text)).toEqual(value);
      }),
      runs,
    );
  });

  test("A-AUTH-07 what is decoded is canonical: it is what the octets are encoded to", () => {
    const unit = fc.constantFrom(..."ABCDwxyz0189+/=-_ \tQg");
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit, maxLength: 12 }), fc.string({ maxLength: 12 })), (text) => {
        const value = decode(text);
        const canonical = Buffer.from(text, "base64").toString("base64") === text;
        expect(value !== null).toBe(canonical);
        if (value !== null) expect(encodeBase64(value)).toBe(text);
      }),
      { numRuns: 5000 },
    );
  });

  test.each([
    ["a pad in front", "=AAA"],
    ["a pad in the middle", "AAA=BBB"],
    ["a pad in the middle, length right", "AA==BBBB"],
    ["three pads", "A==="],
    ["pads alone", "===="],
    ["a pad before the last octet", "AA=A"],
    ["a missing pad", "QQ="],
    ["no pads", "QQ"],
    ["one octet", "A"],
    ["a surplus pad", "QUJD="],
    ["a blank inside", "QU JDRA="],
    ["a blank at the end", "QUJ "],
    ["a line break", "QUJD\r\nQUJD"],
    ["the URL alphabet", "-_-_"],
    ["bits left over, two pads", "QR=="],
    ["bits left over, one pad", "QUJ="],
    ["a letter of another script", "ＡAAA"],
    ["NUL", "AAA\0"],
  ])("A-AUTH-07 %s is refused", (_what, text) => {
    expect(decode(text)).toBeNull();
  });

  test("nothing decodes to nothing, and a part to what it holds", () => {
    expect(decode("")).toEqual(new Uint8Array(0));
    expect(decodeBase64(octets("xxQUJDxx"), 2, 6)).toEqual(octets("ABC"));
  });
});

describe("xtext", () => {
  const decode = (text: string) => {
    const decoded = decodeXtext(octets(text), 0, octets(text).length);
    return decoded === null ? null : Buffer.from(decoded).toString("latin1");
  };

  test.each([
    ["e=mc2@example.com", "e+3Dmc2@example.com"],
    ["a b+c", "a+20b+2Bc"],
    ["", ""],
    ["~!", "~!"],
    ["\0\r\n\x7f", "+00+0D+0A+7F"],
  ])("S-PARM-06 %j is encoded as %s, and decoded from it", (value, xtext) => {
    expect(encodeXtext(value)).toBe(xtext);
    expect(decode(xtext)).toBe(value);
  });

  test.each(["+3d", "+3", "+", "+G1", "+3G", "a+", "a+4", "++2B", "a=b", "a b", "a\tb", "\x7f", "ü", "+ü1"])(
    "S-PARM-06 %j is a syntax error",
    (xtext) => {
      expect(decode(xtext)).toBeNull();
    },
  );

  test("S-PARM-06 any octets go there and back in printable ASCII without = and stray +", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (value) => {
        const xtext = encodeXtext(value);
        expect(xtext).toMatch(/^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/);
        expect(decodeXtext(octets(xtext), 0, xtext.length)).toEqual(value);
      }),
      runs,
    );
  });

  test("S-PARM-06 the grammar as a regular expression agrees", () => {
    const unit = fc.constantFrom("+", "2", "B", "b", "G", "=", " ", "a", "~", "\x7f");
    fc.assert(
      fc.property(fc.string({ unit, maxLength: 10 }), (text) => {
        expect(decode(text) !== null).toBe(/^(?:[!-*,-<>-~]|\+[0-9A-F]{2})*$/.test(text));
      }),
      runs,
    );
  });

  test("a pair cut off by the end of the value is not completed by what follows", () => {
    expect(decodeXtext(octets("a+2BC"), 0, 3)).toBeNull();
    expect(decodeXtext(octets("a+2BC"), 0, 2)).toBeNull();
  });
});

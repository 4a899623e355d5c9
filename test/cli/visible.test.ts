import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { visible, visibleText } from "../../packages/cli/src/visible.ts";

describe("SEC-TRU-07 what a client says steers no terminal and forges no line", () => {
  it.each([
    ["plain text stays", "MAIL FROM:<a@example.net>", "MAIL FROM:<a@example.net>"],
    ["UTF-8 stays", "MAIL FROM:<\u00fc@\u4f8b.\u{1f600}>", "MAIL FROM:<\u00fc@\u4f8b.\u{1f600}>"],
    ["escape sequences", "NOOP \x1b[2J\x1b]0;title\x07", "NOOP \\x1B[2J\\x1B]0;title\\x07"],
    ["CR and LF", "NOOP\r[1] S: 250 OK\n", "NOOP\\x0D[1] S: 250 OK\\x0A"],
    ["HT, NUL, backspace, DEL", "\t\0\b\x7f", "\\t\\x00\\x08\\x7F"],
    ["C1 controls, in UTF-8", "\u009b31m\u0085", "\\u{9B}31m\\u{85}"],
    ["text that turns round", "\u202egnp.exe\u2066\u200f", "\\u{202E}gnp.exe\\u{2066}\\u{200F}"],
    ["other line ends", "a\u2028b\u2029c", "a\\u{2028}b\\u{2029}c"],
    ["what cannot be seen", "a\u200bb\ufeffc\u{e0041}", "a\\u{200B}b\\u{FEFF}c\\u{E0041}"],
    ["what looks escaped", "\\x1B", "\\\\x1B"],
  ])("%s", (_, text, shown) => {
    expect(visible(new TextEncoder().encode(text))).toBe(shown);
    expect(visibleText(text)).toBe(shown);
  });

  it("octets that are not UTF-8", () => {
    expect(visible(Uint8Array.of(0x41, 0x9b, 0xff, 0xc3, 0xbc, 0x5c, 0x1b, 0x09))).toBe(
      "A\\x9B\\xFF\\xC3\\xBC\\\\\\x1B\\t",
    );
    expect(visibleText("a\ud800b")).toBe("a\\u{D800}b");
  });

  it("any octets at all", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
        expect(visible(octets)).toMatch(/^[^\p{C}\p{Zl}\p{Zp}]*$/u);
      }),
    );
  });

  it("different octets look different", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 4 }), fc.uint8Array({ maxLength: 4 }), (a, b) => {
        fc.pre(Buffer.compare(a, b) !== 0);
        expect(visible(a)).not.toBe(visible(b));
      }),
    );
  });
});

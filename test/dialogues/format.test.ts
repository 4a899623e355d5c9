import { describe, expect, test } from "vitest";
import { parseDialogues, readOctets, showOctets } from "./dialogue.ts";
import { Mismatch, play } from "./play.ts";
import { parseGiven } from "./sections.ts";
import { sideBySide } from "./show.ts";

const one = (text: string) => parseDialogues(text, "here.txt", new Map())[0]!;

describe("the dialogue format", () => {
  test("a dialogue that goes as it is written passes in every way", () => {
    play(
      one(
        "== title\nS: 220 mx.example.com ESMTP\nC: NOOP\nC: QUIT\nS: 250 2.0.0 OK\nS* 221\n-- close quit\n",
      ),
    );
  });

  test.each([
    ["a wrong code", "C: NOOP\nS: 251 2.0.0 OK"],
    ["a wrong text", "C: NOOP\nS: 250 2.0.0 ok"],
    ["a reply too few", "C: NOOP"],
    ["a reply too many", "C: NOOP\nS: 250 2.0.0 OK\nS: 250 2.0.0 OK"],
    ["replies in another order", "C: NOOP\nC: FOO\nS: 500 5.5.2 Command not recognized\nS: 250 2.0.0 OK"],
    ["a close that does not come", "C: NOOP\nS: 250 2.0.0 OK\n-- close quit"],
    ["a close that is not expected", "C: QUIT\nS* 221"],
    ["the close before the reply", "C: QUIT\n-- close quit\nS* 221"],
    ["a getter", "C: NOOP\nS: 250 2.0.0 OK\n% waiting=answer"],
    ["a violation that does not come", "C: NOOP\n! S-LINE-13\nS: 250 2.0.0 OK"],
    ["a violation that is not expected", "C: FOO\n! S-LINE-13\nS* 500\nC: FOO\nS* 500"],
    ["another violation", "C: FOO\n! S-LINE-14\nS* 500"],
    ["a field of a question", "C: HELO a.example\n? hello name=b.example\nS* 250"],
    ["a question that is not asked", "C: NOOP\n? mail\nS* 250"],
    ["the code of a whole reply", "C: HELO a.example\nS* 251"],
  ])("a dialogue fails for %s", (_, text) => {
    expect(() => play(one(`== title\nS: 220 mx.example.com ESMTP\n${text}\n`))).toThrow(Mismatch);
  });

  test("a failing dialogue shows both sides, aligned, and how it was played", () => {
    const text =
      "== S-NOOP-01 title\nS: 220 mx.example.com ESMTP\nC: NOOP\nS: 250 2.0.0 Fine\nC: QUIT\nS* 221\n";
    expect(() => play(one(text))).toThrow(
      [
        "here.txt:1 S-NOOP-01 title",
        'played in the way "whole"',
        "",
        "  EXPECTED                     |  ACTUAL",
        "  S: 220 mx.example.com ESMTP  |  S: 220 mx.example.com ESMTP",
        "  C: NOOP                      |  C: NOOP",
        "! S: 250 2.0.0 Fine            |  S: 250 2.0.0 OK",
        "",
      ].join("\n"),
    );
  });

  test("lines that miss and lines that are too much stand alone", () => {
    expect(sideBySide(["a", "b", "c"], ["b", "c", "d"])).toBe(
      [
        "  EXPECTED  |  ACTUAL",
        "- a         |",
        "  b         |  b",
        "  c         |  c",
        "+           |  d",
      ].join("\n"),
    );
  });

  test("octets are written with escapes, and shown with them", () => {
    expect(readOctets("a\\r\\n\\0\\t\\x7F\\\\\\{3*ab}\u00fc")).toBe("a\r\n\0\t\x7f\\ababab\u00c3\u00bc");
    expect(showOctets("a\r\n\0\x7f\\\xff")).toBe("a\\r\\n\\0\\x7F\\\\\\xFF");
    expect(readOctets(showOctets("\0\x01\r\n\\x{}\xff"))).toBe("\0\x01\r\n\\x{}\xff");
  });

  test("a dialogue may begin with another one", () => {
    const given = parseGiven("== given hello\nS* 220\nC: HELO a.example\nS* 250\n");
    const [dialogue] = parseDialogues(
      "== title\ngiven: hello\nC: MAIL FROM:<>\n? mail from=<>\nS* 250\n",
      "here.txt",
      given,
    );
    expect(dialogue?.turns.map((turn) => turn.given)).toEqual([true, true, false]);
    play(dialogue!);
  });

  test.each([
    "S: 220\n",
    "== title\nX: what\n",
    "== title\n= 250 2.0.0 OK\n",
    "== title\nconfig: limits\n",
    "== title\nC> \\q\n",
    "== title\ngiven: nothing\n",
  ])("%j is not a dialogue", (text) => {
    expect(() => one(text)).toThrow();
  });
});

import { describe, expect, test } from "vitest";
import { ContentReader } from "../../packages/core/src/wire/dot.ts";
import { Input } from "../../packages/core/src/wire/input.ts";
import {
  ContentWriter,
  type LineEndPolicy,
  type WriterFault,
  type WriterOptions,
} from "../../packages/core/src/wire/stuff.ts";

const data: WriterOptions = { dots: true, lineEnds: "strict", maxLine: 998, binary: false };
const policies: readonly LineEndPolicy[] = ["strict", "normalize", "space"];

interface Written {
  readonly wire: string;
  readonly fault: WriterFault | null;
  readonly size: number;
  readonly eightBit: boolean;
}

/** What goes on the wire for pieces of content, the end included. */
function write(pieces: readonly string[], options: WriterOptions, restored = false): Written {
  let writer = new ContentWriter(options);
  let wire = "";
  for (const piece of [...pieces, null]) {
    if (restored) writer = ContentWriter.restore(options, JSON.parse(JSON.stringify(writer.snapshot())));
    const written = piece === null ? writer.finish() : writer.write(Buffer.from(piece, "latin1"));
    if (!(written instanceof Uint8Array)) {
      return { wire: "", fault: written, size: 0, eightBit: false };
    }
    wire += Buffer.from(written).toString("latin1");
  }
  return { wire, fault: null, size: writer.size, eightBit: writer.eightBit };
}

/** What a server makes of it, whose reader refuses every bare CR and LF. */
function read(wire: string, dots = true): string {
  const policy = { dots, bareCr: "reject", bareLf: "reject", maxSize: 1e6, maxLine: 1e6 } as const;
  const reader = new ContentReader(policy);
  const input = new Input();
  input.push(Buffer.from(wire, "latin1"));
  let content = "";
  for (;;) {
    const piece = reader.read(input, input.length);
    if (piece === null) break;
    content += Buffer.from(piece).toString("latin1");
  }
  if (dots && !reader.ended) throw new Error("no end of data");
  if (reader.fault !== null) throw new Error(reader.fault.reason);
  if (input.length > 0) throw new Error(`${input.length} octets behind the end of data`);
  return content;
}

/** The lines that content has by a policy, each with its end: slow, and plain to see. */
function reference(content: string, lineEnds: LineEndPolicy): string | null {
  const lone = /\r(?!\n)|(?<!\r)\n/;
  if (lineEnds === "strict") return lone.test(content) ? null : content;
  return content.replace(new RegExp(lone, "g"), lineEnds === "normalize" ? "\r\n" : " ");
}

const ended = (content: string) => (content === "" || content.endsWith("\r\n") ? content : `${content}\r\n`);

function everyString(most: number): string[] {
  let last = [""];
  const all = [""];
  for (let length = 1; length <= most; length++) {
    last = last.flatMap((begin) => ["a", ".", "\r", "\n"].map((letter) => begin + letter));
    all.push(...last);
  }
  return all;
}

/** Every way to cut a string into pieces. */
function cuts(text: string): string[][] {
  if (text.length < 2) return [[text]];
  return cuts(text.slice(1)).flatMap(([first = "", ...rest]) => [
    [text[0] as string, first, ...rest],
    [text[0] + first, ...rest],
  ]);
}

describe("dot-stuffing", () => {
  test.each([
    [["."], "..\r\n.\r\n"],
    [[], ".\r\n"],
    [[""], ".\r\n"],
    [["a"], "a\r\n.\r\n"],
    [["a\r\n"], "a\r\n.\r\n"],
    [["\r\n"], "\r\n.\r\n"],
    [["a\r\n.b\r\n"], "a\r\n..b\r\n.\r\n"],
    [["a\r\n", ".b"], "a\r\n..b\r\n.\r\n"],
    [["a\r", "\n.b"], "a\r\n..b\r\n.\r\n"],
    [["a", ".", ".b"], "a..b\r\n.\r\n"],
    [["a\r\n.\r\nMAIL FROM:<x@example.net>\r\n"], "a\r\n..\r\nMAIL FROM:<x@example.net>\r\n.\r\n"],
  ])("S-DOT-01 S-DATA-20 %j goes as %j", (pieces, wire) => {
    expect(write(pieces, data).wire).toBe(wire);
  });

  test.each(policies)(
    "S-DOT-01 S-DOT-03 S-DATA-20 S-DATA-21 SEC-EOD-06 C-CONV-01 %s: a server reads what was written, however it was cut",
    (lineEnds) => {
      const options = { ...data, lineEnds };
      for (const content of everyString(6)) {
        const expected = reference(content, lineEnds);
        const whole = write([content], options);
        if (expected === null) expect(whole.fault, JSON.stringify(content)).not.toBeNull();
        else {
          expect(whole.fault, JSON.stringify(content)).toBeNull();
          expect(whole.wire.replaceAll("\r\n", ""), JSON.stringify(content)).not.toMatch(/[\r\n]/);
          expect(read(whole.wire), JSON.stringify(content)).toBe(ended(expected));
          expect(whole.size, JSON.stringify(content)).toBe(expected.length);
        }
        for (const pieces of cuts(content)) expect(write(pieces, options)).toEqual(whole);
        expect(write([...content], options, true)).toEqual(whole);
      }
    },
  );

  test.each(policies)(
    "S-DOT-04 S-BDAT-18 S-BDAT-23 SEC-EOD-07 %s: BDAT has the same policy, no dots, and no end of its own",
    (lineEnds) => {
      const options = { ...data, dots: false, lineEnds };
      for (const content of everyString(5)) {
        const expected = reference(content, lineEnds);
        const whole = write([content], options);
        if (expected === null) expect(whole.fault).not.toBeNull();
        else {
          expect(whole.wire, JSON.stringify(content)).toBe(expected);
          expect(read(whole.wire, false)).toBe(expected);
          expect(whole.size).toBe(expected.length);
        }
        for (const pieces of cuts(content)) expect(write(pieces, options)).toEqual(whole);
      }
    },
  );

  test("S-DOT-04 BINARYMIME goes as it is", () => {
    for (const content of everyString(4)) {
      expect(write([content], { ...data, dots: false, binary: true })).toMatchObject({
        wire: content,
        fault: null,
        size: content.length,
      });
    }
  });

  test.each([
    ["S-DATA-21 C-CONV-01", "a\rb", "content-bare-cr", 1],
    ["S-DATA-21 C-CONV-01", "a\r", "content-bare-cr", 1],
    ["S-DATA-21 C-CONV-01", "\r\r\n", "content-bare-cr", 0],
    ["S-DATA-21 C-CONV-01", "ab\r\n\n", "content-bare-lf", 4],
    ["S-DATA-22", `ab\r\n${"x".repeat(999)}`, "content-long-line", 4 + 998],
  ])("%s the fault of %j says where", (_, content, fault, at) => {
    for (const pieces of [[content], [...content]]) {
      expect(write(pieces, data).fault).toEqual({ fault, at });
    }
  });

  test("L-LEN-06 X-UTF8-13 S-8BIT-03 998 octets are a line, whatever they are; the stuffed dot does not count", () => {
    for (const line of ["x".repeat(998), `.${"x".repeat(997)}`, "\xc3\xbc".repeat(499)]) {
      expect(write([`${line}\r\n${line}`], data).fault).toBeNull();
      expect(write([`${line}x\r\n`], data).fault?.fault).toBe("content-long-line");
    }
  });

  test.each(["\rx", "\nx", "\r"])("L-LEN-06 a blank in the place of %j is an octet of its line", (stray) => {
    const options = { ...data, lineEnds: "space" as const };
    const long = { fault: "content-long-line", at: 998 };
    for (const pieces of [["x".repeat(998), stray], [`${"x".repeat(998)}${stray}`]]) {
      expect(write(pieces, options).fault).toEqual(long);
    }
  });

  test("S-DATA-23 octets from 0x80 on are seen", () => {
    expect(write(["abc\x7f"], data).eightBit).toBe(false);
    expect(write(["abc", "\x80"], data).eightBit).toBe(true);
  });

  test("G8 what was given is not written to, and given on where nothing changes", () => {
    const octets = Buffer.from("a\r\n.b\r\n");
    const writer = new ContentWriter(data);
    writer.write(octets);
    expect(octets.toString()).toBe("a\r\n.b\r\n");
    const plain = Buffer.from("abc\r\n");
    expect(writer.write(plain)).toBe(plain);
    const nothing = Buffer.alloc(0);
    expect(writer.write(nothing)).toBe(nothing);
    writer.write(Buffer.from("a\r"));
    expect(writer.write(nothing)).toBe(nothing);
    expect(Buffer.from(writer.write(Buffer.from("\nb")) as Uint8Array).toString()).toBe("\r\nb");
  });
});

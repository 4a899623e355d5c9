import { describe, expect, test } from "vitest";
import { type ContentOptions, ContentReader } from "../../packages/core/src/wire/dot.ts";
import { Input } from "../../packages/core/src/wire/input.ts";
import {
  byOctet,
  characters,
  decode,
  everyCut,
  lenient,
  octets,
  policies,
  referenceDecode,
} from "./wire-reference.ts";

/** Data gives this, whole, octet by octet and at every cut. */
function check(data: string, options: ContentOptions, expected: Record<string, unknown>): void {
  const original = octets(data);
  for (const pieces of everyCut(octets(data))) {
    for (const resumed of [false, true]) {
      const { content, consumed, ...rest } = decode(pieces, options, { resumed });
      expect({ content: characters(content), left: data.slice(consumed), ...rest }).toMatchObject(expected);
    }
    expect(pieces.flatMap((piece) => [...piece])).toEqual([...original]);
  }
}

describe("vectors", () => {
  test.each([
    ["S-DATA-02", ".\r\n", "", ""],
    ["S-DATA-04", "\r\n.\r\n", "\r\n", ""],
    ["S-DATA-02 S-DATA-04", "a\r\n.\r\n", "a\r\n", ""],
    ["S-DOT-02", "..\r\n.\r\n", ".\r\n", ""],
    ["S-DOT-02", "..a\r\n.b\r\n.\r\n", ".a\r\nb\r\n", ""],
    ["S-DOT-02", "...\r\n.\r\n", "..\r\n", ""],
    ["S-DOT-02 S-DOT-03", "a.\r\n.\r\n", "a.\r\n", ""],
    ["S-DOT-05", "a\r\n.\r\nNOOP\r\n", "a\r\n", "NOOP\r\n"],
    ["S-DOT-05", "a\r\n.\r\n.\r\n", "a\r\n", ".\r\n"],
    ["S-DOT-02 S-DATA-13", "a\r\n.\r\r\n\r\n.\r\n", "a\r\n\r\r\n\r\n", ""],
    ["S-DATA-13", "\0\x01\x7f\x80\xff\t\r\n.\r\n", "\0\x01\x7f\x80\xff\t\r\n", ""],
  ])("%s %j", (_, data, content, left) => {
    check(data, lenient, { content, left, ended: true, fault: null, size: content.length });
  });

  test.each([
    ["\n.\n", "\n.\n"],
    ["\n.\r\n", "\n.\r\n"],
    ["\n.\r", "\n.\r"],
    ["\r\n.\n", "\r\n\n"],
    ["\r\n.\r", "\r\n\r"],
    ["\r.\r\n", "\r.\r\n"],
    ["\r.\n", "\r.\n"],
    ["\r.\r", "\r.\r"],
    ["\r\n.\r\r\n", "\r\n\r\r\n"],
    ["\r\r\n.\r\r\n", "\r\r\n\r\r\n"],
    ["\r\n\0.\r\n", "\r\n\0.\r\n"],
    ["\r\n.\0\r\n", "\r\n\0\r\n"],
    ["\n.\r\r\n", "\n.\r\r\n"],
    ["\r\n. \r\n", "\r\n \r\n"],
    ["\r\n..\r\n", "\r\n.\r\n"],
  ])("SEC-EOD-01 S-DATA-03 %j does not end the data", (variant, decoded) => {
    const data = `a${variant}b\r\n.\r\nNOOP\r\n`;
    check(data, lenient, { content: `a${decoded}b\r\n`, left: "NOOP\r\n", ended: true });
    for (const bareCr of policies) {
      for (const bareLf of policies) {
        check(data, { ...lenient, bareCr, bareLf }, { left: "NOOP\r\n", ended: true });
      }
    }
  });
});

describe("bare CR and LF", () => {
  const rejected = { content: "a", fault: { reason: "bare-lf", at: 1 }, bareLf: 0, ended: true };
  test.each([
    ["bareLf", "reject", "a\n.b\r\n.\r\n", rejected],
    ["bareLf", "normalize", "a\n.b\r\n.\r\n", { content: "a\r\n.b\r\n", size: 7, bareLf: 1 }],
    ["bareLf", "space", "a\n.b\r\n.\r\n", { content: "a .b\r\n", size: 6, bareLf: 1 }],
    ["bareLf", "keep", "a\n.b\r\n.\r\n", { content: "a\n.b\r\n", size: 6, bareLf: 1 }],
    ["bareCr", "reject", "a\r.b\r\n.\r\n", { content: "a", fault: { reason: "bare-cr", at: 1 }, bareCr: 0 }],
    ["bareCr", "normalize", "a\r.b\r\n.\r\n", { content: "a\r\n.b\r\n", size: 7, bareCr: 1 }],
    ["bareCr", "space", "a\r.b\r\n.\r\n", { content: "a .b\r\n", size: 6, bareCr: 1 }],
    ["bareCr", "keep", "a\r.b\r\n.\r\n", { content: "a\r.b\r\n", size: 6, bareCr: 1 }],
    ["bareCr", "normalize", "\r\r\r\n.\r\n", { content: "\r\n\r\n\r\n", bareCr: 2 }],
    ["bareCr", "space", ".\r\r\n.\r\n", { content: " \r\n", bareCr: 1 }],
  ] as const)("SEC-EOD-03 S-DOT-03 %s %s: %j", (octet, policy, data, expected) => {
    check(data, { ...lenient, [octet]: policy }, { ...expected, left: "", ended: true });
  });

  test("each has its own policy", () => {
    const data = "a\rb\nc\r\n.\r\n";
    check(data, { ...lenient, bareCr: "space", bareLf: "normalize" }, { content: "a b\r\nc\r\n" });
    check(data, { ...lenient, bareCr: "normalize", bareLf: "space" }, { content: "a\r\nb c\r\n" });
    check(data, { ...lenient, bareLf: "reject" }, { content: "a\rb", fault: { reason: "bare-lf", at: 3 } });
  });
});

describe("limits", () => {
  const big = (maxSize: number) => ({ ...lenient, maxSize });
  const long = (maxLine: number) => ({ ...lenient, maxLine });
  const refused = (reason: string, at: number, content: string) => ({
    fault: { reason, at },
    content,
    size: 0,
    left: "NOOP\r\n",
    ended: true,
  });

  test("S-DATA-16 size is counted without stuffed dots and the final dot, with CRLFs", () => {
    check("..a\r\n\r\n.\r\n", big(6), { fault: null, size: 6, content: ".a\r\n\r\n" });
    check("..a\r\n\r\n.\r\n", big(5), { fault: { reason: "too-big", at: 6 }, size: 0, content: ".a\r\n\r" });
    check(".\r\n", big(0), { fault: null, size: 0, ended: true });
    check("a\nb\r\n.\r\n", { ...big(6), bareLf: "normalize" }, { fault: null, size: 6 });
    check(
      "a\nb\r\n.\r\n",
      { ...big(2), bareLf: "normalize" },
      { fault: { reason: "too-big", at: 1 }, size: 0 },
    );
  });

  test("content too big is read to its true end, and not handed on", () => {
    const data = "abc\r\n..d\r\n\n.\r\n.\r\nNOOP\r\n";
    check(data, big(4), refused("too-big", 4, "abc\r"));
    check(data, big(2), refused("too-big", 2, "ab"));
    check(data, big(0), refused("too-big", 0, ""));
  });

  test("L-LEN-06 a text line is measured without CRLF and stuffed dot", () => {
    for (const length of [1, 998]) {
      const line = "x".repeat(length);
      check(`${line}\r\n.${line}\r\n.\r\n`, long(length), { fault: null });
    }
    check("ab\r\n..b\r\n.c\r\n.\r\n", long(2), { fault: null, content: "ab\r\n.b\r\nc\r\n" });
    check("\r\n.\r\n", long(0), { fault: null, content: "\r\n" });
  });

  test("a line too long is read to the true end of data", () => {
    const data = "ab\r\n.abcdef\r\nghi\r\n.\r\nNOOP\r\n";
    check(data, long(2), refused("long-line", 7, "ab\r\nab"));
    check("ab\rd\r\n.\r\nNOOP\r\n", long(2), refused("long-line", 2, "ab"));
    check("abc", long(2), {
      fault: { reason: "long-line", at: 2 },
      content: "ab",
      ended: false,
    });
  });

  test("a line that a policy breaks is measured up to there", () => {
    check("ab\ncd\re\r\n.\r\n", { ...long(2), bareLf: "normalize", bareCr: "normalize" }, { fault: null });
    check("ab\ncd\r\n.\r\n", { ...long(4), bareLf: "space" }, { fault: { reason: "long-line", at: 4 } });
  });

  test("a fault is found at its octet of the data, wherever the data begins in a chunk", () => {
    for (const cut of [8, 9, 10, 13, 14]) {
      const input = new Input();
      const chunk = octets("DATA\r\n..a\r\nb\nc\r\n.\r\n");
      input.push(chunk.subarray(0, cut));
      input.push(chunk.subarray(cut));
      input.skip(6);
      const reader = new ContentReader({ ...lenient, bareLf: "reject" });
      while (!reader.ended) reader.read(input);
      expect(reader.fault).toEqual({ reason: "bare-lf", at: 6 });
    }
  });

  test("the first fault stands, and what came before its octet is handed on", () => {
    const strict: ContentOptions = { dots: true, bareCr: "reject", bareLf: "reject", maxSize: 4, maxLine: 3 };
    check("a\nb\rcdefgh\r\n.\r\n", strict, { fault: { reason: "bare-lf", at: 1 }, content: "a", bareCr: 0 });
    check("a\rb\ncdefgh\r\n.\r\n", strict, { fault: { reason: "bare-cr", at: 1 }, content: "a", bareLf: 0 });
    check("abcd\n\r\n.\r\n", strict, { fault: { reason: "long-line", at: 3 }, content: "abc", bareLf: 0 });
    check("abc\r\nd\n\r\n.\r\n", strict, { fault: { reason: "too-big", at: 4 }, content: "abc\r" });
  });
});

test("S-8BIT-02 eight-bit octets are preserved, and told of without what is behind the end of data", () => {
  check("a\xe4\r\n.\r\n", lenient, { content: "a\xe4\r\n", eightBit: true });
  for (let before = 0; before < 40; before += 1) {
    const text = `${"x".repeat(before)}\r\n.\r\n`;
    const padded = `${"\xff\0".repeat(80)}`;
    check(text + padded.slice(0, 20), lenient, { eightBit: false, nul: false });
    // Long enough to be read by words.
    expect(decode([octets(text + padded)], lenient)).toMatchObject({
      eightBit: false,
      nul: false,
      ended: true,
    });
    expect(decode([octets(`${"x".repeat(100 + before)}\x80${text}`)], lenient).eightBit).toBe(true);
    expect(decode([octets(`${"x".repeat(100 + before)}\0${text}`)], lenient).nul).toBe(true);
  }
});

describe("BDAT", () => {
  const text: ContentOptions = { ...lenient, dots: false, bareCr: "reject", bareLf: "reject" };
  const read = (chunks: readonly string[], options: ContentOptions) =>
    decode(chunks.map(octets), options, { finished: true });

  test("S-DOT-04 dots are content, and nothing ends it", () => {
    for (const pieces of everyCut(octets(".\r\n..\r\n.\r\n.a\r\n"))) {
      const { content, ended, fault } = decode(pieces, text, { finished: true });
      expect({ content: characters(content), ended, fault }).toEqual({
        content: ".\r\n..\r\n.\r\n.a\r\n",
        ended: false,
        fault: null,
      });
    }
  });

  test("S-BDAT-15 line ends are judged over the joined chunks", () => {
    expect(read(["ab\r", "\n"], text)).toMatchObject({ fault: null, size: 4, bareCr: 0, bareLf: 0 });
    expect(read(["ab\r", "c"], text)).toMatchObject({ fault: { reason: "bare-cr", at: 2 } });
    expect(read(["ab\r"], text)).toMatchObject({ fault: { reason: "bare-cr", at: 2 } });
    expect(read(["ab", "\n"], text)).toMatchObject({ fault: { reason: "bare-lf", at: 2 } });
    expect(read(["abc", "d\r\n"], { ...text, maxLine: 3 })).toMatchObject({
      fault: { reason: "long-line", at: 3 },
    });
  });

  test("a CR at the very end is bare, and told of once", () => {
    for (const [bareCr, end] of [
      ["keep", "\r"],
      ["normalize", "\r\n"],
      ["space", " "],
    ] as const) {
      const { content, size } = read([".\r\n.\r"], { ...text, bareCr });
      expect(characters(content)).toBe(`.\r\n.${end}`);
      expect(size).toBe(content.length);
    }
    const reader = new ContentReader(text);
    const input = new Input();
    input.push(octets("a\r"));
    expect(reader.read(input)).toEqual(octets("a"));
    expect(reader.snapshot().place).toBe("cr");
    expect(reader.finish()).toBe(null);
    expect(reader.snapshot().place).toBe("text");
    expect(reader.finish()).toBe(null);
    expect(reader.fault).toEqual({ reason: "bare-cr", at: 1 });
  });

  test("S-BDAT-23 content need not end in CRLF", () => {
    expect(read(["ab", "c"], text)).toMatchObject({ content: [...octets("abc")], fault: null });
    expect(read([], text)).toMatchObject({ content: [], size: 0, fault: null });
  });

  test("S-BDAT-02 no octet beyond those asked for is consumed", () => {
    for (let most = 0; most <= 8; most += 1) {
      const input = new Input();
      input.push(octets("a\r\n.\r\nQUIT"));
      const reader = new ContentReader(text);
      const content = reader.read(input, most);
      expect(input.length).toBe(10 - most);
      const held = most === 2 || most === 5 ? 1 : 0;
      expect(characters(content ?? [])).toBe("a\r\n.\r\nQUIT".slice(0, most - held));
    }
  });
});

describe("what is handed on", () => {
  const text = `${"x".repeat(76)}\r\n`.repeat(50);

  test("is a view of the chunk when nothing had to change", () => {
    const chunk = octets(`${text}.\r\nNOOP\r\n`);
    const input = new Input();
    input.push(chunk);
    const content = new ContentReader(lenient).read(input);
    expect(content?.buffer).toBe(chunk.buffer);
    expect(content?.length).toBe(text.length);
  });

  test("is a view up to where the message is too big, too", () => {
    const chunk = octets("ab\r\n.cd\r\n.\r\n");
    const input = new Input();
    input.push(chunk);
    const content = new ContentReader({ ...lenient, maxSize: 4 }).read(input);
    expect(content?.buffer).toBe(chunk.buffer);
    expect(content).toEqual(octets("ab\r\n"));
  });

  test("is one array for a chunk of any number of dots, no larger than the chunk", () => {
    const chunk = octets("..\r\n".repeat(10_000));
    const input = new Input();
    input.push(chunk);
    const content = new ContentReader(lenient).read(input);
    expect(content?.length).toBe(30_000);
    expect(content?.buffer.byteLength).toBeLessThanOrEqual(chunk.length);
    expect(input.length).toBe(0);
  });

  test("is a plain Uint8Array, also of a Buffer", () => {
    for (const data of ["a\r\n.\r\n", "a\r\n..b\r\n.\r\n"]) {
      const input = new Input();
      input.push(Buffer.from(data));
      const content = new ContentReader(lenient).read(input) as Uint8Array;
      expect(Object.getPrototypeOf(content)).toBe(Uint8Array.prototype);
    }
  });

  test("is never written to again, and what was given is not either", () => {
    const options: ContentOptions = { ...lenient, bareLf: "space", bareCr: "normalize" };
    const data = octets(`${"..a\nb\rc\r\n".repeat(200)}.\r\n`);
    const given = data.slice();
    for (const pieces of [[data], byOctet(data), [data.subarray(0, 301), data.subarray(301)]]) {
      const input = new Input();
      const reader = new ContentReader(options);
      const handed: [Uint8Array, Uint8Array][] = [];
      for (const piece of pieces) {
        input.push(piece);
        const content = reader.read(input);
        if (content !== null) handed.push([content, content.slice()]);
      }
      expect(reader.ended).toBe(true);
      for (const [now, then] of handed) expect(now).toEqual(then);
    }
    expect(data).toEqual(given);
  });
});

test("SEC-DOS-02 a message octet by octet is read in one step for each octet, and nothing is held", () => {
  const line = octets("..x\ny\r\n");
  const input = new Input();
  const reader = new ContentReader({ ...lenient, bareLf: "normalize" });
  let size = 0;
  const times = 150_000;
  for (let octet = 0; octet < times * line.length; octet += 1) {
    input.push(line.subarray(octet % line.length, (octet % line.length) + 1));
    const content = reader.read(input);
    if (content !== null) {
      size += content.length;
      if (content.buffer !== line.buffer && content.buffer.byteLength > 8)
        throw new Error("more than it needs");
    }
    if (input.charge !== 0) throw new Error("held");
  }
  expect(size).toBe(times * 7);
  expect(JSON.stringify(reader.snapshot()).length).toBeLessThan(300);
}, 30_000);

test("SEC-DOS-02 a chunk that doubles in size is copied a constant number of times", () => {
  const input = new Input();
  const chunk = new Uint8Array(1 << 20).fill(0x0a);
  input.push(chunk);
  const content = new ContentReader({ ...lenient, bareLf: "normalize" }).read(input);
  expect(content?.length).toBe(2 * chunk.length);
  expect(content?.buffer.byteLength).toBeLessThanOrEqual(2 * chunk.length + 1024);
});

test("SEC-DOS-02 messages behind one another in one chunk cost what they are, not what the chunk is", () => {
  const message = "..a\r\n.\r\n";
  const input = new Input();
  input.push(octets(message.repeat(8000)));
  let buffers = 0;
  while (input.length > 0) buffers += new ContentReader(lenient).read(input)?.buffer.byteLength ?? 0;
  // The views count the whole chunk; the dot comes first, so that there are views alone.
  expect(buffers).toBe(8000 * message.length * 8000);
  input.push(octets(`a\r\n${message}`.repeat(8000)));
  let largest = 0;
  while (input.length > 0) {
    largest = Math.max(largest, new ContentReader(lenient).read(input)?.buffer.byteLength ?? 0);
  }
  expect(largest).toBeLessThan(2048);
});

test("the reference agrees with the vectors, too", () => {
  expect(characters(referenceDecode(octets("..a\r\n.b\r\n.\r\nx"), lenient).content)).toBe(".a\r\nb\r\n");
});

test("G6 nothing is read where there is no chunk, nor behind the end of the data", () => {
  const reader = new ContentReader({ ...lenient, dots: true });
  const input = new Input();
  expect(reader.read(input)).toBeNull();
  input.push(octets("a\r\n.\r\n.\r\n"));
  expect(characters([...(reader.read(input) ?? [])])).toBe("a\r\n");
  expect([reader.ended, reader.read(input), input.length]).toEqual([true, null, 3]);
});

test("S-DATA-16 L-LEN-06 a CR of the chunk before counts where it stood", () => {
  const options = { ...lenient, dots: false, bareCr: "keep", bareLf: "keep" } as const;
  const limited = (maxSize: number) => decode([octets("a\r"), octets("b")], { ...options, maxSize });
  expect(limited(3)).toMatchObject({ fault: null, size: 3 });
  for (const maxSize of [0, 1, 2]) expect(limited(maxSize).fault).toEqual({ reason: "too-big", at: maxSize });
});

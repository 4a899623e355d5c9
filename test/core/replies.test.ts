import { describe, expect, test } from "vitest";
import { noCapabilities, parseCapabilities } from "../../packages/core/src/syntax/capabilities.ts";
import {
  defaultReplyLimits,
  isReplyFault,
  type ReceivedReply,
  type ReplyFault,
  type ReplyLimits,
  ReplyReader,
} from "../../packages/core/src/syntax/replies.ts";
import { Input } from "../../packages/core/src/wire/input.ts";

type Read = ReceivedReply | ReplyFault;

/** Everything that is read, up to the first fault. */
function read(pieces: readonly string[], limits: ReplyLimits = defaultReplyLimits, restored = false): Read[] {
  let reader = new ReplyReader(limits);
  const input = new Input();
  const all: Read[] = [];
  for (const piece of pieces) {
    input.push(Buffer.from(piece, "latin1"));
    if (restored) {
      const fresh = new ReplyReader(limits);
      fresh.restore(JSON.parse(JSON.stringify(reader.snapshot())));
      reader = fresh;
    }
    for (let one = reader.read(input); one !== null; one = reader.read(input)) {
      all.push(one);
      if (isReplyFault(one)) return all;
    }
  }
  return all;
}

/** The one thing that is read, whole, octet by octet, in every two pieces, and restored at each octet. */
function readOne(text: string, limits?: ReplyLimits): Read | undefined {
  const whole = read([text], limits);
  expect(read([...text], limits)).toEqual(whole);
  expect(read([...text], limits, true)).toEqual(whole);
  for (let at = 1; at < Math.min(text.length, 300); at++) {
    expect(read([text.slice(0, at), text.slice(at)], limits)).toEqual(whole);
  }
  expect(whole.length).toBeLessThanOrEqual(1);
  return whole[0];
}

const ok = (text: string): ReceivedReply => {
  const one = readOne(text);
  if (one === undefined || isReplyFault(one)) throw new Error(`not a reply: ${JSON.stringify(one)}`);
  return one;
};
const rule = (text: string, limits?: ReplyLimits): string | null => {
  const one = readOne(text, limits);
  return one !== undefined && isReplyFault(one) ? one.rule : null;
};

describe("replies", () => {
  test.each([
    ["250\r\n", 250, [""]],
    ["250 \r\n", 250, [""]],
    ["250 ok\r\n", 250, ["ok"]],
    ["250  ok \r\n", 250, [" ok "]],
    ["250-a\r\n250-b\r\n250 c\r\n", 250, ["a", "b", "c"]],
    ["250-a\r\n250\r\n", 250, ["a", ""]],
    ["250-\r\n250 \r\n", 250, ["", ""]],
    ["250-First\r\n250-234 Text\r\n250 Last\r\n", 250, ["First", "234 Text", "Last"]],
    ["299 x\r\n", 299, ["x"]],
    ["259 x\r\n", 259, ["x"]],
    ["599 x\r\n", 599, ["x"]],
    ["354\tx\r\n", null, []],
  ])("R-FMT-07 %j", (text, code, lines) => {
    if (code === null) expect(rule(text)).not.toBeNull();
    else expect(ok(text)).toMatchObject({ code, lines });
  });

  test.each([
    "250a\r\n",
    "25 x\r\n",
    "hello\r\n",
    "199 x\r\n",
    "650 x\r\n",
    "\r\n",
    "2\r\n",
    "25\r\n",
    "2x0 a\r\n",
    " 250 a\r\n",
    "250\r\r\n",
    "-250 a\r\n",
  ])("R-FMT-10 R-FMT-09 %j is no reply", (text) => {
    expect(rule(text)).not.toBeNull();
  });

  test("R-FMT-11 codes that differ within a reply", () => {
    expect(rule("250-a\r\n550 b\r\n")).toBe("R-FMT-11");
    expect(rule("250-a\r\n251-b\r\n")).toBe("R-FMT-11");
    expect(rule("250-a\r\n250-b\r\n550 c\r\n")).toBe("R-FMT-11");
  });

  test("R-FMT-12 in three reads, of which one ends within CRLF", () => {
    expect(read(["25", "0 ok\r", "\n"])).toMatchObject([{ code: 250, lines: ["ok"] }]);
  });

  test("R-FMT-16 X-PIPE-05 several replies come in their order", () => {
    const all = read(["250 a\r\n550-b\r\n550 c\r\n354 d\r\n250 "]);
    expect(all).toMatchObject([{ code: 250 }, { code: 550, lines: ["b", "c"] }, { code: 354 }]);
  });

  test("R-FMT-14 S-LINE-01 S-LINE-19 CR LF alone ends a line", () => {
    for (const text of ["250 a\n250 b\r\n", "250 a\r250 b\r\n", "250 a\x85b\r\n", "250-a\n250 b\r\n"]) {
      const one = readOne(text);
      if (text.includes("\x85")) expect(one).toMatchObject({ code: 250, octets: [[0x61, 0x85, 0x62]] });
      else expect(rule(text)).toBe("R-FMT-14");
    }
    expect(read(["250 a\n"])).toEqual([]);
  });

  test("R-FMT-15 any octet but CR and LF may be in the text, kept as it came, shown as UTF-8", () => {
    const octets = Array.from({ length: 256 }, (_, octet) => octet).filter((o) => o !== 13 && o !== 10);
    const reply = ok(`250 ${String.fromCharCode(...octets)}\r\n`);
    expect(reply.octets).toEqual([octets]);
    expect(ok("250 m\xc3\xbcller \xff\r\n").lines).toEqual(["m\u00fcller \ufffd"]);
  });

  test("R-FMT-13 SEC-DOS-03 L-LEN-05 lines, their number and the whole are bounded", () => {
    expect(ok(`250 ${"a".repeat(508)}\r\n`).lines[0]).toHaveLength(508);
    expect(ok(`250 ${"a".repeat(4090)}\r\n`).lines[0]).toHaveLength(4090);
    expect(rule(`250 ${"a".repeat(4091)}\r\n`)).toBe("R-FMT-13");
    const limits = { line: 512, lines: 3, octets: 40 };
    expect(read(["250-a\r\n250-b\r\n250 c\r\n"], limits)).toHaveLength(1);
    expect(rule("250-a\r\n250-b\r\n250-c\r\n250-d\r\n", limits)).toBe("R-FMT-13");
    expect(rule(`250-${"a".repeat(20)}\r\n250 ${"b".repeat(20)}\r\n`, limits)).toBe("R-FMT-13");
    // The count begins anew with each reply.
    expect(read(["250-a\r\n250 b\r\n".repeat(10)], limits)).toHaveLength(10);
  });

  test("G6 of what is no reply the first 256 octets are told", () => {
    for (const length of [3, 255, 256, 257, 4000]) {
      const input = new Input();
      const line = Buffer.from(`x${"y".repeat(length - 1)}`);
      input.push(Buffer.concat([line, Buffer.from("\r\n")]));
      const read = new ReplyReader().read(input);
      expect(read).toMatchObject({ rule: "R-FMT-10", octets: new Uint8Array(line.subarray(0, 256)) });
      expect((read as { octets: Uint8Array }).octets.buffer).not.toBe(line.buffer);
    }
  });

  test("R-FMT-13 SEC-DOS-03 a line without end is not held", () => {
    const reader = new ReplyReader({ line: 512, lines: 10, octets: 5000 });
    const input = new Input();
    for (let times = 0; times < 1000; times++) {
      input.push(Buffer.alloc(1000, 0x61));
      expect(reader.read(input)).toBeNull();
    }
    expect(JSON.stringify(reader.snapshot()).length).toBeLessThan(5000);
  });

  test.each([
    ["250 2.1.5 ok", "2.1.5", "ok"],
    ["250 2.1.5\tok", "2.1.5", "ok"],
    ["250 2.1.5", "2.1.5", ""],
    ["250 2.0.0 ", "2.0.0", ""],
    ["550 5.7.999 x", "5.7.999", "x"],
    ["450 4.100.10 x", "4.100.10", "x"],
    ["550 5.99.99 nobody knows it", "5.99.99", "nobody knows it"],
    ["250 5.1.5 x", null, "5.1.5 x"],
    ["550 2.1.5 x", null, "2.1.5 x"],
    ["354 3.0.0 x", null, "3.0.0 x"],
    ["354 2.0.0 x", null, "2.0.0 x"],
    ["250 2.01.5 x", null, "2.01.5 x"],
    ["250 2.1.05 x", null, "2.1.05 x"],
    ["250 2.1.1000 x", null, "2.1.1000 x"],
    ["250 2.1 x", null, "2.1 x"],
    ["250 2.1.5.6 x", null, "2.1.5.6 x"],
    ["250 2.1.5x", null, "2.1.5x"],
    ["250  2.1.5 x", null, " 2.1.5 x"],
    ["250 x 2.1.5", null, "x 2.1.5"],
  ])("R-ENH-06 %j has the enhanced code %j", (line, enhanced, text) => {
    expect(ok(`${line}\r\n`)).toMatchObject({ enhanced, lines: [text] });
  });

  test("R-ENH-06 in a reply of many lines it is the first line's, and taken off where it is repeated", () => {
    expect(ok("250-2.0.0 a\r\n250-b\r\n250 2.0.0 c\r\n")).toMatchObject({
      enhanced: "2.0.0",
      lines: ["a", "b", "c"],
    });
    expect(ok("250-2.0.0 a\r\n250 2.1.0 b\r\n")).toMatchObject({
      enhanced: "2.0.0",
      lines: ["a", "2.1.0 b"],
    });
    expect(ok("250-a\r\n250 2.0.0 b\r\n")).toMatchObject({ enhanced: null, lines: ["a", "2.0.0 b"] });
  });

  test("G8 what is handed out does not change with what comes behind", () => {
    const reader = new ReplyReader();
    const input = new Input();
    input.push(Buffer.from("250 a\r\n250-b\r\n25"));
    const first = reader.read(input);
    const before = JSON.stringify(first);
    reader.read(input);
    input.push(Buffer.from("0 c\r\n"));
    expect(reader.read(input)).toMatchObject({ lines: ["b", "c"] });
    expect(JSON.stringify(first)).toBe(before);
  });
});

describe("capabilities", () => {
  const of = (...lines: string[]) => {
    const all = ["mx.example.com", ...lines];
    return parseCapabilities(
      ok(all.map((line, at) => `250${at < all.length - 1 ? "-" : " "}${line}\r\n`).join("")),
    );
  };

  test("S-EHLO-14 X-GEN-02 a server that offers nothing", () => {
    expect(of()).toEqual(noCapabilities);
    expect(of().size).toBeNull();
  });

  test("S-EHLO-14 keywords in any case, unknown ones kept, parameters of others ignored", () => {
    const offered = of(
      "pipelining",
      "8BitMime",
      "SmtpUtf8 x y",
      "X-FOO a  b",
      "ENHANCEDSTATUSCODES",
      "dsn",
      "PRDR",
    );
    expect(offered).toMatchObject({
      pipelining: true,
      "8bitmime": true,
      smtputf8: true,
      enhancedStatusCodes: true,
      dsn: true,
      prdr: true,
      chunking: false,
      starttls: false,
    });
    expect(offered.all).toContainEqual({ keyword: "X-FOO", parameters: ["a", "b"] });
  });

  test.each([
    "",
    " ",
    "=",
    "-X",
    "\u00fc",
    "PIPELINING=",
    "PIPELINING,CHUNKING",
    "2.0.0 PIPELINING",
    "AUTH=",
  ])("S-EHLO-14 %j is no line of a keyword that is known", (line) => {
    expect(of(line)).toMatchObject({ pipelining: false, chunking: false, auth: [] });
  });

  test("C-SES-05 the first line is no keyword", () => {
    expect(parseCapabilities(ok("250-PIPELINING\r\n250 HELP\r\n")).pipelining).toBe(false);
    expect(parseCapabilities(ok("250 PIPELINING\r\n")).pipelining).toBe(false);
  });

  test("S-BIN-03 BINARYMIME without CHUNKING cannot be used", () => {
    expect(of("BINARYMIME").binarymime).toBe(false);
    expect(of("BINARYMIME", "CHUNKING").binarymime).toBe(true);
  });

  test.each([
    ["SIZE", Number.POSITIVE_INFINITY],
    ["SIZE 0", Number.POSITIVE_INFINITY],
    ["size 1000", 1000],
    ["SIZE 99999999999999999999", 1e20],
    ["SIZE 123456789012345678901", Number.POSITIVE_INFINITY],
    ["SIZE -1", Number.POSITIVE_INFINITY],
    ["SIZE 1e3", Number.POSITIVE_INFINITY],
    ["SIZE 0x10", Number.POSITIVE_INFINITY],
  ])("S-EHLO-14 C-TXN-01 %s", (line, size) => {
    expect(of(line).size).toBe(size);
  });

  test.each([
    [["AUTH PLAIN login"], ["PLAIN", "LOGIN"]],
    [["AUTH=LOGIN plain"], ["LOGIN", "PLAIN"]],
    [
      ["AUTH PLAIN", "AUTH=PLAIN LOGIN"],
      ["PLAIN", "LOGIN"],
    ],
    [["AUTH"], []],
  ])("S-EHLO-14 %j offers the mechanisms %j", (lines, auth) => {
    expect(of(...lines).auth).toEqual(auth);
  });

  test.each([
    ["LIMITS RCPTMAX=20 MAILMAX=5", { rcptMax: 20, mailMax: 5, rcptDomainMax: null }],
    ["limits rcptmax=20 FOO=x BAR", { rcptMax: 20, mailMax: null, rcptDomainMax: null }],
    ["LIMITS RCPTMAX=0 MAILMAX=5", { rcptMax: null, mailMax: 5, rcptDomainMax: null }],
    ["LIMITS RCPTMAX=007", { rcptMax: null, mailMax: null, rcptDomainMax: null }],
    ["LIMITS RCPTMAX=1000000", { rcptMax: null, mailMax: null, rcptDomainMax: null }],
    ["LIMITS RCPTMAX=999999 RCPTDOMAINMAX=1", { rcptMax: 999999, mailMax: null, rcptDomainMax: 1 }],
    ["LIMITS RCPTMAX", { rcptMax: null, mailMax: null, rcptDomainMax: null }],
    ["LIMITS", { rcptMax: null, mailMax: null, rcptDomainMax: null }],
    ["LIMITS XRCPTMAX=3 RCPTMAX=4x MAILMAX=1", { rcptMax: null, mailMax: 1, rcptDomainMax: null }],
  ])("X-LIM-03 %s", (line, limits) => {
    expect(of(line).limits).toEqual(limits);
  });
});

import { HeaderReader, loopReply, sameSolicitation, solicitationReply } from "@sansmtp/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

/** What is read of a text, in pieces of this size. */
function read(text: string, size = Number.POSITIVE_INFINITY): HeaderReader {
  const octets = new TextEncoder().encode(text);
  const reader = new HeaderReader();
  for (let at = 0; at < octets.length; at += size) reader.take(octets.subarray(at, at + size));
  return reader;
}

function found(reader: HeaderReader): unknown {
  const { received, ended, solicitation } = reader;
  return { received, ended, solicitation, optional: reader.tlsIsOptional(false) };
}

describe("H-LOOP-01 H-LOOP-02 the Received fields of the header are counted, and nothing behind it", () => {
  test.each([
    ["none", "Subject: x\r\n\r\nReceived: in the body\r\n", 0],
    ["one", "Received: from a by b; now\r\n\r\n", 1],
    ["in any case, with obsolete blanks", "RECEIVED : x\r\nreceived\t:\r\nReceived:y\r\n\r\n", 3],
    [
      "folded over lines",
      "Received: from a\r\n\tReceived: folded\r\n Received: too\r\nReceived: b\r\n\r\n",
      2,
    ],
    ["names that only begin so", "Received-SPF: x\r\nReceive: x\r\nX-Received: x\r\nReceivedd: x\r\n\r\n", 0],
    ["a header without end", "Received: a\r\nReceived: b", 2],
    ["bare LF, where the policy keeps it", "Received: a\nReceived: b\n\nReceived: c\n", 2],
    ["an empty message", "", 0],
    ["a body alone", "\r\nReceived: x\r\n", 0],
    ["lines that are no fields", "no field\r\nReceived\r\n: x\r\nReceived : y\r\n\r\n", 1],
    ["a long line before it", `${"x".repeat(5000)}\r\nReceived: y\r\n\r\n`, 1],
    ["letters that differ in one bit", "\u0012eceived: x\r\n\r\n", 0],
    ["a first line that is folded", " Received: x\r\nReceived: y\r\n\r\n", 1],
  ])("%s", (_, text, received) => {
    for (let size = 1; size <= Math.min(text.length, 200); size++)
      expect(read(text, size).received, `in pieces of ${size}`).toBe(received);
    expect(read(text).received).toBe(received);
  });
});

test("H-LOOP-01 L-RETRY-05 at 100 Received fields a message goes round in a loop, or at a number that can be set", () => {
  expect(loopReply(99)).toBeNull();
  expect(loopReply(100)).toMatchObject({ code: 554, enhanced: "5.4.6" });
  expect(loopReply(29, 30)).toBeNull();
  expect(loopReply(30, 30)).toMatchObject({ code: 554, enhanced: "5.4.6" });
  expect(read("Received: x\r\n".repeat(100)).received).toBe(100);
});

test("H-RCV-08 no Received field is too odd to be counted, and none is an error", () => {
  expect(read("Received:\r\nReceived: ;;;(((\r\nReceived: \u0000\u00ff\r\n\r\n").received).toBe(3);
});

describe("X-RTLS-05 TLS-Required: No loosens policies", () => {
  test.each([
    ["TLS-Required: No\r\n\r\n", true],
    ["tls-required:no\r\n\r\n", true],
    ["TLS-Required: \r\n NO \t\r\n\r\n", true],
    ["Subject: x\r\nTLS-Required: No", true],
    ["TLS-Required: Yes\r\n\r\n", false],
    ["TLS-Required: No, yes\r\n\r\n", false],
    ["TLS-Required: N o\r\n\r\n", false],
    [`TLS-Required: No${" ".repeat(100)}x\r\n\r\n`, false],
    ["TLS-Required:\r\n\r\n", false],
    ["TLS-Required: No\r\nTLS-Required: No\r\n\r\n", false],
    ["TLS-Required: No\r\nTLS-Required: Yes\r\n\r\n", false],
    ["TLS-Required:\r\nTLS-Required: No\r\n\r\n", false],
    ["TLS-Required: N\r\nTLS-Required: o\r\n\r\n", false],
    ["TLS-Required: Yes\r\nTLS-Required: No\r\n\r\n", false],
    ["TLS-Required-X: No\r\n\r\n", false],
    ["Subject: x\r\n\r\nTLS-Required: No\r\n", false],
    ["Subject: x\r\n TLS-Required: No\r\n\r\n", false],
  ])("%j: %j", (text, optional) => {
    for (let size = 1; size <= text.length; size++)
      expect(read(text, size).tlsIsOptional(false), `in pieces of ${size}`).toBe(optional);
  });

  test("the parameter REQUIRETLS wins", () => {
    expect(read("TLS-Required: No\r\n\r\n").tlsIsOptional(true)).toBe(false);
  });
});

describe("X-NOSOL-02 the Solicitation field", () => {
  test.each([
    ["Subject: x\r\n\r\n", null],
    ["Solicitation: org.example:ADV\r\n\r\n", ["org.example:ADV"]],
    [
      "Solicitation: org.example:ADV, net.example:x\r\n ,com.example\r\n\r\n",
      ["org.example:ADV", "net.example:x", "com.example"],
    ],
    ["Solicitation: a.b\r\nTo: x\r\nsolicitation : c.d\r\n\r\n", ["a.b", "c.d"]],
  ])("%j has %j", (text, keywords) => {
    for (let size = 1; size <= text.length; size++) expect(read(text, size).solicitation).toEqual(keywords);
  });

  test("is what the parameter says, in whatever order and case, or it is not", () => {
    expect(sameSolicitation(["a.b", "C.d"], ["c.D", "A.b"])).toBe(true);
    expect(sameSolicitation(null, null)).toBe(true);
    expect(sameSolicitation(["a.b"], null)).toBe(false);
    expect(sameSolicitation(null, ["a.b"])).toBe(false);
    expect(sameSolicitation(["a.b"], ["a.b", "c.d"])).toBe(false);
  });

  test("of any length takes little memory, and what is cut off makes it match nothing", () => {
    const longest = `org.${"x".repeat(996)}`;
    expect(sameSolicitation([longest], read(`Solicitation: ${longest}\r\n\r\n`).solicitation)).toBe(true);
    for (const more of ["y", ",", ",y", "y".repeat(1_000_000)])
      expect(sameSolicitation([longest], read(`Solicitation: ${longest}${more}\r\n\r\n`).solicitation)).toBe(
        false,
      );
    expect(read(`Solicitation: ${"x".repeat(1_000_000)}`).solicitation?.[0]).toHaveLength(1001);
  });

  test("that is not wanted is refused, and the keywords are repeated", () => {
    expect(solicitationReply(["org.example:ADV", "a.b"])).toEqual({
      code: 550,
      enhanced: "5.7.1",
      lines: ["SOLICIT=org.example:ADV,a.b"],
    });
    const odd = solicitationReply(["a\r\n250 b", "ü".repeat(1000)]);
    expect(odd.lines[0]).toMatch(/^SOLICIT=a\?\?250\?b,\?{471}$/);
    expect(odd.lines[0].length).toBeLessThan(500);
  });
});

test("H-LOOP-01 X-RTLS-05 X-NOSOL-02 the same header in any pieces gives the same, and nothing makes it throw", () => {
  const line = fc.oneof(
    fc.constantFrom(
      "Received: x",
      "TLS-Required: No",
      "Solicitation: a.b",
      "TLS-Required",
      " No",
      "\tReceived: x",
      "",
      "x",
    ),
    fc.string({ unit: "binary", maxLength: 50 }),
  );
  const text = fc
    .array(fc.tuple(line, fc.constantFrom("\r\n", "\r\n", "\r\n", "\n", "\r", "\r\n\r\n")), { maxLength: 12 })
    .map((lines) => lines.flat().join(""));
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 9 }), (each, size) => {
      expect(found(read(each, size))).toEqual(found(read(each)));
    }),
    { numRuns: 2000 },
  );
});

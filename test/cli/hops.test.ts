import { describe, expect, it } from "vitest";
import { HopCounter } from "../../packages/cli/src/hops.ts";

describe("H-LOOP-01 the Received fields of the header are counted, and nothing else", () => {
  it.each([
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
    ["letters that differ in one bit", "\u0012eceived: x\r\n\r\n", 0],
  ])("%s", (_, text, hops) => {
    const octets = new TextEncoder().encode(text);
    for (let size = 1; size <= Math.max(1, octets.length); size++) {
      const counter = new HopCounter();
      for (let at = 0; at < octets.length; at += size) counter.take(octets.subarray(at, at + size));
      expect(counter.hops, `in pieces of ${size}`).toBe(hops);
    }
  });
});

import fc from "fast-check";
import { expect, test } from "vitest";
import {
  formatIpv4,
  formatIpv6,
  isIpv4Mapped,
  parseIpv4,
  parseIpv6,
} from "../../packages/core/src/wire/address.ts";

test.each([
  ["192.0.2.1", [192, 0, 2, 1]],
  ["0.0.0.0", [0, 0, 0, 0]],
  ["255.255.255.255", [255, 255, 255, 255]],
])("IPv4 %s is read and written", (text, octets) => {
  expect(parseIpv4(text)).toEqual(octets);
  expect(formatIpv4(octets)).toBe(text);
});

test.each([
  "",
  "1.2.3",
  "1.2.3.4.5",
  "1.2.3.",
  ".1.2.3",
  "256.0.0.1",
  "1.2.3.1000",
  "-1.2.3.4",
  "+1.2.3.4",
  "0x1.2.3.4",
  "1e1.2.3.4",
  " 1.2.3.4",
  "1.2.3.4\n",
  "١.2.3.4",
  "1.2.3.4%eth0",
])("%j is no IPv4 address", (text) => {
  expect(parseIpv4(text)).toBeNull();
  expect(parseIpv4(text, "decimal")).toBeNull();
});

test("leading zeros in IPv4 are refused, or decimal and never octal", () => {
  for (const text of ["192.0.2.01", "00.0.0.0", "010.0.0.1"]) expect(parseIpv4(text)).toBeNull();
  expect(parseIpv4("192.000.002.010", "decimal")).toEqual([192, 0, 2, 10]);
  expect(parseIpv4("192.0.2.0010", "decimal")).toBeNull();
  expect(parseIpv6("::ffff:192.0.2.01")).toBeNull();
  // 45 characters is the longest there is.
  const longest = "0000:0000:0000:0000:0000:ffff:255.255.255.255";
  expect(parseIpv6(longest)).toHaveLength(16);
  expect(parseIpv6(`${longest.slice(0, -1)}05`, "decimal")).toBeNull();
  expect(parseIpv6("::ffff:192.0.2.01", "decimal")?.slice(12)).toEqual([192, 0, 2, 1]);
});

// The left text is read; what is written is the right one (RFC 5952 §4, §5).
test.each([
  ["::", "::"],
  ["::1", "::1"],
  ["1::", "1::"],
  ["2001:db8::1", "2001:db8::1"],
  ["2001:DB8::A", "2001:db8::a"],
  ["2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["0:0:1:2:3:4:0:0", "::1:2:3:4:0:0"],
  ["1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"],
  ["1:2:3:4:5:6:192.0.2.1", "1:2:3:4:5:6:c000:201"],
  ["::192.0.2.1", "::c000:201"],
  ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
  ["::ffff:192.0.2.1", "::ffff:192.0.2.1"],
  ["::FFFF:c000:201", "::ffff:192.0.2.1"],
  ["1::2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
  ["::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"],
])("IPv6 %s is written %s", (text, written) => {
  const octets = parseIpv6(text);
  expect(octets).toHaveLength(16);
  expect(formatIpv6(octets as number[])).toBe(written);
  expect(parseIpv6(written)).toEqual(octets);
});

test.each([
  "",
  ":",
  ":::",
  "1",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7:8::",
  "::1:2:3:4:5:6:7:8",
  "1::2:3:4:5:6:7:8",
  "1::2::3",
  "::1::",
  "1:::2",
  ":1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:",
  "12345::",
  "g::",
  "::1%eth0",
  "[::1]",
  "::1 ",
  "::1\n",
  "192.0.2.1",
  "192.0.2.1::",
  "::192.0.2.1:1",
  "1:2:3:4:5:6:7:192.0.2.1",
  "::256.0.0.1",
  "::1.2.3",
])("%j is no IPv6 address", (text) => {
  expect(parseIpv6(text)).toBeNull();
});

test("every address is read back from what is written", () => {
  const group = fc.oneof(fc.constantFrom([0, 0], [255, 255]), fc.tuple(fc.nat(255), fc.nat(255)));
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), (groups) => {
      const octets = groups.flat();
      const text = formatIpv6(octets);
      expect(parseIpv6(text)).toEqual(octets);
      expect(text).toMatch(/^[0-9a-f:.]+$/);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (octets) => {
      expect(parseIpv4(formatIpv4(octets))).toEqual(Array.from(octets));
    }),
  );
});

test("no text makes the parsers throw", () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: fc.constantFrom("0", "1", "f", ":", "::", ".", "255", "%") }),
  );
  fc.assert(
    fc.property(text, (text) => {
      const four = parseIpv4(text);
      const sixteen = parseIpv6(text);
      expect(four === null || four.length === 4).toBe(true);
      expect(sixteen === null || sixteen.length === 16).toBe(true);
    }),
  );
});

test("an IPv4 address in IPv6 form is told from others", () => {
  expect(isIpv4Mapped(parseIpv6("::ffff:192.0.2.1") as number[])).toBe(true);
  expect(isIpv4Mapped(parseIpv6("::192.0.2.1") as number[])).toBe(false);
  expect(isIpv4Mapped(parseIpv6("2001:db8::ffff:c000:201") as number[])).toBe(false);
  const mapped = parseIpv6("::ffff:192.0.2.1") as number[];
  for (const octets of [[...mapped, 0], mapped.slice(0, 15), mapped.slice(0, 12), mapped.slice(0, 4), []])
    expect(isIpv4Mapped(octets)).toBe(false);
});

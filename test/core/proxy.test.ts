import fc from "fast-check";
import { expect, test } from "vitest";
import { type ProxyFault, type ProxyHeader, ProxyReader } from "../../packages/core/src/wire/proxy.ts";

/** The input, and what is expected of it: every title below is proven for every split. */
function check(input: Uint8Array, expected: Expected): void {
  const original = input.slice();
  let checked = "";
  for (const pieces of splits(input)) {
    const reader = new ProxyReader();
    let taken = 0;
    let result: ProxyHeader | ProxyFault | null = null;
    for (const piece of pieces) {
      result = reader.read(piece);
      taken += reader.taken;
      if (result !== null) break;
      if (reader.taken !== piece.length) throw new Error("octets left, and no result");
    }
    // Equal results are compared once: there are many.
    const seen = JSON.stringify([result, taken]);
    if (seen !== checked) expect(summary(result, taken)).toEqual(expected);
    checked = seen;
    checkDone(reader, result);
  }
  expect(input).toEqual(original);
  checkResumed(input);
}

type Expected =
  | null
  | { readonly header: ProxyHeader; readonly taken: number }
  | { readonly rule: string; readonly at: number };

function summary(result: ProxyHeader | ProxyFault | null, taken: number): unknown {
  if (result === null) return null;
  if ("rule" in result) return { rule: result.rule, at: result.at };
  return { header: result, taken };
}

/** Whole, octet by octet, and at every cut. */
function* splits(input: Uint8Array): Generator<Uint8Array[]> {
  yield [input];
  yield Array.from(input, (_, at) => input.subarray(at, at + 1));
  yield* cuts(input);
}

/** In two pieces at every place; what is long at some places only. */
function* cuts(input: Uint8Array): Generator<[Uint8Array, Uint8Array]> {
  const step = Math.ceil(input.length / 512) ** 2 || 1;
  for (let at = 0; at <= input.length; at += step) yield [input.subarray(0, at), input.subarray(at)];
}

/** A reader that is done says the same again and takes nothing. */
function checkDone(reader: ProxyReader, result: ProxyHeader | ProxyFault | null): void {
  if (result === null) return;
  if (reader.read(ascii("EHLO client.example\r\n")) !== result) throw new Error("another result");
  if (reader.taken !== 0) throw new Error("took octets after the result");
}

/** From what is held at any place a new reader goes on and ends the same. */
function checkResumed(input: Uint8Array): void {
  const whole = new ProxyReader();
  const result = whole.read(input);
  for (const [before, after] of cuts(input.subarray(0, whole.taken))) {
    const first = new ProxyReader();
    if (first.read(before) !== null) continue;
    expect(first.held()).toEqual(before);
    const second = new ProxyReader();
    expect(second.read(first.held())).toBeNull();
    expect(JSON.stringify(second.read(after))).toBe(JSON.stringify(result));
    expect(second.taken).toBe(after.length);
  }
  // The header is plain data.
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
}

function accepts(header: Partial<ProxyHeader>, ...parts: (string | readonly number[])[]): void {
  const octets = join(...parts);
  const expected = { header: { ...bare, ...header }, taken: octets.length };
  check(octets, expected);
  check(join(octets, "EHLO client.example\r\n"), expected);
  check(join(octets, "\x16\x03\x01"), expected);
}

function refuses(rule: string, at: number, ...parts: (string | readonly number[])[]): void {
  check(join(...parts), { rule, at });
  check(join(...parts, "EHLO client.example\r\n"), { rule, at });
}

function waits(...parts: (string | readonly number[])[]): void {
  check(join(...parts), null);
}

const bare: ProxyHeader = {
  version: 1,
  command: "PROXY",
  family: "UNSPEC",
  source: null,
  destination: null,
  authority: null,
  tls: null,
  tlvs: [],
};

const tcp4: Partial<ProxyHeader> = {
  family: "TCP4",
  source: { address: "192.0.2.1", port: 56324 },
  destination: { address: "198.51.100.7", port: 25 },
};
const tcp6: Partial<ProxyHeader> = {
  family: "TCP6",
  source: { address: "2001:db8::1", port: 40000 },
  destination: { address: "2001:db8::25", port: 587 },
};

const signature = hex("0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a");
const addresses4 = hex("c0 00 02 01 c6 33 64 07 dc 04 00 19");
const addresses6 = hex(
  "20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 25 9c 40 02 4b",
);

test("SEC-PRX-04 a v1 header of IPv4 is read", () => {
  const line = "PROXY TCP4 192.0.2.1 198.51.100.7 56324 25\r\n";
  expect(line).toHaveLength(44);
  accepts(tcp4, line);
  accepts(
    {
      family: "TCP4",
      source: { address: "255.255.255.255", port: 65535 },
      destination: { address: "0.0.0.0", port: 0 },
    },
    "PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n",
  );
});

test("SEC-PRX-04 a v1 header of IPv6 is read, its addresses in any form", () => {
  accepts(tcp6, "PROXY TCP6 2001:db8::1 2001:db8::25 40000 587\r\n");
  accepts(tcp6, "PROXY TCP6 2001:0DB8:0:0:0:0:0:1 2001:DB8::0.0.0.37 40000 587\r\n");
});

test("SEC-PRX-04 behind UNKNOWN the rest of the line is ignored, CR and LF alone too", () => {
  accepts({}, "PROXY UNKNOWN\r\n");
  accepts({}, "PROXY UNKNOWN \r\n");
  accepts({}, "PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n");
  accepts({}, "PROXY UNKNOWN a\nb\rc\n\rd\0\xff\r\r\n");
  accepts({}, `PROXY UNKNOWN ${"x".repeat(107 - 16)}\r\n`);
});

test.each([
  ["a leading zero in an address", "PROXY TCP4 192.0.2.01 198.51.100.7 1 2\r\n", 11],
  ["a leading zero in the other address", "PROXY TCP4 192.0.2.1 198.51.100.07 1 2\r\n", 21],
  ["an octet over 255", "PROXY TCP4 192.0.2.256 198.51.100.7 1 2\r\n", 11],
  ["three octets", "PROXY TCP4 192.0.2 198.51.100.7 1 2\r\n", 11],
  ["a port over 65535", "PROXY TCP4 192.0.2.1 198.51.100.7 1 65536\r\n", 36],
  ["a port over 65535 of the source", "PROXY TCP4 192.0.2.1 198.51.100.7 65536 1\r\n", 34],
  ["a leading zero in a port", "PROXY TCP4 192.0.2.1 198.51.100.7 01 2\r\n", 34],
  ["two zeros as port", "PROXY TCP4 192.0.2.1 198.51.100.7 1 00\r\n", 36],
  ["a sign at a port", "PROXY TCP4 192.0.2.1 198.51.100.7 +1 2\r\n", 34],
  ["an empty port", "PROXY TCP4 192.0.2.1 198.51.100.7 1 \r\n", 36],
  ["IPv6 under TCP4", "PROXY TCP4 192.0.2.1 2001:db8::1 1 2\r\n", 21],
  ["IPv4 under TCP6", "PROXY TCP6 2001:db8::1 192.0.2.1 1 2\r\n", 23],
  ["a zone", "PROXY TCP6 fe80::1%eth0 2001:db8::1 1 2\r\n", 11],
  ["brackets", "PROXY TCP6 [2001:db8::1] 2001:db8::1 1 2\r\n", 11],
  ["a host name", "PROXY TCP4 client.example 192.0.2.1 1 2\r\n", 11],
  ["an address with NUL", "PROXY TCP4 192.0.2.1\0 198.51.100.7 1 2\r\n", 11],
  ["UDP4", "PROXY UDP4 192.0.2.1 198.51.100.7 1 2\r\n", 6],
  ["a family in lower case", "PROXY tcp4 192.0.2.1 198.51.100.7 1 2\r\n", 6],
  ["a family that only begins as UNKNOWN", "PROXY UNKNOWNS\r\n", 6],
  ["no family", "PROXY \r\n", 6],
  ["two spaces before the family", "PROXY  TCP4 192.0.2.1 198.51.100.7 1 2\r\n", 6],
  ["two spaces", "PROXY TCP4 192.0.2.1  198.51.100.7 1 2\r\n", 38],
  ["a tab", "PROXY TCP4 192.0.2.1\t198.51.100.7 1 2\r\n", 37],
  ["a blank at the end", "PROXY TCP4 192.0.2.1 198.51.100.7 1 2 \r\n", 38],
  ["a missing port", "PROXY TCP4 192.0.2.1 198.51.100.7 1\r\n", 35],
  ["nothing behind the family", "PROXY TCP4\r\n", 10],
  ["a field too many", "PROXY TCP4 192.0.2.1 198.51.100.7 1 2 3\r\n", 39],
  ["LF alone", "PROXY TCP4 192.0.2.1 198.51.100.7 1 2\n", 37],
  ["LF alone in the middle", "PROXY TCP4 192.0.2.1\n198.51.100.7 1 2\r\n", 20],
  ["LF alone behind UNKNOWN", "PROXY UNKNOWN\n", 13],
  ["CR before CRLF", "PROXY TCP4 192.0.2.1 198.51.100.7 1 2\r\r\n", 36],
  ["a digit that is none in ASCII", "PROXY TCP4 192.0.2.\xb2 198.51.100.7 1 2\r\n", 11],
])("SEC-PRX-04 in v1 %s is refused", (_, line, at) => {
  refuses("SEC-PRX-04", at, line);
});

test("SEC-PRX-04 CR alone does not end a v1 header", () => {
  waits("PROXY TCP4 192.0.2.1 198.51.100.7 1 2\r");
  waits("PROXY UNKNOWN\r");
  refuses("SEC-PRX-04", 36, "PROXY TCP4 192.0.2.1 198.51.100.7 1 2\rEHLO\r\n");
});

test("L-LEN-18 SEC-PRX-04 a v1 header has 107 octets at most, CRLF included", () => {
  const line = `PROXY UNKNOWN ${"x".repeat(107 - 16)}`;
  waits(`${line}\r`);
  accepts({}, `${line}\r\n`);
  refuses("L-LEN-18", 106, `${line}x\r\n`);
  refuses("L-LEN-18", 106, `${line}\r\r\n`);
  refuses("L-LEN-18", 106, `PROXY TCP4 ${"1".repeat(108 - 11)}`);
});

test.each([
  ["EHLO", "EHLO client.example\r\n", 0],
  ["a TLS handshake", "\x16\x03\x01\x02\x00\x01\x00\x01", 0],
  ["the keyword in lower case", "proxy TCP4 192.0.2.1 198.51.100.7 1 2\r\n", 0],
  ["a keyword that only begins alike", "PROXYS TCP4 192.0.2.1 198.51.100.7 1 2\r\n", 5],
  ["a keyword with a tab", "PROXY\tTCP4 192.0.2.1 198.51.100.7 1 2\r\n", 5],
  ["the keyword alone", "PROXY\r\n", 5],
  ["a blank before the keyword", " PROXY UNKNOWN\r\n", 0],
  ["an empty line", "\r\nEHLO client.example\r\n", 2],
  ["empty lines", "\r\n\r\n\r\n\r\n\r\n\r\n", 4],
  ["a signature with another end", "\r\n\r\n\0\r\nQUIT\r", 11],
  ["a signature without its NUL", "\r\n\r\n\r\nQUIT\n", 4],
])("SEC-PRX-03 %s is neither version", (_, octets, at) => {
  refuses("SEC-PRX-03", at, octets);
});

test("SEC-PRX-03 as long as octets can become either version more is awaited", () => {
  waits("");
  for (let length = 1; length < 16; length++) waits("PROXY TCP4 192.0.2.1".slice(0, length));
  for (let length = 1; length < 16; length++) waits([...signature, 0x21, 0x11, 0x00].slice(0, length));
});

test("SEC-PRX-05 SEC-PRX-08 a v2 header of TCP over IPv4 is read", () => {
  accepts({ version: 2, ...tcp4 }, signature, hex("21 11 00 0c"), addresses4);
});

test("SEC-PRX-05 SEC-PRX-08 a v2 header of TCP over IPv6 is read", () => {
  accepts({ version: 2, ...tcp6 }, signature, hex("21 21 00 24"), addresses6);
});

test("SEC-PRX-06 v2 headers of UDP and of UNIX sockets are read", () => {
  accepts({ version: 2, ...tcp4, family: "UDP4" }, signature, hex("21 12 00 0c"), addresses4);
  accepts({ version: 2, ...tcp6, family: "UDP6" }, signature, hex("21 22 00 24"), addresses6);
  const paths = new Array<number>(216).fill(0x2f);
  const noop = [{ type: 4, value: [] }];
  for (const family of [0x31, 0x32]) {
    const fixed = [...signature, 0x21, family];
    accepts({ version: 2, family: "UNIX" }, fixed, hex("00 d8"), paths);
    accepts({ version: 2, family: "UNIX", tlvs: noop }, fixed, hex("00 db"), paths, hex("04 00 00"));
    refuses("SEC-PRX-06", 14, fixed, hex("00 d7"), paths);
  }
});

test("SEC-PRX-05 every other version or command of v2 is refused", () => {
  for (let octet = 0; octet < 256; octet++) {
    if (octet === 0x20 || octet === 0x21) continue;
    refuses("SEC-PRX-05", 12, signature, [octet, 0x11, 0x00, 0x0c]);
  }
});

test("SEC-PRX-05 all of the declared length is skipped, and what follows belongs to the next protocol", () => {
  const junk = Array.from({ length: 300 }, (_, at) => at & 0xff);
  accepts({ version: 2, command: "LOCAL" }, signature, hex("20 00 01 2c"), junk);
  accepts({ version: 2 }, signature, hex("21 00 01 2c"), junk);
  waits(signature, hex("20 00 01 2c"), junk.slice(1));
  waits(signature, hex("21 11 00 0c"), addresses4.slice(1));
});

test("SEC-PRX-06 other families, other protocols and addresses cut short are refused in v2", () => {
  for (let octet = 0; octet < 256; octet++) {
    if (octet >> 4 <= 3 && (octet & 0xf) <= 2) continue;
    refuses("SEC-PRX-06", 13, signature, [0x21, octet, 0x00, 0x24]);
  }
  refuses("SEC-PRX-06", 14, signature, hex("21 11 00 0b"), addresses4);
  refuses("SEC-PRX-06", 14, signature, hex("21 12 00 00"), addresses4);
  refuses("SEC-PRX-06", 14, signature, hex("21 21 00 23"), addresses6);
  refuses("SEC-PRX-06", 14, signature, hex("21 22 00 0c"), addresses6);
});

test("SEC-PRX-07 LOCAL names no client, whatever its family and block", () => {
  const expected = { version: 2, command: "LOCAL" } as const;
  accepts(expected, signature, hex("20 00 00 00"));
  accepts(expected, signature, hex("20 11 00 0c"), addresses4);
  accepts(expected, signature, hex("20 11 00 01"), [0xff]);
  accepts(expected, signature, hex("20 ff 00 03"), hex("03 00 04"));
});

test("SEC-PRX-07 UNSPEC with PROXY names no client, nor does half a family", () => {
  for (const family of [0x00, 0x01, 0x02, 0x10, 0x20, 0x30]) {
    accepts({ version: 2 }, signature, [0x21, family, 0x00, 0x00]);
    accepts({ version: 2 }, signature, [0x21, family, 0x00, 0x0c], addresses4);
  }
});

test("SEC-PRX-09 TLVs are given in their order, known or not, and the authority by itself", () => {
  accepts(
    {
      version: 2,
      ...tcp4,
      authority: "mail.example.com",
      tlvs: [
        { type: 4, value: [0, 0] },
        { type: 2, value: Array.from(ascii("mail.example.com")) },
      ],
    },
    ...withTlvs(tlv(0x04, [0, 0]), tlv(0x02, "mail.example.com")),
  );
  accepts(
    {
      version: 2,
      ...tcp4,
      tlvs: [
        { type: 0xe0, value: [] },
        { type: 0x01, value: [0x73] },
        { type: 0xff, value: [0xff] },
        { type: 0xe0, value: [0] },
      ],
    },
    ...withTlvs(tlv(0xe0, []), tlv(0x01, "s"), tlv(0xff, [0xff]), tlv(0xe0, [0])),
  );
});

test("SEC-PRX-09 a TLV that exceeds the header is refused", () => {
  refuses("SEC-PRX-09", 28, ...withTlvs([0x04]));
  refuses("SEC-PRX-09", 28, ...withTlvs([0x04, 0x00]));
  refuses("SEC-PRX-09", 28, ...withTlvs([0x04, 0x00, 0x01]));
  refuses("SEC-PRX-09", 33, ...withTlvs(tlv(0x04, [0, 0]), [0xee, 0xff, 0xff, 0x00]));
});

test("SEC-PRX-09 a unique id has 128 octets at most", () => {
  const id = new Array<number>(128).fill(7);
  accepts({ version: 2, ...tcp4, tlvs: [{ type: 5, value: id }] }, ...withTlvs(tlv(0x05, id)));
  refuses("SEC-PRX-09", 31, ...withTlvs(tlv(0x05, [...id, 7])));
});

test("SEC-PRX-09 TLS that the proxy has ended is told of", () => {
  const within = [...tlv(0x21, "TLSv1.3"), ...tlv(0x22, "Zoë"), ...tlv(0x23, "AES"), ...tlv(0x2f, [1])];
  const tls = { version: "TLSv1.3", cipher: "AES", commonName: "Zoë", verified: false };
  const each = [
    { value: [0x01, 0, 0, 0, 0], expected: { ...tls, version: null, cipher: null, commonName: null } },
    { value: [0x01, 0, 0, 0, 0, ...within], expected: tls },
    { value: [0x03, 0, 0, 0, 0, ...within], expected: { ...tls, verified: true } },
    { value: [0x05, 0, 0, 0, 0, ...within], expected: { ...tls, verified: true } },
    { value: [0x07, 0, 0, 0, 1, ...within], expected: tls },
    { value: [0x00, 0, 0, 0, 1, ...within], expected: null },
  ];
  for (const { value, expected } of each) {
    accepts(
      { version: 2, ...tcp4, tls: expected, tlvs: [{ type: 0x20, value }] },
      ...withTlvs(tlv(0x20, value)),
    );
  }
});

test("SEC-PRX-09 TLS without its first 5 octets, or with a TLV that exceeds it, is refused", () => {
  refuses("SEC-PRX-09", 31, ...withTlvs(tlv(0x20, [1, 0, 0, 0])));
  refuses("SEC-PRX-09", 36, ...withTlvs(tlv(0x20, [1, 0, 0, 0, 0, 0x21, 0x00, 0x01]), tlv(0x04, [0, 0])));
});

test("text of a TLV that is not UTF-8, or has controls in it, is not told", () => {
  const values = [
    "a\r\nb",
    "a\0",
    "a\x7f",
    [0xc2, 0x85],
    [0xff],
    [0xc0, 0x80],
    [0xe2, 0x80, 0xa8],
    [0xed, 0xa0, 0x80],
  ];
  for (const value of values) {
    const octets = typeof value === "string" ? Array.from(ascii(value)) : value;
    accepts({ version: 2, ...tcp4, tlvs: [{ type: 2, value: octets }] }, ...withTlvs(tlv(0x02, octets)));
  }
});

test("SEC-PRX-10 a checksum is compared", () => {
  const good = [0x8b, 0x1d, 0xce, 0x42];
  accepts({ version: 2, ...tcp4, tlvs: [{ type: 3, value: good }] }, ...withTlvs(tlv(0x03, good)));
  for (let bit = 0; bit < 32; bit++) {
    const bad = good.map((octet, at) => (at === bit >> 3 ? octet ^ (1 << (bit & 7)) : octet));
    refuses("SEC-PRX-10", 31, ...withTlvs(tlv(0x03, bad)));
  }
  const header = join(...withTlvs(tlv(0x03, good)));
  for (const at of [16, 20, 24, 27]) {
    const changed = Array.from(header, (octet, index) => (index === at ? octet ^ 1 : octet));
    refuses("SEC-PRX-10", 31, changed);
  }
});

test("SEC-PRX-10 a checksum of another length, or a second one, is refused", () => {
  refuses("SEC-PRX-10", 31, ...withTlvs(tlv(0x03, [0x8b, 0x1d, 0xce])));
  refuses("SEC-PRX-10", 31, ...withTlvs(tlv(0x03, [])));
  // The first is right for the header with both.
  const zero = join(...withTlvs(tlv(0x03, [0, 0, 0, 0]), tlv(0x03, [0, 0, 0, 0])));
  const right = checksum(zero);
  refuses("SEC-PRX-10", 38, ...withTlvs(tlv(0x03, right), tlv(0x03, [0, 0, 0, 0])));
  // Each is right, for the header with the other.
  const both = [tlv(0x03, [0x34, 0xc8, 0xca, 0xc3]), tlv(0x03, [0xc4, 0x10, 0xe0, 0x4f])];
  expect(new ProxyReader().read(join(...withTlvs(...both)))).toMatchObject({ rule: "SEC-PRX-10", at: 38 });
});

test("L-LEN-19 a v2 header of the greatest length is read", () => {
  const value = new Array<number>(65535 - 12 - 3).fill(0xaa);
  accepts({ version: 2, ...tcp4, tlvs: [{ type: 0xee, value }] }, ...withTlvs(tlv(0xee, value)));
});

test("L-LEN-19 no more is held than has come, however much is declared", () => {
  const reader = new ProxyReader();
  expect(reader.read(join(signature, hex("21 11 ff ff"), addresses4))).toBeNull();
  expect(reader.held()).toEqual(join(signature, hex("21 11 ff ff"), addresses4));
});

test("SEC-PRX-03 SEC-PRX-04 SEC-PRX-05 SEC-PRX-06 SEC-PRX-09 SEC-PRX-10 L-LEN-18 each fault has its rule and place, whole and in octets", () => {
  const fixed = (text: string) => join(signature, hex(text));
  const fields = (...tlvs: (readonly number[])[]) => join(...withTlvs(...tlvs));
  const faults: [string, number, Uint8Array][] = [
    ["SEC-PRX-03", 0, ascii("EHLO")],
    ["SEC-PRX-03", 3, ascii("PROxY TCP4")],
    ["SEC-PRX-03", 11, join(signature.slice(0, 11), [0x0d])],
    ["SEC-PRX-04", 13, ascii("PROXY UNKNOWN\n")],
    ["SEC-PRX-04", 6, ascii("PROXY UDP4 192.0.2.1 198.51.100.7 1 2\r\n")],
    ["SEC-PRX-04", 35, ascii("PROXY TCP4 192.0.2.1 198.51.100.7 1\r\n")],
    ["SEC-PRX-04", 11, ascii("PROXY TCP4 192.0.2 198.51.100.7 1 2\r\n")],
    ["SEC-PRX-04", 21, ascii("PROXY TCP4 192.0.2.1 198.51.100 1 2\r\n")],
    ["SEC-PRX-04", 34, ascii("PROXY TCP4 192.0.2.1 198.51.100.7 x 2\r\n")],
    ["SEC-PRX-04", 36, ascii("PROXY TCP4 192.0.2.1 198.51.100.7 1 x\r\n")],
    ["L-LEN-18", 106, ascii(`PROXY TCP4 ${"1".repeat(96)}\r\n`)],
    ["L-LEN-18", 106, ascii(`PROXY UNKNOWN ${"\n".repeat(93)}\r\n`)],
    ["SEC-PRX-05", 12, fixed("11 11 00 0c")],
    ["SEC-PRX-05", 12, fixed("22 11 00 0c")],
    ["SEC-PRX-06", 13, fixed("21 41 00 24")],
    ["SEC-PRX-06", 13, fixed("21 f1 00 24")],
    ["SEC-PRX-06", 13, fixed("21 13 00 24")],
    ["SEC-PRX-06", 14, fixed("21 11 00 0b")],
    ["SEC-PRX-06", 14, fixed("21 22 00 23")],
    ["SEC-PRX-06", 14, fixed("21 32 00 d7")],
    ["SEC-PRX-09", 28, fields([0x04, 0x00])],
    ["SEC-PRX-09", 28, fields([0x04, 0x00, 0x01])],
    ["SEC-PRX-09", 31, fields(tlv(0x05, new Array<number>(129).fill(7)))],
    ["SEC-PRX-09", 31, fields(tlv(0x20, [1, 0, 0, 0]))],
    ["SEC-PRX-09", 36, fields(tlv(0x20, [1, 0, 0, 0, 0, 0x21, 0x00, 0x01]), tlv(0x04, [0, 0]))],
    ["SEC-PRX-10", 31, fields(tlv(0x03, [0x8b, 0x1d, 0xce]))],
    ["SEC-PRX-10", 31, fields(tlv(0x03, [0x8b, 0x1d, 0xce, 0x43]))],
    ["SEC-PRX-10", 31, fields(tlv(0x03, [0, 0, 0, 0]))],
    ["SEC-PRX-10", 38, fields(tlv(0x03, checksum(fields(tlv(3, [0, 0, 0, 0]), tlv(3, [9])))), tlv(3, [9]))],
  ];
  for (const [rule, at, octets] of faults) {
    for (const step of [octets.length, 1, 7]) {
      const reader = new ProxyReader();
      let result: ProxyHeader | ProxyFault | null = null;
      for (let from = 0; from < octets.length && result === null; from += step)
        result = reader.read(octets.subarray(from, from + step));
      expect([step, result]).toMatchObject([step, { rule, at }]);
      expect(reader.read(octets)).toBe(result);
      expect(reader.taken).toBe(0);
    }
  }
});

test("SEC-PRX-06 the family is told of a UNIX socket, by stream and by datagram, and its paths are not", () => {
  const paths = new Array<number>(216).fill(0x2f);
  for (const [family, name] of [
    [0x31, "UNIX"],
    [0x32, "UNIX"],
  ] as const) {
    const octets = join(signature, [0x21, family], hex("00 d8"), paths);
    expect(new ProxyReader().read(octets)).toEqual({ ...bare, version: 2, family: name });
  }
  for (const [family, name, block] of [
    [0x11, "TCP4", addresses4],
    [0x21, "TCP6", addresses6],
    [0x12, "UDP4", addresses4],
    [0x22, "UDP6", addresses6],
  ] as const) {
    const octets = join(signature, [0x21, family, 0, block.length], block);
    expect(new ProxyReader().read(octets)).toMatchObject({ version: 2, family: name, command: "PROXY" });
  }
});

test("SEC-PRX-09 SEC-PRX-10 a unique id of 128 octets is read, and a checksum of five never, though four are right", () => {
  const id = new Array<number>(128).fill(7);
  const read = (...tlvs: (readonly number[])[]) => new ProxyReader().read(join(...withTlvs(...tlvs)));
  expect(read(tlv(0x05, id))).toMatchObject({ ...tcp4, tlvs: [{ type: 5, value: id }] });
  const right = checksum(join(...withTlvs(tlv(0x03, [0, 0, 0, 0, 9]))));
  expect(read(tlv(0x03, [...right, 9]))).toMatchObject({ rule: "SEC-PRX-10", at: 31 });
  expect(read(tlv(0x02, [0xff]))).toMatchObject({ authority: null });
});

test("L-LEN-19 what is held grows with what has come, and never beyond what is declared", () => {
  for (const [length, pieces] of [
    [300, [16, 100, 100, 100]],
    [300, [16, 60, 32, 1, 300]],
    [95, [10, 90]],
    [91, [10, 97]],
  ] as const) {
    const whole = join(
      signature,
      [0x21, 0x00, length >> 8, length & 0xff],
      new Array<number>(length).fill(7),
    );
    const reader = new ProxyReader();
    let at = 0;
    for (const piece of pieces) {
      const result = reader.read(whole.subarray(at, at + piece));
      at = Math.min(whole.length, at + piece);
      expect(reader.held()).toEqual(whole.subarray(0, at));
      expect(result).toEqual(at < whole.length ? null : { ...bare, version: 2 });
    }
  }
});

test("no octets make the reader throw, and their pieces make no difference", () => {
  const octets = fc.array(fc.nat(255), { maxLength: 80 });
  const begin = fc.constantFrom(
    [],
    Array.from(ascii("PROXY ")),
    Array.from(ascii("PROXY TCP4 1.1.1.1 ")),
    signature,
    [...signature, 0x21],
    [...signature, 0x21, 0x11, 0x00, 0x20, ...addresses4],
    [...signature, 0x21, 0x11, 0x00, 0x20, ...addresses4, 0x20, 0x00, 0x11, 0x01],
  );
  fc.assert(
    fc.property(begin, octets, fc.array(fc.nat(120), { maxLength: 6 }), (begin, rest, cuts) => {
      const input = Uint8Array.from([...begin, ...rest]);
      const whole = new ProxyReader();
      const result = whole.read(input);
      const pieces = new ProxyReader();
      const places = [...cuts.sort((a, b) => a - b), input.length];
      let from = 0;
      let taken = 0;
      for (const to of places) {
        pieces.read(input.subarray(from, to));
        taken += pieces.taken;
        from = Math.max(from, to);
      }
      expect(pieces.read(new Uint8Array(0))).toEqual(result);
      expect(taken).toBe(whole.taken);
    }),
    { numRuns: 2000 },
  );
});

function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function hex(text: string): number[] {
  return text.split(" ").map((octet) => Number.parseInt(octet, 16));
}

function join(...parts: (string | ArrayLike<number>)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => Array.from(typeof part === "string" ? ascii(part) : part)));
}

/** Type, length, value; text as UTF-8. */
function tlv(type: number, value: string | readonly number[]): number[] {
  const octets = typeof value === "string" ? Array.from(new TextEncoder().encode(value)) : value;
  return [type, octets.length >> 8, octets.length & 0xff, ...octets];
}

/** A v2 header of TCP over IPv4 with octets behind its addresses. */
function withTlvs(...tlvs: (readonly number[])[]): (readonly number[])[] {
  const length = tlvs.reduce((sum, each) => sum + each.length, addresses4.length);
  return [signature, [0x21, 0x11, length >> 8, length & 0xff], addresses4, ...tlvs];
}

/** CRC-32C bit by bit, big-endian: slow, and not the code that is tested. */
function checksum(octets: Uint8Array): number[] {
  let remainder = 0xffffffff;
  for (const octet of octets) {
    for (let bit = 0; bit < 8; bit++) {
      const feedback = (remainder ^ (octet >> bit)) & 1;
      remainder = (remainder >>> 1) ^ (feedback === 1 ? 0x82f63b78 : 0);
    }
  }
  const value = ~remainder >>> 0;
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

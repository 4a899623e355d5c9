import { UsageError } from "@sansmtp/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatIpv4, formatIpv6 } from "../../packages/core/src/wire/address.ts";
import { ProxyReader } from "../../packages/core/src/wire/proxy.ts";
import { formatProxyHeader, type ProxyStatement } from "../../packages/core/src/wire/proxy-format.ts";

const source = { address: "192.0.2.1", port: 56324 };
const destination = { address: "198.51.100.7", port: 25 };
const source6 = { address: "2001:DB8:0:0::1", port: 40000 };
const destination6 = { address: "2001:db8::25", port: 587 };

describe("formatProxyHeader", () => {
  test("SEC-PRX-04 writes version 1 as a line", () => {
    expect(text({ version: 1, source, destination })).toBe("PROXY TCP4 192.0.2.1 198.51.100.7 56324 25\r\n");
    expect(text({ version: 1, source: source6, destination: destination6 })).toBe(
      "PROXY TCP6 2001:db8::1 2001:db8::25 40000 587\r\n",
    );
  });

  test("SEC-PRX-05 SEC-PRX-08 writes version 2 in octets", () => {
    expect(hex({ version: 2, source, destination })).toBe(
      `${signature} 21 11 00 0c c0 00 02 01 c6 33 64 07 dc 04 00 19`,
    );
    expect(hex({ version: 2, source: source6, destination: destination6 })).toBe(
      `${signature} 21 21 00 24 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 ` +
        "20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 25 9c 40 02 4b",
    );
    const tlvs = [{ type: 0x02, value: [0x61, 0x2e, 0x62] }];
    expect(hex({ version: 2, source, destination, tlvs })).toBe(
      `${signature} 21 11 00 12 c0 00 02 01 c6 33 64 07 dc 04 00 19 02 00 03 61 2e 62`,
    );
  });

  test("SEC-PRX-13 says LOCAL of a proxy that stands for nobody, UNKNOWN only where there is no other word", () => {
    const nobody = { source: null, destination: null };
    expect(hex({ version: 2, ...nobody })).toBe(`${signature} 20 00 00 00`);
    expect(text({ version: 1, ...nobody })).toBe("PROXY UNKNOWN\r\n");
  });

  test.each<[string, Partial<ProxyStatement>]>([
    ["version", { version: 3 as 2 }],
    ["go together", { source: null }],
    ["go together", { destination: null }],
    ["two families", { source: source6 }],
    ["address", { source: { address: "mail.example.com", port: 25 } }],
    ["address", { source: { address: "192.0.2.1 ", port: 25 } }],
    ["address", { source: { address: "[2001:db8::1]", port: 25 } }],
    ["address", { source: { address: "fe80::1%eth0", port: 25 } }],
    ["port", { source: { ...source, port: 65536 } }],
    ["port", { source: { ...source, port: -1 } }],
    ["port", { destination: { ...destination, port: 2.5 } }],
    ["port", { destination: { ...destination, port: Number.NaN } }],
    ["version 1", { version: 1, tlvs: [{ type: 4, value: [] }] }],
    ["without addresses", { source: null, destination: null, tlvs: [{ type: 4, value: [] }] }],
    ["octet", { tlvs: [{ type: 256, value: [] }] }],
    ["octet", { tlvs: [{ type: 4, value: [-1] }] }],
    ["65536 octets", { tlvs: [{ type: 4, value: new Array<number>(65521).fill(0) }] }],
  ])("takes no %s that cannot be: %j", (message, wrong) => {
    const said = { version: 2 as const, source, destination, ...wrong };
    expect(() => formatProxyHeader(said)).toThrow(UsageError);
    expect(() => formatProxyHeader(said)).toThrow(message);
  });

  test("takes every octet, 0 and 255 among them", () => {
    const tlvs = [
      { type: 0, value: [0, 255] },
      { type: 255, value: [] },
    ];
    expect(hex({ version: 2, source, destination, tlvs })).toMatch(/ 00 00 02 00 ff ff 00 00$/);
  });

  test("takes the most that a header can hold", () => {
    const tlvs = [{ type: 4, value: new Array<number>(65520).fill(7) }];
    const octets = formatProxyHeader({ version: 2, source, destination, tlvs });
    expect(octets).toHaveLength(16 + 65535);
    expect(new ProxyReader().read(octets)).toMatchObject({ tlvs });
  });

  test("SEC-PRX-04 SEC-PRX-05 writes what is read back the same, and nothing more", () => {
    fc.assert(
      fc.property(statements, (said) => {
        const octets = formatProxyHeader(said);
        const reader = new ProxyReader();
        const header = reader.read(octets);
        const { version, source, destination, tlvs = [] } = said;
        expect(header).toMatchObject({ version, source, destination, tlvs });
        expect(reader.taken).toBe(octets.length);
        // What was read is passed on octet for octet.
        if (header === null || "rule" in header) throw new Error("no header");
        expect(formatProxyHeader(header)).toEqual(octets);
      }),
    );
  });
});

const octets = (length: number) => fc.array(fc.nat(255), { minLength: length, maxLength: length });
const port = fc.nat(65535);
const endpoints = (address: fc.Arbitrary<string>) =>
  fc.record({
    source: fc.record({ address, port }),
    destination: fc.record({ address, port }),
  });
// The other types have a form that is checked, or a checksum.
const tlv = fc.record({
  type: fc.constantFrom(0x01, 0x02, 0x04, 0x30, 0xe0, 0xff),
  value: fc.array(fc.nat(255)),
});
const someEndpoints = fc.oneof(
  endpoints(octets(4).map(formatIpv4)),
  endpoints(octets(16).map((each) => formatIpv6(each))),
);
const statements: fc.Arbitrary<ProxyStatement> = fc.oneof(
  someEndpoints.map((ends) => ({ version: 1 as const, ...ends })),
  fc.record({ ends: someEndpoints, tlvs: fc.array(tlv) }).map(({ ends, tlvs }) => ({
    version: 2 as const,
    ...ends,
    tlvs,
  })),
  fc.constantFrom(1 as const, 2 as const).map((version) => ({ version, source: null, destination: null })),
);

const signature = "0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a";

function text(said: ProxyStatement): string {
  return Buffer.from(formatProxyHeader(said)).toString("latin1");
}

function hex(said: ProxyStatement): string {
  return Array.from(formatProxyHeader(said), (octet) => octet.toString(16).padStart(2, "0")).join(" ");
}

import { describe, expect, test } from "vitest";
import { formatDomain, parseDomain, sameDomain } from "../../packages/core/src/syntax/domain.ts";
import { formatMailbox, isLocal, parseAddress, sameMailbox } from "../../packages/core/src/syntax/path.ts";
import { type Given, readPath, refusedBy, sides } from "./arguments.ts";

describe("lenient options", () => {
  test.each<[string, Given["lenient"], string, string, string]>([
    ["dots", { dots: true }, "<.a@example.com>", ".a", '".a"@example.com'],
    ["dots", { dots: true }, "<a.@example.com>", "a.", '"a."@example.com'],
    ["dots", { dots: true }, "<a..b@example.com>", "a..b", '"a..b"@example.com'],
    ["bareAddress", { bareAddress: true }, "a@example.com", "a", "a@example.com"],
    ["bareAddress", { bareAddress: true }, '"a b"@example.com', "a b", '"a b"@example.com'],
    ["trailingDot", { trailingDot: true }, "<a@example.com.>", "a", "a@example.com"],
    ["underscore", { underscore: true }, "<a@my_host.example.com>", "a", "a@my_host.example.com"],
    ["mixedQuoting", { mixedQuoting: true }, '<"a b".c@example.com>', "a b.c", '"a b.c"@example.com'],
    ["mixedQuoting", { mixedQuoting: true }, '<a."b"@example.com>', "a.b", "a.b@example.com"],
  ])(
    "S-ADDR-12 S-MAIL-10 %s is off by default and by itself lets %j in: %s",
    (name, lenient, text, local, address) => {
      for (const side of sides) {
        expect(readPath(text, side, { lenient })).toMatchObject({ raw: text, local, address });
      }
      const others = {
        dots: true,
        bareAddress: true,
        trailingDot: true,
        underscore: true,
        mixedQuoting: true,
      };
      refusedBy("S-ADDR-01", text);
      refusedBy("S-ADDR-01", text, { lenient: { ...others, [name]: false } });
    },
  );

  test("S-ADDR-12 leniency has its bounds", () => {
    refusedBy("S-ADDR-01", "<a@example.com..>", { lenient: { trailingDot: true } });
    refusedBy("S-ADDR-01", "<a@.>", { lenient: { trailingDot: true } });
    refusedBy("S-ADDR-01", '<"a"b@example.com>', { lenient: { mixedQuoting: true } });
    refusedBy("S-ADDR-01", "<@example.com>", { lenient: { dots: true } });
    refusedBy("S-ADDR-01", "<a@example.com", { lenient: { bareAddress: true } });
    refusedBy("S-ADDR-01", "", { lenient: { bareAddress: true } });
  });

  test("S-ADDR-12 with a trailing dot or without, it is the same domain", () => {
    const path = readPath("<a@example.com.>", "forward", { lenient: { trailingDot: true } });
    expect(path !== null && isLocal(path, ["example.com"])).toBe(true);
  });
});

describe("addresses for callers", () => {
  const read = (text: string) => {
    const mailbox = parseAddress(text, { utf8: true });
    if (mailbox === null) throw new Error(`not an address: ${text}`);
    return mailbox;
  };

  test.each([
    ["S-ADDR-02", "a.b@example.com", '"a.b"@example.com', true],
    ["S-ADDR-02", "a.b@example.com", '"a\\.b"@example.com', true],
    ["S-LINE-04", "a@example.com", "a@EXAMPLE.Com", true],
    ["S-LINE-04", "a@example.com", "A@example.com", false],
    ["S-LINE-04", "a@[IPv6:2001:DB8::1]", "a@[ipv6:2001:db8:0::1]", true],
    ["S-LINE-04", "a@[192.0.2.1]", "a@[192.0.2.001]", true],
    ["S-LINE-04", "a@[192.0.2.1]", "a@192.0.2.1", false],
    ["S-LINE-04", "a@[192.0.2.1]", "a@[IPv6:::ffff:192.0.2.1]", false],
    ["S-LINE-04", "a@example.com", "a@example.org", false],
    ["S-LINE-04", "a@É.example", "a@é.example", false],
  ])("%s %s and %s: the same is %s", (_id, one, other, same) => {
    expect(sameMailbox(read(one), read(other))).toBe(same);
    expect(sameMailbox(read(other), read(one))).toBe(same);
  });

  test("S-RCPT-03 Postmaster without domain is the same in any case, and nobody with a domain", () => {
    const one = { local: "Postmaster", domain: null };
    expect(sameMailbox(one, { local: "postMASTER", domain: null })).toBe(true);
    expect(sameMailbox(one, read("Postmaster@example.com"))).toBe(false);
    expect(formatMailbox(one)).toBe("Postmaster");
  });

  test.each([
    "",
    "a",
    "@b",
    "a@",
    "<a@b>",
    "a@b ",
    " a@b",
    "a@b\r\n",
    "a\0@b",
    "a@b>",
    '"a\r\n"@b',
    "a@b@c",
    "a@é",
  ])("G12 %j is no address", (text) => {
    expect(parseAddress(text)).toBeNull();
  });

  test("UTF-8 is read on demand", () => {
    expect(parseAddress("jürgen@münchen.example")).toBeNull();
    expect(read("jürgen@münchen.example")).toEqual({
      local: "jürgen",
      domain: { kind: "name", text: "münchen.example" },
    });
  });

  test.each([
    ["S-RCPT-03", "postmaster@Example.COM", true],
    ["S-RCPT-03", "POSTMASTER@example.com", true],
    ["S-ADDR-09", "postmaster@[192.0.2.1]", true],
    ["S-ADDR-09", "x@[192.0.2.001]", true],
    ["S-ADDR-09", "x@[IPv6:2001:DB8:0:0::1]", true],
    ["S-ADDR-09", "x@[192.0.2.2]", false],
    ["S-ADDR-09", "x@192.0.2.1", false],
    ["S-ADDR-09", "x@[IPv6:2001:db8::2]", false],
    ["S-ADDR-14", "x%example.com@example.org", false],
    ["S-ADDR-04", '"x@example.com"@example.org', false],
    ["S-ADDR-01", "x@sub.example.com", false],
    ["S-ADDR-01", "x@example.com.example.org", false],
  ])("%s %s is ours: %s", (_id, text, ours) => {
    expect(isLocal(read(text), ["example.com", "[192.0.2.1]", "[IPv6:2001:db8::1]"])).toBe(ours);
  });
});

test("of ours may be names in any script, or with what is tolerated in them, but for a dot behind", () => {
  const of = (text: string) => ({ local: "x", domain: { kind: "name" as const, text } });
  expect(isLocal(of("MÜNCHEN.example"), ["mÜnchen.example"])).toBe(true);
  expect(isLocal(of("a_b.example"), ["a_b.example"])).toBe(true);
  expect(isLocal(of("example.com"), ["example.com."])).toBe(false);
});

describe("domains for callers", () => {
  test.each([
    ["mx.Example.com", "mx.Example.com"],
    ["[192.0.2.1]", "[192.0.2.1]"],
    ["[ipv6:2001:DB8::1]", "[IPv6:2001:db8::1]"],
    ["[tag:x]", "[tag:x]"],
  ])("%s is written %s", (text, written) => {
    const domain = parseDomain(text);
    if (domain === null) throw new Error("not read");
    expect(formatDomain(domain)).toBe(written);
    expect(parseDomain(written)).toEqual(domain);
    expect(sameDomain(domain, domain)).toBe(true);
  });

  test.each([
    "",
    ".",
    "a.",
    "a b",
    "a_b",
    "münchen.example",
    "[1.2.3.4",
    "a\r\n",
    "a]",
    "d".repeat(64),
    "d.".repeat(200),
  ])("%j is no domain", (text) => {
    expect(parseDomain(text)).toBeNull();
  });

  test("S-LINE-04 domains compare without regard to the case of ASCII letters", () => {
    const domain = (text: string) => {
      const read = parseDomain(text, { utf8: true, underscore: false, trailingDot: false });
      if (read === null) throw new Error("not read");
      return read;
    };
    expect(sameDomain(domain("EXAMPLE.com"), domain("example.COM"))).toBe(true);
    expect(sameDomain(domain("[tag:X]"), domain("[TAG:x]"))).toBe(true);
    expect(sameDomain(domain("[192.0.2.1]"), domain("[192.0.2.2]"))).toBe(false);
    // U+212A, the Kelvin sign, folds to k in Unicode.
    expect(sameDomain(domain("\u212a.example"), domain("k.example"))).toBe(false);
  });
});

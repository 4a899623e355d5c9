import { describe, expect, test } from "vitest";
import { parseDomain } from "../../packages/core/src/syntax/domain.ts";
import { formatMailbox, isLocal, parseAddress, sameMailbox } from "../../packages/core/src/syntax/path.ts";
import { type Given, octets, pathFault, readPath, refusedBy, said, sides, wrongPath } from "./arguments.ts";

describe("paths", () => {
  test.each([
    ["S-ADDR-01", "<a@example.com>", "a", "a@example.com"],
    ["S-ADDR-01 S-LINE-04", "<A.B+c@Example.COM>", "A.B+c", "A.B+c@Example.COM"],
    ["S-ADDR-01 S-ADDR-03", '<"a b"@example.com>', "a b", '"a b"@example.com'],
    ["S-ADDR-01 S-ADDR-03", '<"Joe\\,Smith"@example.com>', "Joe,Smith", '"Joe,Smith"@example.com'],
    ["S-ADDR-02 S-ADDR-03", '<"a\\.b"@example.com>', "a.b", "a.b@example.com"],
    ["S-ADDR-02 S-ADDR-03", '<"a.b"@example.com>', "a.b", "a.b@example.com"],
    ["S-ADDR-04", '<"a@b>c"@example.com>', "a@b>c", '"a@b>c"@example.com'],
    ["S-ADDR-04", '<"<a@b>, c:d"@example.com>', "<a@b>, c:d", '"<a@b>, c:d"@example.com'],
    ["S-ADDR-04", '<"> SIZE=1"@example.com>', "> SIZE=1", '"> SIZE=1"@example.com'],
    ["S-ADDR-03", '<"\\"\\\\\\a"@example.com>', '"\\a', '"\\"\\\\a"@example.com'],
    ["S-ADDR-01", '<""@example.com>', "", '""@example.com'],
    ["S-ADDR-01 S-ADDR-03", '<".a"@example.com>', ".a", '".a"@example.com'],
    ["S-ADDR-01", '<" "@example.com>', " ", '" "@example.com'],
    [
      "S-ADDR-01",
      "<!#$%&'*+-/=?^_`{|}~@example.com>",
      "!#$%&'*+-/=?^_`{|}~",
      "!#$%&'*+-/=?^_`{|}~@example.com",
    ],
    ["S-ADDR-14", "<a%b.example@example.com>", "a%b.example", "a%b.example@example.com"],
    ["S-ADDR-14", "<b.example!a@example.com>", "b.example!a", "b.example!a@example.com"],
    ["S-ADDR-01", "<user@localhost>", "user", "user@localhost"],
    ["S-ADDR-01", "<user@192.0.2.1>", "user", "user@192.0.2.1"],
    ["S-ADDR-01", "<1@2.3>", "1", "1@2.3"],
    ["S-ADDR-01", "<a@x--y.xn--mnchen-3ya>", "a", "a@x--y.xn--mnchen-3ya"],
  ])("%s %s is %j", (_id, text, local, address) => {
    for (const side of sides) {
      const path = readPath(text, side);
      expect(path).toMatchObject({ raw: text, local, address, route: [], utf8: false });
      expect(path === null ? "" : formatMailbox(path)).toBe(address);
      expect(readPath(`<${address}>`, side)).toMatchObject({ local, address });
    }
  });

  test.each([
    "<user@example.com.>",
    "<user@-a.example>",
    "<user@a-.example>",
    "<user@a_b.example>",
    "<user@a..b>",
    "<user@.b>",
    "<user@>",
    "<user@a b>",
    "<user@ a>",
    "<.a@example.com>",
    "<a.@example.com>",
    "<a..b@example.com>",
    "<.@example.com>",
    '<"a"b@example.com>',
    '<a"b"@example.com>',
    '<"a"."b"@example.com>',
    '<a."b"@example.com>',
    "<a b@example.com>",
    "<a@b@c.example>",
    "<a\\@b@c.example>",
    "<a(comment)@example.com>",
    "<a@example.com",
    "a@example.com",
    "a@example.com>",
    "< a@example.com>",
    "<a@example.com >",
    "<<a@example.com>>",
    "<",
    ">",
    "",
    "< >",
    "<@>",
    "<@example.com>",
    "<user>",
    '<"a@example.com>',
    '<"a\\"@example.com>',
    '<"a\\',
    '<"a"',
    '<"',
    '<"Postmaster">',
    "<user@#123>",
  ])("S-ADDR-01 S-MAIL-08 %s is refused", (text) => {
    refusedBy("S-ADDR-01", text);
  });

  test("S-ADDR-05 no control octet is in an address, quoted or not", () => {
    for (let octet = 0; octet < 0x100; octet++) {
      if (octet >= 0x20 && octet < 0x7f) continue;
      const char = octets(" ");
      char[0] = octet;
      for (const [before, behind] of [
        ["<a", "b@example.com>"],
        ['<"a', 'b"@example.com>'],
        ['<"a\\', '"@example.com>'],
        ["<a@example", ".com>"],
        ["<a@[1.2.3.4", "]>"],
      ]) {
        const bad = Uint8Array.from([...octets(before), ...char, ...octets(behind)]);
        for (const side of sides) expect(said(pathFault(bad, side))).toContain(wrongPath[side]);
        const allowed = pathFault(bad, "reverse", { utf8: "allowed" });
        expect(said(allowed)).toContain(wrongPath.reverse);
      }
    }
  });

  test("S-ADDR-01 no other octet than atext is in an atom, and none but it", () => {
    const atext = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~";
    for (let octet = 0x20; octet < 0x7f; octet++) {
      const char = String.fromCharCode(octet);
      const text = `<a${char}b@example.com>`;
      if (atext.includes(char) || char === ".") expect(readPath(text)?.local).toBe(`a${char}b`);
      else expect(said(pathFault(text))).toBe("S-ADDR-01 501 5.1.3");
      const quoted = `<"${char}"@example.com>`;
      if (char === '"' || char === "\\") expect(said(pathFault(quoted))).toBe("S-ADDR-01 501 5.1.3");
      else expect(readPath(quoted)?.local).toBe(char);
      expect(readPath(`<"\\${char}"@example.com>`)?.local).toBe(char);
    }
  });

  test("S-MAIL-01 S-MAIL-02 <> is the null reverse-path", () => {
    expect(readPath("<>", "reverse")).toBeNull();
  });

  test("S-RCPT-04 <> is no forward-path", () => {
    expect(said(pathFault("<>", "forward"))).toBe("S-RCPT-04 501 5.1.3");
  });

  test.each(["<Postmaster>", "<pOsTmAsTeR>", "<POSTMASTER>"])("S-RCPT-03 %s needs no domain", (text) => {
    const path = readPath(text, "forward");
    expect(path).toEqual({
      local: text.slice(1, -1),
      domain: null,
      raw: text,
      address: text.slice(1, -1),
      route: [],
      utf8: false,
    });
    expect(path !== null && isLocal(path, [])).toBe(true);
  });

  test("S-RCPT-03 nobody else lacks a domain, and Postmaster does in RCPT only", () => {
    for (const text of ["<Postmasters>", "<Postmaste>", "<Postmaster", "<Postmaster >"]) {
      expect(said(pathFault(text, "forward"))).toBe("S-ADDR-01 501 5.1.3");
    }
    expect(said(pathFault("<Postmaster>", "reverse"))).toBe("S-ADDR-01 501 5.1.7");
    expect(readPath("<Postmaster@example.com>")?.domain).toEqual({ kind: "name", text: "example.com" });
  });

  test.each([
    ["<@hub.example,@x.example:c@d.example>", ["hub.example", "x.example"]],
    ["<@hub.example:c@d.example>", ["hub.example"]],
    ["<@[192.0.2.1],@[IPv6:::1]:c@d.example>", ["[192.0.2.1]", "[IPv6:::1]"]],
  ])("S-MAIL-11 S-RCPT-05 S-ADDR-13 the route of %s is read and not used", (text, route) => {
    for (const side of sides) {
      const path = readPath(text, side);
      expect(path).toMatchObject({ raw: text, local: "c", address: "c@d.example", route });
      expect(path?.domain).toEqual({ kind: "name", text: "d.example" });
    }
  });

  test.each([
    "<@hub.example,c@d.example>",
    "<@hub.example c@d.example>",
    "<@hub.example:>",
    "<@hub.example,:c@d.example>",
    "<hub.example:c@d.example>",
    "<@:c@d.example>",
    "<@hub.example:@x.example:c@d.example>",
    "<@a_b.example:c@d.example>",
    "<@hub.example, @x.example:c@d.example>",
    "<@hub.example,@x.example",
  ])("S-MAIL-11 S-RCPT-05 %s is no route", (text) => {
    refusedBy("S-ADDR-01", text);
  });

  test("S-ADDR-13 what is parsed keeps raw text, unquoted local-part, literal and route", () => {
    const raw = '<@hub.example:"a\\ b"@[ipv6:2001:DB8::1]>';
    expect(readPath(raw)).toEqual({
      local: "a b",
      domain: {
        kind: "ipv6",
        text: "2001:db8::1",
        octets: [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
      },
      raw,
      address: '"a b"@[IPv6:2001:db8::1]',
      route: ["hub.example"],
      utf8: false,
    });
  });

  test("a fault says where in the line it is", () => {
    expect(pathFault("<a..b@example.com>").at).toBe(3);
    expect(pathFault("<a@b_c>").at).toBe(4);
    expect(pathFault("<a@b c>").at).toBe(4);
  });
});

describe("address literals", () => {
  test.each([
    ["S-ADDR-01", "[192.0.2.1]", "ipv4", "[192.0.2.1]"],
    ["S-ADDR-08", "[192.000.002.001]", "ipv4", "[192.0.2.1]"],
    ["S-ADDR-08", "[010.011.012.013]", "ipv4", "[10.11.12.13]"],
    ["S-ADDR-01", "[IPv6:2001:db8::1]", "ipv6", "[IPv6:2001:db8::1]"],
    ["S-ADDR-06", "[ipv6:::1]", "ipv6", "[IPv6:::1]"],
    ["S-ADDR-06", "[IPV6:2001:0DB8:0:0:0:0:0:A]", "ipv6", "[IPv6:2001:db8::a]"],
    ["S-ADDR-06", "[IPv6:1:0:0:2:0:0:0:3]", "ipv6", "[IPv6:1:0:0:2::3]"],
    ["S-ADDR-06", "[IPv6:1:0:0:2:3:0:0:4]", "ipv6", "[IPv6:1::2:3:0:0:4]"],
    ["S-ADDR-01", "[IPv6:::ffff:192.0.2.1]", "ipv6", "[IPv6:::ffff:192.0.2.1]"],
    ["S-ADDR-01", "[IPv6:1:2:3:4:5:6:192.0.2.1]", "ipv6", "[IPv6:1:2:3:4:5:6:c000:201]"],
    ["S-ADDR-01", "[IPv6:1::192.0.2.1]", "ipv6", "[IPv6:1::c000:201]"],
    ["S-ADDR-01", "[IPv6:::]", "ipv6", "[IPv6:::]"],
    ["S-ADDR-07", "[IPv6:1:2:3::5:6:7:8]", "ipv6", "[IPv6:1:2:3:0:5:6:7:8]"],
    ["S-ADDR-07", "[IPv6:1:2:3:4:5:6:7::]", "ipv6", "[IPv6:1:2:3:4:5:6:7:0]"],
  ])("%s user@%s is an %s literal, written %s", (_id, literal, kind, written) => {
    const path = readPath(`<user@${literal}>`);
    expect(path?.domain?.kind).toBe(kind);
    expect(path?.address).toBe(`user@${written}`);
    expect(path?.raw).toBe(`<user@${literal}>`);
  });

  test.each([
    "[256.0.0.1]",
    "[1.2.3]",
    "[1.2.3.4.5]",
    "[1.2.3.0004]",
    "[1.2.3.]",
    "[]",
    "[",
    "[192.0.2.1",
    "192.0.2.1]",
    "[[192.0.2.1]]",
    "[192.0.2.1].example",
    "[ 192.0.2.1]",
    "[192.0.2.1 ]",
    "[example.com]",
    "[IPv6:]",
    "[IPv6:1:2:3:4:5:6:7]",
    "[IPv6:1:2:3:4:5:6:7:8:9]",
    "[IPv6:1::2::3]",
    "[IPv6:12345::]",
    "[IPv6:::g]",
    "[IPv6:fe80::1%eth0]",
    "[IPv6:1.2.3.4]",
    "[IPv6:1:2:3:4:5:6:7:192.0.2.1]",
    "[IPv6]",
    "[:x]",
    "[tag:]",
    "[tag-:x]",
    "[t_g:x]",
    "[tag:a\\b]",
    "[tag:a[b]",
  ])("S-ADDR-01 user@%s is refused", (literal) => {
    refusedBy("S-ADDR-01", `<user@${literal}>`);
  });

  test.each(["[2001:db8::1]", "[tag:content]", "[x-y:!~]", "[IPv4:192.0.2.1]"])(
    "S-ADDR-10 user@%s has an unknown tag: it is read, and refused",
    (literal) => {
      refusedBy("S-ADDR-10", `<user@${literal}>`);
      expect(parseDomain(literal)).toMatchObject({ kind: "general", text: literal.slice(1, -1) });
    },
  );
});

describe("limits", () => {
  const label = "d".repeat(63);

  test("S-ADDR-11 L-LEN-01 a local-part of 64 octets is taken, one of 65 is too long", () => {
    expect(readPath(`<${"a".repeat(64)}@example.com>`)?.local).toHaveLength(64);
    refusedBy("S-ADDR-11", `<${"a".repeat(65)}@example.com>`);
    expect(pathFault(`<${"a".repeat(65)}@b>`).reply.lines).toEqual(["Path too long"]);
    expect(readPath(`<"${"a".repeat(62)}"@example.com>`)?.local).toHaveLength(62);
    refusedBy("S-ADDR-11", `<"${"a".repeat(63)}"@example.com>`);
  });

  test("S-ADDR-11 L-LEN-02 a domain of 255 octets is taken, one of 256 is too long", () => {
    const most = [label, label, label, label].join(".");
    const given = { limits: { path: 1000 } };
    expect(most).toHaveLength(255);
    expect(readPath(`<a@${most}>`, "forward", given)?.domain).toEqual({ kind: "name", text: most });
    refusedBy("S-ADDR-11", `<a@${label}.${label}.${label}.${"d".repeat(62)}.e>`, given);
  });

  test("L-LEN-02 a label of 63 octets is taken, one of 64 is not", () => {
    expect(readPath(`<a@${label}.example>`)).not.toBeNull();
    refusedBy("S-ADDR-01", `<a@${label}d.example>`);
  });

  test("S-ADDR-11 L-LEN-03 L-EXC-02 a path is counted as sent, brackets and route included", () => {
    const address = `a@${label}.${label}.${label}.`;
    const fill = 256 - 2 - address.length;
    expect(readPath(`<${address}${"d".repeat(fill)}>`)?.raw).toHaveLength(256);
    refusedBy("S-ADDR-11", `<${address}${"d".repeat(fill + 1)}>`);
    refusedBy("S-ADDR-11", `<@h:${address}${"d".repeat(fill - 2)}>`);
    expect(pathFault(`<@h:${address}${"d".repeat(fill)}>`).reply.lines).toEqual(["Path too long"]);
  });

  test("S-ADDR-11 larger limits take more", () => {
    const given = { limits: { localPart: 1000, path: 2000 } };
    expect(readPath(`<${"a".repeat(1000)}@example.com>`, "forward", given)?.local).toHaveLength(1000);
  });

  test("X-UTF8-14 lengths are octets of the UTF-8 form", () => {
    const given: Given = { utf8: "allowed" };
    expect(readPath(`<${"ü".repeat(32)}@example.com>`, "forward", given)).not.toBeNull();
    refusedBy("S-ADDR-11", `<${"ü".repeat(33)}@example.com>`, given);
    expect(readPath(`<a@${"ü".repeat(31)}.example>`, "forward", given)).not.toBeNull();
    refusedBy("S-ADDR-01", `<a@${"ü".repeat(32)}.example>`, given);
  });
});

describe("SMTPUTF8", () => {
  test.each([
    ["<jürgen@example.com>", "jürgen"],
    ['<"jür gen"@example.com>', "jür gen"],
    ["<用户@例子.广告>", "用户"],
    ["<a@münchen.example>", "a"],
    ["<😀@example.com>", "😀"],
    ["<@münchen.example:a@b.example>", "a"],
  ])("X-UTF8-03 X-UTF8-04 %s is taken with SMTPUTF8 only", (text, local) => {
    for (const side of sides) {
      expect(readPath(text, side, { utf8: "allowed" })).toMatchObject({ raw: text, local, utf8: true });
    }
    expect(said(pathFault(text, "reverse", { utf8: "offered" }))).toBe("X-UTF8-04 550 5.6.7");
    expect(said(pathFault(text, "forward", { utf8: "offered" }))).toBe("X-UTF8-04 553 5.6.7");
    refusedBy("S-ADDR-05", text);
  });

  test.each([
    ["a continuation alone", [0x80]],
    ["Latin-1", [0xfc]],
    ["an overlong form", [0xc1, 0x80]],
    ["a surrogate", [0xed, 0xa0, 0x80]],
    ["what is above U+10FFFF", [0xf4, 0x90, 0x80, 0x80]],
    ["a sequence cut off", [0xe2, 0x82]],
  ])("X-UTF8-03 %s is refused whether SMTPUTF8 was given or not", (_what, bad) => {
    for (const [before, behind] of [
      ["<a", "@example.com>"],
      ['<"a', '"@example.com>'],
      ["<a@b", ".example>"],
      ["<@b", ".example:a@example.com>"],
    ]) {
      const path = Uint8Array.from([...octets(before), ...bad, ...octets(behind)]);
      for (const utf8 of ["absent", "offered", "allowed"] as const) refusedBy("S-ADDR-01", path, { utf8 });
    }
  });

  test("X-UTF8-03 a backslash quotes ASCII only", () => {
    refusedBy("S-ADDR-01", '<"\\ü"@example.com>', { utf8: "allowed" });
  });

  test("X-UTF8-03 delimiters stay what they are", () => {
    for (const text of ["<jü@rg@example.com>", "<ü ü@example.com>", "<＠example.com>", "<ü.@example.com>"]) {
      refusedBy("S-ADDR-01", text, { utf8: "allowed" });
    }
  });

  test("X-UTF8-15 local-parts are neither normalised nor folded", () => {
    const composed = readPath("<\u00fc@example.com>", "forward", { utf8: "allowed" });
    const decomposed = readPath("<u\u0308@example.com>", "forward", { utf8: "allowed" });
    if (composed === null || decomposed === null) throw new Error("not read");
    expect(composed.address).toBe("\u00fc@example.com");
    expect(decomposed.address).toBe("u\u0308@example.com");
    expect(sameMailbox(composed, decomposed)).toBe(false);
    const upper = parseAddress("Ü@example.com", { utf8: true });
    expect(upper !== null && sameMailbox(upper, composed)).toBe(false);
  });

  test("X-UTF8-03 the least quoting leaves UTF-8 unquoted", () => {
    expect(readPath('<"jürgen"@example.com>', "forward", { utf8: "allowed" })?.address).toBe(
      "jürgen@example.com",
    );
  });
});

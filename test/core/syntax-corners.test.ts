/** Corners of the grammar, in tables: what is last within a limit, where a fault is, what stands at an end. */
import { UsageError } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { customMail } from "../../packages/core/src/extensions/custom.ts";
import { standardParameters } from "../../packages/core/src/extensions/registry.ts";
import {
  nothingForwarded,
  parseClientAttributes,
  parseForwardedAttributes,
} from "../../packages/core/src/syntax/attributes.ts";
import { decodeBase64 } from "../../packages/core/src/syntax/base64.ts";
import { parseCapabilities } from "../../packages/core/src/syntax/capabilities.ts";
import {
  endsInLast,
  highOctet,
  parseAuth,
  parseChunk,
  parseDomains,
  parseEtrn,
  parseHello,
  parseMail,
  parseRcpt,
  parseString,
  parseUrl,
  readVerb,
} from "../../packages/core/src/syntax/command.ts";
import { parseDomain, readDomain, sameDomain } from "../../packages/core/src/syntax/domain.ts";
import { type Fault, isFault } from "../../packages/core/src/syntax/fault.ts";
import {
  formatMailbox,
  parsePath,
  readPlain,
  sameMailbox,
  strict,
} from "../../packages/core/src/syntax/path.ts";
import { ReplyReader } from "../../packages/core/src/syntax/replies.ts";
import { type ReceivedFacts, receivedField, returnPathField } from "../../packages/core/src/syntax/trace.ts";
import { decodeXtext, encodeUtf8Address, upperHex } from "../../packages/core/src/syntax/xtext.ts";
import { Input } from "../../packages/core/src/wire/input.ts";
import { context, type Given, octets, pathFault, readMail, readPath, readRcpt, said } from "./arguments.ts";

describe("commands", () => {
  test.each([
    ["x LAST", true],
    [" LAST", true],
    ["x  last", true],
    ["LAST", false],
    ["xLAST", false],
    ["x\tLAST", false],
    ["x LASTS", false],
    ["x LOST", false],
    ["x LAS", false],
    ["x LAST x", false],
    ["x", false],
    ["", false],
  ])("X-BURL-02 %j ends in LAST: %s", (text, is) => {
    expect(endsInLast(octets(text), 0, text.length)).toBe(is);
  });

  test.each([
    ["MAIL <a@b>", "Syntax: MAIL FROM:<address> [parameters]"],
    ["RCPT <a@b>", "Syntax: RCPT TO:<address> [parameters]"],
  ])("S-MAIL-08 %s is told how it is written", (text, line) => {
    const fault = (text.startsWith("MAIL") ? readMail(text) : readRcpt(text)) as Fault;
    expect([fault.rule, fault.at, fault.reply.lines]).toEqual(["S-MAIL-08", 5, [line]]);
  });

  test("S-MAIL-09 a blank behind the colon is told how it is written", () => {
    const given: Given = { lenient: { spaceAfterColon: false } };
    const faults = [readMail("MAIL FROM: <a@b>", given), readRcpt("RCPT TO: <a@b>", given)] as Fault[];
    expect(faults.map(({ at, reply }) => [at, ...reply.lines])).toEqual([
      [10, "Syntax: MAIL FROM:<address> [parameters]"],
      [8, "Syntax: RCPT TO:<address> [parameters]"],
    ]);
  });

  test.each([["a.example,[192.0.2.1]"], ["a.example,"], [",a.example"], ["a b"], ["a_b.example"]])(
    "X-ATRN-01 %j is no list of domains",
    (text) => {
      expect(said(parseDomains(octets(text), 0, text.length))).toBe("X-ATRN-01 501 5.5.4");
    },
  );

  test.each([
    ["EHLO a..b", 7],
    ["EHLO -a", 5],
    ["EHLO a-.b", 6],
    ["EHLO [192.0.2.1", 15],
    ["EHLO [x]", 5],
    ["EHLO [192.0.2.1]x", 5],
    ["EHLO", 4],
    ["EHLO ", 5],
    [`EHLO x.${"d".repeat(64)}`, 7],
    [`EHLO ${"d.".repeat(127)}dd`, 5],
  ])("S-EHLO-11 of %j the place is told that is wrong", (text, at) => {
    const fault = parseHello(octets(text), Math.min(5, text.length), text.length, context(), "EHLO") as Fault;
    expect(fault.at).toBe(at);
  });

  test("L-LEN-02 a name in EHLO has 255 octets at most, and so has one that leniency lets in", () => {
    const given = context({ lenient: { helloName: true } });
    for (const [name, length] of [
      [`${"d.".repeat(127)}d`, 255],
      [`${"d_".repeat(127)}d`, 255],
      [`${"d.".repeat(127)}dd`, 256],
      [`${"d_".repeat(127)}dd`, 256],
    ] as const) {
      const line = octets(`EHLO ${name}`);
      const read = parseHello(line, 5, line.length, given, "EHLO");
      expect([length, isFault(read) ? null : read.name]).toEqual([length, length === 255 ? name : null]);
    }
  });

  test.each([
    ["EHLO", "Syntax: EHLO hostname"],
    ["AUTH", "Syntax: AUTH mechanism [initial-response]"],
    ["AUTH PLAIN Q", "Cannot decode response"],
    ["AUTH PLAIN ?", "Cannot decode response"],
    ["BDAT", "Cannot tell where the chunk ends, closing"],
    ["BDAT 5 LOST", "Cannot tell where the chunk ends, closing"],
    ["VRFY", "Syntax: VRFY address"],
    ["EXPN", "Syntax: EXPN list"],
    ["ETRN a_b", "Syntax: ETRN [@|#]node"],
    ["ATRN a,", "Syntax: ATRN [domain *(,domain)]"],
    ["BURL", "Syntax: BURL url [LAST]"],
    ["BURL 1imap://a", "Syntax: BURL url [LAST]"],
    ["BURL a:b LOST", "Syntax: BURL url [LAST]"],
    ["MAIL FROM:<", "Bad sender address syntax"],
    ["RCPT TO:<", "Bad recipient address syntax"],
    [
      `MAIL FROM:<"l"@b.${"d".repeat(63)}.${"d".repeat(63)}.${"d".repeat(63)}.${"d".repeat(63)}>`,
      "Path too long",
    ],
    [`RCPT TO:<"${"l".repeat(63)}"@b>`, "Path too long"],
    ["MAIL FROM:<a@b> SIZE=x", "Bad parameter syntax"],
    ["MAIL FROM:<a@b> XYZ=x", "Unsupported parameter"],
  ])("%s is told how it is written", (text, words) => {
    const line = octets(text);
    const { verb, argument: at } = readVerb(line);
    const end = line.length;
    const parsers: Readonly<Record<string, () => object | null>> = {
      MAIL: () => parseMail(line, at, end, context()),
      RCPT: () => parseRcpt(line, at, end, context()),
      EHLO: () => parseHello(line, at, end, context(), verb),
      AUTH: () => parseAuth(line, at, end),
      BDAT: () => parseChunk(line, at, end),
      VRFY: () => parseString(line, at, end, context(), "VRFY"),
      EXPN: () => parseString(line, at, end, context(), "EXPN"),
      ETRN: () => parseEtrn(line, at, end),
      ATRN: () => parseDomains(line, at, end),
      BURL: () => parseUrl(line, at, end),
    };
    const read = parsers[verb]?.();
    expect((read as Fault).reply.lines).toEqual([words]);
  });

  test("X-UTF8-04 a path in UTF-8 is refused by name, at its first octet above 0x7F", () => {
    const faults = [
      readMail("MAIL FROM:<aü@b>", { utf8: "offered" }),
      readRcpt("RCPT TO:<a@bü>", { utf8: "offered" }),
    ] as Fault[];
    expect(faults.map(({ at, reply: { lines } }) => [at, ...lines])).toEqual([
      [12, "Non-ASCII sender address not permitted without SMTPUTF8"],
      [12, "Non-ASCII recipient address not permitted without SMTPUTF8"],
    ]);
    expect(readMail("MAIL FROM:<aü@b>")).toMatchObject({ rule: "S-ADDR-05", at: 12 });
    expect(readMail("MAIL FROM:<>", { utf8: "offered" })).toMatchObject({ path: null });
    expect(readMail("MAIL FROM:<ü@b>", { utf8: "allowed" })).toMatchObject({ path: { local: "ü" } });
  });

  test("X-UTF8-03 a value in UTF-8 needs SMTPUTF8, and an equals sign or a control octet has no place in it", () => {
    const custom = { keyword: "XX", mail: [{ keyword: "XTEXT" }] };
    const read = (value: string, utf8: "absent" | "offered" | "allowed", more = "") => {
      const line = octets(`MAIL FROM:<a@b> XTEXT=${value}${more}`);
      const mail = {
        ...standardParameters.mail,
        XTEXT: customMail(custom.mail[0] as { keyword: string }),
      };
      return parseMail(line, 5, line.length, {
        ...context({ utf8 }),
        known: { ...standardParameters, mail },
      });
    };
    expect(read("ü", "allowed")).toMatchObject({ parameters: { other: { XTEXT: "ü" } } });
    expect(read("ü", "offered", " SMTPUTF8")).toMatchObject({ parameters: { other: { XTEXT: "ü" } } });
    const fault = read("aü", "offered") as Fault;
    expect([said(fault), fault.at, ...fault.reply.lines]).toEqual([
      "S-LINE-09 501 5.5.4",
      23,
      "Bad parameter syntax",
    ]);
    expect(said(read("ü", "absent"))).toBe("S-PARM-04 501 5.5.4");
    for (const utf8 of ["absent", "offered", "allowed"] as const) {
      expect(said(read("a", utf8))).toBe("ok");
      for (const odd of ["a=b", "=", "a\x01", "\x7f", ""])
        expect(said(read(odd, utf8))).toBe("S-PARM-04 501 5.5.4");
    }
  });

  test.each([
    ["VRFY <a@bc>", "a", false],
    ["VRFY <a@bc", null, false],
    ["VRFY xa@bc>", null, false],
    ["VRFY a@bc SMTPUTF8", "a", true],
    ["VRFY a@bc SMTPUTF9", null, false],
    ["VRFY a@bc SMTPUTF", null, false],
  ])(
    "S-VRFY-04 X-UTF8-07 in %s the mailbox is of %j, and SMTPUTF8 was given: %s",
    (text, local, smtputf8) => {
      const line = octets(text);
      const read = parseString(line, 5, line.length, context({ utf8: "offered" }), "VRFY");
      expect(read).toMatchObject({ mailbox: local === null ? null : { local }, smtputf8 });
    },
  );

  test.each(["", "1imap://a", "a:b LOST", "a:b LAST x"])(
    "X-BURL-02 %j is no URL, or has no LAST behind it",
    (text) => {
      expect(said(parseUrl(octets(text), 0, text.length))).toBe("X-BURL-02 501 5.5.4");
    },
  );

  test("S-LINE-09 0x80 is above 0x7F, as the first octet too", () => {
    expect(highOctet(Uint8Array.of(0x80))).toBe(0);
    expect(highOctet(Uint8Array.of(0x7f, 0x80))).toBe(1);
    expect(said(parseString(octets("ü"), 0, 2, context(), "VRFY"))).toBe("S-LINE-09 501 5.5.4");
  });

  test("L-LEN-02 a proper name of 255 octets is read as one", () => {
    const line = octets(`EHLO ${"d.".repeat(127)}d`);
    expect(parseHello(line, 5, line.length, context(), "EHLO")).toMatchObject({ domain: { kind: "name" } });
  });

  test("S-LINE-03 a verb of four letters with another in one place is another", () => {
    for (const verb of ["EHLO", "MAIL", "RCPT", "DATA", "QUIT"]) {
      for (let at = 0; at < 4; at++) {
        const other = `${verb.slice(0, at)}#${verb.slice(at + 1)}`;
        expect(readVerb(octets(other)).verb).toBe(other);
      }
    }
  });

  test("S-LINE-03 what only begins as a verb does is none", () => {
    for (const text of ["E\0\0\0", "MAI\0", "MAILX", "MAI", "\u0001\u0002AI", "M\xc1IL"])
      expect(readVerb(octets(text)).verb).toBe(
        [...octets(text)].map((octet) => String.fromCharCode(octet)).join(""),
      );
    for (const verb of "EHLO HELO LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY EXPN HELP BURL ETRN ATRN AUTH".split(
      " ",
    ))
      expect(readVerb(octets(`x${verb.toLowerCase()} a`), 1)).toEqual({ verb, argument: 6 });
  });

  test("X-UTF8-03 whether UTF-8 is allowed decides alone, where SMTPUTF8 is no parameter", () => {
    expect(said(readMail("MAIL FROM:<jürgen@b>", { utf8: "allowed" }))).toBe("ok");
    expect(said(readMail("MAIL FROM:<a@b> AUTH=ü@b"))).toBe("S-PARM-04 501 5.5.4");
  });

  test.each(["MTRK=YQ=", "MTRK=YQ=\u007f", "MTRK=YQ\x01", "MTRK=\u00fc", "MTRK=YQ==:1\x7f"])(
    "X-MTRK-01 S-PARM-04 in %j, where an equals sign may stand, other octets may not",
    (parameter) => {
      for (const utf8 of ["absent", "allowed"] as const) {
        const read = readMail(`MAIL FROM:<a@b> ENVID=a@b ${parameter}`, { utf8 });
        expect(said(read)).toBe(parameter === "MTRK=YQ=" ? "ok" : "S-PARM-04 501 5.5.4");
      }
    },
  );
});

describe("paths and domains", () => {
  const label = "d".repeat(63);

  test("L-LEN-01 L-LEN-02 L-LEN-03 quoted or routed, each limit is kept to the octet", () => {
    const quoted = (length: number) => `"${"l".repeat(length - 2)}"`;
    const domain = (length: number) => `${`${label}.`.repeat(3)}${"d".repeat(length - 192)}`;
    expect(said(readMail(`MAIL FROM:<${quoted(64)}@b>`))).toBe("ok");
    expect(readMail(`MAIL FROM:<${quoted(65)}@b>`)).toMatchObject({ rule: "S-ADDR-11", at: 11 });
    expect(said(readMail(`MAIL FROM:<"l"@${domain(250)}>`))).toBe("ok");
    expect(readMail(`MAIL FROM:<"l"@${domain(251)}>`)).toMatchObject({ rule: "S-ADDR-11", at: 10 });
    const wide: Given = { limits: { path: 1000 } };
    expect(said(readMail(`MAIL FROM:<"l"@${domain(255)}>`, wide))).toBe("ok");
    expect(readMail(`MAIL FROM:<"l"@${label}.${label}.${label}.${label}.d>`, wide)).toMatchObject({
      rule: "S-ADDR-11",
      at: 15,
    });
    expect(said(readMail(`MAIL FROM:<@${domain(248)}:a@bc>`))).toBe("ok");
    expect(readMail(`MAIL FROM:<@${domain(249)}:a@bc>`)).toMatchObject({ rule: "S-ADDR-11", at: 10 });
  });

  test.each([
    [`<a@x.${label}d>`, 5],
    ["<a@-b>", 3],
    ["<a@b->", 4],
    ["<a@b..c>", 5],
    ["<a@[192.0.2.1>", 14],
    ["<a@[192.0.2.1 ]>", 13],
    ["<a@[x]>", 3],
    ["<a@b", 4],
    ["<a@b c>", 4],
    ["<a>", 2],
    ["<a", 2],
    ["<>x", 0],
    ["<.a@b>", 1],
    ["<a..b@c>", 3],
    ['<"a@b>', 1],
    ['<"a\\', 1],
    ['<"a\\\u00fc"@b>', 1],
    ['<"a"b@c>', 4],
    ["<@a>", 3],
    ["<@a;b@c>", 3],
    ["<@a,b:c@d>", 4],
    ["<@a,", 4],
    ["<@a", 3],
    ["<@-a:b@c>", 2],
    ["<@>", 2],
    ["x", 0],
    ["", 0],
  ])("S-ADDR-01 of %j the place is told that is wrong", (text, at) => {
    const { rule, at: found } = pathFault(text);
    expect([rule, found]).toEqual([text.startsWith("<>") ? "S-RCPT-04" : "S-ADDR-01", at]);
  });

  test.each([
    ['<"a\\ü"@b>', null],
    ['<"a\\~\\ \\\\"@b>', "a~ \\"],
    ['<"a\\\x1f"@b>', null],
    ['<"a\\\x7f"@b>', null],
    ['<"\\"@b>', null],
    ['<""@b>', ""],
  ])("S-ADDR-04 in %j a backslash is read", (text, local) => {
    if (local === null)
      expect(said(pathFault(text, "forward", { utf8: "allowed" }))).toBe("S-ADDR-01 501 5.1.3");
    else expect(readPath(text)).toMatchObject({ local });
  });

  test.each([
    ["a_b", { underscore: false }, 1],
    ["a_b", { underscore: true }, 3],
    ["ü", { utf8: false }, null],
    ["ü", { utf8: true }, 2],
    ["a.", { trailingDot: true }, 2],
    ["a.", { trailingDot: false }, null],
    [".", { trailingDot: true }, null],
    ["", { trailingDot: true }, null],
    [`${label}.${label}`, {}, 127],
    [`${label}d`, {}, null],
    ["a-b@", {}, 3],
    ["[IPv6:::1]x", {}, 10],
    ["[1.2.3.4", {}, null],
    ["[1.2.3.4x]", {}, null],
    ["[a:b\\]", {}, null],
    ["[a-:b]", {}, null],
    ["[-a:b]", {}, 6],
    ["[a:]", {}, null],
    ["[:a]", {}, null],
  ])("S-ADDR-01 S-ADDR-10 the domain in %j, with %j, ends at %j", (text, given, end) => {
    const options = { utf8: false, underscore: false, trailingDot: false, ...given };
    const line = octets(text);
    const read = readDomain(line, 0, line.length, options);
    expect("domain" in read ? read.end : null).toBe(end);
    if (end === null) expect(read).toEqual({ wrong: expect.any(String), at: expect.any(Number) });
  });

  test("L-LEN-02 a domain has 255 octets at most", () => {
    const long = `${label}.${label}.${label}.${label}`;
    expect(parseDomain(long)).toEqual({ kind: "name", text: long });
    expect(parseDomain(`${long.slice(2)}.d`)).not.toBeNull();
    expect(parseDomain(`${long}d`)).toBeNull();
    expect(parseDomain(`${label}.${label}.${label}.${label.slice(1)}.d`)).toBeNull();
  });

  test("S-ADDR-09 literals are the same when their addresses are", () => {
    const of = (text: string) => parseDomain(text) as NonNullable<ReturnType<typeof parseDomain>>;
    const same = [
      ["[192.0.2.1]", "[192.0.2.001]", true],
      ["[IPv6:2001:DB8::1]", "[IPV6:2001:db8:0::1]", true],
      ["[IPv6:::ffff:192.0.2.1]", "[IPv6:::FFFF:c000:201]", true],
      ["[IPv6:::1]", "[IPv6:::2]", false],
      ["[192.0.2.1]", "[192.0.2.2]", false],
      ["[192.0.2.1]", "[IPv6:::ffff:192.0.2.1]", false],
      ["192.0.2.1", "[192.0.2.1]", false],
      ["A.example", "a.EXAMPLE", true],
      ["a.example", "b.example", false],
    ] as const;
    for (const [one, other, is] of same)
      expect([one, other, sameDomain(of(one), of(other))]).toEqual([one, other, is]);
  });

  test.each([
    ["jürgen@b", "j\\x{FC}rgen@b"],
    ["a+b=c\\d", "a\\x{2B}b\\x{3D}c\\x{5C}d"],
    ["\t\x7f ~!", "\\x{09}\\x{7F}\\x{20}~!"],
    ["\ud7ff\ue000", "\\x{D7FF}\\x{E000}"],
    [
      "\ud800 \udbff \udc00 \udfff".replaceAll(" ", ""),
      "?\\x{10FC00}?".replace("\\x{10FC00}", "\\x{10FC00}"),
    ],
    ["\udfff", "?"],
    ["\ud800", "?"],
    ["😀", "\\x{1F600}"],
  ])("X-DSN-05 %j in ASCII is %j", (address, written) => {
    expect(encodeUtf8Address(address)).toBe(written);
  });

  test("S-ADDR-01 a quoted string without end is wrong where it begins, wherever that is", () => {
    for (const text of ['"a', '"a\\', '"a\\\x01"@b', '"a\x01"@b', '"a\\ü"@b'])
      expect(readMail(`MAIL FROM:<${text}>`, { utf8: "allowed" })).toMatchObject({
        rule: "S-ADDR-01",
        at: 11,
      });
  });

  test("S-ADDR-01 without a local-part there is no address, whatever is tolerated", () => {
    const given: Given = { lenient: { dots: true, bareAddress: true } };
    expect(pathFault("@b", "reverse", given)).toMatchObject({ rule: "S-ADDR-01", at: 0 });
    expect(pathFault("", "reverse", given)).toMatchObject({ rule: "S-ADDR-01", at: 0 });
  });

  test("S-ADDR-05 what stands behind the path is no part of it", () => {
    const line = octets('<"a"@b>ü');
    expect(parsePath(line, 0, 7, "reverse", context())).toMatchObject({ path: { utf8: false }, end: 7 });
  });

  test("L-LEN-02 L-LEN-03 the limits of a plain path count from where it begins", () => {
    const text = `<${"l".repeat(64)}@${"d".repeat(63)}.${"d".repeat(63)}.${"d".repeat(61)}>`;
    const line = octets(`${" ".repeat(300)}${text}`);
    expect(text).toHaveLength(256);
    expect(readPlain(line, 300, line.length, context())).toMatchObject({ path: { raw: text } });
  });

  test("S-RCPT-03 Postmaster without a domain is the same as itself alone, in any case", () => {
    const postmaster = { local: "postmaster", domain: null };
    const other = { local: "postmaster", domain: { kind: "name" as const, text: "b" } };
    expect([
      sameMailbox(postmaster, { local: "POSTMASTER", domain: null }),
      sameMailbox(postmaster, other),
      sameMailbox(other, postmaster),
      sameMailbox(other, other),
    ]).toEqual([true, false, false, true]);
  });

  test("what is tolerated if nothing is said is a blank behind the colon", () => {
    expect(Object.entries(strict).filter(([, value]) => value)).toEqual([["spaceAfterColon", true]]);
    expect(formatMailbox({ local: "\u0080", domain: null })).toBe("\u0080");
  });

  test("an upper-case hexadecimal digit has its value, and nothing else has any", () => {
    const values = Array.from({ length: 256 }, (_, octet) => upperHex(octet));
    const expected = values.map((_, octet) => "0123456789ABCDEF".indexOf(String.fromCharCode(octet)));
    expect(values).toEqual(expected);
    for (const text of ["+:0", "+0:", "+@1", "+a0"]) expect(decodeXtext(octets(text), 0, 3)).toBeNull();
  });

  test("nothing in base64 is nothing, whatever stands before it", () => {
    expect(decodeBase64(octets("=="), 2, 2)).toEqual(new Uint8Array(0));
    expect(decodeBase64(octets("AA=="), 0, 4)).toEqual(Uint8Array.of(0));
  });

  test("what is null is no fault, nor is anything without a rule", () => {
    expect([isFault(null), isFault({}), isFault({ rule: "S-ADDR-01" })]).toEqual([false, false, true]);
  });
});

describe("attributes", () => {
  const client = (text: string) => parseClientAttributes(octets(text), 0, octets(text).length);
  const forwarded = (text: string) => parseForwardedAttributes(octets(text), 0, octets(text).length);

  test.each<[string, object]>([
    ["PORT=65535", { port: 65535 }],
    ["PORT=0 DESTPORT=00025", { port: 0, destport: 25 }],
    ["PORT=[UNAVAILABLE] DESTPORT=[tempunavail]", { port: null, destport: null }],
    [
      "PROTO=[UNAVAILABLE] NAME=[TEMPUNAVAIL] ADDR=[UNAVAILABLE] HELO=[UNAVAILABLE]",
      { proto: null, name: null, addr: null, helo: null },
    ],
    ["LOGIN=[UNAVAILABLE] DESTADDR=[UNAVAILABLE]", { login: null, destaddr: null }],
    ["proto=smtp", { proto: "SMTP" }],
    ["PROTO=esmtp addr=192.0.2.1", { proto: "ESMTP", addr: "192.0.2.1" }],
    ["ADDR=IPv6:2001:DB8::1 DESTADDR=ipv6:::1", { addr: "2001:db8::1", destaddr: "::1" }],
    [
      `NAME=${"d.".repeat(127)}d HELO=${"x".repeat(255)}`,
      { name: `${"d.".repeat(127)}d`, helo: "x".repeat(255) },
    ],
    ["NAME=a_b.example", { name: "a_b.example" }],
    ["LOGIN=a+2Bb+3D", { login: "a+b=" }],
    ["HELO=x[UNAVAILABLE] LOGIN=[UNAVAILABLE]x", { helo: "x[UNAVAILABLE]", login: "[UNAVAILABLE]x" }],
    ["LOGIN=a=b HELO=\u00fc", { login: "a=b", helo: "\u00fc" }],
  ])("X-XCL-03 XCLIENT %s is read", (text, expected) => {
    expect(client(text)).toEqual(expected);
  });

  test.each<[string, number]>([
    ["", 0],
    ["x", 0],
    ["PORT", 0],
    ["=1", 0],
    ["PORT=65536", 4],
    ["PORT=123456", 4],
    ["PORT=x", 4],
    ["PORT=", 4],
    ["PROTO=LMTP", 5],
    ["ADDR=2001:db8::1", 4],
    ["ADDR=IPV6:192.0.2.1", 4],
    ["ADDR=x", 4],
    ["PORT=1 NAME=a..b", 11],
    ["NAME=\u00fc.example", 4],
    [`NAME=${"d.".repeat(127)}dd`, 4],
    [`HELO=${"x".repeat(256)}`, 4],
    ["HELO=a+", 4],
    ["HELO=a+7F", 4],
    ["HELO=a+20b", 4],
    ["LOGIN=+C2+85", 5],
    ["LOGIN=+FF", 5],
    ["IDENT=x", 0],
    ["toString=x", 0],
    ["HELO=", 4],
    ["LOGIN=", 5],
    ["ADDR=xIPV6::1", 4],
    ["ADDR=[UNAVAILABLE]x", 4],
    ["ADDR=x[UNAVAILABLE]", 4],
    ["NAME=a.example.", 4],
  ])("X-XCL-03 XCLIENT %j is refused, at %i", (text, at) => {
    const fault = client(text) as Fault;
    expect([said(fault), fault.at]).toEqual(["X-XCL-03 501 5.5.4", at]);
  });

  test.each<[string, object]>([
    ["NAME=a.example ADDR=192.0.2.1 PORT=25", { name: "a.example", addr: "192.0.2.1", port: 25 }],
    [
      `PROTO=${"x".repeat(64)} HELO=${"h".repeat(255)} IDENT=${"i".repeat(255)}`,
      { proto: "x".repeat(64), helo: "h".repeat(255), ident: "i".repeat(255) },
    ],
    ["SOURCE=local", { source: "LOCAL" }],
    ["SOURCE=REMOTE", { source: "REMOTE" }],
    ["SOURCE=[UNAVAILABLE] IDENT=[UNAVAILABLE]", { source: null, ident: null }],
  ])("X-XFW-04 XFORWARD %s is read", (text, expected) => {
    expect(forwarded(text)).toEqual(expected);
  });

  test.each<[string, number]>([
    ["", 0],
    [`PROTO=${"x".repeat(65)}`, 5],
    [`NAME=${"x".repeat(256)}`, 4],
    [`HELO=${"x".repeat(256)}`, 4],
    [`IDENT=${"x".repeat(256)}`, 5],
    ["SOURCE=x", 6],
    ["LOGIN=x", 0],
    ...["(", ")", "<", ">", ",", ";", '"', "\\", "+20", "+7F", "\u00fc", "+00"].map(
      (odd): [string, number] => [`HELO=a${odd}b`, 4],
    ),
  ])("X-XFW-04 XFORWARD %j is refused, at %i", (text, at) => {
    const fault = forwarded(text) as Fault;
    expect([said(fault), fault.at]).toEqual(["X-XFW-04 501 5.5.4", at]);
  });

  test("of a message of which nothing was forwarded nothing is known", () => {
    const all = ["name", "addr", "port", "proto", "helo", "ident", "source"];
    expect(nothingForwarded).toEqual(Object.fromEntries(all.map((key) => [key, null])));
    expect(Object.isFrozen(nothingForwarded)).toBe(true);
  });
});

describe("replies", () => {
  function rule(text: string, limits = { line: 512, lines: 3, octets: 60 }): string | number | null {
    const [input, reader] = [new Input(), new ReplyReader(limits)];
    input.push(Buffer.from(text, "latin1"));
    const read = reader.read(input);
    return read === null ? null : "rule" in read ? read.rule : read.code;
  }

  test.each<[string, string | number | null]>([
    ["250 a\r\n", 250],
    ["250\r\n", 250],
    ["599 a\r\n", 599],
    ["200-a\r\n200 b\r\n", 200],
    ["199 a\r\n", "R-FMT-10"],
    ["600 a\r\n", "R-FMT-10"],
    ["2:0 a\r\n", "R-FMT-10"],
    ["20/ a\r\n", "R-FMT-10"],
    ["25\r\n", "R-FMT-10"],
    ["\r\n", "R-FMT-10"],
    ["250a\r\n", "R-FMT-10"],
    ["2500 a\r\n", "R-FMT-10"],
    ["250-a\r\n251 b\r\n", "R-FMT-11"],
    ["250 a\rb\r\n", "R-FMT-14"],
    ["250 a\nb\r\n", "R-FMT-14"],
    ["250 a\n\r\n", "R-FMT-14"],
    ["250 \r\r\n", "R-FMT-14"],
    ["250-a\nb\r\n250 c\r\n", "R-FMT-14"],
    [`250 ${"a".repeat(54)}\r\n`, 250],
    [`250 ${"a".repeat(55)}\r\n`, "R-FMT-13"],
    [`250-${"a".repeat(20)}\r\n250 ${"a".repeat(28)}\r\n`, 250],
    [`250-${"a".repeat(20)}\r\n250 ${"a".repeat(29)}\r\n`, "R-FMT-13"],
    ["250-\r\n250-\r\n250 \r\n", 250],
    ["250-\r\n250-\r\n250-\r\n250 \r\n", "R-FMT-13"],
    [`250 ${"a".repeat(507)}\r\n`, "R-FMT-13"],
    ["250-a\r\n", null],
    ["250 a\r", null],
  ])("R-FMT-10 R-FMT-11 R-FMT-13 R-FMT-14 %j: %s", (text, expected) => {
    expect(rule(text)).toBe(expected);
  });

  test("G8 what has to wait for the rest of a reply is a copy, and the rest is not waited for", () => {
    const [input, reader] = [new Input(), new ReplyReader()];
    const chunk = Buffer.from("250-abc\r\n250-def\r\n");
    input.push(chunk);
    expect(reader.read(input)).toBeNull();
    chunk.fill(0x78);
    input.push(Buffer.from("250 ghi\r\n"));
    expect(reader.read(input)).toMatchObject({ lines: ["abc", "def", "ghi"] });
  });

  test("R-ENH-06 an enhanced code of four numbers is none", () => {
    const input = new Input();
    input.push(Buffer.from("250 2.2.1.5 x\r\n"));
    expect(new ReplyReader().read(input)).toMatchObject({ enhanced: null, lines: ["2.2.1.5 x"] });
  });

  test("what a server offers is read line by line, and odd lines are passed over", () => {
    const of = (...lines: string[]) =>
      parseCapabilities({ code: 250, enhanced: null, lines: ["mx.example.com", ...lines], octets: [] });
    const nothing = {
      pipelining: false,
      chunking: false,
      "8bitmime": false,
      binarymime: false,
      smtputf8: false,
      enhancedStatusCodes: false,
      dsn: false,
      starttls: false,
      prdr: false,
      size: null,
      auth: [],
      limits: { mailMax: null, rcptMax: null, rcptDomainMax: null },
      all: [],
    };
    expect(of()).toEqual(nothing);
    expect(of("", " ", "X_Y 1", "-A", "A_", "X-AUTH=PLAIN", "8BITMIME!")).toEqual(nothing);
    for (const [line, key] of [
      ["PIPELINING", "pipelining"],
      ["chunking", "chunking"],
      ["8BITMIME", "8bitmime"],
      ["SmtpUtf8", "smtputf8"],
      ["ENHANCEDSTATUSCODES", "enhancedStatusCodes"],
      ["DSN", "dsn"],
      ["STARTTLS", "starttls"],
      ["PRDR", "prdr"],
    ] as const)
      expect(of(line)).toEqual({
        ...nothing,
        [key]: true,
        all: [{ keyword: line.toUpperCase(), parameters: [] }],
      });
    expect([of("BINARYMIME").binarymime, of("BINARYMIME", "CHUNKING").binarymime]).toEqual([false, true]);
    expect(of("AUTH=LOGIN", "AUTH plain  LOGIN", "XA PLAIN CRAM-MD5")).toMatchObject({
      auth: ["LOGIN", "PLAIN"],
      all: [
        { keyword: "AUTH", parameters: ["LOGIN"] },
        { keyword: "AUTH", parameters: ["plain", "LOGIN"] },
        { keyword: "XA", parameters: ["PLAIN", "CRAM-MD5"] },
      ],
    });
    const sizes = ["SIZE", "SIZE 0", "SIZE  100", "SIZE x", "SIZE 1x", "SIZE x1"];
    const any = Number.POSITIVE_INFINITY;
    expect(sizes.map((line) => of(line).size)).toEqual([any, any, 100, any, any, any]);
    expect(of("LIMITS RCPTMAX=10 mailmax=2 RCPTDOMAINMAX=0").limits).toEqual({
      mailMax: 2,
      rcptMax: 10,
      rcptDomainMax: null,
    });
    expect(of("LIMITS RCPTMAX=1234567 MAILMAX=x1").limits).toEqual(nothing.limits);
  });

  test("a reply has begun when some of it came, and is complete when all of it did", () => {
    const [input, reader] = [new Input(), new ReplyReader()];
    const states: [boolean, string | null][] = [];
    for (const piece of ["", "2", "50-", "a\r\n", "2", "50 b", "\r\n", "x"]) {
      input.push(Buffer.from(piece));
      reader.read(input);
      const begun = reader.begun();
      states.push([reader.partial, begun === null ? null : Buffer.from(begun).toString()]);
    }
    expect(states).toEqual([
      [false, ""],
      [true, "2"],
      [true, "250-"],
      [true, null],
      [true, null],
      [true, null],
      [false, ""],
      [true, "x"],
    ]);
  });
});

describe("Received", () => {
  const facts: ReceivedFacts = {
    from: { hello: "client.example", host: null, address: "192.0.2.1" },
    by: "mx.example",
    protocol: "ESMTPS",
    id: null,
    for: null,
    tls: null,
    now: 0,
    offset: 0,
    utf8: false,
  };
  const clause = (given: Partial<ReceivedFacts>) =>
    receivedField({ ...facts, ...given }).replaceAll(/\r\n\t?/g, " ");

  test.each([
    "<a@b",
    "<a@bc",
    "xa@bc>",
    "a@b>",
    "<a>",
    "<a@b>>",
    "a@b@c",
    "a..b",
    "",
    "<>",
    "@b",
    "a@",
    "a b",
    `a@${"b".repeat(254)}`,
  ])("in a Received field the id %j is an error", (id) => {
    expect(() => receivedField({ ...facts, id })).toThrow(UsageError);
  });

  test.each(["<a@b>", "a@b", "a", "a.b", "<a.b@c.d>", `a@${"b".repeat(253)}`])("the id %s is told", (id) => {
    expect(clause({ id })).toContain(` id ${id};`);
  });

  test.each([
    ["TLS_AES_128_GCM_SHA256", " tls TLS_AES_128_GCM_SHA256"],
    ["0x1301", " tls 0x1301"],
    ["0xC02f", " tls 0xC02f"],
    [`TLS_${"A".repeat(60)}`, ` tls TLS_${"A".repeat(60)}`],
    [`TLS_${"A".repeat(61)}`, null],
    ["TLS_", null],
    ["TLS_a", null],
    ["xTLS_AES", null],
    ["TLS_AES x", null],
    ["x0x1301", null],
    ["0x13012", null],
    ["0x130", null],
    ["0x130g", null],
  ])("the cipher suite %s is told as %j", (cipher, told) => {
    const text = clause({ tls: { cipher, group: "x25519" } });
    expect(/( tls \S+) group x25519;/.exec(text)?.[1] ?? null).toBe(told);
    if (told === null) expect(text).not.toContain("group");
  });

  test.each([
    ["x25519", true],
    ["secp256r1", true],
    [`g${"x".repeat(59)}`, true],
    [`g${"x".repeat(60)}`, false],
    ["1x", false],
    ["_x", false],
    ["x y", false],
    ["x;", false],
    ["", false],
  ])("the group %j is told: %s", (group, told) => {
    expect(clause({ tls: { cipher: "0x1301", group } }).includes(` group ${group};`)).toBe(told);
  });

  test("lines are folded before they reach 78 octets, and not sooner", () => {
    const begin = "Received: from client.example ([192.0.2.1]) by mx.example with ESMTPS";
    const date = "Thu, 1 Jan 1970 00:00:00 +0000\r\n";
    expect(receivedField({ ...facts, id: "abc" })).toBe(`${begin} id abc;\r\n\t${date}`);
    expect(receivedField({ ...facts, id: "abcd" })).toBe(`${begin}\r\n\tid abcd; ${date}`);
    const id = "i".repeat(41);
    expect(receivedField({ ...facts, id })).toBe(`${begin}\r\n\tid ${id}; ${date.trim()}\r\n`);
    expect(receivedField({ ...facts, id: `${id}i` })).toBe(`${begin}\r\n\tid ${id}i;\r\n\t${date}`);
    const from = { ...facts.from, hello: "ü.example" };
    expect(receivedField({ ...facts, from, id: "abcdefgh", utf8: true })).toContain(
      "ESMTPS\r\n\tid abcdefgh;",
    );
    expect(receivedField({ ...facts, from, id: "abcdefg", utf8: true })).toContain(
      "ESMTPS id abcdefg;\r\n\t",
    );
  });

  test("a clause that is longer than a line is folded between its words", () => {
    const from = { ...facts.from, hello: `${"x ".repeat(60)}(` };
    const lines = receivedField({ ...facts, from }).split("\r\n");
    expect(lines.slice(0, 3)).toEqual([
      `Received: from [192.0.2.1] ([192.0.2.1]) (HELO ${"x ".repeat(15).trim()}`,
      `\t${"x ".repeat(38).trim()}`,
      `\t${"x ".repeat(7).trim()} \\() by mx.example with ESMTPS; Thu, 1 Jan 1970 00:00:00 +0000`,
    ]);
  });

  test("what fits just so is told, and what is one more is not", () => {
    expect(clause({ via: "v".repeat(64) })).toContain(` via ${"v".repeat(64)} `);
    expect(() => receivedField({ ...facts, via: "v".repeat(65) })).toThrow(UsageError);
    expect(clause({ priority: -0 })).toContain(" priority 0;");
    expect(clause({ from: { ...facts.from, hello: "~(" } })).toContain("(HELO ~\\()");
    expect(clause({ for: "a@b.example." })).toContain(" for <a@b.example>;");
    expect(clause({ for: 'a."b c"@d' })).toContain(' for <"a.b c"@d>;');
    expect(clause({ for: "a..b@c_d" })).toContain(' for <"a..b"@c_d>;');
    expect(returnPathField("<>")).toBe("Return-Path: <>\r\n");
    expect(returnPathField("a@b.")).toBe("Return-Path: <a@b>\r\n");
  });

  test("RFC 3865 what stands for SOLICIT is a word for each keyword", () => {
    expect(clause({ solicit: ["a.example:ADV", "b,(\\)\u00fc c", "k".repeat(256)] })).toContain(
      ` with ESMTPS (SOLICIT=a.example:ADV, b?????\u003fc, ${"k".repeat(255)});`,
    );
    expect(clause({ solicit: [] })).toContain(" with ESMTPS; ");
  });
});

/**
 * What is parsed lies in a chunk, between other octets: neither those before it nor those behind it may be looked at. So
 * each begin of each text is read in two ways: where it stands, with the rest of the text behind it, and alone.
 */
import { describe, expect, test } from "vitest";
import {
  parseClientAttributes,
  parseForwardedAttributes,
} from "../../packages/core/src/syntax/attributes.ts";
import { decodeBase64 } from "../../packages/core/src/syntax/base64.ts";
import {
  endsInLast,
  highOctet,
  parseAuth,
  parseChunk,
  parseDomains,
  parseEtrn,
  parseHello,
  parseMail,
  parseNothing,
  parseRcpt,
  parseString,
  parseUrl,
  readVerb,
  trimBlanks,
} from "../../packages/core/src/syntax/command.ts";
import { readDomain } from "../../packages/core/src/syntax/domain.ts";
import { isWord, nextSpace, skipSpaces, upperAscii } from "../../packages/core/src/syntax/octets.ts";
import { parsePath, readPlain } from "../../packages/core/src/syntax/path.ts";
import { decodeXtext } from "../../packages/core/src/syntax/xtext.ts";
import { ascii, decodeLossy, decodeUtf8 } from "../../packages/core/src/wire/utf8.ts";
import { context, type Given, octets } from "./arguments.ts";
import { everyLeniency } from "./lenient.ts";

type Parse = (octets: Uint8Array, at: number, end: number) => unknown;

/** Offsets count from the begin of the text. */
function told(result: unknown, shift: number): string {
  const moved = (value: unknown): unknown => {
    if (typeof value === "number") return value < 0 ? value : value - shift;
    if (value instanceof Uint8Array) return [...value];
    if (typeof value !== "object" || value === null) return value;
    const { at, end, argument, ...rest } = value as Record<string, unknown>;
    return { ...rest, at: moved(at), end: moved(end), argument: moved(argument) };
  };
  return JSON.stringify(moved(result));
}

function check(parse: Parse, texts: readonly string[]): void {
  for (const text of texts) {
    const whole = octets(text);
    for (const before of ["", 'a <"[@.=+ ']) {
      const shift = before.length;
      for (const behind of ["", "a", ".b>", '"', "]", " LAST", "@c>", "AA="]) {
        const among = octets(before + text + behind);
        for (let end = behind === "" ? 0 : whole.length; end <= whole.length; end++) {
          const alone = told(parse(whole.slice(0, end), 0, end), 0);
          const within = told(parse(among, shift, shift + end), shift);
          if (within !== alone)
            expect([text, end, before, behind, within]).toEqual([text, end, before, behind, alone]);
        }
      }
    }
  }
}

const allowing: Given = {
  utf8: "allowed",
  lenient: everyLeniency,
};
const contexts: readonly (readonly [string, Given])[] = [
  ["the grammar", {}],
  ["SMTPUTF8 offered", { utf8: "offered" }],
  ["every leniency", allowing],
];

const addresses = [
  "a@b",
  "ab.cd-e@x-1.example",
  '"a b\\"c".d@example.com',
  'a."b"@c',
  "@one,@two.example:a@b",
  "a@[192.0.2.1]",
  "a@[IPv6:2001:db8::1]",
  "a@[tag:x]",
  "jürgen@münchen.example",
  "..a..b.@c_d.",
  "Postmaster",
];
const paths = [...addresses.map((address) => `<${address}>`), "<>", ...addresses];

describe.each(contexts)("only what is the parser's own is read: %s", (_, given) => {
  const within = context(given);

  test.each(["reverse", "forward"] as const)("a %s path", (side) => {
    check((line, at, end) => parsePath(line, at, end, side, within), paths);
  });

  test("MAIL and RCPT", () => {
    check(
      (line, at, end) => parseMail(line, at, end, within),
      [
        "FROM:<a@b> SIZE=12 BODY=8BITMIME",
        "FROM: <jürgen@b> SMTPUTF8 AUTH=<>",
        "FROM:<> RET=HDRS ENVID=a+2B BY=12;RT",
        'from:<"a b"@c>  SIZE=1',
        "FROM:a@b SIZE=1",
      ],
    );
    check(
      (line, at, end) => parseRcpt(line, at, end, within),
      [
        "TO:<a@b> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@c",
        "TO: <Postmaster> RRVS=2026-01-02T03:04:05Z;C",
        "TO:<@x:a@b>",
      ],
    );
  });

  test("the name in EHLO", () => {
    check(
      (line, at, end) => parseHello(line, at, end, within, "EHLO"),
      ["mx.example.com", "[192.0.2.1] and more", "[IPv6:::1]", "a_b.c. x", "~x~", "a-", "-a", "ü"],
    );
  });

  test("the text of VRFY and EXPN", () => {
    const texts = ["a b@c SMTPUTF8", "<a@b>", "SMTPUTF8", "xSMTPUTF8", "jürgen smtputf8", "a  SMTPUTF8"];
    check((line, at, end) => parseString(line, at, end, within, "VRFY"), texts);
    check((line, at, end) => parseString(line, at, end, within, "EXPN"), texts);
  });
});

test.each<[string, Parse, readonly string[]]>([
  ["BDAT", parseChunk, ["86 LAST", "0", "12  last", "12 LASTS", "1x", "9007199254740992"]],
  ["AUTH", parseAuth, ["PLAIN AGEAYg==", "X_1-a  =", "PLAIN =AAA", "PL.AIN", "A dGVzdA"]],
  ["ETRN", parseEtrn, ["@example.com", "#a/b", "[192.0.2.1]", "x y"]],
  ["BURL", parseUrl, ["imap://a@b/c;d=e?f LAST", "x:y last", "a b", "x:%20 LASTS"]],
  ["the end of BURL", endsInLast, ["x LAST", "LAST", " LAST", "xLAST", "x last", "x LASTLAST"]],
  ["ATRN", parseDomains, ["a.example,b.example", "a,,b", "[192.0.2.1]", "a "]],
  ["RSET", (line, at, end) => parseNothing(line, at, end, "RSET"), ["", "x"]],
  ["a verb", readVerb, ["MAIL  FROM", "noop", "x", "STARTTLS a", "EHLOX y", "rcp"]],
  ["blanks at the end", trimBlanks, ["a \t ", " ", "\ta"]],
  ["octets above 0x7F", highOctet, ["aäb", "ä"]],
  [
    "XCLIENT",
    parseClientAttributes,
    ["NAME=a.example ADDR=192.0.2.1  PORT=25", "LOGIN=a+2Bb", "HELO=a+b", "x=1"],
  ],
  ["XFORWARD", parseForwardedAttributes, ["IDENT=a SOURCE=local", "ADDR=IPV6:::1 NAME=[UNAVAILABLE]"]],
  ["base64", decodeBase64, ["AGEAYg==", "YWJj", "YWI=", "Y===", "====", "QR==", "Q!=="]],
  ["xtext", decodeXtext, ["a+2Bb+", "+2b", "+G0", "+0G", "a=b", "+3D+7F~!"]],
  [
    "a domain",
    (line, at, end) => readDomain(line, at, end, { utf8: true, underscore: true, trailingDot: true }),
    ["a.b-c.", "[192.0.2.1]", "a..b", "-a", "a-", "[a:b]", "[x", "ü_"],
  ],
  [
    "a plain path",
    (line, at, end) => readPlain(line, at, end, context()),
    ["<a.b@c-d.e>", "<a.@b>", "<a@b->", "<a@b.>", "<a@b>x"],
  ],
  ["a word", (line, at, end) => isWord(line, at, end, "LAST"), ["LAST", "last", "LASX"]],
  ["blanks", skipSpaces, ["  a", "   "]],
  ["the next blank", nextSpace, ["ab c", "  "]],
  ["upper case", upperAscii, ["abcß", "ABC", "abZ"]],
  ["ASCII", ascii, ["abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz"]],
  ["UTF-8", decodeUtf8, ["aäb€c😀", "€"]],
  ["UTF-8 to be shown", decodeLossy, ["aäb€c😀", "€"]],
])("%s is read as if it were alone", (_, parse, texts) => {
  check(parse, texts);
});

describe("the path that is read in one pass", () => {
  const limits = { localPart: 64, domain: 255, path: 256 };
  const plain = (text: string) => readPlain(octets(text), 0, octets(text).length, { ...context(), limits });
  const label = "d".repeat(63);

  test.each([
    ["<a@b>", "a", "b"],
    ["<a.b@c.d>", "a.b", "c.d"],
    ["<a-b+c@d-e.f1>", "a-b+c", "d-e.f1"],
    ["<-a@1>", "-a", "1"],
    [`<a@${label}>`, "a", label],
    [`<a@${label}.${label}>`, "a", `${label}.${label}`],
    [`<a@b.${label}.c>`, "a", `b.${label}.c`],
    [`<${"l".repeat(64)}@b>`, "l".repeat(64), "b"],
    [`<a@${label}.${label}.${label}.${"d".repeat(60)}>`, "a", `${label}.${label}.${label}.${"d".repeat(60)}`],
  ])("S-ADDR-01 L-LEN-01 L-LEN-02 L-LEN-03 is %s", (text, local, domain) => {
    const address = `${local}@${domain}`;
    const path = {
      local,
      domain: { kind: "name", text: domain },
      raw: text,
      address,
      route: [],
      utf8: false,
    };
    expect(plain(text)).toEqual({ path, end: text.length });
  });

  test.each([
    "<>",
    "<@b>",
    "<a>",
    "<a@>",
    "<a@.b>",
    "<a@b.>",
    "<a@b..c>",
    "<.a@b>",
    "<a.@b>",
    "<a..b@c>",
    "<a@-b>",
    "<a@b->",
    "<a@b-.c>",
    "<a@b.-c>",
    "<a@b",
    "<a@",
    "<a",
    "<",
    "<a@b_c>",
    "<a@b@c>",
    "<a@[192.0.2.1]>",
    '<"a"@b>',
    "<a b@c>",
    "<a@b c>",
    "<ä@b>",
    "<a@ä>",
    `<a@${label}d>`,
    `<a@${label}d.b>`,
    `<a@b.${label}d>`,
    `<${"l".repeat(65)}@b>`,
    `<a@${label}.${label}.${label}.${"d".repeat(61)}>`,
  ])("is not %s, which is for the grammar", (text) => {
    expect(plain(text)).toBeNull();
  });

  test("L-LEN-01 L-LEN-02 L-LEN-03 keeps each limit to the octet", () => {
    const of = (given: typeof limits) =>
      readPlain(octets("<abc@de.fg>"), 0, 11, { ...context(), limits: given });
    const fits = { localPart: 3, domain: 5, path: 11 };
    expect(of(fits)).not.toBeNull();
    for (const key of ["localPart", "domain", "path"] as const)
      expect(of({ ...fits, [key]: fits[key] - 1 })).toBeNull();
  });

  test("S-ADDR-01 every short text in brackets is read as the grammar reads it without", () => {
    const lenient = context({ lenient: { bareAddress: true } });
    let read = 0;
    const letters = ["a", "1", "-", ".", "@"];
    let texts = [""];
    for (let length = 0; length < 6; length++) {
      for (const text of texts) {
        const plain = readPlain(octets(`<${text}>`), 0, text.length + 2, lenient);
        if (plain === null) continue;
        read++;
        const bare = parsePath(octets(text), 0, text.length, "reverse", lenient);
        const { path } = bare as { path: object };
        expect({ path: plain.path, end: plain.end - 2 }).toEqual({
          path: { ...path, raw: `<${text}>` },
          end: text.length,
        });
      }
      texts = texts.flatMap((text) => letters.map((letter) => text + letter));
    }
    expect(read).toBeGreaterThan(100);
  });
});

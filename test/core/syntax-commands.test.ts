import { describe, expect, test } from "vitest";
import {
  highOctet,
  parseAuth,
  parseChunk,
  parseEtrn,
  parseHello,
  parseNothing,
  parseString,
  readVerb,
  trimBlanks,
} from "../../packages/core/src/syntax/command.ts";
import { isFault } from "../../packages/core/src/syntax/fault.ts";
import { forbiddenOctet } from "../../packages/core/src/wire/line.ts";
import { context, type Given, octets, readMail, readRcpt, said } from "./arguments.ts";

/** Reads the argument of a line as the session does: behind the verb, blanks at the end apart. */
function argument<T>(text: string, read: (line: Uint8Array, at: number, end: number) => T): T {
  const line = octets(text);
  return read(line, readVerb(line).argument, trimBlanks(line));
}

describe("the line", () => {
  test.each([
    ["S-LINE-03", "NOOP", "NOOP", 4],
    ["S-LINE-03", "noop hello", "NOOP", 5],
    ["S-LINE-03", "nOoP", "NOOP", 4],
    ["S-LINE-03", "mail from:<>", "MAIL", 5],
    ["S-LINE-06", "HELO   host", "HELO", 7],
    ["S-LINE-03", "NOOP\thello", "NOOP\tHELLO", 10],
    ["S-LINE-05", "RSET\t", "RSET", 4],
    ["S-LINE-05", "RSET  \t ", "RSET", 4],
    ["S-LINE-03", " NOOP", "", 1],
    ["S-LINE-15", "", "", 0],
    ["S-LINE-15", "  ", "", 0],
    ["S-LINE-03", "FOO!bar baz", "FOO!BAR", 8],
  ])("%s the verb of %j is %j", (_id, text, verb, argument) => {
    expect(readVerb(octets(text))).toEqual({ verb, argument });
  });

  test("S-LINE-03 only ASCII letters are folded", () => {
    for (const text of ["ma\u0131l", "\u00df", "\u212aOOP", "\u017fend"]) {
      expect(readVerb(octets(text)).verb).not.toMatch(/^[A-Z]+$/);
    }
  });

  test("a verb without end is cut, and stays unknown", () => {
    const { verb, argument } = readVerb(octets("A".repeat(4000)));
    expect(verb).toHaveLength(64);
    expect(argument).toBe(4000);
  });

  test("S-LINE-05 SP and HT at the end are no part of the line", () => {
    for (const blanks of ["", " ", "\t", " \t \t"]) expect(trimBlanks(octets(`NOOP${blanks}`))).toBe(4);
    expect(trimBlanks(octets(" \t "))).toBe(0);
    expect(argument("NOOP \t ", (line, at, end) => parseNothing(line, at, end, "RSET"))).toBeNull();
  });

  test("S-LINE-10 every control octet but HT is found, where it is", () => {
    for (let octet = 0; octet < 0x100; octet++) {
      const line = Uint8Array.from([...octets("NO"), octet, ...octets("OP\0")]);
      const control = (octet < 0x20 && octet !== 0x09) || octet === 0x7f;
      expect([octet, forbiddenOctet(line)]).toEqual([octet, control ? 2 : 5]);
    }
    expect(forbiddenOctet(octets("NOOP \t jürgen"))).toBe(-1);
  });

  test("S-LINE-09 octets above 0x7F are found", () => {
    expect(highOctet(octets("NOOP jürgen"))).toBe(6);
    expect(highOctet(octets("NOOP jürgen"), 8)).toBe(-1);
    expect(highOctet(octets("NOOP ~\x7f"))).toBe(-1);
  });
});

describe("MAIL and RCPT", () => {
  test.each([
    ["S-MAIL-01", "MAIL FROM:<a@b.example> SIZE=100 BODY=8BITMIME"],
    ["S-LINE-03", "mail from:<a@b.example> size=100"],
    ["S-MAIL-01 S-MAIL-02", "MAIL FROM:<>"],
    ["S-PARM-01", "MAIL FROM:<a@b.example>  SIZE=1"],
    ["S-PARM-01", "MAIL FROM:<a@b.example> BODY=7BIT  SIZE=1"],
    ["S-MAIL-09", "MAIL FROM: <a@b.example>"],
    ["S-MAIL-09", "MAIL FROM:   <a@b.example>"],
  ])("%s %s is well-formed", (_id, text) => {
    expect(said(readMail(text))).toBe("ok");
  });

  test.each([
    ["S-MAIL-08", "MAIL <a@b.example>", "S-MAIL-08 501 5.5.4"],
    ["S-MAIL-08", "MAIL ", "S-MAIL-08 501 5.5.4"],
    ["S-MAIL-08", "MAIL TO:<a@b.example>", "S-MAIL-08 501 5.5.4"],
    ["S-MAIL-08", "MAIL FROM", "S-MAIL-08 501 5.5.4"],
    ["S-MAIL-08", "MAIL FROM<a@b.example>", "S-MAIL-08 501 5.5.4"],
    ["S-MAIL-09", "MAIL FROM : <a@b.example>", "S-MAIL-08 501 5.5.4"],
    ["S-MAIL-09", "MAIL FROM :<a@b.example>", "S-MAIL-08 501 5.5.4"],
    ["S-MAIL-08", "MAIL FROM:", "S-ADDR-01 501 5.1.7"],
    ["S-MAIL-08 S-MAIL-10", "MAIL FROM:a@b.example", "S-ADDR-01 501 5.1.7"],
    ["S-MAIL-08", "MAIL FROM:\t<a@b.example>", "S-ADDR-01 501 5.1.7"],
    ["S-PARM-01", "MAIL FROM:<a@b.example>SIZE=1", "S-PARM-01 501 5.5.4"],
    ["S-PARM-01", "MAIL FROM:<>SIZE=1", "S-PARM-01 501 5.5.4"],
    ["S-PARM-01", "MAIL FROM:<a@b.example>\tSIZE=1", "S-PARM-01 501 5.5.4"],
    ["S-PARM-01", "MAIL FROM:<a@b.example>> SIZE=1", "S-PARM-01 501 5.5.4"],
  ])("%s %s: %s", (_id, text, fault) => {
    expect(said(readMail(text))).toBe(fault);
  });

  test("S-MAIL-09 without the leniency a blank behind the colon is 501 5.5.4", () => {
    const given: Given = { lenient: { spaceAfterColon: false } };
    expect(said(readMail("MAIL FROM: <a@b.example>", given))).toBe("S-MAIL-09 501 5.5.4");
    expect(said(readRcpt("RCPT TO: <a@b.example>", given))).toBe("S-MAIL-09 501 5.5.4");
    expect(said(readMail("MAIL FROM:<a@b.example>", given))).toBe("ok");
  });

  test("S-MAIL-10 with the leniency an address without brackets ends at SP", () => {
    const given: Given = { lenient: { bareAddress: true } };
    expect(readMail("MAIL FROM:a@b.example SIZE=7", given)).toMatchObject({
      path: { raw: "a@b.example", address: "a@b.example" },
      parameters: { size: 7 },
    });
    expect(said(readMail("MAIL FROM:a@b.example>", given))).toBe("S-PARM-01 501 5.5.4");
  });

  test.each([
    ["S-RCPT-01 S-RCPT-03", "RCPT TO:<pOsTmAsTeR>", "ok"],
    ["S-RCPT-01", "rcpt to:<Postmaster@example.com>", "ok"],
    ["S-RCPT-01", "RCPT TO:<a@example.com> NOTIFY=NEVER", "ok"],
    ["S-RCPT-04", "RCPT TO:<>", "S-RCPT-04 501 5.1.3"],
    ["S-RCPT-03", "RCPT TO:<user>", "S-ADDR-01 501 5.1.3"],
    ["S-RCPT-01", "RCPT FROM:<a@example.com>", "S-MAIL-08 501 5.5.4"],
    ["S-PARM-01", "RCPT TO:<Postmaster>NOTIFY=NEVER", "S-PARM-01 501 5.5.4"],
  ])("%s %s: %s", (_id, text, outcome) => {
    expect(said(readRcpt(text))).toBe(outcome);
  });

  test("X-UTF8-03 X-UTF8-04 SMTPUTF8 behind the path decides on the path before it", () => {
    const given: Given = { utf8: "offered" };
    expect(readMail("MAIL FROM:<jürgen@example.com> SMTPUTF8", given)).toMatchObject({
      path: { local: "jürgen", utf8: true },
      parameters: { smtputf8: true },
    });
    expect(said(readMail("MAIL FROM:<jürgen@example.com>", given))).toBe("X-UTF8-04 550 5.6.7");
    expect(said(readMail("MAIL FROM:<jürgen@example.com> SIZE=1", given))).toBe("X-UTF8-04 550 5.6.7");
    expect(said(readMail("MAIL FROM:<a@example.com> SMTPUTF8", given))).toBe("ok");
    expect(said(readMail("MAIL FROM:<jürgen@example.com>"))).toBe("S-ADDR-05 501 5.1.7");
    expect(said(readRcpt("RCPT TO:<jürgen@example.com>", given))).toBe("X-UTF8-04 553 5.6.7");
    expect(said(readRcpt("RCPT TO:<jürgen@example.com>", { utf8: "allowed" }))).toBe("ok");
    expect(said(readRcpt("RCPT TO:<jürgen@example.com>"))).toBe("S-ADDR-05 501 5.1.3");
  });
});

describe("EHLO, HELO, LHLO", () => {
  const hello = (text: string, given: Given = {}) =>
    argument(text, (line, at, end) => parseHello(line, at, end, context(given), readVerb(line).verb));

  test.each([
    ["S-EHLO-02", "EHLO client.example.net", "client.example.net", "name"],
    ["S-EHLO-02", "HELO client.example.net", "client.example.net", "name"],
    ["S-EHLO-02", "EHLO [192.0.2.1]", "[192.0.2.1]", "ipv4"],
    ["S-EHLO-02", "HELO [ipv6:::1]", "[ipv6:::1]", "ipv6"],
    ["S-EHLO-02 S-LINE-06", "EHLO  localhost", "localhost", "name"],
    ["S-EHLO-02", "LHLO 192.0.2.1", "192.0.2.1", "name"],
    ["S-EHLO-03", "EHLO [192.0.2.1] some text", "[192.0.2.1]", "ipv4"],
    ["S-EHLO-03", "EHLO client.example.net (jürgen)", "client.example.net", "name"],
  ])("%s %s names %s", (_id, text, name, kind) => {
    expect(hello(text)).toMatchObject({ name, domain: { kind } });
  });

  test.each([
    "EHLO a_b.example",
    "EHLO -a.example",
    "EHLO a-.example",
    "EHLO a..example",
    "EHLO a.example.",
    "EHLO <a.example>",
    "EHLO [192.0.2.256]",
    "EHLO [",
    "EHLO [192.0.2.1]x",
    "EHLO a/b",
    "EHLO a@b",
    "EHLO *",
    "EHLO a\tb",
    "HELO münchen.example",
    `EHLO ${"d".repeat(64)}`,
    `EHLO ${"d.".repeat(128)}d`,
  ])("S-EHLO-02 S-EHLO-11 %s is 501 without enhanced code", (text) => {
    expect(said(hello(text))).toBe("S-EHLO-11 501");
  });

  test.each(["EHLO", "HELO ", "LHLO  "])("S-EHLO-02 %j lacks its argument", (text) => {
    const fault = hello(text);
    expect(said(fault)).toBe("S-EHLO-02 501");
    expect(isFault(fault) && fault.reply.lines).toEqual([`Syntax: ${text.trim()} hostname`]);
  });

  test("X-UTF8-08 names stay ASCII, with SMTPUTF8 and with leniency too", () => {
    expect(said(hello("EHLO münchen.example", { utf8: "allowed" }))).toBe("S-EHLO-11 501");
    expect(said(hello("EHLO münchen.example", { lenient: { helloName: true } }))).toBe("S-EHLO-11 501");
  });

  test("S-EHLO-11 the leniency lets any printable name in, and no blank and no control", () => {
    const given: Given = { lenient: { helloName: true } };
    for (const name of ["a_b.example", "<x>", "a..b", "[1.2.3]", "~!(", '"quoted"']) {
      expect(hello(`EHLO ${name} text`, given)).toEqual({ name, domain: null });
    }
    expect(hello("EHLO a.example", given)).toMatchObject({ domain: { kind: "name" } });
    for (const name of ["a\tb", "\x01", "a\x7f", "x".repeat(256), ""]) {
      expect(isFault(hello(`EHLO ${name}`, given))).toBe(true);
    }
  });
});

describe("BDAT", () => {
  const chunk = (text: string) => argument(text, parseChunk);

  test.each([
    ["S-BDAT-11", "BDAT 86", 86, false],
    ["S-BDAT-04", "BDAT 86 LAST", 86, true],
    ["S-BDAT-04", "bdat 4 last", 4, true],
    ["S-BDAT-04", "BDAT 0 LaSt", 0, true],
    ["S-BDAT-04", "BDAT 0", 0, false],
    ["S-BDAT-11", "BDAT 000000000000000000000000012", 12, false],
    ["S-BDAT-11", "BDAT 9007199254740991", Number.MAX_SAFE_INTEGER, false],
    ["S-LINE-05 S-LINE-06", "BDAT  5  LAST \t", 5, true],
  ])("%s %s", (_id, text, size, last) => {
    expect(chunk(text)).toEqual({ size, last });
  });

  test.each([
    "BDAT",
    "BDAT ",
    "BDAT x",
    "BDAT -1",
    "BDAT +1",
    "BDAT 1.0",
    "BDAT 1e3",
    "BDAT 0x10",
    "BDAT 5LAST",
    "BDAT LAST",
    "BDAT 5 FIRST",
    "BDAT 5 LASTS",
    "BDAT 5 LAS",
    "BDAT 5 LAST LAST",
    "BDAT 5 5",
    "BDAT 5\tLAST",
    "BDAT ٥",
    "BDAT 9007199254740992",
    "BDAT 99999999999999999999",
  ])("S-BDAT-12 %s: nobody knows where the chunk ends", (text) => {
    expect(said(chunk(text))).toBe("S-BDAT-12 421 4.7.0");
  });
});

describe("AUTH", () => {
  const auth = (text: string) => argument(text, parseAuth);

  test.each([
    ["AUTH PLAIN", "PLAIN", null],
    ["AUTH plain", "PLAIN", null],
    ["AUTH PLAIN =", "PLAIN", ""],
    ["AUTH PLAIN dGVzdAB0ZXN0ADEyMzQ=", "PLAIN", "test\0test\x001234"],
    ["AUTH  SCRAM-SHA-256-PLUS  YQ==", "SCRAM-SHA-256-PLUS", "a"],
    ["AUTH X_Y", "X_Y", null],
  ])("A-AUTH-03 %s", (text, mechanism, initial) => {
    expect(auth(text)).toEqual({ mechanism, initial: initial === null ? null : octets(initial) });
  });

  test.each([
    "AUTH",
    "AUTH =",
    "AUTH PL.AIN",
    `AUTH ${"A".repeat(21)}`,
    "AUTH PLAIN\tYQ==",
    "AUTH ß",
    "AUTH ı",
  ])("A-AUTH-03 L-LEN-16 %s has no mechanism", (text) => {
    expect(said(auth(text))).toBe("A-AUTH-03 501 5.5.4");
  });

  test("A-AUTH-03 no octet above 0x7F becomes a letter of a mechanism", () => {
    for (let octet = 0x80; octet < 0x100; octet++) {
      const line = Uint8Array.from([...octets("AUTH "), octet]);
      expect(said(parseAuth(line, 5, 6))).toBe("A-AUTH-03 501 5.5.4");
    }
  });

  test.each(["=AAA", "AAA=BBB", "QQ", "QR==", "==", "QUJD QUJD", "Q!==", "YQ==\tYQ=="])(
    "A-AUTH-07 the initial response %s does not decode",
    (text) => {
      const fault = auth(`AUTH PLAIN ${text}`);
      expect(said(fault)).toBe("A-AUTH-07 501 5.5.2");
      expect(isFault(fault) && fault.detail).not.toContain(text);
    },
  );
});

describe("VRFY and EXPN", () => {
  const string = (text: string, given: Given = {}) =>
    argument(text, (line, at, end) =>
      parseString(line, at, end, context(given), readVerb(line).verb as "VRFY"),
    );

  test.each([
    ["VRFY jones", "jones", null],
    ["VRFY jones@example.com", "jones@example.com", "jones"],
    ["VRFY <jones@example.com>", "<jones@example.com>", "jones"],
    ['VRFY "Sam Jones"@example.com', '"Sam Jones"@example.com', "Sam Jones"],
    ['VRFY "Sam Jones"', '"Sam Jones"', null],
    ["VRFY Sam Q. Jones  ", "Sam Q. Jones", null],
    ["EXPN staff", "staff", null],
    ["EXPN staff@example.com", "staff@example.com", "staff"],
    ["VRFY SMTPUTF8", "SMTPUTF8", null],
    ["VRFY jones SMTPUTF8", "jones SMTPUTF8", null],
  ])("S-VRFY-04 %s is free text, an address if it is one", (text, argument, local) => {
    const read = string(text);
    expect(read).toMatchObject({ text: argument, smtputf8: false });
    expect("mailbox" in read && (read.mailbox?.local ?? null)).toBe(local);
  });

  test.each([
    ["S-VRFY-01", "VRFY"],
    ["S-VRFY-01", "VRFY   "],
    ["S-EXPN-01", "EXPN"],
  ])("%s %j lacks its argument", (rule, text) => {
    expect(said(string(text))).toBe(`${rule} 501 5.5.4`);
  });

  test("X-UTF8-07 with SMTPUTF8 on, the parameter is told from the text", () => {
    const given: Given = { utf8: "offered" };
    expect(string("VRFY jones SMTPUTF8", given)).toEqual({ text: "jones", mailbox: null, smtputf8: true });
    expect(string("VRFY jürgen@example.com smtputf8", given)).toMatchObject({
      text: "jürgen@example.com",
      mailbox: { local: "jürgen" },
      smtputf8: true,
    });
    expect(string("VRFY jürgen", given)).toEqual({ text: "jürgen", mailbox: null, smtputf8: false });
    expect(string("VRFY SMTPUTF8", given)).toMatchObject({ text: "SMTPUTF8", smtputf8: false });
    expect(string("VRFY  SMTPUTF8  SMTPUTF8", given)).toMatchObject({ text: "SMTPUTF8", smtputf8: true });
    expect(string("VRFY xSMTPUTF8", given)).toMatchObject({ text: "xSMTPUTF8", smtputf8: false });
  });

  test("S-LINE-09 without SMTPUTF8 an octet above 0x7F is 501, what is not UTF-8 in any case", () => {
    expect(said(string("VRFY jürgen"))).toBe("S-LINE-09 501 5.5.4");
    const line = Uint8Array.from([...octets("VRFY j"), 0xfc]);
    for (const utf8 of ["absent", "offered", "allowed"] as const) {
      expect(said(parseString(line, 5, line.length, context({ utf8 }), "VRFY"))).toBe("S-LINE-09 501 5.5.4");
    }
  });
});

describe("ETRN", () => {
  const etrn = (text: string) => argument(text, parseEtrn);

  test.each([
    ["ETRN example.net", "", "example.net"],
    ["ETRN @example.net", "@", "example.net"],
    ["ETRN #queue/7_x", "#", "queue/7_x"],
    ["ETRN [192.0.2.1]", "", "[192.0.2.1]"],
  ])("X-ETRN-01 %s", (text, option, node) => {
    expect(etrn(text)).toEqual({ option, node });
  });

  test.each([
    "ETRN",
    "ETRN ",
    "ETRN @",
    "ETRN #",
    "ETRN a b",
    "ETRN a_b",
    "ETRN @#x",
    "ETRN #a b",
    "ETRN ü.example",
  ])("X-ETRN-02 %s names no node", (text) => {
    expect(said(etrn(text))).toBe("X-ETRN-02 501 5.5.4");
  });
});

describe("commands without argument", () => {
  test.each([
    ["S-RSET-02", "RSET now"],
    ["S-DATAC-01", "DATA now"],
    ["S-QUIT-01", "QUIT now"],
    ["T-TLS-02", "STARTTLS now"],
    ["S-RSET-02", "RSET \t x"],
  ])("%s %j is 501 5.5.4", (rule, text) => {
    const { verb } = readVerb(octets(text));
    const fault = argument(text, (line, at, end) => parseNothing(line, at, end, verb));
    expect(said(fault)).toBe(`${rule} 501 5.5.4`);
    expect(fault?.reply.lines).toEqual([`Syntax: ${verb}`]);
  });
});

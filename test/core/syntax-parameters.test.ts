import { describe, expect, test } from "vitest";
import type { ExtensionName } from "../../packages/core/src/extensions/extension.ts";
import { isFault } from "../../packages/core/src/syntax/fault.ts";
import { noMailParameters, noRcptParameters } from "../../packages/core/src/syntax/parameters.ts";
import { type Given, octets, readMail, readRcpt, said } from "./arguments.ts";

const onMail = (text: string, given: Given = {}) => {
  const read = readMail(`MAIL FROM:<a@b.example>${text && ` ${text}`}`, given);
  return isFault(read) ? said(read) : read.parameters;
};
const onRcpt = (text: string, given: Given = {}) => {
  const read = readRcpt(`RCPT TO:<a@b.example>${text && ` ${text}`}`, given);
  return isFault(read) ? said(read) : read.parameters;
};
const mail = (parameters: object) => ({ ...noMailParameters, ...parameters });
const rcpt = (parameters: object) => ({ ...noRcptParameters, ...parameters });

describe("parameters", () => {
  test("S-PARM-01 they come in any order and any case, with one SP or more between", () => {
    const all = mail({ size: 5, body: "8BITMIME", ret: "HDRS", envid: "Q+20x", auth: "<>" });
    expect(onMail("SIZE=5 BODY=8BITMIME RET=HDRS ENVID=Q+20x AUTH=<>")).toEqual(all);
    expect(onMail("  auth=<> envid=Q+20x  ret=hdrs body=8bitmime   size=5")).toEqual(all);
    expect(onMail("")).toEqual(noMailParameters);
    expect(onRcpt("")).toEqual(noRcptParameters);
  });

  test("S-PARM-02 what is unknown is 555", () => {
    for (const text of [
      "FOO",
      "FOO=bar",
      "X-FOO=1",
      "SIZES=1",
      "NOTIFY=NEVER",
      "ORCPT=rfc822;a",
      "__PROTO__",
      "constructor=1",
    ]) {
      const expected = text === "__PROTO__" ? "S-PARM-04 501 5.5.4" : "S-PARM-02 555 5.5.4";
      expect([text, onMail(text)]).toEqual([text, expected]);
    }
    for (const text of ["SIZE=1", "BODY=7BIT", "SMTPUTF8", "RET=FULL", "toString"]) {
      expect([text, onRcpt(text)]).toEqual([text, "S-PARM-02 555 5.5.4"]);
    }
  });

  test.each<[string, ExtensionName[]]>([
    ["SIZE=1", ["size"]],
    ["BODY=7BIT", ["8bitmime", "binarymime"]],
    ["SMTPUTF8", ["smtputf8"]],
    ["RET=FULL", ["dsn"]],
    ["ENVID=x", ["dsn"]],
    ["AUTH=<>", ["auth"]],
    ["NOTIFY=NEVER", ["dsn"]],
    ["ORCPT=rfc822;a@b.example", ["dsn"]],
  ])("S-PARM-02 S-8BIT-01 %s needs its extension, else it is 555", (text, without) => {
    const read = text.startsWith("NOTIFY") || text.startsWith("ORCPT") ? onRcpt : onMail;
    expect(read(text, { utf8: "offered" })).toBeTypeOf("object");
    expect(read(text, { utf8: "offered", without })).toBe("S-PARM-02 555 5.5.4");
  });

  test("S-PARM-03 X-DSN-06 twice is once too often, for every parameter", () => {
    for (const one of ["SIZE=1", "BODY=7BIT", "SMTPUTF8", "RET=FULL", "ENVID=x", "AUTH=<>"]) {
      expect(onMail(`${one} ${one.toLowerCase()}`, { utf8: "offered" })).toBe("S-PARM-03 501 5.5.4");
    }
    for (const one of ["NOTIFY=NEVER", "ORCPT=rfc822;a"])
      expect(onRcpt(`${one} ${one}`)).toBe("S-PARM-03 501 5.5.4");
    expect(onMail("SIZE=1 SIZE=2")).toBe("S-PARM-03 501 5.5.4");
    expect(onMail("SIZE=1 BODY=7BIT SIZE=1")).toBe("S-PARM-03 501 5.5.4");
  });

  test("S-PARM-04 a value is missing, forbidden or malformed", () => {
    for (const text of [
      "SIZE",
      "SIZE=",
      "BODY",
      "BODY=",
      "RET",
      "ENVID=",
      "AUTH",
      "AUTH=",
      "SMTPUTF8=1",
      "SMTPUTF8=",
      "=",
      "=1",
      "-SIZE=1",
      "SIZE!=1",
      "SIZE:1",
      "SIZE=1=2",
      "SIZE=1\t",
      "SIZE=1\tBODY=7BIT",
    ]) {
      expect([text, onMail(text, { utf8: "offered" })]).toEqual([text, "S-PARM-04 501 5.5.4"]);
    }
    for (const text of ["NOTIFY", "NOTIFY=", "ORCPT", "ORCPT="])
      expect(onRcpt(text)).toBe("S-PARM-04 501 5.5.4");
  });

  test("S-PARM-05 after HELO every parameter is 555, and none is none", () => {
    for (const text of ["SIZE=1", "SMTPUTF8", "FOO"])
      expect(onMail(text, { plain: true })).toBe("S-PARM-05 555 5.5.4");
    expect(onRcpt("NOTIFY=NEVER", { plain: true })).toBe("S-PARM-05 555 5.5.4");
    expect(onMail("", { plain: true })).toEqual(noMailParameters);
  });

  test("L-LEN-23 there may be so many of them and no more", () => {
    expect(onMail("SIZE=1 BODY=7BIT", { maxParameters: 2 })).toEqual(mail({ size: 1, body: "7BIT" }));
    expect(onMail("SIZE=1 BODY=7BIT RET=FULL", { maxParameters: 2 })).toBe("L-LEN-23 501 5.5.4");
  });

  test("S-LINE-09 an octet above 0x7F in a value is 501, unless SMTPUTF8 was given", () => {
    expect(onMail("ENVID=jürgen")).toBe("S-PARM-04 501 5.5.4");
    expect(onMail("AUTH=jürgen@b.example", { utf8: "offered" })).toBe("S-PARM-04 501 5.5.4");
    expect(onRcpt("ORCPT=utf-8;jürgen@b.example", { utf8: "offered" })).toBe("S-PARM-04 501 5.5.4");
  });

  test("the empty ones are shared and frozen", () => {
    expect(onMail("")).toBe(noMailParameters);
    expect(onRcpt("")).toBe(noRcptParameters);
    expect(Object.isFrozen(noMailParameters) && Object.isFrozen(noRcptParameters)).toBe(true);
  });

  test("a set of parameters has all its keys in one order, whatever was given", () => {
    const keys = Object.keys(noMailParameters);
    for (const text of ["", "AUTH=<> SIZE=1", "ENVID=x"]) expect(Object.keys(onMail(text))).toEqual(keys);
    expect(Object.keys(onRcpt("ORCPT=rfc822;a NOTIFY=NEVER"))).toEqual(Object.keys(noRcptParameters));
  });
});

describe("SIZE", () => {
  test.each([
    ["SIZE=1000", 1000],
    ["SIZE=0", 0],
    ["SIZE=0000000000000000001", 1],
    ["SIZE=9007199254740991", Number.MAX_SAFE_INTEGER],
    ["SIZE=9007199254740992", Number.POSITIVE_INFINITY],
    ["SIZE=99999999999999999999", Number.POSITIVE_INFINITY],
  ])("X-SIZE-02 L-LEN-17 %s is %d", (text, size) => {
    expect(onMail(text)).toEqual(mail({ size }));
  });

  test.each([
    "SIZE=-1",
    "SIZE=+1",
    "SIZE=1e3",
    "SIZE=0x10",
    "SIZE=1.0",
    "SIZE=1,000",
    "SIZE=123456789012345678901",
  ])("X-SIZE-02 L-LEN-17 %s is 501", (text) => {
    expect(onMail(text)).toBe("S-PARM-04 501 5.5.4");
  });
});

describe("BODY", () => {
  test.each([
    ["7BIT", "7BIT"],
    ["8bitmime", "8BITMIME"],
    ["BinaryMIME", "BINARYMIME"],
  ])("S-8BIT-01 BODY=%s is %s", (value, body) => {
    expect(onMail(`BODY=${value}`)).toEqual(mail({ body }));
  });

  test("S-8BIT-01 other values are 501, one whose extension is off among them", () => {
    for (const value of ["9BIT", "8BIT", "7BITMIME", "7BIT,8BITMIME"]) {
      expect(onMail(`BODY=${value}`)).toBe("S-PARM-04 501 5.5.4");
    }
    expect(onMail("BODY=BINARYMIME", { without: ["binarymime"] })).toBe("S-PARM-04 501 5.5.4");
    expect(onMail("BODY=8BITMIME", { without: ["8bitmime"] })).toBe("S-PARM-04 501 5.5.4");
  });
});

describe("SMTPUTF8", () => {
  test("X-UTF8-02 it takes no value", () => {
    const given: Given = { utf8: "offered" };
    expect(onMail("SMTPUTF8", given)).toEqual(mail({ smtputf8: true }));
    expect(onMail("smtputf8 SIZE=1", given)).toEqual(mail({ smtputf8: true, size: 1 }));
    expect(onMail("SMTPUTF8=YES", given)).toBe("S-PARM-04 501 5.5.4");
  });
});

describe("DSN", () => {
  test.each([
    ["RET=FULL", { ret: "FULL" }],
    ["ret=hdrs", { ret: "HDRS" }],
  ])("X-DSN-02 %s", (text, parameters) => {
    expect(onMail(text)).toEqual(mail(parameters));
  });

  test.each(["RET=BODY", "RET=FULL,HDRS", "RET=FULLHDRS"])("X-DSN-02 X-DSN-06 %s is 501", (text) => {
    expect(onMail(text)).toBe("S-PARM-04 501 5.5.4");
  });

  test.each(["QQ314159", "a+20b", "+2B+3D", "~!", "x".repeat(100)])(
    "X-DSN-03 L-LEN-13 ENVID=%s is kept encoded",
    (envid) => {
      expect(onMail(`ENVID=${envid}`)).toEqual(mail({ envid }));
    },
  );

  test.each(["a+0Ab", "a+00", "+7F", "+C3+BC", "a=b", "+", "+2", "+2b", "a+G0", "x".repeat(101)])(
    "X-DSN-03 X-DSN-06 L-LEN-13 ENVID=%s is 501",
    (envid) => {
      expect(onMail(`ENVID=${envid}`)).toBe("S-PARM-04 501 5.5.4");
    },
  );

  test.each([
    ["NOTIFY=NEVER", ["NEVER"]],
    ["notify=never", ["NEVER"]],
    ["NOTIFY=SUCCESS,FAILURE", ["SUCCESS", "FAILURE"]],
    ["NOTIFY=delay,Success,FAILURE", ["DELAY", "SUCCESS", "FAILURE"]],
  ])("X-DSN-04 L-LEN-13 %s", (text, notify) => {
    expect(onRcpt(text)).toEqual(rcpt({ notify }));
  });

  test.each([
    "NEVER,DELAY",
    "SUCCESS,NEVER",
    "NEVER,NEVER",
    "SOMETIMES",
    "SUCCESS,",
    ",SUCCESS",
    "SUCCESS,,DELAY",
    ",",
  ])("X-DSN-04 X-DSN-06 NOTIFY=%s is 501", (value) => {
    expect(onRcpt(`NOTIFY=${value}`)).toBe("S-PARM-04 501 5.5.4");
  });

  test.each([
    ["rfc822;Dana+2Bx@Ivory.example.net", "rfc822", "Dana+x@Ivory.example.net"],
    ["RFC822;A@b.example", "RFC822", "A@b.example"],
    ["x_400!;a;b/c", "x_400!", "a;b/c"],
    ["rfc822;+22a+20b+22@b.example", "rfc822", '"a b"@b.example'],
    [`rfc822;${"x".repeat(493)}`, "rfc822", "x".repeat(493)],
    // xtext may be empty, and Postfix, Exim and OpenSMTPD take it so.
    ["rfc822;", "rfc822", ""],
  ])("X-DSN-05 L-LEN-13 ORCPT=%s keeps what was received, and decodes", (raw, type, address) => {
    expect(onRcpt(`ORCPT=${raw}`)).toEqual(rcpt({ orcpt: { type, address, raw } }));
  });

  test.each([
    ["no type", "Dana@x.example"],
    ["an empty type", ";Dana@x.example"],
    ["no semicolon behind the type", "rfc822"],
    ["no address in UTF-8", "utf-8;"],
    ["a type that is no atom", "rfc(822);a@b"],
    ["a dot in the type", "rfc.822;a@b"],
    ["a = in the type", "rfc=822;a@b"],
    ["bad xtext", "rfc822;a+2bc@b"],
    ["more than 500 octets", `rfc822;${"x".repeat(494)}`],
  ])("X-DSN-05 X-DSN-06 ORCPT with %s is 501", (_what, value) => {
    expect(onRcpt(`ORCPT=${value}`)).toBe("S-PARM-04 501 5.5.4");
  });

  test("S-ADDR-05 no control octet comes out of ORCPT, and no UTF-8 out of xtext without SMTPUTF8", () => {
    for (const value of ["rfc822;a+0D+0Ab@c", "rfc822;+00", "x;+7F", "rfc822;+C3+BC@b.example", "x;+80"]) {
      expect([value, onRcpt(`ORCPT=${value}`)]).toEqual([value, "S-PARM-04 501 5.5.4"]);
    }
  });

  test.each([
    ["utf-8;j\\x{FC}rgen@example.com", "jürgen@example.com"],
    ["UTF-8;a\\x{2B}b@example.com", "a+b@example.com"],
    ["utf-8;\\x{3D}\\x{7B}@example.com", null],
    ["utf-8;a\\x{3D}@example.com", "a=@example.com"],
    ["utf-8;\\x{1F600}@example.com", "😀@example.com"],
    ["utf-8;\\x{10FFFF}@example.com", "\u{10ffff}@example.com"],
    ["utf-8;\\x{100}@example.com", "Ā@example.com"],
    ["utf-8;\\x{80}@example.com", "\u0080@example.com"],
    ['utf-8;"a\\x{20}b"@example.com', '"a b"@example.com'],
    ['utf-8;"\\x{5C}\\x{5C}"@example.com', '"\\\\"@example.com'],
    ["utf-8;plain@example.com", "plain@example.com"],
  ])("X-DSN-15 ORCPT=%s, in seven bits, is %s", (raw, address) => {
    const expected =
      address === null ? "S-PARM-04 501 5.5.4" : rcpt({ orcpt: { type: raw.slice(0, 5), address, raw } });
    expect(onRcpt(`ORCPT=${raw}`)).toEqual(expected);
  });

  test.each([
    ["a letter that needs none", "a\\x{41}b@example.com"],
    ["a surrogate", "a\\x{D800}@example.com"],
    ["above U+10FFFF", "a\\x{110000}@example.com"],
    ["seven digits", "a\\x{0010FFFF}@example.com"],
    ["not the shortest form", "a\\x{0FC}@example.com"],
    ["not the shortest form, of what needs three digits", "a\\x{0100}@example.com"],
    ["a single digit", "a\\x{9}@example.com"],
    ["lower case", "a\\x{fc}@example.com"],
    ["lower case, long", "a\\x{1f600}@example.com"],
    ["no digits", "a\\x{}@example.com"],
    ["no end", "a\\x{FC@example.com"],
    ["no braces", "a\\xFC@example.com"],
    ["a backslash alone", "a\\b@example.com"],
    ["a backslash at the end", "a@example.com\\"],
    ["a stray +", "a+2Bb@example.com"],
    ["a control octet", "a\\x{0A}@example.com"],
    ["DEL", "a\\x{7F}@example.com"],
    ["no mailbox", "jürgen"],
    ["no domain", "a@"],
  ])("X-DSN-15 ORCPT=utf-8 with %s is 501", (_what, address) => {
    expect(onRcpt(`ORCPT=utf-8;${address}`, { utf8: "allowed" })).toBe("S-PARM-04 501 5.5.4");
  });

  test("X-DSN-15 the unitext form needs SMTPUTF8", () => {
    const raw = "utf-8;jürgen@example.com";
    const orcpt = { type: "utf-8", address: "jürgen@example.com", raw };
    expect(onRcpt(`ORCPT=${raw}`, { utf8: "allowed" })).toEqual(rcpt({ orcpt }));
    expect(onRcpt(`ORCPT=${raw}`, { utf8: "offered" })).toBe("S-PARM-04 501 5.5.4");
    expect(onRcpt(`ORCPT=${raw}`)).toBe("S-PARM-04 501 5.5.4");
  });

  test("X-UTF8-03 unitext is well-formed UTF-8", () => {
    const line = Uint8Array.from([
      ...octets("RCPT TO:<a@b.example> ORCPT=utf-8;j"),
      0xfc,
      ...octets("@b.example"),
    ]);
    expect(said(readRcpt(line, { utf8: "allowed" }))).toBe("S-PARM-04 501 5.5.4");
  });
});

describe("AUTH=", () => {
  test.each([
    ["AUTH=e+3Dmc2@example.com", "e=mc2@example.com"],
    ["AUTH=<>", "<>"],
    ["AUTH=+22a+20b+22@example.com", '"a b"@example.com'],
    ["auth=+22a.b+22@Example.com", "a.b@Example.com"],
  ])("A-PARM-01 %s is %s", (text, auth) => {
    expect(onMail(text)).toEqual(mail({ auth }));
  });

  test.each([
    "AUTH=",
    "AUTH=nobody",
    "AUTH=<a@b.example>",
    "AUTH=e=mc2@example.com",
    "AUTH=a+0D@b.example",
    "AUTH=<",
    "AUTH=a@",
  ])("A-PARM-01 %s is 501", (text) => {
    expect(onMail(text)).toBe("S-PARM-04 501 5.5.4");
  });

  test("X-UTF8-03 it comes to UTF-8 with SMTPUTF8 only, whichever stands first", () => {
    const given: Given = { utf8: "offered" };
    const auth = "AUTH=j+C3+BCrgen@b.example";
    expect(onMail(`${auth} SMTPUTF8`, given)).toEqual(mail({ smtputf8: true, auth: "jürgen@b.example" }));
    expect(onMail(`SMTPUTF8 ${auth}`, given)).toEqual(mail({ smtputf8: true, auth: "jürgen@b.example" }));
    expect(onMail(auth, given)).toBe("S-PARM-04 501 5.5.4");
    expect(onMail(auth)).toBe("S-PARM-04 501 5.5.4");
    expect(onMail("AUTH=j+FCrgen@b.example SMTPUTF8", given)).toBe("S-PARM-04 501 5.5.4");
  });
});

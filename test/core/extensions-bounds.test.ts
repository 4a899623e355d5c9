import {
  challenge,
  type ExtensionName,
  isAnnounced,
  type OutgoingParameters,
  redactUrl,
  registry,
  reply,
  type ServerConfig,
  settle,
  UsageError,
} from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { writeCustom } from "../../packages/core/src/extensions/custom.ts";
import { honoured } from "../../packages/core/src/extensions/priority.ts";
import { isDateTime, seconds } from "../../packages/core/src/extensions/values.ts";
import { parseMail, parseRcpt } from "../../packages/core/src/syntax/command.ts";
import { isFault } from "../../packages/core/src/syntax/fault.ts";
import { Client, codesOf, ehlo, mail } from "../dialogues/client.ts";
import { context, octets } from "./arguments.ts";

/** What a parameter of MAIL comes to, of the key that it has; null: it is refused. */
function read(parameter: string, key: string, utf8: "absent" | "allowed" = "absent"): unknown {
  const line = octets(`FROM:<a@example.net> ${parameter}`);
  const parsed = parseMail(line, 0, line.length, context({ utf8 }));
  return isFault(parsed) ? null : (parsed.parameters as unknown as Record<string, unknown>)[key];
}

/** The same of RCPT. */
function readRcpt(parameter: string, key: string, utf8: "absent" | "allowed" = "absent"): unknown {
  const line = octets(`TO:<b@example.com> ${parameter}`);
  const parsed = parseRcpt(line, 0, line.length, context({ utf8 }));
  return isFault(parsed) ? null : (parsed.parameters as unknown as Record<string, unknown>)[key];
}

const row = (name: ExtensionName) => registry.find((each) => each.name === name);

/** What the client writes for a parameter, or the name of the error. */
function written(name: ExtensionName, parameter: string, given: object): unknown {
  const known = { ...row(name)?.mail, ...row(name)?.rcpt } as Record<
    string,
    { write: ((given: object) => string | null) | null }
  >;
  try {
    return known[parameter]?.write?.(given);
  } catch (error) {
    if (error instanceof UsageError) return "UsageError";
    throw error;
  }
}

describe("a parameter is read", () => {
  const year = "2027-01-01T00:00:00Z";
  test.each<[string, string, string, unknown]>([
    ["A-PARM-01", "AUTH=<>", "auth", "<>"],
    ["A-PARM-01", "AUTH=a@example.net", "auth", "a@example.net"],
    ["A-PARM-01", "AUTH=a+2Bb@example.net", "auth", "a+b@example.net"],
    ["A-PARM-01", "AUTH=<x", "auth", null],
    ["A-PARM-01", "AUTH=x>", "auth", null],
    ["A-PARM-01", "AUTH=<>>", "auth", null],
    ["A-PARM-01", "AUTH=<", "auth", null],
    ["A-PARM-01", "AUTH=a", "auth", null],
    ["A-PARM-01", "AUTH=+FF@example.net", "auth", null],
    ["A-PARM-01", "AUTH=+C3+BC@example.net", "auth", null],
    ["A-PARM-01", "AUTH", "auth", null],
    ["S-8BIT-01", "BODY=7bit", "body", "7BIT"],
    ["S-8BIT-01", "BODY=8BitMime", "body", "8BITMIME"],
    ["S-8BIT-01", "BODY=BinaryMime", "body", "BINARYMIME"],
    ["S-8BIT-01", "BODY=8BIT", "body", null],
    ["S-8BIT-01", "BODY", "body", null],
    ["X-SIZE-02", "SIZE=0", "size", 0],
    ["X-SIZE-02", "SIZE=00000000000000000009", "size", 9],
    ["X-SIZE-02", "SIZE=000000000000000000009", "size", null],
    ["X-SIZE-02", "SIZE=9007199254740991", "size", 9007199254740991],
    ["X-SIZE-02", "SIZE=9007199254740992", "size", Number.POSITIVE_INFINITY],
    ["X-SIZE-02", "SIZE=99999999999999999999", "size", Number.POSITIVE_INFINITY],
    ["X-SIZE-02", "SIZE=1a", "size", null],
    ["X-SIZE-02", "SIZE=/", "size", null],
    ["X-SIZE-02", "SIZE=:", "size", null],
    ["X-DSN-02", "RET=full", "ret", "FULL"],
    ["X-DSN-02", "RET=HDRS", "ret", "HDRS"],
    ["X-DSN-02", "RET=NONE", "ret", null],
    ["X-DSN-03", `ENVID=${"x".repeat(100)}`, "envid", "x".repeat(100)],
    ["X-DSN-03", `ENVID=${"x".repeat(101)}`, "envid", null],
    ["X-DSN-03", "ENVID=a+20b", "envid", "a+20b"],
    ["X-DSN-03", "ENVID=a+7E", "envid", "a+7E"],
    ["X-DSN-03", "ENVID=a+7F", "envid", null],
    ["X-DSN-03", "ENVID=a+1F", "envid", null],
    ["X-DSN-03", "ENVID=a+0A", "envid", null],
    ["X-DSN-03", "ENVID=+", "envid", null],
    ["X-DBY-02", "BY=1;R", "by", { seconds: 1, mode: "return", trace: false }],
    ["X-DBY-02", "BY=+5;rt", "by", { seconds: 5, mode: "return", trace: true }],
    ["X-DBY-02", "BY=-5;N", "by", { seconds: -5, mode: "notify", trace: false }],
    ["X-DBY-02", "BY=-0;nT", "by", { seconds: 0, mode: "notify", trace: true }],
    ["X-DBY-02", "BY=0;R", "by", null],
    ["X-DBY-02", "BY=-1;R", "by", null],
    ["X-DBY-02", "BY=999999999;R", "by", { seconds: 999_999_999, mode: "return", trace: false }],
    ["X-DBY-02", "BY=1000000000;R", "by", null],
    ["X-DBY-02", "BY=5;RX", "by", null],
    ["X-DBY-02", "BY=5;X", "by", null],
    ["X-DBY-02", "BY=x5;R", "by", null],
    ["X-DBY-02", "BY=5", "by", null],
    ["X-FUT-02", "HOLDFOR=1", "holdFor", 1],
    ["X-FUT-02", "HOLDFOR=999999999", "holdFor", 999_999_999],
    ["X-FUT-02", "HOLDFOR=0", "holdFor", null],
    ["X-FUT-02", "HOLDFOR=1000000000", "holdFor", null],
    ["X-FUT-02", "HOLDFOR=0000000001", "holdFor", null],
    ["X-FUT-02", "HOLDFOR=+5", "holdFor", null],
    ["X-FUT-02", "HOLDFOR=1.5", "holdFor", null],
    ["X-FUT-02", "HOLDFOR=5x", "holdFor", null],
    ["X-FUT-02", `HOLDUNTIL=${year}`, "holdUntil", year],
    ["X-FUT-02", "HOLDUNTIL=2027-01-01T00:00:00.5Z", "holdUntil", "2027-01-01T00:00:00.5Z"],
    ["X-FUT-02", "HOLDUNTIL=2027-01-01T00:00:00+01:00", "holdUntil", null],
    ["X-PRI-02", "MT-PRIORITY=9", "priority", 9],
    ["X-PRI-02", "MT-PRIORITY=-9", "priority", -9],
    ["X-PRI-02", "MT-PRIORITY=0", "priority", 0],
    ["X-PRI-02", "MT-PRIORITY=-0", "priority", null],
    ["X-PRI-02", "MT-PRIORITY=10", "priority", null],
    ["X-PRI-02", "MT-PRIORITY=+1", "priority", null],
    ["X-PRI-02", "MT-PRIORITY=1x", "priority", null],
    ["X-NOSOL-02", "SOLICIT=org.example:ADV", "solicit", ["org.example:ADV"]],
    ["X-NOSOL-02", "SOLICIT=a:b,c:d-e_f.g", "solicit", ["a:b", "c:d-e_f.g"]],
    ["X-NOSOL-02", "SOLICIT=a:b,c", "solicit", null],
    ["X-NOSOL-02", "SOLICIT=a:b,", "solicit", null],
    ["X-NOSOL-02", "SOLICIT=a-:b", "solicit", null],
    ["X-NOSOL-02", "SOLICIT=.a:b", "solicit", null],
    ["X-NOSOL-02", "SOLICIT=xa:_b", "solicit", null],
    ["X-NOSOL-02", "SOLICIT=a:b!", "solicit", null],
    ["X-NOSOL-02", `SOLICIT=a:${"b".repeat(998)}`, "solicit", [`a:${"b".repeat(998)}`]],
    ["X-NOSOL-02", `SOLICIT=a:${"b".repeat(999)}`, "solicit", null],
    ["X-MTRK-01", "MTRK=AAAA ENVID=a@b.c", "track", { certifier: "AAAA", timeout: null }],
    ["X-MTRK-01", "MTRK=AA==:0 ENVID=a@b.c", "track", { certifier: "AA==", timeout: 0 }],
    ["X-MTRK-01", "MTRK=A=:999999999 ENVID=a@b.c", "track", { certifier: "A=", timeout: 999_999_999 }],
    ["X-MTRK-01", "MTRK=AAAA:1000000000 ENVID=a@b.c", "track", null],
    ["X-MTRK-01", "MTRK=AAAA: ENVID=a@b.c", "track", null],
    ["X-MTRK-01", "MTRK=A=== ENVID=a@b.c", "track", null],
    ["X-MTRK-01", "MTRK=-AAA ENVID=a@b.c", "track", null],
    ["X-MTRK-01", "MTRK=AAA- ENVID=a@b.c", "track", null],
    ["X-RTLS-01", "REQUIRETLS", "requireTls", true],
    ["X-RTLS-01", "REQUIRETLS=1", "requireTls", null],
    ["S-PARM-04", "PRDR", "prdr", true],
    ["S-PARM-04", "PRDR=1", "prdr", null],
  ])("%s %s", (_, parameter, key, expected) => {
    expect(read(parameter, key)).toEqual(expected);
  });

  test.each<[string, string, string, unknown]>([
    ["X-DSN-04", "NOTIFY=never", "notify", ["NEVER"]],
    ["X-DSN-04", "NOTIFY=success,FAILURE,Delay", "notify", ["SUCCESS", "FAILURE", "DELAY"]],
    ["X-DSN-04", "NOTIFY=NEVER,DELAY", "notify", null],
    ["X-DSN-04", "NOTIFY=DELAY,NEVER", "notify", null],
    ["X-DSN-04", "NOTIFY=DELAY,", "notify", null],
    ["X-DSN-04", "NOTIFY=SUCCES", "notify", null],
    ["X-DSN-04", "NOTIFY", "notify", null],
    ["X-RRVS-01", "RRVS=2027-01-01T00:00:00Z", "rrvs", { since: "2027-01-01T00:00:00Z", action: "reject" }],
    [
      "X-RRVS-01",
      "RRVS=2027-01-01T00:00:00Z;c",
      "rrvs",
      { since: "2027-01-01T00:00:00Z", action: "continue" },
    ],
    [
      "X-RRVS-01",
      "RRVS=2027-01-01T00:00:00-01:00;r",
      "rrvs",
      { since: "2027-01-01T00:00:00-01:00", action: "reject" },
    ],
    ["X-RRVS-01", "RRVS=2027-01-01T00:00:00Z;X", "rrvs", null],
    ["X-RRVS-01", "RRVS=2027-01-01T00:00:00Z;R;C", "rrvs", null],
    ["X-RRVS-01", "RRVS=2027-01-01T00:00:00Z;", "rrvs", null],
    ["X-RRVS-01", "RRVS=2027-01-01T00:00:00.5Z;R", "rrvs", null],
    ["X-RRVS-01", "RRVS=2027-13-01T00:00:00Z", "rrvs", null],
  ])("%s of RCPT: %s", (_, parameter, key, expected) => {
    expect(readRcpt(parameter, key)).toEqual(expected);
  });

  const address = (value: string, utf8: "absent" | "allowed" = "absent") => {
    const found = readRcpt(`ORCPT=${value}`, "orcpt", utf8) as {
      type: string;
      address: string;
      raw: string;
    } | null;
    return found === null ? null : `${found.type};${found.address}`;
  };

  test("X-DSN-05 X-DSN-15 S-ADDR-05 an ORCPT has a type, a semicolon and an address in its form", () => {
    for (const fits of ["rfc822;b@example.com", "x!;y", "rfc822;", "RFC822;B@Example.COM", "rfc822;a;b"])
      expect([fits, address(fits)]).toEqual([fits, fits]);
    for (const wrong of [
      ";b@example.com",
      "rfc822",
      "rfc(;x",
      "a.b;x",
      "rfc822;+7F",
      "rfc822;+1F",
      "rfc822;+0D+0A",
      "rfc822;+x",
    ])
      expect([wrong, address(wrong)]).toEqual([wrong, null]);
    expect(address("rfc822;+20+7E")).toBe("rfc822; ~");
    expect(address(`x;${"y".repeat(498)}`)).toBe(`x;${"y".repeat(498)}`);
    expect(address(`x;${"y".repeat(499)}`)).toBeNull();
    expect(address("rfc822;+C3+BC@example.com")).toBeNull();
    expect(address("rfc822;+C3+BC@example.com", "allowed")).toBe("rfc822;ü@example.com");
    expect(address("rfc822;+80", "allowed")).toBeNull();
    expect(address("rfc822;+C4+80@example.com", "allowed")).toBe("rfc822;\u0100@example.com");
    expect(address("utf-8;\uffffb@example.com", "allowed")).toBe("utf-8;\uffffb@example.com");
  });

  test("X-DSN-15 of type utf-8 it stands for itself, or is embedded, each in one way", () => {
    const local = (text: string, utf8: "absent" | "allowed" = "absent") =>
      address(`utf-8;${text}@example.com`, utf8)?.slice("utf-8;".length, -"@example.com".length) ?? null;
    for (const [text, is] of [
      ["b", "b"],
      ["!#~", "!#~"],
      ["\\x{FC}", "ü"],
      ["a\\x{E9}b", "aéb"],
      ["\\x{100}", "Ā"],
      ["\\x{0100}", null],
      ["\\x{7FF}", "\u07ff"],
      ["\\x{D7FF}", "\ud7ff"],
      ["\\x{D800}", null],
      ["\\x{DFFF}", null],
      ["\\x{E000}", "\ue000"],
      ["\\x{10FFFF}", "\u{10ffff}"],
      ["\\x{110000}", null],
      ["\\x{1000000}", null],
      ["\\x{41}", null],
      ["\\x{2B}", "+"],
      ["\\x{3D}", "="],
      ["\\x{2C}", null],
      ["\\x{7E}", null],
      ["\\x{21}", null],
      ["\\x{fc}", null],
      ["\\x{F}", null],
      ["\\x{}", null],
      ["\\x{GG}", null],
      ["\\x{E9", null],
      ["\\x{", null],
      ["\\", null],
      ["+", null],
      ["=", null],
    ] as const) {
      expect([text, local(text)]).toEqual([text, is]);
    }
    expect(local('"a\\x{20}b"')).toBe('"a b"');
    expect(local('"a\\x{5C}\\x{5C}b"')).toBe('"a\\\\b"');
    expect(local("ü")).toBeNull();
    expect(local("ü", "allowed")).toBe("ü");
    expect(local("😀\\x{E9}", "allowed")).toBe("😀é");
    expect(address("UTF-8;b@example.com")).toBe("UTF-8;b@example.com");
    expect(address("utf-8;b")).toBeNull();
    expect(address("utf-8;\x7fb@example.com")).toBeNull();
  });
});

describe("a parameter is written", () => {
  const until = "2027-01-01T00:00:00Z";
  const track = { certifier: "AAAA", timeout: null };
  test.each<[string, ExtensionName, string, object, unknown]>([
    ["A-PARM-01", "auth", "AUTH", {}, null],
    ["A-PARM-01", "auth", "AUTH", { auth: "<>" }, "<>"],
    ["A-PARM-01", "auth", "AUTH", { auth: "a+b@example.net" }, "a+2Bb@example.net"],
    ["A-PARM-01", "auth", "AUTH", { auth: "ü@example.net" }, "+C3+BC@example.net"],
    ["A-PARM-01", "auth", "AUTH", { auth: "" }, "UsageError"],
    ["A-PARM-01", "auth", "AUTH", { auth: "a" }, "UsageError"],
    ["A-PARM-01", "auth", "AUTH", { auth: "\ud800@example.net" }, "UsageError"],
    [
      "A-PARM-01",
      "auth",
      "AUTH",
      { auth: `${"+".repeat(64)}@${"a.".repeat(100)}${"b".repeat(50)}.c` },
      `${"+2B".repeat(64)}@${"a.".repeat(100)}${"b".repeat(50)}.c`,
    ],
    ["X-DSN-02", "dsn", "RET", {}, null],
    ["X-DSN-02", "dsn", "RET", { ret: "FULL" }, "FULL"],
    ["X-DSN-02", "dsn", "RET", { ret: "HDRS" }, "HDRS"],
    ["X-DSN-02", "dsn", "RET", { ret: "full" }, "UsageError"],
    ["X-DSN-03", "dsn", "ENVID", {}, null],
    ["X-DSN-03", "dsn", "ENVID", { envid: "a b+" }, "a+20b+2B"],
    ["X-DSN-03", "dsn", "ENVID", { envid: " ~" }, "+20~"],
    ["X-DSN-03", "dsn", "ENVID", { envid: "" }, "UsageError"],
    ["X-DSN-03", "dsn", "ENVID", { envid: "é" }, "UsageError"],
    ["X-DSN-03", "dsn", "ENVID", { envid: "a\x7f" }, "UsageError"],
    ["X-DSN-03", "dsn", "ENVID", { envid: "\na" }, "UsageError"],
    ["X-DSN-03", "dsn", "ENVID", { envid: "x".repeat(100) }, "x".repeat(100)],
    ["X-DSN-03", "dsn", "ENVID", { envid: "x".repeat(101) }, "UsageError"],
    ["X-DSN-03", "dsn", "ENVID", { envid: { raw: "a+20" } }, "a+20"],
    ["X-DSN-03", "dsn", "ENVID", { envid: { raw: "" } }, "UsageError"],
    ["X-DSN-03", "dsn", "ENVID", { envid: { raw: "a b" } }, "UsageError"],
    ["X-DSN-04", "dsn", "NOTIFY", {}, null],
    ["X-DSN-04", "dsn", "NOTIFY", { notify: ["NEVER"] }, "NEVER"],
    ["X-DSN-04", "dsn", "NOTIFY", { notify: ["SUCCESS", "DELAY"] }, "SUCCESS,DELAY"],
    ["X-DSN-04", "dsn", "NOTIFY", { notify: [] }, "UsageError"],
    ["X-DSN-04", "dsn", "NOTIFY", { notify: ["NEVER", "DELAY"] }, "UsageError"],
    ["X-DSN-04", "dsn", "NOTIFY", { notify: ["never"] }, "UsageError"],
    ["X-DSN-05", "dsn", "ORCPT", {}, null],
    ["X-DSN-05", "dsn", "ORCPT", { orcpt: { type: "rfc822", address: "a+b@c" } }, "rfc822;a+2Bb@c"],
    ["X-DSN-05", "dsn", "ORCPT", { orcpt: { type: "x-y", address: " ~" } }, "x-y;+20~"],
    ["X-DSN-05", "dsn", "ORCPT", { orcpt: { type: "x y", address: "b" } }, "UsageError"],
    ["X-DSN-05", "dsn", "ORCPT", { orcpt: { type: "", address: "b" } }, "UsageError"],
    ["X-DSN-05", "dsn", "ORCPT", { orcpt: { type: "x;", address: "b" } }, "UsageError"],
    ["X-DSN-05", "dsn", "ORCPT", { orcpt: { type: "rfc822", address: "" } }, "UsageError"],
    ["X-DSN-05", "dsn", "ORCPT", { orcpt: { type: "rfc822", address: "é" } }, "UsageError"],
    ["X-DSN-05", "dsn", "ORCPT", { orcpt: { type: "x", address: "y".repeat(498) } }, `x;${"y".repeat(498)}`],
    ["X-DSN-05", "dsn", "ORCPT", { orcpt: { type: "x", address: "y".repeat(499) } }, "UsageError"],
    ["X-DSN-15", "dsn", "ORCPT", { orcpt: { type: "utf-8", address: "ü@b.c" } }, "utf-8;\\x{FC}@b.c"],
    ["X-DSN-15", "dsn", "ORCPT", { orcpt: { type: "UTF-8", address: "a=b@b.c" } }, "UTF-8;a\\x{3D}b@b.c"],
    ["X-DSN-15", "dsn", "ORCPT", { orcpt: { type: "utf-8", address: "b" } }, "UsageError"],
    ["X-DSN-15", "dsn", "ORCPT", { orcpt: { type: "utf-8", address: "\ud800@b.c" } }, "UsageError"],
    [
      "X-DSN-15",
      "dsn",
      "ORCPT",
      { orcpt: { type: "utf-8", address: "a=b@b.c", raw: "utf-8;a=b@b.c" } },
      "utf-8;a\\x{3D}b@b.c",
    ],
    [
      "X-DSN-15",
      "dsn",
      "ORCPT",
      { orcpt: { type: "rfc822", address: "A", raw: "rfc822;+41" } },
      "rfc822;+41",
    ],
    [
      "X-DSN-15",
      "dsn",
      "ORCPT",
      { orcpt: { type: "rfc822", address: "ü@b.c", raw: "rfc822;+C3+BC@b.c" } },
      "rfc822;+C3+BC@b.c",
    ],
    ["X-DSN-15", "dsn", "ORCPT", { orcpt: { type: "rfc822", address: "B", raw: "rfc822;+41" } }, "rfc822;B"],
    ["X-DSN-15", "dsn", "ORCPT", { orcpt: { type: "x", address: "A", raw: "rfc822;A" } }, "x;A"],
    [
      "X-DSN-15",
      "dsn",
      "ORCPT",
      { orcpt: { type: "utf-8", address: "ü@b.c", raw: "utf-8;ü@b.c" } },
      "utf-8;\\x{FC}@b.c",
    ],
    ["X-DBY-02", "deliverby", "BY", {}, null],
    ["X-DBY-02", "deliverby", "BY", { by: { seconds: 1, mode: "return", trace: false } }, "1;R"],
    ["X-DBY-02", "deliverby", "BY", { by: { seconds: -5, mode: "notify", trace: true } }, "-5;NT"],
    ["X-DBY-02", "deliverby", "BY", { by: { seconds: 0, mode: "return", trace: false } }, "UsageError"],
    [
      "X-DBY-02",
      "deliverby",
      "BY",
      { by: { seconds: -999_999_999, mode: "notify", trace: false } },
      "-999999999;N",
    ],
    ["X-DBY-02", "deliverby", "BY", { by: { seconds: -1e9, mode: "notify", trace: false } }, "UsageError"],
    ["X-DBY-02", "deliverby", "BY", { by: { seconds: 1e9, mode: "notify", trace: false } }, "UsageError"],
    ["X-DBY-02", "deliverby", "BY", { by: { seconds: 5, mode: "r", trace: false } }, "UsageError"],
    ["X-FUT-02", "futurerelease", "HOLDFOR", {}, null],
    ["X-FUT-02", "futurerelease", "HOLDFOR", { holdFor: 1 }, "1"],
    ["X-FUT-02", "futurerelease", "HOLDFOR", { holdFor: 999_999_999 }, "999999999"],
    ["X-FUT-02", "futurerelease", "HOLDFOR", { holdFor: 0 }, "UsageError"],
    ["X-FUT-02", "futurerelease", "HOLDFOR", { holdFor: 1.5 }, "UsageError"],
    ["X-FUT-02", "futurerelease", "HOLDFOR", { holdFor: 1e9 }, "UsageError"],
    ["X-FUT-02", "futurerelease", "HOLDUNTIL", {}, null],
    ["X-FUT-02", "futurerelease", "HOLDUNTIL", { holdUntil: until }, until],
    [
      "X-FUT-02",
      "futurerelease",
      "HOLDUNTIL",
      { holdUntil: "2027-01-01T00:00:00.25Z" },
      "2027-01-01T00:00:00.25Z",
    ],
    ["X-FUT-02", "futurerelease", "HOLDUNTIL", { holdUntil: "2027-01-01T00:00:00+00:00" }, "UsageError"],
    ["X-FUT-02", "futurerelease", "HOLDUNTIL", { holdUntil: "soon" }, "UsageError"],
    ["X-PRI-02", "mtPriority", "MT-PRIORITY", {}, null],
    ["X-PRI-02", "mtPriority", "MT-PRIORITY", { priority: -9 }, "-9"],
    ["X-PRI-02", "mtPriority", "MT-PRIORITY", { priority: 9 }, "9"],
    ["X-PRI-02", "mtPriority", "MT-PRIORITY", { priority: -0 }, "0"],
    ["X-PRI-02", "mtPriority", "MT-PRIORITY", { priority: -10 }, "UsageError"],
    ["X-PRI-02", "mtPriority", "MT-PRIORITY", { priority: 10 }, "UsageError"],
    ["X-PRI-02", "mtPriority", "MT-PRIORITY", { priority: 1.5 }, "UsageError"],
    ["X-NOSOL-02", "noSoliciting", "SOLICIT", {}, null],
    ["X-NOSOL-02", "noSoliciting", "SOLICIT", { solicit: ["a:b", "c:d"] }, "a:b,c:d"],
    ["X-NOSOL-02", "noSoliciting", "SOLICIT", { solicit: ["a:b", "c"] }, "UsageError"],
    ["X-NOSOL-02", "noSoliciting", "SOLICIT", { solicit: ["c", "a:b"] }, "UsageError"],
    ["X-NOSOL-02", "noSoliciting", "SOLICIT", { solicit: [] }, "UsageError"],
    ["X-NOSOL-02", "noSoliciting", "SOLICIT", { solicit: [`a:${"b".repeat(998)}`] }, `a:${"b".repeat(998)}`],
    ["X-NOSOL-02", "noSoliciting", "SOLICIT", { solicit: [`a:${"b".repeat(999)}`] }, "UsageError"],
    ["X-MTRK-01", "mtrk", "MTRK", {}, null],
    ["X-MTRK-01", "mtrk", "MTRK", { track, envid: "a@b.c" }, "AAAA"],
    ["X-MTRK-01", "mtrk", "MTRK", { track: { certifier: "AAAA", timeout: 0 }, envid: "a@b.c" }, "AAAA:0"],
    ["X-MTRK-01", "mtrk", "MTRK", { track, envid: { raw: "a+2B@b.c" } }, "AAAA"],
    [
      "X-MTRK-01",
      "mtrk",
      "MTRK",
      { track: { certifier: "AAAA", timeout: -1 }, envid: "a@b.c" },
      "UsageError",
    ],
    [
      "X-MTRK-01",
      "mtrk",
      "MTRK",
      { track: { certifier: "A===", timeout: null }, envid: "a@b.c" },
      "UsageError",
    ],
    [
      "X-MTRK-01",
      "mtrk",
      "MTRK",
      { track: { certifier: "-AAA", timeout: null }, envid: "a@b.c" },
      "UsageError",
    ],
    [
      "X-MTRK-01",
      "mtrk",
      "MTRK",
      { track: { certifier: "A".repeat(128), timeout: null }, envid: "a@b.c" },
      "A".repeat(128),
    ],
    [
      "X-MTRK-01",
      "mtrk",
      "MTRK",
      { track: { certifier: "A".repeat(129), timeout: null }, envid: "a@b.c" },
      "UsageError",
    ],
    ["X-MTRK-01", "mtrk", "MTRK", { track }, "UsageError"],
    ["X-MTRK-01", "mtrk", "MTRK", { track, envid: "a@b" }, "UsageError"],
    ["X-MTRK-01", "mtrk", "MTRK", { track, envid: "b.c" }, "UsageError"],
    ["X-MTRK-01", "mtrk", "MTRK", { track, envid: "a@[192.0.2.1]" }, "UsageError"],
    ["X-RRVS-01", "rrvs", "RRVS", {}, null],
    ["X-RRVS-01", "rrvs", "RRVS", { rrvs: { since: until, action: "continue" } }, `${until};C`],
    ["X-RRVS-01", "rrvs", "RRVS", { rrvs: { since: until, action: "reject" } }, `${until};R`],
    ["X-RRVS-01", "rrvs", "RRVS", { rrvs: { since: until, action: "R" } }, "UsageError"],
    [
      "X-RRVS-01",
      "rrvs",
      "RRVS",
      { rrvs: { since: "2027-01-01T00:00:00.5Z", action: "reject" } },
      "UsageError",
    ],
    ["X-RTLS-01", "requiretls", "REQUIRETLS", {}, null],
    ["X-RTLS-01", "requiretls", "REQUIRETLS", { requireTls: false }, null],
    ["X-RTLS-01", "requiretls", "REQUIRETLS", { requireTls: true }, ""],
  ])("%s G12 %s %s %j", (_, name, parameter, given, expected) => {
    expect(written(name, parameter, given)).toBe(expected);
  });

  test("A-PARM-01 of an address in AUTH no more than 500 octets with the keyword", () => {
    // Each ü is two octets, and six of xtext.
    const domain = `${"ü".repeat(30)}.${"ü".repeat(30)}.${"ü".repeat(20)}.abcdefghi`;
    expect(written("auth", "AUTH", { auth: `a@${domain}` })).toHaveLength(494);
    expect(written("auth", "AUTH", { auth: `aa@${domain}` })).toBe("UsageError");
  });

  test("X-GEN-01 the others the client decides by itself", () => {
    for (const [name, parameter] of [
      ["8bitmime", "BODY"],
      ["binarymime", "BODY"],
      ["smtputf8", "SMTPUTF8"],
      ["size", "SIZE"],
      ["prdr", "PRDR"],
    ] as const)
      expect(row(name)?.mail?.[parameter]?.write).toBeNull();
  });
});

describe("what a server that announces these words cannot be given", () => {
  const unfit = (name: ExtensionName, given: OutgoingParameters, words: string) =>
    row(name)?.unfit?.(given, words === "" ? [] : words.split(" ")) ?? null;

  test("X-DBY-04 a time to return that is less than its least", () => {
    const by = (seconds: number, mode: "return" | "notify" = "return") => ({
      by: { seconds, mode, trace: false },
    });
    expect(unfit("deliverby", by(59), "60")).toMatch(/ 60 seconds$/);
    for (const [given, words] of [
      [by(60), "60"],
      [by(59, "notify"), "60"],
      [{}, "60"],
      [by(1), ""],
      [by(1), "60x"],
      [by(1), "x60"],
      [by(1), "1234567890"],
    ] as const)
      expect(unfit("deliverby", given, words)).toBeNull();
    expect(unfit("deliverby", by(1), "60,x")).toMatch(/60/);
  });

  test("X-FUT-02 a time that is longer, or later, than it holds", () => {
    const words = "60 2027-01-01T00:00:00Z";
    expect(unfit("futurerelease", { holdFor: 61 }, words)).toMatch(/ 60 seconds/);
    expect(unfit("futurerelease", { holdFor: 60 }, words)).toBeNull();
    expect(unfit("futurerelease", { holdUntil: "2027-01-01T00:00:01Z" }, words)).toMatch(
      /2027-01-01T00:00:00Z/,
    );
    expect(unfit("futurerelease", { holdUntil: "2027-01-01t00:00:00z" }, words)).toBeNull();
    expect(unfit("futurerelease", { holdUntil: "2027-01-01T00:00:00.5Z" }, words)).toMatch(/2027/);
    expect(unfit("futurerelease", { holdUntil: "2028-01-01T00:00:00Z" }, "60")).toBeNull();
    expect(unfit("futurerelease", { holdFor: 61 }, "")).toBeNull();
    expect(unfit("futurerelease", {}, words)).toBeNull();
  });
});

describe("parameters that do not go together", () => {
  const config = (more: object): Partial<ServerConfig> => ({
    service: "submission",
    mechanisms: ["SCRAM-SHA-256"],
    authRequired: false,
    extensions: {
      futurerelease: { maximumInterval: 60, maximumTime: "2027-01-01T00:00:00Z" },
      deliverby: { minimum: 10 },
      dsn: true,
      mtrk: true,
      ...more,
    },
  });
  const client = (more: object = {}) => {
    const one = new Client(config(more));
    one.say(ehlo);
    return one;
  };
  const said = (parameters: string, from = "a@example.net") => {
    const one = client();
    const [answer] = one.say(`MAIL FROM:<${from}> ${parameters}\r\n`).split("\r\n");
    return [answer, one.of("violation")[0]?.rule ?? null];
  };
  const ok = ["250 2.1.0 Sender ok", null];
  const badTime = (rule: string) => ["501 5.5.4 Bad release time", rule];

  test("X-FUT-02 X-FUT-03 a time of release has its bounds, its one way, its sender, and comes before the delivery", () => {
    expect(said("HOLDFOR=60")).toEqual(ok);
    expect(said("HOLDFOR=61")).toEqual(badTime("X-FUT-02"));
    expect(said("HOLDUNTIL=2027-01-01T00:00:00Z")).toEqual(ok);
    expect(said("HOLDUNTIL=2027-01-01t00:00:00z")).toEqual(ok);
    expect(said("HOLDUNTIL=2026-12-31T23:59:59.9Z")).toEqual(ok);
    expect(said("HOLDUNTIL=2027-01-01T00:00:01Z")).toEqual(badTime("X-FUT-02"));
    expect(said("HOLDUNTIL=2027-01-01T00:00:00.1z")).toEqual(badTime("X-FUT-02"));
    expect(said("HOLDFOR=5 HOLDUNTIL=2026-01-01T00:00:00Z")).toEqual(badTime("X-FUT-02"));
    expect(said("HOLDFOR=5", "")).toEqual(badTime("X-FUT-03"));
    expect(said("HOLDUNTIL=2026-01-01T00:00:00Z", "")).toEqual(badTime("X-FUT-03"));
    expect(said("SIZE=5", "")).toEqual(ok);
    expect(said("HOLDFOR=30 BY=30;R")).toEqual(ok);
    expect(said("HOLDFOR=30 BY=29;R")).toEqual(badTime("X-FUT-03"));
    expect(said("HOLDFOR=30 BY=29;N")).toEqual(badTime("X-FUT-03"));
    expect(said("HOLDUNTIL=2026-01-01T00:00:00Z BY=29;R")).toEqual(ok);
    expect(said("HOLDUNTIL=2026-01-01T00:00:00Z BY=-5;N")).toEqual(ok);
  });

  test("X-FUT-01 G1 a function that gives a time when it is offered, and none when it is asked for, throws nothing", () => {
    let calls = 0;
    let giving = Number.POSITIVE_INFINITY;
    const maximumTime = () => (calls++ < giving ? "2027-01-01T00:00:00Z" : (null as never));
    const one = client({ futurerelease: { maximumInterval: 60, maximumTime } });
    for (const more of [0, 1, 2, 3]) {
      giving = calls + more;
      const code = one.codes("MAIL FROM:<a@example.net> HOLDUNTIL=2026-01-01T00:00:00Z");
      expect([more, code]).toEqual([more, more === 0 ? "555" : "250"]);
      one.codes("RSET");
    }
    const text = () => new String("2027-01-01T00:00:00Z") as string;
    expect(() =>
      settle({ name: "x", ...config({ futurerelease: { maximumInterval: 60, maximumTime: text } }) }),
    ).toThrow(UsageError);
  });

  test("X-DBY-03 a time to return is not less than the least", () => {
    expect(said("BY=10;R")).toEqual(ok);
    expect(said("BY=9;R")).toEqual(["555 5.5.4 Time to deliver must be at least 10 seconds", "X-DBY-03"]);
    expect(said("BY=9;N")).toEqual(ok);
    const without = client({ deliverby: true });
    expect(without.codes("MAIL FROM:<a@example.net> BY=1;R")).toBe("250");
  });

  test("X-MTRK-01 a track has an address to be asked about", () => {
    const missing = ["501 5.5.4 MTRK needs ENVID=local@host", "X-MTRK-01"];
    expect(said("MTRK=AAAA ENVID=a@b.c")).toEqual(ok);
    expect(said("MTRK=AAAA")).toEqual(missing);
    expect(said("MTRK=AAAA ENVID=a@b")).toEqual(missing);
    expect(said("MTRK=AAAA ENVID=b.c")).toEqual(missing);
    expect(said("MTRK=AAAA ENVID=a@[192.0.2.1]")).toEqual(missing);
    expect(said("ENVID=b")).toEqual(ok);
  });

  test("X-PRI-02 X-PRI-03 a priority is malformed in its own way, and honoured by whom it comes from", () => {
    const priority = new Client({ extensions: { mtPriority: true } });
    priority.say(ehlo);
    expect(priority.say("MAIL FROM:<> MT-PRIORITY=10\r\n")).toBe(
      "501 5.5.2 Syntax: MT-PRIORITY=[-]digit\r\n",
    );
    expect(priority.of("violation").map(({ rule }) => rule)).toEqual(["X-PRI-02"]);
    expect(priority.say("MAIL FROM:<> MT-PRIORITY=1\r\n")).toBe(
      "250 2.3.6 0 is the priority of clients that are not authenticated\r\n",
    );
    expect(honoured(1, true, false).priority).toBe(0);
    for (const [asked, given, authenticated] of [
      [1, true, true],
      [1, { trust: "all" }, false],
      [0, true, false],
      [-1, true, false],
    ] as const)
      expect(honoured(asked, given, authenticated)).toEqual({ priority: asked, reply: null });
    expect(honoured(1, { trust: "authenticated" }, false)).toEqual(honoured(1, {}, false));
  });
});

describe("what is announced", () => {
  const lines = (extensions: object, more: Partial<ServerConfig> = {}) => {
    const given = { service: "submission", mechanisms: ["SCRAM-SHA-256", "PLAIN"], ...more } as const;
    const one = new Client({ ...given, extensions });
    return one
      .say(ehlo)
      .split("\r\n")
      .slice(1, -1)
      .map((line) => line.slice(4));
  };

  test("X-LIM-01 limits that have one to six digits, and those alone", () => {
    const limits = (given: object) =>
      lines({ limits: true }, { limits: given }).filter((line) => /^LIMITS/.test(line));
    expect(limits({})).toEqual(["LIMITS MAILMAX=10000 RCPTMAX=1000"]);
    expect(limits({ transactions: 999_999, recipients: 999_999, recipientDomains: 1 })).toEqual([
      "LIMITS MAILMAX=999999 RCPTMAX=999999 RCPTDOMAINMAX=1",
    ]);
    expect(limits({ transactions: 1e6, recipients: 1e6, recipientDomains: 999_999 })).toEqual([
      "LIMITS RCPTDOMAINMAX=999999",
    ]);
    expect(limits({ transactions: 1e6, recipients: 1e6, recipientDomains: 1e6 })).toEqual([]);
  });

  test("X-PRI-01 X-NOSOL-01 X-BURL-05 X-DBY-01 X-FUT-01 words by their options", () => {
    const one = (extensions: object) =>
      lines(extensions).filter((line) => /^(MT-|NO-|BURL|DELI|FUT)/.test(line));
    expect(one({ mtPriority: true })).toEqual(["MT-PRIORITY"]);
    expect(one({ mtPriority: { trust: "all" } })).toEqual(["MT-PRIORITY"]);
    expect(one({ mtPriority: { policy: "NSEP" } })).toEqual(["MT-PRIORITY NSEP"]);
    expect(one({ noSoliciting: true })).toEqual(["NO-SOLICITING"]);
    expect(one({ noSoliciting: { keywords: ["a:b", "c:d"] } })).toEqual(["NO-SOLICITING a:b,c:d"]);
    expect(one({ burl: { urls: ["imap", "imap://a.example"] } })).toEqual(["BURL imap imap://a.example"]);
    expect(one({ deliverby: { minimum: 999_999_999 } })).toEqual(["DELIVERBY 999999999"]);
    expect(one({ futurerelease: { maximumInterval: 60, maximumTime: "2027-01-01T00:00:00Z" } })).toEqual([
      "FUTURERELEASE 60 2027-01-01T00:00:00Z",
    ]);
  });

  test("A-AUTH-01 T-TLS-01 X-RTLS-01 what TLS makes possible, once it is there", () => {
    const shown = (more: Partial<ServerConfig>, tls: boolean) => {
      const one = new Client({
        mechanisms: ["SCRAM-SHA-256", "PLAIN"],
        extensions: { requiretls: true },
        ...more,
      });
      if (tls) {
        if (one.session.phase !== "upgrading") one.say(`${ehlo}STARTTLS\r\n`);
        one.tlsUp();
      }
      return one.say(ehlo).match(/(?:STARTTLS|AUTH [^\r]*|REQUIRETLS)/g);
    };
    expect(shown({}, false)).toEqual(["AUTH SCRAM-SHA-256"]);
    expect(shown({ tls: "offered" }, false)).toEqual(["STARTTLS", "AUTH SCRAM-SHA-256"]);
    expect(shown({ tls: "required" }, false)).toEqual(["STARTTLS", "AUTH SCRAM-SHA-256"]);
    expect(shown({ tls: "offered" }, true)).toEqual(["AUTH SCRAM-SHA-256 PLAIN", "REQUIRETLS"]);
    expect(shown({ tls: "implicit" }, true)).toEqual(["AUTH SCRAM-SHA-256 PLAIN", "REQUIRETLS"]);
    expect(shown({ mechanisms: ["PLAIN"] }, false)).toBeNull();
    expect(shown({ mechanisms: [] }, false)).toBeNull();
  });

  test("X-XCL-01 X-XFW-01 the attributes of a proxy's word, to whom it is believed", () => {
    const shown = (address: string | null) => {
      const trusted = ["192.0.2.0/24", "2001:db8::1"];
      const { announce } = row("xclient") ?? {};
      const { announce: forward } = row("xforward") ?? {};
      const surroundings = { extensions: { xclient: { trusted }, xforward: { trusted } }, address } as never;
      return [announce?.(surroundings), forward?.(surroundings)];
    };
    const both = [
      "NAME PORT PROTO HELO LOGIN DESTADDR DESTPORT ADDR",
      "NAME ADDR PORT PROTO HELO IDENT SOURCE",
    ];
    expect(shown("192.0.2.9")).toEqual(both);
    expect(shown("2001:db8::1")).toEqual(both);
    expect(shown("192.0.3.9")).toEqual([null, null]);
    expect(shown(null)).toEqual([null, null]);
  });
});

describe("options", () => {
  const settled = (extensions: object, more: object = {}) =>
    settle({
      name: "mx.example.com",
      service: "submission",
      mechanisms: ["PLAIN"],
      extensions,
      ...more,
    } as never);
  const release = { maximumInterval: 60, maximumTime: "2027-01-01T00:00:00Z" };

  test.each<[string, object, boolean]>([
    ["X-DBY-01", { deliverby: { minimum: 1 } }, true],
    ["X-DBY-01", { deliverby: { minimum: 999_999_999 } }, true],
    ["X-DBY-01", { deliverby: { minimum: 1.5 } }, false],
    ["X-DBY-01", { deliverby: { minimum: 1e9 } }, false],
    ["X-FUT-01", { futurerelease: { ...release, maximumInterval: 1 } }, true],
    ["X-FUT-01", { futurerelease: { ...release, maximumInterval: 999_999_999 } }, true],
    ["X-FUT-01", { futurerelease: { ...release, maximumInterval: 1.5 } }, false],
    ["X-FUT-01", { futurerelease: { ...release, maximumTime: "2027-01-01T00:00:00.5Z" } }, false],
    ["X-FUT-01", { futurerelease: { ...release, maximumTime: () => release.maximumTime } }, true],
    ["X-PRI-01", { mtPriority: { policy: "A-z_0.9" } }, true],
    ["X-PRI-01", { mtPriority: { policy: "x".repeat(20) } }, true],
    ["X-PRI-01", { mtPriority: { policy: "" } }, false],
    ["X-PRI-01", { mtPriority: { policy: " x" } }, false],
    ["X-PRI-01", { mtPriority: { policy: "x\r\n" } }, false],
    ["X-PRI-03", { mtPriority: { trust: "all" } }, true],
    ["X-PRI-03", { mtPriority: { trust: "authenticated" } }, true],
    ["X-PRI-03", { mtPriority: { trust: "" } }, false],
    ["X-NOSOL-01", { noSoliciting: { keywords: [`a:${"b".repeat(478)}`] } }, true],
    ["X-NOSOL-01", { noSoliciting: { keywords: [`a:${"b".repeat(479)}`] } }, false],
    ["X-NOSOL-01", { noSoliciting: true }, true],
    ["X-BURL-05", { burl: { urls: ["imap+x.y-z9"] } }, true],
    ["X-BURL-05", { burl: { urls: ["IMAP://[2001:db8::1]:143"] } }, true],
    ["X-BURL-05", { burl: { urls: ["9imap"] } }, false],
    ["X-BURL-05", { burl: { urls: ["imap://"] } }, false],
    ["X-BURL-05", { burl: { urls: ["imap:"] } }, false],
    ["X-BURL-05", { burl: { urls: [""] } }, false],
    ["X-BURL-05", { burl: { urls: [" imap"] } }, false],
    ["X-BURL-05", { burl: { urls: ["imap", "x".repeat(475)] } }, true],
    ["X-BURL-05", { burl: { urls: ["imap", "x".repeat(476)] } }, false],
    ["X-XCL-01", { xclient: { trusted: [] } }, true],
    ["X-XCL-01", { xclient: { trusted: ["10.0.0.0/8", "::1"] } }, true],
    ["X-XCL-01", { xclient: { trusted: ["10.0.0.0/8", "x"] } }, false],
    ["X-XFW-01", { xforward: { trusted: ["x"] } }, false],
  ])("%s G9 %j can be: %s", (_, extensions, fits) => {
    if (fits) expect(() => settled(extensions)).not.toThrow();
    else expect(() => settled(extensions)).toThrow(UsageError);
  });

  test("X-GEN-01 S-LINE-17 L-LEN-05 an extension of the application's own has words and names that can be", () => {
    const fits = (extension: object) => {
      try {
        return settled({}, { custom: [extension] }).custom[0];
      } catch (error) {
        if (error instanceof UsageError) return null;
        throw error;
      }
    };
    const empty = { keyword: "XX", announce: "", mail: [], rcpt: [], verbs: [] };
    expect(fits({ keyword: "XX" })).toEqual(empty);
    expect(fits({ keyword: null })).toEqual({ ...empty, keyword: null });
    expect(fits({ keyword: "x-9" })).toEqual({ ...empty, keyword: "x-9" });
    for (const keyword of ["X_Y", "-X", " X", "X ", "sIZE", "X\r\n"])
      expect([keyword, fits({ keyword })]).toEqual([keyword, null]);
    for (const announce of ["a", "a b !~"])
      expect(fits({ keyword: "XX", announce })).toEqual({ ...empty, announce });
    for (const announce of [" a", "a ", "é", "a\tb"]) expect(fits({ keyword: "XX", announce })).toBeNull();
    expect(fits({ keyword: "XX", announce: "a".repeat(503) })).not.toBeNull();
    expect(fits({ keyword: "XX", announce: "a".repeat(504) })).toBeNull();
    for (const side of ["mail", "rcpt"]) {
      for (const keyword of ["X", "9", "X-Y", "A9"])
        expect(fits({ keyword: "XX", [side]: [{ keyword }] })).toEqual({ ...empty, [side]: [{ keyword }] });
      for (const keyword of ["x", "-X", "X_", "", "X ", " X", "NOTIFY", "SIZE", "BODY", "RRVS"])
        expect([keyword, fits({ keyword: "XX", [side]: [{ keyword }] })]).toEqual([keyword, null]);
      for (const value of ["required", "optional", "none"])
        expect(fits({ keyword: "XX", [side]: [{ keyword: "X", value }] })).not.toBeNull();
      expect(fits({ keyword: "XX", [side]: [{ keyword: "X", value: "" }] })).toBeNull();
    }
    for (const verb of ["X", "X9", "A".repeat(63)])
      expect(fits({ keyword: "XX", verbs: [{ verb }] })).not.toBeNull();
    for (const verb of ["9X", "x", "X-Y", "", "A".repeat(64), "MAIL", " X", "X "])
      expect([verb, fits({ keyword: "XX", verbs: [{ verb }] })]).toEqual([verb, null]);
    for (const transaction of ["anywhere", "outside", "within"])
      expect(fits({ keyword: "XX", verbs: [{ verb: "X", transaction }] })).not.toBeNull();
    expect(fits({ keyword: "XX", verbs: [{ verb: "X", transaction: "" }] })).toBeNull();
    expect(fits({ keyword: "XX", verbs: [{ verb: "X", syntax: "" }] })).not.toBeNull();
    expect(fits({ keyword: "XX", verbs: [{ verb: "X", syntax: " ~" }] })).not.toBeNull();
    for (const syntax of ["\x7f", "é", "\t", "x\r\n"])
      expect(fits({ keyword: "XX", verbs: [{ verb: "X", syntax }] })).toBeNull();
  });
});

describe("values", () => {
  test("X-FUT-02 X-RRVS-01 a date-time is one that can be", () => {
    const all = { utc: false, fractions: true };
    for (const fits of [
      "2026-01-31T00:00:00Z",
      "2026-12-31T23:59:60z",
      "2024-02-29T00:00:00Z",
      "2000-02-29T00:00:00Z",
      "2026-04-30T00:00:00.123456789Z",
      "2026-06-30T00:00:00+23:59",
      "2026-09-30t00:00:00-00:00",
      "2026-11-30T00:00:00Z",
      "2026-03-31T00:00:00Z",
      "2026-10-31T00:00:00Z",
      "0000-01-01T00:00:00Z",
    ])
      expect([fits, isDateTime(fits, all)]).toEqual([fits, true]);
    for (const wrong of [
      "2026-00-01T00:00:00Z",
      "2026-13-01T00:00:00Z",
      "2026-01-00T00:00:00Z",
      "2026-01-32T00:00:00Z",
      "2026-02-29T00:00:00Z",
      "1900-02-29T00:00:00Z",
      "2024-02-30T00:00:00Z",
      "2026-04-31T00:00:00Z",
      "2026-06-31T00:00:00Z",
      "2026-09-31T00:00:00Z",
      "2026-11-31T00:00:00Z",
      "2026-01-01T24:00:00Z",
      "2026-01-01T00:60:00Z",
      "2026-01-01T00:00:61Z",
      "2026-01-01T00:00:00+24:00",
      "2026-01-01T00:00:00+00:60",
      "2026-01-01T00:00:00.Z",
      "2026-01-01T00:00:00.1234567890Z",
      "2026-01-01T00:00:00",
      "x2026-01-01T00:00:00Z",
      "2026-01-01T00:00:00Zx",
      "2026-01-01 00:00:00Z",
    ])
      expect([wrong, isDateTime(wrong, all)]).toEqual([wrong, false]);
    const at = "2026-01-01T00:00:00";
    expect(isDateTime(`${at}.5Z`, { utc: true, fractions: false })).toBe(false);
    expect(isDateTime(`${at}.5Z`, { utc: true, fractions: true })).toBe(true);
    expect(isDateTime(`${at}+00:00`, { utc: true, fractions: true })).toBe(false);
    expect(isDateTime(`${at}z`, { utc: true, fractions: false })).toBe(true);
  });

  test("X-DBY-02 X-FUT-02 seconds are whole, from the least on, and of nine digits", () => {
    for (const fits of [5, 6, 999_999_999]) expect(seconds("x", fits, 5)).toBe(fits);
    for (const wrong of [4, 5.5, 1e9, Number.NaN, Number.POSITIVE_INFINITY])
      expect(() => seconds("x", wrong, 5)).toThrow(UsageError);
  });

  test("A-AUTH-10 a challenge is given as octets, or as text for its UTF-8", () => {
    expect(challenge("abc")).toEqual(reply(334, "YWJj"));
    expect(challenge("ü")).toEqual(reply(334, "w7w="));
    expect(challenge(new Uint8Array([0xfc]))).toEqual(reply(334, "/A=="));
  });

  test("X-GEN-02 C-SES-11 a parameter of one's own is sent as its kind and its rule have it", () => {
    const sent = (parameter: object, given: string | true) => {
      try {
        return writeCustom({ keyword: "XA", ...parameter }, given);
      } catch (error) {
        if (error instanceof UsageError) return null;
        throw error;
      }
    };
    const valid = (value: string) => value !== "no";
    for (const [parameter, given, expected] of [
      [{}, "x", "x"],
      [{}, "", null],
      [{}, "a=b", null],
      [{}, true, null],
      [{ value: "required" }, true, null],
      [{ value: "optional" }, true, ""],
      [{ value: "optional" }, "x", "x"],
      [{ value: "none" }, true, ""],
      [{ value: "none" }, "x", null],
      [{ valid }, "yes", "yes"],
      [{ valid }, "no", null],
      [{ value: "none", valid }, "yes", null],
      [{ value: "optional", valid }, true, ""],
    ] as const)
      expect([parameter, given, sent(parameter, given)]).toEqual([parameter, given, expected]);
  });

  test("G13 of what is no URL nothing is shown, though there may be one in it", () => {
    for (const text of ["1imap://a.example/secret", " imap://a.example/secret", "\nimap://a.example/secret"])
      expect(redactUrl(text)).toBe("***");
    expect(redactUrl("imap://a.example/secret\nmore")).toBe("imap://a.example/***");
  });

  test("X-BURL-05 a URL of a host by its address is announced with the port that it has", () => {
    const urls = ["imap://[2001:db8::1]:143", "imaps://[2001:DB8::2]"];
    for (const [url, expected] of [
      ["imap://[2001:db8::1]:143/x", true],
      ["imap://a@[2001:DB8::1]:143", true],
      ["imap://[2001:db8::1]:1/x", false],
      [" imap://[2001:db8::1]:143/x", false],
      ["\nimap://[2001:db8::1]:143/x", false],
      ["1imap://[2001:db8::1]:143/x", false],
      ["imap://[2001:db8::1]/x", false],
      ["imap://[2001:db8::1]:143x/y", false],
      ["imaps://[2001:db8::2]/x", true],
      ["imaps://[2001:db8::2]:993/x", false],
    ] as const)
      expect([url, isAnnounced(url, { urls })]).toEqual([url, expected]);
  });

  test("X-GEN-02 S-PARM-04 a parameter of one's own is held against its kind and its rule, when read and when sent", () => {
    const custom = [
      {
        keyword: "XX",
        mail: [
          { keyword: "XA", valid: (value: string) => value !== "no" },
          { keyword: "XB", value: "optional" as const },
          { keyword: "XC", value: "none" as const },
        ],
      },
    ];
    const client = new Client({ custom });
    client.say(ehlo);
    for (const [given, code] of [
      ["XA=yes", "250"],
      ["XA=no", "501"],
      ["XA", "501"],
      ["XB=x", "250"],
      ["XB", "250"],
      ["XC", "250"],
      ["XC=x", "501"],
    ])
      expect([given, codesOf(client.say(`MAIL FROM:<> ${given}\r\nRSET\r\n`))]).toEqual([
        given,
        `${code} 250`,
      ]);
    expect(client.codes(mail.trim())).toBe("250");
    // Without a value there is none to be held against a rule.
    const asked: unknown[] = [];
    const valid = (value: string) => asked.push(value) > 0 && value.length > 1;
    const optional = [{ keyword: "XX", mail: [{ keyword: "XD", value: "optional" as const, valid }] }];
    const other = new Client({ custom: optional, extensions: { smtputf8: true } });
    other.say(ehlo);
    expect(other.codes("MAIL FROM:<> XD", "RSET", "MAIL FROM:<> XD=x", "MAIL FROM:<> XD=xx", "RSET")).toBe(
      "250 250 501 250 250",
    );
    expect(new Set(asked)).toEqual(new Set(["x", "xx"]));
    // What is not UTF-8 is no text.
    expect(other.codes("MAIL FROM:<> XD=\xc3\xbc SMTPUTF8", "RSET", "MAIL FROM:<> XD=\xffx SMTPUTF8")).toBe(
      "501 250 501",
    );
    expect(new Set(asked)).toEqual(new Set(["x", "xx", "ü"]));
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../packages/core/src/errors.ts";
import {
  formatDate,
  type ReceivedFacts,
  receivedField,
  returnPathField,
  traceProtocol,
} from "../../packages/core/src/syntax/trace.ts";

const now = Date.UTC(2026, 10, 23, 15, 11, 0);

const facts: ReceivedFacts = {
  from: { hello: "mail.example.net", host: "mail.example.net", address: "192.0.2.1" },
  by: "mx.example.com",
  protocol: "ESMTPS",
  id: "4Fxyz",
  for: "user@example.com",
  tls: null,
  now,
  offset: 60,
  utf8: false,
};

function field(from: Partial<ReceivedFacts["from"]>, others: Partial<ReceivedFacts> = {}): string {
  return receivedField({ ...facts, ...others, from: { ...facts.from, ...from } });
}

/** The field without its folding. */
function unfolded(text: string): string {
  return text.replaceAll("\r\n\t", " ").replace("\r\n", "");
}

/** What is between `from` and `by`. */
function fromOf(text: string): string {
  return /^Received: from (.*) by mx\.example\.com with /.exec(unfolded(text))?.[1] ?? "";
}

test("H-RCV-03 H-RCV-07 a whole field, folded before its clauses", () => {
  expect(receivedField(facts)).toBe(
    "Received: from mail.example.net (mail.example.net [192.0.2.1])\r\n" +
      "\tby mx.example.com with ESMTPS id 4Fxyz for <user@example.com>;\r\n" +
      "\tMon, 23 Nov 2026 16:11:00 +0100\r\n",
  );
});

test("a field with as little as there can be", () => {
  const least = { from: { hello: "a.example", host: null, address: null }, id: null, for: null };
  expect(receivedField({ ...facts, ...least })).toBe(
    "Received: from a.example by mx.example.com with ESMTPS;\r\n\tMon, 23 Nov 2026 16:11:00 +0100\r\n",
  );
});

test.each([
  ["a domain and a verified name", {}, "mail.example.net (mail.example.net [192.0.2.1])"],
  ["a domain and no verified name", { host: null }, "mail.example.net ([192.0.2.1])"],
  ["a domain and no address", { address: null }, "mail.example.net"],
  ["a literal", { hello: "[192.0.2.1]", host: null }, "[192.0.2.1] ([192.0.2.1])"],
  ["a literal that is not the peer's", { hello: "[10.0.0.1]", host: null }, "[10.0.0.1] ([192.0.2.1])"],
  ["an IPv6 peer", { host: null, address: "2001:DB8:0::1" }, "mail.example.net ([IPv6:2001:db8::1])"],
  ["an IPv6 literal", { hello: "[ipv6:2001:db8::1]", host: null }, "[IPv6:2001:db8::1] ([192.0.2.1])"],
  [
    "an IPv4 peer of a socket for both",
    { address: "::ffff:192.0.2.1" },
    "mail.example.net (mail.example.net [192.0.2.1])",
  ],
  ["an IPv6 peer with a zone", { host: null, address: "fe80::1%eth0" }, "mail.example.net ([IPv6:fe80::1])"],
  ["an odd address", { address: "192.0.2.1)" }, "mail.example.net"],
  ["an odd verified name", { host: "a) (b" }, "mail.example.net ([192.0.2.1])"],
])("H-RCV-02 from %s", (_, from, expected) => {
  expect(fromOf(field(from))).toBe(expected);
});

test.each([
  ["an underscore", "my_host", "[192.0.2.1] (mail.example.net [192.0.2.1]) (HELO my_host)"],
  ["a comment closed", "a) by b (", "[192.0.2.1] (mail.example.net [192.0.2.1]) (HELO a\\) by b \\()"],
  ["a backslash at the end", "a\\", "[192.0.2.1] (mail.example.net [192.0.2.1]) (HELO a\\\\)"],
  ["a field begun", "a\r\nBcc: b", "[192.0.2.1] (mail.example.net [192.0.2.1]) (HELO a??Bcc: b)"],
  ["controls", "a\0\x1b[2J\x7f\x85\t", "[192.0.2.1] (mail.example.net [192.0.2.1]) (HELO a??[2J???)"],
  ["blanks", "  a   b  ", "[192.0.2.1] (mail.example.net [192.0.2.1]) (HELO a b)"],
  ["a literal of an unknown tag", "[tag:(x]", "[192.0.2.1] (mail.example.net [192.0.2.1]) (HELO [tag:\\(x])"],
  ["nothing", "", "[192.0.2.1] (mail.example.net [192.0.2.1])"],
  ["not ASCII", "b\u00fccher.example", "[192.0.2.1] (mail.example.net [192.0.2.1]) (HELO b?cher.example)"],
  ["half a surrogate", "a\ud800", "[192.0.2.1] (mail.example.net [192.0.2.1]) (HELO a?)"],
])("H-RCV-06 SEC-TRU-07 a greeting with %s is in a comment, escaped", (_, hello, expected) => {
  expect(fromOf(field({ hello }))).toBe(expected);
});

test("H-RCV-06 SEC-TRU-07 without an address, too, an odd greeting is in a comment alone", () => {
  expect(fromOf(field({ hello: "my_host", address: null }))).toBe("unknown (HELO my_host)");
});

test("H-RCV-06 a greeting without end is cut", () => {
  const text = field({ hello: "(".repeat(10_000), host: null });
  expect(fromOf(text)).toBe(`[192.0.2.1] ([192.0.2.1]) (HELO ${"\\(".repeat(255)}...)`);
});

test("H-RCV-03 SEC-TRU-03 the recipient is named if there is a single one, otherwise none", () => {
  const recipient = (address: string | null): string | undefined =>
    / for (.*);/.exec(unfolded(field({}, { for: address })))?.[1];
  expect(recipient("user@example.com")).toBe("<user@example.com>");
  expect(recipient("<user@example.com>")).toBe("<user@example.com>");
  expect(recipient("<@hub.example:user@example.com>")).toBe("<user@example.com>");
  expect(recipient('"a b;\\">"@example.com')).toBe('<"a b;\\">"@example.com>');
  expect(recipient("Postmaster")).toBe("<Postmaster>");
  expect(recipient("user@[IPv6:2001:db8::1]")).toBe("<user@[IPv6:2001:db8::1]>");
  // What lenient options let in comes out as the grammar has it.
  expect(recipient("a..b@example.com.")).toBe('<"a..b"@example.com>');
  expect(recipient(null)).toBeUndefined();
  for (const list of [
    "a@example.com, b@example.com",
    "<a@example.com> <b@example.com>",
    "a@example.com,b@example.com",
  ]) {
    expect(recipient(list)).toBeUndefined();
  }
});

test.each([
  "<>",
  "",
  "user",
  "a@b\r\nBcc: c@d",
  "a@b; x",
  "<a@b",
  "a@b>",
  '"a\0"@b',
  "a@b c",
  `${"a".repeat(800)}@b`,
])("SEC-INJ-02 %j is no recipient to name", (address) => {
  expect(field({}, { for: address })).toBe(field({}, { for: null }));
});

test("H-RCV-03 the id is an atom or a message id", () => {
  for (const id of ["4Fxyz", "a.b", "a@b", "a.b@mx.example", "<a.b@mx.example>", "a-b_c", "x".repeat(255)]) {
    expect(unfolded(field({}, { id }))).toContain(` id ${id} for `);
  }
});

test.each([
  "",
  "a b",
  "a\r\nb",
  "a\0",
  "a;",
  "(a)",
  "<a>",
  "<a@b",
  "a@b@c",
  ".a",
  "a.",
  "@a",
  "a\u00fc",
  "x".repeat(256),
])("SEC-INJ-02 the id %j is an error of the caller", (id) => {
  expect(() => field({}, { id })).toThrow(UsageError);
});

test("SEC-INJ-02 an odd own name or protocol is an error of the caller", () => {
  for (const by of ["", "a b", "a\r\nb", "a;", "a)", "[tag:x]", "my_host", "a."]) {
    expect(() => field({}, { by })).toThrow(UsageError);
  }
  for (const protocol of ["", "E SMTP", "ESMTP\r\n", "ESMTP;", "(ESMTP)"]) {
    expect(() => field({}, { protocol })).toThrow(UsageError);
  }
  expect(unfolded(field({}, { by: "[IPv6:2001:db8::1]" }))).toContain(" by [IPv6:2001:db8::1] with ");
});

test("H-RCV-09 the cipher suite has a clause by its registered name or its number", () => {
  const clause = (cipher: string | null): string | undefined =>
    / (tls .*);/.exec(unfolded(field({}, { tls: { cipher } })))?.[1];
  expect(clause("TLS_AES_256_GCM_SHA384")).toBe("tls TLS_AES_256_GCM_SHA384");
  expect(clause("0x1302")).toBe("tls 0x1302");
  for (const cipher of [
    null,
    "",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_A;",
    "TLS_A\r\nB",
    "0x130",
    "0x1302 x",
  ]) {
    expect(clause(cipher)).toBeUndefined();
  }
});

test("H-RCV-09 the group of the key exchange follows on the cipher suite, by its name", () => {
  const clause = (
    group: string | null,
    cipher: string | null = "TLS_AES_256_GCM_SHA384",
  ): string | undefined => / (tls .*);/.exec(unfolded(field({}, { tls: { cipher, group } })))?.[1];
  for (const group of ["x25519", "secp256r1", "X25519MLKEM768"]) {
    expect(clause(group)).toBe(`tls TLS_AES_256_GCM_SHA384 group ${group}`);
    expect(clause(group, null)).toBeUndefined();
  }
  for (const group of [null, "", "x 25519", "x;", "x\r\nBcc: x", "(x", "x".repeat(61)])
    expect(clause(group)).toBe("tls TLS_AES_256_GCM_SHA384");
});

test("H-RCV-10 X-PRI-06 the priority has a clause", () => {
  for (const priority of [-9, -1, 0, 3, 9])
    expect(unfolded(field({}, { priority }))).toContain(` for <user@example.com> priority ${priority}; Mon`);
  expect(unfolded(field({}, { priority: -0 }))).toContain(" priority 0;");
  expect(field({}, { priority: null })).toBe(field({}));
  for (const priority of [10, -10, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
    expect(() => field({}, { priority })).toThrow(UsageError);
});

test("H-RCV-10 X-NOSOL-02 the keywords of SOLICIT stand in a comment, which they cannot close", () => {
  const comment = (solicit: readonly string[] | null): string | undefined =>
    / with ESMTPS ?(.*) id /.exec(unfolded(field({}, { solicit })))?.[1];
  expect(comment(["org.example:ADV"])).toBe("(SOLICIT=org.example:ADV)");
  expect(comment(["org.example:ADV", "net.example:x"])).toBe("(SOLICIT=org.example:ADV, net.example:x)");
  expect(comment(["a) by b (", "a\r\nBcc: x", "\\", "ü"])).toBe("(SOLICIT=a??by?b??, a??Bcc:?x, ?, ?)");
  expect(comment(null)).toBe("");
  expect(comment([])).toBe("");
});

test("H-GW-01 the field of a gateway names the environment from which the message comes", () => {
  expect(unfolded(field({}, { via: "X400" }))).toContain(" by mx.example.com via X400 with ESMTPS id ");
  expect(field({}, { via: null })).toBe(field({}));
  for (const via of ["", "X 400", "X\r\n", "a;b", "(x)", "x".repeat(65)])
    expect(() => field({}, { via })).toThrow(UsageError);
});

test("H-RCV-11 X-UTF8-12 with SMTPUTF8 names and addresses are in UTF-8, otherwise all is ASCII", () => {
  const from = { hello: "b\u00fccher.example", host: "\u6a39.example" };
  const others = { by: "mx.\u00fc.example", for: "\u3042@\u6a39.example" };
  expect(unfolded(field(from, { ...others, utf8: true }))).toMatch(
    /^Received: from bücher.example \(樹.example \[192.0.2.1\]\) by mx.ü.example with ESMTPS id 4Fxyz for <あ@樹.example>; /,
  );
  expect(fromOf(field({ hello: "b\u00fc_cher" }, { utf8: true }))).toContain("(HELO b\u00fc_cher)");
  const ascii = field(from, { for: others.for });
  expect(ascii).toMatch(/^[\t\r\n -~]*$/);
  expect(ascii).not.toContain(" for ");
});

test("SEC-TRU-07 with SMTPUTF8, too, nothing invisible or like a line end is passed on", () => {
  for (const odd of ["\x85", "\u2028", "\u2029", "\u202e", "\u200b", "\ufeff"]) {
    const text = field(
      { hello: `a${odd}.example`, host: `b${odd}.example` },
      { utf8: true, for: `c${odd}@d.example` },
    );
    expect(text).toBe(field({ hello: "a?.example", host: null }, { utf8: true, for: "c\ufffd@d.example" }));
  }
});

test("H-RCV-07 no address makes a line above 998 octets", () => {
  const path = `${"\x85".repeat(314)}@b.example`;
  const fields = [returnPathField(path), field({}, { utf8: true, for: path })];
  for (const line of fields.join("").split("\r\n")) {
    expect(new TextEncoder().encode(line).length).toBeLessThanOrEqual(998);
  }
  expect(fields[1]).toContain("\tfor\r\n");
});

test("H-RCV-11 the joiners that some scripts need in names are kept", () => {
  const name = "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.example";
  expect(fromOf(field({ hello: name }, { utf8: true }))).toBe(`${name} (mail.example.net [192.0.2.1])`);
  expect(returnPathField(`a@${name}`)).toBe(`Return-Path: <a@${name}>\r\n`);
});

test("H-RCV-07 long words get lines of their own, none above 998 octets", () => {
  const name = `${`${"x".repeat(60)}.`.repeat(4)}example`;
  const text = field(
    { hello: `_${name}`, host: name },
    { by: name, id: "i".repeat(255), for: `${"l".repeat(620)}@d.example` },
  );
  for (const line of text.split("\r\n")) expect(line.length).toBeLessThanOrEqual(998);
  expect(text.split("\r\n").map((line) => line.slice(0, 12))).toEqual([
    "Received: fr",
    `\t(${"x".repeat(10)}`,
    "\t[192.0.2.1]",
    `\t_${"x".repeat(10)}`,
    "\tby",
    `\t${"x".repeat(11)}`,
    "\twith ESMTPS",
    "\tid",
    `\t${"i".repeat(11)}`,
    "\tfor",
    `\t<${"l".repeat(10)}`,
    "\tMon, 23 Nov",
    "",
  ]);
});

describe("whatever the facts", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({
      maxLength: 400,
      unit: fc.constantFrom(
        ...'\r\n\t\0 ()\\"<>@;,:[]._-=?a',
        "\r\n",
        "\r\nBcc: x",
        "by",
        "\u0085",
        "\u2028",
        "\ud800",
        "ü",
      ),
    }),
    fc.constantFrom(
      "a.example",
      "[192.0.2.1]",
      "192.0.2.1",
      "user@a.example",
      "::1",
      "x".repeat(3000),
      "a ".repeat(900),
    ),
  );
  const any: fc.Arbitrary<ReceivedFacts> = fc.record({
    from: fc.record({ hello: hostile, host: fc.option(hostile), address: fc.option(hostile) }),
    by: fc.oneof({ weight: 4, arbitrary: fc.constant("mx.example.com") }, hostile),
    via: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(null, "X400") }, hostile),
    protocol: fc.oneof({ weight: 4, arbitrary: fc.constant("ESMTP") }, hostile),
    solicit: fc.option(fc.array(hostile, { maxLength: 5 })),
    priority: fc.option(fc.integer({ min: -9, max: 9 })),
    id: fc.oneof({ weight: 4, arbitrary: fc.constantFrom(null, "4Fxyz") }, hostile),
    for: fc.option(hostile),
    tls: fc.option(
      fc.record({
        cipher: fc.oneof(fc.constant("TLS_AES_128_GCM_SHA256"), fc.option(hostile)),
        group: fc.oneof(fc.constant("x25519"), fc.option(hostile)),
      }),
    ),
    now: fc.integer({ min: -2e12, max: 2e14 }),
    offset: fc.integer({ min: -1000, max: 1000 }),
    utf8: fc.boolean(),
  });

  test("SEC-INJ-02 SEC-TRU-07 H-RCV-06 H-RCV-07 what is written is one Received field, of the grammar, with nothing else", () => {
    let written = 0;
    fc.assert(
      fc.property(any, (each) => {
        let text: string;
        try {
          text = receivedField(each);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
          return;
        }
        written++;
        expect(problem(text, each.utf8)).toBeNull();
      }),
      { numRuns: 5000 },
    );
    expect(written).toBeGreaterThan(1000);
  });

  test("SEC-TRU-07 nothing that the client or its name servers say makes it throw", () => {
    fc.assert(
      fc.property(any, (each) => {
        expect(
          problem(
            receivedField({ ...each, by: facts.by, via: null, protocol: facts.protocol, id: null }),
            each.utf8,
          ),
        ).toBeNull();
      }),
      { numRuns: 2000 },
    );
  });

  test("SEC-INJ-02 a Return-Path is one line or an error", () => {
    fc.assert(
      fc.property(hostile, (path) => {
        try {
          const text = returnPathField(path);
          expect(text).toMatch(/^Return-Path: <[^\p{Cc}]*>\r\n$/u);
          expect(new TextEncoder().encode(text).length).toBeLessThanOrEqual(1000);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
        }
      }),
      { numRuns: 2000 },
    );
  });
});

/** What is wrong with a Received field; null if nothing. Written after the grammar, not after the code. */
function problem(text: string, utf8: boolean): string | null {
  if (!text.endsWith("\r\n")) return "does not end in CRLF";
  const lines = text.slice(0, -2).split("\r\n");
  for (const [at, line] of lines.entries()) {
    if (new TextEncoder().encode(line).length > 998) return "line too long";
    if (at > 0 && !/^\t[^\t ]/.test(line)) return "not a continuation";
    if (/[\p{Cc}\u2028\u2029]/u.test(at === 0 ? line : line.slice(1))) return "a control";
    if (/\p{Cs}/u.test(line)) return "half a surrogate";
  }
  const whole = lines.map((line, at) => (at === 0 ? line : ` ${line.slice(1)}`)).join("");
  if (!utf8 && /[^ -~]/.test(whole)) return "not ASCII";

  let rest = whole;
  const eat = (pattern: RegExp): string | null => {
    const found = new RegExp(`^(?:${pattern.source})`, "u").exec(rest);
    if (found === null) return null;
    rest = rest.slice(found[0].length);
    return found[0];
  };
  const label = "(?:[A-Za-z0-9\\u{80}-\\u{10ffff}-]+)";
  const name = `${label}(?:\\.${label})*`;
  const literal = "\\[(?:IPv6:[0-9a-f:.]+|[0-9.]+)\\]";
  const domain = new RegExp(`${name}|${literal}`, "u");
  const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\u{80}-\\u{10ffff}-]+";
  const local = `(?:${atom}(?:\\.${atom})*|"(?:[^"\\\\]|\\\\.)*")`;

  if (eat(/Received: from /) === null || eat(domain) === null) return `no from: ${rest}`;
  while (eat(/ \((?:[^()\\]|\\.)*\)/) !== null);
  if (eat(/ by /) === null || eat(domain) === null) return `no by: ${rest}`;
  eat(new RegExp(` via ${atom}`, "u"));
  if (eat(/ with [A-Za-z0-9-]+/) === null) return `no with: ${rest}`;
  eat(/ \(SOLICIT=(?:[^()\\]|\\.)*\)/);
  if (eat(/ id /) !== null && eat(new RegExp(`<?${atom}(?:[.@]${atom})*>?`, "u")) === null)
    return `bad id: ${rest}`;
  const path = new RegExp(
    `<(?:postmaster|POSTMASTER|Postmaster|${local}@(?:[A-Za-z0-9_\\u{80}-\\u{10ffff}.-]+|${literal}))>`,
    "u",
  );
  if (eat(/ for /) !== null && eat(path) === null) return `bad for: ${rest}`;
  eat(/ tls (?:TLS_[A-Z0-9_]+|0x[0-9A-Fa-f]{4})(?: group [A-Za-z][A-Za-z0-9_-]*)?/);
  eat(/ priority (?:0|-?[1-9])/);
  if (eat(/; /) === null) return `no end: ${rest}`;
  eat(
    /(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{1,2} [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}/,
  );
  return rest === "" ? null : `left: ${rest}`;
}

test("the checker of these tests finds fault", () => {
  expect(problem(receivedField(facts), false)).toBeNull();
  for (const bad of [
    "Received: from a (b by c with SMTP; Mon, 1 Jan 2026 00:00:00 +0000\r\n",
    "Received: from a by c with SMTP;\r\n Mon, 1 Jan 2026 00:00:00 +0000\r\n",
    "Received: from a\r\nby c with SMTP; Mon, 1 Jan 2026 00:00:00 +0000\r\n",
    "Received: from a by c with SMTP; Mon, 1 Jan 26 00:00:00 +0000\r\n",
    "Received: from a by c with SMTP; Mon, 1 Jan 2026 00:00:00 CET\r\n",
    "Received: from a\n by c with SMTP; Mon, 1 Jan 2026 00:00:00 +0000\r\n",
  ]) {
    expect(problem(bad, false)).not.toBeNull();
  }
});

test.each([
  [{ verb: "HELO", tls: false, auth: false }, "SMTP", "SMTP"],
  [{ verb: "HELO", tls: true, auth: false }, "SMTP", "SMTP"],
  [{ verb: "EHLO", tls: false, auth: false }, "ESMTP", "UTF8SMTP"],
  [{ verb: "EHLO", tls: true, auth: false }, "ESMTPS", "UTF8SMTPS"],
  [{ verb: "EHLO", tls: false, auth: true }, "ESMTPA", "UTF8SMTPA"],
  [{ verb: "EHLO", tls: true, auth: true }, "ESMTPSA", "UTF8SMTPSA"],
  [{ verb: "LHLO", tls: false, auth: false }, "LMTP", "UTF8LMTP"],
  [{ verb: "LHLO", tls: true, auth: false }, "LMTPS", "UTF8LMTPS"],
  [{ verb: "LHLO", tls: false, auth: true }, "LMTPA", "UTF8LMTPA"],
  [{ verb: "LHLO", tls: true, auth: true }, "LMTPSA", "UTF8LMTPSA"],
] as const)("H-RCV-05 the protocol of %j is %s, with SMTPUTF8 %s", (session, plain, utf8) => {
  expect(traceProtocol({ ...session, smtputf8: false })).toBe(plain);
  expect(traceProtocol({ ...session, smtputf8: true })).toBe(utf8);
});

test.each([
  [0, 0, "Thu, 1 Jan 1970 00:00:00 +0000"],
  [now, 0, "Mon, 23 Nov 2026 15:11:00 +0000"],
  [now, 60, "Mon, 23 Nov 2026 16:11:00 +0100"],
  [now, -90, "Mon, 23 Nov 2026 13:41:00 -0130"],
  [now, 845, "Tue, 24 Nov 2026 05:16:00 +1405"],
  [now + 999.5, -5, "Mon, 23 Nov 2026 15:06:00 -0005"],
  [-1, 0, "Wed, 31 Dec 1969 23:59:59 +0000"],
  [Date.UTC(2000, 1, 29, 23, 59, 59), 1, "Wed, 1 Mar 2000 00:00:59 +0001"],
  [Date.UTC(2024, 1, 29), 0, "Thu, 29 Feb 2024 00:00:00 +0000"],
  [Date.UTC(2100, 1, 28, 12), 720, "Mon, 1 Mar 2100 00:00:00 +1200"],
  [Date.UTC(1900, 0, 1), 0, "Mon, 1 Jan 1900 00:00:00 +0000"],
  [Date.UTC(9999, 11, 31, 23, 59, 59), 0, "Fri, 31 Dec 9999 23:59:59 +0000"],
])("H-RCV-04 %d ms at %d minutes is %s", (millis, offset, expected) => {
  expect(formatDate(millis, offset)).toBe(expected);
});

test("H-RCV-04 every date is the one that the calendar of the host has, in the form of RFC 5322", () => {
  const form =
    /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?:[1-9]|[12][0-9]|3[01]) [A-Z][a-z]{2} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2} [+-][0-9]{4}$/;
  fc.assert(
    fc.property(
      fc.integer({ min: Date.UTC(1900, 0, 3), max: Date.UTC(9999, 11, 29) }),
      fc.integer({ min: -1439, max: 1439 }),
      (millis, offset) => {
        const text = formatDate(millis, offset);
        expect(text).toMatch(form);
        expect(new Date(text).getTime()).toBe(Math.floor(millis / 1000) * 1000);
        const local = new Date(millis + offset * 60_000).toUTCString();
        expect(text.slice(0, -6)).toBe(local.replace(", 0", ", ").slice(0, -4));
      },
    ),
    { numRuns: 3000 },
  );
  for (let day = Date.UTC(1999, 0, 1); day < Date.UTC(2101, 0, 1); day += 86_400_000) {
    expect(formatDate(day, 0).slice(0, -6)).toBe(
      new Date(day).toUTCString().replace(", 0", ", ").slice(0, -4),
    );
  }
});

test("a date that cannot be written is an error of the caller", () => {
  const beyond: [number, number][] = [
    [Number.NaN, 0],
    [Number.POSITIVE_INFINITY, 0],
    [Date.UTC(1899, 11, 31, 23, 59, 59), 0],
    [Date.UTC(9999, 11, 31, 23, 59, 59), 1],
    [0, Number.NaN],
    [0, 0.5],
    [0, 6000],
  ];
  for (const [millis, offset] of beyond) expect(() => formatDate(millis, offset)).toThrow(UsageError);
});

test.each([
  ["user@example.com", "Return-Path: <user@example.com>\r\n"],
  ["<user@example.com>", "Return-Path: <user@example.com>\r\n"],
  ["<@hub.example:user@example.com>", "Return-Path: <user@example.com>\r\n"],
  ["", "Return-Path: <>\r\n"],
  ["<>", "Return-Path: <>\r\n"],
  ['"a b"@example.com', 'Return-Path: <"a b"@example.com>\r\n'],
  ["\u3042@\u6a39.example", "Return-Path: <\u3042@\u6a39.example>\r\n"],
  ["a\u0085\u2028\u202e@b.example", "Return-Path: <a\ufffd\ufffd\ufffd@b.example>\r\n"],
  ["a..b@my_host.example.", 'Return-Path: <"a..b"@my_host.example>\r\n'],
])("H-RPT-01 the Return-Path of %j", (path, expected) => {
  expect(returnPathField(path)).toBe(expected);
});

test.each(["user", "a@b\r\nBcc: c@d", "<a@b", "a@b>", "a@b, c@d", "a b@c", "<> x", '"a\r\n"@b'])(
  "SEC-INJ-02 %j is no Return-Path",
  (path) => {
    expect(() => returnPathField(path)).toThrow(UsageError);
  },
);

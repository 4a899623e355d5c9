import { isIPv6 } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatDomain, parseDomain } from "../../packages/core/src/syntax/domain.ts";
import { isFault } from "../../packages/core/src/syntax/fault.ts";
import {
  formatMailbox,
  type Mailbox,
  parseAddress,
  parsePath,
  sameMailbox,
} from "../../packages/core/src/syntax/path.ts";
import { context, octets } from "../core/arguments.ts";

/** The grammar of RFC 5321 §4.1.2 once more, as a regular expression over Latin-1, and with it only strict paths. */
const grammar = (() => {
  const atom = "[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~]+";
  const quoted = '"(?:[\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\[\\x20-\\x7e])*"';
  const label = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
  const name = `${label}(?:\\.${label})*`;
  const domain = `(?:${name}|\\[[\\x21-\\x5a\\x5e-\\x7e]+\\])`;
  return new RegExp(
    `^<(?<route>@${domain}(?:,@${domain})*:)?(?<local>${atom}(?:\\.${atom})*|${quoted})@(?<domain>${domain})>$`,
  );
})();

/** Whether a literal in brackets is an address, as Node sees it. */
function isLiteral(text: string): boolean {
  const inside = text.slice(1, -1);
  const snum = "(?:[01]?[0-9]?[0-9]|2[0-4][0-9]|25[0-5])";
  const dotted = `${snum}(?:\\.${snum}){3}`;
  if (new RegExp(`^${dotted}$`).test(inside)) return true;
  // Node takes no leading zeros in a dotted end, and takes a zone: the one is replaced, the other refused.
  const hexadecimal = inside.replace(new RegExp(`(?<=:)${dotted}$`), "0:0");
  return /^ipv6:/i.test(inside) && !inside.includes("%") && isIPv6(hexadecimal.slice(5));
}

/** What the reference makes of a path: whether it is one, with an address in every literal that counts. */
function isPath(text: string, side: "reverse" | "forward"): boolean {
  if (text === "<>") return side === "reverse";
  if (/^<postmaster>$/i.test(text)) return side === "forward";
  const groups = grammar.exec(text)?.groups;
  if (groups === undefined) return false;
  const { route = "", local, domain } = groups;
  if (text.length > 256 || local.length > 64 || domain.length > 255) return false;
  if (domain.startsWith("[") && !isLiteral(domain)) return false;
  // In the route a literal with another tag is good enough: nobody uses it.
  return (route.match(/\[[^\]]*\]/g) ?? []).every(
    (literal) => isLiteral(literal) || /^\[(?!ipv6:)[A-Za-z0-9-]*[A-Za-z0-9]:.+\]$/i.test(literal),
  );
}

const atext = "ABCXYZabcxyz0189!#$%&'*+-/=?^_`{|}~";
const label = fc.stringMatching(/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,10}[A-Za-z0-9])?$/);
const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
const literal = fc.oneof(
  fc.ipV4().map((address) => `[${address}]`),
  fc.ipV6().map((address) => `[IPv6:${address}]`),
);
const dotString = fc
  .array(fc.string({ unit: fc.constantFrom(...atext), minLength: 1, maxLength: 8 }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((atoms) => atoms.join("."));
const printable = fc.string({ unit: "grapheme-ascii", maxLength: 20 });
/** A quoted string, in which any octet may have a backslash and two must. */
const quotedString = fc
  .array(fc.tuple(fc.integer({ min: 0x20, max: 0x7e }), fc.boolean()), { maxLength: 20 })
  .map((pairs) => {
    const quoted = pairs.map(([octet, escaped]) => {
      const char = String.fromCharCode(octet);
      return escaped || char === '"' || char === "\\" ? `\\${char}` : char;
    });
    return `"${quoted.join("")}"`;
  });
const domain = fc.oneof({ weight: 3, arbitrary: name }, literal);
const address = fc
  .tuple(fc.oneof(dotString, quotedString), domain)
  .map(([local, domain]) => `${local}@${domain}`)
  .filter((text) => text.length <= 250);
const route = fc
  .array(name, { minLength: 1, maxLength: 2 })
  .map((names) => `${names.map((name) => `@${name}`).join(",")}:`);
const path = fc
  .tuple(fc.option(route, { nil: "" }), address)
  .map(([route, address]) => `<${route}${address}>`)
  .filter((text) => text.length <= 256);

/** Pieces of paths in any order: what is nearly right and is not. */
const pieces = fc.string({
  unit: fc.constantFrom(
    "<",
    ">",
    "@",
    ",",
    ":",
    ".",
    "..",
    '"',
    "\\",
    "\\\\",
    '\\"',
    "-",
    "_",
    " ",
    "[",
    "]",
    "[]",
    "a",
    "b",
    "Z",
    "0",
    "1",
    "255",
    "256",
    "01",
    "[1.2.3.4]",
    "[IPv6:",
    "[ipv6:::1]",
    "::",
    "::1]",
    "ffff",
    "12345",
    "tag:",
    "+",
    "=",
    "<a",
    "@b>",
    "@b.c>",
    "Postmaster",
    "<>",
    "\t",
    "\0",
    "\x7f",
    "é",
    "a".repeat(63),
    "d".repeat(60),
  ),
  maxLength: 14,
});

/** A path with an octet put in, taken out or changed. */
const mutated = fc
  .tuple(path, fc.nat(), fc.nat(2), fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 1 }))
  .map(([path, where, how, char]) => {
    const at = where % (path.length + 1);
    return path.slice(0, at) + (how === 0 ? "" : char) + path.slice(how === 1 ? at : at + 1);
  });

describe("paths and the grammar", () => {
  test.each([
    ["valid paths", path],
    ["paths with one change", mutated],
    ["pieces of paths", pieces],
  ] as const)("S-ADDR-01 S-ADDR-11 exactly the grammar is accepted: %s", (_what, texts) => {
    fc.assert(
      fc.property(texts, fc.constantFrom("reverse" as const, "forward" as const), (text, side) => {
        const line = octets(text);
        const read = parsePath(line, 0, line.length, side, context());
        const whole = !isFault(read) && read.end === line.length;
        expect([text, whole]).toEqual([text, isPath(text, side)]);
        if (whole && read.path !== null) expect(read.path.raw).toBe(text);
      }),
      { numRuns: 4000 },
    );
  });

  test("the reference knows right from wrong", () => {
    for (const right of [
      "<>",
      "<a@b>",
      '<"a@b>c"@d.e>',
      "<@a,@b:c@d>",
      "<a@[01.2.3.4]>",
      "<a@[IPv6:1::2.3.4.5]>",
    ]) {
      expect(isPath(right, "reverse")).toBe(true);
    }
    for (const wrong of [
      "",
      "<",
      "<a>",
      "<a..b@c>",
      "<a@b.>",
      "<a@[1.2.3]>",
      "<a@[IPv6:1]>",
      "<a@[x:y]>",
      '<"@b>',
    ]) {
      expect(isPath(wrong, "reverse")).toBe(false);
    }
  });

  test("S-ADDR-04 a path ends where the grammar says, whatever follows", () => {
    fc.assert(
      fc.property(path, printable, (text, rest) => {
        const line = octets(text + rest);
        const read = parsePath(line, 0, line.length, "forward", context());
        expect(isFault(read) ? read : read.end).toBe(text.length);
      }),
      { numRuns: 1000 },
    );
  });

  test("the end that is given is the end, whatever lies behind it", () => {
    fc.assert(
      fc.property(fc.oneof(path, pieces), fc.nat(300), (text, cut) => {
        const line = octets(text);
        const end = Math.min(cut, line.length);
        const within = parsePath(line, 0, end, "forward", context({ utf8: "allowed" }));
        expect(within).toEqual(
          parsePath(line.slice(0, end), 0, end, "forward", context({ utf8: "allowed" })),
        );
      }),
      { numRuns: 2000 },
    );
  });
});

describe("mailboxes", () => {
  const anyLocal = fc.oneof(
    dotString,
    printable,
    fc.string({
      unit: fc.oneof(
        fc.constantFrom('"', "\\", "@", " ", ".", ">"),
        fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
      ),
      maxLength: 15,
    }),
  );
  const mailbox = fc
    .tuple(
      anyLocal.filter(
        (local) =>
          !/[\0-\x1f\x7f]/.test(local) && octets(formatMailbox({ local, domain: null })).length <= 64,
      ),
      domain,
    )
    .map(([local, text]): Mailbox => {
      const domain = parseDomain(text);
      if (domain === null) throw new Error(`the generator made no domain: ${text}`);
      return { local, domain };
    });

  test("S-ADDR-02 S-ADDR-03 what is written is read back, and written the same again", () => {
    fc.assert(
      fc.property(mailbox, (mailbox) => {
        const text = formatMailbox(mailbox);
        const read = parseAddress(text, { utf8: true });
        expect(read).toEqual(mailbox);
        expect(read !== null && sameMailbox(read, mailbox)).toBe(true);
        const path = parsePath(
          octets(`<${text}>`),
          0,
          octets(text).length + 2,
          "forward",
          context({ utf8: "allowed" }),
        );
        expect(isFault(path) ? path : path.path).toMatchObject({ ...mailbox, address: text });
      }),
      { numRuns: 3000 },
    );
  });

  test("S-ADDR-03 nothing is quoted that need not be", () => {
    fc.assert(
      fc.property(mailbox, (mailbox) => {
        const text = formatMailbox({ local: mailbox.local, domain: null });
        if (!text.startsWith('"')) return;
        expect(text.replace(/\\["\\]/g, "").slice(1, -1)).not.toMatch(/["\\]/);
        // Without quotes it is no local-part, or one that says something else: `""` is empty.
        expect(parseAddress(`${mailbox.local}@example.com`, { utf8: true })?.local).not.toBe(mailbox.local);
      }),
      { numRuns: 2000 },
    );
  });

  test("S-ADDR-02 every spelling of a local-part comes to one value", () => {
    fc.assert(
      fc.property(quotedString, (quoted) => {
        const read = parseAddress(`${quoted}@example.com`);
        if (read === null) throw new Error(`not read: ${quoted}`);
        const least = parseAddress(formatMailbox(read));
        const most = parseAddress(`"${[...read.local].map((char) => `\\${char}`).join("")}"@EXAMPLE.com`);
        expect(least !== null && most !== null && sameMailbox(least, most)).toBe(true);
      }),
      // 62 characters with a backslash each are too long for a local-part.
      { numRuns: 1000 },
    );
  });

  test("S-ADDR-06 every IPv6 literal is written as one text", () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        // Bun 1.4 cannot read some of them, `0:0::0:0:0.0.0.0` for one.
        fc.pre(URL.canParse(`http://[${address}]/`));
        const read = parseDomain(`[IPv6:${address}]`);
        if (read === null || read.kind !== "ipv6") throw new Error(`not read: ${address}`);
        const host = new URL(`http://[${address}]/`).hostname.slice(1, -1);
        const mapped = read.octets.slice(0, 12).join() === "0,0,0,0,0,0,0,0,0,0,255,255";
        if (!mapped) expect(read.text).toBe(host);
        expect(parseDomain(formatDomain(read))).toEqual(read);
      }),
      { numRuns: 1000 },
    );
  });
});

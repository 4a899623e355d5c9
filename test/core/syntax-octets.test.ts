import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  highOctet,
  parseAuth,
  parseChunk,
  parseEtrn,
  parseHello,
  parseMail,
  parseNothing,
  parseRcpt,
  parseString,
  readVerb,
  trimBlanks,
} from "../../packages/core/src/syntax/command.ts";
import { isFault } from "../../packages/core/src/syntax/fault.ts";
import { forbiddenOctet } from "../../packages/core/src/wire/line.ts";
import { context, type Given, octets, said } from "./arguments.ts";
import { everyLeniency } from "./lenient.ts";

/** Every parser of the layer, on one line. */
function readEverything(line: Uint8Array, given: Given): void {
  const within = context(given);
  const { argument } = readVerb(line);
  const end = trimBlanks(line);
  expect(argument).toBeLessThanOrEqual(end);
  forbiddenOctet(line);
  highOctet(line);
  const results = [
    parseMail(line, argument, end, within),
    parseRcpt(line, argument, end, within),
    parseHello(line, argument, end, within, "EHLO"),
    parseChunk(line, argument, end),
    parseAuth(line, argument, end),
    parseString(line, argument, end, within, "VRFY"),
    parseEtrn(line, argument, end),
    parseNothing(line, argument, end, "RSET"),
  ];
  for (const result of results) {
    if (!isFault(result)) continue;
    expect(said(result)).toMatch(
      /^[A-Z]+-[A-Z0-9]+-\d\d (?:501(?: 5\.(?:1\.3|1\.7|5\.4|5\.2))?|421 4\.7\.0|55[035] 5\.(?:6\.7|5\.4))$/,
    );
    expect(result.at).toBeGreaterThanOrEqual(0);
    expect(result.at).toBeLessThanOrEqual(line.length);
    expect(result.reply.lines.join("")).toMatch(/^[\x20-\x7e]*$/);
  }
}

const given = fc.record({
  utf8: fc.constantFrom("absent" as const, "offered" as const, "allowed" as const),
  lenient: fc.constantFrom({}, everyLeniency),
  plain: fc.boolean(),
});

describe("any octets", () => {
  const start = fc.constantFrom(
    "",
    "MAIL FROM:",
    "MAIL FROM:<",
    "RCPT TO:<a@b> ",
    "MAIL FROM:<a@b> ",
    "EHLO ",
    "EHLO [",
    "BDAT ",
    "AUTH X ",
    "VRFY ",
    "ETRN ",
  );
  const word = fc.constantFrom(
    "SIZE=",
    "BODY=",
    "7BIT",
    "SMTPUTF8",
    "RET=",
    "FULL",
    "ENVID=",
    "AUTH=",
    "NOTIFY=",
    "NEVER",
    ",",
    "ORCPT=",
    "utf-8;",
    "rfc822;",
    "\\x{",
    "FC}",
    "}",
    "+2B",
    "+",
    "=",
    " ",
    "<",
    ">",
    "@",
    '"',
    "\\",
    ".",
    "[",
    "]",
    "IPv6:",
    "é",
    "1",
    "a",
  );
  const line = fc.oneof(
    fc.uint8Array({ maxLength: 100 }),
    fc
      .tuple(start, fc.uint8Array({ maxLength: 60 }))
      .map(([start, rest]) => Uint8Array.from([...octets(start), ...rest])),
    fc
      .tuple(start, fc.array(word, { maxLength: 12 }))
      .map(([start, words]) => octets(start + words.join(""))),
  );

  test("S-BDAT-14 no octets make a parser throw, and every fault is a reply that can be sent", () => {
    fc.assert(
      fc.property(line, given, (line, given) => readEverything(line, given)),
      { numRuns: 10_000 },
    );
  });

  test("S-ADDR-05 nothing that was read holds a control octet, nor UTF-8 that is not allowed", () => {
    fc.assert(
      fc.property(line, given, (line, given) => {
        if (forbiddenOctet(line) >= 0) return;
        const { argument } = readVerb(line);
        const end = trimBlanks(line);
        for (const read of [
          parseMail(line, argument, end, context(given)),
          parseRcpt(line, argument, end, context(given)),
        ]) {
          if (isFault(read)) continue;
          // Without the backslashes that were read: what stands behind them is no escape.
          const text = JSON.stringify(read).replaceAll("\\\\", "");
          expect(text).not.toMatch(/\\u00[01]|\\[bfnrt]|\x7f/);
          const allowed =
            given.utf8 === "allowed" || ("smtputf8" in read.parameters && read.parameters.smtputf8);
          if (!allowed) expect(text).toMatch(/^[\x20-\x7e]*$/);
        }
      }),
      { numRuns: 10_000 },
    );
  });

  test("S-LINE-03 verbs and keywords do not depend on case", () => {
    const commands = fc.constantFrom(
      "MAIL FROM:<a@B.example> SIZE=7 BODY=8BITMIME RET=HDRS",
      "RCPT TO:<a@B.example> NOTIFY=SUCCESS,DELAY",
      "RCPT TO:<Postmaster>",
      "BDAT 5 LAST",
    );
    fc.assert(
      fc.property(commands, fc.infiniteStream(fc.boolean()), (command, upper) => {
        const [verb, ...rest] = command.split(" ");
        const change = (text: string) =>
          text.replace(/[A-Za-z]/g, (letter) =>
            upper.next().value ? letter.toUpperCase() : letter.toLowerCase(),
          );
        const changed = rest.map((word) =>
          word.includes("<") ? `${change(word.split("<")[0])}<${word.split("<")[1]}` : change(word),
        );
        const one = octets(command);
        const other = octets([change(verb), ...changed].join(" "));
        expect(readVerb(other)).toEqual(readVerb(one));
        const parse = verb === "MAIL" ? parseMail : verb === "RCPT" ? parseRcpt : parseChunk;
        const read = parse(one, 5, one.length, context());
        expect(isFault(read)).toBe(false);
        expect(parse(other, 5, other.length, context())).toEqual(read);
      }),
      { numRuns: 500 },
    );
  });
});

describe("cost", () => {
  /** Octets that count how often they are looked at. */
  function counted(line: Uint8Array): { readonly line: Uint8Array; readonly looks: () => number } {
    let looks = 0;
    const watched = new Proxy(line, {
      get(target, key) {
        if (typeof key === "string" && /^\d+$/.test(key)) looks++;
        return Reflect.get(target, key, target);
      },
    });
    return { line: watched, looks: () => looks };
  }

  const fill = (start: string, unit: string) =>
    octets(start + unit.repeat(Math.floor((12_000 - start.length) / unit.length)));

  test.each([
    ["nothing but a verb", fill("", "A")],
    ["blanks", fill("MAIL FROM:", " ")],
    ["a local-part", fill("MAIL FROM:<", "a")],
    ["atoms", fill("MAIL FROM:<", "a.")],
    ["backslashes", fill('MAIL FROM:<"', "\\\\")],
    ["quotes", fill('MAIL FROM:<"', '\\"')],
    ["a route", fill("MAIL FROM:<", "@a,")],
    ["labels", fill("MAIL FROM:<a@", "b.")],
    ["hyphens", fill("MAIL FROM:<a@b", "-")],
    ["brackets", fill("MAIL FROM:<a@", "[")],
    ["a literal", fill("MAIL FROM:<a@[IPv6:", "::")],
    ["a tag", fill("MAIL FROM:<a@[", "a-")],
    ["parameters", fill("MAIL FROM:<a@b>", " SIZE=1")],
    ["keywords", fill("MAIL FROM:<a@b> ", "A")],
    ["a value", fill("MAIL FROM:<a@b> AUTH=", "a")],
    ["xtext", fill("MAIL FROM:<a@b> AUTH=", "+2B")],
    ["NOTIFY", fill("RCPT TO:<a@b> NOTIFY=", "DELAY,")],
    ["ORCPT", fill("RCPT TO:<a@b> ORCPT=utf-8;", "\\x{FC}")],
    ["open braces", fill("RCPT TO:<a@b> ORCPT=utf-8;", "\\x{")],
    ["digits", fill("BDAT ", "0")],
    ["a hello", fill("EHLO ", "a.")],
    ["base64", fill("AUTH X ", "AAAA")],
    ["text", fill("VRFY ", "a ")],
    ["an address", fill("VRFY ", '"')],
    ["a node", fill("ETRN #", "a")],
    ["UTF-8", fill("MAIL FROM:<", "é")],
    ["half of UTF-8", new Uint8Array(12_000).fill(0xc3)],
  ])("G6 no octet of 12,000 is looked at more than a few times: %s", (_what, octets) => {
    for (const utf8 of ["absent", "offered", "allowed"] as const) {
      for (const lenient of [{}, everyLeniency]) {
        const { line, looks } = counted(octets);
        const limits = { localPart: 20_000, domain: 20_000, path: 20_000 };
        readEverything(line, { utf8, lenient, limits, maxParameters: 20_000 });
        // The eight parsers and three scans come to 19 looks at most.
        expect(looks() / octets.length).toBeLessThan(25);
      }
    }
  });
});

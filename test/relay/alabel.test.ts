import { domainToAscii } from "@sansmtp/core";
import fc from "fast-check";
import { expect, test } from "vitest";

test.each([
  ["bücher.example", "xn--bcher-kva.example"],
  ["BÜCHER.Example", "xn--bcher-kva.example"],
  ["bu\u0308cher.example", "xn--bcher-kva.example"],
  ["faß.example", "xn--fa-hia.example"],
  ["例え.テスト", "xn--r8jz45g.xn--zckzah"],
  ["пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"],
  ["παράδειγμα.δοκιμή", "xn--hxajbheg2az3al.xn--jxalpdlp"],
  ["他们为什么不说中文.example", "xn--ihqwcrb4cv8a8dqg056pqjye.example"],
  ["3年b組金八先生.example", "xn--3b-ww4c5e180e575a65lsy2b.example"],
  ["\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com", "xn--mgba3gch31f060k.com"],
  ["𠮷.example", "xn--7l3i.example"],
  ["xn--bcher-kva.example", "xn--bcher-kva.example"],
])("H-MX-13 %s is looked up as %s", (name, ascii) => {
  expect(domainToAscii(name)).toBe(ascii);
});

test.each([
  "ａ.example",
  "a。example",
  "☃.example",
  "a\u00ad.example",
  "-ü.example",
  "ü-.example",
  "xn--ü.example",
  `${"ü".repeat(60)}.example`,
  `${"\u{20000}".repeat(64)}.example`,
  "ü..example",
])("H-MX-13 %s is in no DNS", (name) => {
  expect(domainToAscii(name)).toBeNull();
});

test("H-MX-13 no name, however long, is longer in the DNS than one can be there", () => {
  expect(domainToAscii(`${"ü.".repeat(30)}example`)).toHaveLength(30 * 8 + 7);
  expect(domainToAscii(`${"ü.".repeat(32)}example`)).toBeNull();
});

test("H-MX-13 the form for the DNS is the one that the URL of the host has", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(..."az09üößéàçñабвгдежзлαβγδ例え他们为什么한국어"), {
        minLength: 1,
        maxLength: 20,
      }),
      (letters) => {
        const name = `x${letters.join("")}.example`;
        expect(domainToAscii(name)).toBe(new URL(`http://${name}`).hostname);
      },
    ),
    { numRuns: 1000 },
  );
});

import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { current, page } from "./document.ts";
import { goodRecipients, goodSenders } from "./grammar.ts";
import { known } from "./known.ts";
import { configured, run } from "./ours.ts";

test("DIFFERENCES.md is as the table gives it: `pnpm differential document` writes it", () => {
  expect(readFileSync(page, "utf8")).toBe(current());
});

test("each row of the table names a requirement of the catalogue", () => {
  const folder = new URL("../spec/", import.meta.url);
  const catalogue = readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .map((name) => readFileSync(new URL(name, folder), "utf8"))
    .join("\n");
  const missing = known.filter(({ requirement }) => !catalogue.includes(`| ${requirement} |`));
  expect(missing.map(({ requirement, said }) => `${requirement} ${said}`)).toEqual([]);
});

test("S-ADDR-01 S-MAIL-02 S-MAIL-11 S-RCPT-03 S-RCPT-05 our server takes each address of the grammar that sequences are made of", () => {
  const config = configured([]);
  for (const path of goodSenders) {
    const [, , mail] = run(config, `EHLO client.example.net\r\nMAIL FROM:${path}\r\n`);
    expect([path, mail?.codes]).toEqual([path, [250]]);
  }
  for (const path of goodRecipients) {
    const [, , , rcpt] = run(config, `EHLO client.example.net\r\nMAIL FROM:<>\r\nRCPT TO:${path}\r\n`);
    expect([path, rcpt?.codes]).toEqual([path, [250]]);
  }
});

test("what ends a session, and what follows, is one unit each", () => {
  const units = run(configured(["CHUNKING"]), "EHLO a.example\r\nBDAT x\r\nNOOP\r\n");
  expect(units.map(({ kind, codes, rules, closes, rest }) => [kind, codes, rules, closes, rest])).toEqual([
    ["connect", [220], [], false, ""],
    ["EHLO", [250], [], false, ""],
    ["BDAT", [421], ["S-BDAT-12"], true, "NOOP\r\n"],
  ]);
});

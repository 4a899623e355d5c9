import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { parseGiven } from "../dialogues/sections.ts";
import { parseDialogues } from "./dialogue.ts";
import { Mismatch, play } from "./play.ts";

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const folder = new URL("./", import.meta.url);
const read = (file: string) => readFileSync(new URL(file, folder), "utf8");
const given = parseGiven(read("given.txt"));

for (const file of readdirSync(folder).filter((name) => name.endsWith(".txt") && name !== "given.txt")) {
  describe(file, () => {
    for (const dialogue of parseDialogues(read(file), file, given)) {
      test(dialogue.title, () => play(dialogue));
    }
  });
}

describe("the dialogue format", () => {
  const one = (text: string) => parseDialogues(`== title\n${text}\n`, "here.txt", given)[0]!;

  test("a dialogue that goes as it is written passes in every way", () => {
    play(one("S: 220 mx.example.com\nC: EHLO client.example.net\n* greeting 220"));
  });

  test.each([
    ["another command", "S: 220 mx\nC: HELO client.example.net"],
    ["a command that is not said", "S: 220 mx\nC: EHLO client.example.net\nC: NOOP"],
    ["a command that is not expected", "S: 220 mx"],
    ["an event that does not come", "S: 220 mx\nC: EHLO client.example.net\n* ready"],
    ["another event", "S: 220 mx\nC: EHLO client.example.net\n* greeting 221"],
    ["a close that is not expected", "S: hello"],
    ["a getter", "S: 220 mx\nC: EHLO client.example.net\n% phase=ready"],
  ])("a dialogue fails for %s", (_, text) => {
    expect(() => play(one(text))).toThrow(Mismatch);
  });
});

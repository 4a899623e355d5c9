import { describe, expect, it } from "vitest";
import { sumOf } from "../runtimes/content.ts";
import { Ledger } from "./ledger.ts";

describe("the ledger of a soak notices", () => {
  const content = Buffer.from("Hello\r\n");
  const kept = sumOf([content]);

  it.each([
    ["a message that was accepted and is lost", "2", []],
    ["one that is there twice", "2", [kept, kept]],
    ["one that was changed", "2", [sumOf([Buffer.from("Hell\r\n")])]],
    ["one that was refused and kept", "5", [kept]],
    ["one that was put off and kept", "4", [kept]],
    ["half a message that was kept", "begun", [kept]],
    ["an unknown one that is there twice", "unknown", [kept, kept]],
  ] as const)("%s", (_, state, there) => {
    const ledger = new Ledger();
    ledger.begin(content).state = state;
    expect(ledger.faults(there)).not.toEqual([]);
  });

  it.each([
    ["2", [kept]],
    ["4", []],
    ["5", []],
    ["begun", []],
    ["unknown", []],
    ["unknown", [kept]],
  ] as const)("nothing where %s may be so", (state, there) => {
    const ledger = new Ledger();
    ledger.begin(content).state = state;
    expect(ledger.faults(there)).toEqual([]);
  });
});

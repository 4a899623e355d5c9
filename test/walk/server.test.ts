import * as core from "@sansmtp/core";
import { expect, test } from "vitest";
import { serverProvers } from "./server/walk.ts";

for (const { name, prove } of serverProvers) {
  test(`G2 G3 G5 G7 G9 G10 G11 G13 everything that can be reached keeps the session's word: ${name}`, () => {
    const { states, edges } = prove(core);
    console.log(`${name}: ${states} states, ${edges} edges`);
    expect(states).toBeGreaterThan(500);
  }, 300_000);
}

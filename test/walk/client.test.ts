import * as core from "@sansmtp/core";
import { expect, test } from "vitest";
import { clientProvers } from "./client/walk.ts";

for (const { name, prove } of clientProvers) {
  test(`G2 G7 G9 G10 G13 L-TIME-18 whatever the server says, the client keeps its word: ${name}`, () => {
    const { states, edges } = prove(core);
    console.log(`${name}: ${states} states, ${edges} edges`);
    expect(states).toBeGreaterThan(100);
  }, 300_000);
}

import * as core from "@sansmtp/core";
import { expect, test } from "vitest";
import { type State, transitions } from "../../packages/cli/src/diagram.ts";
import { figureOf } from "../docs/states.ts";
import type { Spot } from "./server/spot.ts";
import { serverWalks, walkServer } from "./server/walk.ts";

/** From which state to which the walks have gone, in one step. */
const gone = new Set<string>();

for (const name of serverWalks) {
  test(`G2 G3 G5 G7 G9 G10 G11 G13 everything that can be reached keeps the session's word: ${name}`, () => {
    const { states, edges } = walkServer(core, name, (from, step, to) => {
      // What is sent ahead, or as a group, goes further in one step.
      const one = !from.halfLine && !step.name.endsWith("all taken");
      if (one && stateOf(from) !== stateOf(to)) gone.add(`${stateOf(from)} ${stateOf(to)}`);
    });
    expect(figureOf("server", name)).toEqual({ states, edges });
  }, 300_000);
}

test("the diagram has every transition that the walks have found, and no other", () => {
  const drawn = transitions().map(({ from, to }) => `${from} ${to}`);
  expect(drawn.sort()).toEqual([...gone].sort());
});

function stateOf({ phase, transaction }: Spot): State {
  if (phase === "closing") throw new Error("a session that has said everything is not closing");
  return phase === "ready" && transaction !== "none" ? transaction : phase;
}

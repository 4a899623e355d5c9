import * as core from "@sansmtp/core";
import { expect, test } from "vitest";
import { figureOf } from "../docs/states.ts";
import { clientWalks, walkClient } from "./client/walk.ts";

for (const name of clientWalks) {
  test(`G2 G7 G9 G10 G13 L-TIME-18 whatever the server says, the client keeps its word: ${name}`, () => {
    const { states, edges } = walkClient(core, name);
    expect(figureOf("client", name)).toEqual({ states, edges });
  }, 300_000);
}

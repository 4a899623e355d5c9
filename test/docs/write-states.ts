/** `pnpm states`: walks both sessions, and writes what the page of the states tells of them, and its picture. */
import { writeFileSync } from "node:fs";
import * as core from "@sansmtp/core";
import { clientWalks, walkClient } from "../walk/client/walk.ts";
import { serverWalks, walkServer } from "../walk/server/walk.ts";
import { current, drawn, type Figures, page, picture } from "./states.ts";

const figures = new Map<string, Figures>();
const sides = [
  ["server", serverWalks, walkServer],
  ["client", clientWalks, walkClient],
] as const;
for (const [side, names, walk] of sides) {
  for (const name of names) {
    const { states, edges } = walk(core, name);
    console.log(`${side}, ${name}: ${states} states, ${edges} edges`);
    figures.set(`${side}: ${name}`, { states, edges });
  }
}
writeFileSync(page, current(figures));
writeFileSync(picture, await drawn());

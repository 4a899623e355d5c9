import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Figures, pageOf, type Recorded } from "./page.ts";

const at = (path: string): string => fileURLToPath(new URL(`../packages/core/${path}`, import.meta.url));
const folder = "performance";
const file = at(`${folder}/figures.json`);

/** What was kept by the last record; nothing if there was none. */
export function kept(): Figures {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Figures) : {};
}

/** Keeps figures in the place of older ones of the same benches, and draws the page. */
export function record(figures: Figures): void {
  mkdirSync(at(folder), { recursive: true });
  writeFileSync(file, JSON.stringify({ ...kept(), ...figures }));
  const biome = fileURLToPath(new URL("../node_modules/.bin/biome", import.meta.url));
  spawnSync(biome, ["format", "--write", file]);
  draw();
}

/** Draws the page from what was kept. */
export function draw(): void {
  const { text, plots } = pageOf(kept(), folder);
  writeFileSync(at("PERFORMANCE.md"), text);
  for (const name of readdirSync(at(folder))) {
    if (name.endsWith(".svg")) rmSync(at(`${folder}/${name}`));
  }
  for (const [name, plot] of plots) writeFileSync(at(`${folder}/${name}`), plot);
}

/** Four digits that count are more than are right. */
export function rounded(recorded: Recorded): Recorded {
  return {
    ...recorded,
    rows: recorded.rows.map((row) => ({
      ...row,
      samples: row.samples.map((sample) => Number(sample.toPrecision(4))),
    })),
  };
}

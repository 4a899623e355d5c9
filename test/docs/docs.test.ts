import { readFileSync } from "node:fs";
import { registry } from "@sansmtp/core";
import { expect, test } from "vitest";
import { current, page } from "./matrix.ts";
import * as states from "./states.ts";

test("the matrix of extensions is the one that the registry gives: pnpm matrix writes it", () => {
  const text = readFileSync(page, "utf8");
  expect(text).toBe(current());
  for (const { keyword } of registry) expect(text).toContain(`| ${keyword} |`);
});

test("the page of the states is the one that the table gives: pnpm states writes it", () => {
  const text = readFileSync(states.page, "utf8");
  expect(text).toBe(states.current());
  expect(text).toContain("recipients --> data: DATA");
  expect(text).toContain("| DATA | 503 | 503 | 503 | → data | 503 | 503 |");
});

test("the picture of the states is the one that the table gives: pnpm states writes it", async () => {
  expect(readFileSync(states.picture, "utf8")).toBe(await states.drawn());
});

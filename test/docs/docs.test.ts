import { readFileSync } from "node:fs";
import { registry } from "@sansmtp/core";
import { expect, test } from "vitest";
import { current, page } from "./matrix.ts";

test("the matrix of extensions is the one that the registry gives: pnpm matrix writes it", () => {
  const text = readFileSync(page, "utf8");
  expect(text).toBe(current());
  for (const { keyword } of registry) expect(text).toContain(`| ${keyword} |`);
});

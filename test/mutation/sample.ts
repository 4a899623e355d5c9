import { createHash } from "node:crypto";
import type { Mutant } from "./mutants.ts";

/**
 * From 0 to below 1, by chance: a sample of a fifth is those below 0.2. It depends on what a mutant is, not on where it
 * stands, so that a sample stays the same when other lines change.
 */
export function drawOf({ file, column, mutator, original, replacement }: Mutant, seed: string): number {
  const what = [seed, file, column, mutator, original, replacement].join("\0");
  return createHash("sha256").update(what).digest().readUInt32BE(0) / 2 ** 32;
}

import { createHash } from "node:crypto";
import type { Mutant } from "./mutants.ts";

/** Whether a mutant belongs to a sample: by what it is, so that it stays in it when other lines change. */
export function inSample(
  { file, column, mutator, original, replacement }: Mutant,
  percent: number,
  seed: string,
): boolean {
  if (percent >= 100) return true;
  const digest = createHash("sha256")
    .update([seed, file, column, mutator, original, replacement].join("\0"))
    .digest();
  return digest.readUInt32BE(0) / 2 ** 32 < percent / 100;
}

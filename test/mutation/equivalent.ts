import type { Named } from "./record.ts";

/** Mutants that nobody could tell from the core, and why. The longer the text, the fewer it may name by mistake. */
interface Equivalent {
  readonly file: string;
  /** The source that is changed, or a part of it. */
  readonly original: string;
  readonly replacement: string;
  readonly reason: string;
}

const equivalents: readonly Equivalent[] = [];

/** Why a mutant is equivalent; null: it is not known to be. */
export function reasonFor({ file, original, replacement }: Named): string | null {
  const found = equivalents.find(
    (each) => each.file === file && each.original === original && each.replacement === replacement,
  );
  return found?.reason ?? null;
}

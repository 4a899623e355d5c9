/**
 * Mutants of a file that nobody could tell from the core, and why: what is changed, or a part of it, and what stands
 * there instead. The longer the source, the fewer are named by mistake.
 */
export type Rows = readonly (readonly [
  file: string,
  reason: string,
  mutants: readonly (readonly [original: string, replacement: string])[],
])[];

/** The same source with several things in its place. */
export function each(original: string, ...replacements: readonly string[]): [string, string][] {
  return replacements.map((replacement) => [original, replacement]);
}

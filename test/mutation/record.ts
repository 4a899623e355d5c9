import type { Mutant } from "./mutants.ts";
export interface Result {
  readonly verdict: "killed" | "timeout" | "survived" | "uncovered";
  readonly by: string | null;
  readonly cut?: boolean;
}
export function record(
  _root: string,
  mutants: readonly Mutant[],
  known: (mutant: Mutant) => Result | null,
): void {
  const dirs = new Map<string, Record<string, number>>();
  for (const m of mutants) {
    const d = m.file.includes("/") ? m.file.split("/")[0]! : ".";
    const r = known(m);
    const c = dirs.get(d) ?? {};
    dirs.set(d, c);
    const v = r?.verdict ?? "untried";
    c[v] = (c[v] ?? 0) + 1;
  }
  for (const [d, c] of dirs) {
    const t = (c.killed ?? 0) + (c.timeout ?? 0) + (c.survived ?? 0) + (c.uncovered ?? 0);
    console.log(d, c, ((100 * ((c.killed ?? 0) + (c.timeout ?? 0))) / t).toFixed(1));
  }
}

import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const root: string = fileURLToPath(new URL("../../", import.meta.url));

/** Where what is known of mutants is kept. */
export const folder: string = join(root, "node_modules/.cache/sansmtp-mutants");

/** Where a process says which mutant it tries. */
export function inHandOf(pid: number): string {
  return join(folder, `in-hand-${pid}`);
}

import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { RuntimeName } from "./packages.ts";

const folder = (name: string) => dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));

/**
 * The programs themselves, as their npm packages put them in place: the commands in .bin are wrappers, which no signal
 * gets through.
 */
export const programs: Readonly<Record<RuntimeName, string>> = {
  node: process.execPath,
  deno: join(folder("deno"), process.platform === "win32" ? "deno.exe" : "deno"),
  bun: join(folder("bun"), "bin", "bun.exe"),
};

/**
 * The environment for installers and for Deno, which runs packages from its cache: what they keep by name and version
 * may be of an earlier build, so it is kept in this folder instead.
 */
export function caches(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, DENO_DIR: join(folder, ".deno"), BUN_INSTALL_CACHE_DIR: join(folder, ".bun") };
}

import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The starters of runtimes that cannot run TypeScript. */
export const bundledStarters: readonly string[] = ["node"];

/** What is in the package for this system, or where the installation has moved it to from there. */
export function bunProgram(): string | null {
  return (
    installed("bun", `@oven/bun-${process.platform}-${process.arch}`, "bin/bun") ??
    installed("bun", "bin/bun.exe")
  );
}

/** What is in the package for this system; the `deno` of npm is a wrapper around it. */
export function denoProgram(): string | null {
  const { platform, arch } = process;
  const system = { linux: "linux", darwin: "darwin", win32: "win32" }[platform as string];
  const name = `@deno/${system}-${arch}${system === "linux" ? "-glibc" : ""}`;
  return installed("deno", name, system === "win32" ? "deno.exe" : "deno");
}

/** A file in a package that came with a runtime, seen from the packages on the way. */
export function installed(...way: readonly string[]): string | null {
  let from = import.meta.url;
  const file = way.at(-1)!;
  try {
    for (const name of way.slice(0, -1)) from = createRequire(from).resolve(`${name}/package.json`);
  } catch {
    return null;
  }
  const found = join(dirname(fileURLToPath(new URL(from, "file:"))), file);
  return existsSync(found) ? found : null;
}

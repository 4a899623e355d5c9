import { readFileSync } from "node:fs";
import { join } from "node:path";
import { transformSync } from "esbuild";
import type { Manifest } from "./packages.ts";

/** An example of a package's README. */
export interface Example {
  /** TypeScript. */
  readonly code: string;
  /** What it prints; null for a server on port 2525 that takes mail for bob@example.com, and goes on. */
  readonly output: string | null;
}

/** A comment in front of an example says that it is run, and where. */
const marked = /<!-- run by test\/([^>]*)-->\s+```ts\n(.*?)```(?:\s+```text\n(.*?)```)?/gs;

/** The examples of a package's README that are run. */
export function examples(path: string): Example[] {
  return Array.from(readme(path).matchAll(marked), ([, mark = "", code = "", output]) => ({
    code,
    output: mark.includes("a server") ? null : (output ?? ""),
  }));
}

/**
 * What a user of a package installs: the names in its README's line `npm install ...`, or it alone; and what it wants
 * to have beside it.
 */
export function installed(path: string, manifest: Manifest): string[] {
  const line = /^npm install (?:--save-dev )?(.+)$/m.exec(readme(path));
  const names = line?.[1]?.split(" ") ?? [manifest.name];
  return [...names, ...Object.keys(manifest.peerDependencies ?? {})];
}

/** The same example as a CommonJS script; what a module awaits at its top is inside a function there. */
export function commonJs(code: string): string {
  const { code: script } = transformSync(code, { loader: "ts", target: "es2022" });
  const required = script.replace(
    /^import (\{[^}]*\}) from ("[^"]*");$/gm,
    (_, names: string, from: string) => `const ${names.replaceAll(" as ", ": ")} = require(${from});`,
  );
  return `(async () => {\n${required}})();\n`;
}

/** The same example as JavaScript. */
export function esModule(code: string): string {
  return transformSync(code, { loader: "ts", target: "es2022" }).code;
}

function readme(path: string): string {
  return readFileSync(join(path, "README.md"), "utf8");
}

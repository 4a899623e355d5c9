// Runs the tests that need no Node host inside Deno or Bun: tsx test/runtimes/inside.ts deno [what is given to vitest]
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { bunProgram, denoProgram } from "./programs.ts";

/** The folders of these tests. */
const portable = ["core", "sasl", "drive", "testing", "relay", "properties", "dialogues", "client-dialogues"];

/**
 * Those that walk through all there is, and take as long as the others together, or that measure time, for which two
 * runtimes at once are no place: they say little of a runtime.
 */
const long = [
  "core/session-walk",
  "core/session-data",
  "core/session-lines",
  "core/stuff",
  "core/syntax-octets",
  "properties/dots",
  "testing/cuts",
  "testing/agreement",
];

/** What is run in CI: all of these files but the long ones, as filters of vitest. */
export function brief(): string[] {
  const files = portable.flatMap((folder) =>
    readdirSync(new URL(`../${folder}/`, import.meta.url))
      .filter((file) => file.endsWith(".test.ts"))
      .map((file) => `${folder}/${file}`),
  );
  return files
    .filter((file) => !long.some((name) => file.startsWith(`${name}.`)))
    .map((file) => `test/${file}`);
}

/** How vitest is started there; null: it is not installed. */
export const starts: Readonly<Record<string, readonly string[] | null>> = {
  deno: start(denoProgram(), ["run", "--allow-all", "--node-modules-dir=manual", "npm:vitest"]),
  bun: start(bunProgram(), [
    "--bun",
    fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url)),
  ]),
};

function start(program: string | null, given: readonly string[]): readonly string[] | null {
  return program === null ? null : [program, ...given, "run", "--root", "test", "--project", "fast"];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [name = "", ...given] = process.argv.slice(2);
  const command = starts[name];
  if (!command) throw new Error(`${name || "no runtime"}: not one that is installed here`);
  const filters = given.length > 0 ? given : portable.map((folder) => `test/${folder}/`);
  const { status } = spawnSync(command[0]!, [...command.slice(1), ...filters], { stdio: "inherit" });
  process.exit(status ?? 1);
}

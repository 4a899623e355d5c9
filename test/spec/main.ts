/**
 * `pnpm spec [--unproven]`: which requirements the tests prove. Exits with 1 when a test names an id that the
 * catalogue does not have, or, once the scope is enforced, when a requirement of the scope has no test,
 * or when too small a share of a level has one.
 */
import { readdirSync, readFileSync } from "node:fs";
import { createVitest } from "vitest/node";
import { cover, isShort, parseRequirements, type Scope, showShare, table } from "./coverage.ts";

const folder = new URL(".", import.meta.url);
const read = (name: string): string => readFileSync(new URL(name, folder), "utf8");

const requirements = readdirSync(folder)
  .filter((name) => /^\d\d-.*\.md$/.test(name))
  .sort()
  .flatMap((name) => parseRequirements(name, read(name)));
const scope: Scope = JSON.parse(read("scope.json"));
const { tests, errors } = await collect();
const coverage = cover(requirements, tests, scope);
const { missing, shares, outside } = coverage;
const faults = [...errors, ...coverage.faults];
const short = shares.filter(isShort);
const failed = faults.length > 0 || (scope.enforce && missing.length + short.length > 0);

console.log(`${table(coverage)}\n`);
for (const [id, reason] of Object.entries(scope.exceptions)) console.log(`except ${id}: ${reason}`);
if (outside.length > 0) console.log(`not in scope: ${outside.join(" ")}`);
console.log();
for (const share of shares) console.log(`${isShort(share) ? "✗ " : ""}${showShare(share)}`);
for (const fault of faults) console.error(`✗ ${fault}`);
if (missing.length === 0) {
  console.log("Every requirement in scope has a test, or is excepted.");
} else {
  if (scope.enforce || process.argv.includes("--unproven")) {
    for (const { id, level, side, text } of missing) console.log(`${id}  ${level}, ${side}: ${text}`);
  }
  console.log(`${missing.length} requirements in scope have no test yet: pnpm spec --unproven lists them.`);
}
process.exit(failed ? 1 : 0);

/** The full name of every test that would run, `it.each` expanded; of the files that can be read at all. */
async function collect(): Promise<{ tests: string[]; errors: string[] }> {
  const vitest = await createVitest("test", { root: "test", watch: false });
  const { testModules, unhandledErrors } = await vitest.collect();
  const tests = testModules
    .flatMap((module) => [...module.children.allTests()])
    .filter((test) => test.result().state !== "skipped")
    .map((test) => test.fullName);
  const errors = testModules.flatMap((module) =>
    module.errors().map(({ message }) => `${module.relativeModuleId}: ${message}`),
  );
  await vitest.close();
  return { tests, errors: [...errors, ...unhandledErrors.map(String)] };
}

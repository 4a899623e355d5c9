import { createHash } from "node:crypto";
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bundle } from "./bundle.ts";
import { reasonFor } from "./equivalent.ts";
import { folder, inHandOf, root } from "./folder.ts";
import { type Mutant, mutate } from "./mutants.ts";
import { makeRecord, pageFile, pageOf, type Result, recordFile, sumOf, wholeOf } from "./record.ts";
import { drawOf } from "./sample.ts";
import { Trials } from "./trials.ts";

const journal = join(folder, "journal.jsonl");
const inHand = inHandOf(process.pid);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    sample: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
    again: { type: "boolean", default: false },
    tests: { type: "string", multiple: true, default: [] },
    record: { type: "boolean", default: false },
  },
});

const { sources, mutants } = await mutate(root);
const content = new Map<string, string>();
for (const { file } of mutants) {
  if (content.has(file)) continue;
  const octets = readFileSync(join(root, "packages/core/src", file));
  content.set(file, createHash("sha256").update(octets).digest("hex").slice(0, 16));
}
/** The same mutant of the same file, whatever its id. */
const keyOf = ({ file, line, column, mutator, original, replacement }: Mutant) =>
  createHash("sha256")
    .update([file, content.get(file), line, column, mutator, original, replacement].join("\0"))
    .digest("hex")
    .slice(0, 20);

mkdirSync(folder, { recursive: true });
const known = new Map<string, Result>();
for (const row of existsSync(journal) ? readFileSync(journal, "utf8").split("\n") : []) {
  if (row === "") continue;
  const { key, ...result } = JSON.parse(row) as Result & { key: string };
  known.set(key, result);
}
if (values.record) {
  const made = makeRecord(mutants, (mutant) => known.get(keyOf(mutant)) ?? null);
  writeFileSync(join(root, recordFile), `${JSON.stringify(made, null, 1)}\n`);
  writeFileSync(join(root, pageFile), pageOf(made));
  const all = sumOf(Object.values(made.files));
  const { score, margin } = wholeOf(made);
  console.log(
    `${all.caught} of ${all.tried} caught, of ${all.mutants}: ${score.toFixed(1)} ± ${margin.toFixed(1)} %`,
  );
  process.exit(0);
}

const isWanted = (mutant: Mutant) => {
  const result = known.get(keyOf(mutant));
  const open =
    (result === undefined && values.tests.length === 0) ||
    (result !== undefined &&
      values.again &&
      reasonFor(mutant) === null &&
      (result.verdict === "survived" || result.verdict === "uncovered"));
  return open && (positionals.length === 0 || positionals.some((path) => mutant.file.startsWith(path)));
};
/** Survivors that are tried again come first. */
const orderOf = (mutant: Mutant) => drawOf(mutant, values.seed) + (known.has(keyOf(mutant)) ? 0 : 1);
const wanted = mutants
  .filter((mutant) => isWanted(mutant) && drawOf(mutant, values.seed) < Number(values.sample) / 100)
  // In an order by chance, so that what is known when it is ended early is a sample, too.
  .sort((one, other) => orderOf(one) - orderOf(other));
if (wanted.length === 0) process.exit(0);
console.log(`${wanted.length} of ${mutants.length} mutants`);
const trials = new Trials(root, await bundle(root, sources, values.tests), mutants);
trials.learn();
console.log(
  `${trials.size} tests; left out: ${trials.leftOut.slow.length} that take long, ${trials.leftOut.failing.length + trials.leftOut.async.length} others`,
);
const write = (mutant: Mutant, result: Result) =>
  appendFileSync(journal, `${JSON.stringify({ key: keyOf(mutant), ...result })}\n`);
const count = { killed: 0, timeout: 0, survived: 0, uncovered: 0 };
for (const [at, mutant] of wanted.entries()) {
  const before = values.tests.length > 0 ? known.get(keyOf(mutant)) : undefined;
  // Should this be the last that is heard of it.
  writeFileSync(inHand, keyOf(mutant));
  const { verdict, by, cut, isStatic } = trials.try(mutant, { trial: 2000 });
  // That some tests do not notice it says nothing of the others: then it is what it was.
  const isFound = verdict === "killed" || verdict === "timeout";
  write(mutant, isFound || before === undefined ? { verdict, by, cut, isStatic } : before);
  count[verdict]++;
  if (verdict === "survived" || verdict === "uncovered") {
    const { file, line, mutator, original, replacement } = mutant;
    const one = (text: string) => text.replaceAll(/\s+/g, " ").slice(0, 70);
    console.log(
      `${verdict}${cut ? " (cut)" : ""} ${file}:${line} ${mutator}: ${one(original)} -> ${one(replacement)}`,
    );
  }
  if (at % 200 === 199) {
    const { user, system } = process.cpuUsage();
    console.log(`# ${at + 1}: ${JSON.stringify(count)}, ${Math.round((user + system) / 1e6)} s`);
  }
}
const { user, system } = process.cpuUsage();
console.log(`# ${wanted.length}: ${JSON.stringify(count)}, ${Math.round((user + system) / 1e6)} s of CPU`);

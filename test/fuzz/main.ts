/**
 * Fuzzes core and sasl, from the corpus that is kept:
 *
 *     pnpm fuzz [target...] [--minutes N] [--executions N] [--seed N]    each target in turn, a minute of processor time by default
 *     pnpm fuzz keep [target...]        what was reached goes, made small, to the corpus in the repository
 *     pnpm fuzz record                  adds the figures of all runs since the last time to README.md
 *     pnpm fuzz show TARGET BASE64 [repeat AT LENGTH to SIZE]        what an input finds, a part of it repeated or not
 *
 * Inputs, findings and figures of all runs are in node_modules/.cache/sansmtp-fuzz.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { bundle, cache } from "./bundle.ts";
import { corpusFile, type Kept, readCorpus, writeCorpus } from "./corpus.ts";
import type { Found } from "./engine.ts";
import { run } from "./job.ts";
import { added, type Figures, none, record } from "./record.ts";
import { names } from "./targets/names.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "1" },
    seed: { type: "string" },
    executions: { type: "string", default: "Infinity" },
  },
});
const [first, ...rest] = positionals;
mkdirSync(cache, { recursive: true });
if (first === "keep") await keep(rest.length > 0 ? rest : names);
else if (first === "record") recordAll();
else if (first === "show") await show(rest[0] ?? "", rest[1] ?? "", rest.slice(2).join(" "));
else {
  for (const target of positionals.length > 0 ? positionals : names) await fuzz(target);
}

async function fuzz(target: string): Promise<void> {
  if (!names.includes(target)) throw new Error(`no target ${target}: there are ${names.join(" ")}`);
  const made = await bundle(`worker-${process.pid}`);
  const seed = Number(values.seed ?? Date.now() % 1_000_000);
  const queue = `${cache}${target}.txt`;
  let inputs = [...readCorpus(corpusFile(target)), ...readCorpus(queue)];
  let left = Number(values.minutes) * 60_000;
  let executions = 0;
  const begun = performance.now();
  const cpu = process.cpuUsage();
  let found = 0;
  while (left > 0 && executions < Number(values.executions)) {
    const started = performance.now();
    const before = process.cpuUsage();
    let told = started;
    const result = await run(
      made,
      {
        target,
        seed: seed + executions,
        inputs,
        fuzz: true,
        milliseconds: left,
        executions: Number(values.executions) - executions,
      },
      {
        found: (finding) => {
          found++;
          tell(target, finding);
        },
        kept: (input) => appendFileSync(queue, `${Buffer.from(input).toString("base64")}\n`),
        told: ({ executions, reached, features, kept }) => {
          if (performance.now() < told + 60_000) return;
          told = performance.now();
          const rate = Math.round(executions / ((told - started) / 1000));
          console.log(
            `${target}: ${executions} executions, ${rate}/s, ${reached} branches, ${features} features, ${kept} kept`,
          );
        },
      },
    );
    const { ended, corpus, hung } = result;
    executions += ended.executions;
    left -= milliseconds(process.cpuUsage(before));
    const { slowest } = ended;
    console.log(
      `${target}: ${executions} executions in ${Math.round((performance.now() - begun) / 1000)} s (${Math.round(milliseconds(process.cpuUsage(cpu)) / 1000)} s of CPU), ` +
        `${ended.reached} branches, ${ended.features} features, ${ended.measured} costs measured, ${found} findings, ` +
        `slowest ${slowest.span.toFixed(0)} ms ${slowest.span > 500 ? Buffer.from(slowest.input).toString("base64") : ""}`,
    );
    if (hung === null) {
      writeCorpus(
        queue,
        corpus.map((input) => ({ input, reason: "" })),
      );
      const { features, measured, reached: branches } = ended;
      sum(target, { features, measured, branches });
      break;
    }
    const bad = Buffer.from(hung).toString("latin1");
    inputs = inputs.filter(({ input }) => Buffer.from(input).toString("latin1") !== bad);
  }
  rmSync(made.path);
  sum(target, {
    executions,
    findings: found,
    cpuSeconds: milliseconds(process.cpuUsage(cpu)) / 1000,
    seconds: (performance.now() - begun) / 1000,
  });
}

function milliseconds({ user, system }: NodeJS.CpuUsage): number {
  return (user + system) / 1000;
}

/** Adds to the figures of a target. */
function sum(target: string, more: Partial<Figures>): void {
  writeFileSync(figuresOf(target), `${JSON.stringify(added(figures(target) ?? none, more), null, 1)}\n`);
}

function recordAll(): void {
  for (const target of names) {
    const run = figures(target);
    if (run === null) continue;
    record(target, run);
    rmSync(figuresOf(target));
  }
}

function figuresOf(target: string): string {
  return `${cache}${target}.json`;
}

/** Of what was run and is not recorded; null: nothing was. */
function figures(target: string): Figures | null {
  const path = figuresOf(target);
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : null;
}

function tell(target: string, { kind, message, input, execution }: Found): void {
  const text = Buffer.from(input).toString("base64");
  console.log(
    `\n${target}: FOUND at execution ${execution}: ${kind}\n${message}\npnpm fuzz show ${target} ${text}\n`,
  );
  appendFileSync(
    `${cache}findings.txt`,
    `${JSON.stringify({ target, kind, execution, message, input: text })}\n`,
  );
}

async function show(target: string, text: string, reason: string): Promise<void> {
  const inputs = [{ input: new Uint8Array(Buffer.from(text, "base64")), reason }];
  const { ended } = await run(
    await bundle(),
    { target, seed: 1, inputs, fuzz: false, milliseconds: 0 },
    { found: (found) => console.log(`${found.kind}\n${found.message}`) },
  );
  console.log(`${ended.executions} executions, the slowest of ${ended.slowest.span.toFixed(0)} ms`);
}

/** The smallest inputs that reach together what all do, and those that have a reason. */
async function keep(targets: readonly string[]): Promise<void> {
  const made = await bundle();
  for (const target of targets) {
    const path = corpusFile(target);
    const before = readCorpus(path);
    const all = [...before, ...readCorpus(`${cache}${target}.txt`)].map(({ input }) => ({
      input,
      reason: "",
    }));
    const inputs = all.sort((a, b) => a.input.length - b.input.length || Buffer.compare(a.input, b.input));
    const { ended, corpus } = await run(
      made,
      { target, seed: 1, inputs, fuzz: false, coarse: true, milliseconds: 0 },
      { found: (found) => tell(target, found) },
    );
    const pinned = before.filter(({ reason }) => reason !== "");
    const known = new Set(pinned.map(({ input }) => Buffer.from(input).toString("base64")));
    const others: Kept[] = corpus
      .filter((input) => !known.has(Buffer.from(input).toString("base64")))
      .map((input) => ({ input, reason: "" }));
    writeCorpus(path, [...pinned, ...others]);
    console.log(
      `${target}: ${all.length} inputs, ${others.length + pinned.length} kept, ${ended.reached} branches, ${ended.features} features`,
    );
  }
}

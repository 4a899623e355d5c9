/** What became of the mutants: a record, the page that is made of it, and a sample of it that CI tries again. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { reasonFor } from "./equivalent.ts";
import type { Mutant } from "./mutants.ts";
import { drawOf } from "./sample.ts";

export interface Result {
  readonly verdict: "killed" | "timeout" | "survived" | "uncovered";
  /** The test that noticed. */
  readonly by: string | null;
  /** It was given up before every test that comes by it was run. */
  readonly cut?: boolean;
  /** It acts while modules are loaded. */
  readonly isStatic?: boolean;
}

/** A mutant without its place, which changes with every line above it. */
export interface Named {
  readonly file: string;
  readonly line: number;
  readonly mutator: string;
  readonly original: string;
  readonly replacement: string;
}

export interface Figures {
  readonly mutants: number;
  readonly tried: number;
  readonly caught: number;
  /** Of those that survived, how many change nothing that anybody could notice. */
  readonly equivalent: number;
}

export interface Recorded {
  readonly files: Readonly<Record<string, Figures>>;
  readonly survivors: readonly Named[];
  /** Some of those that were caught, and the test that did it. */
  readonly caught: readonly (Named & { readonly column: number; readonly by: string })[];
}

export const recordFile = "test/mutation/record.json";
export const pageFile = "packages/core/MUTANTS.md";

export function readRecord(root: string): Recorded {
  return JSON.parse(readFileSync(join(root, recordFile), "utf8"));
}

/** How many of the mutants that were caught CI tries again. */
const again = 250;

export function makeRecord(mutants: readonly Mutant[], known: (mutant: Mutant) => Result | null): Recorded {
  const files: Record<string, { -readonly [Key in keyof Figures]: number }> = {};
  const survivors: Named[] = [];
  const caught: (Recorded["caught"][number] & { readonly draw: number })[] = [];
  for (const mutant of mutants) {
    const figures = (files[mutant.file] ??= { mutants: 0, tried: 0, caught: 0, equivalent: 0 });
    figures.mutants++;
    const result = known(mutant);
    if (result === null) continue;
    const { id: _, column, ...named } = mutant;
    figures.tried++;
    if (result.verdict === "killed" || result.verdict === "timeout") {
      figures.caught++;
      if (result.verdict === "killed" && result.by !== null && result.isStatic !== true)
        caught.push({ ...named, column, by: result.by, draw: drawOf(mutant, "again") });
    } else {
      survivors.push(named);
      if (reasonFor(named) !== null) figures.equivalent++;
    }
  }
  const some = caught.sort((one, other) => one.draw - other.draw).slice(0, again);
  return { files, survivors, caught: some.map(({ draw: _, ...each }) => each) };
}

/** Caught of those that could be, in per cent. */
export function scoreOf({ tried, caught, equivalent }: Figures): number {
  return tried === equivalent ? 100 : (100 * caught) / (tried - equivalent);
}

export function sumOf(all: readonly Figures[]): Figures {
  const sum = { mutants: 0, tried: 0, caught: 0, equivalent: 0 };
  for (const each of all) for (const key of Object.keys(sum) as (keyof Figures)[]) sum[key] += each[key];
  return sum;
}

/** By how much the score of a sample may be off, in per cent, in 19 of 20 cases (Wald, with a finite population). */
export function marginOf(figures: Figures): number {
  const { mutants, tried, equivalent } = figures;
  if (tried === 0) return 100;
  const share = scoreOf(figures) / 100;
  const left = mutants <= 1 ? 0 : (mutants - tried) / (mutants - 1);
  return 196 * Math.sqrt(((share * (1 - share)) / Math.max(1, tried - equivalent)) * left);
}

export function pageOf({ files, survivors }: Recorded): string {
  const folderOf = (file: string) => (file.includes("/") ? (file.split("/")[0] as string) : "(top)");
  const names = Object.keys(files).sort();
  const folders = [...new Set(names.map(folderOf))].sort();
  const within = (folder: string) =>
    names.filter((name) => folderOf(name) === folder).map((name) => files[name] as Figures);
  const all = sumOf(Object.values(files));
  const row = (name: string, figures: Figures) => {
    const { mutants, tried, caught, equivalent } = figures;
    const margin = marginOf(figures);
    const score =
      tried === 0 ? "" : `${scoreOf(figures).toFixed(1)}${margin < 0.05 ? "" : ` ± ${margin.toFixed(1)}`}`;
    return `| ${name} | ${mutants} | ${tried} | ${caught} | ${tried - caught - equivalent} | ${equivalent} | ${score} |`;
  };
  const head = [
    "| | mutants | tried | caught | survived | equivalent | score, % |",
    "|---|--:|--:|--:|--:|--:|--:|",
  ];
  const open = survivors.filter((one) => reasonFor(one) === null);
  const equivalent = survivors.filter((one) => reasonFor(one) !== null);
  const show = ({ file, line, original, replacement }: Named) =>
    `- ${file}:${line} ${code(original)} → ${code(replacement)}`;
  return [
    "# Mutants of the core",
    "",
    "<!-- Written by `npx -y pnpm@10 mutation --record`; a test compares it with test/mutation/record.json. -->",
    "",
    "A mutant is the core with one small change: a condition turned, a comparison shifted, a block emptied. A test has to",
    "notice it. How they are made and tried, and what that does not tell, is said in [test/mutation](../../test/mutation/README.md).",
    `Tried were ${all.tried} of ${all.mutants}, chosen by chance where not all of them; the score is what was caught of those that`,
    "could be, and behind ± stands by how much that of a sample may be off, in 19 of 20 cases.",
    "",
    ...head,
    ...folders.map((folder) => row(folder, sumOf(within(folder)))),
    row("**all**", all),
    "",
    "## Each file",
    "",
    ...head,
    ...names.map((name) => row(name, files[name] as Figures)),
    "",
    "## Equivalent",
    "",
    "These survive, and nobody could tell them from the core.",
    "",
    ...equivalent.map((one) => `${show(one)}: ${reasonFor(one)}`),
    "",
    "## Survivors",
    "",
    "These survive, and a test could be written, or the line is not worth one.",
    "",
    ...open.map(show),
    "",
  ].join("\n");
}

function code(text: string): string {
  const line = text.replaceAll(/\s+/g, " ").trim();
  const short = line.length > 70 ? `${line.slice(0, 67)}...` : line;
  const fence = short.includes("`") ? "``" : "`";
  return short === "" ? "nothing" : `${fence}${fence === "``" ? ` ${short} ` : short}${fence}`;
}

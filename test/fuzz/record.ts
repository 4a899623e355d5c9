import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { names } from "./targets/names.ts";

// What all runs of the fuzzer have come to, in the repository: runs.json, and the table of README.md that is made of it.

/** What the runs of a target come to. */
export interface Figures {
  readonly executions: number;
  /** Processor time of the whole process. */
  readonly cpuSeconds: number;
  readonly seconds: number;
  /** The most that one run has reached. */
  readonly branches: number;
  readonly features: number;
  /** Inputs that were repeated in themselves, to see how their cost grows. */
  readonly measured: number;
  readonly findings: number;
}

export type Runs = Readonly<Record<string, Figures>>;

const runsFile = new URL("runs.json", import.meta.url);
export const page: URL = new URL("README.md", import.meta.url);

export const none: Figures = {
  executions: 0,
  cpuSeconds: 0,
  seconds: 0,
  branches: 0,
  features: 0,
  measured: 0,
  findings: 0,
};

export function added(before: Figures, more: Partial<Figures>): Figures {
  const sum = (name: keyof Figures) => Math.round(before[name] + (more[name] ?? 0));
  return {
    executions: sum("executions"),
    cpuSeconds: sum("cpuSeconds"),
    seconds: sum("seconds"),
    branches: Math.max(before.branches, more.branches ?? 0),
    features: Math.max(before.features, more.features ?? 0),
    measured: sum("measured"),
    findings: sum("findings"),
  };
}

export function readRuns(): Runs {
  return existsSync(runsFile) ? JSON.parse(readFileSync(runsFile, "utf8")) : {};
}

/** Adds what a target has come to, and writes the page anew. */
export function record(target: string, more: Figures): void {
  const runs = readRuns();
  const all = Object.fromEntries(
    names.map((name) => [name, name === target ? added(runs[name] ?? none, more) : (runs[name] ?? none)]),
  );
  writeFileSync(runsFile, `${JSON.stringify(all, null, 2)}\n`);
  writeFileSync(page, withTable(readFileSync(page, "utf8"), all));
}

/** The page with the table as the runs have it. */
export function withTable(text: string, runs: Runs): string {
  const rows = names.map((name) => {
    const { executions, cpuSeconds, branches, features, measured } = runs[name] ?? none;
    const figures = [minutes(cpuSeconds), ...[executions, branches, features, measured].map(number)];
    return `| \`${name}\` | ${figures.join(" | ")} |`;
  });
  const table = [
    "| target | minutes of processor time | executions | branches | features | costs measured |",
    "|---|--:|--:|--:|--:|--:|",
    ...rows,
  ].join("\n");
  return text.replace(/^\| target [\s\S]*?\n(?=\n|$)/m, () => `${table}\n`);
}

function minutes(seconds: number): string {
  return (seconds / 60).toFixed(0);
}

function number(value: number): string {
  return value.toLocaleString("en-US");
}

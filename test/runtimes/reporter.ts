import type { Reporter, TestCase, TestModule } from "vitest/node";
import { cell, type Row, table } from "./rows.ts";
import { runtimes } from "./runtimes.ts";

/** Prints, when the suite has run, which runtime can do what: the tests carry the row in their titles. */
export default class implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const seen = new Map<string, TestCase[]>();
    for (const module of modules.filter(({ project }) => project.name === "runtimes")) {
      for (const test of module.children.allTests()) {
        const row = /^\[(\w+)\]/.exec(test.name)?.[1];
        const key = `${row} ${test.parent.type === "suite" ? test.parent.name : ""}`;
        seen.set(key, [...(seen.get(key) ?? []), test]);
      }
    }
    const shown = runtimes.filter(({ name }) => [...seen.keys()].some((key) => key.endsWith(` ${name}`)));
    if (shown.length === 0) return;
    const show = (row: Row, runtime: (typeof runtimes)[number]): string => {
      const states = (seen.get(`${row} ${runtime.name}`) ?? []).map((test) => test.result().state);
      if (states.includes("failed")) return "FAILED";
      if (!states.includes("passed")) return "-";
      return cell(row, runtime);
    };
    console.log(`\n${table(shown, show)}`);
  }
}

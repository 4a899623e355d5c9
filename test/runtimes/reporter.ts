import type { Reporter, TestCase, TestModule } from "vitest/node";
import { type Row, table } from "./rows.ts";

/** What a test proves, told by the test itself. */
export interface Proof {
  readonly runtime: string;
  readonly row: Row;
  /** What is in the table if it passes. */
  readonly cell: string;
}

declare module "vitest" {
  interface TaskMeta {
    proof?: Proof;
  }
}

/** Prints, when the suite has run, which runtime can do what. */
export default class implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const proven = modules
      .filter(({ project }) => project.name === "runtimes")
      .flatMap((module) => [...module.children.allTests()])
      .flatMap((test) => proofOf(test));
    const names = [...new Set(proven.map(({ runtime }) => runtime))];
    if (names.length === 0) return;
    const show = (row: Row, name: string): string => {
      const cells = proven.filter((each) => each.row === row && each.runtime === name);
      if (cells.some(({ state }) => state === "failed")) return "FAILED";
      return cells.find(({ state }) => state === "passed")?.cell ?? "-";
    };
    console.log(`\n${table(names, show)}`);
  }
}

function proofOf(test: TestCase): (Proof & { readonly state: string })[] {
  const { proof } = test.meta();
  return proof === undefined ? [] : [{ ...proof, state: test.result().state }];
}

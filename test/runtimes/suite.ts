import { afterAll, beforeAll, describe, expect, inject, it, onTestFailed, type TestContext } from "vitest";
import type {} from "./reporter.ts";
import { cell, type Row } from "./rows.ts";
import { Running } from "./running.ts";
import { missing, type Runtime, runtimes } from "./runtimes.ts";

/** Some of the suite, to be run in each runtime. */
export interface Suite {
  readonly runtime: Runtime;
  /** A test, with what it proves of the runtime: a row of the table, which is put before its title. */
  readonly proves: (row: Row, title: string, test: Test) => void;
  /** A test of what is in no row. `within`: how long it may take, milliseconds. */
  readonly test: (title: string, test: Test, within?: number) => void;
}

/** What is done with a starter. */
export type Test = (running: Running, skip: TestContext["skip"]) => Promise<void>;

/**
 * Defines tests for each runtime, or for those of one adapter; their starter is run once for all of them.
 *
 * @param as how the runtime is to be started; default: as it is
 */
export function inEachRuntime(
  define: (suite: Suite) => void,
  only: (runtime: Runtime) => boolean = () => true,
  as: (runtime: Runtime) => Runtime = (runtime) => runtime,
): void {
  const meant = runtimes.filter(only).filter(chosen);
  // A file without a test would be a failure.
  if (meant.length === 0) it.skip("is for other runtimes than SANSMTP_RUNTIMES names");
  for (const runtime of meant) {
    if (runtime.program === null) {
      describe(runtime.name, () => it.skip(missing(runtime)));
      continue;
    }
    describe(runtime.name, () => {
      let running: Running;
      beforeAll(() => {
        running = new Running(as(runtime), inject("starters"));
      });
      afterAll(async () => {
        expect(await running.stop(), `how ${runtime.name} has ended`).toBe(0);
        // A rejection that nobody waits for, or a warning, is a fault as well.
        expect(running.printed).toBe("");
      });
      const declare = (title: string, body: Test, within?: number, row?: Row): void => {
        it(title, within === undefined ? {} : { timeout: within }, async ({ skip, task }) => {
          if (row !== undefined) task.meta.proof = { runtime: runtime.name, row, cell: cell(row, runtime) };
          onTestFailed(() => console.log(`${runtime.name} has printed:\n${running.printed}`));
          await body(running, skip);
        });
      };
      define({
        runtime,
        proves: (row, title, body) => declare(`[${row}] ${title}`, body, undefined, row),
        test: declare,
      });
    });
  }
}

/** SANSMTP_RUNTIMES="Deno,Node 26" runs these alone. */
function chosen({ name }: Runtime): boolean {
  const names = process.env.SANSMTP_RUNTIMES?.split(",");
  return names === undefined || names.includes(name);
}

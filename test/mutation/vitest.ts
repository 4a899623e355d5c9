/**
 * Stands for vitest while mutants are tried: what the tests of the core use of it, and vitest's own `expect`. A run of
 * vitest costs seconds before the first test, thousands of times; here a test is a function in a list.
 */
import { JestAsymmetricMatchers, JestChaiExpect, JestExtend } from "@vitest/expect";
import * as chai from "chai";

export interface Test {
  readonly id: string;
  readonly title: string;
  readonly run: () => unknown;
}

export const tests: Test[] = [];

chai.use(JestExtend);
chai.use(JestChaiExpect);
chai.use(JestAsymmetricMatchers);
export const expect = chai.expect;

const other = (): never => {
  throw new Error("a test of the host is none of the core");
};
export const vi = { setConfig(): void {}, stubGlobal: other, resetModules: other };
export function afterEach(): void {}

let path: string[] = [];

export function describe(title: string, body: () => void): void {
  const outer = path;
  path = [...path, title];
  body();
  path = outer;
}

type Body = (...values: never[]) => unknown;
type Call = (title: string, body: Body, options?: number) => void;

export function test(title: string, body: () => unknown): void {
  tests.push({ id: String(tests.length), title: [...path, title].join(" > "), run: body });
}

const each =
  (declare: (title: string, body: () => unknown) => void) =>
  (cases: readonly unknown[]): Call =>
  (title, body) => {
    cases.forEach((one, at) => {
      const values = (Array.isArray(one) ? one : [one]) as never[];
      declare(`${title} #${at}`, () => body(...values));
    });
  };

test.each = each(test);
describe.each = each(describe as (title: string, body: () => unknown) => void);

/**
 * Mutants of the core: each is one small change of its source, made by the instrumenter of Stryker, which puts all of
 * them behind switches, so that the source is built once.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import type { Logger } from "@stryker-mutator/api/logging";
import { Instrumenter } from "@stryker-mutator/instrumenter";

export interface Mutant {
  readonly id: string;
  /** Below packages/core/src. */
  readonly file: string;
  /** As people count. */
  readonly line: number;
  readonly column: number;
  readonly mutator: string;
  /** The octets of the source that it replaces, and what stands there instead. */
  readonly original: string;
  readonly replacement: string;
}

export interface Mutated {
  /** Instrumented sources by their path. */
  readonly sources: ReadonlyMap<string, string>;
  readonly mutants: readonly Mutant[];
}

/** What the instrumenter of Stryker asks of an AST, of which its types say nothing. */
interface Node {
  readonly type: string;
  readonly name?: string;
  readonly callee?: Node;
  readonly property?: Node;
  readonly id?: Node;
  readonly key?: Node;
}
interface Path {
  readonly node: Node;
  readonly key: string | number;
  readonly listKey?: string;
  readonly parentPath: Path | null;
}

/** Of calls, which argument is words for people. */
const words: Readonly<Record<string, number>> = {
  UsageError: 0,
  bug: 0,
  bad: 2,
  unexpected: 1,
  failure: 1,
  violation: 1,
  fault: 1,
  argument: 1,
  refuse: 2,
  refusal: 1,
  unreadable: 0,
  // The name of an option, in the words of a UsageError.
  oneOf: 0,
  seconds: 0,
  listed: 0,
  checkTrust: 0,
  // The name of a call, too.
  assertUpgrading: 0,
};

/**
 * What is said to people alone is not mutated: the words of a UsageError or of a broken invariant, the detail of a
 * failure or a violation, whose code or rule is what a program goes by, and what an extension is for.
 */
const wordsForPeople = {
  shouldIgnore(given: object): string | undefined {
    const { parentPath, listKey, key } = given as Path;
    const parent = parentPath?.node;
    if (parent === undefined) return undefined;
    const named = (node: Node | undefined) => ["detail", "wrong", "purpose"].includes(node?.name ?? "");
    const called = parent.callee?.property ?? parent.callee;
    // A private method has its name below.
    const callee = called?.id ?? called;
    const isWords =
      (listKey === "arguments" && callee?.name !== undefined && words[callee.name] === key) ||
      (parent.type === "VariableDeclarator" && key === "init" && named(parent.id)) ||
      (parent.type === "ObjectProperty" && key === "value" && named(parent.key));
    return isWords ? "words for people" : undefined;
  },
};

export async function mutate(root: string): Promise<Mutated> {
  const base = join(root, "packages/core/src");
  const files = readdirSync(base, { recursive: true, encoding: "utf8" })
    // A module in WebAssembly is made by a tool.
    .filter((name) => name.endsWith(".ts") && name !== "wire/simd-module.ts")
    .sort()
    .map((name) => ({
      name: join(base, name),
      content: readFileSync(join(base, name), "utf8"),
      mutate: true,
    }));
  const { files: instrumented, mutants } = await new Instrumenter(silent).instrument(files, {
    plugins: null,
    excludedMutations: [],
    ignorers: [wordsForPeople],
  });
  const lines = new Map(files.map(({ name, content }) => [name, content.split("\n")]));
  return {
    sources: new Map(instrumented.map(({ name, content }) => [name, content])),
    mutants: mutants
      .filter(({ status }) => status !== "Ignored")
      .map(({ id, fileName, location, mutatorName, replacement }) => ({
        id,
        file: relative(base, fileName),
        line: location.start.line + 1,
        column: location.start.column + 1,
        mutator: mutatorName,
        original: cut(lines.get(fileName) ?? [], location),
        replacement,
      })),
  };
}

interface Location {
  readonly start: { readonly line: number; readonly column: number };
  readonly end: { readonly line: number; readonly column: number };
}

function cut(lines: readonly string[], { start, end }: Location): string {
  if (start.line === end.line) return (lines[start.line] ?? "").slice(start.column, end.column);
  return [
    (lines[start.line] ?? "").slice(start.column),
    ...lines.slice(start.line + 1, end.line),
    (lines[end.line] ?? "").slice(0, end.column),
  ].join("\n");
}

const silent: Logger = {
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  isInfoEnabled: () => false,
  isWarnEnabled: () => false,
  isErrorEnabled: () => false,
  isFatalEnabled: () => false,
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  fatal: () => {},
};

/**
 * Which requirements of the catalogue have a test. A requirement is proven by every test that names its id in
 * its full name, the titles of its `describe` blocks included, and that is not skipped.
 */
export interface Coverage {
  readonly requirements: readonly Requirement[];
  /** Ids that a test names, whether the catalogue has them or not. */
  readonly named: ReadonlySet<string>;
  /** Rows that the scope covers, that no test names and that are not excepted. */
  readonly missing: readonly Requirement[];
  /** How much of the scope is proven, at each of its levels. */
  readonly shares: readonly Share[];
  /** Families with rows at a level of the scope that the scope leaves out. */
  readonly outside: readonly string[];
  /** What is wrong whatever the scope enforces: an unknown id, an id given twice, an exception that is none. */
  readonly faults: readonly string[];
}

export interface Requirement {
  readonly id: string;
  readonly level: string;
  readonly side: string;
  readonly text: string;
  readonly file: string;
}

/** Rows of a level and of its prohibition: SHOULD NOT is no weaker, and no stronger, than SHOULD (RFC 2119 §4). */
export interface Share {
  readonly level: string;
  readonly proven: number;
  readonly excepted: number;
  readonly all: number;
  /** The part of them that has to be proven, however well the others are excepted; 0 to 1. */
  readonly least: number;
}

/** What has to be proven now: families of ids (`S`, `X-SIZE`) at these levels, but for the exceptions. */
export interface Scope {
  /** Does a missing proof, or too small a share, fail the run? */
  readonly enforce: boolean;
  readonly families: readonly string[];
  readonly levels: readonly string[];
  /** Level to the part of its rows that a test has to prove: exceptions cannot eat up more than the rest. */
  readonly shares: Readonly<Record<string, number>>;
  /** Id to the reason why no test proves it. */
  readonly exceptions: Readonly<Record<string, string>>;
}

const ID = /\b(?:S|R|L|X|T|A|M|C|SEC|H)-[A-Z0-9]+-\d\d\b/g;
const ROW = /^\| *([A-Z]+-[A-Z0-9]+-\d+) *\|(.*)\|$/;

/** The rows of a catalogue file: `| id | level | side | text… | source |`. */
export function parseRequirements(file: string, markdown: string): Requirement[] {
  return markdown.split("\n").flatMap((line) => {
    const row = ROW.exec(line);
    if (row === null) return [];
    const [level, side, ...rest] = row[2].split("|").map((cell) => cell.trim());
    return [{ id: row[1], level, side, text: rest.slice(0, -1).join(" | "), file }];
  });
}

export function cover(
  requirements: readonly Requirement[],
  tests: readonly string[],
  scope: Scope,
): Coverage {
  const named = new Set(tests.flatMap((name) => name.match(ID) ?? []));
  const known = new Set<string>();
  const faults: string[] = [];
  for (const { id } of requirements) {
    if (known.has(id)) faults.push(`${id} stands twice in the catalogue`);
    known.add(id);
  }
  for (const id of named) {
    if (known.has(id)) continue;
    faults.push(`${id} is not in the catalogue, but in: ${tests.find((name) => name.includes(id))}`);
  }
  const inScope = requirements.filter((requirement) => covers(scope, requirement));
  for (const id of Object.keys(scope.exceptions)) {
    if (named.has(id)) faults.push(`${id} is excepted, but a test proves it`);
    else if (!inScope.some((requirement) => requirement.id === id))
      faults.push(`${id} is excepted, but not in scope`);
  }
  for (const level of Object.keys(scope.shares)) {
    if (!scope.levels.includes(level))
      faults.push(`a share of ${level} is asked for, but it is not in scope`);
  }
  const missing = inScope.filter(({ id }) => !named.has(id) && !(id in scope.exceptions));
  const outside = requirements
    .filter(({ id, level }) => scope.levels.includes(level) && !inFamilies(scope, id))
    .map(({ id }) => id.replace(/-\d+$/, ""));
  return {
    requirements,
    named,
    missing,
    shares: sharesOf(inScope, named, scope),
    outside: [...new Set(outside)].sort(),
    faults,
  };
}

/** Whether less is proven than has to be. */
export function isShort({ proven, all, least }: Share): boolean {
  return proven < least * all;
}

/** `SHOULD: 93 of 100 proven (93%, at least 90%), 7 excepted`. */
export function showShare({ level, proven, excepted, all, least }: Share): string {
  // Rounded down: what is short of the share never looks as if it had reached it.
  const percent = all === 0 ? 100 : Math.floor((100 * proven) / all);
  const asked = least === 0 ? "" : `, at least ${Math.round(100 * least)}%`;
  return `${level}: ${proven} of ${all} proven (${percent}%${asked}), ${excepted} excepted`;
}

function sharesOf(inScope: readonly Requirement[], named: ReadonlySet<string>, scope: Scope): Share[] {
  const levels = new Set(scope.levels.map(withoutNot));
  return [...levels].map((level) => {
    const rows = inScope.filter((row) => withoutNot(row.level) === level);
    return {
      level,
      proven: rows.filter(({ id }) => named.has(id)).length,
      excepted: rows.filter(({ id }) => id in scope.exceptions).length,
      all: rows.length,
      least: scope.shares[level] ?? 0,
    };
  });
}

function withoutNot(level: string): string {
  return level.replace(/ NOT$/, "");
}

function covers(scope: Scope, { id, level }: Requirement): boolean {
  return inFamilies(scope, id) && scope.levels.includes(level);
}

function inFamilies({ families }: Scope, id: string): boolean {
  return families.some((family) => id.startsWith(`${family}-`));
}

const levels = ["MUST", "MUST NOT", "sec", "SHOULD", "SHOULD NOT", "MAY"];
const sides = ["server", "both", "client"];

/** `proven/all` for each file and side, by level; a line for each file and side that has a row. */
export function table({ requirements, named }: Coverage): string {
  const lines = [["", "", ...levels]];
  for (const file of new Set(requirements.map((requirement) => requirement.file))) {
    for (const side of sides) {
      const rows = requirements.filter((row) => row.file === file && row.side === side);
      if (rows.length > 0) lines.push([file, side, ...levels.map((level) => proven(rows, level, named))]);
    }
  }
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  return lines
    .map((line) => line.map((cell, column) => cell.padEnd(widths[column])).join("  "))
    .map((line) => line.trimEnd())
    .join("\n");
}

function proven(rows: readonly Requirement[], level: string, named: ReadonlySet<string>): string {
  const all = rows.filter((row) => row.level === level);
  return all.length === 0 ? "·" : `${all.filter((row) => named.has(row.id)).length}/${all.length}`;
}

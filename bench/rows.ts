/** A figure: what one subject came to in one case, in each round. */
export interface Row {
  /** The bench that has measured it. */
  readonly bench: string;
  /** What was measured, with its conditions: the rows of one table have it in common. */
  readonly table: string;
  readonly subject: string;
  /** `us per message`, `GB/s`, `octets per session`... */
  readonly unit: string;
  /** One per round; the rounds of a table are interleaved, so that sample n of two subjects was taken at one time. */
  readonly samples: readonly number[];
  /** The place on an axis, where the table is a curve: octets of a message, connections... */
  readonly at?: number;
}

/** A subject that was not there, and why. */
export interface Missing {
  readonly bench: string;
  readonly subject: string;
  readonly reason: string;
}

/** What a bench gives. */
export interface Findings {
  readonly rows: readonly Row[];
  readonly missing?: readonly Missing[];
}

/** How a bench is to be run. */
export interface Plan {
  /** A small version: few rounds, few messages. Its figures say little. */
  readonly quick: boolean;
  /** Rounds that count; null: as the bench finds right. */
  readonly rounds: number | null;
  /** Whether a subject, or a table, is wanted: by a part of its name. */
  wants(kind: "subject" | "table", name: string): boolean;
  /** Shows rows before the bench is at its end. */
  show(rows: readonly Row[]): void;
}

export function median(numbers: readonly number[]): number {
  return quantile(numbers, 0.5);
}

/** Linear between the neighbours. */
export function quantile(numbers: readonly number[], part: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const below = Math.floor(at);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - below);
}

/** The median of the ratios, round by round: what slows a whole round down does not change it. */
export function ratio(row: Pick<Row, "samples">, base: Pick<Row, "samples">): number {
  if (row.samples.length !== base.samples.length) return median(row.samples) / median(base.samples);
  return median(row.samples.map((sample, round) => sample / base.samples[round]!));
}

/** The tables in a list of rows, in their order. */
export function tablesOf(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const tables = new Map<string, Row[]>();
  for (const row of rows) {
    const name = `${row.bench}: ${row.table}`;
    const table = tables.get(name);
    if (table === undefined) tables.set(name, [row]);
    else table.push(row);
  }
  return tables;
}

/** What a row is compared with: the floor of its own runtime, else the first of its table. */
export function baseOf(row: Row, table: readonly Row[]): Row {
  const runtime = / on \w+$/.exec(row.subject)?.[0];
  return table.find(({ subject }) => runtime && subject === `floor${runtime}`) ?? table[0]!;
}

/** Prints tables: median, quartiles, and the ratio to what a row is compared with. */
export function print(rows: readonly Row[]): void {
  for (const [name, table] of tablesOf(rows)) {
    const width = Math.max(name.length, ...table.map(({ subject }) => subject.length + 2)) + 2;
    const { unit } = table[0]!;
    if (table.some((row, index) => table.findIndex(({ subject }) => subject === row.subject) !== index)) {
      printCurves(name, table);
      continue;
    }
    console.log(`${name.padEnd(width)}${unit.padStart(20)}${"quartiles".padStart(20)}${"ratio".padStart(9)}`);
    for (const row of table) {
      const { samples, subject } = row;
      const quartiles = `${figure(quantile(samples, 0.25))} - ${figure(quantile(samples, 0.75))}`;
      const other = row.unit === unit ? "" : ` ${row.unit}`;
      console.log(
        `  ${subject}`.padEnd(width) +
          figure(median(samples)).padStart(20) +
          quartiles.padStart(20) +
          (other === "" ? ratio(row, baseOf(row, table)).toFixed(3).padStart(9) : other),
      );
    }
    console.log();
  }
}

/** A line for each subject, a column for each place. */
function printCurves(name: string, table: readonly Row[]): void {
  const places = placesOf(table);
  const subjects = [...new Set(table.map(({ subject }) => subject))];
  const width =
    Math.max(name.length + table[0]!.unit.length + 2, ...subjects.map(({ length }) => length + 2)) + 2;
  const cells = (texts: readonly string[]): string => texts.map((text) => text.padStart(12)).join("");
  console.log(`${name}, ${table[0]!.unit}`.padEnd(width) + cells(places.map(place)));
  for (const subject of subjects) {
    const of = (at: number): Row | undefined => table.find((row) => row.subject === subject && row.at === at);
    const medians = places.map((at) => figure(median(of(at)?.samples ?? [])));
    console.log(`  ${subject}`.padEnd(width) + cells(medians));
  }
  console.log();
}

/** The places on the axis of a table, in order. */
export function placesOf(table: readonly Row[]): readonly number[] {
  return [...new Set(table.map(({ at = 0 }) => at))].sort((a, b) => a - b);
}

/** A place in words: octets and numbers have their thousands. */
export function place(at: number): string {
  for (const [size, name] of [
    [2 ** 30, "Gi"],
    [2 ** 20, "Mi"],
    [2 ** 10, "Ki"],
  ] as const)
    if (at >= size && at % size === 0) return `${at / size} ${name}`;
  return at.toLocaleString("en");
}

/** Three digits that count. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en");
  if (size < 0.01 && size > 0) return value.toPrecision(2);
  return value.toFixed(size >= 10 ? 1 : size >= 0.1 ? 2 : size === 0 ? 0 : 3);
}

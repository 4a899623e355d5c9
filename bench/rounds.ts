/**
 * What the benches of message data share: subjects that take turns in rounds, so that a busy machine slows all of them
 * alike; processor time instead of time of day, which the work of others would be in; medians.
 */

/** One figure, as the tables have it. */
export interface Row {
  readonly bench: string;
  readonly case: string;
  /** Octets of a chunk. */
  readonly chunk: number;
  readonly subject: string;
  readonly value: number;
  readonly unit: "GB/s";
  /** The value as a multiple of that of the reference; null where the reference has none. */
  readonly ratio: number | null;
}

/** Something that is timed. */
export interface Contender {
  readonly case: string;
  readonly chunk: number;
  readonly subject: string;
  /** Octets of one pass. */
  readonly octets: number;
  readonly pass: () => void | Promise<void>;
}

/** Times all of them in turns, each for so many milliseconds in a round, at least one pass. */
export async function race(
  contenders: readonly Contender[],
  rounds: number,
  milliseconds: number,
): Promise<number[]> {
  const speeds = contenders.map((): number[] => []);
  const passes = contenders.map(() => 1);
  for (let round = -warmUp; round < rounds; round += 1) {
    for (const [each, { pass, octets }] of contenders.entries()) {
      const start = process.cpuUsage();
      for (let time = 0; time < passes[each]!; time += 1) {
        const done = pass();
        if (done !== undefined) await done;
      }
      const { user, system } = process.cpuUsage(start);
      const microseconds = Math.max(user + system, 1);
      if (round >= 0) speeds[each]!.push((octets * passes[each]!) / microseconds / 1000);
      else passes[each] = Math.max(1, Math.round((passes[each]! * milliseconds * 1000) / microseconds));
    }
  }
  return speeds.map(median);
}

/** A table for each size of chunk: a line for each case, the subjects with their ratios to `reference`. */
export function report(
  bench: string,
  contenders: readonly Contender[],
  speeds: readonly number[],
  reference: string,
): Row[] {
  const rows = contenders.map((each, at): Row => {
    const against = contenders.findIndex(
      (other) => other.subject === reference && other.case === each.case && other.chunk === each.chunk,
    );
    const value = speeds[at]!;
    const ratio = against < 0 ? null : value / speeds[against]!;
    return { bench, case: each.case, chunk: each.chunk, subject: each.subject, value, unit: "GB/s", ratio };
  });
  const subjects = [...new Set(rows.map(({ subject }) => subject))];
  for (const chunk of new Set(rows.map((row) => row.chunk))) {
    const title = `${bench}, GB/s, chunks of ${chunk}`;
    console.log(`${title.padEnd(34)}${subjects.map((subject) => subject.padStart(20)).join("")}`);
    const here = rows.filter((row) => row.chunk === chunk);
    for (const name of new Set(here.map((row) => row.case))) {
      const cells = subjects.map((subject) => {
        const row = here.find((each) => each.case === name && each.subject === subject);
        if (row === undefined) return "";
        const ratio = row.ratio === null || subject === reference ? "" : ` ${multiple(row.ratio)}`;
        return `${row.value.toFixed(3)}${ratio.padStart(9)}`;
      });
      console.log(`  ${name.padEnd(32)}${cells.map((cell) => cell.padStart(20)).join("")}`);
    }
  }
  return rows;
}

function multiple(ratio: number): string {
  return `x${ratio < 10 ? ratio.toFixed(1) : Math.round(ratio)}`;
}

/** The octets in chunks; each a Buffer, as Node's sockets give them. */
export function cut(data: Uint8Array, size: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < data.length; at += size) {
    chunks.push(Buffer.from(data.buffer, data.byteOffset + at, Math.min(size, data.length - at)));
  }
  return chunks;
}

/** Text repeated to about so many octets. */
export function repeated(text: string, octets: number): Buffer {
  const once = Buffer.from(text, "utf8");
  return Buffer.alloc(Math.max(1, Math.floor(octets / once.length)) * once.length, once);
}

function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1]!;
}

/** Rounds that are not counted: to compile, and to find how many passes a round takes. */
const warmUp = 3;

/**
 * What the benches of message data share: subjects that take turns in rounds, so that a busy machine slows all of them
 * alike; and processor time instead of time of day, which the work of others would be in.
 */
import type { Plan, Row } from "./rows.ts";

/** Something that is timed: octets in, octets out. */
export interface Contender {
  /** The text, and the size of its chunks. */
  readonly table: string;
  readonly subject: string;
  /** Octets of one pass. */
  readonly octets: number;
  readonly pass: () => void | Promise<void>;
}

/** Times those that the plan wants in turns. The first of a table is what the others are compared with. */
export async function race(bench: string, all: readonly Contender[], plan: Plan): Promise<Row[]> {
  const contenders = all.filter(
    ({ table, subject }) => plan.wants("table", table) && plan.wants("subject", subject),
  );
  const rounds = plan.rounds ?? (plan.quick ? 3 : 9);
  const microseconds = plan.quick ? 500 : 4_000;
  const samples = contenders.map((): number[] => []);
  const passes = contenders.map(() => 1);
  for (let round = -warmUp; round < rounds; round += 1) {
    for (const [each, { pass, octets }] of contenders.entries()) {
      const start = process.cpuUsage();
      for (let time = 0; time < passes[each]!; time += 1) {
        const done = pass();
        if (done !== undefined) await done;
      }
      const { user, system } = process.cpuUsage(start);
      const taken = Math.max(user + system, 1);
      if (round >= 0) samples[each]!.push((octets * passes[each]!) / taken / 1000);
      else passes[each] = Math.max(1, Math.round((passes[each]! * microseconds) / taken));
    }
  }
  return contenders.map(({ table, subject }, each) => ({
    bench,
    table,
    subject,
    unit: "GB/s",
    samples: samples[each]!,
  }));
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

/** Octets of a chunk, and of the message that is cut into them: small chunks take long. */
export const chunkSizes: readonly (readonly [chunk: number, message: number])[] = [
  [65_536, 1 << 18],
  [4096, 1 << 17],
  [1024, 1 << 16],
  [64, 1 << 14],
  [1, 1 << 11],
];

/** Rounds that are not counted: to compile, and to find how many passes a round takes. */
const warmUp = 3;

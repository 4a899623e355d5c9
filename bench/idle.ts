/**
 * What a connection holds that does nothing, after EHLO: the difference that thousands of them make to a fresh process,
 * after a collection where the runtime lets itself be told.
 */

import type { Memory } from "./processes.ts";
import { Child, loadCore, pause } from "./processes.ts";
import type { Missing, Plan, Row } from "./rows.ts";
import { programOf, type Subject } from "./servers.ts";

const name = "memory per idle connection";

export async function idle(plan: Plan, subjects: readonly Subject[], missing: Missing[]): Promise<Row[]> {
  if (!plan.wants("table", name)) return [];
  const counts = plan.quick ? [200, 1000] : [1000, 5000];
  const rounds = plan.quick ? 1 : (plan.rounds ?? 3);
  const found = new Map<string, { row: Omit<Row, "samples">; samples: number[] }>();
  const note: Note = (table, subject, unit, at, value) => {
    const key = `${table} ${subject} ${at}`;
    const entry = found.get(key) ?? { row: { bench: "server", table, subject, unit, at }, samples: [] };
    entry.samples.push(value);
    found.set(key, entry);
  };
  for (let round = 0; round < rounds; round++) {
    for (const subject of subjects) {
      try {
        await measure(subject, counts, note);
      } catch (error) {
        missing.push({
          bench: "server",
          subject: subject.name,
          reason: `${name}: ${(error as Error).message}`,
        });
      }
    }
  }
  return [...found.values()].map(({ row, samples }) => ({ ...row, samples }));
}

type Note = (table: string, subject: string, unit: string, at: number, value: number) => void;

async function measure(subject: Subject, counts: readonly number[], note: Note): Promise<void> {
  const { child, port } = await subject.start({ collects: true });
  const holder = new Child("the holder", loadCore, [process.execPath, await programOf("load")]);
  try {
    await holder.answer();
    // What is made once, by the first connections.
    const few = Math.min(100, subject.connections ?? 100);
    await holder.ask({ ask: "hold", port, connections: few });
    await holder.ask({ ask: "release" });
    const before = await held(subject, child);
    for (const count of counts) {
      if (count > (subject.connections ?? count)) continue;
      await holder.ask({ ask: "hold", port, connections: count });
      const now = await held(subject, child);
      const each = (after: number, start: number): number => (after - start) / count;
      note(`${name}, ${count} open`, subject.name, "octets of RAM (PSS)", count, each(now.ram, before.ram));
      if (now.heap > 0)
        note(`${name}, ${count} open, heap`, subject.name, "octets", count, each(now.heap, before.heap));
    }
  } finally {
    await Promise.all([holder.stop(), child.stop()]);
  }
}

/** What a server has after a collection, octets. */
export async function held(subject: Subject, child: Child): Promise<{ ram: number; heap: number }> {
  await pause(300);
  // Those that say nothing cannot be asked either.
  const memory = subject.tls ? await child.ask<Memory>({ ask: "memory" }) : { heap: 0, external: 0 };
  await pause(100);
  return { ram: child.proportional(), heap: memory.heap + memory.external };
}

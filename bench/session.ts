/**
 * Sessions in process, without sockets: what a dialogue costs, what it throws away, and what an idle session holds.
 * Beside the core alone there is the core behind a socket in memory, smtp-server behind the same, and behind it somebody
 * who only says what is expected: what of the cost is the socket's. Each is in a process of its own; they take turns.
 */
import { Child, loadCore } from "./processes.ts";
import { dialogues } from "./programs/in-process/dialogues.ts";
import type { State } from "./programs/in-process/subjects.ts";
import type { Findings, Plan, Row } from "./rows.ts";
import { programOf, runtimes } from "./servers.ts";

export interface Subject {
  /** As programs/session.ts calls it. */
  readonly name: string;
  readonly runtime: keyof typeof runtimes;
  readonly title: string;
}

export const subjects: readonly Subject[] = [
  { name: "canned replies", runtime: "Node", title: "canned replies behind a socket in memory" },
  { name: "core behind a socket", runtime: "Node", title: "sansmtp core behind a socket in memory" },
  { name: "smtp-server", runtime: "Node", title: "smtp-server behind a socket in memory" },
  { name: "core", runtime: "Node", title: "sansmtp core" },
  { name: "core with SIMD", runtime: "Node", title: "sansmtp core, SIMD" },
  { name: "core", runtime: "Bun", title: "sansmtp core in Bun" },
  { name: "core", runtime: "Deno", title: "sansmtp core in Deno" },
];

const states: readonly State[] = ["greeted", "after EHLO", "after RCPT", "in DATA"];

/** Milliseconds of processor time that a subject has in a round, and in one that is not counted. */
const slice = 40;
const warmSlice = 150;

export async function run(plan: Plan): Promise<Findings> {
  const wanted = subjects.filter(
    ({ title, runtime }) => plan.wants("subject", title) && runtimes[runtime](false) !== null,
  );
  const rows: Row[] = [];
  const tell = (found: readonly Row[]): void => {
    plan.show(found);
    rows.push(...found);
  };
  const names = Object.keys(dialogues).filter(
    (name) => plan.wants("table", name) && (!name.includes("RCPT in a") || name.startsWith("100 ")),
  );
  tell(await costs(plan, wanted, names));
  const onNode = wanted.filter(({ runtime }) => runtime === "Node");
  tell(await garbage(plan, onNode, names));
  tell(await idle(plan, onNode));
  return { rows };
}

/** Processor time of dialogues, by name. */
export async function costs(
  plan: Plan,
  wanted: readonly Subject[],
  names: readonly string[],
): Promise<Row[]> {
  const children = await Promise.all(wanted.map((subject) => start(subject)));
  const rows: Row[] = [];
  try {
    for (const dialogue of names) {
      const samples = wanted.map((): number[] => []);
      const times = wanted.map(() => 50);
      const rounds = plan.rounds ?? (plan.quick ? 3 : 9);
      for (let round = -6; round < rounds; round++) {
        for (const [index, child] of children.entries()) {
          const { cpu } = await child.ask<{ cpu: number }>({ ask: "play", dialogue, times: times[index]! });
          if (round >= 0) samples[index]!.push(cpu);
          if (round >= 0) continue;
          const pass = Math.max(cpu, 0.01) * dialogues[dialogue]!.units;
          const span = round < -1 ? warmSlice : slice;
          times[index] = Math.ceil(((plan.quick ? span / 2 : span) * 1000) / pass);
        }
      }
      const unit = dialogues[dialogue]!.units === 1 ? "us per message" : "us per command";
      rows.push(
        ...wanted.map(({ title: subject }, index) => ({
          bench: "session",
          table: dialogue,
          subject,
          unit,
          samples: samples[index]!,
        })),
      );
    }
  } finally {
    await Promise.all(children.map((child) => child.stop()));
  }
  return rows;
}

/** A young generation so large that nothing is collected in between. */
const roomy = ["--expose-gc", "--min-semi-space-size=512", "--max-semi-space-size=512"];

async function garbage(plan: Plan, wanted: readonly Subject[], names: readonly string[]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const subject of wanted) {
    const child = await start(subject, roomy);
    try {
      for (const dialogue of names) {
        const { units } = dialogues[dialogue]!;
        const times = Math.ceil((plan.quick ? 500 : 2000) / units);
        const samples: number[] = [];
        for (let round = -1; round < 3; round++) {
          const { octets } = await child.ask<{ octets: number }>({ ask: "allocate", dialogue, times });
          if (round >= 0) samples.push(octets);
        }
        rows.push({
          bench: "session",
          table: `octets allocated: ${dialogue}`,
          subject: subject.title,
          unit: units === 1 ? "octets per message" : "octets per command",
          samples,
        });
      }
    } finally {
      await child.stop();
    }
  }
  return rows.sort((a, b) => order(a.table) - order(b.table));
}

function order(table: string): number {
  return Object.keys(dialogues).findIndex((name) => table.endsWith(`: ${name}`));
}

async function idle(plan: Plan, wanted: readonly Subject[]): Promise<Row[]> {
  const rows: Row[] = [];
  const count = plan.quick ? 1000 : 5000;
  for (const state of states) {
    const table = `heap of an idle session, ${state}`;
    if (!plan.wants("table", table)) continue;
    for (const subject of wanted) {
      const samples: number[] = [];
      for (let round = 0; round < (plan.quick ? 1 : 3); round++) {
        // A fresh process, so that nothing is left of another state.
        const child = await start(subject, ["--expose-gc"]);
        try {
          samples.push((await child.ask<{ octets: number }>({ ask: "hold", state, count })).octets);
        } finally {
          await child.stop();
        }
      }
      rows.push({ bench: "session", table, subject: subject.title, unit: "octets", samples });
    }
  }
  return rows;
}

export async function start({ name, runtime }: Subject, flags: readonly string[] = []): Promise<Child> {
  const [program, ...given] = runtimes[runtime](false)!;
  const file = await programOf("session");
  const command = [program!, ...given, ...flags, file, JSON.stringify({ subject: name })];
  const child = new Child(name, loadCore, command);
  await child.answer();
  return child;
}

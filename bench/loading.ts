import { Child, type Cost, loadCore, run as runCommand, used } from "./processes.ts";
import type { Load, Loaded } from "./programs/canned.ts";
import type { Missing, Plan, Row } from "./rows.ts";
import { programOf, type Started, type Starting, type Subject, source } from "./servers.ts";

/** What a server is loaded with. */
export interface Case {
  readonly name: string;
  readonly size: number;
  readonly connections: number;
  readonly each: boolean;
  /** By the floor client, since smtp-source sends a command at a time. */
  readonly pipelined: boolean;
  /** In a round. */
  readonly messages: number;
}

/** Those that can be had here; the others are noted. */
export function presentOf(
  bench: string,
  plan: Plan,
  subjects: readonly Subject[],
  missing: Missing[],
): readonly Subject[] {
  return subjects.filter((subject) => {
    if (!plan.wants("subject", subject.name)) return false;
    const reason = subject.missing();
    if (reason !== null) missing.push({ bench, subject: subject.name, reason });
    return reason === null;
  });
}

/** Loads all subjects with one case after the other. */
export async function underLoad(
  bench: string,
  plan: Plan,
  subjects: readonly Subject[],
  loads: readonly Case[],
  missing: Missing[],
  how: Starting = {},
): Promise<Row[]> {
  const running: (Started & { readonly subject: Subject })[] = [];
  for (const subject of subjects) {
    try {
      running.push({ subject, ...(await subject.start(how)) });
    } catch (error) {
      missing.push({ bench, subject: subject.name, reason: String(error) });
    }
  }
  const child = await loader();
  const rows: Row[] = [];
  const failed = new Set<number>();
  try {
    for (const load of loads) {
      const costs = running.map(() => ({ cpu: [] as number[], rate: [] as number[] }));
      const { warm, rounds } = plan.quick
        ? { warm: 1, rounds: plan.rounds ?? 2 }
        : { warm: 2, rounds: plan.rounds ?? 9 };
      for (let round = -warm; round < rounds; round++) {
        // What is not yet compiled costs several times as much.
        const part = !plan.quick ? 1 : round < 0 ? 0.5 : 0.2;
        for (const [index, { subject, child: server, port }] of running.entries()) {
          if (failed.has(index)) continue;
          const messages = Math.ceil(load.messages * subject.share * part);
          try {
            const before = server.cpu();
            const { elapsed } = await send(child, load, port, messages, how);
            const spent = used(before, server.cpu());
            if (round < 0) continue;
            costs[index]!.cpu.push(spent / messages);
            costs[index]!.rate.push((messages / elapsed) * 1e6);
          } catch (error) {
            failed.add(index);
            const reason = `${load.name}: ${(error as Error).message}\n${server}`;
            missing.push({ bench, subject: subject.name, reason });
          }
        }
      }
      const of = (what: "cpu" | "rate", table: string, unit: string): Row[] =>
        running.flatMap(({ subject }, index) =>
          failed.has(index)
            ? []
            : [{ bench, table, subject: subject.name, unit, samples: costs[index]![what] }],
        );
      const found = [
        ...of("cpu", load.name, "us CPU per message"),
        ...of("rate", `${load.name}, rate`, "messages per second"),
      ];
      plan.show(found);
      rows.push(...found);
    }
  } finally {
    await Promise.all([child.stop(), ...running.map(({ child }) => child.stop())]);
  }
  return rows;
}

/** A process that loads servers. */
export async function loader(core: number | null = loadCore): Promise<Child> {
  const load = new Child("the load", core, [process.execPath, await programOf("load")]);
  await load.answer();
  return load;
}

/** By smtp-source, where it is there and can do it. */
export function send(
  loader: Child,
  load: Case,
  port: number,
  messages: number,
  how: Starting,
): Promise<Cost | Loaded> {
  const tls = how.tls != null;
  const command = load.pipelined || tls ? null : source();
  const { connections, size, each } = load;
  if (command === null) {
    const { pipelined } = load;
    const asked: Load = { port, connections, messages, size, each, pipelined, tls };
    return loader.ask<Loaded>({ ask: "load", ...asked });
  }
  const kept = each ? [] : ["-d"];
  const given = ["-s", String(connections), "-l", String(size), "-m", String(messages)];
  return runCommand(loadCore, [...command, ...kept, ...given, `127.0.0.1:${port}`]);
}

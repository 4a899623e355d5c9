/**
 * Servers under load, over loopback: what the process of each spends on a message, by the system's own account.
 *
 * All servers run all the time, and are loaded one after the other, round by round, so that a busy machine slows them
 * all alike; ratios are made within a round. Servers are on one core and the load on another.
 */

import { idle } from "./idle.ts";
import { Child, type Cost, loadCore, run as runCommand, used } from "./processes.ts";
import type { Load, Loaded } from "./programs/canned.ts";
import type { Findings, Missing, Plan, Row } from "./rows.ts";
import { programOf, type Started, type Subject, servers, source } from "./servers.ts";

/** What a server is loaded with. */
interface Case {
  readonly name: string;
  readonly size: number;
  readonly connections: number;
  readonly each: boolean;
  /** By the floor client, since smtp-source sends a command at a time. */
  readonly pipelined: boolean;
  /** In a round. */
  readonly messages: number;
}

const cases: readonly Case[] = [
  {
    name: "4 KiB, 10 kept open",
    size: 4096,
    connections: 10,
    each: false,
    pipelined: false,
    messages: 6000,
  },
  {
    name: "4 KiB, 10 kept open, pipelined",
    size: 4096,
    connections: 10,
    each: false,
    pipelined: true,
    messages: 6000,
  },
  {
    name: "4 KiB, a session each, 100 at once",
    size: 4096,
    connections: 100,
    each: true,
    pipelined: false,
    messages: 2000,
  },
  {
    name: "64 KiB, 10 kept open",
    size: 65_536,
    connections: 10,
    each: false,
    pipelined: false,
    messages: 2500,
  },
  { name: "1 MiB, 4 kept open", size: 1 << 20, connections: 4, each: false, pipelined: false, messages: 240 },
];

export async function run(plan: Plan): Promise<Findings> {
  const wanted = servers.filter(({ name }) => plan.wants("subject", name));
  const present: Subject[] = [];
  const missing: Missing[] = [];
  for (const subject of wanted) {
    const reason = subject.missing();
    if (reason === null) present.push(subject);
    else missing.push({ bench: "server", subject: subject.name, reason });
  }
  const rows: Row[] = [];
  const loads = cases.filter(({ name }) => plan.wants("table", name));
  if (loads.length > 0) rows.push(...(await underLoad(plan, present, loads, missing)));
  rows.push(...(await idle(plan, present, missing)));
  return { rows, missing };
}

async function underLoad(
  plan: Plan,
  subjects: readonly Subject[],
  loads: readonly Case[],
  missing: Missing[],
): Promise<Row[]> {
  const running: (Started & { readonly subject: Subject })[] = [];
  for (const subject of subjects) {
    try {
      running.push({ subject, ...(await subject.start()) });
    } catch (error) {
      missing.push({ bench: "server", subject: subject.name, reason: String(error) });
    }
  }
  const loader = new Child("the load", loadCore, [process.execPath, await programOf("load")]);
  await loader.answer();
  const rows: Row[] = [];
  const failed = new Set<number>();
  try {
    for (const load of loads) {
      const costs = running.map(() => ({ cpu: [] as number[], rate: [] as number[] }));
      const { warm, rounds } = plan.quick
        ? { warm: 1, rounds: plan.rounds ?? 2 }
        : { warm: 2, rounds: plan.rounds ?? 9 };
      for (let round = -warm; round < rounds; round++) {
        for (const [index, { subject, child, port }] of running.entries()) {
          if (failed.has(index)) continue;
          const messages = Math.ceil(load.messages * subject.share * (plan.quick ? 0.1 : 1));
          try {
            const before = child.cpu();
            const { elapsed } = await send(loader, load, port, messages);
            const spent = used(before, child.cpu());
            if (round < 0) continue;
            costs[index]!.cpu.push(spent / messages);
            costs[index]!.rate.push((messages / elapsed) * 1e6);
          } catch (error) {
            failed.add(index);
            const reason = `${load.name}: ${(error as Error).message}\n${child}`;
            missing.push({ bench: "server", subject: subject.name, reason });
          }
        }
      }
      const of = (what: "cpu" | "rate", table: string, unit: string): Row[] =>
        running.flatMap(({ subject }, index) =>
          failed.has(index)
            ? []
            : [{ bench: "server", table, subject: subject.name, unit, samples: costs[index]![what] }],
        );
      const found = [
        ...of("cpu", load.name, "us CPU per message"),
        ...of("rate", `${load.name}, rate`, "messages per second"),
      ];
      plan.show(found);
      rows.push(...found);
    }
  } finally {
    await Promise.all([loader.stop(), ...running.map(({ child }) => child.stop())]);
  }
  return rows;
}

/** By smtp-source, where it is there and can do it. */
function send(loader: Child, load: Case, port: number, messages: number): Promise<Cost | Loaded> {
  const command = load.pipelined ? null : source();
  const { connections, size, each } = load;
  if (command === null) {
    const { pipelined } = load;
    const asked: Load = { port, connections, messages, size, each, pipelined, tls: false };
    return loader.ask<Loaded>({ ask: "load", ...asked });
  }
  const kept = each ? [] : ["-d"];
  const given = ["-s", String(connections), "-l", String(size), "-m", String(messages)];
  return runCommand(loadCore, [...command, ...kept, ...given, `127.0.0.1:${port}`]);
}

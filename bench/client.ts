/**
 * Clients, against the smtp-sink of Postfix, over loopback: what the process of each spends on a message, by the
 * system's own account. They take turns, round by round; the clients are on one core and the sink on another.
 */
import { Child, loadCore, run as runCommand, serverCore, used } from "./processes.ts";
import type { Sending } from "./programs/senders/sender.ts";
import type { Findings, Missing, Plan, Row } from "./rows.ts";
import { freePort, programOf, servers, sink, source } from "./servers.ts";

interface Case {
  readonly name: string;
  readonly connections: number;
  readonly each: boolean;
  readonly size: number;
  /** In a round. */
  readonly messages: number;
  /** As they are called in programs/sender.ts. */
  readonly senders: readonly string[];
}

const kept = [
  "floor",
  "sansmtp-pool",
  "sansmtp-connect",
  "nodemailer-pool",
  "nodemailer-connection",
  "smtp-source",
];

const cases: readonly Case[] = [
  { name: "4 KiB, 10 connections", connections: 10, each: false, size: 4096, messages: 4000, senders: kept },
  { name: "4 KiB, one connection", connections: 1, each: false, size: 4096, messages: 2000, senders: kept },
  {
    name: "4 KiB, a connection each, 10 at once",
    connections: 10,
    each: true,
    size: 4096,
    messages: 1000,
    senders: ["floor", "sansmtp-connect", "nodemailer-transport", "smtp-source"],
  },
  {
    name: "64 KiB, 10 connections",
    connections: 10,
    each: false,
    size: 65_536,
    messages: 1000,
    senders: kept,
  },
];

const titles: Readonly<Record<string, string>> = {
  floor: "floor on Node",
  "sansmtp-pool": "sansmtp pool",
  "sansmtp-connect": "sansmtp connect",
  "nodemailer-pool": "nodemailer pool",
  "nodemailer-connection": "nodemailer SMTPConnection",
  "nodemailer-transport": "nodemailer transport",
  "smtp-source": "smtp-source",
};

export async function run(plan: Plan): Promise<Findings> {
  const missing: Missing[] = [];
  const reason = servers.find(({ name }) => name === "smtp-sink")!.missing();
  if (reason !== null) return { rows: [], missing: [{ bench: "client", subject: "all of it", reason }] };
  const port = await freePort();
  const server = new Child("smtp-sink", serverCore, sink(port));
  await server.listening(port);
  const children = new Map<string, Child>();
  const rows: Row[] = [];
  try {
    for (const each of cases) {
      if (!plan.wants("table", each.name)) continue;
      const found = await measure(plan, each, port, children);
      plan.show(found);
      rows.push(...found);
    }
  } finally {
    await Promise.all([server.stop(), ...[...children.values()].map((child) => child.stop())]);
  }
  return { rows, missing };
}

async function measure(
  plan: Plan,
  { name, senders, ...what }: Case,
  port: number,
  children: Map<string, Child>,
): Promise<Row[]> {
  const wanted = senders.filter((sender) => plan.wants("subject", titles[sender]!));
  const samples = wanted.map(() => ({ cpu: [] as number[], rate: [] as number[] }));
  const rounds = plan.rounds ?? (plan.quick ? 2 : 9);
  for (let round = plan.quick ? -1 : -2; round < rounds; round++) {
    // What is not yet compiled costs several times as much.
    const messages = Math.ceil(what.messages * (!plan.quick ? 1 : round < 0 ? 0.5 : 0.2));
    for (const [index, sender] of wanted.entries()) {
      const sending: Sending = { ...what, port, messages };
      const { cpu, elapsed } = await (sender === "smtp-source"
        ? bySource(sending)
        : by(sender, sending, children));
      if (round < 0) continue;
      samples[index]!.cpu.push(cpu / messages);
      samples[index]!.rate.push((messages / elapsed) * 1e6);
    }
  }
  const of = (which: "cpu" | "rate", table: string, unit: string): Row[] =>
    wanted.map((sender, index) => ({
      bench: "client",
      table,
      subject: titles[sender]!,
      unit,
      samples: samples[index]![which],
    }));
  return [...of("cpu", name, "us CPU per message"), ...of("rate", `${name}, rate`, "messages per second")];
}

interface Spent {
  readonly cpu: number;
  readonly elapsed: number;
}

async function by(sender: string, sending: Sending, children: Map<string, Child>): Promise<Spent> {
  let child = children.get(sender);
  if (child === undefined) {
    const command = [process.execPath, await programOf("sender"), JSON.stringify({ sender })];
    child = new Child(sender, loadCore, command);
    children.set(sender, child);
    await child.answer();
  }
  const before = child.cpu();
  const { elapsed } = await child.ask<{ elapsed: number }>({ ask: "send", ...sending });
  return { cpu: used(before, child.cpu()), elapsed };
}

function bySource({ port, connections, messages, size, each }: Sending): Promise<Spent> {
  const given = ["-s", String(connections), "-l", String(size), "-m", String(messages)];
  return runCommand(loadCore, [...source()!, ...(each ? [] : ["-d"]), ...given, `127.0.0.1:${port}`]);
}

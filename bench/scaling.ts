/**
 * Curves: what a message costs by its size, a recipient by their number, a session by how many are open, a command by how
 * many come at a time; and what two processes make of two cores. What matters is that they are flat.
 */
import { loader } from "./loading.ts";
import { Child, cpuOf, used } from "./processes.ts";
import type { Findings, Missing, Plan, Row } from "./rows.ts";
import { pair, programOf, type Subject as Server, type Starting, secureServers, servers } from "./servers.ts";
import { costs, type Subject, start, subjects } from "./session.ts";

export async function run(plan: Plan): Promise<Findings> {
  const missing: Missing[] = [];
  const rows: Row[] = [];
  const curves = { "message size": sizes, recipients, sessions, connections, pipelining: depths, processes };
  for (const [name, curve] of Object.entries(curves)) {
    if (!plan.wants("table", name)) continue;
    const found = await curve(plan, missing);
    plan.show(found);
    rows.push(...found);
  }
  return { rows, missing };
}

/** Gathers samples by table, subject and place. */
class Samples {
  readonly #rows: Map<string, { row: Omit<Row, "samples">; samples: number[] }> = new Map();

  add(table: string, subject: string, unit: string, at: number, value: number): void {
    const key = [table, subject, at].join("\n");
    const entry = this.#rows.get(key) ?? { row: { bench: "scaling", table, subject, unit, at }, samples: [] };
    entry.samples.push(value);
    this.#rows.set(key, entry);
  }

  get rows(): Row[] {
    const all = [...this.#rows.values()].map(({ row, samples }) => ({ ...row, samples }));
    const tables = [...new Set(all.map(({ table }) => table))];
    return tables.flatMap((table) => all.filter((row) => row.table === table));
  }
}

/** Servers that can be asked for what they hold. */
function named(
  plan: Plan,
  missing: Missing[],
  names: readonly string[],
  all: readonly Server[] = servers,
): Server[] {
  return all.filter((server) => {
    if (!names.includes(server.name) || !plan.wants("subject", server.name)) return false;
    const reason = server.missing();
    if (reason !== null) missing.push({ bench: "scaling", subject: server.name, reason });
    return reason === null;
  });
}

const all = ["Node", "Bun", "Deno"].flatMap((name) => [
  `floor on ${name}`,
  `sansmtp on ${name}`,
  `smtp-server on ${name}`,
]);
const ours = [
  ...["floor on Node", "sansmtp on Node", "smtp-server on Node", "sansmtp on Bun"],
  ...["floor of Node's sockets on Deno", "sansmtp on Deno"],
];

/** From 1 KiB to 1 GiB, over loopback: processor time for each KiB, and how far memory rises above where it was. */
async function sizes(plan: Plan, missing: Missing[]): Promise<Row[]> {
  const octets = [2 ** 10, 2 ** 14, 2 ** 17, 2 ** 20, 2 ** 24, ...(plan.quick ? [] : [2 ** 27, 2 ** 30])];
  const samples = new Samples();
  const tls = await pair();
  for (let round = 0; round < (plan.rounds ?? (plan.quick ? 1 : 3)); round++) {
    for (const how of [{}, { tls }] as const) {
      const suffix = "tls" in how ? ", TLS" : "";
      for (const server of named(plan, missing, ours, "tls" in how ? secureServers : servers)) {
        await withLoad(server, how, async (child, port, load) => {
          const send = (size: number, messages: number): Promise<unknown> =>
            load.ask({
              ask: "load",
              port,
              connections: 1,
              messages,
              size,
              each: false,
              pipelined: true,
              tls: "tls" in how,
            });
          // As much as it takes until the young generation of the heap has its size: V8 doubles it with a collection of
          // the whole heap, of which there is one in a GiB or so, and from then on twice as much is garbage at a time.
          await send(2 ** 12, plan.quick ? 200 : 3000);
          await send(2 ** 20, plan.quick ? 32 : 256);
          if (!plan.quick) {
            await send(2 ** 17, 2000);
            await send(2 ** 30, 1);
          }
          const level = child.resident().now;
          for (const size of octets) {
            const messages = Math.max(
              1,
              Math.min(plan.quick ? 100 : 1000, Math.floor(2 ** (plan.quick ? 24 : 27) / size)),
            );
            child.forgetPeak();
            const before = child.cpu();
            await send(size, messages);
            const spent = used(before, child.cpu());
            const { peak } = child.resident();
            samples.add(
              `message size${suffix}`,
              server.name,
              "us CPU per KiB",
              size,
              (spent / messages / size) * 1024,
            );
            samples.add(
              `message size, peak memory${suffix}`,
              server.name,
              "MiB above",
              size,
              (peak - level) / 2 ** 20,
            );
          }
        });
      }
    }
  }
  return samples.rows;
}

async function recipients(plan: Plan): Promise<Row[]> {
  const counts = [1, 10, 100, 1000, 10_000];
  const wanted = inProcess(plan);
  const rows = await costs(
    plan,
    wanted,
    counts.map((count) => `${count} RCPT in a transaction`),
  );
  return rows.map((row) => ({
    ...row,
    bench: "scaling",
    table: "recipients, in process",
    unit: "us per recipient",
    at: Number.parseInt(row.table, 10),
  }));
}

function inProcess(plan: Plan): Subject[] {
  return subjects.filter(({ runtime, title }) => runtime === "Node" && plan.wants("subject", title));
}

/** Open at the same time, in process; each has its turn for every piece. */
async function sessions(plan: Plan): Promise<Row[]> {
  const samples = new Samples();
  for (let round = -1; round < (plan.rounds ?? (plan.quick ? 1 : 5)); round++) {
    for (const subject of inProcess(plan)) {
      const child = await start(subject, ["--max-semi-space-size=16"]);
      try {
        const dialogue = "4 KiB message, pipelined";
        await child.ask({ ask: "together", dialogue, count: 100, times: plan.quick ? 20 : 200 });
        for (const count of [1, 10, 100, 1000, ...(plan.quick ? [] : [10_000])]) {
          const times = Math.ceil((plan.quick ? 2000 : 20_000) / count);
          const asked = { ask: "together", dialogue, count, times };
          const { cpu } = await child.ask<{ cpu: number }>(asked);
          if (round >= 0) samples.add("sessions, in process", subject.title, "us per message", count, cpu);
        }
      } finally {
        await child.stop();
      }
    }
  }
  return samples.rows;
}

/** Open at the same time, over loopback, all of them sending at once. */
async function connections(plan: Plan, missing: Missing[]): Promise<Row[]> {
  const samples = new Samples();
  for (let round = 0; round < (plan.rounds ?? (plan.quick ? 1 : 3)); round++) {
    for (const server of named(plan, missing, ours)) {
      await withLoad(server, {}, async (child, port, load) => {
        await load.ask({ ask: "hold", port, connections: 10 });
        await load.ask({ ask: "use", messages: plan.quick ? 50 : 500, size: 4096 });
        await load.ask({ ask: "release" });
        for (const count of [1, 10, 100, 1000, ...(plan.quick ? [] : [5000])]) {
          await load.ask({ ask: "hold", port, connections: count });
          const messages = Math.max(1, Math.ceil((plan.quick ? 200 : 5000) / count));
          await load.ask({ ask: "use", messages, size: 4096 });
          const before = child.cpu();
          await load.ask({ ask: "use", messages, size: 4096 });
          const spent = used(before, child.cpu()) / messages / count;
          samples.add("connections", server.name, "us CPU per 4 KiB message", count, spent);
        }
      });
    }
  }
  return samples.rows;
}

/** NOOPs that come at a time, on 10 connections. */
async function depths(plan: Plan, missing: Missing[]): Promise<Row[]> {
  const samples = new Samples();
  for (let round = 0; round < (plan.rounds ?? (plan.quick ? 1 : 3)); round++) {
    for (const server of named(plan, missing, all)) {
      await withLoad(server, {}, async (child, port, load) => {
        await load.ask({ ask: "hold", port, connections: 10 });
        await load.ask({ ask: "command", pieces: plan.quick ? 50 : 300, depth: 16 });
        for (const depth of [1, 4, 16, 64, 256]) {
          const pieces = Math.ceil((plan.quick ? 100 : 1000) / Math.sqrt(depth));
          const before = child.cpu();
          await load.ask({ ask: "command", pieces, depth });
          const spent = used(before, child.cpu()) / pieces / depth / 10;
          samples.add("pipelining", server.name, "us CPU per command", depth, spent);
        }
      });
    }
  }
  return samples.rows;
}

/** One process, and two that share a port. Nothing is pinned, and the load takes its part. */
async function processes(plan: Plan, missing: Missing[]): Promise<Row[]> {
  const samples = new Samples();
  const sharing: Readonly<Record<string, (workers: number) => Promise<Sharing>>> = {
    "floor on Node": (workers) => clustered("floor-node", workers),
    "sansmtp on Node": (workers) => clustered("ours-node", workers),
    "smtp-server on Node": (workers) => clustered("smtp-server", workers),
    ...Object.fromEntries(
      named(plan, missing, ["sansmtp on Bun", "sansmtp on Deno"]).map((server) => [
        server.name,
        (workers: number) => reusing(server, workers),
      ]),
    ),
  };
  for (let round = -1; round < (plan.rounds ?? (plan.quick ? 1 : 5)); round++) {
    for (const [name, begin] of Object.entries(sharing)) {
      if (!plan.wants("subject", name)) continue;
      for (const workers of [1, 2]) {
        const { port, primary, pids, stop } = await begin(workers);
        const load = await loader(null);
        try {
          const messages = plan.quick ? 300 : 6000;
          const common = {
            ask: "load",
            port,
            connections: 20,
            size: 4096,
            each: false,
            pipelined: true,
            tls: false,
          };
          await load.ask({ ...common, messages: Math.ceil(messages / 2) });
          const all = [...primary, ...pids];
          const before = all.map(cpuOf);
          const { elapsed } = await load.ask<{ elapsed: number }>({ ...common, messages });
          const spent = all.map((pid, index) => used(before[index]!, cpuOf(pid)));
          if (round < 0) continue;
          const parts = spent.slice(primary.length);
          const sum = (all: readonly number[]) => all.reduce((total, each) => total + each, 0);
          samples.add("processes", name, "us CPU per message", workers, sum(spent) / messages);
          samples.add("processes, rate", name, "messages per second", workers, (messages / elapsed) * 1e6);
          const most = (Math.max(...parts) / sum(parts)) * 100;
          samples.add("processes, work of the busiest", name, "% of all", workers, most);
        } finally {
          await Promise.all([stop(), load.stop()]);
        }
      }
    }
  }
  return samples.rows;
}

/** Processes that listen on one port. */
interface Sharing {
  readonly port: number;
  /** Of what listens for them and serves nobody. */
  readonly primary: readonly number[];
  readonly pids: readonly number[];
  stop(): Promise<unknown>;
}

/** By `cluster` of Node, which listens in one process and hands connections on. */
async function clustered(file: string, workers: number): Promise<Sharing> {
  const given = JSON.stringify({ exec: await programOf(file), workers });
  const child = new Child(file, null, [process.execPath, await programOf("cluster"), given]);
  const { port, pids } = await child.answer<{ port: number; pids: readonly number[] }>();
  return { port, primary: [child.pid], pids, stop: () => child.stop() };
}

/** By `reusePort`: the system spreads connections over all that listen. */
async function reusing(server: Server, workers: number): Promise<Sharing> {
  const { child, port } = await server.start({ core: null, shared: 0 });
  const children = [child];
  while (children.length < workers) children.push((await server.start({ core: null, shared: port })).child);
  const pids = children.map(({ pid }) => pid);
  return { port, primary: [], pids, stop: () => Promise.all(children.map((each) => each.stop())) };
}

async function withLoad(
  server: Server,
  how: Starting,
  what: (child: Child, port: number, load: Child) => Promise<void>,
): Promise<void> {
  const { child, port } = await server.start(how);
  const load = await loader();
  try {
    await what(child, port, load);
  } finally {
    await Promise.all([load.stop(), child.stop()]);
  }
}

/**
 * Where the time goes: servers and their floors in each runtime under the loads of the `server` bench, clients against
 * smtp-sink, and the core in process, with the sampling profiler of their runtime on, and what it has found by whose code it
 * is. The profiler costs something itself: read shares, not times. And what an idle connection on Node holds.
 */
import { tmpdir } from "node:os";
import { join } from "node:path";
import { difference } from "./holdings.ts";
import { held } from "./idle.ts";
import { byLayer, folders, type Layering, packages } from "./layers.ts";
import { loader, presentOf, send } from "./loading.ts";
import { Child, loadCore, pause, serverCore } from "./processes.ts";
import type { Profile } from "./programs/control.ts";
import type { Sending } from "./programs/senders/sender.ts";
import type { Findings, Missing, Plan, Row } from "./rows.ts";
import { cases } from "./server.ts";
import { freePort, programOf, type Subject as Server, type Starting, servers, sink } from "./servers.ts";
import { subjects as sessions, start as startSession } from "./session.ts";

const loads = cases.filter(({ pipelined }) => !pipelined);

const named = (name: string) => servers.find((server) => server.name === name)!;
const floor = named("floor on Node");
/** What ours spends on a reply of its own, microseconds. */
const spin = 4;
/** The second does as much as ours, and nothing: what that alone makes of the rest. */
const subjects: readonly Server[] = [
  floor,
  { ...floor, name: `floor that spins ${spin} us a reply`, start: (how) => floor.start({ ...how, spin }) },
  ...["sansmtp on Node", "floor on Bun", "sansmtp on Bun", "floor on Deno", "sansmtp on Deno"].map(named),
];

export async function run(plan: Plan): Promise<Findings> {
  const missing: Missing[] = [];
  const parts = [
    ...(await underLoads(plan, missing)),
    ...(await clients(plan, missing)),
    ...(await inProcess(plan)),
    ...(await holdings(plan)),
  ];
  return { rows: parts, missing };
}

async function underLoads(plan: Plan, missing: Missing[]): Promise<Row[]> {
  const wanted = loads.filter(({ name }) => plan.wants("table", name));
  if (wanted.length === 0) return [];
  const present = presentOf("profile", plan, subjects, missing);
  const rows: Row[] = [];
  const load = await loader();
  const running = await Promise.all(
    present.map(async (subject) => ({ subject, ...(await subject.start()) })),
  );
  try {
    for (const each of wanted) {
      const messages = Math.ceil(each.messages * (plan.quick ? 0.2 : 1));
      const profiled = running.map(({ subject, child, port }) => ({
        name: subject.name,
        child,
        work: () => send(load, each, port, messages, {}),
      }));
      rows.push(...(await measure(plan, each.name, profiled, messages, packages)));
    }
  } finally {
    await Promise.all([load.stop(), ...running.map(({ child }) => child.stop())]);
  }
  return rows;
}

const sending = { connections: 10, each: false, size: 4096 } as const;
const senders = { floor: "floor on Node", "sansmtp-pool": "sansmtp pool" } as const;

async function clients(plan: Plan, missing: Missing[]): Promise<Row[]> {
  const table = "clients, 4 KiB, 10 connections";
  if (!plan.wants("table", table)) return [];
  const reason = named("smtp-sink").missing();
  if (reason !== null) {
    missing.push({ bench: "profile", subject: "clients", reason });
    return [];
  }
  const port = await freePort();
  const server = new Child("smtp-sink", serverCore, sink(port));
  await server.listening(port);
  const messages = plan.quick ? 1000 : 4000;
  const file = await programOf("sender");
  const profiled = Object.entries(senders).map(([sender, name]) => {
    const child = new Child(name, loadCore, [process.execPath, file, JSON.stringify({ sender })]);
    const what: Sending = { ...sending, port, messages };
    return { name, child, work: () => child.ask({ ask: "send", ...what }) };
  });
  try {
    await Promise.all(profiled.map(({ child }) => child.answer()));
    return await measure(plan, table, profiled, messages, packages);
  } finally {
    await Promise.all([server.stop(), ...profiled.map(({ child }) => child.stop())]);
  }
}

async function inProcess(plan: Plan): Promise<Row[]> {
  const dialogue = "4 KiB message, pipelined";
  const table = `in process, ${dialogue}`;
  const wanted = sessions.filter(
    ({ runtime, title }) => runtime === "Node" && /^sansmtp core\b(?! behind)/.test(title),
  );
  if (!plan.wants("table", table)) return [];
  const times = plan.quick ? 5_000 : 50_000;
  const profiled = await Promise.all(
    wanted.map(async (subject) => {
      const child = await startSession(subject);
      return { name: subject.title, child, work: () => child.ask({ ask: "play", dialogue, times }) };
    }),
  );
  try {
    return await measure(plan, table, profiled, times, folders);
  } finally {
    await Promise.all(profiled.map(({ child }) => child.stop()));
  }
}

/** A program whose profiler is on while it works. */
interface Profiled {
  readonly name: string;
  readonly child: Child;
  readonly work: () => Promise<unknown>;
}

async function measure(
  plan: Plan,
  table: string,
  profiled: readonly Profiled[],
  messages: number,
  layering: Layering,
): Promise<Row[]> {
  const rounds = plan.rounds ?? (plan.quick ? 1 : 5);
  const found = profiled.map(() => new Map(layering.layers.map((layer) => [layer, [] as number[]])));
  for (let round = -2; round < rounds; round++) {
    for (const [index, { child, work }] of profiled.entries()) {
      await child.ask({ ask: "profile", on: true });
      await work();
      const { profile } = await child.ask<{ profile: Profile }>({ ask: "profile", on: false });
      if (round < 0) continue;
      const spent = byLayer(profile, layering);
      for (const [layer, samples] of found[index]!) samples.push((spent.get(layer) ?? 0) / messages);
    }
  }
  const rows = profiled.flatMap(({ name }, index) => rowsOf(`${table}: ${name}`, found[index]!));
  plan.show(rows);
  return rows;
}

function rowsOf(table: string, found: ReadonlyMap<string, readonly number[]>): Row[] {
  const row = (subject: string, samples: readonly number[]): Row => ({
    bench: "profile",
    table,
    subject,
    unit: "us per message",
    samples,
  });
  const lists = [...found.values()];
  const sums = lists[0]!.map((_, round) => lists.reduce((sum, list) => sum + list[round]!, 0));
  return [row("all", sums), ...[...found].map(([layer, samples]) => row(layer, samples))];
}

/** What Node has of an idle connection: in RAM, and on its heap, object by object. */
async function holdings(plan: Plan): Promise<Row[]> {
  const table = "idle connection";
  if (!plan.wants("table", table)) return [];
  const rows: Row[] = [];
  for (const server of ["floor on Node", "sansmtp on Node"].map(named)) {
    const found = new Map([...(await inMemory(plan, server)), ...(await onHeap(plan, server))]);
    for (const [subject, octets] of found) {
      const samples = [octets];
      rows.push({ bench: "profile", table: `${table}: ${server.name}`, subject, unit: "octets", samples });
    }
  }
  plan.show(rows);
  return rows;
}

/** With the young generation that V8 chooses, and with a small one: what it has grown by is held by no connection. */
async function inMemory(plan: Plan, server: Server): Promise<Map<string, number>> {
  const connections = plan.quick ? 500 : 5000;
  const found = new Map<string, number>();
  for (const young of [undefined, 1]) {
    await withHolder(server, { collects: true, young }, async (child, hold) => {
      await hold(100);
      const before = await held(server, child);
      await hold(connections);
      const after = await held(server, child);
      const name = young === undefined ? "RAM" : `RAM, young generation of ${young} MiB at most`;
      found.set(name, (after.ram - before.ram) / connections);
      found.set("heap in use", (after.heap - before.heap) / connections);
    });
  }
  return found;
}

async function onHeap(plan: Plan, server: Server): Promise<Map<string, number>> {
  const connections = plan.quick ? 200 : 1000;
  let found = new Map<string, number>();
  await withHolder(server, { collects: true }, async (child, hold) => {
    const snapshot = async (name: string): Promise<string> => {
      await pause(300);
      const file = join(tmpdir(), `sansmtp-bench-${process.pid}-${name}.heapsnapshot`);
      await child.ask({ ask: "snapshot", file });
      return file;
    };
    // What is made once is there before.
    await hold(connections);
    const before = await snapshot("before");
    await hold(connections);
    found = difference(before, await snapshot("after"), connections);
  });
  return found;
}

/** A server, and who holds so many connections to it: first they are held and let go of, later they stay. */
async function withHolder(
  server: Server,
  how: Starting,
  work: (child: Child, hold: (connections: number) => Promise<void>) => Promise<void>,
): Promise<void> {
  const { child, port } = await server.start(how);
  const holder = new Child("the holder", loadCore, [process.execPath, await programOf("load")]);
  let warm = false;
  try {
    await holder.answer();
    await work(child, async (connections) => {
      await holder.ask({ ask: "hold", port, connections });
      if (!warm) await holder.ask({ ask: "release" });
      warm = true;
    });
  } finally {
    await Promise.all([holder.stop(), child.stop()]);
  }
}

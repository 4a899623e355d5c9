/**
 * Where the time goes: the server of Node and its floor under the loads of the `server` bench, with the sampling profiler of
 * V8 on, and what it has found by whose code it is. The profiler costs something itself: read shares, not times.
 */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type Case, loader, presentOf, send } from "./loading.ts";
import type { Profile, ProfileNode } from "./programs/control.ts";
import type { Findings, Missing, Plan, Row } from "./rows.ts";
import { cases } from "./server.ts";
import { type Subject as Server, servers } from "./servers.ts";

const loads = cases.filter(({ pipelined }) => !pipelined);

const named = (name: string) => servers.find((server) => server.name === name)!;
const floor = named("floor on Node");
/** What ours spends on a reply of its own, microseconds. */
const spin = 4;
/** The second does as much as ours, and nothing: what that alone makes of the rest. */
const subjects: readonly Server[] = [
  floor,
  { ...floor, name: `floor that spins ${spin} us a reply`, start: (how) => floor.start({ ...how, spin }) },
  named("sansmtp on Node"),
];

export async function run(plan: Plan): Promise<Findings> {
  const missing: Missing[] = [];
  const present = presentOf("profile", plan, subjects, missing);
  const rounds = plan.rounds ?? (plan.quick ? 1 : 5);
  const rows: Row[] = [];
  const load = await loader();
  const running = await Promise.all(
    present.map(async (subject) => ({ subject, ...(await subject.start()) })),
  );
  try {
    for (const each of loads.filter(({ name }) => plan.wants("table", name))) {
      const found = running.map(() => new Map(layers.map((layer) => [layer, [] as number[]])));
      for (let round = -2; round < rounds; round++) {
        for (const [index, { child, port }] of running.entries()) {
          const messages = Math.ceil(each.messages * (plan.quick ? 0.2 : 1));
          await child.ask({ ask: "profile", on: true });
          await send(load, each, port, messages, {});
          const { profile } = await child.ask<{ profile: Profile }>({ ask: "profile", on: false });
          if (round < 0) continue;
          const spent = byLayer(profile);
          for (const [layer, samples] of found[index]!) samples.push((spent.get(layer) ?? 0) / messages);
        }
      }
      const of = running.flatMap(({ subject }, index) => rowsOf(each, subject.name, found[index]!));
      plan.show(of);
      rows.push(...of);
    }
  } finally {
    await Promise.all([load.stop(), ...running.map(({ child }) => child.stop())]);
  }
  return { rows, missing };
}

function rowsOf({ name }: Case, server: string, found: ReadonlyMap<string, readonly number[]>): Row[] {
  const row = (subject: string, samples: readonly number[]): Row => ({
    bench: "profile",
    table: `${name}: ${server}`,
    subject,
    unit: "us per message",
    samples,
  });
  const lists = [...found.values()];
  const sums = lists[0]!.map((_, round) => lists.reduce((sum, list) => sum + list[round]!, 0));
  return [row("all", sums), ...[...found].map(([layer, samples]) => row(layer, samples))];
}

const layers = [
  "the system: writing",
  "the system: the rest",
  "Node: streams, sockets, timers",
  "V8: garbage collection",
  "V8: microtasks, compiling, the rest",
  "sansmtp: core",
  "sansmtp: drive",
  "sansmtp: node",
  "the program",
] as const;
type Layer = (typeof layers)[number];

/** Microseconds by whose code was running. */
export function byLayer({ nodes, samples, timeDeltas }: Profile): ReadonlyMap<Layer, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((id) => [id, node] as const)));
  const known = new Map<number, Layer | null>();
  const spent = new Map<Layer, number>();
  for (const [index, id] of samples.entries()) {
    if (!known.has(id)) known.set(id, layerOf(byId.get(id)!, parents));
    const layer = known.get(id)!;
    if (layer !== null) spent.set(layer, (spent.get(layer) ?? 0) + timeDeltas[index]!);
  }
  return spent;
}

/** Null: nothing was running. What V8 has built in is whose code has called it. */
function layerOf(node: ProfileNode, parents: ReadonlyMap<number, ProfileNode>): Layer | null {
  const { functionName, url, lineNumber } = node.callFrame;
  if (functionName === "(idle)") return null;
  if (functionName === "(garbage collector)") return "V8: garbage collection";
  if (/^write[A-Z]|^writev$/.test(functionName) && url === "") return "the system: writing";
  if (/^(close|shutdown|getpeername|getsockname|setNoDelay|open|readStart|readStop)$/.test(functionName))
    if (url === "") return "the system: the rest";
  if (url.startsWith("node:")) return "Node: streams, sockets, timers";
  if (url.startsWith("wasm:")) return "sansmtp: core";
  if (url !== "") return moduleAt(url, lineNumber);
  const parent = parents.get(node.id);
  return parent === undefined || functionName.startsWith("(") || parent.callFrame.functionName === "(root)"
    ? "V8: microtasks, compiling, the rest"
    : layerOf(parent, parents);
}

const bundles = new Map<string, readonly (readonly [line: number, module: string])[]>();

/** By the comments with which esbuild heads each module of a bundle. */
function moduleAt(url: string, line: number): Layer {
  let heads = bundles.get(url);
  if (heads === undefined) {
    const lines = readFileSync(fileURLToPath(url), "utf8").split("\n");
    heads = lines.flatMap((text, at) => (/^\/\/ \S+\.ts$/.test(text) ? [[at, text.slice(3)] as const] : []));
    bundles.set(url, heads);
  }
  const module = heads.filter(([at]) => at <= line).at(-1)?.[1] ?? "";
  const name = /^packages\/(\w+)\//.exec(module)?.[1] ?? "";
  if (name === "core" || name === "drive" || name === "node") return `sansmtp: ${name}`;
  return name === "sasl" ? "sansmtp: drive" : "the program";
}

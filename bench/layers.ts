/** Whose code was running, by a profile of the sampling profiler: of V8, or of JavaScriptCore in Bun. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Profile, ProfileNode } from "./programs/control.ts";

/** How the modules of this workspace are told apart. */
export interface Layering {
  /** All there can be, in the order in which they are shown. */
  readonly layers: readonly string[];
  /** @param module its path from the root of the workspace; null: of no module that is known */
  name(module: string): string | null;
}

const system = ["the system: writing", "the system: the rest"] as const;
const runtime = "the runtime: streams, sockets, timers";
const collection = "the engine: garbage collection";
const engine = "the engine: microtasks, compiling, the rest";
const scanner = "sansmtp: core";
const program = "the program";

/** A layer for each package; the mechanisms of AUTH are counted as the driver's. */
export const packages: Layering = {
  layers: [
    ...system,
    runtime,
    collection,
    engine,
    scanner,
    "sansmtp: drive",
    "sansmtp: the adapter",
    program,
  ],
  name(module) {
    const name = /^packages\/(\w+)\//.exec(module)?.[1];
    if (name === "core" || name === "drive") return `sansmtp: ${name}`;
    if (name === "sasl") return "sansmtp: drive";
    return name === undefined ? null : "sansmtp: the adapter";
  },
};

/** A layer for each folder of the core. */
export const folders: Layering = {
  layers: [
    ...["core/wire", "core/syntax", "core/extensions", "core/server", "core/client", "core"],
    ...[collection, engine, ...system, runtime, program],
  ],
  name(module) {
    const folder = /^packages\/core\/src\/(?:(\w+)\/)?/.exec(module);
    return folder === null ? null : folder[1] === undefined ? "core" : `core/${folder[1]}`;
  },
};

/** Microseconds by whose code was running. */
export function byLayer(
  { nodes, samples, timeDeltas }: Profile,
  layering: Layering,
): ReadonlyMap<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const parents = new Map(nodes.flatMap((node) => (node.children ?? []).map((id) => [id, node] as const)));
  const known = new Map<number, string | null>();
  const spent = new Map<string, number>();
  for (const [index, id] of samples.entries()) {
    if (!known.has(id)) known.set(id, layerOf(byId.get(id)!, parents, layering));
    const layer = known.get(id)!;
    if (layer !== null) spent.set(layer, (spent.get(layer) ?? 0) + timeDeltas[index]!);
  }
  return spent;
}

/** Null: nothing was running. What an engine has built in is whose code has called it. */
function layerOf(
  node: ProfileNode,
  parents: ReadonlyMap<number, ProfileNode>,
  layering: Layering,
): string | null {
  const { functionName, url, lineNumber } = node.callFrame;
  if (functionName === "(idle)") return null;
  if (functionName === "(garbage collector)") return collection;
  if (url === "" && /^(op_)?write/.test(functionName)) return system[0];
  if (url === "" && calls.test(functionName)) return system[1];
  if (/^(node|ext|bun|internal):/.test(url)) return runtime;
  if (url.startsWith("wasm:") || functionName.startsWith(".wasm")) return layering.name(simd) ?? engine;
  if (url !== "") return layering.name(moduleAt(url, lineNumber)) ?? program;
  const parent = parents.get(node.id);
  return parent === undefined || functionName.startsWith("(") || parent.callFrame.functionName === "(root)"
    ? engine
    : layerOf(parent, parents, layering);
}

/** What the runtimes call of the system, beside writing: Node by these names, Deno by its ops. */
const calls = /^(op_\w+|close|shutdown|getpeername|getsockname|setNoDelay|open|readStart|readStop)$/;
const simd = "packages/core/src/wire/simd.ts";

const bundles = new Map<string, readonly (readonly [line: number, module: string])[]>();

/** By the comments with which esbuild heads each module of a bundle. */
function moduleAt(url: string, line: number): string {
  let heads = bundles.get(url);
  if (heads === undefined) {
    const path = url.startsWith("file:") ? fileURLToPath(url) : url;
    const lines = readFileSync(path, "utf8").split("\n");
    heads = lines.flatMap((text, at) => (/^\/\/ \S+\.ts$/.test(text) ? [[at, text.slice(3)] as const] : []));
    bundles.set(url, heads);
  }
  return heads.filter(([at]) => at <= line).at(-1)?.[1] ?? "";
}

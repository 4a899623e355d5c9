/** What a program holds for each of many connections, by a heap snapshot of V8 before them and one with them. */
import { readFileSync, rmSync } from "node:fs";

interface Snapshot {
  readonly snapshot: {
    readonly meta: {
      readonly node_fields: readonly string[];
      readonly node_types: readonly [readonly string[], ...unknown[]];
    };
  };
  readonly nodes: readonly number[];
  readonly strings: readonly string[];
}

/** Octets of each object by its constructor, each closure by its function, and of other things by their kind. */
export function difference(before: string, after: string, connections: number): Map<string, number> {
  const [few, many] = [octetsByName(before), octetsByName(after)];
  const found = new Map<string, number>();
  let rest = 0;
  for (const [name, octets] of many) {
    const each = (octets - (few.get(name) ?? 0)) / connections;
    if (each >= worthNaming) found.set(name, each);
    else rest += each;
  }
  const sorted = new Map([...found].sort(([, a], [, b]) => b - a));
  return sorted.set("the rest", rest);
}

/** Octets for each connection, below which something is one of many. */
const worthNaming = 24;

function octetsByName(file: string): Map<string, number> {
  const { snapshot, nodes, strings } = JSON.parse(readFileSync(file, "utf8")) as Snapshot;
  rmSync(file);
  const { node_fields: fields, node_types: types } = snapshot.meta;
  const [type, name, size] = ["type", "name", "self_size"].map((field) => fields.indexOf(field)) as [
    number,
    number,
    number,
  ];
  const octets = new Map<string, number>();
  for (let at = 0; at < nodes.length; at += fields.length) {
    const label = labelOf(types[0][nodes[at + type]!]!, strings[nodes[at + name]!]!);
    octets.set(label, (octets.get(label) ?? 0) + nodes[at + size]!);
  }
  return octets;
}

function labelOf(type: string, name: string): string {
  if (type === "object") return name.replace(/^_/, "");
  if (type === "closure") return `${name || "nameless"}()`;
  return type === "native" ? `native ${name}` : `${type}s`;
}

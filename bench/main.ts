/**
 * Every bench, one after the other; or those that are named: `pnpm bench session server`. See README.md.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { judged } from "./goals.ts";
import { machine } from "./machine.ts";
import type { Recorded } from "./page.ts";
import { draw, record, rounded } from "./record.ts";
import { type Findings, type Plan, print, type Row } from "./rows.ts";
import { peerVersions } from "./servers.ts";

const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  decode: () => import("./decode.ts"),
  encode: () => import("./encode.ts"),
  session: () => import("./session.ts"),
  server: () => import("./server.ts"),
  client: () => import("./client.ts"),
  profile: () => import("./profile.ts"),
  tls: () => import("./tls.ts"),
  scaling: () => import("./scaling.ts"),
};

interface Bench {
  run(plan: Plan): Findings | Promise<Findings>;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    json: { type: "string" },
    record: { type: "boolean", default: false },
    draw: { type: "boolean", default: false },
    subject: { type: "string", multiple: true },
    table: { type: "string", multiple: true },
  },
});
for (const name of positionals) {
  if (!(name in benches)) throw new Error(`no bench ${name}: there are ${Object.keys(benches).join(", ")}`);
}
const shown = new Set<Row>();
const plan: Plan = {
  quick: values.quick,
  rounds: values.rounds === undefined ? null : Number(values.rounds),
  wants: (kind, name) =>
    values[kind]?.some((part) => name.toLowerCase().includes(part.toLowerCase())) ?? true,
  show(rows) {
    print(rows.filter((row) => !shown.has(row)));
    for (const row of rows) shown.add(row);
  },
};
if (values.draw) {
  draw();
} else {
  const figures: Record<string, Recorded> = {};
  for (const name of positionals.length > 0 ? positionals : Object.keys(benches)) {
    const { run } = await benches[name]!();
    const before = machine();
    const found = await run(plan);
    plan.show(found.rows);
    const missing = found.missing ?? [];
    for (const { subject, reason } of missing) console.log(`without ${subject}: ${reason}`);
    figures[name] = rounded({
      date: new Date().toISOString(),
      command: ["pnpm bench", ...process.argv.slice(2)].join(" "),
      machine: { ...before, versions: { ...before.versions, ...peerVersions() } },
      rows: found.rows,
      missing,
    });
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(figures, null, 1)}\n`);
  }
  for (const { what, limit, measured, met } of judged(Object.values(figures).flatMap(({ rows }) => rows)))
    console.log(`${met ? "met    " : "NOT MET"}  ${what}: ${measured}, ${limit}`);
  if (values.record) record(figures);
}

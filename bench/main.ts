/**
 * Every bench, one after the other; or those that are named: `pnpm bench session server`. See README.md.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { machine } from "./machine.ts";
import { type Findings, type Missing, type Plan, print, type Row } from "./rows.ts";
import { peerVersions } from "./servers.ts";

const benches: Readonly<Record<string, () => Promise<Bench>>> = {
  decode: () => import("./decode.ts"),
  encode: () => import("./encode.ts"),
  session: () => import("./session.ts"),
  server: () => import("./server.ts"),
  client: () => import("./client.ts"),
  tls: () => import("./tls.ts"),
  scaling: () => import("./scaling.ts"),
};

interface Bench {
  // biome-ignore lint/suspicious/noConfusingVoidType: some print what they find and keep nothing of it
  run(plan: Plan): Findings | void | Promise<Findings | void>;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    rounds: { type: "string" },
    json: { type: "string" },
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
const rows: Row[] = [];
const missing: Missing[] = [];
for (const name of positionals.length > 0 ? positionals : Object.keys(benches)) {
  const { run } = await benches[name]!();
  const found = await run(plan);
  if (!found) continue;
  plan.show(found.rows);
  for (const { subject, reason } of found.missing ?? []) console.log(`without ${subject}: ${reason}`);
  rows.push(...found.rows);
  missing.push(...(found.missing ?? []));
}
if (values.json !== undefined) {
  const command = ["pnpm bench", ...process.argv.slice(2)].join(" ");
  const run = { date: new Date().toISOString(), command, machine: machine(peerVersions()), rows, missing };
  writeFileSync(values.json, `${JSON.stringify(run, null, 1)}\n`);
}

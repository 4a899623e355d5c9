/**
 * The same with TLS from the first octet, by a client of Node: what encryption costs above the floor's, and what a
 * handshake.
 */
import { type Case, presentOf, underLoad } from "./loading.ts";
import type { Findings, Missing, Plan, Row } from "./rows.ts";
import { pair, secureServers } from "./servers.ts";

const common = { connections: 10, each: false, pipelined: true };
const cases: readonly Case[] = [
  { ...common, name: "4 KiB, 10 kept open, TLS", size: 4096, messages: 4000 },
  { ...common, name: "64 KiB, 10 kept open, TLS", size: 65_536, messages: 1000 },
  { ...common, name: "4 KiB, a handshake each, TLS", size: 4096, each: true, messages: 200 },
];

export async function run(plan: Plan): Promise<Findings> {
  const missing: Missing[] = [];
  const present = presentOf("tls", plan, secureServers, missing);
  const loads = cases.filter(({ name }) => plan.wants("table", name));
  const rows: Row[] = await underLoad("tls", plan, present, loads, missing, { tls: await pair() });
  return { rows, missing };
}

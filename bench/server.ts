/**
 * Servers under load, over loopback: what the process of each spends on a message, by the system's own account.
 *
 * All servers run all the time, and are loaded one after the other, round by round, so that a busy machine slows them
 * all alike; ratios are made within a round. Servers are on one core and the load on another.
 */

import { idle } from "./idle.ts";
import { type Case, presentOf, underLoad } from "./loading.ts";
import type { Findings, Missing, Plan, Row } from "./rows.ts";
import { servers } from "./servers.ts";

export const cases: readonly Case[] = [
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
  const missing: Missing[] = [];
  const present = presentOf("server", plan, servers, missing);
  const rows: Row[] = [];
  const loads = cases.filter(({ name }) => plan.wants("table", name));
  if (loads.length > 0) rows.push(...(await underLoad("server", plan, present, loads, missing)));
  rows.push(...(await idle(plan, present, missing)));
  return { rows, missing };
}

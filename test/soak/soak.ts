import { expect } from "vitest";
import type { Held } from "../runtimes/calls.ts";
import type { Running } from "../runtimes/running.ts";
import type { Runtime } from "../runtimes/runtimes.ts";

/** How many sessions each runtime goes through, on each side; `pnpm soak --sessions 5000` says so. */
export const sessions: number = Number(process.env.SANSMTP_SOAK_SESSIONS ?? 200);

/** Time for a round, milliseconds: on a busy machine a session takes 20 ms. */
export const within: number = 60_000 + 60 * sessions;

/** How a runtime is started so that it can be told to collect its garbage. */
export function collecting(runtime: Runtime): Runtime {
  const [command, ...given] = runtime.given;
  switch (runtime.starter) {
    case "node":
      return { ...runtime, given: ["--expose-gc", ...runtime.given] };
    case "deno":
      // What V8 compiles may hold on to one connection, whatever became of it: 1 is alive behind 2,000 sessions as behind
      // 10,000, and none without its compilers.
      return {
        ...runtime,
        given: [command!, "--v8-flags=--expose-gc,--no-opt,--no-maglev,--no-sparkplug", ...given],
      };
    default:
      return runtime;
  }
}

/** What a process holds, with its descriptors. */
export interface Rest extends Held {
  readonly descriptors: number;
}

/**
 * Waits until nothing is left of what went on, and gives what is held then.
 *
 * @param before what was held when something like it had gone on before: a runtime opens and keeps things of its own
 */
export async function rest(running: Running, before: Rest | null = null): Promise<Rest> {
  for (const end = performance.now() + 15_000; ; ) {
    const held = { ...(await running.call("measure")), descriptors: running.descriptors() ?? 0 };
    const open = before?.descriptors ?? Number.POSITIVE_INFINITY;
    if (held.timers === 0 && held.alive === 0 && held.descriptors <= open) return held;
    if (performance.now() > end)
      throw new Error(`something is left: ${JSON.stringify(held)}; before: ${JSON.stringify(before)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Memory is back where it was, but for what a runtime learns of the code. */
export function expectBack(after: Rest, before: Rest): void {
  const held = ({ heap, buffers }: Rest): number => heap + buffers;
  expect(held(after) - held(before), "octets more than before").toBeLessThan(learnt);
}

/** `heap 6.7 to 7.2 MB`... */
export function shown(before: Rest, after: Rest): string {
  const mega = (octets: number): string => (octets / 1e6).toFixed(1);
  const of = (name: "heap" | "buffers" | "resident"): string =>
    `${name} ${mega(before[name])} to ${mega(after[name])} MB`;
  return `${of("heap")}, ${of("buffers")}, ${of("resident")}, descriptors ${before.descriptors} to ${after.descriptors}, ${after.timers} timers, ${after.alive} connections alive`;
}

/** Octets: measured are up to 0.8 MB after 300 sessions, and up to 1.5 MB after 5,000 (Deno: 2.1 MB). */
const learnt = 3_000_000;

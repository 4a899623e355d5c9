import type { Held } from "../calls.ts";

/** What was made here, as long as it is not collected. */
let watched: WeakRef<object>[] = [];

/** Counts an object among those alive until it is collected. */
export function watch(object: object): void {
  watched.push(new WeakRef(object));
}

/** What the process holds, once all garbage is collected. */
export async function measure(): Promise<Held> {
  watchTimers();
  // What a WeakRef has given stays alive until the task is over, and what one collection frees may hold others.
  for (let time = 0; time < 3; time++) {
    await new Promise((resolve) => setImmediate(resolve));
    collect();
  }
  await new Promise((resolve) => setImmediate(resolve));
  watched = watched.filter((reference) => reference.deref() !== undefined);
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return {
    heap: heapUsed,
    buffers: arrayBuffers,
    resident: rss,
    timers: timers.size,
    alive: watched.length,
  };
}

/** Node and Deno have to be started with `--expose-gc`. */
function collect(): void {
  const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(force: boolean): void } };
  if (Bun !== undefined) Bun.gc(true);
  else if (gc !== undefined) gc();
  else throw new Error("this process cannot be told to collect garbage");
}

type Timer = ReturnType<typeof setTimeout>;

/** Those that are set, have not rung and were not cleared. */
const timers: Set<Timer> = new Set();
let watching = false;

/** Counts the timers of the code under test: it has none but those of `setTimeout`. */
function watchTimers(): void {
  if (watching) return;
  watching = true;
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const counting = (rings: (...given: unknown[]) => void, span?: number, ...given: unknown[]): Timer => {
    const timer = set(() => {
      timers.delete(timer);
      rings(...given);
    }, span);
    timers.add(timer);
    return timer;
  };
  globalThis.setTimeout = Object.assign(counting, set) as typeof setTimeout;
  globalThis.clearTimeout = (timer) => {
    timers.delete(timer as Timer);
    clear(timer);
  };
}

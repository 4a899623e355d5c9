/** How the bench talks to a program that it has started, in any runtime: lines of JSON, one answer for each. */

type Answering = (question: never) => unknown;

/** Answers questions by name until the bench is gone, and with it this program. */
export function answering(answers: Readonly<Record<string, Answering>>): void {
  let rest = "";
  process.stdin.setEncoding("utf8").on("data", async (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      const question = JSON.parse(line) as { readonly ask: string };
      const answer = await answers[question.ask]!(question as never);
      say(answer ?? {});
    }
  });
  process.stdin.on("end", () => process.exit());
}

export function say(answer: unknown): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

/** For a server: it tells its port, and what memory it holds. */
export function serving(port: number): void {
  say({ port });
  answering({ memory, profile, snapshot });
}

/** What a sampling profiler gives. */
export interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  /** Microseconds. */
  readonly timeDeltas: readonly number[];
}

export interface ProfileNode {
  readonly id: number;
  readonly children?: readonly number[];
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

let profiler: import("node:inspector/promises").Session | null = null;

/** Begins to sample, or gives what was found. */
export async function profile({ on }: { readonly on: boolean }): Promise<{ profile: object } | null> {
  if (on) {
    const { Session } = await import("node:inspector/promises");
    profiler = new Session();
    profiler.connect();
    await profiler.post("Profiler.enable");
    await profiler.post("Profiler.setSamplingInterval", { interval: 200 });
    await profiler.post("Profiler.start");
    return null;
  }
  const found = (await profiler?.post("Profiler.stop")) ?? null;
  profiler?.disconnect();
  profiler = null;
  return found;
}

/** Writes all there is on the heap of V8 to a file. */
async function snapshot({ file }: { readonly file: string }): Promise<null> {
  const { writeHeapSnapshot } = await import("node:v8");
  writeHeapSnapshot(file);
  return null;
}

/** After a collection, where the runtime lets itself be told. */
export function memory(): { heap: number; external: number } {
  const { gc, Bun } = globalThis as { gc?: () => void; Bun?: { gc(now: boolean): void } };
  for (let pass = 0; pass < 3; pass++) {
    if (Bun === undefined) gc?.();
    else Bun.gc(true);
  }
  const { heapUsed, external } = process.memoryUsage();
  return { heap: heapUsed, external };
}

/** What was given on the command line, as JSON. */
export function given<T>(): T {
  return JSON.parse(process.argv[2] ?? "{}") as T;
}

/** What a server is given. */
export interface Serve {
  /** Null: no TLS; else it comes first. */
  readonly tls: { readonly key: string; readonly cert: string } | null;
  /** Microseconds that the floor on Node spends before each reply: a server that does more, and knows not what. */
  readonly spin?: number;
  /** The port, which it shares with others; left out: one of its own. */
  readonly shared?: number;
}

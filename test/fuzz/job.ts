import { Worker } from "node:worker_threads";
import type { Bundle } from "./bundle.ts";
import type { Kept } from "./corpus.ts";
import type { Found } from "./engine.ts";

/** What a worker is to do. */
export interface Job {
  readonly target: string;
  readonly seed: number;
  /** Inputs to begin with, beside the seeds of the target. */
  readonly inputs: readonly Kept[];
  /** False: the inputs are tried as they are, and nothing else. */
  readonly fuzz: boolean;
  /** Only inputs that reach a branch or a state of their own are kept, however often they do. */
  readonly coarse?: boolean;
  /** Of processor time. */
  readonly milliseconds: number;
  readonly executions?: number;
  readonly branches: readonly string[];
  /** A count that grows with each execution, the length of the input in hand, and the input. */
  readonly shared: SharedArrayBuffer;
}

/** How far it has come. */
export interface Ended {
  readonly executions: number;
  readonly measured: number;
  readonly reached: number;
  readonly features: number;
  readonly kept: number;
  readonly slowest: { readonly span: number; readonly input: Uint8Array };
}

/** What is told of a job while it runs. */
export interface Audience {
  readonly found: (found: Found) => void;
  readonly kept?: (input: Uint8Array) => void;
  readonly told?: (ended: Ended) => void;
}

export interface Result {
  readonly ended: Ended;
  readonly corpus: readonly Uint8Array[];
  /** The input on which it hung, or of which it died. */
  readonly hung: Uint8Array | null;
}

/**
 * Runs a job in a worker, and ends it when an input does not come to an end.
 *
 * @param patience CPU time of this process without a new execution after which the one in hand is a hang, milliseconds
 */
export function run(
  bundle: Bundle,
  job: Omit<Job, "branches" | "shared">,
  audience: Audience,
  patience = 15_000,
): Promise<Result> {
  const shared = new SharedArrayBuffer(8 + (1 << 20));
  const beats = new Int32Array(shared, 0, 2);
  const worker = new Worker(bundle.path, {
    workerData: { ...job, branches: bundle.branches, shared } satisfies Job,
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  });
  const inHand = (): Uint8Array => new Uint8Array(shared, 8, Atomics.load(beats, 1)).slice();
  return new Promise((resolve, reject) => {
    let last: Ended = {
      executions: 0,
      measured: 0,
      reached: 0,
      features: 0,
      kept: 0,
      slowest: { span: 0, input: new Uint8Array() },
    };
    let seen = -1;
    let since = process.cpuUsage();
    const end = (result: Result): void => {
      clearInterval(timer);
      void worker.terminate().then(() => resolve(result));
    };
    const timer = setInterval(() => {
      const now = Atomics.load(beats, 0);
      if (now !== seen) {
        seen = now;
        since = process.cpuUsage();
        return;
      }
      const { user, system } = process.cpuUsage(since);
      if (user + system < patience * 1000) return;
      const input = inHand();
      audience.found({ kind: "G6 hang", message: "it does not come to an end", input, execution: now });
      end({ ended: last, corpus: [], hung: input });
    }, 500);
    worker.on("message", (message) => {
      if (message.type === "found") audience.found(message.found);
      else if (message.type === "kept") audience.kept?.(message.input);
      else {
        last = message.ended;
        audience.told?.(last);
        if (message.type === "ended") end({ ended: last, corpus: message.corpus, hung: null });
      }
    });
    worker.on("error", (error) => {
      if (seen < 1 && Atomics.load(beats, 0) === 0) {
        clearInterval(timer);
        return reject(error);
      }
      const input = inHand();
      audience.found({ kind: "G6 the worker died", message: String(error), input, execution: seen });
      end({ ended: last, corpus: [], hung: input });
    });
  });
}

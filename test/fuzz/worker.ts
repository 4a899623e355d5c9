/**
 * What runs in a thread of its own, from a bundle in which core and sasl are instrumented: fuzzes one target for a
 * time, or a number of executions, or only tries what it is given. Before each execution the input is put where the
 * other thread can see it, so that it is not lost when this one hangs.
 */
import { parentPort, workerData } from "node:worker_threads";
import { Engine, type Found } from "./engine.ts";
import type { Ended, Job } from "./job.ts";
import { targets } from "./targets/index.ts";

process.setSourceMapsEnabled(true);
const job = workerData as Job;
const target = targets.find(({ name }) => name === job.target);
if (target === undefined) throw new Error(`no target ${job.target}`);
const port = parentPort;
if (port === null) throw new Error("this is to be run as a worker");

const beats = new Int32Array(job.shared, 0, 2);
const view = new Uint8Array(job.shared, 8);
const on = {
  watch: (input: Uint8Array) => {
    const length = Math.min(input.length, view.length);
    view.set(length < input.length ? input.subarray(0, length) : input);
    Atomics.store(beats, 1, length);
    Atomics.add(beats, 0, 1);
  },
  found: (found: Found) => port.postMessage({ type: "found", found }),
  kept: (input: Uint8Array) => port.postMessage({ type: "kept", input }),
};
const { coarse = false, fuzz } = job;
// What is only tried is tried in every run of the tests: costs are looked at now and then.
const engine = new Engine(target, job.branches, job.seed, on, { coarse, share: fuzz ? 1 / 3 : 1 / 20 });

const begun = process.cpuUsage();
const most = job.executions ?? Number.POSITIVE_INFINITY;
for (const input of target.seeds()) engine.add(input);
for (const { input, reason } of job.inputs) engine.add(input, reason);
let told = performance.now();
if (fuzz) {
  while (engine.executions < most && spent() < job.milliseconds) {
    for (let count = 0; count < 20 && engine.executions < most; count++) engine.step();
    if (performance.now() < told + 5000) continue;
    told = performance.now();
    port.postMessage({ type: "told", ended: ended() });
  }
}
port.postMessage({ type: "ended", ended: ended(), corpus: engine.corpus });

function ended(): Ended {
  const { executions, measured, reached, features, slowest, corpus } = engine;
  return { executions, measured, reached, features, kept: corpus.length, slowest };
}

/** Processor time of this process since the worker began, milliseconds: that others have the machine is no fuzzing. */
function spent(): number {
  const { user, system } = process.cpuUsage(begun);
  return (user + system) / 1000;
}

import cluster from "node:cluster";
import { createInterface } from "node:readline";
import { answering, given, say } from "./control.ts";

// Runs a program of Node in several processes that share its port.

const { exec, workers } = given<{ readonly exec: string; readonly workers: number }>();
cluster.setupPrimary({ exec, silent: true, args: ['{"tls":null}'] });
const started = await Promise.all(
  Array.from({ length: workers }, async () => {
    const { process: worker } = cluster.fork();
    for await (const line of createInterface({ input: worker.stdout! })) {
      const { port } = JSON.parse(line) as { readonly port: number };
      worker.stdout!.resume();
      return { port, pid: worker.pid! };
    }
    throw new Error("a worker has ended");
  }),
);
say({ port: started[0]!.port, pids: started.map(({ pid }) => pid) });
answering({});

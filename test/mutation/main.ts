/**
 * Tries the mutants of the core, and records what became of them:
 *
 *     main.ts [path...] [--sample PERCENT] [--seed NUMBER] [--again] [--tests PATH]... [--record]
 *
 * `path` is the begin of a path below packages/core/src. What is known of a mutant whose file has not changed since is
 * kept in node_modules/.cache, and is not tried again, unless it survived and `--again` asks for that; with `--tests` behind
 * the tests of some files alone, which is quick where a trial would end before it comes to them. `--record` writes
 * what is known of all of them to packages/core/MUTANTS.md.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { folder, inHandOf } from "./folder.ts";

// A mutant may take all memory there is: then the process aborts, and another goes on behind it.
const run = fileURLToPath(new URL("./run.ts", import.meta.url));
for (let time = 0; time < 20; time++) {
  const { status, signal, pid } = spawnSync(
    process.execPath,
    [...process.execArgv, "--max-old-space-size=3000", run, ...process.argv.slice(2)],
    { stdio: "inherit" },
  );
  const inHand = inHandOf(pid);
  const key = existsSync(inHand) ? readFileSync(inHand, "utf8") : null;
  rmSync(inHand, { force: true });
  if (signal !== "SIGABRT" && status !== 134) process.exit(status ?? 1);
  const row = { key, verdict: "timeout", by: "the process ended" };
  if (key !== null) appendFileSync(join(folder, "journal.jsonl"), `${JSON.stringify(row)}\n`);
}
process.exit(1);

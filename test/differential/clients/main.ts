import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Contest, kindOf } from "./contest.ts";
import { type Ran, runs, writeDocument } from "./document.ts";
import { explain, keyOf, known } from "./known.ts";
import type { Script } from "./script.ts";

/** What is kept of a run, so that it can be gone on with. */
interface Progress extends Ran {
  scripts: number;
  compared: number;
  differing: number;
  readonly rows: Record<string, number>;
  /** What no row explained when it was found: a few of each kind. */
  unexplained: { readonly kind: string; readonly script: Script }[];
}

export interface Given {
  readonly scripts: number;
  readonly seed: number;
  readonly width: number;
  readonly record: boolean;
}

const cache = fileURLToPath(new URL("../../../node_modules/.cache/sansmtp-differential/", import.meta.url));
const batch = 500;

/** `pnpm differential --clients`: plays scripts to nodemailer and to ours; true: a difference is not explained. */
export async function playClients({ scripts, seed, width, record }: Given): Promise<boolean> {
  mkdirSync(cache, { recursive: true });
  const place = `${cache}clients-${seed}.json`;
  const progress = begun(place);
  const contest = await Contest.open(width);
  const began = performance.now();
  while (progress.scripts < scripts) {
    const which = { seed: seed * 1_000_003 + progress.scripts / batch, scripts: batch };
    await contest.meet(which, (script, { differences, compared }, open) => {
      progress.scripts++;
      progress.compared += compared;
      if (differences.length > 0) progress.differing++;
      for (const difference of differences) {
        const row = explain(difference);
        if (row !== null) progress.rows[keyOf(row)] = (progress.rows[keyOf(row)] ?? 0) + 1;
      }
      for (const difference of open) {
        const kind = kindOf(difference);
        if (progress.unexplained.filter((each) => each.kind === kind).length < 3)
          progress.unexplained.push({ kind, script });
      }
    });
    writeFileSync(place, JSON.stringify(progress));
  }
  const found: string[] = [];
  const still: Progress["unexplained"] = [];
  for (const { kind, script } of progress.unexplained) {
    const open = await contest.unexplained(script);
    if (open.length === 0) continue;
    still.push({ kind, script });
    if (found.length < 10)
      found.push(`${kind}\n${await contest.transcript(await contest.shrink(script, kindOf(open[0]!)))}`);
  }
  progress.unexplained = still;
  writeFileSync(place, JSON.stringify(progress));
  contest.close();
  console.log(
    `nodemailer: ${progress.scripts} scripts, ${progress.compared} commands, contents and outcomes compared, ${progress.differing} scripts with a difference; ${still.length} unexplained (${((performance.now() - began) / 1000).toFixed(0)} s)`,
  );
  for (const each of found) console.log(`unexplained: ${each}`);
  if (record) {
    const { scripts, compared, differing, rows } = progress;
    writeFileSync(runs, `${JSON.stringify({ scripts, compared, differing, seed, rows }, null, 2)}\n`);
    writeDocument();
    for (const row of known) if (!Object.hasOwn(rows, keyOf(row))) console.log(`never seen: ${keyOf(row)}`);
  }
  return still.length > 0;
}

function begun(place: string): Progress {
  try {
    return JSON.parse(readFileSync(place, "utf8")) as Progress;
  } catch {
    return { scripts: 0, compared: 0, differing: 0, rows: {}, unexplained: [] };
  }
}

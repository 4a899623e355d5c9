/**
 * `pnpm differential --peer NAME --sequences N --seed S`: plays sequences to a server and to ours. With `--clients`:
 * scripted servers to another client and to ours. It goes on where it was stopped. See README.md.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeDocument as writeClientDocument } from "./clients/document.ts";
import { playClients } from "./clients/main.ts";
import type { Difference } from "./compare.ts";
import { writeDocument } from "./document.ts";
import { explain, keyOf, known } from "./known.ts";
import { kindOf, meet, Opponent, type Sequence, shrink, transcript, visible } from "./running.ts";
import { servers } from "./servers.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    clients: { type: "boolean", default: false },
    peer: { type: "string", multiple: true, default: Object.keys(servers) },
    sequences: { type: "string", default: "1000" },
    seed: { type: "string", default: "1" },
    width: { type: "string", default: "24" },
    nice: { type: "string", default: "19" },
    record: { type: "boolean", default: false },
  },
});

/** What is kept of a run, so that it can be gone on with. */
interface Progress {
  sequences: number;
  units: number;
  differing: number;
  /** Differences that were there when there was time for replies, and not at first. */
  late: number;
  /** How often each row of the table was needed. */
  readonly rows: Record<string, number>;
  /** What no row explained when it was found, with the sequence: a few of each kind. */
  readonly unexplained: { readonly difference: Difference; readonly sequence: Sequence }[];
}

const cache = fileURLToPath(new URL("../../node_modules/.cache/sansmtp-differential/", import.meta.url));
const seed = Number(values.seed);
const batch = 100;
setPriority(Number(values.nice));
mkdirSync(cache, { recursive: true });
if (positionals[0] === "document") {
  writeDocument();
  writeClientDocument();
  process.exit();
}
if (values.clients) {
  const [scripts, width] = [Number(values.sequences), Number(values.width)];
  process.exit((await playClients({ scripts, seed, width, record: values.record })) ? 1 : 0);
}

let failed = false;
for (const peer of values.peer) {
  const place = `${cache}${peer}-${seed}.json`;
  const progress = begun(place);
  const opponent = await Opponent.start(peer);
  const began = performance.now();
  while (progress.sequences < Number(values.sequences)) {
    const number = progress.sequences / batch;
    const which = { seed: seed * 1_000_003 + number, sequences: batch, width: Number(values.width) };
    await meet(opponent, which, (sequence, compared, _open, late) => {
      progress.sequences++;
      progress.units += compared.units;
      if (late) progress.late++;
      if (compared.differences.length > 0) progress.differing++;
      for (const difference of compared.differences) {
        const row = explain(difference);
        if (row === null) {
          const kind = kindOf(difference);
          const alike = progress.unexplained.filter((each) => kindOf(each.difference) === kind);
          if (alike.length < 5) progress.unexplained.push({ difference, sequence });
        } else {
          const key = keyOf(row);
          progress.rows[key] = (progress.rows[key] ?? 0) + 1;
        }
      }
    });
    // A difference that a row has come to explain is gone with it.
    const rest = progress.unexplained.filter(({ difference }) => explain(difference) === null);
    progress.unexplained.splice(0, progress.unexplained.length, ...rest);
    writeFileSync(place, JSON.stringify(progress));
  }
  const seconds = (performance.now() - began) / 1000;
  const open = progress.unexplained.filter(({ difference }) => explain(difference) === null);
  console.log(
    `${peer}: ${progress.sequences} sequences, ${progress.units} commands and contents compared, ${progress.differing} sequences with a difference, ${progress.late} of which were late replies; ${open.length} unexplained (${seconds.toFixed(0)} s)`,
  );
  const kinds = new Set<string>();
  for (const { difference, sequence } of open) {
    if (kinds.has(kindOf(difference))) continue;
    kinds.add(kindOf(difference));
    if ((await opponent.unexplained(sequence, 40_000)).length === 0) {
      console.log(`  not found again: ${kindOf(difference)}  ${visible(difference.octets)}`);
      continue;
    }
    failed = true;
    console.log(`  unexplained: ${kindOf(difference)}`);
    console.log(await transcript(opponent, await shrink(opponent, sequence, kindOf(difference), 120)));
  }
  if (values.record) record(peer, progress);
  await opponent.stop();
}
process.exit(failed ? 1 : 0);

function begun(place: string): Progress {
  try {
    return JSON.parse(readFileSync(place, "utf8")) as Progress;
  } catch {
    return { sequences: 0, units: 0, differing: 0, late: 0, rows: {}, unexplained: [] };
  }
}

/** Writes to runs.json what the document says of the runs. */
function record(peer: string, { sequences, units, differing, rows }: Progress): void {
  const place = new URL("runs.json", import.meta.url);
  const runs = JSON.parse(readFileSync(place, "utf8")) as Record<string, object>;
  runs[peer] = { sequences, units, differing, seed, rows };
  writeFileSync(place, `${JSON.stringify(runs, null, 2)}\n`);
  writeDocument();
  const unused = known.filter((row) => Object.hasOwn(row.theirs, peer) && !Object.hasOwn(rows, keyOf(row)));
  for (const row of unused) console.log(`  never seen: ${row.requirement} ${row.said}`);
}

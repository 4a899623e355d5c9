import type { ServerConfig } from "@sansmtp/core";
import fc from "fast-check";
import { Folder, freePort } from "../servers/root.ts";
import { type Compared, compare, type Delivery, type Difference, grouped } from "./compare.ts";
import { deliveries, sequences } from "./grammar.ts";
import { explain } from "./known.ts";
import { configured, run, type Unit } from "./ours.ts";
import { play } from "./play.ts";
import { servers } from "./servers.ts";

/** A sequence, and how it is given. */
export interface Sequence {
  readonly steps: readonly string[];
  readonly delivery: Delivery;
}

/** A server that runs, and ours with what it announces. */
export class Opponent {
  readonly name: string;
  readonly #port: number;
  readonly #config: ServerConfig;
  readonly #stop: () => Promise<void>;

  private constructor(name: string, port: number, keywords: readonly string[], stop: () => Promise<void>) {
    this.name = name;
    this.#port = port;
    this.#config = configured(keywords);
    this.#stop = stop;
  }

  static async start(name: string): Promise<Opponent> {
    const rival = servers[name]!;
    const folder = await (rival.program === null ? Folder.anywhere() : Folder.make());
    const port = await freePort();
    const listening = await rival.start(folder, port);
    const stop = async (): Promise<void> => {
      await listening.stop();
      await folder.remove();
    };
    const hello = [
      { octets: "", replies: 1 },
      { octets: "EHLO client.example.net\r\n", replies: 1 },
    ];
    const { lines } = await play(port, hello, {
      patience: 10_000,
      silence: 10,
      closes: false,
      goesOn: () => true,
    });
    const keywords = (lines[1] ?? []).slice(1).map((line) => line.slice(4).split(" ")[0]!.toUpperCase());
    if (keywords.length === 0) {
      await stop();
      throw new Error(`${name} does not greet: ${JSON.stringify(lines)}`);
    }
    return new Opponent(name, port, keywords, stop);
  }

  stop(): Promise<void> {
    return this.#stop();
  }

  ours({ steps }: Sequence): Unit[] {
    return run(this.#config, steps.join(""));
  }

  /** Plays a sequence to both; when there is time, in lockstep, too. */
  async compare(sequence: Sequence, patience = 4_000): Promise<Compared> {
    const thorough = patience >= 40_000;
    const facing = { server: this.name, port: this.#port, patience, silence: patience / 100, thorough };
    return compare(facing, this.ours(sequence), sequence.delivery);
  }

  /** What no row explains; none if that was a matter of time. */
  async unexplained(sequence: Sequence, patience?: number): Promise<Difference[]> {
    return openOf(await this.compare(sequence, patience));
  }
}

/** Differences of one kind are likely to have one reason. */
export function kindOf({ kind, state, rules, ours, theirs, after }: Difference): string {
  return [kind, ours, theirs, rules.join("+"), state, ...after.map((what) => `after ${what}`)].join(" | ");
}

/** Takes away from a sequence what its difference does not need. */
export async function shrink(
  opponent: Opponent,
  sequence: Sequence,
  kind: string,
  attempts = 200,
): Promise<Sequence> {
  let best = sequence;
  let remaining = attempts;
  const better = async (candidate: Sequence): Promise<boolean> => {
    if (remaining-- <= 0) return false;
    const left = await opponent.unexplained(candidate, 3_000);
    if (!left.some((difference) => kindOf(difference) === kind)) return false;
    best = candidate;
    return true;
  };
  await better({ ...best, delivery: { pace: "lockstep", cuts: [] } });
  if (best.delivery.cuts.length > 0) await better({ ...best, delivery: { ...best.delivery, cuts: [] } });
  for (let size = Math.ceil(best.steps.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.steps.length && remaining > 0; ) {
      const steps = best.steps.filter((_, index) => index < at || index >= at + size);
      if (steps.length === best.steps.length || !(await better({ ...best, steps }))) at += size;
    }
  }
  for (let step = 0; step < best.steps.length; step++) {
    for (
      let size = Math.ceil(best.steps[step]!.length / 2);
      size >= 1;
      size = size === 1 ? 0 : Math.ceil(size / 2)
    ) {
      for (let at = 0; at < best.steps[step]!.length && remaining > 0; ) {
        const whole = best.steps[step]!;
        const shorter = whole.slice(0, at) + whole.slice(at + size);
        const steps = best.steps.map((each, index) => (index === step ? shorter : each));
        if (!(await better({ ...best, steps }))) at += size;
      }
    }
  }
  return best;
}

/** Both sides of a sequence. */
export async function transcript(opponent: Opponent, sequence: Sequence): Promise<string> {
  const units = opponent.ours(sequence);
  const { differences, heard } = await opponent.compare(sequence);
  const lockstep =
    heard.codes.length === grouped(units, "lockstep", []).length || sequence.delivery.pace === "lockstep";
  const lines = units.map((unit, at) => {
    const theirs = lockstep ? (heard.lines[at] ?? ["(not said)"]).join(" / ") : "";
    const ours = unit.codes.join(" ") + (unit.closes ? " closes" : "");
    const mark = differences.some((difference) => difference.at === at) ? "*" : " ";
    return `${mark} ${unit.state.padEnd(11)} C: ${visible(unit.octets)}\n    ours   ${ours} ${unit.rules.join(" ")}\n    theirs ${theirs}`;
  });
  const all = lockstep ? "" : `\n  theirs, in all: ${heard.lines.flat().join(" / ")}`;
  const closed = heard.closed === null ? "" : "\n  theirs has closed";
  return `${opponent.name}, ${sequence.delivery.pace}:\n${lines.join("\n")}${all}${closed}`;
}

/** Octets as they can be read: `\r\n`, `\xe4`; what is long is cut. */
export function visible(octets: string): string {
  const text =
    octets.length > 200 ? `${octets.slice(0, 120)}…${octets.slice(-40)} (${octets.length} octets)` : octets;
  return JSON.stringify(text).replace(/[\x7f-\xff]/g, (octet) => `\\x${octet.charCodeAt(0).toString(16)}`);
}

/** Which sequences, and how many at the same time. */
export interface Run {
  readonly seed: number;
  readonly sequences: number;
  readonly width: number;
}

/**
 * Plays sequences, each of them fixed by the seed and its number.
 *
 * @param tell is told what came of each, and which differences no row explains. Those were found twice, the second time
 *   with time for replies; what was not is not in `open`
 */
export async function meet(
  opponent: Opponent,
  { seed, sequences: count, width }: Run,
  tell: (sequence: Sequence, compared: Compared, open: readonly Difference[], late: boolean) => void,
): Promise<void> {
  const all = fc.sample(fc.tuple(sequences, deliveries), { numRuns: count, seed });
  let next = 0;
  const player = async (): Promise<void> => {
    for (let number = next++; number < all.length; number = next++) {
      const [steps, delivery] = all[number]!;
      // Who closes at the second command of a group would hide all others.
      const alone = opponent.name === "opensmtpd" && number % 20 !== 0;
      const sequence: Sequence = { steps, delivery: alone ? { ...delivery, pace: "lockstep" } : delivery };
      let compared = await opponent.compare(sequence);
      let open = openOf(compared);
      const again = open.length > 0;
      if (again) {
        compared = await opponent.compare(sequence, 40_000);
        open = openOf(compared);
      }
      tell(sequence, compared, open, again && open.length === 0);
    }
  };
  await Promise.all(Array.from({ length: width }, player));
}

function openOf({ differences }: Compared): Difference[] {
  return differences.filter((difference) => explain(difference) === null);
}

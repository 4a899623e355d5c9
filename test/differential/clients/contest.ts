import fc from "fast-check";
import { certificates } from "../../node/certificates.ts";
import { type Compared, compare, type Difference } from "./compare.ts";
import { explain } from "./known.ts";
import { good, type Script, scripts } from "./script.ts";
import { nodemailer, ours } from "./senders.ts";
import { Stage } from "./stage.ts";

/** Which scripts, and how many at the same time. */
export interface Run {
  readonly seed: number;
  readonly scripts: number;
  readonly width: number;
}

/** Where both clients are given the same scripts. */
export class Contest {
  readonly #ca: string;
  readonly #stages: readonly Stage[];

  private constructor(ca: string, stages: readonly Stage[]) {
    this.#ca = ca;
    this.#stages = stages;
  }

  static async open(width: number): Promise<Contest> {
    const { ca, server } = await certificates();
    const stages = await Promise.all(Array.from({ length: width }, () => Stage.open(server)));
    return new Contest(ca.cert, stages);
  }

  close(): void {
    for (const stage of this.#stages) stage.close();
  }

  /**
   * Plays scripts, each of them fixed by the seed and its number.
   *
   * @param tell is told what came of each, and which differences no row explains. Those were found twice, the second
   *   time with time for replies; what was not is not in `open`
   */
  async meet(
    { seed, scripts: count }: Pick<Run, "seed" | "scripts">,
    tell: (script: Script, compared: Compared, open: readonly Difference[]) => void,
  ): Promise<void> {
    const all = fc.sample(scripts, { numRuns: count, seed });
    let next = 0;
    const player = async (stage: Stage): Promise<void> => {
      for (let number = next++; number < all.length; number = next++) {
        const script = all[number]!;
        let compared = await this.#play(stage, script, 700);
        if (openOf(compared).length > 0) compared = await this.#play(stage, script, 8_000);
        tell(script, compared, openOf(compared));
      }
    };
    await Promise.all(this.#stages.map(player));
  }

  /** What no row explains. */
  async unexplained(script: Script): Promise<readonly Difference[]> {
    return openOf(await this.#play(this.#stages[0]!, script, 4_000));
  }

  /** Takes away from a script what its difference does not need. */
  async shrink(script: Script, kind: string, attempts = 60): Promise<Script> {
    let best = script;
    let left = attempts;
    const candidates = (): Script[] => {
      const { fates, messages, offers } = best;
      const without = Object.keys(fates).map((slot) => {
        const { [slot]: _, ...rest } = fates;
        return { ...best, fates: rest };
      });
      const calmer = Object.keys(fates).map((slot) => ({
        ...best,
        fates: { ...fates, [slot]: { ...fates[slot]!, lines: 1, bald: false, enhanced: good.enhanced } },
      }));
      return [
        ...(messages.length > 1 ? [{ ...best, messages: messages.slice(0, 1) }] : []),
        ...without,
        ...messages.flatMap((message) =>
          message.to.length > 1
            ? [
                {
                  ...best,
                  messages: messages.map((each) =>
                    each === message ? { ...message, to: message.to.slice(0, -1) } : each,
                  ),
                },
              ]
            : [],
        ),
        ...offers.map((_, at) => ({ ...best, offers: offers.filter((__, other) => other !== at) })),
        ...calmer,
        { ...best, piece: 0 },
        { ...best, auth: false },
        { ...best, welcome: "" },
      ].filter((each) => JSON.stringify(each) !== JSON.stringify(best));
    };
    for (let better = true; better && left > 0; ) {
      better = false;
      for (const candidate of candidates()) {
        if (left-- <= 0) break;
        const open = await this.unexplained(candidate);
        if (!open.some((difference) => kindOf(difference) === kind)) continue;
        best = candidate;
        better = true;
        break;
      }
    }
    return best;
  }

  /** Both sides of a script. */
  async transcript(script: Script): Promise<string> {
    const { differences } = await this.#play(this.#stages[0]!, script, 4_000);
    const [first] = differences;
    const fates = Object.entries(script.fates).map(([slot, fate]) => `${slot}: ${fate.doing} ${fate.code}`);
    const { messages: _, fates: __, ...rest } = script;
    const lines = [
      `  ${JSON.stringify(rest)}`,
      ...script.messages.map((each) => `  ${JSON.stringify(each)}`),
    ];
    if (fates.length > 0) lines.push(`  the server: ${fates.join("; ")}`);
    for (const who of ["ours", "theirs"] as const) {
      const played = first?.played[who];
      if (played === undefined) continue;
      lines.push(`  ${who}: ${played.seen.said.map(({ text }) => text).join(" / ")}`);
      lines.push(`    told: ${JSON.stringify(played.told)}`);
    }
    for (const each of differences)
      lines.push(`  ${explain(each) === null ? "*" : " "} ${kindOf(each)}: ${each.ours} | ${each.theirs}`);
    return lines.join("\n");
  }

  async #play(stage: Stage, script: Script, patience: number): Promise<Compared> {
    const left = await stage.play(script, (port) => ours(script, port, this.#ca, patience));
    const right = await stage.play(script, (port) => nodemailer(script, port, this.#ca, patience));
    return compare(script, left, right);
  }
}

/** Differences of one kind are likely to have one reason. */
export function kindOf({ kind, ours, theirs, why }: Difference): string {
  const bare = (text: string): string => text.replace(/\d+/g, "0").slice(0, 60);
  return [kind, bare(ours), bare(theirs), bare(why.ours), bare(why.theirs)].join(" | ");
}

export function openOf({ differences }: Compared): Difference[] {
  return differences.filter((difference) => explain(difference) === null);
}

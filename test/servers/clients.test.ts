import fc from "fast-check";
import { describe, expect } from "vitest";
import { type Difference, truths } from "../differential/clients/compare.ts";
import { kindOf } from "../differential/clients/contest.ts";
import { scripts } from "../differential/clients/script.ts";
import { modes, program, Sink } from "../differential/clients/sink.ts";
import { it } from "./sending.ts";

// Both clients before smtp-sink in its modes, as test/differential/clients sets them before servers of its own.

const few = fc.sample(scripts, { numRuns: 40, seed: 7 }).map(({ messages }) => messages);

describe("differences from nodemailer", () => {
  for (const protocol of ["smtp", "lmtp"] as const) {
    it(`C-TXN-07 are all explained by the table, before smtp-sink in ${modes.length} modes, ${protocol}`, async ({
      need,
    }) => {
      need(program);
      const unexplained: string[] = [];
      const lies: string[] = [];
      let compared = 0;
      let differing = 0;
      let next = 0;
      const player = async (): Promise<void> => {
        for (let at = next++; at < modes.length; at = next++) {
          const options = modes[at]!;
          const sink = await Sink.start(protocol, options);
          try {
            const { compared: met, open } = await sink.meet(few[at % few.length]!);
            compared += met.compared;
            if (met.differences.length > 0) differing++;
            for (const each of open)
              unexplained.push(`${options.join(" ")}: ${kindOf(each)}\n${shown(each)}`);
            for (const { verdict, promised } of truths(met.ours))
              if (promised ? !["accepted", "unknown"].includes(verdict) : verdict === "accepted")
                lies.push(`${options.join(" ")}: ${promised ? "promised" : "not promised"}, told ${verdict}`);
          } finally {
            await sink.stop();
          }
        }
      };
      await Promise.all(Array.from({ length: 6 }, player));
      console.log(
        `smtp-sink, ${protocol}: ${compared} things compared, ${differing} sessions with a difference`,
      );
      expect(unexplained.slice(0, 5).join("\n")).toBe("");
      expect(lies).toEqual([]);
      expect(compared).toBeGreaterThan(10 * modes.length);
    });
  }
});

/** What both have said and told, and what was refused. */
function shown({ played }: Difference): string {
  return [played.ours, played.theirs]
    .map(({ seen: { said, odd }, told }) =>
      [
        `  ${said.map(({ text }) => text).join(" / ")}`,
        `    ${JSON.stringify(told)}`,
        `    ${odd.map(({ slot, fate }) => `${slot}: ${fate.doing} ${fate.code}`).join(", ")}`,
      ].join("\n"),
    )
    .join("\n");
}

import { describe, expect } from "vitest";
import { kindOf, meet, Opponent, type Sequence, shrink, transcript } from "../differential/running.ts";
import { servers } from "../differential/servers.ts";
import { it } from "./sending.ts";

// The short run of test/differential: the same sequences each time. `pnpm differential` is the long one.

const sequences = 150;

describe("differences from other servers", () => {
  for (const [name, { program }] of Object.entries(servers)) {
    it(`are all explained by the table: ${sequences} sequences played to ${name}`, async ({ need }) => {
      need(program);
      const opponent = await Opponent.start(name);
      try {
        const unexplained = new Map<string, Sequence>();
        let units = 0;
        let differing = 0;
        await meet(opponent, { seed: 20261126, sequences, width: 24 }, (sequence, compared, open) => {
          units += compared.units;
          if (compared.differences.length > 0) differing++;
          for (const difference of open) unexplained.set(kindOf(difference), sequence);
        });
        console.log(
          `${name}: ${sequences} sequences, ${units} replies compared, ${differing} with a difference`,
        );
        const found: string[] = [];
        for (const [kind, sequence] of [...unexplained].slice(0, 3))
          found.push(`${kind}\n${await transcript(opponent, await shrink(opponent, sequence, kind, 60))}`);
        expect(found.join("\n\n")).toBe("");
        expect(units).toBeGreaterThan(sequences);
      } finally {
        await opponent.stop();
      }
    });
  }
});

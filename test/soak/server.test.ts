import { expect } from "vitest";
import { certificates } from "../node/certificates.ts";
import { serve } from "../runtimes/serving.ts";
import { inEachRuntime } from "../runtimes/suite.ts";
import { Ledger } from "./ledger.ts";
import { Random } from "./random.ts";
import { besiege } from "./siege.ts";
import { collecting, expectBack, rest, sessions, shown, within } from "./soak.ts";

const { server: tlsOptions } = await certificates();

inEachRuntime(
  ({ runtime, test }) => {
    test(
      "G1 G6 a server outlives sessions of every kind, holds nothing of them, and loses no message",
      async (running) => {
        const options = {
          tlsOptions,
          maxConnections: 500,
          maxConnectionsPerAddress: 500,
          timers: { command: 800, dataBlock: 800, tls: 800, session: 2000 },
        };
        const plain = await serve(running, { faults: true, options });
        const secure = await serve(running, { faults: true, options: { ...options, tls: "implicit" } });
        const random = new Random(sessions);
        const round = async (count: number) => {
          const ledger = new Ledger();
          const field = { port: plain.port, tlsPort: secure.port, ledger, random };
          const siege = await besiege(field, count, 48);
          const kept = [];
          const errors = new Set<string>();
          for (const { server, until } of [plain, secure]) {
            await until(({ connections }) => connections === 0, 30_000);
            const served = await running.call("drain", { server });
            kept.push(...served.messages);
            for (const error of served.errors) errors.add(error);
          }
          expect(siege.faults).toEqual([]);
          expect(ledger.faults(kept)).toEqual([]);
          for (const error of errors)
            expect(error).toMatch(/^Error: the handler (?:throws|rejects|breaks off)$/);
          return { siege, ledger, kept };
        };

        await running.call("measure");
        await round(60);
        const before = await rest(running);
        const { siege, ledger, kept } = await round(sessions);
        const after = await rest(running, before);
        expectBack(after, before);
        // A machine that is busy may be too slow for a deadline now and then.
        expect(siege.cut.length, siege.cut[0]).toBeLessThan(siege.good / 5);
        expect(ledger.count("2")).toBeGreaterThan(siege.good / 2);
        console.log(
          `${runtime.name} as server: ${sessions} sessions, ${ledger.entries.length} messages, ${kept.length} kept; ` +
            `clients were told 250 of ${ledger.count("2")}, 4yz of ${ledger.count("4")}, 5yz of ${ledger.count("5")}, ` +
            `do not know of ${ledger.count("unknown")}, broke off ${ledger.count("begun")}; ${shown(before, after)}`,
        );
      },
      within,
    );
  },
  undefined,
  collecting,
);

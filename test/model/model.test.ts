/**
 * Sequences of commands against a model of the server, and scripted servers with a model of the client as the judge:
 * `server.ts` and `client.ts` have the theory. A failure shows the shortest sequence that fast-check has found, with its
 * seed and path, which `proveServer` and `proveClient` take. A long run:
 *
 *   SANSMTP_MODEL_RUNS=200000 nice npx -y pnpm@10 exec vitest run --root test --project fast model/
 */
import * as core from "@sansmtp/core";
import { expect, test } from "vitest";
import { coreWith } from "../walk/defects/sow.ts";
import { proveClient, proveServer } from "./run.ts";

const runs = Number(process.env.SANSMTP_MODEL_RUNS ?? 2500);
const timeout = Math.max(120_000, runs * 60);

test(
  "S-SEQ-01 S-LINE-16 R-CODE-03 S-DATA-07 S-BDAT-10 G5 G10 the server is as the model of the state tables has it",
  () => {
    proveServer(core, { runs });
  },
  timeout,
);

test(
  "C-TXN-02 C-TXN-03 C-TXN-06 C-TXN-07 X-PIPE-05 R-FMT-16 the client says and tells what the model of the state tables has it say and tell",
  () => {
    proveClient(core, { runs: 2 * runs });
  },
  timeout,
);

test("a server whose recipients survive a refused chunk is told from the model", async () => {
  const edit = {
    file: "server/content.ts",
    find: `machine.state.mail.transaction = "failed";`,
    put: `machine.state.mail.transaction = "recipients";`,
  };
  const broken = await coreWith([edit]);
  expect(() => proveServer(broken, { runs: 5000, seed: 1 })).toThrow(/Property failed/);
}, 120_000);

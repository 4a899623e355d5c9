import type { Core } from "../walk/core.ts";
import { proveClient, proveServer } from "./run.ts";

/** A model, as what else tries a core. */
export interface ModelProver {
  /** @throws what is not as the model has it */
  prove(core: Core): void;
}

/** The same sequences each time: as many as it takes to find each defect that they find with three times as many. */
export const modelProvers: Readonly<Record<"server" | "client", ModelProver>> = {
  server: { prove: (core) => judge(() => proveServer(core, { runs: 1000, seed: 1 })) },
  client: { prove: (core) => judge(() => proveClient(core, { runs: 2000, seed: 1 })) },
};

/** What fast-check says is the seed; behind it is what was wrong. */
function judge(prove: () => void): void {
  try {
    prove();
  } catch (error) {
    throw (error as Error).cause ?? error;
  }
}

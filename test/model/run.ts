import fc from "fast-check";
import { converse } from "./client-run.ts";
import { scripts } from "./client-scripts.ts";
import { configure, framed, frames, sequences, settings } from "./server-commands.ts";
import { type Core, Model, Real } from "./server-session.ts";

/** How much is tried; fast-check prints the seed and the path of what failed, and both can be given again. */
export interface Effort {
  readonly runs: number;
  readonly seed?: number;
  readonly path?: string;
}

/**
 * Sequences of commands against the model of the server.
 *
 * @throws with the shortest sequence found at which the session of `core` differs from the model
 */
export function proveServer(core: Core, { runs, ...where }: Effort): void {
  fc.assert(
    fc.property(settings, frames, sequences, (chosen, frame, commands) => {
      const setup = () => ({ model: new Model(chosen), real: new Real(core, chosen, configure(chosen)) });
      fc.modelRun(setup, framed(frame, commands));
    }),
    { numRuns: runs, ...where },
  );
}

/**
 * Scripted servers, and the model of the client as a judge.
 *
 * @throws with the shortest script found in which the session of `core` says or tells what it must not
 */
export function proveClient(core: Core, { runs, ...where }: Effort): void {
  fc.assert(
    fc.property(scripts, (script) => converse(core, script)),
    { numRuns: runs, ...where },
  );
}

import { type Core, claim, type Prover } from "../core.ts";
import { explore, type Reached, stepsTo, type World, wayTo } from "../explore.ts";
import { type ServerStep, stepsFrom } from "./alphabet.ts";
import { callEverything } from "./calls.ts";
import { groundOf, serverWalks } from "./configs.ts";
import { type Ground, type Spot, Turn, transcript } from "./spot.ts";

export { serverWalks };

/** One walk for each configuration. */
export const serverProvers: readonly Prover[] = serverWalks.map((name) => ({
  name: `server, ${name}`,
  prove: (core) => walkServer(core, name),
}));

export interface ServerWalk {
  readonly states: number;
  readonly edges: number;
  readonly reached: readonly Reached<Spot>[];
}

/** Walks everything that a server session can come to, and holds it to its word at each step. */
export function walkServer(core: Core, name: string, went?: World<Spot>["went"]): ServerWalk {
  const ground = groundOf(core, name);
  const walked = explore<Spot>({
    begin: new Turn(ground, null).drain().stop(),
    keyOf: ({ key }) => key,
    ...(went === undefined ? {} : { went }),
    stepsFrom: (spot) => stepsFrom(ground, spot),
    arrived: (spot) => callEverything(ground, spot),
  });
  for (const [at, reached] of walked.reached.entries()) if (at % 11 === 0) again(ground, reached);
  return walked;
}

/**
 * G2, G7: goes the way to a state again, without a snapshot in between, once as it was gone and once octet by octet.
 * The same is said, the same told, and the state is the same.
 */
function again(ground: Ground, reached: Reached<Spot>): void {
  const way = stepsTo(reached) as readonly ServerStep[];
  const gone = [false, true].map((split) => {
    const turn = new Turn(ground, null, split);
    turn.drain();
    for (const step of way) {
      const piece = turn.as(split && !step.whole);
      step.act(piece);
      piece.drain();
    }
    return { key: turn.stop().key, ...transcript(turn.events) };
  });
  const names = (): string => wayTo(reached).join("\n  ");
  const [whole, split] = gone as [(typeof gone)[0], (typeof gone)[0]];
  claim(
    whole.key === reached.place.key,
    () => `another state without snapshots:\n  ${names()}\n${whole.key}\n${reached.place.key}`,
  );
  claim(
    whole.sent === split.sent,
    () => `octet by octet other replies:\n  ${names()}\n${whole.sent}\n${split.sent}`,
  );
  claim(whole.told.join("\n") === split.told.join("\n"), () => `octet by octet other events:\n  ${names()}`);
  claim(whole.key === split.key, () => `octet by octet another state:\n  ${names()}`);
}

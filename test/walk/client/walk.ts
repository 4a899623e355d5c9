import { type Core, claim, octetsOf, type Prover } from "../core.ts";
import { explore, type Reached, stepsTo, wayTo } from "../explore.ts";
import { showsSecret } from "../marks.ts";
import { type ClientStep, stepsFrom } from "./alphabet.ts";
import { clientWalks, groundOf } from "./configs.ts";
import { type Ground, type Spot, shown, Turn, transcript } from "./spot.ts";

export { clientWalks };

/** One walk for each configuration. */
export const clientProvers: readonly Prover[] = clientWalks.map((name) => ({
  name: `client, ${name}`,
  prove: (core) => walkClient(core, name),
}));

export interface ClientWalk {
  readonly states: number;
  readonly edges: number;
  readonly reached: readonly Reached<Spot>[];
}

/** Walks everything that a client session can come to, and holds it to its word at each step. */
export function walkClient(core: Core, name: string): ClientWalk {
  const ground = groundOf(core, name);
  const walked = explore<Spot>({
    begin: new Turn(ground, null).drain().stop(),
    keyOf: ({ key }) => key,
    stepsFrom: (spot) => stepsFrom(ground, spot),
    arrived: (spot) => callEverything(ground, spot),
  });
  for (const [at, reached] of walked.reached.entries()) if (at % 11 === 0) again(ground, reached);
  return walked;
}

/** G9: what cannot be meant throws `UsageError` and changes nothing. */
function callEverything(ground: Ground, spot: Spot): void {
  const turn = new Turn(ground, spot);
  const { session } = turn;
  const { core } = ground;
  const frozen = (): string => JSON.stringify(session.snapshot({ secrets: true }));
  const before = frozen();
  const calls: Record<string, () => unknown> = {
    "a transaction from nowhere": () => session.transaction({ from: "a b", to: [] }),
    "a recipient with CR LF": () => session.transaction({ from: null, to: ["a@b.example>\r\nDATA"] }),
    "a command with CR LF": () => session.command("VRFY", "a\r\nQUIT"),
    "a command that has its own method": () => session.command("DATA"),
    "auth by nothing": () => session.auth("A B"),
    "atrn of nothing": () => session.atrn(["a b"]),
  };
  if (spot.waiting === "tls" || spot.witness.ended)
    calls.receive = () => session.receive(octetsOf("250 ok\r\n"));
  if (spot.waiting !== "tls") {
    calls.upgraded = () => session.upgraded();
    calls.upgradeFailed = () => session.upgradeFailed();
  }
  if (!spot.challenged) calls.respond = () => session.respond(null);
  if (spot.witness.closed || spot.phase === "quitting") {
    calls.noop = () => session.noop();
    calls.transaction = () => session.transaction({ from: null, to: ["a@b.example"] });
  }
  for (const [call, make] of Object.entries(calls)) {
    let thrown: unknown = null;
    try {
      make();
    } catch (error) {
      thrown = error;
    }
    claim(thrown instanceof core.UsageError, () => `${call} is allowed, or throws ${thrown}`);
  }
  claim(!session.abandon(1e9), "nothing can be abandoned");
  claim(frozen() === before, "calls that were refused have changed something");
  claim(!showsSecret(shown(session.snapshot())), "a secret in a snapshot that may be shown");
  session.advance(Math.max(0, (spot.deadline ?? turn.now + 1000) - 1));
  turn.drain();
  claim(turn.events.length === 0, "nothing has happened, and something comes of it");
  if (!spot.witness.closed) return;
  session.close();
  session.lost();
  turn.drain();
  claim(turn.events.length === 0 && session.waiting === "closed", "it is not over");
}

/** G2, G7: goes the way to a state again, without snapshots, once as it was gone and once octet by octet. */
function again(ground: Ground, reached: Reached<Spot>): void {
  const way = stepsTo(reached) as readonly ClientStep[];
  const [whole, split] = [false, true].map((split) => {
    const turn = new Turn(ground, null);
    turn.drain();
    for (const step of way) {
      turn.split = split && !/more is said|250-one/.test(step.name);
      step.act(turn);
      turn.drain();
    }
    return { key: turn.stop().key, ...transcript(turn.events) };
  }) as [Gone, Gone];
  const names = (): string => wayTo(reached).join("\n  ");
  claim(
    whole.key === reached.place.key,
    () => `another state without snapshots:\n  ${names()}\n${whole.key}\n${reached.place.key}`,
  );
  claim(whole.sent === split.sent, () => `octet by octet something else is said:\n  ${names()}`);
  claim(whole.told.join("\n") === split.told.join("\n"), () => `octet by octet other events:\n  ${names()}`);
  claim(whole.key === split.key, () => `octet by octet another state:\n  ${names()}`);
}

interface Gone {
  readonly key: string;
  readonly sent: string;
  readonly told: readonly string[];
}

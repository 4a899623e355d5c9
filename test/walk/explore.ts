import { Broken, type Walked } from "./core.ts";

/** What can be walked: places that are known by their key, and the steps that can be made from each. */
export interface World<Place> {
  readonly begin: Place;
  /** Two places with one key are one state. */
  keyOf(place: Place): string;
  stepsFrom(place: Place): readonly Step<Place>[];
  /** Told of each step that was made. */
  went?(from: Place, step: Step<Place>, to: Place): void;
  /** To be held in each new state. */
  arrived(place: Place): void;
}

export interface Step<Place> {
  readonly name: string;
  /** Where it leads. It leaves the place as it is. */
  take(place: Place): Place;
}

/** A state that was reached, and the shortest way to it. */
export interface Reached<Place> {
  readonly place: Place;
  readonly from: Reached<Place> | null;
  readonly step: Step<Place> | null;
}

/**
 * Walks a world breadth first until nothing new is found: every step from every state, each once. The way to what
 * goes wrong is the shortest one.
 */
export function explore<Place>(
  world: World<Place>,
): Walked & { readonly reached: readonly Reached<Place>[] } {
  // Thousands of calls are made to see them refused, and where they were made nobody asks.
  Error.stackTraceLimit = 0;
  const first: Reached<Place> = { place: world.begin, from: null, step: null };
  const seen = new Set([world.keyOf(world.begin)]);
  const reached = [first];
  let edges = 0;
  at(first, null, () => world.arrived(world.begin));
  for (let index = 0; index < reached.length; index++) {
    const from = reached[index]!;
    for (const step of world.stepsFrom(from.place)) {
      edges++;
      const place = at(from, step, () => step.take(from.place));
      world.went?.(from.place, step, place);
      const key = world.keyOf(place);
      if (seen.has(key)) continue;
      seen.add(key);
      const next: Reached<Place> = { place, from, step };
      at(from, step, () => world.arrived(place));
      reached.push(next);
      if (reached.length > mostStates)
        throw new Error(`no end of states: ${wayTo(from, step).join("\n")}\n${key}`);
    }
  }
  return { states: reached.length, edges, reached };
}

/** The names of the steps that lead to a state, and one more. */
export function wayTo<Place>(state: Reached<Place>, last: Step<Place> | null = null): readonly string[] {
  const names = last === null ? [] : [last.name];
  for (let at: Reached<Place> | null = state; at?.step; at = at.from) names.unshift(at.step.name);
  return names;
}

/** The steps that lead to a state. */
export function stepsTo<Place>(state: Reached<Place>): readonly Step<Place>[] {
  const steps: Step<Place>[] = [];
  for (let at: Reached<Place> | null = state; at?.step; at = at.from) steps.unshift(at.step);
  return steps;
}

function at<Place, T>(from: Reached<Place>, step: Step<Place> | null, act: () => T): T {
  try {
    return act();
  } catch (error) {
    const way = wayTo(from, step).map((name) => `  ${name}`);
    throw new Broken(`${(error as Error).message}\non the way\n${way.join("\n")}`, { cause: error });
  }
}

/** Far more than there are: what goes beyond is a counter that nobody bounds. */
const mostStates = 30_000;

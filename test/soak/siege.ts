import { type Attack, attacks, Fault, type Field } from "./attacks.ts";

/** How a siege went. */
export interface Siege {
  /** Sessions by attack. */
  readonly played: Readonly<Record<string, number>>;
  /** How many of them were good. */
  readonly good: number;
  /** Good ones that did not come to their end, with what happened. */
  readonly cut: readonly string[];
  /** What must not be. */
  readonly faults: readonly string[];
}

/** Plays so many attacks on a server, so many at a time; each of them at least once. */
export async function besiege(field: Field, sessions: number, atOnce: number): Promise<Siege> {
  const names = Object.keys(attacks);
  const lots = names.flatMap((name) => Array<string>(attacks[name]!.weight).fill(name));
  const plan = Array.from({ length: sessions }, (_, at) => names[at] ?? field.random.one(lots));
  const played: Record<string, number> = {};
  const cut: string[] = [];
  const faults: string[] = [];
  let next = 0;
  const player = async (): Promise<void> => {
    for (let at = next++; at < plan.length; at = next++) {
      const name = plan[at]!;
      const attack = attacks[name] as Attack;
      played[name] = (played[name] ?? 0) + 1;
      try {
        await attack.play(field);
      } catch (error) {
        if (error instanceof Fault) faults.push(`${name}: ${error.message}`);
        else if (attack.good) cut.push(`${name}: ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, player));
  const good = plan.filter((name) => attacks[name]!.good).length;
  return { played, good, cut, faults };
}

/**
 * What instrumented code counts into: `instrument.ts` puts the calls there. Place 0 is work: functions entered, loops
 * gone round, and a share of the length of what native code walks through. The places behind it are branches; the
 * last ones belong to what a target wants to be told apart beside them, such as the states of a session.
 */
export const counts: Uint32Array = new Uint32Array(1 << 15);

/** Where the places of the targets' own begin. */
export const ownPlaces = (1 << 15) - (1 << 13);

/** Passes a value on, which native code is about to walk through. */
export function long<T>(value: T): T {
  const length = (value as { readonly length?: unknown } | null | undefined)?.length;
  if (typeof length === "number") counts[0] += length >>> 3;
  return value;
}

/** Work done since the counts were cleared. */
export function work(): number {
  return counts[0];
}

/** Marks a state, by any text that names it, so that an input that reaches a new one is kept. */
export function mark(state: string): void {
  let hash = 2166136261;
  for (let at = 0; at < state.length; at++) hash = Math.imul(hash ^ state.charCodeAt(at), 16777619);
  counts[ownPlaces + ((hash ^ (hash >>> 15)) & 8191)] += 1;
}

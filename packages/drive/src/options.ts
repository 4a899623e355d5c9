import { UsageError } from "@sansmtp/core";

/**
 * Refuses options that would have no effect.
 *
 * @param names what they are called
 * @throws {UsageError} naming the first of them that is given, and why it has none
 */
export function refuse(options: object, names: readonly string[], why: string): void {
  const given = givenIn(options);
  for (const name of names) if (given.includes(name)) throw new UsageError(`${name}: ${why}`);
}

/**
 * Refuses options for TLS that would have no effect.
 *
 * @param known the others
 * @throws {UsageError} naming the first that is given and not known, and why it has no effect
 */
export function refuseOthers(tlsOptions: object, known: readonly string[], why: string): void {
  for (const name of givenIn(tlsOptions))
    if (!known.includes(name)) throw new UsageError(`tlsOptions.${name}: ${why}`);
}

/** The options that are given, by name. */
export function givenIn(options: object): string[] {
  return Object.entries(options)
    .filter(([, value]) => value !== undefined)
    .map(([name]) => name);
}

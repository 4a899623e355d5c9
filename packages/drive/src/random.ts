import { UsageError } from "@sansmtp/core";

/** Gives so many random octets, fit for keys. */
export type Random = (octets: number) => Uint8Array;

/**
 * What the runtime has, unless the caller gives something else.
 *
 * @throws {UsageError} when neither does
 */
export function randomOf(given: Random | undefined): Random {
  if (given !== undefined) return given;
  if (typeof crypto === "undefined" || typeof crypto.getRandomValues !== "function")
    throw new UsageError("random: this runtime has no crypto.getRandomValues, give a function");
  return (octets) => crypto.getRandomValues(new Uint8Array(octets));
}

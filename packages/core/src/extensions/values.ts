import { UsageError } from "../errors.ts";
import { upperAscii } from "../syntax/octets.ts";
import type { Value } from "../syntax/parameters.ts";
import { ascii } from "../wire/utf8.ts";

/** The text of a value, which has nothing but printable ASCII in it unless SMTPUTF8 is in force. */
export function text({ octets, start, end }: Value): string {
  return ascii(octets, start, end);
}

/** The same, its letters in upper case. */
export function upperText({ octets, start, end }: Value): string {
  return upperAscii(octets, start, end);
}

/** Reads a parameter that has no value: what it comes to, or null where there is one. */
export function alone<T>(found: T): (given: Value | undefined) => T | null {
  return (given) => (given === undefined ? found : null);
}

/** A list, or a UsageError. */
export function listOf<T>(name: string, given: readonly T[]): readonly T[] {
  if (!Array.isArray(given)) throw new UsageError(`${name}: must be a list`);
  return given;
}

/** A list of texts, or a UsageError. */
export function textsOf(name: string, given: readonly string[]): readonly string[] {
  if (listOf(name, given).some((each) => typeof each !== "string"))
    throw new UsageError(`${name}: must be a list of texts`);
  return given;
}

/** A whole number of so many seconds, or a UsageError. */
export function seconds(name: string, given: number, least: number): number {
  if (!Number.isInteger(given) || given < least || given > mostSeconds)
    throw new UsageError(`${name}: ${given}, must be whole seconds from ${least} to ${mostSeconds}`);
  return given;
}

/** Nine digits, as RFC 2852, RFC 3885 and RFC 4865 have it. */
export const mostSeconds = 999_999_999;

/**
 * Whether a text is a date-time of RFC 3339 §5.6 that can be: `2026-11-26T10:00:00Z`, `...+01:00`. A leap second may
 * be; the day is held against its month.
 *
 * @param options utc: `Z` alone may end it; fractions: the second may have them
 */
export function isDateTime(
  given: string,
  options: { readonly utc?: boolean; readonly fractions?: boolean } = {},
): boolean {
  const found = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i.exec(given);
  if (found === null) return false;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number);
  const [fraction, zone] = found.slice(7);
  if (fraction !== undefined && !options.fractions) return false;
  if (zone !== "Z" && zone !== "z" && (options.utc || !isZone(zone))) return false;
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = month === 2 ? (leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31;
  return month >= 1 && month <= 12 && day >= 1 && day <= days && hour < 24 && minute < 60 && second <= 60;
}

function isZone(zone: string): boolean {
  return Number(zone.slice(1, 3)) < 24 && Number(zone.slice(4)) < 60;
}

/** A misspelled word must not stand for the weaker choice: one of these, or a UsageError. */
export function oneOf<T>(name: string, given: T, allowed: readonly T[]): T {
  if (!allowed.includes(given))
    throw new UsageError(`${name}: ${JSON.stringify(given)}, not one of ${allowed.join(", ")}`);
  return given;
}

/** It has no form in UTF-8: on the wire it would be another letter. */
export const loneSurrogate: RegExp = /[\ud800-\udfff]/u;

import { type Mailbox, parseAddress, parseDomain } from "@sansmtp/core";
import { InvalidArgumentError } from "commander";

/** A TCP port; 0: any that is free. */
export function port(text: string): number {
  return whole(text, 0, 65_535, "It must be a number from 0 to 65535; 0 takes any port that is free.");
}

/** A positive number of things. */
export function count(text: string): number {
  return whole(text, 1, Number.MAX_SAFE_INTEGER, "It must be a number from 1.");
}

/** A number of octets, with K, M or G for their multiples of 1024. */
export function size(text: string): number {
  const match = /^([0-9]{1,15})([KMG]?)$/i.exec(text);
  const factor = 1024 ** ["", "K", "M", "G"].indexOf(match?.[2]?.toUpperCase() ?? "");
  const octets = Number(match?.[1] ?? Number.NaN) * factor;
  // RFC 5321 §4.5.3.1.7 wants 64K at least.
  if (octets === 0 || (octets >= 65_536 && Number.isSafeInteger(octets))) return octets;
  throw new InvalidArgumentError(
    "It must be a number of octets such as 14680064 or 14M, at least 64K, or 0 for any.",
  );
}

/** For options that may be given more than once: the values of all, read by `parse`. */
export function each<T>(parse: (text: string) => T): (text: string, before: T[] | undefined) => T[] {
  return (text, before) => [...(before ?? []), parse(text)];
}

/** A domain, or an address literal in brackets. */
export function domain(text: string): string {
  if (parseDomain(text) !== null) return text;
  throw new InvalidArgumentError(
    "It must be a domain such as mx.example.com, or an address such as [192.0.2.1].",
  );
}

/** An address of mail. */
export function address(text: string): Mailbox {
  const mailbox = parseAddress(text, { utf8: true });
  if (mailbox !== null) return mailbox;
  throw new InvalidArgumentError("It must be an address such as someone@example.com.");
}

/** A name and a password, with a colon between them. */
export function login(text: string): { readonly user: string; readonly password: string } {
  const [, user, password] = /^([^:\0]+):([^\0]+)$/.exec(text) ?? [];
  if (user !== undefined && password !== undefined) return { user, password };
  throw new InvalidArgumentError("It must be a name and a password, as in me:secret.");
}

/** A line of a greeting. */
export function greeting(text: string): string {
  if (/^[\t\x20-\x7e]*$/.test(text)) return text;
  throw new InvalidArgumentError("It must be one line of printable ASCII.");
}

function whole(text: string, least: number, most: number, requirement: string): number {
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new InvalidArgumentError(requirement);
}

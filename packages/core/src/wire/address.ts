/**
 * Text and octets of IP addresses. The octets are what is compared and kept; the text that is written is always
 * the one canonical form, whatever form was read.
 */

/**
 * What a decimal like `001` in an IPv4 address is: refused, as the PROXY protocol §2.1 wants, or read as decimal,
 * never octal, as the grammar of address literals allows (RFC 5321 §4.1.3).
 */
export type LeadingZeros = "refused" | "decimal";

/** Reads a dotted IPv4 address (RFC 5321 §4.1.3). Returns its 4 octets; null if the text is anything else. */
export function parseIpv4(text: string, leadingZeros: LeadingZeros = "refused"): number[] | null {
  if (text.length > longestIpv4) return null;
  const octets: number[] = [];
  let value = 0;
  let digits = 0;
  for (let at = 0; at <= text.length; at++) {
    const unit = at < text.length ? text.charCodeAt(at) : dot;
    if (unit === dot) {
      if (digits === 0 || value > 255) return null;
      octets.push(value);
      value = 0;
      digits = 0;
    } else {
      if (unit < 0x30 || unit > 0x39 || digits === 3) return null;
      if (leadingZeros === "refused" && digits > 0 && value === 0) return null;
      value = value * 10 + unit - 0x30;
      digits += 1;
    }
  }
  return octets.length === 4 ? octets : null;
}

/**
 * Reads an IPv6 address (RFC 4291 §2.2) in any of its forms: full, with `::`, with an IPv4 address in place of the
 * last two groups. Returns its 16 octets; null if the text is anything else. `::` may stand for a single group
 * (RFC 4291; RFC 5321 §4.1.3 would have two), never for none. No zone, no brackets.
 */
export function parseIpv6(text: string, leadingZeros: LeadingZeros = "refused"): number[] | null {
  if (text.length > longestIpv6) return null;
  const [head, tail, excess] = text.split("::");
  if (excess !== undefined) return null;
  if (tail === undefined) {
    const octets = parseGroups(head, true, leadingZeros);
    return octets?.length === 16 ? octets : null;
  }
  const before = parseGroups(head, false, leadingZeros);
  const after = parseGroups(tail, true, leadingZeros);
  if (before === null || after === null) return null;
  const missing = 16 - before.length - after.length;
  if (missing < 2) return null;
  return [...before, ...new Array<number>(missing).fill(0), ...after];
}

/** The dotted text of 4 octets. */
export function formatIpv4(octets: ArrayLike<number>): string {
  return `${octets[0]}.${octets[1]}.${octets[2]}.${octets[3]}`;
}

/**
 * The text of 16 octets as RFC 5952 §4 wants it: lower case, no leading zeros, `::` for the longest run of two or
 * more zero groups, the first of equals. An IPv4-mapped address ends in dotted form (§5): `::ffff:192.0.2.1`.
 */
export function formatIpv6(octets: ArrayLike<number>): string {
  if (isIpv4Mapped(octets)) return `::ffff:${formatIpv4(Array.from(octets).slice(12))}`;
  const groups: string[] = [];
  for (let at = 0; at < 16; at += 2) {
    groups.push(((octets[at] << 8) | octets[at + 1]).toString(16));
  }
  const { start, length } = longestZeroRun(groups);
  if (length < 2) return groups.join(":");
  return `${groups.slice(0, start).join(":")}::${groups.slice(start + length).join(":")}`;
}

/** Whether 16 octets are an IPv4 address in IPv6 form, `::ffff:0:0/96` (RFC 4291 §2.5.5.2): the last 4 are it. */
export function isIpv4Mapped(octets: ArrayLike<number>): boolean {
  for (let at = 0; at < 12; at++) {
    if (octets[at] !== (at < 10 ? 0 : 0xff)) return false;
  }
  return octets.length === 16;
}

/** The octets of groups with single colons between them, the last of which may be an IPv4 address. */
function parseGroups(text: string, last: boolean, leadingZeros: LeadingZeros): number[] | null {
  const octets: number[] = [];
  if (text === "") return octets;
  const groups = text.split(":");
  for (const [index, group] of groups.entries()) {
    if (/^[0-9A-Fa-f]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      octets.push(value >> 8, value & 0xff);
      continue;
    }
    const embedded = last && index === groups.length - 1 ? parseIpv4(group, leadingZeros) : null;
    if (embedded === null) return null;
    octets.push(...embedded);
  }
  return octets;
}

function longestZeroRun(groups: readonly string[]): { start: number; length: number } {
  let best = { start: 0, length: 0 };
  let start = 0;
  for (const [at, group] of groups.entries()) {
    if (group !== "0") start = at + 1;
    else if (at + 1 - start > best.length) best = { start, length: at + 1 - start };
  }
  return best;
}

/** Characters of `255.255.255.255`, and of the longest mixed form; anything longer is not looked at. */
const longestIpv4 = 15;
const longestIpv6 = 45;
const dot = 0x2e;

import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from "../wire/address.ts";
import { ascii, decodeUtf8, encodeUtf8 } from "../wire/utf8.ts";
import { dcontent, is, isWord, letterOrDigit } from "./octets.ts";

/** A domain name, or an address literal (RFC 5321 §4.1.2, §4.1.3). */
export type Domain =
  /** A name, in the letters in which it was given; with SMTPUTF8 perhaps with U-labels. */
  | { readonly kind: "name"; readonly text: string }
  /** `[192.0.2.1]`: dotted text without brackets, 4 octets. */
  | { readonly kind: "ipv4"; readonly text: string; readonly octets: readonly number[] }
  /** `[IPv6:2001:db8::1]`: text as in RFC 5952, without tag and brackets; 16 octets. */
  | { readonly kind: "ipv6"; readonly text: string; readonly octets: readonly number[] }
  /** `[tag:content]`: none but IPv6 is registered. */
  | { readonly kind: "general"; readonly text: string; readonly tag: string; readonly content: string };

/** What is tolerated in a domain beyond the grammar. */
export interface DomainOptions {
  /** U-labels (RFC 6531 §3.3). */
  readonly utf8: boolean;
  /** `_` in a label. */
  readonly underscore: boolean;
  /** A dot behind the last label; it is no part of the name. */
  readonly trailingDot: boolean;
}

/** A domain found in octets, and the offset behind it; or where it went wrong. */
export type DomainResult =
  | { readonly domain: Domain; readonly end: number }
  | { readonly wrong: string; readonly at: number };

/** Reads a name or a literal in brackets. Null when it is neither. */
export function parseDomain(text: string, options: DomainOptions = plain): Domain | null {
  const octets = encodeUtf8(text);
  if (octets.length > 255) return null;
  const result = readDomain(octets, 0, octets.length, options);
  return "domain" in result && result.end === octets.length ? result.domain : null;
}

/** The domain as it is written in SMTP: literals in brackets. */
export function formatDomain(domain: Domain): string {
  switch (domain.kind) {
    case "name":
      return domain.text;
    case "ipv6":
      return `[IPv6:${domain.text}]`;
    default:
      return `[${domain.text}]`;
  }
}

/** Whether two domains are the same: names without regard to the case of ASCII letters (RFC 5321 §2.4). */
export function sameDomain(one: Domain, other: Domain): boolean {
  // The text of a literal is the one canonical form of its octets.
  return one.kind === other.kind && lowerAscii(one.text) === lowerAscii(other.text);
}

/** Reads the domain or literal that begins at `at`, as far as the grammar goes. */
export function readDomain(
  octets: Uint8Array,
  at: number,
  end: number,
  options: DomainOptions,
): DomainResult {
  return octets[at] === 0x5b && at < end ? readLiteral(octets, at, end) : readName(octets, at, end, options);
}

function readName(octets: Uint8Array, start: number, end: number, options: DomainOptions): DomainResult {
  let at = start;
  let stop = start;
  for (;;) {
    const label = at;
    while (at < end && (isNameOctet(octets[at], options) || octets[at] === hyphen)) at++;
    if (at === label) {
      if (options.trailingDot && label > start) break;
      return { wrong: "empty label in the domain", at };
    }
    if (octets[label] === hyphen) return { wrong: "label begins with a hyphen", at: label };
    if (octets[at - 1] === hyphen) return { wrong: "label ends in a hyphen", at: at - 1 };
    if (at - label > 63) return { wrong: "label of more than 63 octets", at: label };
    stop = at;
    if (at >= end || octets[at] !== dot) break;
    at++;
  }
  const text = decodeUtf8(octets, start, stop);
  if (text === null) return { wrong: "domain is not UTF-8", at: start };
  return { domain: { kind: "name", text }, end: at };
}

function isNameOctet(octet: number, { utf8, underscore }: DomainOptions): boolean {
  return is(octet, letterOrDigit) || (utf8 && octet >= 0x80) || (underscore && octet === 0x5f);
}

function readLiteral(octets: Uint8Array, start: number, end: number): DomainResult {
  let at = start + 1;
  while (at < end && is(octets[at], dcontent)) at++;
  if (at >= end || octets[at] !== 0x5d) return { wrong: "address literal without closing bracket", at };
  const text = ascii(octets, start + 1, at);
  const domain = literal(octets, start + 1, at, text);
  return domain === null ? { wrong: "no address in the brackets", at: start } : { domain, end: at + 1 };
}

function literal(octets: Uint8Array, start: number, end: number, text: string): Domain | null {
  if (isWord(octets, start, end, "IPV6:")) {
    const address = parseIpv6(text.slice(5), "decimal");
    return address === null ? null : { kind: "ipv6", text: formatIpv6(address), octets: address };
  }
  const colon = text.indexOf(":");
  if (colon < 0) {
    const address = parseIpv4(text, "decimal");
    return address === null ? null : { kind: "ipv4", text: formatIpv4(address), octets: address };
  }
  const tag = text.slice(0, colon);
  const content = text.slice(colon + 1);
  if (!/^[A-Za-z0-9-]+$/.test(tag) || tag.endsWith("-") || content === "") return null;
  return { kind: "general", text, tag, content };
}

/** Lower case for ASCII letters alone: other scripts are not the protocol's to fold (RFC 6531 §3.2). */
export function lowerAscii(text: string): string {
  return /[A-Z]/.test(text) ? text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()) : text;
}

const plain: DomainOptions = { utf8: false, underscore: false, trailingDot: false };
const dot = 0x2e;
const hyphen = 0x2d;

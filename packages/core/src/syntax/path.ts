import { type Reply, reply } from "../reply.ts";
import { ascii, decodeUtf8, encodeUtf8 } from "../wire/utf8.ts";
import { type Domain, formatDomain, lowerAscii, parseDomain, readDomain, sameDomain } from "./domain.ts";
import { type Fault, isFault } from "./fault.ts";
import { atext, is, isWord, letterOrDigit, qtext } from "./octets.ts";

/** An address: what stands before and behind the `@` (RFC 5321 §4.1.2). */
export interface Mailbox {
  /** The local-part without its quoting: `a b` for `"a b"`. Its case is kept (RFC 5321 §2.4). */
  readonly local: string;
  /** Null only for `<Postmaster>`, which needs no domain (RFC 5321 §4.1.1.3). */
  readonly domain: Domain | null;
}

/** A path as MAIL or RCPT gave it. */
export interface Path extends Mailbox {
  /** Exactly as sent, with the angle brackets. */
  readonly raw: string;
  /** With as little quoting as possible: `"a b"@example.com`, `a.b@example.com` for `"a.b"@example.com`. */
  readonly address: string;
  /** The source route, which was read and is to be ignored (RFC 5321 Appendix C): domains without `@`. */
  readonly route: readonly string[];
  /** Something in it is not ASCII. */
  readonly utf8: boolean;
}

/** What is tolerated beyond the grammar, each for the sake of real clients that get it wrong. */
export interface Lenient {
  /** Dots at the ends of a local-part, or doubled in it. */
  readonly dots: boolean;
  /** A path without angle brackets. */
  readonly bareAddress: boolean;
  /** A dot behind the domain. */
  readonly trailingDot: boolean;
  /** `_` in a domain. */
  readonly underscore: boolean;
  /** Local-parts such as `"a".b`, of RFC 822. */
  readonly mixedQuoting: boolean;
  /** Blanks behind the colon of `MAIL FROM:`. */
  readonly spaceAfterColon: boolean;
  /** Any printable name in EHLO and HELO. */
  readonly helloName: boolean;
}

/** The grammar; blanks behind the colon are common enough to be let through (RFC 1123 §5.2.9 prints one). */
export const strict: Lenient = {
  dots: false,
  bareAddress: false,
  trailingDot: false,
  underscore: false,
  mixedQuoting: false,
  spaceAfterColon: true,
  helloName: false,
};

/** How paths are read. */
export interface SyntaxOptions {
  /** SMTPUTF8: not offered, offered but not asked for in this transaction, or asked for (RFC 6531 §3.5). */
  readonly utf8: "absent" | "offered" | "allowed";
  readonly lenient: Lenient;
  /** In octets as sent (RFC 5321 §4.5.3.1). */
  readonly limits: { readonly localPart: number; readonly domain: number; readonly path: number };
}

/** In which command a path stands. */
export type Side = "reverse" | "forward";

/** A path and the offset behind it. Null stands for `<>`. */
export interface PathResult {
  readonly path: Path | null;
  readonly end: number;
}

/**
 * Reads the path that begins at `at` (RFC 5321 §4.1.2), up to its closing bracket.
 *
 * @param side `<>` is a reverse-path only, `<Postmaster>` a forward-path only
 */
export function parsePath(
  octets: Uint8Array,
  at: number,
  end: number,
  side: Side,
  options: SyntaxOptions,
  utf8: SyntaxOptions["utf8"] = options.utf8,
): PathResult | Fault {
  if (at < end && octets[at] === 0x3c) {
    return readPlain(octets, at, end, options) ?? readBracketed(octets, at, end, side, options, utf8);
  }
  if (options.lenient.bareAddress && at < end) return readBare(octets, at, end, side, options, utf8);
  return bad(side, "S-ADDR-01", "path does not begin with <", at);
}

/**
 * Reads what nearly every path is: in brackets, a local-part of atoms, and a name, in ASCII. It is looked at once, and one
 * text is made of it, of which all others are parts. Null: it is not so plain, and `parsePath` reads it by the grammar.
 */
export function readPlain(
  octets: Uint8Array,
  start: number,
  end: number,
  { limits }: SyntaxOptions,
): PathResult | null {
  let at = start + 1;
  for (let word = at; at < end; at++) {
    const octet = octets[at];
    if (is(octet, atext)) continue;
    if (at === word || (octet !== dot && octet !== sign)) return null;
    if (octet === sign) break;
    word = at + 1;
  }
  const local = at - start - 1;
  at++;
  for (let label = at; at < end; at++) {
    const octet = octets[at];
    if (is(octet, letterOrDigit) || (octet === hyphen && at > label)) continue;
    if (at === label || octets[at - 1] === hyphen || at - label > 63) return null;
    if (octet === bracket) break;
    if (octet !== dot) return null;
    label = at + 1;
  }
  const domain = at - start - 2 - local;
  if (at >= end || local > limits.localPart || domain > limits.domain || at + 1 - start > limits.path)
    return null;
  const raw = ascii(octets, start, at + 1);
  const address = raw.slice(1, -1);
  const path: Path = {
    local: address.slice(0, local),
    domain: { kind: "name", text: address.slice(local + 1) },
    raw,
    address,
    route: noRoute,
    utf8: false,
  };
  return { path, end: at + 1 };
}

/** Reads `local@domain`, with quoting as needed. Null when it is not an address. */
export function parseAddress(text: string, options: { readonly utf8?: boolean } = {}): Mailbox | null {
  const octets = encodeUtf8(text);
  const found = readMailbox(octets, 0, octets.length, "reverse", standard);
  if (isFault(found) || found.end !== octets.length) return null;
  if (options.utf8 !== true && hasHigh(octets, 0, octets.length)) return null;
  return { local: found.local, domain: found.domain };
}

/** The address with as little quoting as possible (RFC 5321 §4.1.2). */
export function formatMailbox(mailbox: Mailbox): string {
  const local = isDotString(mailbox.local) ? mailbox.local : `"${mailbox.local.replace(/["\\]/g, "\\$&")}"`;
  return mailbox.domain === null ? local : `${local}@${formatDomain(mailbox.domain)}`;
}

/** Whether two addresses are the same: local-parts exactly, however quoted, domains in whatever case. */
export function sameMailbox(one: Mailbox, other: Mailbox): boolean {
  if (one.domain === null || other.domain === null) {
    return one.domain === other.domain && lowerAscii(one.local) === lowerAscii(other.local);
  }
  return one.local === other.local && sameDomain(one.domain, other.domain);
}

/**
 * Whether an address is one of ours: `<Postmaster>` always is (RFC 5321 §4.5.1), others by their domain, a literal
 * by the address in it (RFC 1123 §5.2.17).
 *
 * @param local our domains, and our addresses as literals in brackets: `["example.com", "[192.0.2.1]"]`
 */
export function isLocal(mailbox: Mailbox, local: readonly string[]): boolean {
  const { domain } = mailbox;
  if (domain === null) return true;
  return local.some((text) => {
    const ours = parseDomain(text, { utf8: true, underscore: true, trailingDot: false });
    return ours !== null && sameDomain(ours, domain);
  });
}

/** The fault for an address that cannot be: 501 with the enhanced code of its side (RFC 3463 §3.2). */
function bad(side: Side, rule: string, detail: string, at: number): Fault {
  return { rule, detail, at, reply: rule === "S-ADDR-11" ? tooLong[side] : syntaxReplies[side] };
}

const syntaxReplies: Readonly<Record<Side, Reply>> = {
  reverse: reply(501, "5.1.7", "Bad sender address syntax"),
  forward: reply(501, "5.1.3", "Bad recipient address syntax"),
};

const tooLong: Readonly<Record<Side, Reply>> = {
  reverse: reply(501, "5.1.7", "Path too long"),
  forward: reply(501, "5.1.3", "Path too long"),
};

const notPermitted: Readonly<Record<Side, Reply>> = {
  reverse: reply(550, "5.6.7", "Non-ASCII sender address not permitted without SMTPUTF8"),
  forward: reply(553, "5.6.7", "Non-ASCII recipient address not permitted without SMTPUTF8"),
};

function readBracketed(
  octets: Uint8Array,
  start: number,
  end: number,
  side: Side,
  options: SyntaxOptions,
  utf8: SyntaxOptions["utf8"],
): PathResult | Fault {
  if (octets[start + 1] === 0x3e && start + 1 < end) {
    if (side === "reverse") return { path: null, end: start + 2 };
    return bad(side, "S-RCPT-04", "<> is not a recipient", start);
  }
  if (side === "forward" && isPostmaster(octets, start + 1, end)) {
    const local = ascii(octets, start + 1, start + 11);
    const path: Path = { local, domain: null, raw: `<${local}>`, address: local, route: [], utf8: false };
    return { path, end: start + 12 };
  }
  const routed = readRoute(octets, start + 1, end, side, options);
  if (isFault(routed)) return routed;
  const mailbox = readMailbox(octets, routed.end, end, side, options);
  if (isFault(mailbox)) return mailbox;
  if (mailbox.end >= end || octets[mailbox.end] !== 0x3e) {
    return bad(side, "S-ADDR-01", "path does not end in > behind the domain", mailbox.end);
  }
  return finished(octets, start, mailbox.end + 1, side, options, utf8, mailbox, routed.route);
}

function readBare(
  octets: Uint8Array,
  start: number,
  end: number,
  side: Side,
  options: SyntaxOptions,
  utf8: SyntaxOptions["utf8"],
): PathResult | Fault {
  const mailbox = readMailbox(octets, start, end, side, options);
  if (isFault(mailbox)) return mailbox;
  return finished(octets, start, mailbox.end, side, options, utf8, mailbox, noRoute);
}

function finished(
  octets: Uint8Array,
  start: number,
  end: number,
  side: Side,
  options: SyntaxOptions,
  utf8: SyntaxOptions["utf8"],
  { local, domain }: Mailbox,
  route: readonly string[],
): PathResult | Fault {
  if (end - start > options.limits.path) {
    return bad(side, "S-ADDR-11", `path of ${end - start} octets`, start);
  }
  if (domain?.kind === "general") return bad(side, "S-ADDR-10", "unknown tag in the address literal", start);
  const high = hasHigh(octets, start, end);
  if (high && utf8 !== "allowed") return notAscii(octets, start, side, utf8);
  // Its parts were decoded, so the whole is UTF-8.
  const raw = decodeUtf8(octets, start, end) as string;
  return { path: { local, domain, raw, address: formatMailbox({ local, domain }), route, utf8: high }, end };
}

/** The fault of a path in which some octet is above 0x7F. */
function notAscii(octets: Uint8Array, start: number, side: Side, utf8: SyntaxOptions["utf8"]): Fault {
  let at = start;
  while (octets[at] < 0x80) at++;
  if (utf8 === "absent") return bad(side, "S-ADDR-05", "octet above 0x7F in the address", at);
  return { rule: "X-UTF8-04", detail: "address needs SMTPUTF8 on MAIL", at, reply: notPermitted[side] };
}

function hasHigh(octets: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (octets[at] >= 0x80) return true;
  return false;
}

function isPostmaster(octets: Uint8Array, at: number, end: number): boolean {
  return isWord(octets, at, end, "POSTMASTER>");
}

/** `@one,@two:`, as RFC 821 had it; the names are kept and not used. */
function readRoute(
  octets: Uint8Array,
  start: number,
  end: number,
  side: Side,
  options: SyntaxOptions,
): { readonly route: readonly string[]; readonly end: number } | Fault {
  if (octets[start] !== 0x40 || start >= end) return { route: noRoute, end: start };
  const route: string[] = [];
  let at = start;
  while (at < end && octets[at] === 0x40) {
    const read = readDomain(octets, at + 1, end, domainOptions(options));
    if ("wrong" in read) return bad(side, "S-ADDR-01", read.wrong, read.at);
    route.push(formatDomain(read.domain));
    at = read.end;
    if (octets[at] === 0x3a && at < end) return { route, end: at + 1 };
    if (octets[at] !== 0x2c || at >= end) return bad(side, "S-ADDR-01", "source route without colon", at);
    at++;
  }
  return bad(side, "S-ADDR-01", "source route without @", at);
}

function domainOptions({ lenient }: SyntaxOptions): {
  utf8: boolean;
  underscore: boolean;
  trailingDot: boolean;
} {
  return { utf8: true, underscore: lenient.underscore, trailingDot: lenient.trailingDot };
}

/** Octets above 0x7F pass here as the UTF-8 that they have to be; whether they may is judged at the end. */
function readMailbox(
  octets: Uint8Array,
  start: number,
  end: number,
  side: Side,
  options: SyntaxOptions,
): (Mailbox & { readonly end: number }) | Fault {
  const read = readLocalPart(octets, start, end, side, options);
  if (isFault(read)) return read;
  const { local } = read;
  if (read.end - start > options.limits.localPart) {
    return bad(side, "S-ADDR-11", `local-part of ${read.end - start} octets`, start);
  }
  if (read.end >= end || octets[read.end] !== 0x40)
    return bad(side, "S-ADDR-01", "local-part without @ behind it", read.end);
  const found = readDomain(octets, read.end + 1, end, domainOptions(options));
  if ("wrong" in found) return bad(side, "S-ADDR-01", found.wrong, found.at);
  if (found.end - read.end - 1 > options.limits.domain) {
    return bad(side, "S-ADDR-11", `domain of ${found.end - read.end - 1} octets`, read.end + 1);
  }
  return { local, domain: found.domain, end: found.end };
}

function readLocalPart(
  octets: Uint8Array,
  start: number,
  end: number,
  side: Side,
  { lenient }: SyntaxOptions,
): { readonly local: string; readonly end: number } | Fault {
  let quoted = false;
  let at = start;
  for (;;) {
    const word = at;
    if (at < end && octets[at] === quote) {
      if (word > start && !lenient.mixedQuoting)
        return bad(side, "S-ADDR-01", "quoted string behind a dot", at);
      quoted = true;
      at = quotedEnd(octets, at, end);
      if (at < 0) return bad(side, "S-ADDR-01", "quoted string is not well-formed", word);
    } else {
      while (at < end && (is(octets[at], atext) || octets[at] >= 0x80)) at++;
      if (at === word && !lenient.dots) return bad(side, "S-ADDR-01", "empty word in the local-part", at);
    }
    const more = at < end && octets[at] === dot && (octets[word] !== quote || lenient.mixedQuoting);
    if (!more) break;
    at++;
  }
  if (at === start) return bad(side, "S-ADDR-01", "local-part is empty", at);
  const local = quoted ? decodeUtf8(unquoted(octets, start, at)) : decodeUtf8(octets, start, at);
  return local === null ? bad(side, "S-ADDR-01", "local-part is not UTF-8", start) : { local, end: at };
}

/** The offset behind the quoted string that begins at `start`, or -1. A backslash may quote printable ASCII only. */
function quotedEnd(octets: Uint8Array, start: number, end: number): number {
  for (let at = start + 1; at < end; at++) {
    const octet = octets[at];
    if (octet === quote) return at + 1;
    if (octet === backslash) {
      at++;
      if (octets[at] < 0x20 || octets[at] > 0x7e) return -1;
    } else if (!is(octet, qtext) && octet < 0x80) {
      return -1;
    }
  }
  return -1;
}

/** A well-formed local-part without its quotes and the backslashes that quote. */
function unquoted(octets: Uint8Array, start: number, end: number): Uint8Array {
  const value = new Uint8Array(end - start);
  let length = 0;
  for (let at = start; at < end; at++) {
    if (octets[at] === quote) continue;
    if (octets[at] === backslash) at++;
    value[length++] = octets[at];
  }
  return value.subarray(0, length);
}

/** Whether a local-part needs no quotes: atoms with single dots between. */
function isDotString(local: string): boolean {
  let atom = 0;
  for (let at = 0; at < local.length; at++) {
    const unit = local.charCodeAt(at);
    if (unit >= 0x80 || is(unit, atext)) atom++;
    else if (unit === dot && atom > 0) atom = 0;
    else return false;
  }
  return atom > 0;
}

/** The grammar with its limits (RFC 5321 §4.5.3.1). */
const standard: SyntaxOptions = {
  utf8: "absent",
  lenient: strict,
  limits: { localPart: 64, domain: 255, path: 256 },
};
const noRoute: readonly string[] = Object.freeze([]);
const quote = 0x22;
const backslash = 0x5c;
const dot = 0x2e;
const hyphen = 0x2d;
const bracket = 0x3e;
const sign = 0x40;

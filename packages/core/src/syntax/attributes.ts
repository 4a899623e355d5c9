import { reply } from "../reply.ts";
import { canonicalAddress } from "../wire/network.ts";
import { ascii, decodeUtf8 } from "../wire/utf8.ts";
import { parseDomain } from "./domain.ts";
import type { Fault } from "./fault.ts";
import { nextSpace, skipSpaces, upperAscii } from "./octets.ts";
import { decodeXtext } from "./xtext.ts";

/**
 * An attribute of XCLIENT or XFORWARD: its value; null: it is known to be unknown, `[UNAVAILABLE]` or
 * `[TEMPUNAVAIL]`.
 */
export type Attribute = string | null;

/** What XCLIENT tells of a client; what was not named is undefined. */
export interface ClientAttributes {
  /** The host name of the client's address. */
  readonly name?: Attribute;
  /** Its address: IPv4 dotted, or IPv6 as RFC 5952 has it. */
  readonly addr?: Attribute;
  readonly port?: number | null;
  readonly proto?: "SMTP" | "ESMTP" | null;
  /** The name that it gave in HELO or EHLO. */
  readonly helo?: Attribute;
  /** The login name with which it has authenticated. */
  readonly login?: Attribute;
  readonly destaddr?: Attribute;
  readonly destport?: number | null;
}

/** What XFORWARD tells of where a message came from; null: it is not known. */
export interface ForwardedAttributes {
  readonly name: Attribute;
  readonly addr: Attribute;
  readonly port: number | null;
  /** The protocol by which it was received, 64 characters at most. */
  readonly proto: Attribute;
  readonly helo: Attribute;
  /** The name of the message at the relay. */
  readonly ident: Attribute;
  /** Whether it came from within or from outside. */
  readonly source: "LOCAL" | "REMOTE" | null;
}

/** Of a message that an XFORWARD was said for: what it has not told is not known. */
export const nothingForwarded: ForwardedAttributes = Object.freeze({
  name: null,
  addr: null,
  port: null,
  proto: null,
  helo: null,
  ident: null,
  source: null,
});

/** `1*( SP name "=" value )`, the values in xtext (XCLIENT). */
export function parseClientAttributes(line: Uint8Array, at: number, end: number): ClientAttributes | Fault {
  return parseAttributes<ClientAttributes>(line, at, end, "XCLIENT", {
    NAME: (text) => optional("name", hostName(text)),
    ADDR: (text) => optional("addr", address(text)),
    PORT: (text) => optional("port", port(text)),
    PROTO: (text) => optional("proto", word(text, ["SMTP", "ESMTP"])),
    HELO: (text) => optional("helo", plain(text, 255)),
    LOGIN: (text) => optional("login", plain(text, 255)),
    DESTADDR: (text) => optional("destaddr", address(text)),
    DESTPORT: (text) => optional("destport", port(text)),
  });
}

/** `1*( SP name "=" value )`, the values in xtext (XFORWARD). What could be read as syntax in a header is refused. */
export function parseForwardedAttributes(
  line: Uint8Array,
  at: number,
  end: number,
): Partial<ForwardedAttributes> | Fault {
  return parseAttributes<Partial<ForwardedAttributes>>(line, at, end, "XFORWARD", {
    NAME: (text) => optional("name", safe(text, 255)),
    ADDR: (text) => optional("addr", address(text)),
    PORT: (text) => optional("port", port(text)),
    PROTO: (text) => optional("proto", safe(text, 64)),
    HELO: (text) => optional("helo", safe(text, 255)),
    IDENT: (text) => optional("ident", safe(text, 255)),
    SOURCE: (text) => optional("source", word(text, ["LOCAL", "REMOTE"])),
  });
}

/** What the text of a value comes to; undefined: it cannot be. Null stands for unavailable. */
type Read<T> = (text: string | null) => T | undefined;

function parseAttributes<T extends object>(
  line: Uint8Array,
  start: number,
  end: number,
  verb: "XCLIENT" | "XFORWARD",
  known: Readonly<Record<string, Read<T>>>,
): T | Fault {
  const found = {};
  if (start >= end) return fault(verb, "no attribute", start);
  for (let at = start; at < end; ) {
    const stop = nextSpace(line, at, end);
    let equals = at;
    while (equals < stop && line[equals] !== 0x3d) equals++;
    const name = upperAscii(line, at, equals);
    if (equals === stop || !Object.hasOwn(known, name)) return fault(verb, "not a known attribute", at);
    const decoded = decodeXtext(line, equals + 1, stop);
    // Very old senders do not encode: what cannot be xtext is taken as it is, but for a plus, which is broken.
    const literal = decoded === null && !ascii(line, equals + 1, stop).includes("+");
    const octets = literal ? line.subarray(equals + 1, stop) : decoded;
    const text = octets === null ? null : decodeUtf8(octets);
    if (text === null || text === "") return fault(verb, `value of ${name}`, equals);
    const unavailable = /^\[(UNAVAILABLE|TEMPUNAVAIL)\]$/i.test(text);
    const read = known[name](unavailable ? null : text);
    if (read === undefined) return fault(verb, `value of ${name}`, equals);
    Object.assign(found, read);
    at = skipSpaces(line, stop, end);
  }
  return found as T;
}

/** One attribute, unless its value cannot be. */
function optional<T>(name: string, value: T | undefined): { readonly [name: string]: T } | undefined {
  return value === undefined ? undefined : { [name]: value };
}

/** IPv4 dotted, or `IPV6:` and an IPv6 address; no brackets. */
function address(text: string | null): Attribute | undefined {
  if (text === null) return null;
  const six = /^IPV6:/i.test(text);
  const bare = six ? text.slice(5) : text;
  return bare.includes(":") === six ? (canonicalAddress(bare) ?? undefined) : undefined;
}

function port(text: string | null): number | null | undefined {
  if (text === null) return null;
  const number = /^[0-9]{1,5}$/.test(text) ? Number(text) : 65_536;
  return number <= 65_535 ? number : undefined;
}

function word<T extends string>(text: string | null, words: readonly T[]): T | null | undefined {
  if (text === null) return null;
  return words.find((each) => each === text.toUpperCase());
}

function hostName(text: string | null): Attribute | undefined {
  if (text === null) return null;
  return text.length <= 255 && parseDomain(text, lenient) !== null ? text : undefined;
}

/** Printable, of any script, and not longer than so many characters. */
function plain(text: string | null, most: number): Attribute | undefined {
  if (text === null) return null;
  return text.length <= most && !/[\x00-\x20\x7f-\x9f]/.test(text) ? text : undefined;
}

/** Nothing but printable ASCII without what has a meaning in header fields (XFORWARD, note 1). */
function safe(text: string | null, most: number): Attribute | undefined {
  if (text === null) return null;
  return text.length <= most && /^[^\x00-\x20\x7f-\uffff()<>,;"\\]+$/.test(text) ? text : undefined;
}

const lenient = { utf8: false, underscore: true, trailingDot: false };

function fault(verb: "XCLIENT" | "XFORWARD", detail: string, at: number): Fault {
  const rule = verb === "XCLIENT" ? "X-XCL-03" : "X-XFW-04";
  return { rule, detail, at, reply: reply(501, "5.5.4", "Bad attribute syntax") };
}

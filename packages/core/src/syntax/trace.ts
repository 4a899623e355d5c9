/**
 * The trace fields that a server puts on top of a message (RFC 5321 §4.4). Pure functions: who the client is, what
 * time it is and what was negotiated come in as facts.
 *
 * Much of it is what the client says of itself, or what the name servers of its network say. None of that is
 * believed to be well-formed: what does not fit the grammar is left out, or stands escaped in a comment. So nobody
 * on the other side can end the field, begin another, or claim a clause (CR, LF, NUL, `;`, brackets). What the
 * caller makes up, its own name, the id, is an error instead, for it has a bug to mend.
 */
import { UsageError } from "../errors.ts";
import { formatIpv4, formatIpv6, isIpv4Mapped, parseIpv4, parseIpv6 } from "../wire/address.ts";
import { encodeUtf8 } from "../wire/utf8.ts";
import { formatDomain, parseDomain } from "./domain.ts";
import { isFault } from "./fault.ts";
import { parsePath, type Side, type SyntaxOptions } from "./path.ts";

/** What a Received field tells. */
export interface ReceivedFacts {
  /** The client. */
  readonly from: {
    /** The argument of EHLO, HELO or LHLO as sent: any text. What is no domain and no literal goes to a comment. */
    readonly hello: string;
    /** The name of the client's address, verified both ways in the DNS; null if there is none. Left out if odd. */
    readonly host: string | null;
    /** The address of the client: IPv4 dotted, or IPv6 with or without zone; null if it has none, or it is odd. */
    readonly address: string | null;
  };
  /** The server's own domain, or an address literal in brackets. */
  readonly by: string;
  /**
   * For a gateway: the environment from which the message comes, such as `X400`; an atom (RFC 5321 §3.7). Left out:
   * it came by SMTP.
   */
  readonly via?: string | null;
  /** What `traceProtocol` gives: an atom, 64 characters at most. */
  readonly protocol: string;
  /** The keywords of the SOLICIT parameter: they go to a comment (RFC 3865 §2.5). */
  readonly solicit?: readonly string[] | null;
  /** The server's name for the message: atoms with dots and one `@` perhaps, in angle brackets or not; null: none. */
  readonly id: string | null;
  /**
   * The recipient, with or without angle brackets. To be given only if the transaction has a single one: others
   * would learn of each other (RFC 5321 §7.2). Left out if it is no address.
   */
  readonly for: string | null;
  /**
   * The TLS in use; null if none. The cipher suite by its IANA name, `TLS_...`, or `0x` and 4 hex digits; the group
   * of the key exchange by its name, such as `x25519` (RFC 8314 §4.3). What is neither is left out.
   */
  readonly tls: { readonly cipher: string | null; readonly group?: string | null } | null;
  /** The priority of the message, -9 to 9, where MT-PRIORITY is in use (RFC 6710 §4.1). */
  readonly priority?: number | null;
  /** When the message was received: milliseconds since 1970-01-01T00:00:00Z. Not the time of the session. */
  readonly now: number;
  /** The local time zone: minutes east of UTC. */
  readonly offset: number;
  /** The message is sent with SMTPUTF8: names and addresses may stand in UTF-8 (RFC 6531 §3.7.3). */
  readonly utf8: boolean;
}

/**
 * The Received field, to be put before everything else of the message (RFC 5321 §4.4). It is folded before clauses,
 * below 78 octets where its words allow, and ends in CRLF. Every accepted message gets one.
 *
 * @throws UsageError if `by`, `via`, `protocol`, `id` or `priority` does not fit the grammar, or the date cannot be
 *   written
 */
export function receivedField(facts: ReceivedFacts): string {
  const clauses = [fromClause(facts), ["by", ownName(facts)]];
  if (typeof facts.via === "string") clauses.push(["via", environment(facts.via)]);
  clauses.push(["with", protocolName(facts), ...solicitComment(facts.solicit ?? [])]);
  if (facts.id !== null) clauses.push(["id", identifier(facts.id)]);
  const recipient = facts.for === null ? null : addressText(facts.for, "forward", facts.utf8);
  if (recipient !== null) clauses.push(["for", `<${recipient}>`]);
  const { cipher = null, group = null } = facts.tls ?? {};
  if (cipher !== null && cipherSuite.test(cipher)) {
    clauses.push(["tls", cipher]);
    if (group !== null && keyGroup.test(group)) clauses.push(["group", group]);
  }
  if (typeof facts.priority === "number") clauses.push(["priority", priorityValue(facts.priority)]);
  const stamp = clauses[clauses.length - 1];
  stamp[stamp.length - 1] += ";";
  return fold("Received:", [...clauses, [formatDate(facts.now, facts.offset)]]);
}

/**
 * The Return-Path field of final delivery (RFC 5321 §4.4), with CRLF. It goes to the very top, above Received, and
 * there is to be no other one.
 *
 * @param path the reverse-path, with or without angle brackets; empty or `<>` for the null reverse-path
 * @throws UsageError if it is no reverse-path. One that a session has accepted always is, up to 640 octets
 */
export function returnPathField(path: string): string {
  const address = addressText(path, "reverse", true);
  if (address === null) throw new UsageError("the path of Return-Path is not an address");
  return `Return-Path: <${address}>\r\n`;
}

/** What decides on the `with` name of a Received field. */
export interface TraceSession {
  /** The verb of the last greeting that was accepted: after STARTTLS it may be another one than before. */
  readonly verb: "HELO" | "EHLO" | "LHLO";
  /** TLS is in use, by STARTTLS or from the start. */
  readonly tls: boolean;
  /** An AUTH has succeeded in this session. */
  readonly auth: boolean;
  /** MAIL had the SMTPUTF8 parameter. */
  readonly smtputf8: boolean;
}

/**
 * The `with` name of a Received field (RFC 5321 §4.4, RFC 3848, RFC 6531 §4.3), such as `ESMTPS`. It tells what was;
 * nothing is to be decided by it (RFC 3848).
 */
export function traceProtocol({ verb, tls, auth, smtputf8 }: TraceSession): string {
  return withNames[verb][smtputf8 ? "utf8" : "plain"][(tls ? 1 : 0) + (auth ? 2 : 0)];
}

/** In the order: neither TLS nor AUTH, TLS, AUTH, both. No name is registered for HELO with anything. */
const withNames = {
  HELO: { plain: ["SMTP", "SMTP", "SMTP", "SMTP"], utf8: ["SMTP", "SMTP", "SMTP", "SMTP"] },
  EHLO: {
    plain: ["ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"],
    utf8: ["UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"],
  },
  LHLO: {
    plain: ["LMTP", "LMTPS", "LMTPA", "LMTPSA"],
    utf8: ["UTF8LMTP", "UTF8LMTPS", "UTF8LMTPA", "UTF8LMTPSA"],
  },
} as const;

/**
 * A date and time as header fields have it (RFC 5322 §3.3): `Mon, 23 Nov 2026 16:11:00 +0100`.
 *
 * @param now milliseconds since 1970-01-01T00:00:00Z; parts of a second are dropped
 * @param offset the time zone in whole minutes east of UTC
 * @throws UsageError if the year is not within 1900 and 9999, or the zone not within 99 hours
 */
export function formatDate(now: number, offset: number): string {
  if (!Number.isInteger(offset) || Math.abs(offset) >= 100 * 60)
    throw new UsageError("the time zone cannot be");
  const seconds = Math.floor(now / 1000) + offset * 60;
  const days = Math.floor(seconds / 86400);
  const { year, month, day } = calendarDate(days);
  if (!(year >= 1900 && year <= 9999)) throw new UsageError("the date cannot be written");
  const inDay = seconds - days * 86400;
  const time = [Math.floor(inDay / 3600), Math.floor(inDay / 60) % 60, inDay % 60].map(twoDigits).join(":");
  const minutes = Math.abs(offset);
  const zone = `${offset < 0 ? "-" : "+"}${twoDigits(Math.floor(minutes / 60))}${twoDigits(minutes % 60)}`;
  // 1970-01-01 was a Thursday.
  const weekday = weekdays[(((days + 4) % 7) + 7) % 7];
  return `${weekday}, ${day} ${months[month]} ${year} ${time} ${zone}`;
}

/** The day of the Gregorian calendar, so many days after 1970-01-01. January is month 0. */
function calendarDate(days: number): { year: number; month: number; day: number } {
  // Years are counted from the first of March of the year 0: then a leap day is the last of its year, of its four
  // years, and of its four centuries, which are 146097 days.
  const since = days + 719468;
  const cycle = Math.floor(since / 146097);
  const inCycle = since - cycle * 146097;
  const century = Math.min(3, Math.floor(inCycle / 36524));
  const inCentury = inCycle - century * 36524;
  const fourYears = Math.floor(inCentury / 1461);
  const inFourYears = inCentury - fourYears * 1461;
  const single = Math.min(3, Math.floor(inFourYears / 365));
  const inYear = inFourYears - single * 365;
  // From March on, five months have 153 days: 31, 30, 31, 30, 31.
  const fromMarch = Math.floor((5 * inYear + 2) / 153);
  const day = inYear - Math.floor((153 * fromMarch + 2) / 5) + 1;
  const month = (fromMarch + 2) % 12;
  return { year: cycle * 400 + century * 100 + fourYears * 4 + single + (month < 2 ? 1 : 0), month, day };
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}

/**
 * `from mail.example (host.example [192.0.2.1])`, word by word. Where the client has given no proper name its
 * address stands for it, `unknown` if there is none, and what it said is in a comment.
 */
function fromClause({ from: { hello, host, address }, utf8 }: ReceivedFacts): string[] {
  const literal = address === null ? null : addressLiteral(address);
  const name = domainText(hello, utf8);
  const words = ["from", name ?? literal ?? "unknown"];
  if (literal !== null) {
    const verified = host === null ? null : domainText(host, utf8);
    if (verified === null) words.push(`(${literal})`);
    else words.push(`(${verified}`, `${literal})`);
  }
  if (name === null) words.push(...helloComment(hello, utf8));
  return words;
}

/** The address as a literal in brackets; null if it is none. A socket for both families calls IPv4 `::ffff:...`. */
function addressLiteral(address: string): string | null {
  const [text] = address.split("%");
  const four = parseIpv4(text);
  if (four !== null) return `[${formatIpv4(four)}]`;
  const sixteen = parseIpv6(text);
  if (sixteen === null) return null;
  return isIpv4Mapped(sixteen) ? `[${formatIpv4(sixteen.slice(12))}]` : `[IPv6:${formatIpv6(sixteen)}]`;
}

/** A domain or literal of the grammar; null if it is none. Of literals only those of IP addresses pass. */
function domainText(text: string, utf8: boolean): string | null {
  const domain = parseDomain(text, { utf8, underscore: false, trailingDot: false });
  if (domain === null || domain.kind === "general") return null;
  const written = formatDomain(domain);
  return unprintable.test(written) ? null : written;
}

/** `(HELO what the client said)`, word by word, in which nothing can close the comment; nothing for nothing. */
function helloComment(hello: string, utf8: boolean): string[] {
  let safe = "";
  let octets = 0;
  for (const character of hello) {
    const shown = unprintable.test(character) || (!utf8 && character > "~") ? "?" : character;
    octets += encodeUtf8(shown).length;
    if (octets > longestComment) {
      safe += "...";
      break;
    }
    safe += shown;
  }
  const words = safe.split(" ").filter((word) => word !== "");
  if (words.length === 0) return [];
  return `(HELO ${words.join(" ").replace(/[()\\]/g, "\\$&")})`.split(" ");
}

/** An address without angle brackets, quoted as it has to be; empty for the null reverse-path. Null: none. */
function addressText(text: string, side: Side, utf8: boolean): string | null {
  const octets = encodeUtf8(text.startsWith("<") ? text : `<${text}>`);
  const found = parsePath(octets, 0, octets.length, side, utf8 ? pathsInUtf8 : paths);
  if (isFault(found) || found.end !== octets.length) return null;
  // The dot of `example.com.` is tolerated in SMTP if the lenient options say so; a header field has none.
  const address = found.path === null ? "" : found.path.address.replace(/\.$/, "");
  // None of this is in ASCII, where the parser refuses it. A path has to come through, so it cannot be an error.
  return address.replace(new RegExp(unprintable, "gu"), "\ufffd");
}

function ownName({ by, utf8 }: ReceivedFacts): string {
  const name = domainText(by, utf8);
  if (name === null) throw new UsageError("`by` is neither a domain nor an address literal");
  return name;
}

function protocolName({ protocol }: ReceivedFacts): string {
  if (!/^[A-Za-z0-9-]{1,64}$/.test(protocol)) throw new UsageError("`protocol` is not an atom");
  return protocol;
}

function environment(via: string): string {
  if (!isAtom(via) || via.length > 64) throw new UsageError("`via` is not an atom");
  return via;
}

function priorityValue(priority: number): string {
  if (!Number.isInteger(priority) || Math.abs(priority) > 9)
    throw new UsageError("`priority` is not within -9 and 9");
  return String(priority);
}

/** `(SOLICIT=a.example:ADV,` `b.example:x)`, a word for each keyword; what is none in them stands as `?`. */
function solicitComment(keywords: readonly string[]): string[] {
  if (keywords.length === 0) return [];
  const safe = keywords.map((keyword) => keyword.slice(0, longestComment).replace(/[^!-~]|[()\\,]/g, "?"));
  return `(SOLICIT=${safe.join(", ")})`.split(" ");
}

/** RFC 5321 wants an atom or a message id; `a.b@c` without brackets it suggests in the text (§4.4). */
function identifier(id: string): string {
  const bare = id.startsWith("<") && id.endsWith(">") ? id.slice(1, -1) : id;
  const fits = bare.length <= longestId && bare.split("@").length <= 2 && bare.split(/[.@]/).every(isAtom);
  if (!fits || (bare !== id && !bare.includes("@")))
    throw new UsageError("`id` is neither an atom nor a message id");
  return id;
}

function isAtom(text: string): boolean {
  return /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+$/.test(text);
}

/** Writes clauses in lines: folds before one that does not fit, and within one that is longer than a line. */
function fold(name: string, clauses: readonly (readonly string[])[]): string {
  const lines: string[] = [];
  let line = name;
  for (const clause of clauses) {
    if (line !== name && !lineFits(line, clause.join(" "))) {
      lines.push(line);
      line = "";
    }
    for (const word of clause) {
      if (line === "") {
        line = `\t${word}`;
      } else if (lineFits(line, word)) {
        line += ` ${word}`;
      } else {
        lines.push(line);
        line = `\t${word}`;
      }
    }
  }
  return `${[...lines, line].join("\r\n")}\r\n`;
}

function lineFits(line: string, text: string): boolean {
  return encodeUtf8(line).length + 1 + encodeUtf8(text).length < preferredLine;
}

const weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
/**
 * Controls, halves of surrogates, what some programs take for the end of a line, and invisible formatting but the
 * joiners, which some scripts need in names (RFC 5892 appendix A).
 */
const unprintable = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]|(?!\u200c|\u200d)\p{Cf}/u;
/** The names of the IANA registry, or `0x` and the number (RFC 8314 §4.3). Other names are no clause. */
const cipherSuite = /^(TLS_[A-Z0-9_]{1,60}|0x[0-9A-Fa-f]{4})$/;
/** The names of the IANA registry of groups. */
const keyGroup = /^[A-Za-z][A-Za-z0-9_-]{0,59}$/;
/** RFC 5322 §2.1.1. The other limit there, 998, is kept because no word comes near it. */
const preferredLine = 78;
/** Octets of what a client says of itself, before it is escaped: as long as a domain can be. */
const longestComment = 255;
const longestId = 255;

// Whatever a session can have accepted is taken, as long as a line of 998 octets holds it, with each character of
// two octets become one of three.
const paths: SyntaxOptions = {
  utf8: "absent",
  lenient: {
    dots: true,
    bareAddress: false,
    trailingDot: true,
    underscore: true,
    mixedQuoting: true,
    spaceAfterColon: false,
    helloName: false,
  },
  limits: { localPart: 640, domain: 640, path: 640 },
};
const pathsInUtf8: SyntaxOptions = { ...paths, utf8: "allowed" };

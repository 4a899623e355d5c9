import { type Reply, reply } from "../reply.ts";
import { ascii, decodeLossy, decodeUtf8, encodeUtf8 } from "../wire/utf8.ts";
import { decodeBase64 } from "./base64.ts";
import { type Domain, type DomainOptions, parseDomain, readDomain } from "./domain.ts";
import { type Fault, isFault } from "./fault.ts";
import { digit, is, isWord, nextSpace, skipSpaces, upper, upperAscii } from "./octets.ts";
import {
  type MailParameters,
  type ParameterOptions,
  type RcptParameters,
  readMailParameters,
  readRcptParameters,
} from "./parameters.ts";
import { type Mailbox, type Path, parseAddress, parsePath, type SyntaxOptions } from "./path.ts";

/** What an argument is read with. */
export interface ArgumentContext extends SyntaxOptions, ParameterOptions {}

/**
 * The verb that stands at `start`, in upper case, and the offset of its argument: behind the SPs, of which there may be
 * more than one (RFC 821 §4.1). A verb ends at SP alone (RFC 5321 §2.4).
 *
 * @param end where the line ends without its blanks: see `trimBlanks`
 */
export function readVerb(
  octets: Uint8Array,
  start = 0,
  end: number = trimBlanks(octets),
): { readonly verb: string; readonly argument: number } {
  const stop = nextSpace(octets, start, end);
  const verb = (stop - start === 4 && commonVerbs.get(folded(octets, start))) || spelled(octets, start, stop);
  return { verb, argument: skipSpaces(octets, stop, end) };
}

/** No verb is longer; the rest of a longer one would only make it unknown once more. */
function spelled(octets: Uint8Array, start: number, stop: number): string {
  let verb = "";
  for (let at = start; at < stop && at < start + 64; at++) verb += String.fromCharCode(upper(octets[at]));
  return verb;
}

/** Four octets as a number, letters in upper case. An octet that is no letter is never taken for one. */
function folded(octets: Uint8Array, at: number): number {
  return (
    (upper(octets[at]) << 24) |
    (upper(octets[at + 1]) << 16) |
    (upper(octets[at + 2]) << 8) |
    upper(octets[at + 3])
  );
}

/** The verbs of four letters by their octets, so that no text has to be made of what is said most. */
const commonVerbs: ReadonlyMap<number, string> = /* @__PURE__ */ new Map(
  "EHLO HELO LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY EXPN HELP BURL ETRN ATRN AUTH"
    .split(" ")
    .map((verb) => [folded(encodeUtf8(verb), 0), verb]),
);

/** Where a line ends when SP and HT at its end are ignored (RFC 5321 §4.1.1). */
export function trimBlanks(octets: Uint8Array, start = 0, end: number = octets.length): number {
  let stop = end;
  while (stop > start && (octets[stop - 1] === 0x20 || octets[stop - 1] === 0x09)) stop--;
  return stop;
}

/** The offset of the first octet above 0x7F, or -1. */
export function highOctet(line: Uint8Array, start = 0, end: number = line.length): number {
  for (let at = start; at < end; at++) if (line[at] >= 0x80) return at;
  return -1;
}

/** `FROM:<path> parameters` (RFC 5321 §4.1.1.2). */
export function parseMail(
  line: Uint8Array,
  at: number,
  end: number,
  context: ArgumentContext,
): { readonly path: Path | null; readonly parameters: MailParameters } | Fault {
  const start = pathStart(line, at, end, "FROM:", "MAIL FROM:<address> [parameters]", context);
  if (typeof start !== "number") return start;
  // Whether UTF-8 may stand in the path is known only when the parameters behind it are.
  const offered = context.utf8 === "offered";
  const found = parsePath(line, start, end, "reverse", context, offered ? "allowed" : context.utf8);
  if (isFault(found)) return found;
  const parameters = readMailParameters(line, found.end, end, context, offered || context.utf8 === "allowed");
  if (isFault(parameters)) return parameters;
  if (offered && !parameters.smtputf8) {
    if (found.path?.utf8) return parsePath(line, start, end, "reverse", context) as Fault;
    const high = highOctet(line, found.end, end);
    if (high >= 0)
      return argument("S-LINE-09", "octet above 0x7F in a parameter", high, "Bad parameter syntax");
    // Encoded in ASCII, AUTH= may still come to an address that only SMTPUTF8 permits.
    const ascii = readMailParameters(line, found.end, end, context, false);
    if (isFault(ascii)) return ascii;
  }
  return { path: found.path, parameters };
}

/** `TO:<path> parameters` (RFC 5321 §4.1.1.3). */
export function parseRcpt(
  line: Uint8Array,
  at: number,
  end: number,
  context: ArgumentContext,
): { readonly path: Path; readonly parameters: RcptParameters } | Fault {
  const start = pathStart(line, at, end, "TO:", "RCPT TO:<address> [parameters]", context);
  if (typeof start !== "number") return start;
  const found = parsePath(line, start, end, "forward", context);
  if (isFault(found)) return found;
  const parameters = readRcptParameters(line, found.end, end, context, context.utf8 === "allowed");
  if (isFault(parameters)) return parameters;
  return { path: found.path as Path, parameters };
}

/**
 * `hostname`, or an address literal (RFC 5321 §4.1.1.1). What follows it is ignored: RFC 2821 let clients add to it.
 * Its faults have no enhanced code, as no reply to these verbs has (RFC 2034 §4).
 */
export function parseHello(
  line: Uint8Array,
  at: number,
  end: number,
  context: ArgumentContext,
  verb: string,
): { readonly name: string; readonly domain: Domain | null } | Fault {
  const stop = nextSpace(line, at, end);
  const read = readDomain(line, at, stop, helloDomain);
  if ("domain" in read && read.end === stop && stop - at <= context.limits.domain) {
    return { name: exactly(line, at, stop), domain: read.domain };
  }
  if (
    context.lenient.helloName &&
    at < stop &&
    isPrintable(line, at, stop) &&
    stop - at <= context.limits.domain
  ) {
    return { name: exactly(line, at, stop), domain: null };
  }
  const [detail, where] =
    at >= stop ? ["argument is missing", at] : "wrong" in read ? [read.wrong, read.at] : ["not a domain", at];
  return {
    rule: where === at && at >= stop ? "S-EHLO-02" : "S-EHLO-11",
    detail,
    at: where,
    reply: helloSyntax(verb),
  };
}

/**
 * `size [LAST]` (RFC 3030 §2). When the size cannot be read, nobody knows where the next command begins: the fault
 * is a 421.
 */
export function parseChunk(
  line: Uint8Array,
  at: number,
  end: number,
): { readonly size: number; readonly last: boolean } | Fault {
  const stop = nextSpace(line, at, end);
  if (stop === at) return unreadable("size is missing", at);
  for (let index = at; index < stop; index++) {
    if (!is(line[index], digit)) return unreadable("size is not a number", index);
  }
  const size = Number(ascii(line, at, stop));
  if (!Number.isSafeInteger(size)) return unreadable("size beyond 2^53 - 1", at);
  const word = skipSpaces(line, stop, end);
  if (word === end) return { size, last: false };
  if (isWord(line, word, end, "LAST") && word + 4 === end) return { size, last: true };
  return unreadable("word behind the size is not LAST", word);
}

/** `mechanism [initial-response]` (RFC 4954 §4). */
export function parseAuth(
  line: Uint8Array,
  at: number,
  end: number,
): { readonly mechanism: string; readonly initial: Uint8Array | null } | Fault {
  const stop = nextSpace(line, at, end);
  const mechanism = upperAscii(line, at, stop);
  const wellFormed = mechanism.length >= 1 && mechanism.length <= 20 && /^[A-Z0-9_-]*$/.test(mechanism);
  if (!wellFormed)
    return argument("A-AUTH-03", "not a mechanism", at, "Syntax: AUTH mechanism [initial-response]");
  const start = skipSpaces(line, stop, end);
  if (start === end) return { mechanism, initial: null };
  if (line[start] === 0x3d && start + 1 === end) return { mechanism, initial: new Uint8Array(0) };
  const initial = decodeBase64(line, start, end);
  if (initial !== null && initial.length > 0) return { mechanism, initial };
  return { rule: "A-AUTH-07", detail: "initial response is not base64", at: start, reply: undecodable };
}

/** `string [SMTPUTF8]`: free text in practice, an address more often than not (RFC 5321 §3.5, RFC 6531 §3.7.4.2). */
export function parseString(
  line: Uint8Array,
  at: number,
  end: number,
  context: ArgumentContext,
  verb: "VRFY" | "EXPN",
): { readonly text: string; readonly mailbox: Mailbox | null; readonly smtputf8: boolean } | Fault {
  const [rule, syntax] =
    verb === "VRFY" ? ["S-VRFY-01", "Syntax: VRFY address"] : ["S-EXPN-01", "Syntax: EXPN list"];
  const smtputf8 = context.inForce("smtputf8") && endsInSmtputf8(line, at, end);
  let stop = smtputf8 ? end - 9 : end;
  while (stop > at && line[stop - 1] === 0x20) stop--;
  if (stop === at) return argument(rule, "argument is missing", at, syntax);
  const high = highOctet(line, at, stop);
  const text = decodeUtf8(line, at, stop);
  if (text === null || (high >= 0 && context.utf8 === "absent" && !smtputf8)) {
    return argument("S-LINE-09", "octet above 0x7F", high, syntax);
  }
  const bracketed = text.startsWith("<") && text.endsWith(">");
  return { text, mailbox: parseAddress(bracketed ? text.slice(1, -1) : text, { utf8: true }), smtputf8 };
}

/** `[@|#]node` (RFC 1985 §5). */
export function parseEtrn(
  line: Uint8Array,
  at: number,
  end: number,
): { readonly option: "" | "@" | "#"; readonly node: string } | Fault {
  const option = at < end && line[at] === 0x40 ? "@" : at < end && line[at] === 0x23 ? "#" : "";
  const start = at + option.length;
  const node = decodeLossy(line, start, end);
  const known = option === "#" ? /^[\x21-\x7e]+$/.test(node) : parseDomain(node) !== null;
  return known ? { option, node } : argument("X-ETRN-02", "not a node", at, "Syntax: ETRN [@|#]node");
}

/** `url [LAST]`: what the grammar of URIs allows, with a scheme (RFC 4468 §3). */
export function parseUrl(
  line: Uint8Array,
  at: number,
  end: number,
): { readonly url: string; readonly last: boolean } | Fault {
  const syntax = "Syntax: BURL url [LAST]";
  const stop = nextSpace(line, at, end);
  const url = decodeLossy(line, at, stop);
  if (!/^[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+$/.test(url))
    return argument("X-BURL-02", "not an absolute URI", at, syntax);
  const word = skipSpaces(line, stop, end);
  if (word === end) return { url, last: false };
  if (isWord(line, word, end, "LAST") && word + 4 === end) return { url, last: true };
  return argument("X-BURL-02", "word behind the URL is not LAST", word, syntax);
}

/** Whether `LAST` stands at the end, whatever is before it: with a BURL that is refused the message ends all the same. */
export function endsInLast(line: Uint8Array, at: number, end: number): boolean {
  const word = end - 4;
  return word > at && line[word - 1] === 0x20 && isWord(line, word, end, "LAST");
}

/** `[domain *("," domain)]` (RFC 2645 §5.2.1). */
export function parseDomains(line: Uint8Array, at: number, end: number): readonly string[] | Fault {
  if (at >= end) return [];
  const domains = decodeLossy(line, at, end).split(",");
  const known = domains.every((domain) => parseDomain(domain)?.kind === "name");
  return known
    ? domains
    : argument("X-ATRN-01", "not a list of domains", at, "Syntax: ATRN [domain *(,domain)]");
}

/** No argument at all: a 501 for any. */
export function parseNothing(_line: Uint8Array, at: number, end: number, verb: string): Fault | null {
  const rule =
    verb === "RSET"
      ? "S-RSET-02"
      : verb === "DATA"
        ? "S-DATAC-01"
        : verb === "QUIT"
          ? "S-QUIT-01"
          : "T-TLS-02";
  return at >= end ? null : argument(rule, `${verb} has no argument`, at, `Syntax: ${verb}`);
}

const helloDomain: DomainOptions = { utf8: false, underscore: false, trailingDot: false };
const undecodable: Reply = reply(501, "5.5.2", "Cannot decode response");

function helloSyntax(verb: string): Reply {
  return reply(501, `Syntax: ${verb} hostname`);
}

/** A bad argument: `501 5.5.4` with a text that helps. */
function argument(rule: string, detail: string, at: number, text: string): Fault {
  return { rule, detail, at, reply: reply(501, "5.5.4", text) };
}

/** A BDAT of which nobody knows how many octets follow. */
export function unreadable(detail: string, at: number): Fault {
  return {
    rule: "S-BDAT-12",
    detail,
    at,
    reply: reply(421, "4.7.0", "Cannot tell where the chunk ends, closing"),
  };
}

function pathStart(
  line: Uint8Array,
  at: number,
  end: number,
  word: string,
  syntax: string,
  context: ArgumentContext,
): number | Fault {
  if (!isWord(line, at, end, word))
    return argument("S-MAIL-08", `${word} is missing`, at, `Syntax: ${syntax}`);
  const behind = at + word.length;
  const start = skipSpaces(line, behind, end);
  if (start > behind && !context.lenient.spaceAfterColon) {
    return argument("S-MAIL-09", "space behind the colon", behind, `Syntax: ${syntax}`);
  }
  return start;
}

/** A text that is kept as long as the session: by itself, and not as part of one that was cut. */
function exactly(line: Uint8Array, start: number, end: number): string {
  if (end - start > 255) return ascii(line, start, end);
  const units: number[] = [];
  for (let at = start; at < end; at++) units.push(line[at]);
  return String.fromCharCode(...units);
}

/** Graphic ASCII: no blank, no control, nothing above 0x7F. */
function isPrintable(line: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (line[at] < 0x21 || line[at] > 0x7e) return false;
  return true;
}

function endsInSmtputf8(line: Uint8Array, at: number, end: number): boolean {
  const word = end - 8;
  return word > at && line[word - 1] === 0x20 && isWord(line, word, end, "SMTPUTF8");
}

import { UsageError } from "../errors.ts";
import { loneSurrogate } from "../extensions/values.ts";
import {
  type ClientAttributes,
  type ForwardedAttributes,
  parseClientAttributes,
  parseForwardedAttributes,
} from "../syntax/attributes.ts";
import { type Capabilities, wordsOf } from "../syntax/capabilities.ts";
import { isFault } from "../syntax/fault.ts";
import { encodeXtext } from "../syntax/xtext.ts";
import { encodeUtf8 } from "../wire/utf8.ts";

// XCLIENT and XFORWARD as the client says them: attributes in lines that every server takes.

/** Octets of a command line without CRLF (XCLIENT, note 1). */
const longestLine = 510;

/**
 * The commands that tell a server who the client is, for as many of the attributes as it knows; the address comes last,
 * since with it the right to say more may end.
 */
export function presentingLines(given: ClientAttributes, capabilities: Capabilities): readonly string[] {
  return lines("XCLIENT", clientWords(given), capabilities);
}

/** The commands that tell a server where the next message came from; none where it does not want to know. */
export function forwardingLines(
  given: Partial<ForwardedAttributes>,
  capabilities: Capabilities,
): readonly string[] {
  return lines("XFORWARD", forwardedWords(given), capabilities);
}

/** @throws {UsageError} for attributes that no server would take */
export function checkClient(given: ClientAttributes): void {
  check("xclient", clientWords(given), parseClientAttributes);
}

/** @throws {UsageError} for attributes that no server would take */
export function checkForwarded(given: Partial<ForwardedAttributes>): void {
  check("forwarded", forwardedWords(given), parseForwardedAttributes);
}

/** Names and values as they go on the wire. */
type Words = readonly (readonly [name: string, value: string])[];

function clientWords({ name, port, proto, helo, login, destaddr, destport, addr }: ClientAttributes): Words {
  return words([
    ["NAME", name],
    ["PORT", port],
    ["PROTO", proto],
    ["HELO", helo],
    ["LOGIN", login],
    ["DESTADDR", destaddr, true],
    ["DESTPORT", destport],
    ["ADDR", addr, true],
  ]);
}

function forwardedWords(given: Partial<ForwardedAttributes>): Words {
  const { name, addr, port, proto, helo, ident, source } = given;
  return words([
    ["NAME", name],
    ["ADDR", addr, true],
    ["PORT", port],
    ["PROTO", proto],
    ["HELO", helo],
    ["IDENT", ident],
    ["SOURCE", source],
  ]);
}

function words(given: readonly [string, string | number | null | undefined, boolean?][]): Words {
  return given.flatMap(([name, value, address = false]) => {
    if (value === undefined) return [];
    if (value === null) return [[name, "[UNAVAILABLE]"] as const];
    const tag = address && String(value).includes(":") ? "IPV6:" : "";
    if (loneSurrogate.test(String(value))) throw new UsageError(`${name.toLowerCase()}: cannot be said`);
    return [[name, encodeXtext(`${tag}${value}`)] as const];
  });
}

/** What is written has to be read again, by a server as strict as ours. */
function check(
  option: string,
  words: Words,
  parse: (line: Uint8Array, at: number, end: number) => object,
): void {
  for (const [name, value] of words) {
    const octets = encodeUtf8(`${name}=${value}`);
    const read = parse(octets, 0, octets.length);
    // The longest verb, and a space before the attribute.
    if (isFault(read) || octets.length > longestLine - 9)
      throw new UsageError(`${option}.${name.toLowerCase()}: cannot be said`);
  }
}

function lines(verb: string, words: Words, capabilities: Capabilities): readonly string[] {
  const known = (wordsOf(capabilities, verb) ?? []).map((name) => name.toUpperCase());
  const found: string[] = [];
  for (const [name, value] of words) {
    if (!known.includes(name)) continue;
    const word = ` ${name}=${value}`;
    const last = found.length - 1;
    if (last >= 0 && found[last].length + word.length <= longestLine) found[last] += word;
    else found.push(verb + word);
  }
  return found;
}

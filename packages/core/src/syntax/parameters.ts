import { type Reply, reply } from "../reply.ts";
import { ascii, decodeUtf8 } from "../wire/utf8.ts";
import type { Fault } from "./fault.ts";
import { atext, digit, is, letterOrDigit, nextSpace, skipSpaces, upperAscii, value } from "./octets.ts";
import { formatMailbox, parseAddress } from "./path.ts";
import { decodeXtext, upperHex } from "./xtext.ts";

/** Extensions that a server can offer. */
export type ExtensionName =
  | "pipelining"
  | "size"
  | "8bitmime"
  | "smtputf8"
  | "enhancedStatusCodes"
  | "chunking"
  | "binarymime"
  | "dsn"
  | "help"
  | "etrn"
  | "starttls"
  | "auth"
  | "vrfy"
  | "expn";

/** The parameters of MAIL; null where one was not given. */
export interface MailParameters {
  /** SIZE: the declared octets of content (RFC 1870). Beyond 2^53 - 1 it is Infinity: above any limit. */
  readonly size: number | null;
  /** BODY (RFC 6152, RFC 3030). */
  readonly body: "7BIT" | "8BITMIME" | "BINARYMIME" | null;
  /** SMTPUTF8 was given (RFC 6531). */
  readonly smtputf8: boolean;
  /** RET: what a failure notification returns (RFC 3461 §4.3). */
  readonly ret: "FULL" | "HDRS" | null;
  /** ENVID, encoded as it was received (RFC 3461 §4.4). */
  readonly envid: string | null;
  /** AUTH: who submitted the message (RFC 4954 §5): `<>`, or an address. */
  readonly auth: string | null;
}

/** The parameters of RCPT; null where one was not given. */
export interface RcptParameters {
  /** NOTIFY: when the sender wants to be told (RFC 3461 §4.1). NEVER stands alone. */
  readonly notify: readonly ("NEVER" | "SUCCESS" | "FAILURE" | "DELAY")[] | null;
  /** ORCPT: the original recipient (RFC 3461 §4.2, RFC 6533 §3). */
  readonly orcpt: OriginalRecipient | null;
}

/** An original recipient. */
export interface OriginalRecipient {
  /** The address type, `rfc822` or `utf-8`, as it was received. */
  readonly type: string;
  /** The address decoded. */
  readonly address: string;
  /** The whole value as it was received, to be passed on unchanged. */
  readonly raw: string;
}

/** MAIL without parameters. */
export const noMailParameters: MailParameters = Object.freeze({
  size: null,
  body: null,
  smtputf8: false,
  ret: null,
  envid: null,
  auth: null,
});

/** RCPT without parameters. */
export const noRcptParameters: RcptParameters = Object.freeze({ notify: null, orcpt: null });

/** What a parameter is read with. */
export interface ParameterContext {
  /** Whether an extension is in force for this client now. */
  readonly extensions: (name: ExtensionName) => boolean;
  /** UTF-8 may stand in values (RFC 6531 §3.2). */
  readonly utf8: boolean;
  /** No extension is in force at all: the client said HELO. */
  readonly none: boolean;
  readonly maxParameters: number;
}

/** One parameter: what it belongs to, and how its value is read. */
interface Parameter<T> {
  /** It is known when any of these is in force. */
  readonly extensions: readonly ExtensionName[];
  /** What the value, undefined without `=`, comes to, merged into the parameters; null or undefined: malformed. */
  readonly read: (given: Value | undefined, context: ParameterContext) => Partial<T> | null | undefined;
}

/** The octets of a value, which is never empty. */
interface Value {
  readonly octets: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** All parameters of MAIL. */
const mailParameters: Readonly<Record<string, Parameter<MailParameters>>> = {
  SIZE: { extensions: ["size"], read: (given) => given && readSize(given) },
  BODY: {
    extensions: ["8bitmime", "binarymime"],
    read: (given, context) => given && readBody(given, context),
  },
  SMTPUTF8: { extensions: ["smtputf8"], read: (given) => (given === undefined ? { smtputf8: true } : null) },
  RET: { extensions: ["dsn"], read: (given) => given && readRet(given) },
  ENVID: { extensions: ["dsn"], read: (given) => given && readEnvid(given) },
  AUTH: { extensions: ["auth"], read: (given, context) => given && readAuth(given, context) },
};

/** All parameters of RCPT. */
const rcptParameters: Readonly<Record<string, Parameter<RcptParameters>>> = {
  NOTIFY: { extensions: ["dsn"], read: (given) => given && readNotify(given) },
  ORCPT: { extensions: ["dsn"], read: (given, context) => given && readOrcpt(given, context) },
};

/** Reads what follows the path of MAIL, from the octet behind `>`. */
export function readMailParameters(
  octets: Uint8Array,
  at: number,
  end: number,
  context: ParameterContext,
): MailParameters | Fault {
  return readParameters(octets, at, end, context, mailParameters, noMailParameters);
}

/** Reads what follows the path of RCPT, from the octet behind `>`. */
export function readRcptParameters(
  octets: Uint8Array,
  at: number,
  end: number,
  context: ParameterContext,
): RcptParameters | Fault {
  return readParameters(octets, at, end, context, rcptParameters, noRcptParameters);
}

const malformed: Reply = reply(501, "5.5.4", "Bad parameter syntax");
const unsupported: Reply = reply(555, "5.5.4", "Unsupported parameter");

function readParameters<T extends object>(
  octets: Uint8Array,
  start: number,
  end: number,
  context: ParameterContext,
  known: Readonly<Record<string, Parameter<T>>>,
  none: T,
): T | Fault {
  if (start >= end) return none;
  if (octets[start] !== 0x20) return fault("S-PARM-01", "no space behind the path", start, malformed);
  const found = { ...none };
  const seen: string[] = [];
  for (let at = skipSpaces(octets, start, end); at < end; at = skipSpaces(octets, at, end)) {
    if (context.none) return fault("S-PARM-05", "parameter without EHLO", at, unsupported);
    if (seen.length >= context.maxParameters) return fault("L-LEN-23", "too many parameters", at, malformed);
    const word = nextSpace(octets, at, end);
    const name = keywordEnd(octets, at, word);
    if (name === at) return fault("S-PARM-04", "not a parameter", at, malformed);
    const keyword = upperAscii(octets, at, name);
    const parameter = Object.hasOwn(known, keyword) ? known[keyword] : undefined;
    if (name < word && octets[name] !== 0x3d) return fault("S-PARM-04", "not a parameter", name, malformed);
    if (parameter === undefined || !parameter.extensions.some(context.extensions)) {
      return fault("S-PARM-02", `parameter ${keyword} is not offered`, at, unsupported);
    }
    if (seen.includes(keyword)) return fault("S-PARM-03", `parameter ${keyword} is repeated`, at, malformed);
    seen.push(keyword);
    const given = name < word ? { octets, start: name + 1, end: word } : undefined;
    const read =
      given !== undefined && !isValue(given, context) ? null : (parameter.read(given, context) ?? null);
    if (read === null) return fault("S-PARM-04", `parameter ${keyword} is malformed`, at, malformed);
    Object.assign(found, read);
    at = word;
  }
  return seen.length === 0 ? none : found;
}

function fault(rule: string, detail: string, at: number, said: Reply): Fault {
  return { rule, detail, at, reply: said };
}

function keywordEnd(octets: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && (is(octets[at], letterOrDigit) || (octets[at] === 0x2d && at > start))) at++;
  return at;
}

/** Of the characters that a value may have; `=` is told apart where it is read, as AUTH= and ENVID= exclude it. */
function isValue({ octets, start, end }: Value, { utf8 }: ParameterContext): boolean {
  if (start === end) return false;
  for (let at = start; at < end; at++) {
    if (!is(octets[at], value) && !(utf8 && octets[at] >= 0x80)) return false;
  }
  return true;
}

/** 1 to 20 digits (RFC 1870 §3). */
function readSize({ octets, start, end }: Value): Partial<MailParameters> | null {
  if (end - start > 20) return null;
  for (let at = start; at < end; at++) if (!is(octets[at], digit)) return null;
  const size = Number(ascii(octets, start, end));
  return { size: Number.isSafeInteger(size) ? size : Number.POSITIVE_INFINITY };
}

function readBody(given: Value, { extensions }: ParameterContext): Partial<MailParameters> | null {
  switch (upperText(given)) {
    case "7BIT":
      return { body: "7BIT" };
    case "8BITMIME":
      return extensions("8bitmime") ? { body: "8BITMIME" } : null;
    case "BINARYMIME":
      return extensions("binarymime") ? { body: "BINARYMIME" } : null;
    default:
      return null;
  }
}

function readRet(given: Value): Partial<MailParameters> | null {
  const ret = upperText(given);
  return ret === "FULL" || ret === "HDRS" ? { ret } : null;
}

/** xtext of up to 100 characters that stands for printable ASCII and blanks (RFC 3461 §4.4, §5.4). */
function readEnvid({ octets, start, end }: Value): Partial<MailParameters> | null {
  const decoded = end - start > 100 ? null : decodeXtext(octets, start, end);
  if (decoded === null || !decoded.every((octet) => octet >= 0x20 && octet <= 0x7e)) return null;
  return { envid: ascii(octets, start, end) };
}

/** `<>`, or the xtext of an address (RFC 4954 §5). */
function readAuth({ octets, start, end }: Value, { utf8 }: ParameterContext): Partial<MailParameters> | null {
  if (end - start === 2 && octets[start] === 0x3c && octets[start + 1] === 0x3e) return { auth: "<>" };
  const decoded = decodeXtext(octets, start, end);
  const text = decoded === null ? null : decodeUtf8(decoded);
  const mailbox = text === null ? null : parseAddress(text, { utf8 });
  return mailbox === null ? null : { auth: formatMailbox(mailbox) };
}

function readNotify(given: Value): Partial<RcptParameters> | null {
  const words = upperText(given).split(",");
  const events = ["NEVER", "SUCCESS", "FAILURE", "DELAY"] as const;
  const notify = words.map((word) => events.find((event) => event === word));
  if (notify.includes(undefined) || (notify.includes("NEVER") && notify.length > 1)) return null;
  return { notify: notify as (typeof events)[number][] };
}

/** An address type, which is an atom, then the address in xtext, or for `utf-8` in the form of RFC 6533 §3. */
function readOrcpt(
  { octets, start, end }: Value,
  { utf8 }: ParameterContext,
): Partial<RcptParameters> | null {
  let semicolon = start;
  while (semicolon < end && octets[semicolon] !== 0x3b) semicolon++;
  if (semicolon === start || semicolon >= end - 1 || end - start > 500) return null;
  for (let at = start; at < semicolon; at++) {
    if (!is(octets[at], atext)) return null;
  }
  const type = ascii(octets, start, semicolon);
  const address =
    type.toLowerCase() === "utf-8"
      ? readUtf8Address(octets, semicolon + 1, end, utf8)
      : readXtextAddress(octets, semicolon + 1, end, utf8);
  const raw = decodeUtf8(octets, start, end);
  return address === null || raw === null ? null : { orcpt: { type, address, raw } };
}

/** No control octet is in any address (RFC 5321 §4.1.2): decoded, CR and LF would end a header field. */
function readXtextAddress(octets: Uint8Array, start: number, end: number, utf8: boolean): string | null {
  const decoded = decodeXtext(octets, start, end);
  const fits = decoded?.every((octet) => (octet >= 0x20 && octet < 0x7f) || (utf8 && octet >= 0x80));
  return decoded === null || !fits ? null : decodeUtf8(decoded);
}

/** utf-8-addr-xtext, and where SMTPUTF8 is in force utf-8-addr-unitext; decoded it is a mailbox. */
function readUtf8Address(octets: Uint8Array, start: number, end: number, utf8: boolean): string | null {
  const text = decodeUtf8(octets, start, end);
  if (text === null) return null;
  let address = "";
  for (let at = 0; at < text.length; ) {
    const point = text.codePointAt(at) as number;
    if (point === 0x5c) {
      const close = text.indexOf("}", at);
      const embedded = close < 0 || close - at > 9 ? null : embeddedPoint(text.slice(at, close + 1));
      if (embedded === null) return null;
      address += String.fromCodePoint(embedded);
      at = close + 1;
      continue;
    }
    const plain = point > 0x20 && point < 0x7f && point !== 0x2b && point !== 0x3d;
    if (!plain && !(utf8 && point >= 0x80)) return null;
    address += String.fromCodePoint(point);
    at += point > 0xffff ? 2 : 1;
  }
  return parseAddress(address, { utf8: true }) === null ? null : address;
}

/** `\x{FC}`: upper case, shortest form, and only for what cannot stand for itself (RFC 6533 §3). */
function embeddedPoint(text: string): number | null {
  if (!text.startsWith("\\x{")) return null;
  const digits = text.slice(3, -1);
  if (digits.length < 2 || digits.length > 6) return null;
  for (let at = 0; at < digits.length; at++) if (upperHex(digits.charCodeAt(at)) < 0) return null;
  const point = Number.parseInt(digits, 16);
  if (digits.length > 2 && digits[0] === "0") return null;
  if (point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff)) return null;
  const plain = point > 0x20 && point < 0x7f && point !== 0x2b && point !== 0x3d && point !== 0x5c;
  return plain || (digits.length > 2 && point < 0x100) ? null : point;
}

function upperText({ octets, start, end }: Value): string {
  return upperAscii(octets, start, end);
}

import { type Reply, reply } from "../reply.ts";
import type { Fault } from "./fault.ts";
import { is, letterOrDigit, nextSpace, skipSpaces, upperAscii, value } from "./octets.ts";

/** The parameters of MAIL; null, or false, where one was not given. */
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
  /** BY: by when it is to be delivered (RFC 2852 §4). */
  readonly by: DeliverBy | null;
  /** HOLDFOR: seconds for which the message is to be kept before it is sent on (RFC 4865 §5). */
  readonly holdFor: number | null;
  /** HOLDUNTIL: the time before which it is not to be sent on, an RFC 3339 date-time in UTC (RFC 4865 §5). */
  readonly holdUntil: string | null;
  /** MT-PRIORITY: -9 to 9, 0 is ordinary mail (RFC 6710 §4.1). */
  readonly priority: number | null;
  /** REQUIRETLS: the message is to travel inside TLS only (RFC 8689 §2). */
  readonly requireTls: boolean;
  /** SOLICIT: the classes of solicitation that the header names (RFC 3865 §2.3). */
  readonly solicit: readonly string[] | null;
  /** MTRK: how the sender will ask for tracking (RFC 3885 §3). */
  readonly track: Track | null;
  /** PRDR: the client reads a verdict for each recipient. */
  readonly prdr: boolean;
  /** Parameters of extensions that the configuration registers, by keyword; true: one without value. */
  readonly other: Readonly<Record<string, string | true>>;
}

/** By when a message is to be delivered (RFC 2852 §4). */
export interface DeliverBy {
  /** Seconds from now on; 0 and less: it has passed. At most 999,999,999 either way. */
  readonly seconds: number;
  /** What is to become of it when the time has passed: `return` it, or `notify` the sender and go on. */
  readonly mode: "return" | "notify";
  /** Each relay is to tell the sender that it has passed the message on. */
  readonly trace: boolean;
}

/** How a message is tracked (RFC 3885 §3). */
export interface Track {
  /** The hash of the secret with which the sender will ask, in base64. */
  readonly certifier: string;
  /** For how many seconds; null: as long as the server likes. */
  readonly timeout: number | null;
}

/** The parameters of RCPT; null where one was not given. */
export interface RcptParameters {
  /** NOTIFY: when the sender wants to be told (RFC 3461 §4.1). NEVER stands alone. */
  readonly notify: readonly ("NEVER" | "SUCCESS" | "FAILURE" | "DELAY")[] | null;
  /** ORCPT: the original recipient (RFC 3461 §4.2, RFC 6533 §3). */
  readonly orcpt: OriginalRecipient | null;
  /** RRVS: the mailbox must have had the same owner ever since (RFC 7293 §3). */
  readonly rrvs: RecipientValidSince | null;
  /** Parameters of extensions that the configuration registers, by keyword; true: one without value. */
  readonly other: Readonly<Record<string, string | true>>;
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

/** Since when a recipient must have been the same (RFC 7293 §3). */
export interface RecipientValidSince {
  /** An RFC 3339 date-time, as it was received. */
  readonly since: string;
  /** What a relay does where the next one lacks RRVS: go on without it, or `reject` the recipient. */
  readonly action: "continue" | "reject";
}

const nothing: Readonly<Record<string, string | true>> = Object.freeze({});

/** MAIL without parameters. */
export const noMailParameters: MailParameters = Object.freeze(freshMailParameters());

/** RCPT without parameters. */
export const noRcptParameters: RcptParameters = Object.freeze(freshRcptParameters());

// A literal, since to copy an object that is frozen takes twenty times as long.
function freshMailParameters(): MailParameters {
  return {
    size: null,
    body: null,
    smtputf8: false,
    ret: null,
    envid: null,
    auth: null,
    by: null,
    holdFor: null,
    holdUntil: null,
    priority: null,
    requireTls: false,
    solicit: null,
    track: null,
    prdr: false,
    other: nothing,
  };
}

function freshRcptParameters(): RcptParameters {
  return { notify: null, orcpt: null, rrvs: null, other: nothing };
}

/** What parameters are read with. */
export interface ParameterOptions {
  /** All parameters that there are. */
  readonly known: KnownParameters;
  /** Whether an extension is in force for this client now, by its name in the registry. */
  inForce(name: string): boolean;
  /** The client said HELO, so that no extension is in force at all. */
  readonly plain: boolean;
  readonly maxParameters: number;
}

/** What a value is read with. */
export interface ParameterContext {
  /** Whether an extension is in force for this client now, by its name in the registry. */
  readonly extensions: (name: string) => boolean;
  /** UTF-8 may stand in values (RFC 6531 §3.2). */
  readonly utf8: boolean;
}

/** The parameters of MAIL and RCPT, by keyword in upper case. */
export interface KnownParameters {
  readonly mail: Readonly<Record<string, Known<MailParameters>>>;
  readonly rcpt: Readonly<Record<string, Known<RcptParameters>>>;
}

/** A parameter and what makes it one. */
export interface Known<T> {
  /** It is known when any of these is in force. */
  readonly extensions: readonly string[];
  /** `=` may stand in its value, against RFC 5321 §4.1.2, since its own specification has it there. */
  readonly equals?: boolean;
  readonly read: ReadParameter<T>;
  /** How it is refused when it is malformed or repeated; left out: as every other, `501 5.5.4`. */
  readonly malformed?: Refusal;
}

/**
 * Reads the value of a parameter, undefined where there is no `=`. It gives what is to be merged into the parameters
 * found so far; null or undefined: malformed.
 */
export type ReadParameter<T> = (
  given: Value | undefined,
  context: ParameterContext,
  found: T,
) => Partial<T> | null | undefined;

/** Why something that can be read is refused all the same. */
export interface Refusal {
  readonly rule: string;
  readonly detail: string;
  readonly reply: Reply;
}

/** The octets of a value, which is never empty. */
export interface Value {
  readonly octets: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Reads what follows the path of MAIL, from the octet behind `>`. With `utf8` it may stand in values (RFC 6531 §3.2). */
export function readMailParameters(
  octets: Uint8Array,
  at: number,
  end: number,
  options: ParameterOptions,
  utf8: boolean,
): MailParameters | Fault {
  if (at >= end) return noMailParameters;
  return readParameters(octets, at, end, options, utf8, options.known.mail, freshMailParameters());
}

/** Reads what follows the path of RCPT, likewise. */
export function readRcptParameters(
  octets: Uint8Array,
  at: number,
  end: number,
  options: ParameterOptions,
  utf8: boolean,
): RcptParameters | Fault {
  if (at >= end) return noRcptParameters;
  return readParameters(octets, at, end, options, utf8, options.known.rcpt, freshRcptParameters());
}

const malformed: Reply = reply(501, "5.5.4", "Bad parameter syntax");
const unsupported: Reply = reply(555, "5.5.4", "Unsupported parameter");

function readParameters<T extends object>(
  octets: Uint8Array,
  start: number,
  end: number,
  options: ParameterOptions,
  utf8: boolean,
  known: Readonly<Record<string, Known<T>>>,
  found: T,
): T | Fault {
  if (octets[start] !== 0x20) return fault("S-PARM-01", "no space behind the path", start, malformed);
  const seen: string[] = [];
  const context: ParameterContext = { extensions: (name) => options.inForce(name), utf8 };
  for (let at = skipSpaces(octets, start, end); at < end; at = skipSpaces(octets, at, end)) {
    if (options.plain) return fault("S-PARM-05", "parameter without EHLO", at, unsupported);
    if (seen.length >= options.maxParameters) return fault("L-LEN-23", "too many parameters", at, malformed);
    const word = nextSpace(octets, at, end);
    const name = keywordEnd(octets, at, word);
    if (name === at) return fault("S-PARM-04", "not a parameter", at, malformed);
    const keyword = upperAscii(octets, at, name);
    const parameter = Object.hasOwn(known, keyword) ? known[keyword] : undefined;
    if (name < word && octets[name] !== 0x3d) return fault("S-PARM-04", "not a parameter", name, malformed);
    if (parameter === undefined || !parameter.extensions.some(context.extensions)) {
      return fault("S-PARM-02", `parameter ${keyword} is not offered`, at, unsupported);
    }
    const own = parameter.malformed;
    if (seen.includes(keyword))
      return fault("S-PARM-03", `parameter ${keyword} is repeated`, at, own?.reply ?? malformed);
    seen.push(keyword);
    const given = name < word ? { octets, start: name + 1, end: word } : undefined;
    const read =
      given !== undefined && !isValue(given, context, parameter.equals === true)
        ? null
        : (parameter.read(given, context, found) ?? null);
    if (read === null && own !== undefined) return fault(own.rule, own.detail, at, own.reply);
    if (read === null) return fault("S-PARM-04", `parameter ${keyword} is malformed`, at, malformed);
    for (const key in read) found[key] = read[key] as T[typeof key];
    at = word;
  }
  return found;
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
function isValue({ octets, start, end }: Value, { utf8 }: ParameterContext, equals: boolean): boolean {
  if (start === end) return false;
  for (let at = start; at < end; at++) {
    const allowed = is(octets[at], value) || (utf8 && octets[at] >= 0x80) || (equals && octets[at] === 0x3d);
    if (!allowed) return false;
  }
  return true;
}

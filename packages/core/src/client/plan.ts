import { bug, UsageError } from "../errors.ts";
import { type CustomExtension, type CustomParameter, writeCustom } from "../extensions/custom.ts";
import type { Extension, OutgoingParameters } from "../extensions/extension.ts";
import { registry } from "../extensions/registry.ts";
import { loneSurrogate, oneOf } from "../extensions/values.ts";
import type { ForwardedAttributes } from "../syntax/attributes.ts";
import { type Capabilities, wordsOf } from "../syntax/capabilities.ts";
import { formatDomain, lowerAscii } from "../syntax/domain.ts";
import { formatMailbox, type Mailbox, parseAddress } from "../syntax/path.ts";
import { encodeUtf8 } from "../wire/utf8.ts";
import { checkForwarded, forwardingLines } from "./attributes.ts";
import type { ClientSettings } from "./config.ts";
import type { Addressee, OutgoingEnvelope } from "./events.ts";
import type { Failure, FailureCode, Outcome } from "./outcome.ts";

/** An envelope that was checked: nothing in it can break out of its command line (G12). */
export interface CheckedEnvelope {
  readonly from: CheckedPath | null;
  readonly to: readonly CheckedRecipient[];
  readonly size: number | null;
  readonly body: "7BIT" | "8BITMIME" | "BINARYMIME";
  readonly smtputf8: boolean;
  readonly burl: boolean;
  readonly parameters: readonly CheckedParameter[];
  /** What the extensions compare with what the server announces. */
  readonly given: OutgoingParameters;
  readonly forwarded: Partial<ForwardedAttributes> | null;
}

/** A parameter as it goes on the wire. */
export interface CheckedParameter {
  /** `KEYWORD=value`, or the keyword alone. */
  readonly text: string;
  readonly keyword: string;
  /** The keyword of the EHLO line without which it is not said; null: it needs none. */
  readonly needs: string | null;
}

/** An address as it goes between angle brackets. */
export interface CheckedPath {
  readonly text: string;
  readonly utf8: boolean;
  /** For counting domains (RFC 9422); in lower case. */
  readonly domain: string;
}

export interface CheckedRecipient extends CheckedPath {
  readonly parameters: readonly CheckedParameter[];
}

/** What is to be said for an envelope, given what the server offers. */
export interface Plan {
  /** XFORWARD commands that go before MAIL. */
  readonly forwarding: readonly string[];
  readonly mail: string;
  /** A line for each recipient; null for one that cannot be tried. */
  readonly rcpt: readonly (string | null)[];
  /** The outcomes that are known before anything is said; null where not. */
  readonly outcomes: (Outcome | null)[];
  readonly mode: "data" | "bdat";
  /** What MAIL says of the content. */
  readonly body: "7BIT" | "8BITMIME" | "BINARYMIME";
  readonly utf8: boolean;
  readonly prdr: boolean;
  /** Content may be given by URL. */
  readonly burl: boolean;
}

/**
 * Checks what the caller gave against the grammar: each address, each parameter.
 *
 * @throws {UsageError} naming what cannot be: nothing is stripped or repaired silently
 */
export function checkEnvelope(
  envelope: OutgoingEnvelope,
  custom: readonly CustomExtension[],
): CheckedEnvelope {
  const { from, to, size, forwarded } = envelope;
  if (size !== undefined && !(Number.isSafeInteger(size) && size >= 0)) throw new UsageError(`size: ${size}`);
  if (forwarded !== undefined) checkForwarded(forwarded);
  return {
    from: from === null ? null : checkPath(from, "from"),
    to: to.map((each, index) => checkRecipient(each, index, custom)),
    size: size ?? null,
    body: oneOf("body", envelope.body ?? "7BIT", ["7BIT", "8BITMIME", "BINARYMIME"]),
    // AUTH has an address, too.
    smtputf8: envelope.smtputf8 || isUtf8(envelope.auth ?? ""),
    burl: envelope.burl ?? false,
    parameters: both(
      written(mailParameters, envelope),
      writtenCustom(envelope.other, custom, ({ mail }) => mail),
    ),
    given: { by: envelope.by, holdFor: envelope.holdFor, holdUntil: envelope.holdUntil },
    forwarded: forwarded === undefined ? null : { ...forwarded },
  };
}

/** A parameter that can be asked for, and the keyword of the extension that it needs. */
interface Writable<T> {
  readonly keyword: string;
  readonly needs: string;
  readonly write: (given: T) => string | null;
}

type Parameters<T> = Readonly<Record<string, { readonly write: ((given: T) => string | null) | null }>>;

// Both lists are made once: most messages have none of all these.
const mailParameters = /* @__PURE__ */ writable(registry, ({ mail = {} }) => mail);
const rcptParameters = /* @__PURE__ */ writable(registry, ({ rcpt = {} }) => rcpt);
const picky = /* @__PURE__ */ registry.filter(({ unfit }) => unfit !== undefined);

function writable<T>(
  rows: readonly Extension[],
  side: (row: Extension) => Parameters<T>,
): readonly Writable<T>[] {
  return rows.flatMap((row) =>
    Object.entries(side(row)).flatMap(([keyword, { write }]) =>
      write === null ? [] : [{ keyword, needs: row.keyword, write }],
    ),
  );
}

function both(some: readonly CheckedParameter[], others: readonly CheckedParameter[]): typeof some {
  return some.length === 0 ? others : others.length === 0 ? some : [...some, ...others];
}

/** The parameters that are asked for, as they are said. */
function written<T>(parameters: readonly Writable<T>[], given: T): readonly CheckedParameter[] {
  let found = none;
  for (const { keyword, needs, write } of parameters) {
    const value = write(given);
    if (value === null) continue;
    found = [...found, { text: value === "" ? keyword : `${keyword}=${value}`, keyword, needs }];
  }
  return found;
}

/** Those of extensions that the configuration registers. */
function writtenCustom(
  given: OutgoingParameters["other"],
  custom: readonly CustomExtension[],
  side: (extension: CustomExtension) => readonly CustomParameter[] | undefined,
): readonly CheckedParameter[] {
  if (given === undefined || given === null) return none;
  return Object.entries(given).map(([keyword, value]) => {
    const extension = custom.find((each) => side(each)?.some((parameter) => parameter.keyword === keyword));
    const parameter = extension && side(extension)?.find((each) => each.keyword === keyword);
    if (extension === undefined || parameter === undefined)
      throw new UsageError(`other.${keyword}: no parameter of an extension of your own: see custom`);
    const text = writeCustom(parameter, value);
    return { text: text === "" ? keyword : `${keyword}=${text}`, keyword, needs: extension.keyword };
  });
}

/** Of parameters; most envelopes have none. */
const none: readonly CheckedParameter[] = [];

/** Compares what a message needs with what the server offers, before anything is sent (RFC 5321 §2.2.3). */
export function plan(
  envelope: CheckedEnvelope,
  capabilities: Capabilities,
  settings: ClientSettings,
  said: Said,
): Plan {
  const whole = needsOfAll(envelope, capabilities, settings, said);
  // Counted where the server has a limit.
  const domains = capabilities.limits.rcptDomainMax === null ? null : new Set(said.domains);
  let count = 0;
  const outcomes = envelope.to.map((recipient): Outcome | null => {
    const reason = whole ?? needsOfOne(recipient, capabilities, count, domains);
    if (reason !== null) return { status: "notTried", reason };
    count++;
    domains?.add(recipient.domain);
    return null;
  });
  const utf8 =
    envelope.smtputf8 ||
    envelope.from?.utf8 === true ||
    envelope.to.some((path, at) => outcomes[at] === null && path.utf8);
  const counted = settings.chunking !== "avoid" && capabilities.chunking;
  const bdat = envelope.body === "BINARYMIME" || envelope.burl || counted;
  const prdr = capabilities.prdr && settings.protocol === "smtp" && count > 1;
  return {
    forwarding: envelope.forwarded === null ? [] : forwardingLines(envelope.forwarded, capabilities),
    mail: mailLine(envelope, capabilities, utf8, prdr),
    rcpt: envelope.to.map(({ text, parameters }, at) =>
      outcomes[at] === null ? withParameters(`RCPT TO:<${text}>`, parameters) : null,
    ),
    outcomes,
    mode: bdat ? "bdat" : "data",
    body: envelope.body,
    utf8,
    prdr,
    burl: envelope.burl,
  };
}

/** What was said on this connection already, for the limits of RFC 9422, and whether it is inside TLS. */
export interface Said {
  readonly tls: boolean;
  readonly transactions: number;
  readonly domains: readonly string[];
}

function needsOfAll(
  envelope: CheckedEnvelope,
  capabilities: Capabilities,
  settings: ClientSettings,
  said: Said,
): Failure | null {
  const { size, body, from } = envelope;
  const { transactions, tls: secure } = said;
  const { mailMax } = capabilities.limits;
  if (mailMax !== null && transactions >= mailMax)
    return failure("limit-exceeded", "the server takes no more messages on this connection");
  if (size !== null && capabilities.size !== null && size > capabilities.size) {
    return failure("size-exceeded", `${size} octets, and the server takes ${capabilities.size}`);
  }
  if (body === "8BITMIME" && !capabilities["8bitmime"])
    return failure("8bitmime-missing", "8-bit content, and the server lacks 8BITMIME");
  if (body === "BINARYMIME" && !capabilities.binarymime)
    return failure("binarymime-missing", "binary content, and the server lacks BINARYMIME");
  if (settings.chunking === "require" && !capabilities.chunking)
    return failure("chunking-missing", "the server lacks CHUNKING");
  if ((envelope.smtputf8 || from?.utf8) && !capabilities.smtputf8)
    return failure("smtputf8-missing", "UTF-8 in sender or header, and the server lacks SMTPUTF8");
  if (envelope.burl && wordsOf(capabilities, "BURL") === null)
    return failure("extension-missing", "content by URL, and the server lacks BURL");
  return (
    lacking(envelope.parameters, capabilities) ??
    unfit(envelope, capabilities) ??
    insecure(envelope, secure, settings)
  );
}

/** A parameter that the server does not know (RFC 5321 §2.2.1). */
function lacking(parameters: readonly CheckedParameter[], capabilities: Capabilities): Failure | null {
  for (const { keyword, needs } of parameters) {
    if (needs === null || wordsOf(capabilities, needs) !== null) continue;
    const code =
      needs === "DSN" ? "dsn-missing" : needs === "REQUIRETLS" ? "requiretls-missing" : "extension-missing";
    return failure(code, `the parameter ${keyword}, and the server lacks ${needs}`);
  }
  return null;
}

/** What the server knows, and does not take so. */
function unfit({ given }: CheckedEnvelope, capabilities: Capabilities): Failure | null {
  for (const { keyword, unfit } of picky) {
    const words = wordsOf(capabilities, keyword);
    const why = words === null ? null : (unfit?.(given, words) ?? null);
    if (why !== null) return failure("extension-missing", why);
  }
  return null;
}

/** REQUIRETLS wants more than that the server offers it (RFC 8689 §4.2.1). */
function insecure(
  { parameters }: CheckedEnvelope,
  secure: boolean,
  settings: ClientSettings,
): Failure | null {
  if (!parameters.some(({ keyword }) => keyword === "REQUIRETLS")) return null;
  if (!secure) return failure("requiretls-missing", "REQUIRETLS, and there is no TLS");
  if (!settings.validatedHost)
    return failure("requiretls-missing", "REQUIRETLS, and who the server is was not validated");
  return null;
}

function needsOfOne(
  recipient: CheckedRecipient,
  capabilities: Capabilities,
  count: number,
  domains: ReadonlySet<string> | null,
): Failure | null {
  const { smtputf8, limits } = capabilities;
  if (recipient.utf8 && !smtputf8)
    return failure("smtputf8-missing", "address in UTF-8, and the server lacks SMTPUTF8");
  const missing = lacking(recipient.parameters, capabilities);
  if (missing !== null) return missing;
  if (limits.rcptMax !== null && count >= limits.rcptMax)
    return failure("limit-exceeded", `the server takes ${limits.rcptMax} recipients at a time`);
  if (
    limits.rcptDomainMax !== null &&
    domains !== null &&
    !domains.has(recipient.domain) &&
    domains.size >= limits.rcptDomainMax
  ) {
    return failure("limit-exceeded", `the server takes ${limits.rcptDomainMax} domains on a connection`);
  }
  return null;
}

function mailLine(
  envelope: CheckedEnvelope,
  capabilities: Capabilities,
  utf8: boolean,
  prdr: boolean,
): string {
  let line = `MAIL FROM:<${envelope.from?.text ?? ""}>`;
  if (envelope.size !== null && capabilities.size !== null) line += ` SIZE=${envelope.size}`;
  if (envelope.body !== "7BIT") line += ` BODY=${envelope.body}`;
  if (utf8) line += " SMTPUTF8";
  line = withParameters(line, envelope.parameters);
  return prdr ? `${line} PRDR` : line;
}

function withParameters(command: string, parameters: readonly CheckedParameter[]): string {
  let line = command;
  for (const { text } of parameters) line += ` ${text}`;
  return line;
}

function checkRecipient(
  given: string | Mailbox | Addressee,
  index: number,
  custom: readonly CustomExtension[],
): CheckedRecipient {
  const name = `to[${index}]`;
  const addressee: Addressee = typeof given === "object" && "to" in given ? given : { to: given };
  // The one address without a domain (RFC 5321 §4.1.1.3); nobody sends from it.
  const postmaster = typeof addressee.to === "string" && /^postmaster$/i.test(addressee.to);
  const path = postmaster
    ? { text: addressee.to as string, utf8: false, domain: "" }
    : checkPath(addressee.to, name);
  try {
    const parameters = both(
      written(rcptParameters, addressee),
      writtenCustom(addressee.other, custom, ({ rcpt }) => rcpt),
    );
    return { text: path.text, utf8: path.utf8, domain: path.domain, parameters };
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`${name}.${error.message}`) : error;
  }
}

function checkPath(given: string | Mailbox, name: string): CheckedPath {
  const text = typeof given === "string" ? given : formatMailbox(given);
  const mailbox = loneSurrogate.test(text) ? null : parseAddress(text, { utf8: true });
  if (mailbox === null) throw new UsageError(`${name}: not an address: ${JSON.stringify(text)}`);
  // A character has three octets at most; a pair of surrogates four.
  if (3 * text.length > longestPath && encodeUtf8(text).length > longestPath)
    throw new UsageError(`${name}: a path of more than 256 octets: ${JSON.stringify(text)}`);
  const domain = lowerAscii(formatDomain(mailbox.domain ?? bug("an address without a domain")));
  return { text, utf8: isUtf8(text), domain };
}

function isUtf8(text: string): boolean {
  return /[^\x00-\x7f]/.test(text);
}

/** Octets of an address, which with its brackets is a path (RFC 5321 §4.5.3.1.3). */
const longestPath = 254;

/** A failure with its name and a plain sentence. */
export function failure(code: FailureCode, detail: string): Failure {
  return { code, detail };
}

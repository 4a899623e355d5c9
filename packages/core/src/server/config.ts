import { UsageError } from "../errors.ts";
import { parseDomain } from "../syntax/domain.ts";
import { type Lenient, strict } from "../syntax/path.ts";
import type { Millis } from "../time.ts";
import type { BarePolicy } from "../wire/dot.ts";
import { rules } from "./state.ts";

/** How a server session behaves. Only the name has no default. */
export interface ServerConfig {
  /** The server's domain, or an address literal in brackets: the first word of greeting, EHLO reply, 221, 421. */
  readonly name: string;
  /** LMTP (RFC 2033) wants LHLO and gives a verdict for each recipient. Default `smtp`. */
  readonly protocol?: "smtp" | "lmtp";
  /** The text of the greeting behind the name; more lines make a multi-line 220. Default `ESMTP` or `LMTP`. */
  readonly banner?: string | readonly string[];
  /** The extensions offered. */
  readonly extensions?: Partial<Extensions>;
  /**
   * `none`: no TLS. `offered`: STARTTLS is offered. `required`: nothing but STARTTLS goes on without TLS.
   * `implicit`: the handshake comes before the greeting (RFC 8314 §3.3). Default `none`.
   */
  readonly tls?: "none" | "offered" | "required" | "implicit";
  /** The AUTH mechanisms; with none, AUTH is not offered. */
  readonly mechanisms?: readonly (string | AuthMechanism)[];
  /** Mail is taken from authenticated clients only, as on a submission port (RFC 6409 §4.3). Default false. */
  readonly authRequired?: boolean;
  /** The AUTH parameter of MAIL is believed from an authenticated client (RFC 4954 §5). Default false: `<>`. */
  readonly trustAuthParameter?: boolean;
  /** A PROXY header comes first. Turn it on only where none but a trusted proxy can connect. Default false. */
  readonly proxy?: boolean;
  /** What to do with CR that is not followed by LF in content. Default `reject`. */
  readonly bareCr?: BarePolicy;
  /** What to do with LF that does not follow CR in content. Default `reject`: it is how mail is smuggled. */
  readonly bareLf?: BarePolicy;
  /** What is tolerated beyond the grammar. */
  readonly lenient?: Partial<Lenient>;
  /** How many pipelined RCPTs may be asked at the same time; replies keep their order. Default 1. */
  readonly concurrentRecipients?: number;
  /** Ends the session of a client that sends ahead where it has to wait (RFC 2920 §3.1). Default false. */
  readonly strictPipelining?: boolean;
  /** After content was refused for a bare CR or LF the session is ended with 421. Default false. */
  readonly closeOnBareLineEnds?: boolean;
  /** Commands of your own, in upper case; each is asked as `command`. */
  readonly commands?: readonly CustomCommand[];
  /** Verbs at which the session is ended, as `GET` marks a cross-protocol attack. Default none. */
  readonly hostileVerbs?: readonly string[];
  readonly limits?: Partial<ServerLimits>;
  readonly timers?: Partial<ServerTimers>;
}

/** A command that this server knows beyond the standard ones (RFC 5321 §4.1.5). */
export interface CustomCommand {
  readonly verb: string;
  /** The EHLO line that announces it; null: none, for a private `X...` verb. */
  readonly keyword: string | null;
}

/** Which extensions are offered. What would oblige the application to more is off until it says so. */
export interface Extensions {
  /** RFC 2920. Default true. */
  readonly pipelining: boolean;
  /** RFC 1870; the number offered is `limits.message`. Default true. */
  readonly size: boolean;
  /** RFC 6152. Default true. */
  readonly "8bitmime": boolean;
  /** RFC 2034. Default true. */
  readonly enhancedStatusCodes: boolean;
  /** RFC 3030, BDAT. Default true. */
  readonly chunking: boolean;
  /** RFC 3030: content with any octets, which cannot be passed on by DATA. Needs chunking. Default false. */
  readonly binarymime: boolean;
  /** RFC 6531: addresses and headers in UTF-8. Needs 8bitmime. Default false. */
  readonly smtputf8: boolean;
  /** RFC 3461: the application sends delivery notifications as asked. Default false. */
  readonly dsn: boolean;
  /** HELP is answered. Default true. */
  readonly help: boolean;
  /** VRFY is listed; it is answered in any case. Default false. */
  readonly vrfy: boolean;
  /** EXPN is answered. Default false. */
  readonly expn: boolean;
  /** RFC 1985. Default false. */
  readonly etrn: boolean;
}

/** An AUTH mechanism that the application can carry out. */
export interface AuthMechanism {
  /** 1 to 20 of `A-Z 0-9 - _` (RFC 4422 §3.1). */
  readonly name: string;
  /** Who speaks first. `either`: the server does, but an initial response is understood (LOGIN). */
  readonly first: "client" | "server" | "either";
  /** It shows the credentials to an eavesdropper: offered and taken only inside TLS. */
  readonly cleartext: boolean;
  /** What the handshake must have given, or it is neither offered nor taken. Default null: nothing. */
  readonly needs?: null | "certificate" | "channel-binding";
}

/** Bounds, in octets or in numbers per session. */
export interface ServerLimits {
  /** Content of a message, octets. Offered as SIZE; 0: no fixed maximum. At least 65536 (RFC 5321 §4.5.3.1.7). */
  readonly message: number;
  /** Command line with CRLF, octets. */
  readonly commandLine: number;
  /** AUTH command and response lines with CRLF, octets. */
  readonly authLine: number;
  /** Line of content without CRLF and stuffed dot, octets; a message with a longer one is refused. */
  readonly textLine: number;
  /** Accepted recipients of a transaction. At least 100 (RFC 5321 §4.5.3.1.8). */
  readonly recipients: number;
  /** Parameters of one MAIL or RCPT. */
  readonly parameters: number;
  /** Local-part, domain and path, octets as sent. */
  readonly localPart: number;
  readonly domain: number;
  readonly path: number;
  /** Received and not yet consumed, octets, before `wantsInput` turns false. */
  readonly unread: number;
  /** Erroneous commands before the session is ended. */
  readonly errors: number;
  /** NOOP, RSET, VRFY, EXPN, HELP, EHLO... without a message in between, before the session is ended. */
  readonly idleCommands: number;
  /**
   * Recipients refused by the application before the session is ended. As many beyond `recipients`, or sent ahead
   * of a refusal, are no errors.
   */
  readonly refusedRecipients: number;
  /** Failed AUTH attempts before the session is ended. At least 3 (RFC 4954 §9). */
  readonly authFailures: number;
  /** MAIL transactions before the session is ended. */
  readonly transactions: number;
  /** Content within which `timers.dataBlock` must not pass, octets: together they are the slowest rate borne. */
  readonly dataBlock: number;
}

/** Spans in milliseconds; Infinity: never. */
export interface ServerTimers {
  /** A PROXY header has to be complete. */
  readonly proxy: Millis;
  /** Wait before the greeting, to find clients that do not; 0: none. */
  readonly greetingDelay: Millis;
  /** The next command, or AUTH response, has to be complete. */
  readonly command: Millis;
  /** `limits.dataBlock` octets of content, or the end of it, have to arrive. */
  readonly dataBlock: Millis;
  /** All content of one message has to arrive. */
  readonly data: Millis;
  /** The TLS handshake has to be complete. */
  readonly tls: Millis;
  /** The whole session. */
  readonly session: Millis;
}

/** The name of a deadline, as `deadlineReason` gives it. */
export type ServerTimer = keyof ServerTimers;

/** Extensions as they stand by default. */
export const defaultExtensions: Extensions = {
  pipelining: true,
  size: true,
  "8bitmime": true,
  enhancedStatusCodes: true,
  chunking: true,
  binarymime: false,
  smtputf8: false,
  dsn: false,
  help: true,
  vrfy: false,
  expn: false,
  etrn: false,
};

/** Limits as they stand by default, each with its reason. */
export const defaultLimits: ServerLimits = {
  // What the large providers take or more: 25 MiB before, about 18 MiB of attachments after, base64.
  message: 26_214_400,
  // 512 and the increments of every extension come to 1,792; RFC 3461 alone asks 1,042.
  commandLine: 4096,
  // RFC 4954 §4 finds it enough for every mechanism known.
  authLine: 12_288,
  // RFC 5321 asks that 998 be taken; real mail has longer lines, and cutting them harms more than taking them.
  textLine: Number.POSITIVE_INFINITY,
  // Ten times the minimum of RFC 5321 §4.5.3.1.8; a Path is about 300 octets, so that is 300 KB.
  recipients: 1000,
  // MAIL has fewer than 20 parameters registered.
  parameters: 32,
  localPart: 64,
  domain: 255,
  path: 256,
  // One read of a socket in Node, Deno or Bun: a pipelined group fits, and a flood is held outside.
  unread: 65_536,
  // Postfix: 20 (smtpd_hard_error_limit). A person at telnet mistypes less.
  errors: 20,
  // Postfix: 100 (smtpd_junk_command_limit).
  idleCommands: 100,
  // A mailing list with stale members may have hundreds; a dictionary attack has thousands.
  refusedRecipients: 1000,
  // RFC 4954 §9 forbids less.
  authFailures: 3,
  // A busy relay reuses a connection for hundreds of messages.
  transactions: 10_000,
  // With 5 minutes: 14 octets a second, below any line that mail is sent over.
  dataBlock: 4096,
};

/** Timers as they stand by default, each with its reason. */
export const defaultTimers: ServerTimers = {
  // The PROXY specification asks at least 3 s, one retransmission of a SYN.
  proxy: 5_000,
  // Waiting costs every client; turn it on where abuse is expected.
  greetingDelay: 0,
  // RFC 5321 §4.5.3.2.7.
  command: 300_000,
  // RFC 5321 §4.5.3.2.7, too.
  dataBlock: 300_000,
  // No RFC bounds it; with `limits.dataBlock` a message of 25 MiB could take three weeks. Set it where that matters.
  data: Number.POSITIVE_INFINITY,
  // A handshake is two round trips; a minute is for the slowest of lines.
  tls: 60_000,
  // No RFC bounds it.
  session: Number.POSITIVE_INFINITY,
};

/** A configuration with every default filled in, checked and frozen. */
export interface ServerSettings {
  readonly name: string;
  readonly lmtp: boolean;
  readonly banner: readonly string[];
  readonly extensions: Extensions;
  readonly tls: "none" | "offered" | "required" | "implicit";
  readonly mechanisms: readonly AuthMechanism[];
  readonly authRequired: boolean;
  readonly trustAuthParameter: boolean;
  readonly proxy: boolean;
  readonly bareCr: BarePolicy;
  readonly bareLf: BarePolicy;
  readonly lenient: Lenient;
  readonly concurrentRecipients: number;
  readonly strictPipelining: boolean;
  readonly closeOnBareLineEnds: boolean;
  readonly commands: readonly CustomCommand[];
  readonly hostileVerbs: readonly string[];
  readonly limits: ServerLimits;
  readonly timers: ServerTimers;
}

/**
 * Fills in the defaults and checks what the caller gave. Settle once and make many sessions of it.
 *
 * @throws {UsageError} naming the option that cannot be
 */
export function settle(config: ServerConfig | ServerSettings): ServerSettings {
  if (settled.has(config)) return config as ServerSettings;
  const given = config as ServerConfig;
  const protocol = given.protocol ?? "smtp";
  oneOf("protocol", protocol, ["smtp", "lmtp"]);
  const lmtp = protocol === "lmtp";
  const banner = given.banner ?? (lmtp ? "LMTP" : "ESMTP");
  const settings: ServerSettings = {
    name: given.name,
    lmtp,
    banner: typeof banner === "string" ? [banner] : [...banner],
    extensions: { ...defaultExtensions, ...given.extensions },
    tls: given.tls ?? "none",
    mechanisms: (given.mechanisms ?? []).map(mechanism),
    authRequired: given.authRequired ?? false,
    trustAuthParameter: given.trustAuthParameter ?? false,
    proxy: given.proxy ?? false,
    bareCr: given.bareCr ?? "reject",
    bareLf: given.bareLf ?? "reject",
    lenient: { ...strict, ...given.lenient },
    concurrentRecipients: given.concurrentRecipients ?? 1,
    strictPipelining: given.strictPipelining ?? false,
    closeOnBareLineEnds: given.closeOnBareLineEnds ?? false,
    commands: (given.commands ?? []).map(({ verb, keyword }) => ({ verb, keyword })),
    hostileVerbs: (given.hostileVerbs ?? []).map((verb) => verb.toUpperCase()),
    limits: {
      ...defaultLimits,
      ...given.limits,
      commandLine: given.limits?.commandLine ?? commandLine(given),
    },
    timers: { ...defaultTimers, ...given.timers },
  };
  check(settings);
  settled.add(freeze(settings));
  return settings;
}

/** What was checked stays so: nothing can come into a reply through it later (G12). */
function freeze<T extends object>(value: T): T {
  for (const each of Object.values(value)) if (typeof each === "object" && each !== null) freeze(each);
  return Object.freeze(value);
}

/** A server that offers nothing keeps to the 512 octets of RFC 5321 §4.5.3.1.4. */
function commandLine({ extensions, mechanisms }: ServerConfig): number {
  const lengthening = ["size", "8bitmime", "binarymime", "smtputf8", "dsn"] as const;
  const offered = { ...defaultExtensions, ...extensions };
  const plain = !lengthening.some((name) => offered[name]) && (mechanisms ?? []).length === 0;
  return plain ? 512 : defaultLimits.commandLine;
}

const settled = new WeakSet<object>();

/** Mechanisms whose ways are known, so that a name is enough. */
const knownMechanisms: Record<string, Omit<AuthMechanism, "name">> = {
  PLAIN: { first: "client", cleartext: true },
  LOGIN: { first: "either", cleartext: true },
  XOAUTH2: { first: "client", cleartext: true },
  OAUTHBEARER: { first: "client", cleartext: true },
  "CRAM-MD5": { first: "server", cleartext: false },
  EXTERNAL: { first: "client", cleartext: false, needs: "certificate" },
  "SCRAM-SHA-1-PLUS": { first: "client", cleartext: false, needs: "channel-binding" },
  "SCRAM-SHA-256-PLUS": { first: "client", cleartext: false, needs: "channel-binding" },
};

function mechanism(given: string | AuthMechanism): AuthMechanism {
  if (typeof given !== "string") return { ...given };
  return { name: given, ...(knownMechanisms[given] ?? { first: "client", cleartext: false }) };
}

function check(settings: ServerSettings): void {
  const { extensions, limits, timers } = settings;
  if (typeof settings.name !== "string" || parseDomain(settings.name) === null) {
    throw new UsageError(
      `name ${JSON.stringify(settings.name)}: must be a domain or an address literal in brackets`,
    );
  }
  if (settings.banner.length === 0) throw new UsageError("banner: at least one line, which may be empty");
  for (const line of settings.banner) {
    if (typeof line !== "string" || !/^[\t\x20-\x7e]*$/.test(line))
      throw new UsageError(`banner: printable ASCII only: ${JSON.stringify(line)}`);
  }
  oneOf("tls", settings.tls, ["none", "offered", "required", "implicit"]);
  oneOf("bareCr", settings.bareCr, barePolicies);
  oneOf("bareLf", settings.bareLf, barePolicies);
  if (extensions.binarymime && !extensions.chunking)
    throw new UsageError("extensions: binarymime needs chunking");
  if (extensions.smtputf8 && !extensions["8bitmime"])
    throw new UsageError("extensions: smtputf8 needs 8bitmime");
  if (settings.lmtp && !(extensions.pipelining && extensions.enhancedStatusCodes)) {
    throw new UsageError("extensions: LMTP needs pipelining and enhancedStatusCodes (RFC 2033 §5)");
  }
  for (const { name, first, needs = null } of settings.mechanisms) {
    if (!/^[A-Z0-9_-]{1,20}$/.test(name))
      throw new UsageError(`mechanisms: not a mechanism name: ${JSON.stringify(name)}`);
    oneOf(`mechanisms: ${name}: first`, first, ["client", "server", "either"]);
    oneOf(`mechanisms: ${name}: needs`, needs, [null, "certificate", "channel-binding"]);
  }
  if (settings.mechanisms.map(({ name }) => name).join(" ").length > longestKeyword - "AUTH ".length)
    throw new UsageError("mechanisms: too many for a line of the EHLO reply");
  if (settings.authRequired && settings.mechanisms.length === 0)
    throw new UsageError("authRequired: no mechanisms");
  for (const { verb, keyword } of settings.commands) {
    if (!/^[A-Z][A-Z0-9]*$/.test(verb) || Object.hasOwn(rules, verb))
      throw new UsageError(`commands: not a verb of your own: ${JSON.stringify(verb)}`);
    if (keyword !== null && !/^[A-Za-z0-9][A-Za-z0-9-]*( [\x21-\x7e]+)*$/.test(keyword)) {
      throw new UsageError(`commands: not an EHLO line: ${JSON.stringify(keyword)}`);
    }
    if (keyword !== null && keyword.length > longestKeyword)
      throw new UsageError(`commands: an EHLO line of more than ${longestKeyword} octets`);
  }
  for (const [name, least] of Object.entries(leastLimits)) {
    const limit = limits[name as keyof ServerLimits];
    if (!isNumber(limit, least) && !(name === "message" && limit === 0)) {
      throw new UsageError(`limits.${name}: ${limit}, must be at least ${least}`);
    }
    if (!Number.isSafeInteger(limit) && (name === "message" || limit !== Number.POSITIVE_INFINITY)) {
      throw new UsageError(`limits.${name}: ${limit}, must be a whole number`);
    }
  }
  for (const [name, span] of Object.entries(timers)) {
    if (!isNumber(span, 0)) throw new UsageError(`timers.${name}: ${span}, must be at least 0 milliseconds`);
  }
  if (!isNumber(settings.concurrentRecipients, 1))
    throw new UsageError("concurrentRecipients: must be at least 1");
}

/** A misspelled word must not stand for the weaker choice. */
function oneOf<T>(option: string, given: T, words: readonly T[]): void {
  if (!words.includes(given))
    throw new UsageError(`${option}: ${JSON.stringify(given)}, must be one of ${words}`);
}

function isNumber(given: unknown, least: number): boolean {
  return typeof given === "number" && given >= least;
}

const barePolicies: readonly BarePolicy[] = ["reject", "normalize", "space", "keep"];

/** Octets of an EHLO line behind `250-`, without CRLF: a longer one would be folded into two (RFC 5321 §4.5.3.1.5). */
const longestKeyword = 512 - 6;

/** Below these a server does not conform: RFC 5321 §4.5.3.1, RFC 4954 §4 and §9, RFC 3461 §5.4. */
const leastLimits: Readonly<Record<keyof ServerLimits, number>> = {
  message: 65_536,
  commandLine: 512,
  authLine: 12_288,
  textLine: 998,
  recipients: 100,
  parameters: 8,
  localPart: 64,
  domain: 255,
  path: 256,
  unread: 1024,
  errors: 1,
  idleCommands: 1,
  refusedRecipients: 1,
  authFailures: 3,
  transactions: 1,
  dataBlock: 1,
};

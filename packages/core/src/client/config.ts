import { UsageError } from "../errors.ts";
import type { CustomExtension } from "../extensions/custom.ts";
import { register } from "../extensions/register.ts";
import { parseDomain } from "../syntax/domain.ts";
import { defaultReplyLimits, type ReplyLimits } from "../syntax/replies.ts";
import type { Millis } from "../time.ts";
import { checkScanner, type Scanner } from "../wire/scan.ts";
import type { LineEndPolicy } from "../wire/stuff.ts";

/** How a client session behaves. Only the name has no default. */
export interface ClientConfig {
  /** The argument of EHLO: the client's domain, or its address literal in brackets (RFC 5321 §4.1.4). */
  readonly name: string;
  /** LMTP says LHLO and reads a verdict for each recipient (RFC 2033). Default `smtp`. */
  readonly protocol?: "smtp" | "lmtp";
  /**
   * `never`: no TLS. `offered`: STARTTLS where it is offered. `required`: without it nothing is sent (RFC 3207 §4).
   * `implicit`: the handshake comes first (RFC 8314 §3.3). Default `offered`.
   */
  readonly tls?: "never" | "offered" | "required" | "implicit";
  /** AUTH mechanisms that show the credentials to an eavesdropper may go without TLS. Default false. */
  readonly allowInsecureAuth?: boolean;
  /** HELO is tried where EHLO is not known (RFC 5321 §3.2), and nothing demands an extension. Default true. */
  readonly heloFallback?: boolean;
  /** DATA is sent with the envelope where PIPELINING is offered: a round trip less. Default true. */
  readonly pipelineData?: boolean;
  /** `prefer`: BDAT where CHUNKING is offered. `avoid`: only for BINARYMIME. `require`: or else fail. Default `prefer`. */
  readonly chunking?: "prefer" | "avoid" | "require";
  /**
   * The server's name was had in a way that nobody could forge (DNSSEC, MTA-STS), and TLS is accepted from a certificate
   * of that name only: what REQUIRETLS asks (RFC 8689 §4.2.1). Default false.
   */
  readonly validatedHost?: boolean;
  /** Extensions of your own, used where a server announces them. */
  readonly custom?: readonly CustomExtension[];
  /** What becomes of CR or LF alone in content. Default `strict`: the message fails. */
  readonly lineEnds?: LineEndPolicy;
  /** Who looks for line ends and dots in content: see `ServerConfig`. Default null: the plain scanner. */
  readonly scanner?: Scanner | null;
  readonly limits?: Partial<ClientLimits>;
  readonly timers?: Partial<ClientTimers>;
}

/** Bounds, in octets or in numbers. */
export interface ClientLimits extends ReplyLimits {
  /** Commands sent ahead of their replies: RFC 2920 §3.1 warns of a deadlock where both sides only write. */
  readonly outstanding: number;
  /** Octets of a BDAT chunk; the last one may have fewer. */
  readonly chunk: number;
  /** BDAT chunks sent ahead of their replies. */
  readonly chunks: number;
  /** Line of content without CRLF, octets (RFC 5321 §4.5.3.1.6). */
  readonly textLine: number;
}

/** Spans in milliseconds; Infinity: for ever. */
export interface ClientTimers {
  readonly greeting: Millis;
  /** EHLO, HELO, LHLO, RSET, NOOP, VRFY, STARTTLS, AUTH and what else there is. */
  readonly other: Millis;
  readonly mail: Millis;
  readonly rcpt: Millis;
  /** The 354 to DATA. */
  readonly dataInit: Millis;
  /** Each piece of content has to leave. */
  readonly dataBlock: Millis;
  /** The verdict. */
  readonly dataDone: Millis;
  /** The reply to a BDAT that is not the last. */
  readonly chunk: Millis;
  readonly tls: Millis;
  readonly quit: Millis;
}

/** The name of a deadline. */
export type ClientTimer = keyof ClientTimers;

/** Timers as they stand by default: RFC 5321 §4.5.3.2, and where it is silent 5 minutes, as for a command. */
export const defaultClientTimers: ClientTimers = {
  greeting: 300_000,
  other: 300_000,
  mail: 300_000,
  rcpt: 300_000,
  dataInit: 120_000,
  dataBlock: 180_000,
  // Ten minutes: cut it to seconds, and messages are doubled (RFC 1047).
  dataDone: 600_000,
  chunk: 300_000,
  tls: 60_000,
  // Nothing is lost when it passes.
  quit: 10_000,
};

/** Limits as they stand by default, each with its reason. */
export const defaultClientLimits: ClientLimits = {
  ...defaultReplyLimits,
  // With about 100 octets each that is within the smallest window of TCP in use.
  outstanding: 100,
  // A late refusal costs at most so much.
  chunk: 262_144,
  chunks: 4,
  textLine: 998,
};

/** A configuration with every default filled in, checked. */
export type ClientSettings = Required<Omit<ClientConfig, "limits" | "timers">> & {
  readonly limits: ClientLimits;
  readonly timers: ClientTimers;
};

/**
 * Fills in the defaults and checks what the caller gave.
 *
 * @throws {UsageError} naming the option that cannot be
 */
export function settleClient(config: ClientConfig): ClientSettings {
  const settings: ClientSettings = {
    name: config.name,
    protocol: config.protocol ?? "smtp",
    tls: config.tls ?? "offered",
    allowInsecureAuth: config.allowInsecureAuth ?? false,
    heloFallback: config.heloFallback ?? true,
    pipelineData: config.pipelineData ?? true,
    chunking: config.chunking ?? "prefer",
    validatedHost: config.validatedHost ?? false,
    custom: (config.custom ?? []).map((extension) => register(extension, [])),
    lineEnds: config.lineEnds ?? "strict",
    scanner: config.scanner ?? null,
    limits: { ...defaultClientLimits, ...config.limits },
    timers: { ...defaultClientTimers, ...config.timers },
  };
  if (parseDomain(settings.name) === null) {
    throw new UsageError(
      `name ${JSON.stringify(settings.name)}: must be a domain or an address literal in brackets`,
    );
  }
  checkScanner(settings.scanner);
  for (const [name, limit] of Object.entries(settings.limits)) {
    if (!(limit >= 1)) throw new UsageError(`limits.${name}: ${limit}, must be at least 1`);
  }
  if (settings.limits.line < 512)
    throw new UsageError("limits.line: must be at least 512 (RFC 5321 §4.5.3.1.5)");
  for (const [name, span] of Object.entries(settings.timers)) {
    if (!(span >= 0)) throw new UsageError(`timers.${name}: ${span}, must be at least 0 milliseconds`);
  }
  return settings;
}

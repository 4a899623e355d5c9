import type { CustomExtension } from "../extensions/custom.ts";
import type { Extensions, Service } from "../extensions/extension.ts";
import type { Lenient } from "../syntax/path.ts";
import type { Millis } from "../time.ts";
import type { BarePolicy } from "../wire/dot.ts";
import type { Scanner } from "../wire/scan.ts";

/** How a server session behaves. Only the name has no default. */
export interface ServerConfig {
  /** The server's domain, or an address literal in brackets: the first word of greeting, EHLO reply, 221, 421. */
  readonly name: string;
  /** LMTP (RFC 2033) wants LHLO and gives a verdict for each recipient. Default `smtp`. */
  readonly protocol?: "smtp" | "lmtp";
  /**
   * What the server is for. `relay`: mail from anywhere (port 25). `submission`: mail from its own users, who
   * authenticate, with full domains (RFC 6409, port 587 or 465). `on-demand`: it hands out the mail that it keeps
   * (RFC 2645, port 366). Default `relay`.
   */
  readonly service?: Service;
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
  /**
   * Mail is taken from authenticated clients only. Default: on a submission port (RFC 6409 §4.3) and for on-demand
   * relay, where it cannot be turned off; else not.
   */
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
  /**
   * Who looks for line ends and dots in content: `simd()` of `@sansmtp/core/simd`, several times as fast as the plain
   * scanner, which null stands for. All find the same. Default null.
   */
  readonly scanner?: Scanner | null;
  /** Extensions of your own: keywords, parameters, verbs. */
  readonly custom?: readonly CustomExtension[];
  /** Verbs at which the session is ended, as `GET` marks a cross-protocol attack. Default none. */
  readonly hostileVerbs?: readonly string[];
  readonly limits?: Partial<ServerLimits>;
  readonly timers?: Partial<ServerTimers>;
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
  /** Different domains of recipients in a session; refused ones count, too (RFC 9422 §3.3). */
  readonly recipientDomains: number;
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
  // Nothing is gained by fewer; with LIMITS it tells clients when to begin a new session.
  recipientDomains: Number.POSITIVE_INFINITY,
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

/** What else stands by default where the service is `on-demand`. */
export const onDemandTimers: Partial<ServerTimers> = {
  // RFC 2645 §5.2: whoever asks for mail may be a host behind a slow line.
  command: 600_000,
};

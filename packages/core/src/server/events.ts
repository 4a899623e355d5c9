import type { Reply } from "../reply.ts";
import type { ClientAttributes, ForwardedAttributes } from "../syntax/attributes.ts";
import type { Domain } from "../syntax/domain.ts";
import type { MailParameters, RcptParameters } from "../syntax/parameters.ts";
import type { Mailbox, Path } from "../syntax/path.ts";
import type { ProxyHeader } from "../wire/proxy.ts";

/**
 * What `poll()` returns, in the order in which it is to be done: actions for whoever owns the connection,
 * questions for the application, and notices of what has happened.
 */
export type ServerEvent = Action | Question | Notice;

/** Something to do with the connection, now and before anything that `poll()` returns later (G4). */
export type Action = Send | Upgrade | Turn | Close;

/** A decision that is the application's: it is taken with `answer(id, reply)`. */
export type Question =
  | ConnectQuestion
  | HelloQuestion
  | StartTlsQuestion
  | AuthQuestion
  | MailQuestion
  | RcptQuestion
  | DataQuestion
  | MessageQuestion
  | BurlQuestion
  | AtrnQuestion
  | CommandQuestion;

/** Something to know. Nothing has to be done about it. */
export type Notice = Body | Reset | Violation;

/** Write these octets. They are yours: the core never touches them again (G8). */
export interface Send {
  readonly type: "send";
  readonly data: Uint8Array;
}

/**
 * Start the TLS handshake as server, when everything sent before has left. Then call `upgraded` or
 * `upgradeFailed`; until then `receive` throws.
 */
export interface Upgrade {
  readonly type: "upgrade";
  /** Octets that were read already and belong to TLS: what followed a PROXY header, otherwise empty. */
  readonly data: Uint8Array;
}

/**
 * The roles turn (RFC 2645 §5.2.2): this session is over, and the connection stays open. Begin a client session on it:
 * the other side greets. No event follows.
 */
export interface Turn {
  readonly type: "turn";
  /** The domains whose mail was asked for; none: all that the client may have. */
  readonly domains: readonly string[];
}

/** Close the connection, when everything sent before has left. No event follows. */
export interface Close {
  readonly type: "close";
  readonly reason: CloseReason;
}

/**
 * Why the server closes: the client said `quit`, or ended (`end`) or lost (`lost`) the connection; a deadline
 * passed (`timeout`); the application refused the connection, answered 421 or called `shutdown`; the client
 * broke the protocol beyond repair (`protocol`), made too many errors (`abuse`), or sent no valid PROXY header
 * (`proxy`); the handshake failed (`tls`).
 */
export type CloseReason =
  | "quit"
  | "end"
  | "lost"
  | "timeout"
  | "refused"
  | "shutdown"
  | "protocol"
  | "abuse"
  | "proxy"
  | "tls";

interface Asked {
  /** To be given to `answer`. Ids are not used twice in a session. */
  readonly id: number;
  /** What is sent when the question is answered with `undefined`. */
  readonly reply: Reply;
}

/** A client has connected. 2yz sends the greeting; 554 or 521 refuses mail, 421 refuses and closes. */
export interface ConnectQuestion extends Asked {
  readonly type: "connect";
  /** The client has sent something before it was greeted (RFC 5321 §4.3.1): often an abuser. */
  readonly early: boolean;
  /** The PROXY header, when one is configured: the client's true address. */
  readonly proxy: ProxyHeader | null;
  /** What a trusted proxy has told by XCLIENT: then this is a new greeting, for the client behind it. */
  readonly xclient: ClientAttributes | null;
}

/** EHLO, HELO or LHLO (RFC 5321 §4.1.1.1). The text of a 2yz follows the server's name on the first line. */
export interface HelloQuestion extends Asked {
  readonly type: "hello";
  readonly verb: "EHLO" | "HELO" | "LHLO";
  /** The argument as sent. */
  readonly name: string;
  /** The argument parsed; null only when the lenient option let something odd in. */
  readonly domain: Domain | null;
  /** The extension lines that follow the first line of a 2yz; none for HELO. */
  readonly capabilities: readonly string[];
}

/** STARTTLS (RFC 3207). 220 starts the handshake, 454 says: not now. */
export interface StartTlsQuestion extends Asked {
  readonly type: "starttls";
}

/**
 * A step of an AUTH exchange (RFC 4954). Answer with `challenge(octets)` to ask for more, 235 when the client
 * is who it says, 535 when not. The default is 454: silence must not let anybody in.
 */
export interface AuthQuestion extends Asked {
  readonly type: "auth";
  /** The mechanism, in upper case. */
  readonly mechanism: string;
  /** Decoded octets from the client: secret. Null: the server speaks first and nothing was sent yet. */
  readonly response: Uint8Array | null;
  /** 0 for the first question of this exchange, then 1, 2... */
  readonly step: number;
}

/** MAIL: the start of a transaction (RFC 5321 §4.1.1.2). */
export interface MailQuestion extends Asked {
  readonly type: "mail";
  /** The reverse-path; null for `<>`. */
  readonly from: Path | null;
  readonly parameters: MailParameters;
}

/** RCPT: one recipient (RFC 5321 §4.1.1.3). */
export interface RcptQuestion extends Asked {
  readonly type: "rcpt";
  readonly to: Path;
  readonly parameters: RcptParameters;
}

/** DATA, with at least one recipient accepted (RFC 5321 §4.1.1.4). 354 takes the message. Not asked for BDAT. */
export interface DataQuestion extends Asked {
  readonly type: "data";
  readonly envelope: Envelope;
}

/**
 * The message has arrived whole, its content in the `body` notices before. The code is the final verdict: with
 * a 2yz the server takes responsibility (RFC 5321 §6.1). The default is 451: silence must not lose mail.
 *
 * Under LMTP there is a verdict for each recipient, in the order of `envelope.recipients`: answer with an array,
 * with one reply for all, or one by one with `answerRecipient`. So it may be where the client has said PRDR; one reply
 * alone is then said once, for all.
 */
export interface MessageQuestion extends Asked {
  readonly type: "message";
  readonly envelope: Envelope;
  readonly content: Content;
}

/**
 * BURL: content to be fetched (RFC 4468), which follows what was handed out as `body` so far; only what is announced
 * is asked for. 250 when it was fetched; behind the last piece `message` asks for the verdict. The core does not see
 * the content: it is the application's to append. The default is 451.
 */
export interface BurlQuestion extends Asked {
  readonly type: "burl";
  readonly url: string;
  /** The message ends with it. */
  readonly last: boolean;
  readonly envelope: Envelope;
}

/**
 * ATRN: the client wants its mail (RFC 2645). 250 turns the roles; 450 refuses, 453: there is no mail, 451: not now.
 * The default is 450.
 */
export interface AtrnQuestion extends Asked {
  readonly type: "atrn";
  /** The domains named; none: all that the client may have. */
  readonly domains: readonly string[];
}

/** VRFY, EXPN, HELP, ETRN, or a command that the configuration has added. */
export interface CommandQuestion extends Asked {
  readonly type: "command";
  /** In upper case. */
  readonly verb: string;
  /** The text behind the verb, without blanks around it; empty if there is none. */
  readonly argument: string;
  /** The argument of VRFY or EXPN when it is an address, else null. */
  readonly mailbox: Mailbox | null;
  /** VRFY or EXPN came with the SMTPUTF8 parameter: the reply may be in UTF-8 (RFC 6531 §3.7.4.2). */
  readonly smtputf8: boolean;
}

/** Content of the message, dots unstuffed. A view of what was received: it pins that chunk (G8). */
export interface Body {
  readonly type: "body";
  readonly data: Uint8Array;
}

/** A transaction ended without a verdict asked: forget what belongs to it. */
export interface Reset {
  readonly type: "reset";
  readonly cause: ResetCause;
}

/**
 * `rset` and `hello`: the client began anew; `refused`: the core refused the content (a `violation` said why);
 * `quit`, `end`, `lost`, `timeout`, `closed`: the session is over before the message was whole.
 */
export type ResetCause = "rset" | "hello" | "refused" | "quit" | "end" | "lost" | "timeout" | "closed";

/** The client broke a rule. It has been, or is about to be, told; nothing else is to be done. */
export interface Violation {
  readonly type: "violation";
  /** The requirement, as numbered in the catalogue: `S-LINE-10`. */
  readonly rule: string;
  /** What was wrong, without secrets. */
  readonly detail: string;
  /** Where, in octets from the start of the command line or of the content; null where that means nothing. */
  readonly at: number | null;
}

/** The envelope of a transaction: what MAIL and the accepted RCPTs said (RFC 5321 §2.3.1). */
export interface Envelope {
  /** The reverse-path; null for `<>`. */
  readonly from: Path | null;
  readonly parameters: MailParameters;
  /** Accepted recipients in the order of their RCPT commands; one named twice is there twice. */
  readonly recipients: readonly Recipient[];
  /** Where the message came from, as a trusted relay tells by XFORWARD: for logs, not to decide by. */
  readonly forwarded: ForwardedAttributes | null;
}

/** An accepted recipient. */
export interface Recipient {
  readonly to: Path;
  readonly parameters: RcptParameters;
}

/** What was seen in the content of a message. */
export interface Content {
  /** Octets handed out as `body`: after dot removal, without the final dot (RFC 1870 §5). */
  readonly size: number;
  /** Some octet is 0x80 or above. */
  readonly eightBit: boolean;
  /** How many CR without LF, and LF without CR, were found; kept or converted as configured. */
  readonly bareCr: number;
  readonly bareLf: number;
}

/** What the handshake gave. The core does no cryptography: it is told. */
export interface TlsInfo {
  /** For example `TLSv1.3`. */
  readonly version: string | null;
  /** The cipher suite, for example `TLS_AES_256_GCM_SHA384`. */
  readonly cipher: string | null;
  /** The name that the client asked for (SNI). */
  readonly serverName: string | null;
  /** The subject of the client's certificate, if it gave one that was verified. */
  readonly peer: string | null;
  /** False: too weak for this server; everything but QUIT is then refused (RFC 3207 §4.1). */
  readonly sufficient: boolean;
  /** Channel binding data by type, such as `tls-exporter` (RFC 9266): what ties AUTH to this very connection. */
  readonly bindings: Readonly<Record<string, Uint8Array>>;
}

/** Who the client is, as far as it is known. */
export interface ClientIdentity {
  /** The verb and the argument of the last EHLO, HELO or LHLO that was accepted. */
  readonly hello: { readonly verb: "EHLO" | "HELO" | "LHLO"; readonly name: string } | null;
  readonly tls: TlsInfo | null;
  /** The mechanism of the AUTH that succeeded, or `XCLIENT` when that told the login. Who authenticated is known to the application. */
  readonly authenticated: string | null;
  /** Its IP address, as far as it was told: by `connected`, the PROXY header, or XCLIENT. */
  readonly address: string | null;
  /** What a trusted proxy has told by XCLIENT. */
  readonly xclient: ClientAttributes | null;
}

import type { CustomVerb } from "../extensions/custom.ts";
import type { ExtensionName } from "../extensions/extension.ts";

/**
 * The server's state machine.
 *
 * Three small machines make up the state. The *phase* says how far the session is: who is there, in which
 * surroundings. The *transaction* says how far a message is (RFC 5321 §3.3): MAIL, then one or more RCPT, then
 * DATA or BDAT. The *reader* says what the next octets are: a command line, an AUTH response, content, or octets
 * to be thrown away. They are nearly independent: a transaction exists in phase `ready` only, and the reader is
 * `line` unless a message or an AUTH exchange is under way.
 *
 * Whether a command is legal is decided by the table below and by nothing else. A command line is judged in
 * this order, and the first that fails gives the reply: length, forbidden octets (500); verb known (500); TLS,
 * then AUTH demanded first (530); extension offered (502); client trusted with it (550); order of commands (503); argument (501, 555); last,
 * the application. BDAT is the exception: its octets are consumed whatever the verdict, since otherwise they
 * would be read as commands (RFC 3030 §2).
 *
 * An accepted command moves the machine as its rule says in `then`. A refused one changes nothing. What ends a
 * transaction puts one fresh value in the place of all that it had collected.
 */

/**
 * `proxy`: the PROXY header is awaited. `greeting`: the greeting is not sent yet. `unidentified`: greeted, or TLS
 * has just begun; no EHLO, HELO or LHLO yet. `ready`: identified. `refused`: the greeting was 554 or 521.
 * `insecure`: TLS is too weak. `upgrading`: the handshake is pending. `closing`: the last reply is said.
 */
export type Phase =
  | "proxy"
  | "greeting"
  | "unidentified"
  | "ready"
  | "refused"
  | "insecure"
  | "upgrading"
  | "closing"
  | "closed";

/**
 * `none`; `sender`: MAIL was accepted, no RCPT yet; `recipients`: at least one was; `data`: 354 was sent;
 * `chunks`: a BDAT that is not the last has begun; `failed`: such a chunk was refused, so that only a new
 * beginning helps (RFC 3030 §2); `verdict`: the message is whole, the application decides.
 */
export type Transaction = "none" | "sender" | "recipients" | "data" | "chunks" | "failed" | "verdict";

/**
 * `line`: commands. `sasl`: responses of an AUTH exchange. `dots`: content up to CRLF . CRLF. `octets`: content
 * of a BDAT chunk. `drain`: octets of a refused BDAT chunk.
 */
export type Reader = "line" | "sasl" | "dots" | "octets" | "drain";

/** The verbs of the standards. Others come from the configuration. */
export type Verb =
  | "EHLO"
  | "HELO"
  | "LHLO"
  | "MAIL"
  | "RCPT"
  | "DATA"
  | "BDAT"
  | "RSET"
  | "NOOP"
  | "QUIT"
  | "VRFY"
  | "EXPN"
  | "HELP"
  | "BURL"
  | "ETRN"
  | "ATRN"
  | "XCLIENT"
  | "XFORWARD"
  | "STARTTLS"
  | "AUTH"
  | "SEND"
  | "SOML"
  | "SAML"
  | "TURN";

/** How the argument of a verb is read. */
export type ArgumentKind =
  | "hello"
  | "path"
  | "chunk"
  | "none"
  | "ignored"
  | "url"
  | "string"
  | "help"
  | "node"
  | "domains"
  | "attributes"
  | "auth"
  | "text";

/** With which extension a verb is offered; `never`: known and answered 502. */
export type Offer = "always" | ExtensionName | "never";

/** What the table says of a verb. */
export interface Rule {
  /** The phases in which it is legal. */
  readonly phases: readonly Phase[];
  /** The transactions in which it is legal. */
  readonly transactions: readonly Transaction[];
  /** It belongs to the extended protocol: legal after EHLO or LHLO, not after HELO (RFC 5321 §2.2.1). */
  readonly extended: boolean;
  /** It is allowed where TLS is demanded first (RFC 3207 §4). */
  readonly beforeTls: boolean;
  /** It is allowed where AUTH is demanded first (RFC 4954 §6). */
  readonly beforeAuth: boolean;
  readonly offer: Offer;
  readonly argument: ArgumentKind;
  /** Its syntax, for 501 and HELP. */
  readonly syntax: string;
  /** A client has to wait for its reply, which is not held back either (RFC 2920 §3.1, §3.2). */
  readonly endsGroup: boolean;
  /** It brings no message nearer: counted against `limits.idleCommands`. */
  readonly idle: boolean;
  /** What follows when it is accepted; what is not named stays as it is. */
  readonly then: { readonly phase?: Phase; readonly transaction?: Transaction; readonly reader?: Reader };
}

const spoken: readonly Phase[] = ["unidentified", "ready"];
const identified: readonly Phase[] = ["ready"];
const any: readonly Transaction[] = ["none", "sender", "recipients", "chunks", "failed"];
const outside: readonly Transaction[] = ["none"];

/** The whole of what is legal when. Exported as data: documents, diagrams and tests are made from it. */
export const rules: Readonly<Record<Verb, Rule>> = {
  EHLO: rule(spoken, any, "hello", "EHLO hostname", {
    beforeTls: true,
    beforeAuth: true,
    endsGroup: true,
    idle: true,
    then: { phase: "ready", transaction: "none" },
  }),
  HELO: rule(spoken, any, "hello", "HELO hostname", {
    beforeTls: true,
    beforeAuth: true,
    endsGroup: true,
    idle: true,
    then: { phase: "ready", transaction: "none" },
  }),
  LHLO: rule(spoken, any, "hello", "LHLO hostname", {
    beforeTls: true,
    beforeAuth: true,
    endsGroup: true,
    idle: true,
    then: { phase: "ready", transaction: "none" },
  }),
  MAIL: rule(identified, outside, "path", "MAIL FROM:<address> [parameters]", {
    then: { transaction: "sender" },
  }),
  RCPT: rule(identified, ["sender", "recipients"], "path", "RCPT TO:<address> [parameters]", {
    then: { transaction: "recipients" },
  }),
  DATA: rule(identified, ["recipients"], "none", "DATA", {
    endsGroup: true,
    then: { transaction: "data", reader: "dots" },
  }),
  BDAT: rule(identified, ["recipients", "chunks"], "chunk", "BDAT size [LAST]", {
    extended: true,
    offer: "chunking",
    then: { transaction: "chunks", reader: "octets" },
  }),
  RSET: rule(spoken, any, "none", "RSET", {
    beforeTls: true,
    beforeAuth: true,
    idle: true,
    then: { transaction: "none" },
  }),
  NOOP: rule(spoken, any, "ignored", "NOOP", {
    beforeTls: true,
    beforeAuth: true,
    endsGroup: true,
    idle: true,
  }),
  QUIT: rule(spoken, any, "none", "QUIT", {
    beforeTls: true,
    beforeAuth: true,
    endsGroup: true,
    then: { phase: "closing", transaction: "none" },
  }),
  BURL: rule(identified, ["recipients", "chunks"], "url", "BURL url [LAST]", {
    extended: true,
    offer: "burl",
    then: { transaction: "chunks" },
  }),
  VRFY: rule(spoken, any, "string", "VRFY address", { endsGroup: true, idle: true }),
  EXPN: rule(spoken, any, "string", "EXPN list", { offer: "expn", endsGroup: true, idle: true }),
  HELP: rule(spoken, any, "help", "HELP [command]", { offer: "help", endsGroup: true, idle: true }),
  ETRN: rule(identified, outside, "node", "ETRN [@|#]node", {
    extended: true,
    offer: "etrn",
    endsGroup: true,
    idle: true,
  }),
  ATRN: rule(identified, outside, "domains", "ATRN [domain *(,domain)]", {
    extended: true,
    offer: "atrn",
    endsGroup: true,
    idle: true,
    then: { phase: "closing" },
  }),
  // A proxy speaks before anybody has authenticated, and before EHLO if it likes. Both may be pipelined.
  XCLIENT: rule(spoken, outside, "attributes", "XCLIENT attribute=value...", {
    beforeTls: true,
    beforeAuth: true,
    offer: "xclient",
    idle: true,
    then: { phase: "unidentified" },
  }),
  XFORWARD: rule(spoken, outside, "attributes", "XFORWARD attribute=value...", {
    beforeTls: true,
    beforeAuth: true,
    offer: "xforward",
    idle: true,
  }),
  STARTTLS: rule(identified, outside, "none", "STARTTLS", {
    extended: true,
    beforeTls: true,
    beforeAuth: true,
    offer: "starttls",
    endsGroup: true,
    then: { phase: "upgrading" },
  }),
  AUTH: rule(identified, outside, "auth", "AUTH mechanism [initial-response]", {
    extended: true,
    beforeAuth: true,
    offer: "auth",
    endsGroup: true,
    idle: true,
    then: { reader: "sasl" },
  }),
  // RFC 5321 Appendix F: known, never offered.
  SEND: rule(spoken, any, "ignored", "SEND", { offer: "never", endsGroup: true }),
  SOML: rule(spoken, any, "ignored", "SOML", { offer: "never", endsGroup: true }),
  SAML: rule(spoken, any, "ignored", "SAML", { offer: "never", endsGroup: true }),
  TURN: rule(spoken, any, "ignored", "TURN", { offer: "never", endsGroup: true }),
};

/** The rule of a verb that a configuration adds. */
export function customRule(given: CustomVerb): Rule {
  const { verb, syntax = verb, transaction = "anywhere", beforeHello = true } = given;
  const within: readonly Transaction[] = ["sender", "recipients", "chunks", "failed"];
  const legal = transaction === "anywhere" ? any : transaction === "outside" ? outside : within;
  return rule(beforeHello ? spoken : identified, legal, "text", syntax, {
    beforeTls: given.beforeTls ?? false,
    beforeAuth: given.beforeAuth ?? false,
    endsGroup: given.pipelined !== true,
    idle: true,
  });
}

/* @__NO_SIDE_EFFECTS__ */
function rule(
  phases: readonly Phase[],
  transactions: readonly Transaction[],
  argument: ArgumentKind,
  syntax: string,
  given: Partial<Rule>,
): Rule {
  return {
    phases,
    transactions,
    extended: given.extended ?? false,
    beforeTls: given.beforeTls ?? false,
    beforeAuth: given.beforeAuth ?? false,
    offer: given.offer ?? "always",
    argument,
    syntax,
    endsGroup: given.endsGroup ?? false,
    idle: given.idle ?? false,
    then: given.then ?? {},
  };
}

/** What the table is asked about: the state and its modifiers. */
export interface Situation {
  readonly phase: Phase;
  readonly transaction: Transaction;
  /** EHLO or LHLO was the last greeting accepted, not HELO. */
  readonly extended: boolean;
  readonly tlsActive: boolean;
  readonly tlsRequired: boolean;
  readonly authenticated: boolean;
  readonly authRequired: boolean;
  /** What the configuration offers. */
  offers(offer: Offer): boolean;
  /** Whose word is taken for this is the configuration's: for XCLIENT and XFORWARD. */
  trusts(offer: Offer): boolean;
}

/** Why the table forbids a command. */
export type Objection = "tls-required" | "auth-required" | "not-offered" | "not-trusted" | "sequence";

/** Judges a verb by its rule, in the order given above; null: it is legal. */
export function objection(rule: Rule, situation: Situation): Objection | null {
  if (situation.tlsRequired && !situation.tlsActive && !rule.beforeTls) return "tls-required";
  if (situation.authRequired && !situation.authenticated && !rule.beforeAuth) return "auth-required";
  if (!situation.offers(rule.offer)) return "not-offered";
  if (!situation.trusts(rule.offer)) return "not-trusted";
  if (!rule.phases.includes(situation.phase)) return "sequence";
  if (!rule.transactions.includes(situation.transaction)) return "sequence";
  if (rule.extended && !situation.extended) return "sequence";
  // TLS begins once, AUTH succeeds once (RFC 3207 §4.2, RFC 4954 §4).
  if (rule.offer === "starttls" && situation.tlsActive) return "sequence";
  if (rule.offer === "auth" && situation.authenticated) return "sequence";
  return null;
}

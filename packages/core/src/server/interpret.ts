import type { Reply } from "../reply.ts";
import { reply } from "../reply.ts";
import {
  type ArgumentContext,
  forbiddenOctet,
  highOctet,
  parseAuth,
  parseChunk,
  parseEtrn,
  parseHello,
  parseMail,
  parseNothing,
  parseRcpt,
  parseString,
  readVerb,
  trimBlanks,
} from "../syntax/command.ts";
import { type Fault, isFault } from "../syntax/fault.ts";
import type { ExtensionName, MailParameters } from "../syntax/parameters.ts";
import type { Mailbox } from "../syntax/path.ts";
import { decodeLossy } from "../wire/utf8.ts";
import { capabilities, lacking } from "./capabilities.ts";
import type { AuthMechanism, ServerSettings } from "./config.ts";
import type { Envelope, Question, TlsInfo } from "./events.ts";
import * as replies from "./replies.ts";
import {
  customRule,
  type Objection,
  type Offer,
  objection,
  type Rule,
  rules,
  type Situation,
  type Verb,
} from "./state.ts";

/** What a command line comes to. */
export type Interpretation =
  /** The core refuses it: the fault is reported, its reply sent; a 421 closes. */
  | { readonly kind: "refuse"; readonly fault: Fault; readonly verb: string }
  /** The application decides; `question` wants an id. */
  | { readonly kind: "ask"; readonly verb: string; readonly rule: Rule; readonly question: Question }
  /** The core accepts it by itself. */
  | { readonly kind: "accept"; readonly verb: string; readonly rule: Rule; readonly reply: Reply }
  /** A BDAT chunk follows, to be taken or, with a fault, to be thrown away. */
  | { readonly kind: "chunk"; readonly size: number; readonly last: boolean; readonly fault: Fault | null }
  /** An AUTH exchange begins. */
  | { readonly kind: "auth"; readonly mechanism: AuthMechanism; readonly initial: Uint8Array | null };

/** What the interpretation of a line depends on, beside the line. */
export interface Context extends Situation {
  readonly settings: ServerSettings;
  /** How many recipients were accepted. */
  readonly recipients: number;
  /** The envelope of the open transaction, as it stands. */
  readonly envelope: () => Envelope;
  /** RCPTs of the open transaction that were refused. */
  readonly refusedHere: number;
  /** What the handshake gave; null: there was none. */
  readonly tls: TlsInfo | null;
  readonly parameters: MailParameters | null;
  /** The id for a question. */
  readonly id: number;
}

/**
 * Judges one command line by the order of checks that `state.ts` gives. It changes nothing.
 *
 * @param line the line without CRLF
 * @param octets its length in octets with CRLF
 */
export function interpret(line: Uint8Array, octets: number, context: Context): Interpretation {
  const { settings, id } = context;
  const { verb, argument } = readVerb(line);
  if (octets > settings.limits.commandLine && verb !== "AUTH") {
    return refuse(verb, "S-LINE-11", `command line of ${octets} octets`, 0, replies.lineTooLong);
  }
  const control = forbiddenOctet(line);
  if (control >= 0) {
    return refuse(
      verb,
      "S-LINE-10",
      `control octet ${hex(line[control])} in the command line`,
      control,
      replies.unknownCommand,
    );
  }
  const end = trimBlanks(line);
  if (context.phase === "refused" || context.phase === "insecure") {
    const objecting = stranded(verb, line, argument, end, context);
    if (objecting !== null) return objecting;
  }
  if (settings.hostileVerbs.includes(verb)) {
    const reply = replies.abused(settings.name, "This is not what you are looking for");
    return refuse(verb, "S-OLD-03", "verb of another protocol", 0, reply);
  }
  const rule = ruleOf(verb, settings);
  if (rule === null) return refuse(verb, "S-LINE-13", "unknown verb", 0, replies.unknownCommand);
  if (foreignHello(verb, settings.lmtp)) {
    return refuse(
      verb,
      "S-EHLO-17",
      `${verb} in ${settings.lmtp ? "LMTP" : "SMTP"}`,
      0,
      replies.unknownHello,
    );
  }
  const against = objection(rule, context);
  if (rule.argument === "chunk") return chunk(line, argument, end, against, context);
  if (against !== null) return refuse(verb, ...objected(against, verb, context));
  const within = argumentContext(context);
  switch (rule.argument) {
    case "hello": {
      const parsed = parseHello(line, argument, end, within, verb);
      if (isFault(parsed)) return { kind: "refuse", fault: parsed, verb };
      const extended = verb !== "HELO";
      return {
        kind: "ask",
        verb,
        rule,
        question: {
          type: "hello",
          id,
          reply: reply(250, ""),
          verb: verb as "EHLO" | "HELO" | "LHLO",
          name: parsed.name,
          domain: parsed.domain,
          capabilities: extended ? capabilities(context, settings) : [],
        },
      };
    }
    case "path":
      return verb === "MAIL"
        ? mail(line, argument, end, rule, within, context)
        : rcpt(line, argument, end, rule, within, context);
    case "none": {
      const fault = parseNothing(line, argument, end, verb);
      if (fault !== null) return { kind: "refuse", fault, verb };
      return bare(verb, rule, context);
    }
    case "ignored":
      if (highOctet(line) >= 0) return tooHigh(verb, line);
      return { kind: "accept", verb, rule, reply: replies.ok };
    case "auth":
      return auth(line, argument, end, context);
    case "string": {
      const parsed = parseString(line, argument, end, within, verb as "VRFY" | "EXPN");
      if (isFault(parsed)) return { kind: "refuse", fault: parsed, verb };
      const ask = verb === "VRFY" ? replies.cannotVerify : replies.cannotExpand;
      return command(verb, rule, parsed.text, parsed.mailbox, parsed.smtputf8, ask, id);
    }
    case "help": {
      if (highOctet(line) >= 0) return tooHigh(verb, line);
      const of = decodeLossy(line, argument, end).toUpperCase();
      return command(verb, rule, decodeLossy(line, argument, end), null, false, help(of, context), id);
    }
    case "node": {
      const parsed = parseEtrn(line, argument, end);
      if (isFault(parsed)) return { kind: "refuse", fault: parsed, verb };
      return command(verb, rule, parsed.option + parsed.node, null, false, replies.cannotQueue, id);
    }
    case "text":
      if (highOctet(line) >= 0) return tooHigh(verb, line);
      return command(verb, rule, decodeLossy(line, argument, end), null, false, replies.notImplemented, id);
  }
}

/** Whether the line is an RCPT, which may be asked while earlier ones are still open. */
export function isRecipient(line: Uint8Array): boolean {
  return readVerb(line).verb === "RCPT";
}

/** The rule of a verb; null: nobody knows it. */
export function ruleOf(verb: string, settings: ServerSettings): Rule | null {
  if (Object.hasOwn(rules, verb)) return rules[verb as Verb];
  return settings.commands.some((command) => command.verb === verb) ? customRule : null;
}

/** Whether a configuration offers what a verb needs at all. */
export function offered(offer: Offer, settings: ServerSettings): boolean {
  switch (offer) {
    case "always":
      return true;
    case "never":
      return false;
    case "starttls":
      return settings.tls !== "none";
    case "auth":
      return settings.mechanisms.length > 0;
    default:
      return settings.extensions[offer];
  }
}

/** After a greeting of 554 or 521, or a handshake that gave too little: all but QUIT is refused. */
function stranded(
  verb: string,
  line: Uint8Array,
  argument: number,
  end: number,
  context: Context,
): Interpretation | null {
  if (verb === "QUIT" && argument >= end) {
    return { kind: "accept", verb, rule: rules.QUIT, reply: replies.closing(context.settings.name) };
  }
  const insecure = context.phase === "insecure";
  const rule = insecure ? "T-TLS-07" : "S-SES-04";
  const answer = insecure ? replies.insecure : replies.badSequence;
  const detail = insecure ? "TLS is too weak for this server" : "mail service was refused";
  if (verb === "BDAT") {
    const parsed = parseChunk(line, argument, end);
    if (isFault(parsed)) return { kind: "refuse", fault: parsed, verb };
    return {
      kind: "chunk",
      size: parsed.size,
      last: parsed.last,
      fault: { rule, detail, at: 0, reply: answer },
    };
  }
  return refuse(verb, rule, detail, 0, answer);
}

function foreignHello(verb: string, lmtp: boolean): boolean {
  return lmtp ? verb === "EHLO" || verb === "HELO" : verb === "LHLO";
}

function objected(against: Objection, verb: string, context: Context): [string, string, number, Reply] {
  switch (against) {
    case "tls-required":
      return ["T-TLS-08", `${verb} before TLS`, 0, replies.tlsRequired];
    case "auth-required":
      return ["A-AUTH-15", `${verb} before AUTH`, 0, replies.authRequired];
    case "not-offered":
      return ["S-LINE-14", `${verb} is not offered`, 0, replies.notImplemented];
    case "sequence":
      if (withoutRecipient(verb, context))
        return ["S-DATA-05", "no recipient was accepted", 0, replies.noRecipients];
      return ["S-SEQ-01", `${verb} out of order`, 0, replies.badSequence];
  }
}

/** DATA or BDAT of a transaction in which every recipient was refused: 554, but 503 in LMTP (RFC 2033 §4.2). */
function withoutRecipient(verb: string, context: Context): boolean {
  if (verb !== "DATA" && !(verb === "BDAT" && context.extended)) return false;
  return context.transaction === "sender" && context.refusedHere > 0 && !context.settings.lmtp;
}

function argumentContext(context: Context): ArgumentContext {
  const { settings } = context;
  const { extensions, limits } = settings;
  const allowed = context.parameters?.smtputf8 === true;
  return {
    utf8: allowed ? "allowed" : extensions.smtputf8 && context.extended ? "offered" : "absent",
    lenient: settings.lenient,
    limits,
    extensions: (name: ExtensionName) => context.extended && extensionOn(name, context),
    plain: !context.extended,
    maxParameters: limits.parameters,
  };
}

function extensionOn(name: ExtensionName, context: Context): boolean {
  const { settings } = context;
  if (name === "auth") return settings.mechanisms.length > 0;
  if (name === "starttls") return settings.tls !== "none";
  return settings.extensions[name];
}

function mail(
  line: Uint8Array,
  at: number,
  end: number,
  rule: Rule,
  within: ArgumentContext,
  context: Context,
): Interpretation {
  const { settings, id } = context;
  const parsed = parseMail(line, at, end, within);
  if (isFault(parsed)) return { kind: "refuse", fault: parsed, verb: "MAIL" };
  const { size, auth: asserted } = parsed.parameters;
  const most = settings.limits.message === 0 ? Number.MAX_SAFE_INTEGER : settings.limits.message;
  if (size !== null && size > most) {
    return refuse("MAIL", "X-SIZE-03", `declared size of ${size} octets`, at, replies.declaredTooBig);
  }
  // RFC 4954 §5: a client that is not trusted to assert it is treated as though it had said AUTH=<>.
  const believed = settings.trustAuthParameter && context.authenticated;
  const parameters = asserted === null || believed ? parsed.parameters : { ...parsed.parameters, auth: "<>" };
  const question: Question = { type: "mail", id, reply: replies.senderOk, from: parsed.path, parameters };
  return { kind: "ask", verb: "MAIL", rule, question };
}

function rcpt(
  line: Uint8Array,
  at: number,
  end: number,
  rule: Rule,
  within: ArgumentContext,
  context: Context,
): Interpretation {
  const parsed = parseRcpt(line, at, end, within);
  if (isFault(parsed)) return { kind: "refuse", fault: parsed, verb: "RCPT" };
  if (context.recipients >= context.settings.limits.recipients) {
    return refuse(
      "RCPT",
      "L-EXC-03",
      "more recipients than a transaction may have",
      0,
      replies.tooManyRecipients,
    );
  }
  const { path, parameters } = parsed;
  const question: Question = {
    type: "rcpt",
    id: context.id,
    reply: replies.recipientOk,
    to: path,
    parameters,
  };
  return { kind: "ask", verb: "RCPT", rule, question };
}

/** Commands without argument: DATA, RSET, QUIT, STARTTLS. */
function bare(verb: string, rule: Rule, context: Context): Interpretation {
  const { id } = context;
  switch (verb) {
    case "DATA":
      if (context.parameters?.body === "BINARYMIME") {
        return refuse(verb, "S-BIN-02", "DATA after BODY=BINARYMIME", 0, replies.badSequence);
      }
      return {
        kind: "ask",
        verb,
        rule,
        question: { type: "data", id, reply: replies.startMail, envelope: context.envelope() },
      };
    case "STARTTLS":
      return { kind: "ask", verb, rule, question: { type: "starttls", id, reply: replies.startTls } };
    case "QUIT":
      return { kind: "accept", verb, rule, reply: replies.closing(context.settings.name) };
    default:
      return { kind: "accept", verb, rule, reply: replies.ok };
  }
}

/** BDAT: whatever the verdict, how many octets follow must be known (RFC 3030 §2). */
function chunk(
  line: Uint8Array,
  at: number,
  end: number,
  against: Objection | null,
  context: Context,
): Interpretation {
  const parsed = parseChunk(line, at, end);
  if (isFault(parsed)) return { kind: "refuse", fault: parsed, verb: "BDAT" };
  if (against === null) return { kind: "chunk", size: parsed.size, last: parsed.last, fault: null };
  const [rule, detail, where, reply] = objected(against, "BDAT", context);
  return { kind: "chunk", size: parsed.size, last: parsed.last, fault: { rule, detail, at: where, reply } };
}

function auth(line: Uint8Array, at: number, end: number, context: Context): Interpretation {
  const parsed = parseAuth(line, at, end);
  if (isFault(parsed)) return { kind: "refuse", fault: parsed, verb: "AUTH" };
  const mechanism = context.settings.mechanisms.find(({ name }) => name === parsed.mechanism);
  if (mechanism === undefined)
    return refuse("AUTH", "A-AUTH-03", "unknown mechanism", at, replies.authUnknown);
  const lack = lacking(mechanism, context.tls);
  if (lack !== null)
    return refuse("AUTH", lack.rule, `mechanism that needs ${lack.what}`, at, replies.authUnknown);
  if (parsed.initial !== null && mechanism.first === "server") {
    const detail = "initial response to a mechanism in which the server speaks first";
    return refuse("AUTH", "A-AUTH-04", detail, at, replies.authNoInitial);
  }
  return { kind: "auth", mechanism, initial: parsed.initial };
}

function command(
  verb: string,
  rule: Rule,
  argument: string,
  mailbox: Mailbox | null,
  smtputf8: boolean,
  reply: Reply,
  id: number,
): Interpretation {
  return {
    kind: "ask",
    verb,
    rule,
    question: { type: "command", id, reply, verb, argument, mailbox, smtputf8 },
  };
}

/** What HELP says when the application has nothing better. */
function help(of: string, context: Context): Reply {
  const { settings } = context;
  const known = (Object.keys(rules) as Verb[]).filter(
    (verb) => offered(rules[verb].offer, settings) && !foreignHello(verb, settings.lmtp),
  );
  if (of === "") return reply(214, "2.0.0", ["Commands:", known.join(" ")]);
  const verb = known.find((verb) => verb === of);
  return verb === undefined ? replies.noSuchHelp : reply(214, "2.0.0", `Syntax: ${rules[verb].syntax}`);
}

function tooHigh(verb: string, line: Uint8Array): Interpretation {
  return refuse(verb, "S-LINE-09", "octet above 0x7F", highOctet(line), replies.unknownCommand);
}

function refuse(verb: string, rule: string, detail: string, at: number, reply: Reply): Interpretation {
  return { kind: "refuse", fault: { rule, detail, at, reply }, verb };
}

function hex(octet: number): string {
  return `0x${octet.toString(16).padStart(2, "0").toUpperCase()}`;
}

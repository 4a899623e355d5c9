import { bug } from "../errors.ts";
import { isAnnounced } from "../extensions/burl.ts";
import { honoured } from "../extensions/priority.ts";
import { registry } from "../extensions/registry.ts";
import { type Reply, reply } from "../reply.ts";
import { parseClientAttributes, parseForwardedAttributes } from "../syntax/attributes.ts";
import {
  endsInLast,
  highOctet,
  parseAuth,
  parseDomains,
  parseEtrn,
  parseHello,
  parseMail,
  parseNothing,
  parseRcpt,
  parseString,
  parseUrl,
} from "../syntax/command.ts";
import { formatDomain, lowerAscii } from "../syntax/domain.ts";
import { isFault } from "../syntax/fault.ts";
import { type MailParameters, noMailParameters, type Refusal } from "../syntax/parameters.ts";
import type { Mailbox, Path } from "../syntax/path.ts";
import { decodeLossy } from "../wire/utf8.ts";
import { capabilities, lacking, offered } from "./capabilities.ts";
import type { Question } from "./events.ts";
import { type Context, type Interpretation, refuse, refused } from "./interpretation.ts";
import * as replies from "./replies.ts";
import { type Rule, rules } from "./state.ts";

// What a legal command comes to by its argument: one function for each kind.

/** A command line and its parts. */
export interface Said {
  readonly verb: string;
  /** The octets that the line is in, and where it begins. */
  readonly line: Uint8Array;
  readonly start: number;
  /** Where the argument begins, and where it and the line end. */
  readonly at: number;
  readonly end: number;
}

/** Reads the argument of a command that is legal, and says what follows. BDAT has its own way: see `interpret`. */
export function interpretArgument(said: Said, rule: Rule, context: Context): Interpretation {
  const { verb, line, start, at, end } = said;
  const { id } = context;
  switch (rule.argument) {
    case "hello":
      return hello(said, context);
    case "path":
      return verb === "MAIL" ? mail(said, context) : rcpt(said, context);
    case "none": {
      const fault = parseNothing(line, at, end, verb);
      return fault === null ? bare(said, context) : refused(verb, fault);
    }
    case "ignored":
      if (highOctet(line, start, end) >= 0) return tooHigh(said);
      return { kind: "accept", verb, reply: replies.ok };
    case "auth":
      return auth(said, context);
    case "string": {
      const parsed = parseString(line, at, end, context, verb as "VRFY" | "EXPN");
      if (isFault(parsed)) return refused(verb, parsed);
      const by = verb === "VRFY" ? replies.cannotVerify : replies.cannotExpand;
      return command(said, parsed.text, parsed.mailbox, parsed.smtputf8, by, id);
    }
    case "help": {
      if (highOctet(line, start, end) >= 0) return tooHigh(said);
      const of = decodeLossy(line, at, end);
      return command(said, of, null, false, help(of.toUpperCase(), context), id);
    }
    case "node": {
      const parsed = parseEtrn(line, at, end);
      if (isFault(parsed)) return refused(verb, parsed);
      return command(said, parsed.option + parsed.node, null, false, replies.cannotQueue, id);
    }
    case "text":
      if (highOctet(line, start, end) >= 0) return tooHigh(said);
      return command(said, decodeLossy(line, at, end), null, false, replies.notImplemented, id);
    case "url":
      return burl(said, context);
    case "domains": {
      const domains = parseDomains(line, at, end);
      if (isFault(domains)) return refused(verb, domains);
      return ask(said, { type: "atrn", id, reply: replies.atrnRefused, domains });
    }
    case "attributes":
      return attributes(said);
    default:
      bug("the argument of BDAT is read before it is known to be legal");
  }
}

function hello({ verb, line, at, end }: Said, context: Context): Interpretation {
  const parsed = parseHello(line, at, end, context, verb);
  if (isFault(parsed)) return refused(verb, parsed);
  return {
    kind: "ask",
    verb,
    question: {
      type: "hello",
      id: context.id,
      reply: replies.welcome,
      verb: verb as "EHLO" | "HELO" | "LHLO",
      name: parsed.name,
      domain: parsed.domain,
      capabilities: verb === "HELO" ? [] : capabilities(context, context.settings),
    },
  };
}

function mail(said: Said, context: Context): Interpretation {
  const { line, at, end } = said;
  const { settings, id } = context;
  const parsed = parseMail(line, at, end, context);
  if (isFault(parsed)) return refused("MAIL", parsed);
  const { size, auth: asserted, priority } = parsed.parameters;
  const most = settings.limits.message === 0 ? Number.MAX_SAFE_INTEGER : settings.limits.message;
  if ((size ?? 0) > most) {
    return refuse("MAIL", "X-SIZE-03", `declared size of ${size} octets`, at, replies.declaredTooBig);
  }
  const refusal = together(parsed.parameters, parsed.path !== null, context);
  if (refusal !== null) return refuse("MAIL", refusal.rule, refusal.detail, at, refusal.reply);
  if (isIncomplete(parsed.path, context)) {
    return refuse("MAIL", "X-SUB-02", "domain of the sender is not complete", at, replies.senderIncomplete);
  }
  // RFC 4954 §5: a client that is not trusted to assert it is treated as though it had said AUTH=<>.
  const believed = settings.trustAuthParameter && context.authenticated;
  const urgency = honoured(priority ?? 0, settings.extensions.mtPriority, context.authenticated);
  const parameters =
    (asserted === null || believed) && urgency.reply === null
      ? parsed.parameters
      : {
          ...parsed.parameters,
          auth: asserted === null || believed ? asserted : "<>",
          priority: priority === null ? null : urgency.priority,
        };
  const by = urgency.reply ?? replies.senderOk;
  return ask(said, { type: "mail", id, reply: by, from: parsed.path, parameters });
}

const checking = /* @__PURE__ */ registry.flatMap(({ name, check }) =>
  check === undefined ? [] : [{ name, check }],
);

/** What is wrong with the parameters of MAIL taken together; null: nothing. */
function together(parameters: MailParameters, sender: boolean, context: Context): Refusal | null {
  if (parameters === noMailParameters) return null;
  for (const { name, check } of checking) {
    const refusal = offered(name, context.settings) ? check(parameters, sender, context) : null;
    if (refusal !== null) return refusal;
  }
  return null;
}

function rcpt(said: Said, context: Context): Interpretation {
  const { line, at, end } = said;
  const { limits } = context.settings;
  const parsed = parseRcpt(line, at, end, context);
  if (isFault(parsed)) return refused("RCPT", parsed);
  if (context.recipients >= limits.recipients) {
    const detail = "more recipients than a transaction may have";
    return refuse("RCPT", "L-EXC-03", detail, at, replies.tooManyRecipients);
  }
  if (context.domains >= limits.recipientDomains && !context.isNamed(domainOf(parsed.path))) {
    const detail = "more domains than a session may name";
    return refuse("RCPT", "X-LIM-01", detail, at, replies.tooManyDomains);
  }
  if (isIncomplete(parsed.path, context)) {
    const detail = "domain of the recipient is not complete";
    return refuse("RCPT", "X-SUB-02", detail, at, replies.recipientIncomplete);
  }
  const { path, parameters } = parsed;
  return ask(said, { type: "rcpt", id: context.id, reply: replies.recipientOk, to: path, parameters });
}

/** The domain of an address as it is counted: in lower case; empty for `<Postmaster>`. */
export function domainOf({ domain }: Mailbox): string {
  return domain === null ? "" : lowerAscii(formatDomain(domain));
}

/** On submission a domain is one that the whole internet knows (RFC 6409 §4.2). */
function isIncomplete(path: Path | null, { settings }: Context): boolean {
  const domain = path?.domain;
  return settings.service === "submission" && domain?.kind === "name" && !domain.text.includes(".");
}

/** Commands without argument: DATA, RSET, QUIT, STARTTLS. */
function bare(said: Said, context: Context): Interpretation {
  const { verb, start } = said;
  const { id } = context;
  switch (verb) {
    case "DATA":
      if (context.parameters.body === "BINARYMIME") {
        return refuse(verb, "S-BIN-02", "DATA after BODY=BINARYMIME", start, replies.badSequence);
      }
      return ask(said, { type: "data", id, reply: replies.startMail, envelope: context.envelope() });
    case "STARTTLS":
      return ask(said, { type: "starttls", id, reply: replies.startTls });
    case "QUIT":
      return { kind: "accept", verb, reply: replies.closing(context.settings) };
    default:
      return { kind: "accept", verb, reply: replies.ok };
  }
}

function burl(said: Said, context: Context): Interpretation {
  const { line, at, end } = said;
  const parsed = parseUrl(line, at, end);
  if (isFault(parsed)) return { ...refused("BURL", parsed), last: endsInLast(line, at, end) };
  const { url, last } = parsed;
  const { burl } = context.settings.extensions;
  if (!(burl && isAnnounced(url, burl))) {
    const detail = "URL is not one of those announced";
    return { ...refuse("BURL", "X-BURL-05", detail, at, replies.urlNotTrusted), last };
  }
  return ask(said, {
    type: "burl",
    id: context.id,
    reply: replies.cannotFetch,
    url,
    last,
    envelope: context.envelope(),
  });
}

function auth({ line, at, end }: Said, context: Context): Interpretation {
  const parsed = parseAuth(line, at, end);
  if (isFault(parsed)) return refused("AUTH", parsed);
  const { mechanisms } = context.settings;
  const mechanism = mechanisms.find(({ name }) => name === parsed.mechanism);
  if (mechanism === undefined) {
    return refuse("AUTH", "A-AUTH-03", "unknown mechanism", at, replies.authUnknown);
  }
  const lack = lacking(mechanism, context.tls);
  if (lack !== null) {
    return refuse("AUTH", lack.rule, lack.detail, at, replies.authUnknown);
  }
  if (parsed.initial !== null && mechanism.first === "server") {
    const detail = "initial response to a mechanism in which the server speaks first";
    return refuse("AUTH", "A-AUTH-04", detail, at, replies.authNoInitial);
  }
  return { kind: "auth", mechanism, initial: parsed.initial };
}

function attributes({ verb, line, at, end }: Said): Interpretation {
  if (verb === "XCLIENT") {
    const attributes = parseClientAttributes(line, at, end);
    return isFault(attributes) ? refused(verb, attributes) : { kind: "xclient", verb, attributes };
  }
  const attributes = parseForwardedAttributes(line, at, end);
  return isFault(attributes)
    ? refused("XFORWARD", attributes)
    : { kind: "xforward", verb: "XFORWARD", attributes };
}

function command(
  said: Said,
  argument: string,
  mailbox: Mailbox | null,
  smtputf8: boolean,
  reply: Reply,
  id: number,
): Interpretation {
  return ask(said, { type: "command", id, reply, verb: said.verb, argument, mailbox, smtputf8 });
}

function ask({ verb }: Said, question: Question): Interpretation {
  return { kind: "ask", verb, question };
}

/** What HELP says when the application has nothing better. */
function help(of: string, context: Context): Reply {
  const { settings } = context;
  const all: Readonly<Record<string, Rule>> = { ...rules, ...settings.verbs };
  const known = Object.keys(all).filter(
    (verb) => offered(all[verb].offer, settings) && !isForeign(verb, settings.lmtp),
  );
  if (of === "") return reply(214, "2.0.0", ["Commands:", known.join(" ")]);
  const verb = known.find((verb) => verb === of);
  return verb === undefined ? replies.noSuchHelp : reply(214, "2.0.0", `Syntax: ${all[verb].syntax}`);
}

/** Whether a verb belongs to the other of SMTP and LMTP. */
export function isForeign(verb: string, lmtp: boolean): boolean {
  return lmtp ? verb === "EHLO" || verb === "HELO" : verb === "LHLO";
}

function tooHigh({ verb, line, start, end }: Said): Interpretation {
  return refuse(verb, "S-LINE-09", "octet above 0x7F", highOctet(line, start, end), replies.unknownCommand);
}

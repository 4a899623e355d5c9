import type { Reply } from "../reply.ts";
import { forbiddenOctet, parseChunk, readVerb, trimBlanks, unreadable } from "../syntax/command.ts";
import { isFault } from "../syntax/fault.ts";
import { interpretArgument, isForeign } from "./arguments.ts";
import { offered } from "./capabilities.ts";
import { type Context, type Interpretation, refuse, refused } from "./interpretation.ts";
import * as replies from "./replies.ts";
import type { ServerSettings } from "./settings.ts";
import { type Objection, objection, type Rule, rules, type Verb } from "./state.ts";

/**
 * Judges one command line by the order of checks that `state.ts` gives. It changes nothing.
 *
 * @param line the line without CRLF; of one that was too long to be held, its beginning
 * @param octets its length in octets with CRLF
 */
export function interpret(line: Uint8Array, octets: number, context: Context): Interpretation {
  const { settings } = context;
  const { verb, argument } = readVerb(line);
  if (octets > (verb === "AUTH" ? longestLine(settings) : settings.limits.commandLine)) {
    const detail = `command line of ${octets} octets`;
    if (verb === "BDAT") return refused(verb, unreadable(detail, 0));
    return refuse(verb, "S-LINE-11", detail, 0, replies.lineTooLong);
  }
  const control = forbiddenOctet(line);
  if (control >= 0) {
    const detail = `control octet ${hex(line[control])} in the command line`;
    if (verb === "BDAT") return refused(verb, unreadable(detail, control));
    return refuse(verb, "S-LINE-10", detail, control, replies.unknownCommand);
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
  if (isForeign(verb, settings.lmtp)) {
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
  return interpretArgument({ verb, rule, line, at: argument, end }, context);
}

/** Octets of the longest line that is held. */
export function longestLine({ limits, mechanisms }: ServerSettings): number {
  return mechanisms.length > 0 ? Math.max(limits.commandLine, limits.authLine) : limits.commandLine;
}

/** Whether the line is an RCPT, which may be asked while earlier ones are still open. */
export function isRecipient(line: Uint8Array): boolean {
  return readVerb(line).verb === "RCPT";
}

/** The rule of a verb; null: nobody knows it. */
export function ruleOf(verb: string, settings: ServerSettings): Rule | null {
  if (Object.hasOwn(rules, verb)) {
    const rule = rules[verb as Verb];
    // A private verb that is not configured is not even known (RFC 5321 §4.1.5).
    return verb.startsWith("X") && !offered(rule.offer, settings) ? null : rule;
  }
  return Object.hasOwn(settings.verbs, verb) ? settings.verbs[verb] : null;
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
    if (isFault(parsed)) return refused(verb, parsed);
    return {
      kind: "chunk",
      size: parsed.size,
      last: parsed.last,
      fault: { rule, detail, at: 0, reply: answer },
    };
  }
  return refuse(verb, rule, detail, 0, answer);
}

function objected(against: Objection, verb: string, context: Context): [string, string, number, Reply] {
  switch (against) {
    case "tls-required":
      return ["T-TLS-08", `${verb} before TLS`, 0, replies.tlsRequired];
    case "auth-required":
      return ["A-AUTH-15", `${verb} before AUTH`, 0, replies.authRequired];
    case "not-offered":
      return ["S-LINE-14", `${verb} is not offered`, 0, replies.notImplemented];
    case "not-trusted":
      return [
        verb === "XCLIENT" ? "X-XCL-01" : "X-XFW-01",
        `${verb} from a client that is not trusted`,
        0,
        replies.notTrusted,
      ];
    case "sequence":
      if (verb === "BURL" && context.phase === "ready" && context.extended)
        return ["X-BURL-02", "no recipient was accepted", 0, replies.burlOutOfOrder];
      if (withoutRecipient(verb, context))
        return ["S-DATA-05", "no recipient was accepted", 0, replies.noRecipients];
      return ["S-SEQ-01", `${verb} out of order`, 0, replies.badSequence];
  }
}

/** DATA or BDAT of a transaction in which every recipient was refused: 554, but 503 in LMTP (RFC 2033 §4.2). */
function withoutRecipient(verb: string, context: Context): boolean {
  if (verb !== "DATA" && !(verb === "BDAT" && context.extended)) return false;
  // DATA never goes with BINARYMIME, and 503 is what says so (RFC 3030 §3).
  if (verb === "DATA" && context.parameters?.body === "BINARYMIME") return false;
  return context.transaction === "sender" && context.refusedHere > 0 && !context.settings.lmtp;
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
  if (isFault(parsed)) return refused("BDAT", parsed);
  if (against === null) return { kind: "chunk", size: parsed.size, last: parsed.last, fault: null };
  const [rule, detail, where, reply] = objected(against, "BDAT", context);
  return { kind: "chunk", size: parsed.size, last: parsed.last, fault: { rule, detail, at: where, reply } };
}

function hex(octet: number): string {
  return `0x${octet.toString(16).padStart(2, "0").toUpperCase()}`;
}

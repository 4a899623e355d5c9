import type { Reply } from "../reply.ts";
import { parseChunk, readVerb, trimBlanks, unreadable } from "../syntax/command.ts";
import { isFault } from "../syntax/fault.ts";
import type { Line } from "../wire/line.ts";
import { interpretArgument, isForeign, type Said } from "./arguments.ts";
import { offered } from "./capabilities.ts";
import { type Context, type Interpretation, refuse, refused } from "./interpretation.ts";
import { longestLine } from "./lines.ts";
import * as replies from "./replies.ts";
import type { ServerSettings } from "./settings.ts";
import { type Objection, objection, type Rule, rules } from "./state.ts";

/** Judges one command line by the order of checks that `state.ts` gives. It changes nothing. */
export function interpret(line: Line, context: Context): Interpretation {
  const judged = judge(line, context);
  // Readers tell where something is in the array that the line came in.
  if (line.start === 0 || !("fault" in judged) || judged.fault === null) return judged;
  return { ...judged, fault: { ...judged.fault, at: judged.fault.at - line.start } };
}

function judge({ octets, start, end: stop, length, control }: Line, context: Context): Interpretation {
  const { settings } = context;
  const end = trimBlanks(octets, start, stop);
  const { verb, argument } = readVerb(octets, start, end);
  if (length > (verb === "AUTH" ? longestLine(settings) : settings.limits.commandLine)) {
    const detail = `command line of ${length} octets`;
    if (verb === "BDAT") return refused(verb, unreadable(detail, start));
    return refuse(verb, "S-LINE-11", detail, start, replies.lineTooLong);
  }
  if (control >= 0) {
    const detail = `control octet ${hex(octets[control])} in the command line`;
    if (verb === "BDAT") return refused(verb, unreadable(detail, control));
    return refuse(verb, "S-LINE-10", detail, control, replies.unknownCommand);
  }
  const said = { verb, line: octets, start, at: argument, end };
  if (context.phase === "refused" || context.phase === "insecure") {
    const objecting = stranded(said, context);
    if (objecting !== null) return objecting;
  }
  if (settings.hostileVerbs.includes(verb)) {
    const reply = replies.abused(settings.name, "This is not what you are looking for");
    return refuse(verb, "S-OLD-03", "verb of another protocol", start, reply);
  }
  const rule = ruleOf(verb, settings);
  if (rule === null) return refuse(verb, "S-LINE-13", "unknown verb", start, replies.unknownCommand);
  if (isForeign(verb, settings.lmtp)) {
    const detail = `${verb} in ${settings.lmtp ? "LMTP" : "SMTP"}`;
    return refuse(verb, "S-EHLO-17", detail, start, replies.unknownHello);
  }
  const against = objection(rule, context);
  if (rule.argument === "chunk") return chunk(said, against, context);
  if (against !== null) return refuse(verb, ...objected(against, said, context));
  return interpretArgument(said, rule, context);
}

/** Whether the line is an RCPT, which may be asked while earlier ones are still open. */
export function isRecipient({ octets, start, end }: Line): boolean {
  return readVerb(octets, start, trimBlanks(octets, start, end)).verb === "RCPT";
}

const standardRules: ReadonlyMap<string, Rule> = /* @__PURE__ */ new Map(Object.entries(rules));

/** The rule of a verb; null: nobody knows it. */
export function ruleOf(verb: string, settings: ServerSettings): Rule | null {
  const rule = standardRules.get(verb);
  // A private verb that is not configured is not even known (RFC 5321 §4.1.5).
  if (rule !== undefined) return verb.startsWith("X") && !offered(rule.offer, settings) ? null : rule;
  return Object.hasOwn(settings.verbs, verb) ? settings.verbs[verb] : null;
}

/** After a greeting of 554 or 521, or a handshake that gave too little: all but QUIT is refused. */
function stranded(said: Said, context: Context): Interpretation | null {
  const { verb, line, start, at, end } = said;
  if (verb === "QUIT" && at >= end) {
    return { kind: "accept", verb, reply: replies.closing(context.settings) };
  }
  const insecure = context.phase === "insecure";
  const rule = insecure ? "T-TLS-07" : "S-SES-04";
  const answer = insecure ? replies.insecure : replies.badSequence;
  const detail = insecure ? "TLS is too weak for this server" : "mail service was refused";
  if (verb === "BDAT") {
    const parsed = parseChunk(line, at, end);
    if (isFault(parsed)) return refused(verb, parsed);
    return {
      kind: "chunk",
      size: parsed.size,
      last: parsed.last,
      fault: { rule, detail, at: start, reply: answer },
    };
  }
  return refuse(verb, rule, detail, start, answer);
}

function objected(
  against: Objection,
  { verb, start }: Said,
  context: Context,
): [string, string, number, Reply] {
  switch (against) {
    case "tls-required":
      return ["T-TLS-08", `${verb} before TLS`, start, replies.tlsRequired];
    case "auth-required":
      return ["A-AUTH-15", `${verb} before AUTH`, start, replies.authRequired];
    case "not-offered":
      return ["S-LINE-14", `${verb} is not offered`, start, replies.notImplemented];
    case "not-trusted":
      return [
        verb === "XCLIENT" ? "X-XCL-01" : "X-XFW-01",
        `${verb} from a client that is not trusted`,
        start,
        replies.notTrusted,
      ];
    case "sequence":
      if (verb === "BURL" && context.phase === "ready" && context.extended)
        return ["X-BURL-02", "no recipient was accepted", start, replies.burlOutOfOrder];
      if (withoutRecipient(verb, context))
        return ["S-DATA-05", "no recipient was accepted", start, replies.noRecipients];
      return ["S-SEQ-01", `${verb} out of order`, start, replies.badSequence];
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
function chunk(said: Said, against: Objection | null, context: Context): Interpretation {
  const parsed = parseChunk(said.line, said.at, said.end);
  if (isFault(parsed)) return refused("BDAT", parsed);
  const { size, last } = parsed;
  if (against === null) return { kind: "chunk", size, last, fault: null };
  const [rule, detail, at, reply] = objected(against, said, context);
  return { kind: "chunk", size, last, fault: { rule, detail, at, reply } };
}

function hex(octet: number): string {
  return `0x${octet.toString(16).padStart(2, "0").toUpperCase()}`;
}

import { parseChunk, readVerb, trimBlanks, unreadable } from "../syntax/command.ts";
import { type Fault, isFault } from "../syntax/fault.ts";
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
  if (context.phase === "refused" || context.phase === "insecure") return stranded(said, context);
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
  if (against !== null) return refused(verb, objected(against, said, context));
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
function stranded(said: Said, context: Context): Interpretation {
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

function objected(against: Objection, { verb, start: at }: Said, context: Context): Fault {
  switch (against) {
    case "tls-required":
      return { rule: "T-TLS-08", detail: `${verb} before TLS`, at, reply: replies.tlsRequired };
    case "auth-required":
      return { rule: "A-AUTH-15", detail: `${verb} before AUTH`, at, reply: replies.authRequired };
    case "not-offered":
      return { rule: "S-LINE-14", detail: `${verb} is not offered`, at, reply: replies.notImplemented };
    case "not-trusted": {
      const rule = verb === "XCLIENT" ? "X-XCL-01" : "X-XFW-01";
      return { rule, detail: `${verb} from a client that is not trusted`, at, reply: replies.notTrusted };
    }
    case "sequence": {
      const detail = "no recipient was accepted";
      if (verb === "BURL" && context.extended)
        return { rule: "X-BURL-02", detail, at, reply: replies.burlOutOfOrder };
      if (withoutRecipient(verb, context))
        return { rule: "S-DATA-05", detail, at, reply: replies.noRecipients };
      return { rule: "S-SEQ-01", detail: `${verb} out of order`, at, reply: replies.badSequence };
    }
  }
}

/** DATA or BDAT of a transaction in which every recipient was refused: 554, but 503 in LMTP (RFC 2033 §4.2). */
function withoutRecipient(verb: string, context: Context): boolean {
  if (verb !== "DATA" && !(verb === "BDAT" && context.extended)) return false;
  // DATA never goes with BINARYMIME, and 503 is what says so (RFC 3030 §3).
  if (verb === "DATA" && context.parameters.body === "BINARYMIME") return false;
  return context.transaction === "sender" && context.refusedHere > 0 && !context.settings.lmtp;
}

/** BDAT: whatever the verdict, how many octets follow must be known (RFC 3030 §2). */
function chunk(said: Said, against: Objection | null, context: Context): Interpretation {
  const parsed = parseChunk(said.line, said.at, said.end);
  if (isFault(parsed)) return refused("BDAT", parsed);
  const { size, last } = parsed;
  return { kind: "chunk", size, last, fault: against === null ? null : objected(against, said, context) };
}

function hex(octet: number): string {
  return `0x${octet.toString(16).padStart(2, "0").toUpperCase()}`;
}

import { type ClientAttributes, nothingForwarded } from "../syntax/attributes.ts";
import { lineOf } from "../wire/line.ts";
import { domainOf } from "./arguments.ts";
import { beginExchange } from "./auth.ts";
import { beginChunk, endPiece, losePiece } from "./content.ts";
import type { Question } from "./events.ts";
import { interpret, ruleOf } from "./interpret.ts";
import type { Interpretation } from "./interpretation.ts";
import { readLine } from "./lines.ts";
import type { Machine } from "./machine.ts";
import { endsOf, noMail } from "./record.ts";
import * as replies from "./replies.ts";
import { objection, type Rule, rules } from "./state.ts";
import { domainKey, View } from "./view.ts";

// Command lines: read, interpreted, carried out.

/** Reads a command line and carries it out; false: none is complete. */
export function readCommand(machine: Machine): boolean {
  const { state } = machine;
  const line = state.held === null ? readLine(machine) : lineOf(state.held.line, state.held.octets);
  if (line === null) return false;
  state.held = null;
  state.since = state.now;
  const view = new View(machine);
  execute(machine, interpret(line, view), view);
  return true;
}

function execute(machine: Machine, interpretation: Interpretation, view: View): void {
  const { state, settings } = machine;
  const { kind } = interpretation;
  if (kind === "chunk")
    return beginChunk(machine, interpretation.size, interpretation.last, interpretation.fault);
  const verb = kind === "auth" ? "AUTH" : interpretation.verb;
  if (verb === "AUTH" && state.authenticated === null) state.authTried = true;
  const rule = ruleOf(verb, settings);
  if (outOfStep(machine, verb, rule)) return;
  if (kind === "refuse") {
    machine.refuse(interpretation.fault, rule);
    if (rule === rules.BURL && objection(rule, view) === null)
      losePiece(machine, interpretation.last === true);
    return;
  }
  if (rule?.idle && ++state.idleCommands > settings.limits.idleCommands) {
    return machine.abuse("S-LINE-18", "Too many commands without mail");
  }
  switch (kind) {
    case "ask":
      if (verb === "STARTTLS" && machine.input.length > 0) return injected(machine);
      if (verb === "MAIL" && ++state.transactions > settings.limits.transactions) {
        return machine.abuse("SEC-DOS-01", "Too many transactions");
      }
      if (interpretation.question.type === "burl" && !endPiece(machine, interpretation.question.last)) return;
      return askOf(machine, interpretation.question);
    case "xclient":
      return presented(machine, interpretation.attributes);
    case "xforward":
      state.mail = {
        ...noMail(),
        forwarded: { ...nothingForwarded, ...state.mail.forwarded, ...interpretation.attributes },
      };
      return machine.say(replies.ok);
    case "accept":
      if (verb === "QUIT") return machine.finish("quit", interpretation.reply);
      if (verb === "RSET") machine.abandon("rset");
      machine.say(interpretation.reply);
      if (rule?.endsGroup) machine.mustSend = true;
      return;
    case "auth":
      return beginExchange(
        machine,
        interpretation.mechanism.name,
        interpretation.mechanism.first,
        interpretation.initial,
      );
  }
}

/** Asks; the domains of recipients are counted where their number is bounded. */
export function askOf(machine: Machine, question: Question): void {
  const { state, settings } = machine;
  if (question.type === "rcpt" && settings.limits.recipientDomains !== Number.POSITIVE_INFINITY) {
    const domain = domainKey(domainOf(question.to));
    state.domains ??= { named: {}, count: 0 };
    const { named } = state.domains;
    if (!Object.hasOwn(named, domain)) {
      named[domain] = true;
      state.domains.count++;
    }
  }
  machine.ask(question);
}

/**
 * XCLIENT was said by somebody who is believed: the session begins anew for the client behind, who is greeted, or
 * refused. What was learned of the proxy itself is forgotten, but for its TLS.
 */
function presented(machine: Machine, attributes: ClientAttributes): void {
  const { state, settings } = machine;
  const { nextId: id, proxy, early } = state;
  // What is too long for one command comes in several. When a client has spoken in between they tell of another.
  const another = attributes.addr === undefined ? endsOf(state.xclient) : null;
  const before = state.hello === null ? state.xclient : another;
  state.mail = noMail();
  // The application is shown it.
  const told = Object.freeze({ ...before, ...attributes });
  state.xclient = told;
  state.hello = null;
  state.authenticated = (told.login ?? null) === null ? null : "XCLIENT";
  state.authTried = false;
  state.phase = "unidentified";
  machine.ask({
    type: "connect",
    id,
    reply: replies.greeting(settings),
    early,
    proxy,
    xclient: told,
  });
}

/** With strict pipelining: the client sent ahead where it has to wait (RFC 2920 §3.1). */
function outOfStep(machine: Machine, verb: string, rule: Rule | null): boolean {
  const { state, settings, input } = machine;
  if (!settings.strictPipelining || input.length === 0) return false;
  const allowed = settings.extensions.pipelining && state.hello !== null && state.hello.verb !== "HELO";
  if (allowed && rule?.endsGroup === false) return false;
  machine.violation("X-PIPE-15", `octets behind ${verb}, whose reply has to be awaited`, 0);
  machine.finish("protocol", replies.synchronization);
  return true;
}

/** Octets behind STARTTLS came in the clear: they could be anybody's (CVE-2011-0411). */
export function injected(machine: Machine): void {
  machine.violation("T-TLS-04", `${machine.input.length} octets in the clear behind STARTTLS`, null);
  machine.finish("protocol", replies.synchronization);
}

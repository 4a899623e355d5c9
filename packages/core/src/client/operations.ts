import { bug } from "../errors.ts";
import { decodeBase64, encodeBase64 } from "../syntax/base64.ts";
import { noCapabilities, wordsOf } from "../syntax/capabilities.ts";
import type { ReceivedReply } from "../syntax/replies.ts";
import { presentingLines } from "./attributes.ts";
import type { ClientMachine } from "./machine.ts";
import type { Failure } from "./outcome.ts";
import { failure, plan } from "./plan.ts";
import type { Expected, Operation } from "./record.ts";
import { newTransfer } from "./transfer.ts";

// Everything but the content of transactions: what was asked for is done one by one, in its order.

/** AUTH with its initial response, if that fits the line that every server takes (RFC 4954 §4), octets with CRLF. */
const authLine = 512;

/** Marks the expectation of the reply to `*`. */
export const cancelled = 2;

/** Begins the next operation, if it can begin now. */
export function advanceOperation(machine: ClientMachine): boolean {
  const { state, settings } = machine;
  const [operation] = state.operations;
  // What is said in the middle of an AUTH exchange would be taken for a response.
  if (operation === undefined || state.challenged !== null) return false;
  // All but MAIL has to be alone in its group, and MAIL may stand behind RSET only (RFC 2920 §3.1).
  const behindReset = state.capabilities.pipelining && state.expected.every(({ kind }) => kind === "reset");
  const pipelined = operation.kind === "transaction" && behindReset;
  if (state.expected.length > 0 && !pipelined) return false;
  if (operation.kind === "transaction") {
    const { envelope, id } = operation;
    const planned = plan(envelope, state.capabilities, settings, state);
    state.transfer = newTransfer(id, planned);
    if (state.capabilities.limits.rcptDomainMax !== null) {
      const named = envelope.to.filter((_, at) => planned.rcpt[at] !== null);
      state.domains = [...new Set([...state.domains, ...named.map(({ domain }) => domain)])];
    }
    return true;
  }
  state.operations.shift();
  state.readyTold = false;
  begin(machine, operation);
  return true;
}

/** A reply to something that is not part of a transaction. */
export function operationReply(machine: ClientMachine, owed: Expected, reply: ReceivedReply): void {
  const positive = Math.trunc(reply.code / 100) === 2;
  switch (owed.kind) {
    case "starttls":
      return startTlsReply(machine, owed, reply, positive);
    case "auth":
      return authReply(machine, owed, reply, positive);
    case "xclient":
      return presentReply(machine, owed, reply);
    case "atrn":
      return turnReply(machine, owed, reply);
    case "xforward":
      // It is for the server's logs: whether it wants it makes no difference.
      machine.events.push({ type: "reply", id: owed.id, verb: owed.verb, reply });
      return;
    case "reset":
      if (!positive) {
        // A server that cannot forget a transaction cannot be given another. What was said behind RSET may be DATA.
        const polite = reply.code >= 400 && machine.state.expected.length === 0;
        machine.fail(failure("reply-unexpected", `a ${reply.code} to RSET`), reply, polite);
      } else if (owed.id !== 0) machine.events.push({ type: "reply", id: owed.id, verb: owed.verb, reply });
      return;
    case "command":
      machine.events.push({ type: "reply", id: owed.id, verb: owed.verb, reply });
      return;
    default:
      bug(`no operation has a reply to ${owed.kind}`);
  }
}

function begin(machine: ClientMachine, operation: Exclude<Operation, { kind: "transaction" }>): void {
  const { id } = operation;
  switch (operation.kind) {
    case "quit":
      return machine.quit();
    case "starttls": {
      const { tls, capabilities } = machine.state;
      if (tls || !capabilities.starttls) {
        const detail = tls ? "TLS is active already" : "the server does not offer it";
        return skip(machine, id, "STARTTLS", failure("tls-not-offered", detail));
      }
      machine.state.phase = "starttls";
      return machine.say("STARTTLS", { kind: "starttls", verb: "STARTTLS", id, index: 0, timer: "other" });
    }
    case "auth":
      return beginAuth(machine, operation);
    case "xclient": {
      const lines = presentingLines(operation.attributes, machine.state.capabilities);
      if (lines.length === 0)
        return skip(machine, id, "XCLIENT", failure("extension-missing", "the server does not take XCLIENT"));
      machine.state.presenting = lines;
      return present(machine, id);
    }
    case "atrn": {
      const { domains } = operation;
      if (wordsOf(machine.state.capabilities, "ATRN") === null)
        return skip(machine, id, "ATRN", failure("extension-missing", "the server does not offer ATRN"));
      const line = domains.length === 0 ? "ATRN" : `ATRN ${domains.join(",")}`;
      return machine.say(line, { kind: "atrn", verb: "ATRN", id, index: 0, timer: "other" });
    }
    case "command": {
      const { needs, verb } = operation;
      if (needs !== null && wordsOf(machine.state.capabilities, needs) === null) {
        const detail = `the server does not offer ${needs}`;
        return skip(machine, id, verb, failure("extension-missing", detail));
      }
      const kind = operation.verb === "RSET" ? "reset" : "command";
      return machine.say(operation.line, { kind, verb: operation.verb, id, index: 0, timer: "other" });
    }
  }
}

function beginAuth(machine: ClientMachine, operation: Extract<Operation, { kind: "auth" }>): void {
  const { state, settings } = machine;
  const { id, mechanism, initial, cleartext } = operation;
  if (state.authenticated) {
    return skip(machine, id, "AUTH", failure("auth-not-offered", "the session is authenticated already"));
  }
  if (!state.capabilities.auth.includes(mechanism)) {
    return skip(machine, id, "AUTH", failure("auth-not-offered", `the server does not offer ${mechanism}`));
  }
  if (cleartext && !state.tls && !settings.allowInsecureAuth) {
    const detail = `${mechanism} would show the credentials, since there is no TLS`;
    return skip(machine, id, "AUTH", failure("auth-in-the-clear", detail));
  }
  const encoded = initial === null ? null : initial.length === 0 ? "=" : encodeBase64(initial);
  const line = encoded === null ? `AUTH ${mechanism}` : `AUTH ${mechanism} ${encoded}`;
  const fits = line.length + 2 <= authLine;
  machine.say(fits ? line : `AUTH ${mechanism}`, {
    kind: "auth",
    verb: mechanism,
    id,
    index: fits ? 0 : 1,
    timer: "other",
  });
  // Too long for the line: it is the answer to the empty challenge then.
  state.challenged = null;
  if (!fits) state.operations.unshift({ kind: "auth", id, mechanism, initial, cleartext });
}

function authReply(machine: ClientMachine, owed: Expected, reply: ReceivedReply, positive: boolean): void {
  const { state } = machine;
  const [deferred] = state.operations;
  const initial =
    owed.index === 1 && deferred?.kind === "auth" && deferred.id === owed.id ? deferred.initial : null;
  if (owed.index === 1) state.operations.shift();
  if (reply.code === 334) {
    const octets = Uint8Array.from(reply.octets[0]);
    const challenge = decodeBase64(octets, 0, octets.length);
    const again: Expected = { kind: "auth", verb: owed.verb, id: owed.id, index: 0, timer: "other" };
    if (owed.index === cancelled) {
      return machine.fail(failure("reply-unexpected", "a challenge after AUTH was cancelled"), reply);
    }
    if (challenge === null || reply.lines.length > 1) {
      return machine.say("*", { ...again, index: cancelled });
    }
    if (initial !== null) return machine.say(encodeBase64(initial), again);
    state.challenged = { id: owed.id, mechanism: owed.verb };
    machine.events.push({ type: "challenge", id: owed.id, octets: challenge });
    return;
  }
  if (Math.trunc(reply.code / 100) === 3) {
    return machine.fail(failure("reply-unexpected", `a ${reply.code} to AUTH`), reply);
  }
  // Nobody can have checked credentials that were not sent (RFC 5802 §5).
  if (positive && owed.index !== 0) {
    return machine.fail(failure("reply-unexpected", `a ${reply.code} to an AUTH without a response`), reply);
  }
  if (positive) state.authenticated = true;
  machine.events.push({ type: "reply", id: owed.id, verb: "AUTH", reply });
}

/** Says the next XCLIENT; nothing else goes before its reply, which is a greeting (XCLIENT). */
function present(machine: ClientMachine, id: number): void {
  const { state } = machine;
  const [line, ...more] = state.presenting;
  state.presenting = more;
  state.phase = "presenting";
  machine.say(line, { kind: "xclient", verb: "XCLIENT", id, index: 0, timer: "greeting" });
}

/** After 220 the server has begun anew, so that EHLO is said again; else nothing has changed for it. */
function presentReply(machine: ClientMachine, owed: Expected, reply: ReceivedReply): void {
  const { state } = machine;
  const digit = Math.trunc(reply.code / 100);
  if (digit === 3) return machine.fail(failure("reply-unexpected", `a ${reply.code} to XCLIENT`), reply);
  if (digit === 2 && state.presenting.length > 0) return present(machine, owed.id);
  state.presenting = [];
  machine.events.push({ type: "reply", id: owed.id, verb: "XCLIENT", reply });
  if (digit === 2) {
    state.capabilities = noCapabilities;
    state.authenticated = false;
    return machine.hello();
  }
  state.phase = "ready";
}

/** After 250 the server will say EHLO: what came behind it would be out of turn (RFC 2645 §5.2.2). */
function turnReply(machine: ClientMachine, owed: Expected, reply: ReceivedReply): void {
  const digit = Math.trunc(reply.code / 100);
  if (digit === 3) return machine.fail(failure("reply-unexpected", `a ${reply.code} to ATRN`), reply);
  if (digit !== 2) {
    machine.events.push({ type: "reply", id: owed.id, verb: "ATRN", reply });
    return;
  }
  if (machine.input.length > 0 || machine.replies.partial) {
    return machine.fail(failure("turn-injection", "octets behind the reply to ATRN"), null);
  }
  machine.turn();
}

function startTlsReply(
  machine: ClientMachine,
  owed: Expected,
  reply: ReceivedReply,
  positive: boolean,
): void {
  const { state, settings } = machine;
  if (positive) {
    // What came behind the 220 came in the clear: it could be anybody's (CVE-2011-0411).
    if (machine.input.length > 0 || machine.replies.partial) {
      return machine.fail(failure("tls-injection", "octets in the clear behind the reply to STARTTLS"), null);
    }
    if (owed.id !== 0) machine.events.push({ type: "reply", id: owed.id, verb: "STARTTLS", reply });
    state.phase = "upgrading";
    state.upgradeDue = true;
    state.since = state.now;
    return;
  }
  if (Math.trunc(reply.code / 100) === 3) {
    return machine.fail(failure("reply-unexpected", `a ${reply.code} to STARTTLS`), reply);
  }
  if (settings.tls === "required")
    return machine.fail(failure("tls-refused", "TLS is required, and refused"), reply, true);
  state.phase = "ready";
  machine.events.push({ type: "reply", id: owed.id, verb: "STARTTLS", reply });
}

function skip(machine: ClientMachine, id: number, verb: string, reason: Failure): void {
  machine.events.push({ type: "skipped", id, verb, reason });
}

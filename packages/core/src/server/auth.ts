import { bug } from "../errors.ts";
import type { Reply } from "../reply.ts";
import { decodeBase64 } from "../syntax/base64.ts";
import type { Fault } from "../syntax/fault.ts";
import type { AuthQuestion } from "./events.ts";
import { readLine } from "./lines.ts";
import type { Machine } from "./machine.ts";
import * as replies from "./replies.ts";

// The AUTH exchange (RFC 4954 §4): challenges and responses until the application has decided.

/** AUTH was said: the first challenge, or the first question. */
export function beginExchange(
  machine: Machine,
  mechanism: string,
  first: "client" | "server" | "either",
  initial: Uint8Array | null,
): void {
  const { state, settings } = machine;
  if (state.authFailures >= settings.limits.authFailures) {
    return machine.abuse("A-AUTH-14", "Too many failed authentications");
  }
  state.exchange = { mechanism, step: 0 };
  if (first === "client" && initial === null) {
    state.reader = "sasl";
    machine.say(replies.authEmptyChallenge);
    machine.mustSend = true;
  } else {
    askAuth(machine, initial);
  }
}

/** Reads a line of the exchange, which is a response whatever it looks like; false: none is complete. */
export function readResponse(machine: Machine): boolean {
  const { state } = machine;
  const line = readLine(machine);
  if (line === null) return false;
  const { octets, start, end, length } = line;
  state.since = state.now;
  if (length > machine.settings.limits.authLine) {
    endExchange(machine, {
      rule: "A-AUTH-08",
      detail: `response of ${length} octets`,
      at: 0,
      reply: replies.authTooLong,
    });
  } else if (end - start === 1 && octets[start] === 0x2a) {
    endExchange(machine, null);
    machine.say(replies.authCancelled);
    machine.mustSend = true;
  } else {
    const response = decodeBase64(octets, start, end);
    if (response === null) {
      endExchange(machine, {
        rule: "A-AUTH-07",
        detail: "the response is not base64",
        at: 0,
        reply: replies.authUndecodable,
      });
    } else {
      askAuth(machine, response);
    }
  }
  return true;
}

function askAuth(machine: Machine, response: Uint8Array | null): void {
  const { state } = machine;
  const { mechanism, step } = state.exchange ?? bug("no AUTH exchange");
  const question: AuthQuestion = {
    type: "auth",
    id: state.nextId,
    reply: replies.authUnavailable,
    mechanism,
    response,
    step,
  };
  machine.ask(question);
}

/** The application has decided on a response. */
export function authenticated(machine: Machine, question: AuthQuestion, answer: Reply): void {
  const { state } = machine;
  if (answer.code === 334) {
    state.exchange = { mechanism: question.mechanism, step: question.step + 1 };
    state.reader = "sasl";
  } else {
    endExchange(machine, null);
    if (answer.code === 235) {
      state.authenticated = question.mechanism;
      state.authTried = false;
    } else {
      state.authFailures++;
    }
  }
  machine.say(answer);
  machine.mustSend = true;
}

function endExchange(machine: Machine, fault: Fault | null): void {
  machine.state.exchange = null;
  machine.state.reader = "line";
  if (fault === null) return;
  machine.refuse(fault, null);
}

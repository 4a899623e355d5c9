import { type Reply, replyClass } from "../reply.ts";
import { formatReply } from "../wire/reply-format.ts";
import { inAscii } from "./answers.ts";
import { authenticated } from "./auth.ts";
import { askOf, injected } from "./commands.ts";
import { beginChunk, beginData, refuseChunk, startChunks } from "./content.ts";
import type { Question } from "./events.ts";
import { interpret, isRecipient } from "./interpret.ts";
import { readLine } from "./lines.ts";
import type { Machine } from "./machine.ts";
import { rest } from "./queue.ts";
import { newMail, noMail, ownMail, type Slot } from "./record.ts";
import * as replies from "./replies.ts";
import { View } from "./view.ts";

// What follows from an answer. Replies leave in the order of the questions.

/** Acts on the answer to the question that is next in order; false: it is not answered yet. */
export function settle(machine: Machine): boolean {
  const { state } = machine;
  const slot = state.slots[0];
  if (slot.verdicts !== null && slot.answer === null) {
    const next = slot.verdicts[slot.said];
    if (next === null) return false;
    settleVerdict(machine, slot, slot.verdicts, next);
    return true;
  }
  if (slot.answer === null) return false;
  state.slots = rest(state.slots);
  // The time in which the application decides is not the client's, nor its message's.
  if (state.mail.transaction === "chunks") state.mail.dataSince += state.now - state.since;
  state.since = state.now;
  apply(machine, slot.question, slot.answer);
  return true;
}

/** The verdict for the next recipient, under LMTP or PRDR. */
function settleVerdict(machine: Machine, slot: Slot, verdicts: readonly (Reply | null)[], next: Reply): void {
  const { question } = slot;
  const prdr = question.type === "message" && question.envelope.parameters.prdr;
  if (next.code === 421) return machine.finish("refused", next);
  if (prdr && slot.said === 0) machine.say(replies.contentAnalysis);
  slot.said++;
  machine.say(next);
  if (slot.said < verdicts.length) return;
  machine.state.slots = rest(machine.state.slots);
  if (prdr) machine.say(overall(verdicts as readonly Reply[]));
  delivered(machine);
}

/** The last reply under PRDR, for the message as a whole: it was taken if anybody takes it. */
function overall(verdicts: readonly Reply[]): Reply {
  const classes = verdicts.map(replyClass);
  if (classes.includes(2)) return replies.ok;
  return classes.includes(4) ? replies.takenByNobodyNow : replies.takenByNobody;
}

function apply(machine: Machine, question: Question, answer: Reply): void {
  const { state, settings } = machine;
  if (question.type === "connect") return greeted(machine, answer);
  if (answer.code === 421) return machine.finish("refused", answer);
  const positive = replyClass(answer) < 4;
  switch (question.type) {
    case "hello":
      if (positive) {
        const first = answer.lines[0] === "" ? settings.name : `${settings.name} ${answer.lines[0]}`;
        machine.abandon("hello");
        state.hello = { verb: question.verb, name: question.name };
        state.phase = "ready";
        machine.put(formatReply(answer.code, null, [first, ...question.capabilities]));
        machine.mustSend = true;
      } else {
        machine.say(answer, false);
        machine.mustSend = true;
      }
      return;
    case "starttls":
      machine.mustSend = true;
      if (!positive) return machine.say(answer);
      if (machine.input.length > 0) return injected(machine);
      machine.say(answer);
      state.phase = "upgrading";
      state.upgradeDue = true;
      return;
    case "auth":
      return authenticated(machine, question, answer);
    case "mail":
      machine.say(answer);
      if (positive) state.mail = newMail("sender", question.from, question.parameters, state.mail.forwarded);
      else ownMail(state).refused++;
      return;
    case "rcpt":
      if (positive) {
        state.mail.transaction = "recipients";
        state.mail.recipients.push({ to: question.to, parameters: question.parameters });
      } else {
        state.mail.refused++;
        if (++state.refusedRecipients > settings.limits.refusedRecipients) {
          return machine.abuse("SEC-DOS-05", "Too many recipients refused");
        }
      }
      return machine.say(state.mail.parameters.smtputf8 ? answer : inAscii(question, answer));
    case "data":
      machine.say(answer);
      machine.mustSend = true;
      if (positive) beginData(machine);
      return;
    case "message":
      machine.say(answer);
      return delivered(machine);
    case "burl":
      if (!positive) return refuseChunk(machine, answer, question.last);
      startChunks(machine);
      // What was fetched is not seen here: the message ends as with `BDAT 0 LAST`.
      if (question.last) return beginChunk(machine, 0, true, null);
      return machine.say(answer);
    case "atrn":
      machine.mustSend = true;
      if (!positive) return machine.say(answer);
      if (machine.input.length > 0) return outOfTurn(machine);
      // It has ended its side, so it cannot greet.
      if (state.ended) return machine.finish("end", replies.atrnRefused);
      machine.say(answer);
      state.turn = question.domains;
      state.phase = "closing";
      return;
    case "command":
      machine.say(question.smtputf8 ? answer : inAscii(question, answer));
      machine.mustSend = true;
      return;
  }
}

/** Octets of the old roles behind ATRN: nobody could tell whose they are. */
function outOfTurn(machine: Machine): void {
  machine.violation("X-ATRN-06", `${machine.input.length} octets behind ATRN`, null);
  machine.finish("protocol", replies.synchronization);
}

function greeted(machine: Machine, answer: Reply): void {
  const { state } = machine;
  // A client that was told 421 or 521 has nothing more to say; after 554, or any other refusal, it may still QUIT
  // (RFC 5321 §3.1).
  if (answer.code === 421 || answer.code === 521) return machine.finish("refused", answer);
  machine.say(answer, false, true);
  machine.mustSend = true;
  if (replyClass(answer) !== 2) state.phase = "refused";
  else state.phase = state.tls?.sufficient === false ? "insecure" : "unidentified";
}

function delivered(machine: Machine): void {
  const { state } = machine;
  state.mail = noMail();
  machine.content = null;
  state.chunk = null;
  state.reader = "line";
  state.since = state.now;
  state.idleCommands = 0;
}

/** A pipelined RCPT may be asked while earlier ones are open; whatever else comes waits for them. */
export function askAhead(machine: Machine): boolean {
  const { state, settings } = machine;
  const { slots, mail } = state;
  if (state.held !== null || slots.length >= settings.concurrentRecipients) return false;
  if (!slots.every(({ question }) => question.type === "rcpt")) return false;
  if (mail.recipients.length + slots.length >= settings.limits.recipients) return false;
  const line = readLine(machine);
  if (line === null) return false;
  const interpretation = isRecipient(line) ? interpret(line, new View(machine)) : null;
  if (interpretation?.kind === "ask") {
    askOf(machine, interpretation.question);
  } else {
    state.held = { line: line.octets.slice(line.start, line.end), octets: line.length };
  }
  return true;
}

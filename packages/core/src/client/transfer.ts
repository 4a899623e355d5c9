import type { ReceivedReply } from "../syntax/replies.ts";
import { ContentWriter, type WriterFault, type WriterOptions } from "../wire/stuff.ts";
import { encodeUtf8 } from "../wire/utf8.ts";
import { expectVerdicts, sayChunk, sayChunks, sayLastChunk, sayUrl, withdraw } from "./chunks.ts";
import type { ClientSettings } from "./config.ts";
import type { ClientMachine } from "./machine.ts";
import {
  type Failure,
  type FailureCode,
  type Outcome,
  type Reason,
  verdict,
  whyNotTried,
} from "./outcome.ts";
import { failure, type Plan } from "./plan.ts";
import type { Expected, Transfer } from "./record.ts";

/*
 * One transaction: MAIL, RCPT for each recipient, then DATA or BDAT.
 *
 * Where PIPELINING is offered the commands of the envelope leave as one group, DATA with them; elsewhere one by one.
 * Every status of the group is read. What each reply means for whom is decided here and nowhere else; a reply counts
 * by its first digit. A transaction ends when each of its recipients has an outcome and every reply that is owed to
 * it was read.
 */

/** A transaction that was not begun. */
export function newTransfer(id: number, plan: Plan): Transfer {
  return {
    id,
    plan,
    outcomes: [...plan.outcomes],
    stage: "envelope",
    forwarded: 0,
    mailSaid: false,
    mailAccepted: false,
    mailRefusal: null,
    next: 0,
    accepted: [],
    dataSaid: false,
    chunkRefusal: null,
    url: null,
    chunksOut: 0,
    finished: false,
    lastSent: false,
    verdicts: 0,
    each: false,
    resetDue: false,
  };
}

/** Says the next thing that can be said; false: a reply, or content, has to come first. */
export function advanceTransfer(machine: ClientMachine, transfer: Transfer): boolean {
  switch (transfer.stage) {
    case "envelope":
      return sayEnvelope(machine, transfer);
    case "draining":
      if (machine.state.expected.some(({ id }) => id === transfer.id)) return false;
      settle(machine, transfer);
      return true;
    default:
      return false;
  }
}

/** A reply to a command of the transaction. */
export function transferReply(
  machine: ClientMachine,
  transfer: Transfer,
  owed: Expected,
  reply: ReceivedReply,
): void {
  const digit = Math.trunc(reply.code / 100);
  switch (owed.kind) {
    case "mail":
      if (digit === 2) transfer.mailAccepted = true;
      else if (digit === 3) return unexpected(machine, "MAIL", reply);
      else refuseAll(transfer, reply);
      return;
    case "rcpt":
      return rcptReply(machine, transfer, owed.index, reply);
    case "data":
      return dataReply(machine, transfer, reply);
    case "chunk":
      return chunkReply(machine, transfer, reply);
    case "verdict":
      if (!transfer.lastSent) return early(machine, reply);
      return verdictReply(machine, transfer, reply);
    default:
      if (digit === 3) return unexpected(machine, "the end of the data", reply);
      // The reply to an empty message that was sent to nobody: what it says does not matter.
      transfer.stage = "draining";
  }
}

/** Takes content (RFC 5321 §4.5.2, RFC 3030 §2). */
export function writeBody(machine: ClientMachine, transfer: Transfer, octets: Uint8Array): void {
  const writer = machine.writer as ContentWriter;
  const written = writer.write(octets);
  if (!(written instanceof Uint8Array)) return faulty(machine, transfer, written);
  const { body, utf8 } = transfer.plan;
  if (writer.eightBit && body === "7BIT" && !utf8) {
    return giveUp(
      machine,
      transfer,
      failure("content-8bit", "8-bit content in a message that was declared to have none"),
    );
  }
  if (written.length === 0) return;
  if (transfer.plan.mode === "data") {
    machine.out.push({ octets: written, what: "content" });
    return;
  }
  if (!machine.state.capabilities.chunking) {
    const reason = failure("chunking-missing", "content beside a URL, and the server lacks CHUNKING");
    return giveUp(machine, transfer, reason);
  }
  sayUrl(machine, transfer, false);
  machine.chunk.push(written);
  if (isTooBig(machine, writer)) return giveUp(machine, transfer, tooBig);
  sayChunks(machine, transfer);
}

/** Takes a URL, whose content the server fetches (RFC 4468). */
export function writeUrl(machine: ClientMachine, transfer: Transfer, url: string): void {
  sayUrl(machine, transfer, false);
  if (machine.chunk.length > 0) sayChunk(machine, transfer, machine.chunk.length, false);
  transfer.url = url;
}

/** All content was written. */
export function finishBody(machine: ClientMachine, transfer: Transfer): void {
  const end = (machine.writer as ContentWriter).finish();
  if (!(end instanceof Uint8Array)) return faulty(machine, transfer, end);
  transfer.finished = true;
  if (transfer.plan.mode === "data") {
    transfer.stage = "verdict";
    machine.out.push({ octets: end, what: "last" });
    expectVerdicts(machine, transfer);
    return;
  }
  if (end.length > 0) {
    sayUrl(machine, transfer, false);
    machine.chunk.push(end);
  }
  if (isTooBig(machine, machine.writer as ContentWriter)) return giveUp(machine, transfer, tooBig);
  sayLastChunk(machine, transfer);
}

/** More in chunks than the server has said it takes, where the size was not known before: it would refuse all of it. */
function isTooBig({ state }: ClientMachine, { size }: ContentWriter): boolean {
  return size > (state.capabilities.size ?? Number.POSITIVE_INFINITY);
}

const tooBig = failure("size-exceeded", "the content is larger than what the server takes");

/** The content will not come: nothing that could pass for a whole message may be sent (RFC 5321 §4.1.1.4). */
export function giveUp(machine: ClientMachine, transfer: Transfer, reason: Failure): void {
  fillOpen(transfer, reason);
  machine.writer = null;
  machine.chunk.drop();
  // Only the end of the connection ends DATA without sending; after a chunk the server can be told to forget.
  if (transfer.plan.mode === "data" && (transfer.stage === "body" || transfer.stage === "verdict")) {
    return machine.fail(reason, null);
  }
  withdraw(machine, transfer);
  transfer.resetDue = true;
  transfer.stage = "draining";
}

/**
 * The outcomes at the moment at which the connection is lost: what was answered stands; where the end of the message
 * was sent and no verdict came, nobody knows.
 */
export function lostOutcomes(transfer: Transfer, reason: Failure, reply: ReceivedReply | null): Outcome[] {
  return transfer.outcomes.map((outcome, index): Outcome => {
    // Under PRDR the last verdict, for the message, can still undo those before it.
    const held = transfer.each && outcome?.status === "accepted";
    if (outcome !== null && !held) return outcome;
    if (transfer.lastSent && transfer.accepted.includes(index)) {
      return { status: "unknown", phase: "verdict", reply, reason: reason.code };
    }
    return { status: "notTried", reason: whyNotTried(reason, reply) };
  });
}

function sayEnvelope(machine: ClientMachine, transfer: Transfer): boolean {
  const { state, settings } = machine;
  const { plan, id } = transfer;
  const { pipelining } = state.capabilities;
  if (!transfer.mailSaid && transfer.outcomes.every((outcome) => outcome !== null)) {
    settle(machine, transfer);
    return true;
  }
  const ahead =
    state.expected.length === 0 || (pipelining && state.expected.length < settings.limits.outstanding);
  if (transfer.forwarded < plan.forwarding.length) {
    if (!ahead) return false;
    const line = plan.forwarding[transfer.forwarded];
    transfer.forwarded++;
    machine.say(line, { kind: "xforward", verb: "XFORWARD", id, index: 0, timer: "other" });
    return true;
  }
  if (!transfer.mailSaid) {
    if (!ahead) return false;
    transfer.mailSaid = true;
    state.transactions++;
    machine.say(plan.mail, { kind: "mail", verb: "MAIL", id, index: 0, timer: "mail" });
    return true;
  }
  const refused = transfer.mailRefusal !== null;
  while (transfer.next < plan.rcpt.length && !refused) {
    const line = plan.rcpt[transfer.next];
    if (line !== null) {
      if (!ahead) return false;
      machine.say(line, { kind: "rcpt", verb: "RCPT", id, index: transfer.next, timer: "rcpt" });
      transfer.next++;
      return true;
    }
    transfer.next++;
  }
  const owed = state.expected.some((expected) => expected.id === id);
  if (owed) return pipelining && settings.pipelineData && ahead && sayData(machine, transfer);
  if (refused || transfer.accepted.length === 0) {
    transfer.resetDue = transfer.mailAccepted;
    transfer.stage = "draining";
    return true;
  }
  if (plan.mode === "data") return sayData(machine, transfer);
  beginBody(machine, transfer);
  return true;
}

function sayData(machine: ClientMachine, transfer: Transfer): boolean {
  if (transfer.plan.mode !== "data" || transfer.dataSaid || transfer.mailRefusal !== null) return false;
  transfer.dataSaid = true;
  machine.say("DATA", { kind: "data", verb: "DATA", id: transfer.id, index: 0, timer: "dataInit" });
  return true;
}

function rcptReply(machine: ClientMachine, transfer: Transfer, index: number, reply: ReceivedReply): void {
  const digit = Math.trunc(reply.code / 100);
  if (digit === 3) return unexpected(machine, "RCPT", reply);
  machine.events.push({ type: "recipient", id: transfer.id, index, reply });
  if (transfer.mailRefusal !== null) return;
  if (digit === 2) {
    transfer.accepted.push(index);
    return;
  }
  // RFC 5321 §4.5.3.1.10: a 552 behind recipients that were accepted used to mean that there are too many.
  const tooMany =
    reply.code === 552 && transfer.accepted.length > 0 && !sizeCodes.includes(reply.enhanced ?? "");
  transfer.outcomes[index] = tooMany ? { status: "deferred", reply } : verdict(reply);
}

const sizeCodes = ["5.2.2", "5.2.3", "5.3.4"];

function dataReply(machine: ClientMachine, transfer: Transfer, reply: ReceivedReply): void {
  const digit = Math.trunc(reply.code / 100);
  if (digit === 2) return unexpected(machine, "DATA", reply);
  if (digit === 3 && transfer.accepted.length > 0) {
    if (transfer.stage !== "draining") return beginBody(machine, transfer);
    // Given up meanwhile: an empty message would be delivered, too.
    return machine.fail(
      failure("abandoned", "given up by the caller, and the server waits for content"),
      null,
    );
  }
  transfer.stage = "draining";
  transfer.resetDue = transfer.mailAccepted;
  if (digit === 3) {
    // The server waits for a message though it took no recipient: an empty one, for nobody (RFC 2920 §3.1).
    machine.out.push({ octets: encodeUtf8(".\r\n"), what: "command" });
    transfer.resetDue = false;
    if (machine.settings.protocol !== "lmtp") {
      machine.expect({ kind: "empty", verb: ".", id: transfer.id, index: 0, timer: "dataDone" });
    }
    return;
  }
  for (const index of transfer.accepted) transfer.outcomes[index] = verdict(reply);
}

function beginBody(machine: ClientMachine, transfer: Transfer): void {
  transfer.stage = "body";
  machine.writer = new ContentWriter(writerOptions(machine.settings, transfer));
  machine.events.push({ type: "body", id: transfer.id });
}

/** How the content of a transaction is written. */
export function writerOptions(settings: ClientSettings, transfer: Transfer): WriterOptions {
  return {
    dots: transfer.plan.mode === "data",
    lineEnds: settings.lineEnds,
    maxLine: settings.limits.textLine,
    binary: transfer.plan.body === "BINARYMIME",
    scanner: settings.scanner,
  };
}

function chunkReply(machine: ClientMachine, transfer: Transfer, reply: ReceivedReply): void {
  const digit = Math.trunc(reply.code / 100);
  if (digit === 3) return unexpected(machine, "BDAT", reply);
  transfer.chunksOut--;
  if (digit !== 2) transfer.chunkRefusal ??= reply;
  if (transfer.chunkRefusal === null) {
    if (transfer.finished && transfer.stage === "body") sayLastChunk(machine, transfer);
    else if (transfer.stage === "body") sayChunks(machine, transfer);
    return;
  }
  // No chunk is sent behind a refused one, but for those that are on their way (RFC 3030 §2).
  if (transfer.lastSent) return;
  withdraw(machine, transfer);
  for (const index of transfer.accepted) transfer.outcomes[index] = verdict(transfer.chunkRefusal);
  machine.chunk.drop();
  transfer.resetDue = true;
  transfer.stage = "draining";
}

function verdictReply(machine: ClientMachine, transfer: Transfer, reply: ReceivedReply): void {
  const { accepted, outcomes } = transfer;
  const digit = Math.trunc(reply.code / 100);
  if (reply.code === 353 && transfer.plan.prdr && !transfer.each) {
    transfer.each = true;
    for (let time = 0; time <= accepted.length; time++) {
      machine.expect({ kind: "verdict", verb: "", id: transfer.id, index: time, timer: "dataDone" });
    }
    return;
  }
  if (digit === 3) return unexpected(machine, "the end of the data", reply);
  const one = machine.settings.protocol === "lmtp" || transfer.each;
  if (!one) {
    const decisive = digit !== 2 && transfer.chunkRefusal !== null ? transfer.chunkRefusal : reply;
    for (const index of accepted) outcomes[index] = verdict(decisive);
  } else if (transfer.verdicts < accepted.length) {
    outcomes[accepted[transfer.verdicts]] = verdict(reply);
    transfer.verdicts++;
    if (transfer.verdicts < accepted.length || transfer.each) return;
  } else if (digit !== 2) {
    // PRDR: the last reply is for the message as a whole.
    for (const index of accepted) outcomes[index] = verdict(reply);
  }
  transfer.resetDue = transfer.chunkRefusal !== null;
  transfer.stage = "draining";
}

/** A reply to the content before its end was sent: the server is out of step. */
function early(machine: ClientMachine, reply: ReceivedReply): void {
  machine.fail(failure("reply-unexpected", `a ${reply.code} before the content was sent`), reply);
}

function refuseAll(transfer: Transfer, reply: ReceivedReply): void {
  transfer.mailRefusal = reply;
  for (const [index, outcome] of transfer.outcomes.entries()) {
    if (outcome === null) transfer.outcomes[index] = verdict(reply);
  }
}

function fillOpen(transfer: Transfer, reason: Reason): void {
  for (const [index, outcome] of transfer.outcomes.entries()) {
    if (outcome === null) transfer.outcomes[index] = { status: "notTried", reason };
  }
}

function unexpected(machine: ClientMachine, to: string, reply: ReceivedReply): void {
  machine.fail(failure("reply-unexpected", `a ${reply.code} to ${to}`), reply);
}

function faulty(machine: ClientMachine, transfer: Transfer, { fault, at }: WriterFault): void {
  giveUp(machine, transfer, failure(fault, `${faults[fault]} at octet ${at} of the content`));
}

const faults: Record<WriterFault["fault"] & FailureCode, string> = {
  "content-bare-cr": "CR without LF",
  "content-bare-lf": "LF without CR",
  "content-long-line": "line of more octets than the limit",
};

/** The transaction is over: its outcomes, and a RSET where the server has something to forget. */
function settle(machine: ClientMachine, transfer: Transfer): void {
  const { state } = machine;
  fillOpen(transfer, failure("abandoned", "nothing came of it"));
  machine.writer = null;
  machine.chunk.drop();
  state.transfer = null;
  state.operations.shift();
  state.readyTold = false;
  machine.done(transfer.id, transfer.outcomes as Outcome[]);
  // A server that finds the size too large wants to hear it (RFC 1870 §6.1), though it has nothing to forget.
  if (transfer.resetDue || transfer.mailRefusal?.code === 552)
    machine.say("RSET", { kind: "reset", verb: "RSET", id: 0, index: 0, timer: "other" });
}

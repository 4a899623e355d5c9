import { bug } from "../errors.ts";
import type { Reply } from "../reply.ts";
import type { Fault } from "../syntax/fault.ts";
import type { MailParameters } from "../syntax/parameters.ts";
import { type ContentFault, ContentReader } from "../wire/dot.ts";
import type { Machine } from "./machine.ts";
import { ownMail } from "./record.ts";
import * as replies from "./replies.ts";
import type { ServerSettings } from "./settings.ts";

// The content of a message, by DATA (RFC 5321 §4.1.1.4) or by BDAT (RFC 3030).

export function beginData(machine: Machine): void {
  const { state } = machine;
  machine.content = newContent(machine, true);
  state.mail.transaction = "data";
  state.mail.dataSince = state.now;
  state.reader = "dots";
  state.block = 0;
}

/** Begins a message in chunks, unless it has begun. */
export function startChunks(machine: Machine): void {
  const { state } = machine;
  if (machine.content !== null) return;
  machine.content = newContent(machine, false);
  state.mail.dataSince = state.now;
  state.mail.transaction = "chunks";
}

function newContent(machine: Machine, dots: boolean): ContentReader {
  return new ContentReader(contentOptions(machine.settings, machine.state.mail.parameters, dots));
}

export function readData(machine: Machine): boolean {
  const { input } = machine;
  const content = machine.content ?? bug("no content");
  // Only when what was read before the end has been handed out does the end count: getters tell of the event in
  // hand (G3).
  if (content.ended) {
    wholeMessage(machine, content);
    return true;
  }
  const before = input.length;
  if (before === 0) return false;
  take(machine, content, content.read(input), before - input.length);
  return true;
}

export function beginChunk(machine: Machine, size: number, last: boolean, fault: Fault | null): void {
  const { state } = machine;
  if (fault === null) {
    startChunks(machine);
  } else {
    ownMail(state).dataSince = state.now;
    machine.violation(fault.rule, fault.detail, fault.at);
  }
  state.chunk = { size, remaining: size, last, fault };
  state.reader = fault === null ? "octets" : "drain";
  state.block = 0;
}

export function readChunk(machine: Machine): boolean {
  const { state, input } = machine;
  const chunk = state.chunk ?? bug("no chunk");
  if (chunk.remaining > 0) {
    const before = input.length;
    if (before === 0) return false;
    if (state.reader === "octets") {
      const content = machine.content ?? bug("no content");
      const octets = content.read(input, chunk.remaining);
      const taken = before - input.length;
      chunk.remaining -= taken;
      take(machine, content, octets, taken);
    } else {
      const held = (input.chunk as Uint8Array).length - input.at;
      const taken = Math.min(held, chunk.remaining);
      input.skip(taken);
      chunk.remaining -= taken;
      count(machine, taken);
    }
    return true;
  }
  if (chunk.fault === null && chunk.last) {
    const content = machine.content ?? bug("no content");
    take(machine, content, content.finish(), 0);
    if (machine.events.length > 0) return true;
  }
  state.chunk = null;
  state.reader = "line";
  state.since = state.now;
  if (chunk.fault !== null) drained(machine, chunk.last, chunk.fault);
  else chunkDone(machine, chunk.size, chunk.last);
  return true;
}

/** A chunk of the message was read to its end. */
function chunkDone(machine: Machine, size: number, last: boolean): void {
  const content = machine.content ?? bug("no content");
  if (last) return wholeMessage(machine, content);
  if (content.fault === null) machine.say(replies.octetsReceived(size));
  else refuseContent(machine, content.fault, false);
}

function refuseContent(machine: Machine, fault: ContentFault, last: boolean): void {
  const { reply } = contentFaults[fault.reason];
  losePiece(machine, last);
  if (mustClose(machine, fault))
    machine.finish("abuse", replies.abused(machine.settings.name, reply.lines[0]));
  else machine.say(reply);
}

/** After a refused chunk only a new beginning helps (RFC 3030 §2). */
function failChunks(machine: Machine): void {
  machine.tell({ type: "reset", cause: "refused" });
  machine.content = null;
  machine.state.mail.transaction = "failed";
}

/**
 * Content from another source follows, which is not seen here: a CR that waited for its LF is bare, whatever comes.
 *
 * @param last the message ends with what follows
 * @returns false when the message is refused for that
 */
export function endPiece(machine: Machine, last: boolean): boolean {
  const { content } = machine;
  if (content === null) return true;
  take(machine, content, content.finish(), 0);
  if (content.fault === null) return true;
  refuseContent(machine, content.fault, last);
  return false;
}

/** What a BURL stood for that could not be read, or not be trusted, would be missing from the message. */
export function losePiece(machine: Machine, last: boolean): void {
  if (last) machine.abandon("refused");
  else failChunks(machine);
}

/** A chunk without octets, of BURL, is refused by the application. */
export function refuseChunk(machine: Machine, answer: Reply, last: boolean): void {
  losePiece(machine, last);
  machine.say(answer);
}

/** A refused chunk was read to its end: now it is answered (RFC 3030 §2; LMTP: RFC 2033 §4.3). */
function drained(machine: Machine, last: boolean, fault: Fault): void {
  const { state, settings } = machine;
  const { transaction, recipients } = state.mail;
  // Those that were sent ahead of the refusal are no errors (RFC 3030 §4.2), but they bring no message nearer.
  const ahead = transaction === "failed";
  if (ahead && ++state.idleCommands > settings.limits.idleCommands)
    return machine.abuse("S-LINE-18", "Too many commands without mail");
  if (!ahead && ++state.errors > settings.limits.errors) return machine.abuse("S-LINE-18", "Too many errors");
  const unsaid = last && transaction === "sender" && settings.lmtp && settings.extensions.chunking;
  const times = unsaid ? 0 : last && ahead && settings.lmtp ? recipients.length : 1;
  for (let time = 0; time < times; time++) machine.say(fault.reply);
  if (last && (ahead || unsaid)) machine.abandon("refused");
}

/** Hands on content, and tells once of what is wrong with it. */
function take(machine: Machine, content: ContentReader, octets: Uint8Array | null, taken: number): void {
  const { mail } = machine.state;
  if (octets !== null) machine.tell({ type: "body", data: octets });
  count(machine, taken);
  const { fault } = content;
  if (fault === null || mail.contentRefused) return;
  const { rule, detail } = contentFaults[fault.reason];
  mail.contentRefused = true;
  machine.violation(rule, detail, fault.at);
}

function count(machine: Machine, taken: number): void {
  const { state, settings } = machine;
  state.block += taken;
  if (state.block < settings.limits.dataBlock) return;
  state.block = 0;
  state.since = state.now;
}

function wholeMessage(machine: Machine, content: ContentReader): void {
  const { state, settings } = machine;
  state.reader = "line";
  state.since = state.now;
  const { recipients } = state.mail;
  if (content.fault !== null) {
    const refusal = contentFaults[content.fault.reason];
    const times = settings.lmtp ? recipients.length : 1;
    machine.abandon("refused");
    if (mustClose(machine, content.fault)) {
      return machine.finish("abuse", replies.abused(settings.name, refusal.reply.lines[0]));
    }
    for (let time = 0; time < times; time++) machine.say(refusal.reply);
    return;
  }
  state.mail.transaction = "verdict";
  const { size, eightBit, bareCr, bareLf } = content;
  machine.ask({
    type: "message",
    id: state.nextId,
    reply: replies.localError,
    envelope: machine.envelope(),
    content: { size, eightBit, bareCr, bareLf },
  });
}

function mustClose(machine: Machine, { reason }: ContentFault): boolean {
  return machine.settings.closeOnBareLineEnds && (reason === "bare-cr" || reason === "bare-lf");
}

/** How the content of a message is read, by configuration and by what MAIL declared. */
export function contentOptions(
  settings: ServerSettings,
  parameters: MailParameters,
  dots: boolean,
): ConstructorParameters<typeof ContentReader>[0] {
  const binary = parameters.body === "BINARYMIME";
  const { limits } = settings;
  return {
    dots,
    bareCr: binary ? "keep" : settings.bareCr,
    bareLf: binary ? "keep" : settings.bareLf,
    maxSize: limits.message === 0 ? Number.POSITIVE_INFINITY : limits.message,
    maxLine: binary ? Number.POSITIVE_INFINITY : limits.textLine,
    scanner: settings.scanner,
  };
}

const contentFaults = {
  "bare-lf": { rule: "SEC-EOD-02", detail: "LF without CR in content", reply: replies.bareLf },
  "bare-cr": { rule: "SEC-EOD-02", detail: "CR without LF in content", reply: replies.bareCr },
  "too-big": { rule: "S-SIZE-02", detail: "content larger than the limit", reply: replies.messageTooBig },
  "long-line": {
    rule: "S-DATA-15",
    detail: "line of content longer than the limit",
    reply: replies.textLineTooLong,
  },
} as const;

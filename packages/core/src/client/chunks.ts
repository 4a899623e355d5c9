import { join } from "../wire/join.ts";
import { encodeUtf8 } from "../wire/utf8.ts";
import type { ClientMachine } from "./machine.ts";
import type { Transfer } from "./record.ts";

// Content in counted pieces: BDAT (RFC 3030 §2), and BURL in their midst (RFC 4468 §3).

/** Says the URL that was given last, if there is one. */
export function sayUrl(machine: ClientMachine, transfer: Transfer, last: boolean): void {
  const { url } = transfer;
  if (url === null) return;
  transfer.url = null;
  machine.out.push({
    octets: encodeUtf8(`BURL ${url}${last ? " LAST" : ""}\r\n`),
    what: last ? "last" : "content",
  });
  if (last) {
    transfer.stage = "verdict";
    return expectVerdicts(machine, transfer);
  }
  transfer.chunksOut++;
  machine.expect({ kind: "chunk", verb: "BURL", id: transfer.id, index: 0, timer: "dataDone" });
}

/**
 * Says the chunks that are full, as many as may be unanswered. What was written at once can be of any size, a chunk
 * cannot: a refusal behind it would have cost all of it (RFC 3030 §2).
 */
export function sayChunks(machine: ClientMachine, transfer: Transfer): void {
  const { chunk } = machine.settings.limits;
  while (transfer.chunksOut < machine.mostChunks && machine.chunk.length >= chunk)
    sayChunk(machine, transfer, chunk, false);
}

/** Says a chunk of so many octets of what was written. */
export function sayChunk(machine: ClientMachine, transfer: Transfer, size: number, last: boolean): void {
  const data = machine.chunk.take(size);
  const line = encodeUtf8(`BDAT ${data.length}${last ? " LAST" : ""}\r\n`);
  machine.out.push({ octets: join([line, data]), what: last ? "last" : "content" });
  if (last) {
    transfer.stage = "verdict";
    return expectVerdicts(machine, transfer);
  }
  transfer.chunksOut++;
  machine.expect({ kind: "chunk", verb: "BDAT", id: transfer.id, index: 0, timer: "chunk" });
}

/**
 * The last chunk. Under LMTP, and without PIPELINING, it waits for the replies to those before: after a refused one
 * nobody could tell how many replies it has (RFC 2033 §4.3).
 */
export function sayLastChunk(machine: ClientMachine, transfer: Transfer): void {
  sayChunks(machine, transfer);
  const waits = machine.settings.protocol === "lmtp" || !machine.state.capabilities.pipelining;
  const octets = machine.chunk.length;
  if ((transfer.chunksOut > 0 && waits) || octets >= machine.settings.limits.chunk) return;
  if (transfer.url !== null) return sayUrl(machine, transfer, true);
  sayChunk(machine, transfer, octets, true);
}

/** Takes back the chunks that have not left, and the replies that they would have had: they are the last expected. */
export function withdraw(machine: ClientMachine, transfer: Transfer): void {
  const { state } = machine;
  const chunks = machine.out.filter(({ what }) => what === "content").length;
  state.expected = state.expected.filter(({ kind }) => kind !== "verdict");
  state.expected.splice(state.expected.length - chunks, chunks);
  transfer.chunksOut -= chunks;
  machine.out = machine.out.filter(({ what }) => what === "command");
}

/** All was said: a verdict is owed, or under LMTP one for each recipient. */
export function expectVerdicts(machine: ClientMachine, transfer: Transfer): void {
  const times = machine.settings.protocol === "lmtp" ? transfer.accepted.length : 1;
  for (let time = 0; time < times; time++) {
    machine.expect({ kind: "verdict", verb: "", id: transfer.id, index: time, timer: "dataDone" });
  }
}

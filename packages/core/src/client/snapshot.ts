import { UsageError } from "../errors.ts";
import { fromJson, type Json, toJson } from "../syntax/json.ts";
import type { ReplySnapshot } from "../syntax/replies.ts";
import { ContentWriter, type WriterSnapshot } from "../wire/stuff.ts";
import type { ClientSettings } from "./config.ts";
import type { ClientEvent } from "./events.ts";
import { ClientMachine, type Outgoing } from "./machine.ts";
import type { ClientState } from "./record.ts";
import { writerOptions } from "./transfer.ts";

/** Everything about a session but its configuration, as plain JSON. What is in `held` may change with versions. */
export interface ClientSnapshot {
  readonly version: 1;
  /** Something secret was left out: for looking at only, not to be restored. */
  readonly redacted: boolean;
  readonly held: Json;
}

/**
 * A snapshot with everything in it; or, without `secrets`, without what belongs to an AUTH exchange, if there is one
 * under way or queued (G13).
 */
export function takeSnapshot(machine: ClientMachine, secrets: boolean): ClientSnapshot {
  const { state, input, replies, events, out, writer, chunk } = machine;
  const redacted = !secrets && holdsSecrets(machine);
  const held = toJson({
    state: redacted
      ? { ...state, operations: state.operations.filter(({ kind }) => kind !== "auth") }
      : state,
    input: redacted ? null : input.octets(),
    replies: redacted ? null : replies.snapshot(),
    events: redacted ? events.filter(({ type }) => type !== "challenge") : events,
    out: redacted ? null : out,
    writer: writer?.snapshot() ?? null,
    chunk: chunk.octets(),
  });
  return { version: 1, redacted, held };
}

/** The machine that a snapshot was taken of. */
export function restoreMachine(settings: ClientSettings, snapshot: ClientSnapshot): ClientMachine {
  if (snapshot?.version !== 1) throw new UsageError("restore: not a snapshot of this version");
  if (snapshot.redacted) {
    throw new UsageError(
      "restore: taken in the middle of AUTH without its secrets: see snapshot({ secrets: true })",
    );
  }
  const held = fromJson(snapshot.held) as Held;
  const machine = new ClientMachine(settings, 0);
  Object.assign(machine.state, held.state);
  machine.input.push(held.input);
  machine.replies.restore(held.replies);
  machine.events.push(...held.events);
  machine.out = held.out;
  machine.chunk.push(held.chunk);
  const { transfer } = machine.state;
  if (held.writer !== null && transfer !== null) {
    machine.writer = ContentWriter.restore(writerOptions(settings, transfer), held.writer);
  }
  return machine;
}

interface Held {
  readonly state: ClientState;
  readonly input: Uint8Array;
  readonly replies: ReplySnapshot;
  readonly events: ClientEvent[];
  readonly out: Outgoing[];
  readonly writer: WriterSnapshot | null;
  readonly chunk: Uint8Array;
}

function holdsSecrets({ state }: ClientMachine): boolean {
  const { operations, expected, challenged } = state;
  return challenged !== null || [...operations, ...expected].some(({ kind }) => kind === "auth");
}

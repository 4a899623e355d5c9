import { UsageError } from "../errors.ts";
import { fromJson, type Json, toJson } from "../syntax/json.ts";
import { ContentReader } from "../wire/dot.ts";
import { LineReader, type LineSnapshot, noLine } from "../wire/line.ts";
import { ProxyReader } from "../wire/proxy.ts";
import { contentOptions } from "./content.ts";
import { longestLine } from "./lines.ts";
import { Machine } from "./machine.ts";
import type { Slot, State } from "./record.ts";
import type { ServerSettings } from "./settings.ts";

/** Everything about a session but its configuration, as plain JSON. What is in `held` may change with versions. */
export interface ServerSnapshot {
  readonly version: 1;
  /** Something secret was left out: for looking at only, not to be restored. */
  readonly redacted: boolean;
  readonly held: Json;
}

/** A snapshot with everything in it. */
export function takeSnapshot(machine: Machine): ServerSnapshot {
  const { state, input, output, lines, events, content, proxyReader, mustSend } = machine;
  const held = toJson({
    state,
    input: input.octets(),
    output: output?.held() ?? new Uint8Array(0),
    lines: lines?.snapshot() ?? noLine,
    events,
    content: content?.snapshot() ?? null,
    proxy: proxyReader?.held() ?? null,
    mustSend,
  });
  return { version: 1, redacted: false, held };
}

/** The snapshot as it may be shown: without what was said, or is being said, in an AUTH exchange (G13). */
export function redact(machine: Machine, snapshot: ServerSnapshot): ServerSnapshot {
  if (!holdsSecrets(machine)) return snapshot;
  const { state, events, content, mustSend } = machine;
  const held = toJson({
    state: { ...state, held: null, slots: state.slots.map(silencedSlot) },
    input: null,
    output: null,
    lines: null,
    events: events.map(silenced),
    content: content?.snapshot() ?? null,
    proxy: null,
    mustSend,
  });
  return { version: 1, redacted: true, held };
}

/** The machine that a snapshot was taken of. */
export function restoreMachine(settings: ServerSettings, snapshot: ServerSnapshot): Machine {
  if (snapshot?.version !== 1) throw new UsageError("restore: not a snapshot of this version");
  if (snapshot.redacted) {
    throw new UsageError(
      "restore: taken in the middle of AUTH without its secrets: see snapshot({ secrets: true })",
    );
  }
  const held = fromJson(snapshot.held);
  if (!isHeld(held)) throw new UsageError("restore: the snapshot is damaged");
  const machine = new Machine(settings, 0);
  Object.assign(machine.state, held.state);
  machine.input.push(held.input);
  if (held.output.length > 0) machine.put(held.output);
  if (held.lines.read > 0) {
    machine.lines = new LineReader(longestLine(settings));
    machine.lines.restore(held.lines);
  }
  for (const event of held.events) machine.tell(event);
  const { mail, reader } = machine.state;
  const options = contentOptions(settings, mail.parameters, reader === "dots");
  machine.content = held.content === null ? null : ContentReader.restore(options, held.content);
  machine.proxyReader = null;
  if (held.proxy !== null) {
    machine.proxyReader = new ProxyReader();
    machine.proxyReader.read(held.proxy);
  }
  machine.mustSend = held.mustSend;
  return machine;
}

interface Held {
  readonly state: State;
  readonly input: Uint8Array;
  readonly output: Uint8Array;
  readonly lines: LineSnapshot;
  readonly events: Machine["events"];
  readonly content: Parameters<typeof ContentReader.restore>[1] | null;
  readonly proxy: Uint8Array | null;
  readonly mustSend: boolean;
}

/** A glance, for what is no snapshot at all: what was changed by hand is not found. */
function isHeld(value: unknown): value is Held {
  const { state, input, output, lines, events } = (value ?? {}) as Partial<Held>;
  const octets = input instanceof Uint8Array && output instanceof Uint8Array;
  return octets && typeof state === "object" && typeof lines === "object" && Array.isArray(events);
}

/** An exchange is under way, or what is unread may belong to one that failed, or has the word AUTH in it. */
function holdsSecrets({ state, lines, input }: Machine): boolean {
  if (state.exchange !== null) return true;
  const partial = lines?.snapshot().held ?? [];
  const line = state.held?.line ?? [];
  const unread = [...line, 0, ...partial, ...input.octets()];
  return (state.authTried && unread.length > 1) || mentionsAuth(unread);
}

function mentionsAuth(octets: readonly number[]): boolean {
  const word = [0x61, 0x75, 0x74, 0x68];
  return octets.some((_, at) => word.every((letter, index) => (octets[at + index] | 0x20) === letter));
}

function silencedSlot(slot: Slot): Slot {
  return slot.question.type === "auth" ? { ...slot, question: silenced(slot.question), answer: null } : slot;
}

function silenced<T extends { readonly type: string }>(event: T): T {
  return event.type === "auth" ? { ...event, response: null } : event;
}

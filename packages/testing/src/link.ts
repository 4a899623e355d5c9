import type { Millis } from "@sansmtp/core";
import type { Clock } from "./clock.ts";
import {
  type Fault,
  type Latency,
  type Place,
  pieceLatency,
  pieceSize,
  type Side,
  type Split,
} from "./faults.ts";
import { joined, latin1, octetsOf } from "./octets.ts";

/** What arrives at the far end of a link, in order. */
export type Arrival =
  | { readonly kind: "octets"; readonly octets: Uint8Array }
  | { readonly kind: "end" }
  | { readonly kind: "cut" }
  | { readonly kind: "shutdown" };

/** How octets travel in one direction. */
export interface LinkOptions {
  readonly latency: Latency;
  readonly split: Split | undefined;
  readonly faults: readonly Fault[];
}

/** One direction of a connection: octets that were sent arrive later, in pieces, and with the faults of the plan. */
export class Link {
  /** Octets that the sender has given, whatever becomes of them. */
  sent = 0;
  /** Octets that were sent and that nobody has read yet. */
  unread = 0;
  readonly #clock: Clock;
  readonly #options: LinkOptions;
  readonly #arrive: (arrival: Arrival) => void;
  readonly #faults: { readonly fault: Fault; due: boolean }[];
  #tail = "";
  #pieces = 0;
  #last: Millis = 0;
  /** Nothing that is sent from now on arrives. */
  #dead = false;
  /** Nothing arrives any more. */
  #broken = false;

  constructor(from: Side, clock: Clock, options: LinkOptions, arrive: (arrival: Arrival) => void) {
    this.#clock = clock;
    this.#options = options;
    this.#arrive = arrive;
    this.#faults = options.faults
      .filter((fault) => (fault.fault === "shutdown" ? "client" : fault.from) === from)
      .map((fault) => ({ fault, due: true }));
  }

  /** The connection is made: what the plan has before the first octet happens. */
  open(): void {
    this.send(new Uint8Array(0));
  }

  send(octets: Uint8Array): void {
    const begin = this.sent;
    this.sent += octets.length;
    this.unread += octets.length;
    if (this.#dead) return;
    let rest = octets;
    let run: Uint8Array[] = [];
    for (const { at, fault } of this.#dueIn(octets, begin)) {
      const length = at - begin - (octets.length - rest.length);
      run.push(rest.subarray(0, length));
      rest = rest.subarray(length);
      if (fault.fault === "inject") {
        const injected = octetsOf(fault.octets);
        this.unread += injected.length;
        run.push(injected);
        continue;
      }
      this.#deliver(joined(run));
      run = [];
      if (fault.fault !== "stall") this.#post({ kind: fault.fault });
      if (fault.fault !== "shutdown") {
        this.#dead = true;
        return;
      }
    }
    run.push(rest);
    this.#deliver(joined(run));
  }

  /** The sender has closed: its end arrives behind everything that it has sent. */
  end(): void {
    if (this.#dead) return;
    this.#dead = true;
    this.#post({ kind: "end" });
  }

  /** The connection is gone: what is on its way never arrives. */
  break(): void {
    this.#dead = true;
    this.#broken = true;
  }

  /** The faults whose place is within these octets, or behind the last of them, in the order of their places. */
  #dueIn(octets: Uint8Array, begin: number): { readonly at: number; readonly fault: Fault }[] {
    const waiting = this.#faults.filter(({ due }) => due);
    if (waiting.length === 0) return [];
    const text = this.#tail + latin1(octets);
    const from = begin - this.#tail.length;
    const found: { at: number; fault: Fault }[] = [];
    for (const each of waiting) {
      const at = placeIn(each.fault.after, text, from);
      if (at === null || at > begin + octets.length) continue;
      each.due = false;
      found.push({ at: Math.max(at, begin), fault: each.fault });
    }
    this.#tail = text.slice(-longest(waiting.map(({ fault }) => fault.after)));
    return found.sort((one, other) => one.at - other.at);
  }

  #deliver(octets: Uint8Array): void {
    for (let at = 0; at < octets.length; ) {
      const size = pieceSize(this.#options.split, this.#pieces);
      const piece = octets.slice(at, at + size);
      at += piece.length;
      this.#post({ kind: "octets", octets: piece });
    }
  }

  #post(arrival: Arrival): void {
    const span = pieceLatency(this.#options.latency, this.#pieces);
    if (arrival.kind === "octets") this.#pieces++;
    this.#last = Math.max(this.#last, this.#clock.now + span);
    this.#clock.at(this.#last, () => {
      if (!this.#broken) this.#arrive(arrival);
    });
  }
}

/** The octet behind which a place is, counted from the first that was sent; null: it has not come yet. */
function placeIn(place: Place, text: string, from: number): number | null {
  if (typeof place === "number") return place;
  const at = text.indexOf(latin1(octetsOf(place)));
  return at < 0 ? null : from + at + octetsOf(place).length;
}

/** Octets that have to be kept, so that a text is found that comes in pieces. */
function longest(places: readonly Place[]): number {
  return Math.max(1, ...places.map((place) => (typeof place === "string" ? octetsOf(place).length : 1)));
}

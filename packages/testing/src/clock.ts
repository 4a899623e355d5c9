import type { Millis } from "@sansmtp/core";

/** Virtual time: it passes from one appointment to the next, in no time at all. */
export class Clock {
  now: Millis = 0;
  #appointments: { readonly at: Millis; readonly act: () => void }[] = [];

  /** When the next appointment is; null: there is none. */
  get next(): Millis | null {
    return this.#appointments[0]?.at ?? null;
  }

  /** Makes an appointment; those of the same time are kept in the order in which they were made. */
  at(when: Millis, act: () => void): void {
    const at = Math.max(when, this.now);
    let place = this.#appointments.length;
    while (place > 0 && (this.#appointments[place - 1]?.at ?? 0) > at) place--;
    this.#appointments.splice(place, 0, { at, act });
  }

  /** Keeps the next appointment. */
  keep(): void {
    const next = this.#appointments.shift();
    if (next === undefined) return;
    this.now = next.at;
    next.act();
  }
}

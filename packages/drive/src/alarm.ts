import type { Millis } from "@sansmtp/core";

/** The timer of a connection, on the platform's clock: what `wake` and `now` of a transport need. */
export class Alarm {
  readonly #rings: () => void;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #at: Millis = 0;

  /** @param rings is called when the time has come */
  constructor(rings: () => void) {
    this.#rings = rings;
  }

  /** Rings at this time, in the place of what was set before; null: not at all. It may ring too early. */
  set(at: Millis | null): void {
    // A timer that runs for an earlier time stays: most deadlines move on long before they pass.
    if (this.#timer !== null && at !== null && at >= this.#at) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (at === null) return;
    const span = Math.min(Math.max(Math.ceil(at - this.now()), 0), longestTimer);
    this.#at = at;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#rings();
    }, span);
    // Where a timer would keep the process alive, this one does not: the connection does.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  /** Milliseconds from an origin that stays. */
  now(): Millis {
    return performance.now();
  }
}

/** What a timer can take, milliseconds; a later deadline is asked for again. */
export const longestTimer = 2_147_483_647;

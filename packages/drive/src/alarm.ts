import type { Millis } from "@sansmtp/core";

/**
 * The timer of a connection, on the platform's clock: what `wake` and `now` of a transport need.
 *
 * Deadlines move on with every command and nearly none of them passes, so the platform's timer is not touched for them:
 * it stays where it is as long as it is not too late, looks when it rings whether the time has come, and runs on for the
 * rest if not.
 */
export class Alarm {
  readonly #rings: () => void;
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** When the timer rings, and when it should; Infinity: not at all. */
  #runsTo: Millis = 0;
  #at: Millis = Number.POSITIVE_INFINITY;

  /** @param rings is called when the time has come */
  constructor(rings: () => void) {
    this.#rings = rings;
  }

  /** Rings at this time, in the place of what was set before; null: not at all. It may ring too early. */
  set(at: Millis | null): void {
    this.#at = at ?? Number.POSITIVE_INFINITY;
    if (this.#at === Number.POSITIVE_INFINITY || (this.#timer !== null && this.#at >= this.#runsTo)) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#run();
  }

  /** Rings no more, and lets go of the timer. */
  stop(): void {
    this.#at = Number.POSITIVE_INFINITY;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #run(): void {
    const span = Math.min(Math.max(Math.ceil(this.#at - this.now()), 0), longestTimer);
    this.#runsTo = this.#at;
    this.#timer = setTimeout(Alarm.#rung, span, this);
    // Where a timer would keep the process alive, this one does not: the connection does.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  /** One function for all timers, and not a closure for each. */
  static #rung(alarm: Alarm): void {
    alarm.#timer = null;
    if (alarm.#at === Number.POSITIVE_INFINITY) return;
    if (alarm.#at > alarm.now()) alarm.#run();
    else alarm.#rings();
  }

  /** Milliseconds from an origin that stays, whole ones: a number with a fraction is an object more in V8. */
  now(): Millis {
    return Math.trunc(performance.now());
  }
}

/** What a timer can take, milliseconds; a later deadline is asked for again. */
export const longestTimer = 2_147_483_647;

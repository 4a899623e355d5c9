/**
 * Octets on their way out. They are gathered in a buffer and handed out as an exact copy, so that a burst of replies
 * leaves as one piece and nothing that was given is ever written to again (G8).
 *
 * It is made when there is something to say, and over when all of it was taken, or dropped: then all has left (G5). So one
 * buffer serves all sessions that take turns, and an idle one holds none.
 */
export class Output {
  #buffer: Uint8Array;
  #length = 0;

  constructor() {
    this.#buffer = spare ?? new Uint8Array(ordinary);
    spare = null;
  }

  /** Octets that wait to be taken. */
  get length(): number {
    return this.#length;
  }

  /** Appends a copy of these octets. */
  put(octets: Uint8Array): void {
    const from = this.#length;
    const to = from + octets.length;
    if (to > this.#buffer.length) this.#grow(to);
    const buffer = this.#buffer;
    if (octets.length < worthNative) {
      for (let at = 0; at < octets.length; at++) buffer[from + at] = octets[at];
    } else {
      buffer.set(octets, from);
    }
    this.#length = to;
  }

  /** A copy of what waits, for a snapshot. */
  held(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  /** Everything that waits, as a copy that is the taker's own. */
  take(): Uint8Array {
    const taken = this.held();
    this.drop();
    return taken;
  }

  /** It is over: somebody else can have the buffer. */
  drop(): void {
    if (this.#buffer.length === ordinary) spare = this.#buffer;
    this.#buffer = none;
    this.#length = 0;
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

/** Octets: more than the replies to a group of commands take. */
const ordinary = 2048;
/** Octets from which on a native copy repays its call. */
const worthNative = 48;
/** The buffer that nobody needs now. What is left in it is overwritten before it is ever read. */
let spare: Uint8Array | null = null;
const none: Uint8Array = new Uint8Array(0);

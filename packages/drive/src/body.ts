import type { ResetCause } from "@sansmtp/core";

/**
 * Thrown to whoever reads the body of a message that will not become whole, or whose verdict nobody waits for.
 */
export class MessageAborted extends Error {
  override readonly name = "MessageAborted";
  /** What ended the transaction; `answered`: the handler returned before the body was read. */
  override readonly cause: AbortCause;

  constructor(cause: AbortCause) {
    super(cause === "answered" ? "the handler has answered, the body is discarded" : `no message: ${cause}`);
    this.cause = cause;
  }
}

/** Why a message was aborted: what ended its transaction, or `answered`. */
export type AbortCause = ResetCause | "answered";

/**
 * Hands content from the pump, which pushes, to a handler, which pulls. It holds one piece; while it does, it is
 * `full` and the pump rests. A second iteration goes on where the first one is.
 */
export class Body implements AsyncIterable<Uint8Array>, AsyncIterator<Uint8Array, undefined> {
  readonly #taken: () => void;
  #held: Uint8Array | null = null;
  #waiting: Waiter[] = [];
  /** Those who wait for {@link room}. */
  #emptied: (() => void)[] = [];
  #state: "open" | "ended" | "left" | MessageAborted = "open";

  /** @param taken is called when the piece that was held is gone */
  constructor(taken: () => void) {
    this.#taken = taken;
  }

  /** Whether a piece waits to be taken. */
  get full(): boolean {
    return this.#held !== null;
  }

  /** Whether anybody still reads, or may. */
  get wanted(): boolean {
    return this.#state === "open";
  }

  /** Resolves when no piece waits to be taken. */
  room(): Promise<void> {
    if (this.#held === null) return Promise.resolve();
    return new Promise((resolve) => this.#emptied.push(resolve));
  }

  /** The next piece. Not while it is full. */
  push(octets: Uint8Array): void {
    if (this.#state !== "open") return;
    if (this.#waiting.length === 0) this.#held = octets;
    else (this.#waiting.shift() as Waiter).resolve({ done: false, value: octets });
  }

  /** All was pushed. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    if (this.#waiting.length > 0) for (const waiter of this.#waiting.splice(0)) waiter.resolve(done);
  }

  /** Nothing more comes, and what came is not whole. After `end` it changes nothing for who reads on. */
  abort(error: MessageAborted): void {
    if (this.#state !== "open") return;
    this.#state = error;
    this.#empty();
    for (const waiter of this.#waiting.splice(0)) waiter.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #empty(): void {
    this.#held = null;
    if (this.#emptied.length > 0) for (const resolve of this.#emptied.splice(0)) resolve();
  }

  /** The next piece, when there is one. */
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#held !== null) {
      const value = this.#held;
      this.#empty();
      this.#taken();
      return Promise.resolve({ done: false, value });
    }
    if (this.#state instanceof MessageAborted) return silenced(Promise.reject(this.#state));
    if (this.#state !== "open") return Promise.resolve(done);
    return silenced(new Promise((resolve, reject) => this.#waiting.push({ resolve, reject })));
  }

  /** The reader wants no more: the rest is thrown away. */
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#state === "open" || this.#state === "ended") this.#state = "left";
    for (const waiter of this.#waiting.splice(0)) waiter.resolve(done);
    if (this.#held !== null) {
      this.#empty();
      this.#taken();
    }
    return Promise.resolve(done);
  }
}

interface Waiter {
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void;
  readonly reject: (error: MessageAborted) => void;
}

const done: IteratorResult<Uint8Array, undefined> = { done: true, value: undefined };

/** A reader may have walked away from a piece that it asked for: its rejection is no news to the process. */
function silenced<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Pushes content as fast as it is taken. Nobody takes it any more: the rest is left where it is. */
export async function fill(body: Body, content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const octets of content) {
    body.push(octets);
    await body.room();
    if (!body.wanted) return;
  }
}

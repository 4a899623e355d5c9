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
  readonly #source: Source;
  #held: Uint8Array | null = null;
  #waiting: Waiter[] | null = null;
  /** Those who wait for {@link room}. */
  #emptied: (() => void)[] | null = null;
  #state: "open" | "ended" | "left" | MessageAborted = "open";

  constructor(source: Source) {
    this.#source = source;
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
    return new Promise((resolve) => {
      this.#emptied = [...(this.#emptied ?? []), resolve];
    });
  }

  /** The next piece. Not while it is full. */
  push(octets: Uint8Array): void {
    if (this.#state !== "open") return;
    const waiter = this.#waiting?.shift();
    if (waiter === undefined) this.#held = octets;
    else waiter.resolve({ done: false, value: octets });
  }

  /** All was pushed. */
  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#dismiss();
  }

  /** Nothing more comes, and what came is not whole. After `end` it changes nothing for who reads on. */
  abort(error: MessageAborted): void {
    if (this.#state !== "open") return;
    this.#state = error;
    this.#empty();
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const { promise, reject } of waiting) {
      silence(promise);
      reject(error);
    }
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #empty(): void {
    this.#held = null;
    const emptied = this.#emptied ?? [];
    this.#emptied = null;
    for (const resolve of emptied) resolve();
  }

  /** There is nothing more for those who wait. */
  #dismiss(): void {
    const waiting = this.#waiting ?? [];
    this.#waiting = null;
    for (const { resolve } of waiting) resolve(done);
  }

  /** The next piece, when there is one. */
  next(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#held !== null) {
      const value = this.#held;
      this.#empty();
      this.#source.taken();
      return Promise.resolve({ done: false, value });
    }
    if (this.#state instanceof MessageAborted) return silence(Promise.reject(this.#state));
    if (this.#state !== "open") return Promise.resolve(done);
    return this.#wait();
  }

  #wait(): Promise<IteratorResult<Uint8Array, undefined>> {
    let settle: Pick<Waiter, "resolve" | "reject"> | undefined;
    const promise = new Promise<IteratorResult<Uint8Array, undefined>>((resolve, reject) => {
      settle = { resolve, reject };
    });
    const waiter = { promise, ...settle! };
    if (this.#waiting === null) this.#waiting = [waiter];
    else this.#waiting.push(waiter);
    return promise;
  }

  /** The reader wants no more: the rest is thrown away. */
  return(): Promise<IteratorResult<Uint8Array, undefined>> {
    if (this.#state === "open" || this.#state === "ended") this.#state = "left";
    this.#dismiss();
    if (this.#held !== null) {
      this.#empty();
      this.#source.taken();
    }
    return Promise.resolve(done);
  }
}

/** Where content comes from. */
interface Source {
  /** The piece that was held is gone. */
  taken(): void;
}

interface Waiter {
  readonly promise: Promise<IteratorResult<Uint8Array, undefined>>;
  readonly resolve: (result: IteratorResult<Uint8Array, undefined>) => void;
  readonly reject: (error: MessageAborted) => void;
}

const done: IteratorResult<Uint8Array, undefined> = { done: true, value: undefined };

/** A reader may have walked away from a piece that it asked for: its rejection is no news to the process. */
function silence<T>(promise: Promise<T>): Promise<T> {
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

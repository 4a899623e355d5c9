/** The message came to nothing: it was refused, the client began anew, or the connection is gone. */
export class MessageAborted extends Error {
  override readonly name = "MessageAborted";
  /** Why, as the session's `reset` says it. */
  readonly reason: string;

  constructor(reason: string) {
    super(`the message was given up: ${reason}`);
    this.reason = reason;
  }
}

/**
 * The content of a message as it arrives, for one reader. Nothing is read from the connection while a piece waits
 * to be taken, so that no more than that is held, however long the message.
 */
export class Body implements AsyncIterableIterator<Uint8Array> {
  #piece: Uint8Array | null = null;
  #waiting: Waiting | null = null;
  #state: "open" | "ended" | "aborted" | "discarded" = "open";
  #error: MessageAborted | null = null;
  readonly #taken: () => void;

  /** @param taken is called when there is room again */
  constructor(taken: () => void) {
    this.#taken = taken;
  }

  /** A piece waits to be taken. */
  get full(): boolean {
    return this.#piece !== null;
  }

  push(octets: Uint8Array): void {
    if (this.#state !== "open") return;
    if (this.#waiting === null) this.#piece = octets;
    else this.#deliver({ done: false, value: octets });
  }

  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    this.#deliver({ done: true, value: undefined });
  }

  abort(error: MessageAborted): void {
    if (this.#state === "aborted" || this.#state === "discarded") return;
    this.#state = "aborted";
    this.#error = error;
    this.#piece = null;
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.reject(error);
  }

  /** The reader wants no more: what is still to come is thrown away. */
  discard(): void {
    if (this.#state !== "open" && this.#state !== "ended") return;
    const full = this.full;
    this.#state = "discarded";
    this.#piece = null;
    this.#deliver({ done: true, value: undefined });
    if (full) this.#taken();
  }

  next(): Promise<IteratorResult<Uint8Array>> {
    const piece = this.#piece;
    if (piece !== null) {
      this.#piece = null;
      this.#taken();
      return Promise.resolve({ done: false, value: piece });
    }
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#state !== "open") return Promise.resolve({ done: true, value: undefined });
    if (this.#waiting !== null) return Promise.reject(new Error("the body has one reader"));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  return(): Promise<IteratorResult<Uint8Array>> {
    this.discard();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #deliver(result: IteratorResult<Uint8Array>): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.resolve(result);
  }
}

interface Waiting {
  resolve(result: IteratorResult<Uint8Array>): void;
  reject(error: Error): void;
}

/** All of a body in one piece, held in memory. */
export async function collect(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of body) {
    pieces.push(piece);
    length += piece.length;
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

import { Duplex } from "node:stream";
import type { Piece } from "./dialogues.ts";

/**
 * The server's end of a connection in memory, with what a server looks for in a socket; the client at the other end
 * says one piece after the other, as soon as it has the replies to the one before, and in a turn of its own.
 */
export class MemorySocket extends Duplex {
  readonly remoteAddress = "192.0.2.1";
  readonly remotePort = 4711;
  readonly localAddress = "192.0.2.2";
  readonly localPort = 25;
  readonly remoteFamily = "IPv4";
  readonly readyState = "open";
  #pieces: readonly Piece[] = [];
  #at = 0;
  #awaited = 0;
  #done: () => void = () => {};
  /** The last reply was not yet at its end. */
  #half = false;
  readonly #next = (): void => {
    const { octets, replies } = this.#pieces[this.#at++]!;
    this.#awaited = replies;
    this.push(octets);
  };

  constructor() {
    super({ allowHalfOpen: true });
  }

  setTimeout(): this {
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  /** Waits for replies that nobody has asked for. */
  greeted(): Promise<void> {
    this.#pieces = [];
    this.#at = 0;
    this.#awaited += 1;
    return new Promise((resolve) => {
      this.#done = resolve;
      if (this.#awaited === 0) resolve();
    });
  }

  /** Says the pieces, and calls when the last reply has come. */
  play(pieces: readonly Piece[], done: () => void): void {
    this.#pieces = pieces;
    this.#at = 0;
    this.#done = done;
    this.#next();
  }

  override _read(): void {}

  override _write(octets: Buffer, _encoding: string, taken: () => void): void {
    for (let at = 0; at < octets.length; ) {
      if (!this.#half && (octets[at] === 0x34 || octets[at] === 0x35))
        throw new Error(`refused: ${octets.toString("latin1", at)}`);
      // A digit of the code, if this is where a line begins, and then a blank: no further line follows.
      if (!this.#half && octets[at + 3] === 0x20) this.#awaited--;
      const end = octets.indexOf(10, at);
      this.#half = end === -1;
      at = end === -1 ? octets.length : end + 1;
    }
    taken();
    if (this.#awaited > 0 || this.#half) return;
    if (this.#at < this.#pieces.length) process.nextTick(this.#next);
    else process.nextTick(this.#done);
  }

  override _final(done: () => void): void {
    done();
    this.push(null);
  }
}

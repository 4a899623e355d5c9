import { bug } from "../errors.ts";
import { join } from "./join.ts";

/**
 * What was received and not yet read: one cursor over the caller's chunks. Readers eat from it and stop, so
 * what was pipelined behind their own octets just stays here.
 *
 * The chunks are kept as they are, neither copied nor written to (G8), and let go of once they are read. Every
 * operation but `octets` and `take` takes constant time.
 */
export class Input {
  #first: Chunk | null = null;
  #last: Chunk | null = null;
  #at = 0;
  #length = 0;
  #chunks = 0;

  /** Adds what was received behind what is unread. The caller leaves the octets unchanged until they are read. */
  push(octets: Uint8Array): void {
    if (octets.length === 0) return;
    const chunk: Chunk = { octets, next: null };
    if (this.#last === null) this.#first = chunk;
    else this.#last.next = chunk;
    this.#last = chunk;
    this.#length += octets.length;
    this.#chunks += 1;
  }

  /** Unread octets. */
  get length(): number {
    return this.#length;
  }

  /**
   * What the unread octets cost to hold, in octets: their number, and a fixed amount for each chunk, so that a
   * peer who sends octet by octet reaches a limit as soon as one who sends in bulk (G6).
   */
  get charge(): number {
    return this.#length + this.#chunks * chunkCharge;
  }

  /** The chunk in which the first unread octet is; null when all is read. */
  get chunk(): Uint8Array | null {
    return this.#first === null ? null : this.#first.octets;
  }

  /** Where in the chunk the first unread octet is. */
  get at(): number {
    return this.#at;
  }

  /** Marks the next octets of the chunk as read, at most its rest. Behind its last octet comes the next chunk. */
  skip(octets: number): void {
    if (octets === 0) return;
    const chunk = this.#first;
    if (chunk === null || octets > chunk.octets.length - this.#at) bug("skipped more than the chunk holds");
    this.#at += octets;
    this.#length -= octets;
    if (this.#at < chunk.octets.length) return;
    this.#at = 0;
    this.#chunks -= 1;
    this.#first = chunk.next;
    if (this.#first === null) this.#last = null;
  }

  /** Reads the next octets, so many as there are at least: a view of their chunk if they lie in one, else a copy. */
  take(octets: number): Uint8Array {
    const pieces: Uint8Array[] = [];
    for (let left = octets; left > 0; ) {
      const chunk = this.#first?.octets ?? bug("took more than there is");
      const piece = chunk.subarray(this.#at, this.#at + left);
      pieces.push(piece);
      left -= piece.length;
      this.skip(piece.length);
    }
    return join(pieces);
  }

  /** Forgets everything unread. */
  drop(): void {
    this.#first = null;
    this.#last = null;
    this.#at = 0;
    this.#length = 0;
    this.#chunks = 0;
  }

  /** A copy of everything unread, for a snapshot. */
  octets(): Uint8Array {
    const copy = new Uint8Array(this.#length);
    let written = 0;
    let from = this.#at;
    for (let chunk = this.#first; chunk !== null; chunk = chunk.next) {
      copy.set(chunk.octets.subarray(from), written);
      written += chunk.octets.length - from;
      from = 0;
    }
    return copy;
  }
}

interface Chunk {
  readonly octets: Uint8Array;
  next: Chunk | null;
}

/** Octets that a chunk weighs whatever is in it: in V8 a typed array of one octet, queued here, takes 250. */
const chunkCharge = 256;

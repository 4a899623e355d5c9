/** Takes an input apart: each octet, or a few, decide one thing. Behind the end everything is 0. */
export class Choices {
  readonly #octets: Uint8Array;
  #at = 0;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
  }

  get done(): boolean {
    return this.#at >= this.#octets.length;
  }

  /** The next octet. */
  octet(): number {
    return this.#octets[this.#at++] ?? 0;
  }

  /** From 0 to one below `count`, at most 256. */
  below(count: number): number {
    return this.octet() % count;
  }

  flag(): boolean {
    return (this.octet() & 1) === 1;
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }

  /** So many octets as they are, or as many as are left; the receiver's own. */
  take(count: number): Uint8Array {
    const taken = this.#octets.slice(this.#at, this.#at + count);
    this.#at += count;
    return taken;
  }

  /** All that is left. */
  rest(): Uint8Array {
    return this.take(Math.max(0, this.#octets.length - this.#at));
  }
}

/** Each character is an octet. */
export function octets(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** One character for each octet. */
export function latin1(given: Uint8Array): string {
  return Buffer.from(given.buffer, given.byteOffset, given.length).toString("latin1");
}

export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(pieces));
}

/** Cuts octets at places that depend on `seed` alone: 0 does not cut, 1 cuts everywhere, others now and then. */
export function cut(given: Uint8Array, seed: number): Uint8Array[] {
  if (seed === 0) return [given];
  const pieces: Uint8Array[] = [];
  let state = seed;
  let at = 0;
  while (at < given.length) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    const length = seed === 1 ? 1 : 1 + ((state >>> 16) % (seed % 3 === 0 ? 7 : 40));
    pieces.push(given.slice(at, at + length));
    at += length;
  }
  return pieces;
}

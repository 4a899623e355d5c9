/** A line, of which no more than a bounded beginning was kept. */
export interface Line {
  /** The octets without CRLF; of a longer line the first {@link kept}, or a few less: no character is cut. */
  readonly octets: Uint8Array;
  /** How many there were, without CRLF. */
  readonly length: number;
}

/** Octets of a line that are kept: enough for any command that is meant, too few to flood a screen. */
export const kept = 1000;

/**
 * Cuts octets into lines at CRLF and nothing else (RFC 5321 §2.3.8), in bounded memory. One call of `take` ends
 * at most one line, which `line` then gives.
 */
export class LineReader {
  #begun: Uint8Array = new Uint8Array(0);
  #length = 0;
  #cr = false;
  #line: Line | null = null;

  /** Reads up to the next CRLF, and returns how many octets that took: all of them if no line ended. */
  take(octets: Uint8Array): number {
    for (let at = octets.indexOf(LF); at >= 0; at = octets.indexOf(LF, at + 1)) {
      if (at === 0 ? this.#cr : octets[at - 1] === CR) {
        this.#line = this.#ended(octets.subarray(0, at + 1));
        return at + 1;
      }
    }
    this.#append(octets);
    return octets.length;
  }

  /** The line that the last `take` has ended, once. */
  line(): Line | null {
    const line = this.#line;
    this.#line = null;
    return line;
  }

  /** What was read of a line that has not ended, and forgets it; null: nothing. */
  rest(): Line | null {
    if (this.#length === 0) return null;
    const line = bounded(this.#begun, this.#length);
    this.#clear();
    return line;
  }

  #ended(octets: Uint8Array): Line {
    // The usual case, without a copy: the line lies in one piece.
    if (this.#length === 0) return bounded(octets, octets.length - 2);
    this.#append(octets);
    const line = bounded(this.#begun, this.#length - 2);
    this.#clear();
    return line;
  }

  #append(octets: Uint8Array): void {
    if (octets.length === 0) return;
    const room = kept + 1 - this.#begun.length;
    if (room > 0) {
      const begun = new Uint8Array(this.#begun.length + Math.min(room, octets.length));
      begun.set(this.#begun);
      begun.set(octets.subarray(0, room), this.#begun.length);
      this.#begun = begun;
    }
    this.#length += octets.length;
    this.#cr = octets[octets.length - 1] === CR;
  }

  #clear(): void {
    this.#begun = new Uint8Array(0);
    this.#length = 0;
    this.#cr = false;
  }
}

function bounded(octets: Uint8Array, length: number): Line {
  if (length <= kept) return { octets: octets.subarray(0, length), length };
  let end = kept;
  // 10xxxxxx goes on with a character of UTF-8, which has three of these at most.
  while (kept - end < 3 && (octets[end]! & 0xc0) === 0x80) end--;
  return { octets: octets.subarray(0, end), length };
}

const CR = 0x0d;
const LF = 0x0a;

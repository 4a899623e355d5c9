/** Octets of a reply line with code and CRLF (RFC 5321 §4.5.3.1.5). */
const longestLine = 512;
const challenge = 334;

/**
 * Replies on their way out. One buffer is kept for the life of the session and exact copies are handed out, so
 * that a burst of replies leaves as one piece and nothing that was given is ever written to again (G8).
 */
export class Output {
  #buffer = new Uint8Array(512);
  #length = 0;

  /** Octets that wait to be taken. */
  get length(): number {
    return this.#length;
  }

  /**
   * Appends a reply (RFC 5321 §4.2.1). A text line that would exceed 512 octets is continued on the next; but a 334
   * is a challenge, one line however long (RFC 4954 §4).
   *
   * @param enhanced put before the text of each line (RFC 2034 §4); null: none
   * @param lines text without control octets; what is not ASCII leaves as UTF-8
   */
  put(code: number, enhanced: string | null, lines: readonly string[]): void {
    const prefix = enhanced === null ? "" : `${enhanced} `;
    const room = longestLine - 4 - prefix.length - 2;
    const folds = code !== challenge && lines.some((line) => line.length * 3 > room);
    const fitting = folds ? lines.flatMap((line) => fold(line, room)) : lines;
    const last = fitting.length - 1;
    for (let at = 0; at <= last; at++) {
      this.#append(`${code}${at < last ? "-" : " "}${prefix}${fitting[at]}\r\n`);
    }
  }

  /** Everything that waits, as a copy that is the taker's own. */
  take(): Uint8Array {
    const taken = this.#buffer.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  /** Forgets what waits. */
  drop(): void {
    this.#length = 0;
  }

  /** A copy of what waits, for a snapshot. */
  held(): Uint8Array {
    return this.#buffer.slice(0, this.#length);
  }

  /** Puts back what `held` gave. */
  restore(octets: Uint8Array): void {
    this.#reserve(octets.length);
    this.#buffer.set(octets, this.#length);
    this.#length += octets.length;
  }

  #append(text: string): void {
    this.#reserve(text.length * 3);
    const buffer = this.#buffer;
    let at = this.#length;
    for (let index = 0; index < text.length; index++) {
      const point = text.codePointAt(index) as number;
      if (point < 0x80) {
        buffer[at++] = point;
      } else if (point < 0x800) {
        buffer[at++] = 0xc0 | (point >> 6);
        buffer[at++] = 0x80 | (point & 0x3f);
      } else if (point < 0x10000) {
        buffer[at++] = 0xe0 | (point >> 12);
        buffer[at++] = 0x80 | ((point >> 6) & 0x3f);
        buffer[at++] = 0x80 | (point & 0x3f);
      } else {
        buffer[at++] = 0xf0 | (point >> 18);
        buffer[at++] = 0x80 | ((point >> 12) & 0x3f);
        buffer[at++] = 0x80 | ((point >> 6) & 0x3f);
        buffer[at++] = 0x80 | (point & 0x3f);
        index++;
      }
    }
    this.#length = at;
  }

  #reserve(octets: number): void {
    const needed = this.#length + octets;
    if (needed <= this.#buffer.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

/** Cuts a text into pieces of at most `room` octets, at a blank where there is one, never within a character. */
function fold(text: string, room: number): string[] {
  const pieces: string[] = [];
  let start = 0;
  let octets = 0;
  let blank = -1;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const pair = unit >= 0xd800 && unit < 0xdc00;
    const width = unit < 0x80 ? 1 : unit < 0x800 ? 2 : pair ? 4 : 3;
    if (octets + width > room) {
      const end = blank > start ? blank : at;
      pieces.push(text.slice(start, end));
      start = end === blank ? end + 1 : end;
      at = start - 1;
      octets = 0;
      blank = -1;
      continue;
    }
    if (unit === 0x20) blank = at;
    octets += width;
    if (pair) at++;
  }
  pieces.push(text.slice(start));
  return pieces;
}

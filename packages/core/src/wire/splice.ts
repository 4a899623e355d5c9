/**
 * Joins what is to be handed on of one chunk with what is put between: a view of the chunk as long as that is
 * enough, then one copy. A thousand removed dots make one array, not a thousand views.
 */
export class Splice {
  #chunk = nothing;
  #from = 0;
  #to = 0;
  #copy = nothing;
  #length = 0;

  /** Octets of this chunk will come. */
  begin(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#from = 0;
    this.#to = 0;
    this.#length = 0;
  }

  /** Nothing came yet. */
  get isEmpty(): boolean {
    return this.#length === 0 && this.#to === this.#from;
  }

  /** These octets of the chunk come next. */
  view(from: number, to: number): void {
    if (this.#length > 0) {
      this.#append(from, to);
    } else if (this.#to === this.#from) {
      this.#from = from;
      this.#to = to;
    } else {
      this.#append(this.#from, this.#to);
      this.#append(from, to);
    }
  }

  /** This octet comes next. */
  put(octet: number): void {
    if (this.#length === 0) {
      const left = this.#chunk.length - this.#to;
      // Of a few octets most have one such place at most: what is made is full then, and handed out as it is. A view of
      // it would take longer than all the rest.
      this.#reserve(this.#to - this.#from + 1, left > someMore ? left + someMore : left);
      if (this.#to > this.#from) this.#append(this.#from, this.#to);
    }
    if (this.#length === this.#copy.length) this.#grow(1, this.#to);
    this.#copy[this.#length] = octet;
    this.#length += 1;
  }

  /** How many octets were copied: 0 as long as a view is enough. */
  get copied(): number {
    return this.#length;
  }

  /**
   * Copies lines that begin with a dot, without it: whole lines of 7-bit text, as long as one is behind the other. Of those
   * whose lines are short a message may have ten thousand, and to look for each dot would take longer than to copy. Returns
   * where it stopped: at the first line that is not of that kind, that is longer than `maxLine`, or for which the copy has
   * no room.
   */
  stuffedLines(at: number, to: number, maxLine: number): number {
    const chunk = this.#chunk;
    const copy = this.#copy;
    // The LF of the last line may be behind it: its dot has made room for that.
    const most = Math.min(to, at + copy.length - this.#length);
    let length = this.#length;
    let line = at;
    while (line + 2 < most && chunk[line] === DOT && chunk[line + 1] !== CR) {
      let next = line + 1;
      let octet = 0;
      while (next < most && (octet = chunk[next]) >= 14 && octet < 0x80) {
        copy[length] = octet;
        length += 1;
        next += 1;
      }
      const end = next + 2;
      if (octet !== CR || chunk[end - 1] !== LF || end - line - 3 > maxLine) break;
      copy[length] = CR;
      copy[length + 1] = LF;
      length += 2;
      line = end;
      this.#length = length;
    }
    this.#to = line;
    return line;
  }

  /** What came, or null if nothing did. */
  take(): Uint8Array | null {
    let octets: Uint8Array | null = null;
    if (this.#length > 0) {
      octets = this.#length === this.#copy.length ? this.#copy : this.#copy.subarray(0, this.#length);
      this.#copy = nothing;
      this.#length = 0;
    } else if (
      this.#from === 0 &&
      this.#to === this.#chunk.length &&
      this.#chunk.constructor === Uint8Array
    ) {
      if (this.#to > 0) octets = this.#chunk;
    } else if (this.#to > this.#from) {
      // Not `subarray`, which a Buffer would answer with a Buffer, while a copy is none.
      octets = new Uint8Array(this.#chunk.buffer, this.#chunk.byteOffset + this.#from, this.#to - this.#from);
    }
    this.#chunk = nothing;
    return octets;
  }

  #append(from: number, to: number): void {
    if (this.#length === 0) this.#reserve(to - from, this.#chunk.length - to);
    else if (this.#length + to - from > this.#copy.length) this.#grow(to - from, to);
    const chunk = this.#chunk;
    const copy = this.#copy;
    const shift = this.#length - from;
    if (to - from < worthNative) for (let at = from; at < to; at += 1) copy[at + shift] = chunk[at];
    else copy.set(chunk.subarray(from, to), this.#length);
    this.#length += to - from;
    this.#to = to;
  }

  /** There was room once, and it was not enough: what is left will become more as what came did. */
  #grow(octets: number, to: number): void {
    const left = this.#chunk.length - to;
    const ratio = Math.min(2, this.#length / Math.max(this.#to, 1));
    this.#reserve(octets, ratio > 1 ? Math.ceil(left * ratio) + Math.min(left, someMore) : left);
  }

  /** Makes room for these octets, and if it has to, for what may come behind them. */
  #reserve(octets: number, behind: number): void {
    const needed = this.#length + octets;
    if (needed <= this.#copy.length) return;
    // The rest of the chunk may be a hundred other messages: it alone is no measure of what this one needs.
    const wider = new Uint8Array(Math.min(needed + behind, 16 * needed + 1024));
    if (this.#length > 0) wider.set(this.#copy.subarray(0, this.#length));
    this.#copy = wider;
  }
}

/** Octets from which on a native copy repays its call. */
const worthNative = 48;
/** Octets that are put in at places where more of them are than before. */
const someMore = 64;
const nothing: Uint8Array = new Uint8Array(0);
const LF = 10;
const CR = 13;
const DOT = 46;

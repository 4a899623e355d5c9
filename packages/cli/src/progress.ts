/** Shows on one line of a terminal how much of a message has left, when it is long enough for people to wonder. */
export class Progress {
  readonly #write: (text: string) => void;
  readonly #total: number | null;
  readonly #now: () => number;
  #sent = 0;
  #shownAt: number;
  #shown = false;

  /** @param total octets in all; null: nobody knows */
  constructor(
    write: (text: string) => void,
    total: number | null,
    now: () => number = () => performance.now(),
  ) {
    this.#write = write;
    this.#total = total;
    this.#now = now;
    this.#shownAt = now();
  }

  /** So many octets more have left. */
  add(octets: number): void {
    this.#sent += octets;
    if (this.#now() - this.#shownAt < interval) return;
    this.#shownAt = this.#now();
    this.#shown = true;
    this.#write(`\r\x1b[K${bar(this.#sent, this.#total)}`);
  }

  /** Takes the line away. */
  end(): void {
    if (this.#shown) this.#write("\r\x1b[K");
    this.#shown = false;
  }
}

/** `[#####     ] 50%  5.0 of 10.0 MB`. Line ends and stuffed dots make it more than the file has. */
export function bar(sent: number, total: number | null): string {
  if (total === null || total === 0) return `${megabytes(sent)} MB`;
  const part = Math.min(sent / total, 1);
  const marks = "#".repeat(Math.floor(part * width)).padEnd(width);
  return `[${marks}] ${Math.floor(part * 100)}%  ${megabytes(sent)} of ${megabytes(Math.max(sent, total))} MB`;
}

function megabytes(octets: number): string {
  return (octets / 1_000_000).toFixed(1);
}

const width = 30;

/** Milliseconds: nothing is shown of what takes less. */
const interval = 200;

import { createHash } from "node:crypto";

/** What is known of a message, to compare what was sent with what came. */
export interface Sum {
  readonly size: number;
  readonly sha256: string;
}

/** A message of so many octets, in pieces of many sizes: lines that all differ, some of which begin with a dot. */
export function* pieces(size: number): Generator<Uint8Array> {
  let left = size;
  for (let number = 0; left > 0; number++) {
    let text = "";
    // Pieces that end anywhere, even between CR and LF.
    const about = [100, 65_536, 7, 200_000, 1][number % 5]!;
    while (text.length < about) {
      const begin = text.length % 3 === 0 ? "." : "";
      text += `${begin}${number} ${text.length} ${"x".repeat(text.length % 60)}\r\n`;
    }
    const piece = new TextEncoder().encode(text);
    // The last line is as long as there is room.
    if (piece.length <= left) yield piece;
    else yield ending(left);
    left -= Math.min(piece.length, left);
  }
}

function ending(size: number): Uint8Array {
  const line = new Uint8Array(size).fill(0x78);
  for (let at = 900; at < size - 3; at += 900) line.set([13, 10], at);
  if (size >= 2) line.set([13, 10], size - 2);
  return line;
}

/** Adds up octets as they come. */
export class Summing {
  readonly #hash: ReturnType<typeof createHash> = createHash("sha256");
  #size = 0;

  add(octets: Uint8Array): void {
    this.#size += octets.length;
    this.#hash.update(octets);
  }

  sum(): Sum {
    return { size: this.#size, sha256: this.#hash.digest("hex") };
  }
}

export function sumOf(all: Iterable<Uint8Array>): Sum {
  const summing = new Summing();
  for (const octets of all) summing.add(octets);
  return summing.sum();
}

/** As it is on the wire, behind DATA: dots stuffed, and with its end. */
export function stuffed(all: Iterable<Uint8Array>): string {
  const text = Buffer.concat([...all]).toString("latin1");
  return `${text.replace(/^\./gm, "..")}.\r\n`;
}

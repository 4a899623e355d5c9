/**
 * Where to look closer for the end of data, when nothing else in it matters any more, as after a fault: the first
 * CR LF . CR LF in these octets of a chunk, or, where there is none, the last four, which may be the begin of one.
 *
 * It looks at every fifth octet where that is none of the sequence, as text mostly is not; else it goes on by as many as
 * the sequence could still be away (Horspool's algorithm).
 */
export function seekEnd(chunk: Uint8Array, from: number, end: number): number {
  for (let at = from + 4; at < end; ) {
    const octet = chunk[at];
    if (octet > DOT) {
      at += 5;
    } else if (octet === LF) {
      if (chunk[at - 1] === CR && chunk[at - 2] === DOT && chunk[at - 3] === LF && chunk[at - 4] === CR)
        return at - 4;
      at += 3;
    } else if (octet === CR) {
      at += 1;
    } else {
      at += octet === DOT ? 2 : 5;
    }
  }
  return Math.max(from, end - 4);
}

const LF = 10;
const CR = 13;
const DOT = 46;

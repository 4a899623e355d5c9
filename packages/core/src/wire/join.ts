/** One array of several. */
export function join(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0];
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** How many octets all pieces have together. */
export function octetsOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

/** Takes the first octets out of a list of pieces that has as many. */
export function take(pieces: Uint8Array[], count: number): Uint8Array {
  const taken: Uint8Array[] = [];
  for (let left = count; left > 0; ) {
    const piece = pieces[0].subarray(0, left);
    taken.push(piece);
    left -= piece.length;
    if (piece.length === pieces[0].length) pieces.shift();
    else pieces[0] = pieces[0].subarray(piece.length);
  }
  return join(taken);
}

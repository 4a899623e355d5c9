/**
 * The caller broke the contract: a call that cannot be meant in this state, or an argument that can
 * never be right. It depends on the order and the arguments of calls alone, never on the peer's octets,
 * and the session is unchanged when it is thrown (G1, G9).
 */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A broken invariant of this library. Never the peer's doing and never the caller's: please report it. */
export function bug(what: string): never {
  throw new Error(`bug: ${what}`);
}

import type { Reply } from "../reply.ts";

/**
 * What was wrong with something that the peer sent, and the reply that it deserves. A value, never thrown:
 * no octets of the peer make the core throw (G1).
 */
export interface Fault {
  /** The requirement that was broken, as numbered in the catalogue: `S-PARM-02`. Stable; texts are not. */
  readonly rule: string;
  /** What was wrong, in a few plain words, without the peer's secrets. */
  readonly detail: string;
  /** Where: the offset in octets from the start of the command line. */
  readonly at: number;
  /** The reply that says so to the peer. */
  readonly reply: Reply;
}

/** Tells a fault from the value that was hoped for. */
export function isFault(result: object | null): result is Fault {
  return result !== null && "rule" in result;
}

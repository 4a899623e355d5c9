import { UsageError } from "../errors.ts";

/**
 * Finds what is worth a thought in message data, so that all the rest can be handed on as it is. Text that is read
 * and content that is written have the same finds:
 *
 *     a CR that no LF follows in the range     bare, or its LF is yet to come
 *     an LF that no CR precedes                bare
 *     a dot behind CR LF                       stuffed, to be stuffed, or the end of data; where dots count
 *     the CR of a CR LF whose line is long     over `maxLine` octets
 *
 * A chunk of a few octets is walked by the machine itself, for which a scanner's calls would cost more than they save.
 *
 * A scanner knows no state but the line: what a find means is for the machine that asks. It only looks; views are cut
 * from the caller's octets, at the offsets that it gives.
 */
export interface Scanner {
  /**
   * The octets `from` to `end` of a chunk are to be looked at: they do not change before the last call of `next`. Of
   * the chunk before nothing is remembered.
   *
   * @param dots whether dots count
   * @param maxLine the most octets of a line without CR LF; Infinity: any
   */
  begin(chunk: Uint8Array, from: number, end: number, dots: boolean, maxLine: number): void;

  /**
   * The offset of the first find at `at` or behind it; `end` when there is none. What precedes `at` does not matter: it
   * is within a line, and neither CR nor LF. Offsets never go back between calls of `begin`.
   *
   * @param lineStart the offset at which the line in hand begins, below 0 when it did in another chunk
   */
  next(at: number, lineStart: number): number;

  /** The offset at which the line begins in which the last find is. */
  readonly lineStart: number;

  /** Some octet that was passed since `begin` is 128 or more. The finds were not passed, nor what is behind them. */
  readonly eightBit: boolean;

  /** Some octet that was passed since `begin` is 0. */
  readonly nul: boolean;
}

/** @throws {UsageError} when something else was given for a scanner */
export function checkScanner(given: Scanner | null): void {
  if (given !== null && (typeof given.begin !== "function" || typeof given.next !== "function"))
    throw new UsageError("scanner: must be null or a Scanner, as of simd()");
}

/** Something that is fuzzed: a way to read an input, what is done with it, and what has to hold then. */
export interface Target {
  readonly name: string;
  /** Inputs to begin with. */
  readonly seeds: () => readonly Uint8Array[];
  /** Pieces that are put into inputs. */
  readonly words?: readonly Uint8Array[];
  /** Octets of an input at most. Default 600. */
  readonly longest?: number;
  /** Throws what it finds. */
  readonly check: (input: Uint8Array) => void;
  /**
   * Does the plain work for an input, of whatever length, and nothing to verify it: how the cost of inputs grows is
   * measured by this. Left out: not measured.
   */
  readonly plain?: (input: Uint8Array) => void;
  /** Octets at the begin of an input that are no content: they are not repeated. Default 0. */
  readonly head?: number;
  /** Octets of the longest input that is tried for its cost. Default 4096. */
  readonly grown?: number;
}

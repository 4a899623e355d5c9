/** A core to be walked: the one of this repository, or a copy with a defect sown into it. */
export type Core = typeof import("@sansmtp/core");

/**
 * Tries a core, and throws when it breaks its word. One that finds nothing tells what it has seen. Everything of the
 * core is taken from its argument, so that it can be a bundle of its own.
 */
export interface Prover {
  readonly name: string;
  prove(core: Core): Walked;
}

/** How much was seen. */
export interface Walked {
  readonly states: number;
  readonly edges: number;
}

/** The session has broken its word. */
export class Broken extends Error {}

/** A rule of the session, by what is wrong where it does not hold. */
export function claim(holds: boolean, what: string | (() => string)): asserts holds {
  if (!holds) throw new Broken(typeof what === "string" ? what : what());
}

/** One octet a character, as dialogues are written here. */
export function octetsOf(text: string): Uint8Array {
  return Buffer.from(text, "latin1");
}

export function textOf(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString("latin1");
}

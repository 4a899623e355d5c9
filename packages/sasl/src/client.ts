import { UsageError } from "@sansmtp/core";

/** The client's side of a SASL mechanism (RFC 4422), for one exchange. */
export interface ClientMechanism {
  /** As the server lists it: `PLAIN`, `SCRAM-SHA-256-PLUS`. */
  readonly name: string;
  /** The initial response; null: the server speaks first. Default null. */
  readonly initial?: Uint8Array | null;
  /** An eavesdropper could use what is said: it is said inside TLS only. Default: for the mechanisms known as such. */
  readonly cleartext?: boolean;
  /** False: the exchange is not complete, and the server's success would be a lie (RFC 5802 §5). Default true. */
  readonly complete?: boolean;
  /** The response to a challenge; null gives up. */
  respond(challenge: Uint8Array): Uint8Array | null | Promise<Uint8Array | null>;
  /**
   * The same in steps of some milliseconds, for who has something else to do in between. To be called in the place of
   * `respond`; absent: it takes no time worth speaking of.
   */
  respondInSteps?(challenge: Uint8Array): Generator<undefined, Uint8Array | null>;
}

/** A mechanism of this package: everything is said, and nothing is a promise. */
export interface StepMechanism extends ClientMechanism {
  readonly initial: Uint8Array | null;
  readonly cleartext: boolean;
  readonly complete: boolean;
  respond(challenge: Uint8Array): Uint8Array | null;
}

/** A mechanism of one message, to which there is no challenge. */
export function oneMessage(name: string, cleartext: boolean, initial: Uint8Array): StepMechanism {
  return { name, cleartext, initial, complete: true, respond: () => null };
}

/** @throws {UsageError} when it is not text without NUL, or empty where it may not be; not saying what it is */
export function assertText(name: string, value: unknown, most: "empty" | "filled" = "filled"): void {
  if (typeof value !== "string" || value.includes("\0") || (most === "filled" && value === ""))
    throw new UsageError(`${name}: must be text${most === "filled" ? ", not empty," : ""} without NUL`);
}

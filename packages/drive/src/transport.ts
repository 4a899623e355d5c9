import type { Millis, TlsInfo } from "@sansmtp/core";

/**
 * A connection as the pump sees it: what an adapter for a runtime, or a transport of your own, has to provide. The
 * other direction is {@link Connection}: tell it what arrives.
 */
export interface Transport {
  /**
   * Writes octets, behind all that was written before. A promise says that the transport is full, and resolves
   * when it has drained: until then nothing more is written than the end of the session. It never rejects; a
   * transport that breaks calls `lost`.
   */
  write(octets: Uint8Array): void | Promise<void>;
  /**
   * Starts the TLS handshake as server, when all that was written has left. Absent where the runtime cannot.
   *
   * @param leftover octets that were read already and belong to TLS
   * @returns what the handshake gave; it rejects when it failed
   */
  upgrade?(leftover: Uint8Array): Promise<Partial<TlsInfo>>;
  /**
   * Closes, when all that was written has left; so that the last reply arrives even if the client still sends.
   *
   * @param broken nothing more can or should be delivered: let go at once
   */
  close(broken: boolean): void;
  /** Whether to read. What arrives all the same is not lost. */
  read(on: boolean): void;
  /** Call `wake` at that time, and not at any asked for earlier; null: not at all. */
  wake(at: Millis | null): void;
  /** The time on a monotonic clock, in milliseconds from any origin. */
  now(): Millis;
}

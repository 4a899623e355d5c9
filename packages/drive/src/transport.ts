import type { Millis, TlsInfo } from "@sansmtp/core";

/**
 * A connection as the pump sees it: what an adapter for a runtime has to give. What happens on the connection is
 * told to the {@link Connected} that `serve` returns; none of these methods may call it before they return.
 */
export interface Transport {
  /**
   * Writes octets, behind those written before. A promise says that enough is waiting: nothing more is written, nor
   * asked of the client, before it resolves. Rejected: the connection is lost.
   */
  write(octets: Uint8Array): void | Promise<void>;
  /**
   * Starts TLS as server when everything written has left. Absent where the runtime cannot.
   *
   * @param received octets that were read already and belong to TLS, to be put before what is read next
   * @returns what the handshake gave, once it is done; rejected when it fails. The end of the connection fails it
   */
  upgrade?(received: Uint8Array): Promise<Partial<TlsInfo>>;
  /** Read from the connection, or leave unread octets where they are. Called when it changes. */
  read(on: boolean): void;
  /**
   * Call `wake` of the connection at this time; null: not at all. A call replaces the one before. Waking too early
   * or for nothing does no harm.
   */
  wake(at: Millis | null): void;
  /**
   * The session is over. What was written should still arrive: a connection that is closed with octets unread is
   * reset, and a reset may overtake the last reply. So: end the sending side, discard what comes for a short time,
   * then let go. During a handshake let go at once. Nothing is called after this but `now` and `destroy`.
   */
  close(): void;
  /**
   * Lets go of it at once, whatever is still on its way. To be given where `close` may take its time: a
   * {@link Service} counts the connection as long as `lost` was not told, and lets go of the oldest when there are many.
   */
  destroy?(): void;
  /** The time, from any monotonic origin, in milliseconds. */
  now(): Millis;
}

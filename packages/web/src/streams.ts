import type { TlsInfo } from "@sansmtp/core";

/**
 * A connection as two streams of octets. Whoever is given one takes both locks and keeps them.
 *
 * What ends `readable` is the end of the peer's side, an error on either stream is the loss of the connection, and
 * closing `writable` ends this side.
 */
export interface Streams {
  readonly readable: ReadableStream<Uint8Array | ArrayBuffer>;
  readonly writable: WritableStream<Uint8Array>;
  /**
   * Starts TLS when everything written has left and both locks are released. Left out where there is no TLS.
   *
   * @param received for a server: octets that were read already and belong to TLS
   * @returns the streams inside TLS once the handshake is done, with what it gave; rejected when it fails
   */
  readonly upgrade?: (
    received: Uint8Array,
  ) => Promise<Pick<Streams, "readable" | "writable"> & { readonly tls?: Partial<TlsInfo> }>;
  /** Lets go of what is under the streams, now. Left out, aborting both of them has to do. */
  readonly close?: () => unknown;
}

import { UsageError } from "@sansmtp/core";

/**
 * What this transport can do. TLS is the platform's: as client in Workers; where streams are given with `upgrade`, it is
 * what that makes of it.
 */
export const capabilities: Capabilities = {
  listen: false,
  unixSocket: false,
  clientTls: true,
  clientStartTls: true,
  serverTls: false,
  serverStartTls: false,
  serverName: false,
  certificateAuthorities: false,
  clientCertificate: false,
  peerCertificate: false,
  ciphers: false,
  channelBinding: false,
  connectAbort: true,
  backPressure: true,
  halfClose: true,
};

/** What a transport can do: an option for what it cannot do throws. */
export interface Capabilities {
  /** Waits for connections itself. */
  readonly listen: boolean;
  readonly unixSocket: boolean;
  /** TLS from the start, as client. */
  readonly clientTls: boolean;
  readonly clientStartTls: boolean;
  /** TLS from the start, as server. */
  readonly serverTls: boolean;
  readonly serverStartTls: boolean;
  /** A server chooses its certificate by the name that the client asks for (SNI). */
  readonly serverName: boolean;
  /** Authorities of one's own, or none at all. */
  readonly certificateAuthorities: boolean;
  /** A client shows a certificate, and a server asks for one. */
  readonly clientCertificate: boolean;
  /** The certificate of the peer, the version and the cipher can be seen. */
  readonly peerCertificate: boolean;
  /** Ciphers and versions can be chosen. */
  readonly ciphers: boolean;
  /** For SCRAM-PLUS. */
  readonly channelBinding: boolean;
  /** An attempt to connect can be given up. */
  readonly connectAbort: boolean;
  /** Who reads slowly is written to slowly, and the other way round. A WebSocket has the first half of it. */
  readonly backPressure: boolean;
  /** One side can end while the other goes on. A WebSocket cannot. */
  readonly halfClose: boolean;
}

/**
 * Refuses options of other adapters that would have no effect here.
 *
 * @throws {UsageError} naming the first of them
 */
export function refuse(options: object, names: readonly string[], why: string): void {
  for (const name of names)
    if ((options as Record<string, unknown>)[name] !== undefined) throw new UsageError(`${name}: ${why}`);
}

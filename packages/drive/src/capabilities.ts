/** True, or a sentence that says why not. */
export type Capability = true | string;

/**
 * What an adapter can do with the sockets of its runtime, beyond what every one can: SMTP over TCP, with back-pressure,
 * and an end that loses nothing. An option that needs what a runtime cannot do throws a `UsageError` when it is given:
 * none is ignored.
 */
export interface RuntimeCapabilities {
  /** A server can start TLS on a connection that began in the clear (RFC 3207). */
  readonly serverStartTls: Capability;
  /** A server has several certificates, and takes the one for the name that the client asks for. */
  readonly sni: Capability;
  /** A server asks clients for a certificate, and cuts off those that have none which it trusts. */
  readonly serverVerifiesClient: Capability;
  /** A server reads a PROXY header and then begins TLS, even if both came in one segment. */
  readonly proxyBeforeTls: Capability;
  /** A client shows a certificate. */
  readonly clientCertificate: Capability;
  /** Both sides speak over a Unix socket. */
  readonly unixSocket: Capability;
  /** And start TLS there. */
  readonly unixSocketTls: Capability;
  /** Several processes listen on one port, and the system spreads connections over them (SO_REUSEPORT). */
  readonly sharedPort: Capability;
  /** A peer that has ended its side still gets its replies, with TLS, too. */
  readonly halfClose: Capability;
  /** An attempt to connect ends when its signal is aborted, and leaves nothing behind. */
  readonly connectAbort: Capability;
  /** Version and cipher of TLS are known, and on a server the name that the client has asked for. */
  readonly tlsDetails: Capability;
  /** Authorities that are given are trusted instead of those that the runtime has. */
  readonly ownAuthorities: Capability;
  /** Which ciphers TLS may use can be said. */
  readonly cipherControl: Capability;
  /** SCRAM can be tied to the TLS connection (RFC 5929, RFC 9266). */
  readonly channelBindings: Capability;
}

/** All of it: an adapter takes away what its runtime cannot do. */
export const everything: RuntimeCapabilities = {
  serverStartTls: true,
  sni: true,
  serverVerifiesClient: true,
  proxyBeforeTls: true,
  clientCertificate: true,
  unixSocket: true,
  unixSocketTls: true,
  sharedPort: true,
  halfClose: true,
  connectAbort: true,
  tlsDetails: true,
  ownAuthorities: true,
  cipherControl: true,
  channelBindings: true,
};

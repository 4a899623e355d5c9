import type { RuntimeCapabilities } from "@sansmtp/drive";

/** What this adapter can do on the sockets of Node: everything. */
export const capabilities: RuntimeCapabilities = {
  serverStartTls: true,
  sni: true,
  serverVerifiesClient: true,
  proxyBeforeTls: true,
  clientCertificate: true,
  unixSocket: true,
  unixSocketTls: true,
  halfClose: true,
  connectAbort: true,
  tlsDetails: true,
  ownAuthorities: true,
  cipherControl: true,
  channelBindings: true,
};

import { everything, type RuntimeCapabilities } from "@sansmtp/drive";

const noServer =
  "the platform's TLS is a client's: a server has what `upgrade` of its streams makes, if they have one";
const platform = "the platform makes its own TLS, and takes no options for it";

/**
 * What this transport can do. TLS is the platform's: as client in Workers; where streams are given with `upgrade`, it is
 * what that makes of it.
 */
export const capabilities: RuntimeCapabilities = {
  ...everything,
  serverStartTls: noServer,
  sni: noServer,
  serverVerifiesClient: noServer,
  proxyBeforeTls: noServer,
  clientCertificate: platform,
  unixSocket: "streams are not addressed: whoever opens them may open a Unix socket",
  unixSocketTls: noServer,
  sharedPort: "streams come from wherever the platform listens",
  tlsDetails: "the platform tells nothing of its TLS",
  ownAuthorities: platform,
  cipherControl: platform,
  channelBindings: "the platform has no exporter of keying material",
};

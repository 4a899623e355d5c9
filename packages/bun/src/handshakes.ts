import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import type { TlsInfo } from "@sansmtp/core";
import { type Agreed, PlainTextError, tlsInfo } from "@sansmtp/drive";
import type { BunSocket, NativeTls } from "./sockets.ts";
import { type ClientTls, nativeTls, type ServerTls } from "./tls.ts";

/** One side of TLS handshakes on Bun's own sockets. */
export interface Handshakes {
  readonly side: "server" | "client";
  readonly tls: NativeTls;
  /**
   * What the session is told of a handshake that is done. That it succeeded says nothing of the peer's certificate.
   *
   * @throws when the peer is not who it has to be
   */
  check(secure: BunSocket<unknown>): Partial<TlsInfo>;
}

/** The server's side. */
export function serverHandshakes(options: ServerTls): Handshakes {
  const { requestCert = false, rejectUnauthorized = true } = options;
  return {
    side: "server",
    tls: { ...nativeTls(options), requestCert, rejectUnauthorized },
    check(secure) {
      if (requestCert && rejectUnauthorized && !secure.authorized)
        throw new Error("the client has no certificate that is trusted");
      return tlsInfo(secure, "server", agreed(secure));
    },
  };
}

/**
 * The client's side.
 *
 * @param host whose certificate is expected; an address has to be in the certificate as such
 */
export function clientHandshakes(host: string, verify: boolean, options: ClientTls): Handshakes {
  const { rejectUnauthorized = verify, servername = isIP(host) === 0 ? host : undefined } = options;
  const { checkServerIdentity: identify = checkServerIdentity } = options;
  const expected = servername || host;
  return {
    side: "client",
    // Whose certificate it is is checked below, by the caller's own rule if there is one.
    tls: nativeTls({ ...options, rejectUnauthorized: false, ...(servername ? { servername } : {}) }),
    check(secure) {
      if (rejectUnauthorized) {
        const error: (Error & { readonly code?: string }) | null = secure.getAuthorizationError() ?? null;
        // Of a certificate that is trusted Bun says whether it is the host's, and so says the rule below.
        const named = error?.code === "ERR_TLS_CERT_ALTNAME_INVALID";
        if (!named && (error !== null || !secure.authorized))
          throw error ?? new Error("the server has no certificate that is trusted");
        const other = identify(expected, secure.getPeerCertificate());
        if (other !== undefined) throw other;
      }
      return tlsInfo(secure, "client", agreed(secure));
    },
  };
}

/** What a server says in clear text is taken for records of a version that does not exist. */
export function inTheClear(error: Error): Error {
  const plain = /WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG/.test(error.message);
  return plain ? new PlainTextError("the server answers in clear text", { cause: error }) : error;
}

/** What both sides have agreed on. */
function agreed(secure: BunSocket<unknown>): Agreed {
  return {
    version: secure.getTLSVersion(),
    serverName: secure.getServername(),
    finished: () => secure.getTLSFinishedMessage(),
    peerFinished: () => secure.getTLSPeerFinishedMessage(),
  };
}

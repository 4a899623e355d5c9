import type { TlsInfo } from "@sansmtp/core";
import { tlsInfo } from "@sansmtp/drive";
import type { BunSocket, NativeTls } from "./sockets.ts";
import { nativeTls, type ServerTls } from "./tls.ts";

/** The server's side of TLS handshakes on Bun's own sockets. */
export class Handshakes {
  readonly tls: NativeTls;
  /** Only a client with a certificate that is trusted is let in. */
  readonly #demands: boolean;

  constructor(options: ServerTls) {
    const { requestCert = false, rejectUnauthorized = true } = options;
    this.tls = { ...nativeTls(options), requestCert, rejectUnauthorized };
    this.#demands = requestCert && rejectUnauthorized;
  }

  /**
   * What the session is told of a handshake that is done. That it succeeded says nothing of the client's certificate.
   *
   * @throws when the client is not one that may be let in
   */
  check(secure: BunSocket<unknown>): Partial<TlsInfo> {
    if (this.#demands && !secure.authorized) throw new Error("the client has no certificate that is trusted");
    return tlsInfo(secure, "server", {
      version: secure.getTLSVersion(),
      serverName: secure.getServername(),
      finished: () => secure.getTLSFinishedMessage(),
      peerFinished: () => secure.getTLSPeerFinishedMessage(),
    });
  }
}

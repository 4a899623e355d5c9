import { isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { PlainTextError } from "@sansmtp/drive";

/** The client's side of TLS handshakes on sockets that are connected already. */
export class ClientHandshakes {
  readonly side = "client" as const;
  readonly #options: ConnectionOptions;

  /** @param host whose certificate is expected; an address has to be in the certificate as such */
  constructor(host: string, options: ConnectionOptions) {
    const servername = isIP(host) === 0 ? { servername: host } : {};
    this.#options = { minVersion: "TLSv1.2", host, ...servername, ...options };
  }

  /** Does a handshake; it succeeds only if the server is who it should be, as far as the options want to know. */
  begin(raw: Socket): Promise<TLSSocket> {
    return new Promise((resolve, reject) => {
      const secure = connect({ ...this.#options, socket: raw });
      secure.once("secureConnect", () => resolve(secure));
      secure.on("error", (error) => reject(inTheClear(error) ?? error));
    });
  }
}

/** OpenSSL takes what is said in clear text for records of a version that does not exist. */
function inTheClear(error: Error & { readonly code?: string }): Error | null {
  const plain = ["ERR_SSL_WRONG_VERSION_NUMBER", "ERR_SSL_PACKET_LENGTH_TOO_LONG"].includes(error.code ?? "");
  return plain ? new PlainTextError("the server answers in clear text", { cause: error }) : null;
}

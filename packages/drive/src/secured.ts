import type { TlsInfo } from "@sansmtp/core";
import { serverEndPoint } from "@sansmtp/sasl";

/** A socket inside TLS, as those of Node and of Bun are. */
export interface Secured {
  readonly authorized: boolean;
  getCipher(): { readonly name: string; readonly standardName?: string };
  getPeerCertificate(): { readonly subject?: object };
  getX509Certificate(): { readonly raw: Uint8Array } | undefined;
  getPeerX509Certificate(): { readonly raw: Uint8Array } | undefined;
  isSessionReused(): boolean;
  exportKeyingMaterial(length: number, label: string, context: Uint8Array): Uint8Array;
}

/** What each of them has under a name of its own. */
export interface Agreed {
  readonly version: string | null;
  /** On a server, the name that the client has asked for; empty, false and the like: none. */
  readonly serverName: string | false | null | undefined;
  /** The Finished of this side, and of the other one. */
  finished(): Uint8Array | undefined;
  peerFinished(): Uint8Array | undefined;
}

/** What the session is told of a handshake that is done. */
export function tlsInfo(secure: Secured, side: "server" | "client", agreed: Agreed): Partial<TlsInfo> {
  const { standardName, name } = secure.getCipher();
  return {
    version: agreed.version,
    cipher: standardName ?? name,
    serverName: agreed.serverName || null,
    peer: secure.authorized ? subject(secure) : null,
    bindings: bindingsOf(secure, side, agreed),
  };
}

/** The common name in the peer's certificate; where it has none, the whole subject. */
function subject(secure: Secured): string | null {
  const fields = secure.getPeerCertificate().subject as Record<string, string | string[]> | undefined;
  if (fields === undefined) return null;
  if (typeof fields.CN === "string") return fields.CN;
  return Object.entries(fields)
    .flatMap(([name, values]) => [values].flat().map((value) => `${name}=${value}`))
    .join(", ");
}

/**
 * What ties AUTH to a connection, by type: the same on both sides, and nobody between them can have it (RFC 5056).
 *
 * - `tls-exporter` (RFC 9266) with TLS 1.3 only: before, it is safe only with an extended master secret, and sockets do
 *   not tell whether there is one.
 * - `tls-unique` (RFC 5929) with TLS 1.2, of a handshake that has resumed nothing.
 * - `tls-server-end-point` (RFC 5929): the hash of the server's certificate, which a server does not have at hand when a
 *   session was resumed.
 */
export function bindingsOf(
  secure: Secured,
  side: "server" | "client",
  agreed: Agreed,
): Readonly<Record<string, Uint8Array>> {
  try {
    return made(secure, side, agreed);
  } catch {
    // The peer chooses what is in its certificate, and when it goes away.
    return {};
  }
}

function made(secure: Secured, side: "server" | "client", agreed: Agreed): Record<string, Uint8Array> {
  const bindings: Record<string, Uint8Array> = {};
  if (agreed.version === "TLSv1.3") {
    const exported = secure.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", new Uint8Array(0));
    bindings["tls-exporter"] = octets(exported);
  } else if (agreed.version === "TLSv1.2" && !secure.isSessionReused()) {
    // The first Finished is the client's.
    const finished = side === "client" ? agreed.finished() : agreed.peerFinished();
    if (finished !== undefined) bindings["tls-unique"] = octets(finished);
  }
  const certificate = side === "client" ? secure.getPeerX509Certificate() : secure.getX509Certificate();
  const endPoint = certificate === undefined ? null : serverEndPoint(certificate.raw);
  if (endPoint !== null) bindings["tls-server-end-point"] = endPoint;
  return bindings;
}

/** Of no pool, and nobody else's. */
function octets(given: Uint8Array): Uint8Array {
  return new Uint8Array(given);
}

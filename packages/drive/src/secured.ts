import type { TlsInfo } from "@sansmtp/core";
import { serverEndPoint } from "@sansmtp/sasl";

/** What is asked of a socket inside TLS: `TLSSocket` of Node has it, and other sockets can be shown so. */
export interface Secured {
  readonly authorized: boolean;
  /** Not in the types of Node: on a server it is the name that the client has asked for. */
  readonly servername?: string | false | null;
  getProtocol(): string | null;
  getCipher(): { readonly name: string; readonly standardName?: string };
  getPeerCertificate(): { readonly subject?: object };
  getX509Certificate(): { readonly raw: Uint8Array } | undefined;
  getPeerX509Certificate(): { readonly raw: Uint8Array } | undefined;
  getFinished(): Uint8Array | undefined;
  getPeerFinished(): Uint8Array | undefined;
  isSessionReused(): boolean;
  exportKeyingMaterial(length: number, label: string, context: Uint8Array): Uint8Array;
}

/** What the session is told of a handshake that is done. */
export function tlsInfo(secure: Secured, side: "server" | "client"): Partial<TlsInfo> {
  const { standardName, name } = secure.getCipher();
  return {
    version: secure.getProtocol(),
    cipher: standardName ?? name,
    serverName: secure.servername || null,
    peer: secure.authorized ? subject(secure) : null,
    bindings: bindingsOf(secure, side),
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
export function bindingsOf(secure: Secured, side: "server" | "client"): Readonly<Record<string, Uint8Array>> {
  try {
    return made(secure, side);
  } catch {
    // The peer chooses what is in its certificate, and when it goes away.
    return {};
  }
}

function made(secure: Secured, side: "server" | "client"): Record<string, Uint8Array> {
  const bindings: Record<string, Uint8Array> = {};
  const version = secure.getProtocol();
  if (version === "TLSv1.3") {
    const exported = secure.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", new Uint8Array(0));
    bindings["tls-exporter"] = octets(exported);
  } else if (version === "TLSv1.2" && !secure.isSessionReused()) {
    // The first Finished is the client's.
    const finished = side === "client" ? secure.getFinished() : secure.getPeerFinished();
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

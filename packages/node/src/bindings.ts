import { createHash } from "node:crypto";
import type { Secured } from "./handshakes.ts";

/**
 * What ties AUTH to a connection, by type: the same on both sides, and nobody between them can have it (RFC 5056).
 *
 * - `tls-exporter` (RFC 9266) with TLS 1.3 only: before, it is safe only with an extended master secret, and Node does
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
    bindings["tls-exporter"] = octets(
      secure.exportKeyingMaterial(32, "EXPORTER-Channel-Binding", Buffer.alloc(0)),
    );
  } else if (version === "TLSv1.2" && !secure.isSessionReused()) {
    // The first Finished is the client's.
    const finished = side === "client" ? secure.getFinished() : secure.getPeerFinished();
    if (finished !== undefined) bindings["tls-unique"] = octets(finished);
  }
  const certificate = side === "client" ? secure.getPeerX509Certificate() : secure.getX509Certificate();
  const hash = certificate === undefined ? null : certificateHash(certificate.raw);
  if (certificate !== undefined && hash !== null)
    bindings["tls-server-end-point"] = octets(createHash(hash).update(certificate.raw).digest());
  return bindings;
}

/**
 * The hash of a certificate's signature, or SHA-256 for MD5 and SHA-1 (RFC 5929 §4.1). Null: the signature has no
 * single hash, and there is no such binding.
 *
 * @param certificate in DER; Node has read it before, so that its lengths are right
 */
export function certificateHash(certificate: Uint8Array): string | null {
  const [, signature] = elements(elements(certificate)[0].content);
  const [algorithm, parameters] = elements(signature.content);
  const name = hex(algorithm.content);
  if (name !== pss) return hashes[name] ?? null;
  // RFC 4055 §3.1: [0] names the hash; without it, it is SHA-1.
  const [named] = parameters === undefined ? [] : elements(parameters.content);
  if (named?.tag !== 0xa0) return "sha256";
  const [hash] = elements(elements(named.content)[0].content);
  return hashes[hex(hash.content)] ?? null;
}

interface Element {
  readonly tag: number;
  readonly content: Uint8Array;
}

/** The elements that stand one behind the other (X.690 §8.1). */
function elements(octets: Uint8Array): Element[] {
  const found: Element[] = [];
  for (let at = 0; at < octets.length; ) {
    const tag = octets[at];
    let length = octets[at + 1];
    at += 2;
    if (length > 0x7f) {
      const more = length & 0x7f;
      length = 0;
      for (const end = at + more; at < end; at++) length = length * 256 + octets[at];
    }
    found.push({ tag, content: octets.subarray(at, at + length) });
    at += length;
  }
  return found;
}

function hex(given: Uint8Array): string {
  return Buffer.from(given).toString("hex");
}

/** Of no pool, and nobody else's. */
function octets(given: Uint8Array): Uint8Array {
  return new Uint8Array(given);
}

/** RSASSA-PSS, 1.2.840.113549.1.1.10. */
const pss = "2a864886f70d01010a";

/** By object identifier, in its DER: algorithms of signatures, and of hashes. */
const hashes: Readonly<Record<string, string>> = {
  // With RSA, 1.2.840.113549.1.1: MD5, SHA-1, SHA-256, 384, 512, 224.
  "2a864886f70d010104": "sha256",
  "2a864886f70d010105": "sha256",
  "2a864886f70d01010b": "sha256",
  "2a864886f70d01010c": "sha384",
  "2a864886f70d01010d": "sha512",
  "2a864886f70d01010e": "sha224",
  // With ECDSA, 1.2.840.10045.4: SHA-1, SHA-224, 256, 384, 512.
  "2a8648ce3d0401": "sha256",
  "2a8648ce3d040301": "sha224",
  "2a8648ce3d040302": "sha256",
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512",
  // Alone, 1.3.14.3.2.26 and 2.16.840.1.101.3.4.2: SHA-1, SHA-256, 384, 512, 224.
  "2b0e03021a": "sha256",
  "608648016503040201": "sha256",
  "608648016503040202": "sha384",
  "608648016503040203": "sha512",
  "608648016503040204": "sha224",
};

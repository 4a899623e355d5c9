import { sha224, sha256, sha384, sha512 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

/**
 * What ties AUTH to the certificate of the server, the channel binding `tls-server-end-point` (RFC 5929 §4): a hash of it.
 * Null: there is no such binding for this certificate.
 *
 * @param certificate in DER; what verified it has read it before, so that its lengths are right
 */
export function serverEndPoint(certificate: Uint8Array): Uint8Array | null {
  const name = certificateHash(certificate);
  return name === null ? null : functions[name](certificate);
}

type HashName = "sha224" | "sha256" | "sha384" | "sha512";

/**
 * The hash of a certificate's signature, or SHA-256 for MD5 and SHA-1 (RFC 5929 §4.1). Null: the signature has no
 * single hash, and there is no such binding.
 */
export function certificateHash(certificate: Uint8Array): HashName | null {
  const [, signature] = elements(elements(certificate)[0].content);
  const [algorithm, parameters] = elements(signature.content);
  const name = bytesToHex(algorithm.content);
  if (name !== pss) return hashes[name] ?? null;
  // RFC 4055 §3.1: [0] names the hash; without it, it is SHA-1.
  const [named] = parameters === undefined ? [] : elements(parameters.content);
  if (named?.tag !== 0xa0) return "sha256";
  const [hash] = elements(elements(named.content)[0].content);
  return hashes[bytesToHex(hash.content)] ?? null;
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

/** RSASSA-PSS, 1.2.840.113549.1.1.10. */
const pss = "2a864886f70d01010a";

/** By object identifier, in its DER: algorithms of signatures, and of hashes. */
const hashes: Readonly<Record<string, HashName>> = {
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

const functions: Readonly<Record<HashName, (octets: Uint8Array) => Uint8Array>> = {
  sha224,
  sha256,
  sha384,
  sha512,
};

import { sha256 } from "@noble/hashes/sha2.js";
import { encodeUtf8 } from "@sansmtp/core";

/** Whether octets of the same length are the same, in a time that does not depend on where they differ. */
export function sameOctets(one: Uint8Array, other: Uint8Array): boolean {
  let difference = one.length ^ other.length;
  for (let at = 0; at < one.length; at++) difference |= one[at] ^ (other[at] ?? 0);
  return difference === 0;
}

/** Whether two secrets are the same, in a time that does not depend on what the second is: not even on its length. */
export function sameSecret(given: string, kept: string): boolean {
  return sameOctets(sha256(encodeUtf8(given)), sha256(encodeUtf8(kept)));
}

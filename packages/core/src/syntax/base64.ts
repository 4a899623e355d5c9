const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Six bits for each octet of the alphabet, 255 for all others. */
const values: Uint8Array = new Uint8Array(256).fill(255);
for (let value = 0; value < 64; value++) values[alphabet.charCodeAt(value)] = value;

/**
 * Decodes base64 as strictly as AUTH needs it (RFC 4954 §4, RFC 4648 §3): no octet outside the alphabet, length a
 * multiple of four, pads at the end only, no bits left over. Null when it is anything else. Nothing decodes to
 * nothing.
 */
export function decodeBase64(octets: Uint8Array, start: number, end: number): Uint8Array | null {
  const length = end - start;
  if (length % 4 !== 0) return null;
  if (length === 0) return new Uint8Array(0);
  const pads = octets[end - 1] !== pad ? 0 : octets[end - 2] !== pad ? 1 : 2;
  const decoded = new Uint8Array((length / 4) * 3 - pads);
  let bits = 0;
  let held = 0;
  let written = 0;
  for (let at = start; at < end - pads; at++) {
    const value = values[octets[at]];
    if (value === 255) return null;
    bits = ((bits << 6) | value) & 0xffffff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      decoded[written++] = (bits >> held) & 0xff;
    }
  }
  return (bits & ((1 << held) - 1)) === 0 ? decoded : null;
}

/** Encodes octets in base64, with pads (RFC 4648 §4). */
export function encodeBase64(octets: Uint8Array): string {
  let text = "";
  for (let at = 0; at < octets.length; at += 3) {
    const left = octets.length - at;
    const bits =
      (octets[at] << 16) | ((left > 1 ? octets[at + 1] : 0) << 8) | (left > 2 ? octets[at + 2] : 0);
    text += alphabet[bits >> 18] + alphabet[(bits >> 12) & 63];
    text += left > 1 ? alphabet[(bits >> 6) & 63] : "=";
    text += left > 2 ? alphabet[bits & 63] : "=";
  }
  return text;
}

const pad = 0x3d;

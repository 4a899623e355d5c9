import { encodeUtf8 } from "../wire/utf8.ts";

/**
 * Decodes xtext (RFC 3461 §4): `+HH` stands for an octet, everything else printable for itself. Null when a `+` is
 * not followed by two upper-case hexadecimal digits, or an octet may not be there.
 */
export function decodeXtext(octets: Uint8Array, start: number, end: number): Uint8Array | null {
  const decoded = new Uint8Array(end - start);
  let length = 0;
  for (let at = start; at < end; at++) {
    const octet = octets[at];
    if (octet !== plus) {
      if (octet < 0x21 || octet > 0x7e || octet === equals) return null;
      decoded[length++] = octet;
      continue;
    }
    if (at + 2 >= end) return null;
    const high = upperHex(octets[at + 1]);
    const low = upperHex(octets[at + 2]);
    if (high < 0 || low < 0) return null;
    decoded[length++] = high * 16 + low;
    at += 2;
  }
  return decoded.slice(0, length);
}

/**
 * Encodes octets as xtext (RFC 3461 §4).
 *
 * @param value octets; a string stands for its UTF-8
 */
export function encodeXtext(value: Uint8Array | string): string {
  let text = "";
  for (const octet of typeof value === "string" ? encodeUtf8(value) : value) {
    const plain = octet >= 0x21 && octet <= 0x7e && octet !== plus && octet !== equals;
    text += plain ? String.fromCharCode(octet) : `+${octet.toString(16).toUpperCase().padStart(2, "0")}`;
  }
  return text;
}

/**
 * The form of an address with UTF-8 that is ASCII (RFC 6533 §3): `j\x{FC}rgen@example.com`. Half a surrogate, which
 * is no character, becomes `?`.
 */
export function encodeUtf8Address(address: string): string {
  return address.replace(/[^\x21-\x7e]|[+=\\]/gu, (letter) => {
    const point = letter.codePointAt(0) as number;
    if (point >= 0xd800 && point <= 0xdfff) return "?";
    return `\\x{${point.toString(16).toUpperCase().padStart(2, "0")}}`;
  });
}

/** The value of a hexadecimal digit in upper case; -1 for anything else. */
export function upperHex(octet: number): number {
  if (octet >= 0x30 && octet <= 0x39) return octet - 0x30;
  if (octet >= 0x41 && octet <= 0x46) return octet - 0x41 + 10;
  return -1;
}

const plus = 0x2b;
const equals = 0x3d;

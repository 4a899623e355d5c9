import { encodeUtf8 } from "@sansmtp/core";

// Octets as text and back. A character for each octet: what goes over a wire need not be UTF-8.

/** Octets; a string stands for its UTF-8. */
export type Octets = Uint8Array | string;

/** The octets that are meant. */
export function octetsOf(given: Octets): Uint8Array {
  return typeof given === "string" ? encodeUtf8(given) : given;
}

/** A character for each octet. */
export function latin1(octets: Uint8Array): string {
  let text = "";
  for (let at = 0; at < octets.length; at += 4096) {
    text += String.fromCharCode(...octets.subarray(at, at + 4096));
  }
  return text;
}

/** The octets of a text that {@link latin1} gave. */
export function fromLatin1(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** Pieces as one. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Octets that can be read on one line: what is not printable ASCII becomes `\r`, `\n`, `\0`, `\xNN`. */
export function visible(octets: Uint8Array): string {
  return latin1(octets)
    .replace(/\\/g, "\\\\")
    .replace(/\r/g, "\\r")
    .replace(/\n/g, "\\n")
    .replace(/\0/g, "\\0")
    .replace(
      /[^\x20-\x7e]/g,
      (octet) => `\\x${octet.charCodeAt(0).toString(16).padStart(2, "0").toUpperCase()}`,
    );
}

/** The octets that {@link visible} shows, or that somebody wrote so by hand. */
export function fromVisible(text: string): Uint8Array {
  const plain = latin1(encodeUtf8(text)).replace(
    /\\(?:x([0-9A-Fa-f]{2})|([rnt0\\]))/g,
    (_, hex: string | undefined, letter: string) =>
      hex === undefined ? (escapes[letter] as string) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return fromLatin1(plain);
}

const escapes: Record<string, string> = { r: "\r", n: "\n", t: "\t", "0": "\0", "\\": "\\" };

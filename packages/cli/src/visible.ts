/**
 * Octets from a peer as text for a terminal or a log: whatever they are, they stay on one line and steer nothing.
 *
 * Printable text in UTF-8 stays as it is. What would steer a terminal (C0, DEL, C1), end the line (to some
 * readers U+2028 does), or reorder or hide text (Unicode's format characters, such as U+202E) is written
 * `\x1B` or `\u{202E}`. A backslash is doubled, so that what was sent cannot be taken for what was escaped. In
 * octets that are not UTF-8 everything above 0x7E is written `\xFF`.
 */
export function visible(octets: Uint8Array): string {
  try {
    return visibleText(utf8.decode(octets));
  } catch {
    let text = "";
    for (const octet of octets) {
      const plain = octet >= 0x20 && octet <= 0x7e && octet !== backslash;
      text += plain ? String.fromCharCode(octet) : escapedOctet(octet);
    }
    return text;
  }
}

/** The same for octets that were decoded already. */
export function visibleText(text: string): string {
  return text.replace(unsafe, (character) => escaped(character.codePointAt(0)!));
}

/** Controls, format characters, line and paragraph separators, lone surrogates, private use, not assigned. */
const unsafe = /[\p{C}\p{Zl}\p{Zp}\\]/gu;
const backslash = 0x5c;
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function escaped(code: number): string {
  return code <= 0x7f ? escapedOctet(code) : `\\u{${code.toString(16).toUpperCase()}}`;
}

function escapedOctet(octet: number): string {
  if (octet === backslash) return "\\\\";
  if (octet === 0x09) return "\\t";
  return `\\x${octet.toString(16).toUpperCase().padStart(2, "0")}`;
}

/**
 * UTF-8 (RFC 3629), strictly: shortest form only, no surrogates, nothing above U+10FFFF. The core has no
 * TextDecoder, which belongs to hosts.
 */

/** The octets of a text. A lone surrogate becomes U+FFFD, as it has no octets of its own. */
export function encodeUtf8(text: string): Uint8Array {
  const octets = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit >= 0x80) return encodeBeyondAscii(text);
    octets[at] = unit;
  }
  return octets;
}

function encodeBeyondAscii(text: string): Uint8Array {
  const octets = new Uint8Array(text.length * 3);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    let point = text.charCodeAt(at);
    if (point < 0x80) {
      octets[length++] = point;
      continue;
    }
    if (point >= 0xd800 && point <= 0xdfff) {
      const next = text.charCodeAt(at + 1);
      if (point < 0xdc00 && next >= 0xdc00 && next <= 0xdfff) {
        point = 0x10000 + ((point - 0xd800) << 10) + (next - 0xdc00);
        at++;
      } else {
        point = replacement;
      }
    }
    if (point >= 0x10000) {
      octets[length++] = 0xf0 | (point >> 18);
      octets[length++] = 0x80 | ((point >> 12) & 0x3f);
      octets[length++] = 0x80 | ((point >> 6) & 0x3f);
    } else if (point >= 0x800) {
      octets[length++] = 0xe0 | (point >> 12);
      octets[length++] = 0x80 | ((point >> 6) & 0x3f);
    } else {
      octets[length++] = 0xc0 | (point >> 6);
    }
    octets[length++] = 0x80 | (point & 0x3f);
  }
  return octets.slice(0, length);
}

/** The text of octets; null when they are not well-formed UTF-8. */
export function decodeUtf8(octets: Uint8Array, start = 0, end: number = octets.length): string | null {
  return decode(octets, start, end, false);
}

/** The text of octets, with U+FFFD in the place of what is not well-formed: for display, not for decisions. */
export function decodeLossy(octets: Uint8Array, start = 0, end: number = octets.length): string {
  return decode(octets, start, end, true) as string;
}

/** The text of octets that are ASCII; others become what they are in Latin-1. */
export function ascii(octets: Uint8Array, start: number, end: number): string {
  let text = "";
  let at = start;
  // Many at a time, since a call costs as much as some octets do. What is taken from behind the end is cut off again.
  for (; end - at > 16 && at + 32 <= octets.length; at += 32) text += thirtyTwo(octets, at);
  for (; end - at > 4 && at + 8 <= octets.length; at += 8) text += eight(octets, at);
  for (; at < end; at++) text += String.fromCharCode(octets[at]);
  return at === end ? text : text.slice(0, end - start);
}

function eight(octets: Uint8Array, at: number): string {
  return String.fromCharCode(
    octets[at],
    octets[at + 1],
    octets[at + 2],
    octets[at + 3],
    octets[at + 4],
    octets[at + 5],
    octets[at + 6],
    octets[at + 7],
  );
}

function thirtyTwo(octets: Uint8Array, at: number): string {
  return String.fromCharCode(
    octets[at],
    octets[at + 1],
    octets[at + 2],
    octets[at + 3],
    octets[at + 4],
    octets[at + 5],
    octets[at + 6],
    octets[at + 7],
    octets[at + 8],
    octets[at + 9],
    octets[at + 10],
    octets[at + 11],
    octets[at + 12],
    octets[at + 13],
    octets[at + 14],
    octets[at + 15],
    octets[at + 16],
    octets[at + 17],
    octets[at + 18],
    octets[at + 19],
    octets[at + 20],
    octets[at + 21],
    octets[at + 22],
    octets[at + 23],
    octets[at + 24],
    octets[at + 25],
    octets[at + 26],
    octets[at + 27],
    octets[at + 28],
    octets[at + 29],
    octets[at + 30],
    octets[at + 31],
  );
}

function decode(octets: Uint8Array, start: number, end: number, lossy: boolean): string | null {
  let plain = start;
  while (plain < end && octets[plain] < 0x80) plain++;
  let text = ascii(octets, start, plain);
  if (plain >= end) return text;
  let piece: number[] = [];
  for (let at = plain; at < end; ) {
    const octet = octets[at];
    const width = octet < 0x80 ? 1 : sequence(octets, at, end);
    if (width === 0 && !lossy) return null;
    piece.push(width === 0 ? replacement : point(octets, at, width));
    at += width === 0 ? 1 : width;
    // An argument list has a limit in every engine.
    if (piece.length === 4096) {
      text += String.fromCodePoint(...piece);
      piece = [];
    }
  }
  return text + String.fromCodePoint(...piece);
}

/** How many octets the well-formed sequence at `at` has; 0: there is none (RFC 3629 §4). */
function sequence(octets: Uint8Array, at: number, end: number): number {
  const first = octets[at];
  const width = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0;
  if (width === 0 || at + width > end) return 0;
  const second = octets[at + 1];
  const least = first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80;
  const most = first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf;
  if (second < least || second > most) return 0;
  for (let next = at + 2; next < at + width; next++) {
    if ((octets[next] & 0xc0) !== 0x80) return 0;
  }
  return width;
}

function point(octets: Uint8Array, at: number, width: number): number {
  const first = octets[at];
  if (width === 1) return first;
  let value = first & (0x7f >> width);
  for (let next = at + 1; next < at + width; next++) value = (value << 6) | (octets[next] & 0x3f);
  return value;
}

const replacement = 0xfffd;

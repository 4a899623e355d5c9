import { encodeUtf8 } from "./utf8.ts";

/** Octets of a reply line with code and CRLF (RFC 5321 §4.5.3.1.5). */
const longestLine = 512;
const challenge = 334;

/**
 * A reply on the wire (RFC 5321 §4.2.1). A text line that would exceed 512 octets is continued on the next; but a 334
 * is a challenge, one line however long (RFC 4954 §4).
 *
 * @param enhanced put before the text of each line (RFC 2034 §4); null: none
 * @param lines text without control octets; what is not ASCII leaves as UTF-8
 */
export function formatReply(code: number, enhanced: string | null, lines: readonly string[]): Uint8Array {
  const prefix = enhanced === null ? "" : `${enhanced} `;
  const room = longestLine - 4 - prefix.length - 2;
  const folds = code !== challenge && lines.some((line) => line.length * 3 > room);
  const fitting = folds ? lines.flatMap((line) => fold(line, room)) : lines;
  const last = fitting.length - 1;
  let text = "";
  for (let at = 0; at <= last; at++) text += `${code}${at < last ? "-" : " "}${prefix}${fitting[at]}\r\n`;
  return encodeUtf8(text);
}

/** Cuts a text into pieces of at most `room` octets, at a blank where there is one, never within a character. */
function fold(text: string, room: number): string[] {
  const pieces: string[] = [];
  let start = 0;
  let octets = 0;
  let blank = -1;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    const pair = unit >= 0xd800 && unit < 0xdc00;
    const width = unit < 0x80 ? 1 : unit < 0x800 ? 2 : pair ? 4 : 3;
    if (octets + width > room) {
      const end = blank > start ? blank : at;
      pieces.push(text.slice(start, end));
      start = end === blank ? end + 1 : end;
      at = start - 1;
      octets = 0;
      blank = -1;
      continue;
    }
    if (unit === 0x20) blank = at;
    octets += width;
    if (pair) at++;
  }
  pieces.push(text.slice(start));
  return pieces;
}

import { ascii } from "../wire/utf8.ts";

/**
 * The character classes of the grammar (RFC 5321 §4.1.2, RFC 5322 §3.2.3), a bit each. With SMTPUTF8 octets of 128
 * and more belong to `atext`, `qtext`, `value` and sub-domains, too; that the text is UTF-8 is checked apart.
 */
const classes: Uint8Array = new Uint8Array(256);

const alpha = 1;
/** `0` to `9`. */
export const digit = 2;
/** Of an atom. */
export const atext = 4;
/** Of a quoted string, without a backslash before it. */
export const qtext = 8;
/** Of a general address literal. */
export const dcontent = 16;
/** Of the value of a parameter. */
export const value = 32;
/** Of a label or a keyword, beside the hyphen. */
export const letterOrDigit: number = alpha | digit;

/** Whether an octet is of any of these classes. */
export function is(octet: number, wanted: number): boolean {
  return (classes[octet] & wanted) !== 0;
}

/** The octet as upper-case letter, if it is a letter. */
export function upper(octet: number): number {
  return octet >= 0x61 && octet <= 0x7a ? octet - 0x20 : octet;
}

/** Whether the octets at `at` are this word, in whatever case. */
export function isWord(octets: Uint8Array, at: number, end: number, word: string): boolean {
  if (end - at < word.length) return false;
  for (let index = 0; index < word.length; index++) {
    if (upper(octets[at + index]) !== word.charCodeAt(index)) return false;
  }
  return true;
}

/** The text of octets with ASCII letters in upper case, and no others: in Unicode more than one thing becomes `SS`. */
export function upperAscii(octets: Uint8Array, start: number, end: number): string {
  const text = ascii(octets, start, end);
  for (let at = start; at < end; at++) {
    if (upper(octets[at]) !== octets[at]) return text.replace(/[a-z]/g, (letter) => letter.toUpperCase());
  }
  return text;
}

/** The offset of the first octet that is not SP. */
export function skipSpaces(octets: Uint8Array, at: number, end: number): number {
  let next = at;
  while (next < end && octets[next] === 0x20) next++;
  return next;
}

/** The offset of the first SP, or the end. */
export function nextSpace(octets: Uint8Array, at: number, end: number): number {
  let next = at;
  while (next < end && octets[next] !== 0x20) next++;
  return next;
}

function mark(from: number, to: number, what: number): void {
  for (let octet = from; octet <= to; octet++) classes[octet] |= what;
}

mark(0x41, 0x5a, alpha | atext);
mark(0x61, 0x7a, alpha | atext);
mark(0x30, 0x39, digit | atext);
for (const special of "!#$%&'*+-/=?^_`{|}~") mark(special.charCodeAt(0), special.charCodeAt(0), atext);
mark(0x20, 0x21, qtext);
mark(0x23, 0x5b, qtext);
mark(0x5d, 0x7e, qtext);
mark(0x21, 0x5a, dcontent);
mark(0x5e, 0x7e, dcontent);
mark(0x21, 0x3c, value);
mark(0x3e, 0x7e, value);

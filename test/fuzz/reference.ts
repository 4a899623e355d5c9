/**
 * Slow and obvious readers of what the core reads fast: written octet by octet, without looking at the core. Where the
 * host has one of its own it is used as well.
 */

/** Lines as RFC 5321 §2.3.8 has them: CR LF ends one, and nothing else does. The rest that is no line is not there. */
export function lines(data: Uint8Array): number[][] {
  const found: number[][] = [];
  let line: number[] = [];
  for (const octet of data) {
    line.push(octet);
    if (octet === 10 && line.length > 1 && line[line.length - 2] === 13) {
      found.push(line.slice(0, -2));
      line = [];
    }
  }
  return found;
}

/** base64 as RFC 4648 §4 has it, with pads, and no bits left over; null: it is not. */
export function base64(text: string): number[] | null {
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  let bits = "";
  let pads = 0;
  for (const letter of text) {
    if (letter === "=") {
      pads++;
      continue;
    }
    const value = alphabet.indexOf(letter);
    if (value < 0 || pads > 0) return null;
    bits += value.toString(2).padStart(6, "0");
  }
  if (text.length % 4 !== 0 || pads > 2) return null;
  const whole = bits.length - (bits.length % 8);
  if (/1/.test(bits.slice(whole)) || bits.length - whole !== pads * 2) return null;
  const octets: number[] = [];
  for (let at = 0; at < whole; at += 8) octets.push(Number.parseInt(bits.slice(at, at + 8), 2));
  return octets;
}

/** xtext as RFC 3461 §4 has it; null: it is not. */
export function xtext(text: string): number[] | null {
  const octets: number[] = [];
  let rest = text;
  while (rest !== "") {
    const found = /^(?:\+([0-9A-F]{2})|([!-*,-<>-~]))/.exec(rest);
    if (found === null) return null;
    octets.push(found[1] === undefined ? rest.charCodeAt(0) : Number.parseInt(found[1], 16));
    rest = rest.slice(found[0].length);
  }
  return octets;
}

/** A dotted IPv4 address without leading zeros; null: it is none. */
export function ipv4(text: string): number[] | null {
  const found = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (found === null) return null;
  const parts = found.slice(1);
  return parts.every((part) => String(Number(part)) === part && Number(part) < 256)
    ? parts.map(Number)
    : null;
}

/** Replies as RFC 5321 §4.2 has them, in whole lines: the code and the text of each, up to the first fault. */
export function replies(data: Uint8Array): { readonly code: number; readonly texts: readonly string[] }[] {
  const found: { code: number; texts: string[] }[] = [];
  let open: { code: number; texts: string[] } | null = null;
  for (const line of lines(data)) {
    const text = String.fromCharCode(...line);
    const match = /^([2-5][0-9][0-9])(?:([ -])([^\r\n]*))?$/.exec(text);
    if (match === null) break;
    const code = Number(match[1]);
    if (open !== null && open.code !== code) break;
    open ??= { code, texts: [] };
    open.texts.push(match[3] ?? "");
    if (match[2] === "-") continue;
    found.push(open);
    open = null;
  }
  return found;
}

/**
 * Every argument of every command carries a mark that nothing else carries: whatever a session shows or keeps can so
 * be traced to the command that brought it (G10). What AUTH carries is marked as secret (G13).
 *
 * Marks are all of one length, so that they change nothing but themselves.
 */
export function markOf(number: number): string {
  return `taint${String(number).padStart(4, "0")}`;
}

export function secretOf(number: number): string {
  return `secret${String(number).padStart(4, "0")}`;
}

/** All marks in a text, in order, also in base64 of a secret as AUTH says it. */
export function marksIn(text: string): readonly string[] {
  return text.match(/taint\d{4}/g) ?? nothing;
}

/** Whether a text shows a secret: in clear, or in base64 where it stands first. */
export function showsSecret(text: string): boolean {
  return /secret\d|c2VjcmV0/.test(text);
}

/** The same text whatever the marks in it are. */
export function unmarked(text: string): string {
  return text
    .replace(/taint\d{4}/g, "taint")
    .replace(/secret\d{4}/g, "secret")
    .replace(/c2VjcmV0[A-Za-z0-9+/]{5}=?/g, "c2VjcmV0");
}

const nothing: readonly string[] = [];

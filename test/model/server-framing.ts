import type { Item, Settings, State } from "./server-state.ts";

// What comes next, and where it ends: by search in the string of all that has come.

const crlf = "\r\n";

/** The next item of `octets` and how many of them it takes; null: it has not come whole. */
export function read(settings: Settings, state: State, octets: string): { item: Item; took: number } | null {
  if (state.phase === "closed" || state.phase === "tls") return null;
  if (state.phase === "connected") return { item: { kind: "connect", early: octets !== "" }, took: 0 };
  if (state.phase === "data") {
    // S-DATA-02: the first CRLF may be that of the DATA command itself.
    const end = `${crlf}${octets}`.indexOf(`${crlf}.${crlf}`);
    return end < 0 ? null : { item: { kind: "content", octets: octets.slice(0, end) }, took: end + 3 };
  }
  const end = octets.indexOf(crlf);
  if (end < 0) return null;
  const text = octets.slice(0, end);
  const took = end + 2;
  if (state.phase === "auth") {
    return { item: { kind: "response", text, tooLong: took > settings.limits.authLine }, took };
  }
  // L-LEN-11: the AUTH command has the limit of its responses.
  const limit = /^auth( |$)/i.test(text) ? settings.limits.authLine : settings.limits.commandLine;
  const tooLong = took > limit;
  const chunk = /^BDAT +(\d+)( +LAST)?[ \t]*$/i.exec(text);
  const size = Number(chunk?.[1]);
  if (chunk && !tooLong && Number.isSafeInteger(size)) {
    if (octets.length < took + size) return null;
    const item = {
      kind: "chunk",
      size,
      last: chunk[2] !== undefined,
      octets: octets.slice(took, took + size),
      tooLong,
    } as const;
    return { item, took: took + size };
  }
  return { item: { kind: "line", text, tooLong, ahead: octets.length > took }, took };
}

/** Whether what has come of the next item is a part of a chunk. */
export function isInChunk(settings: Settings, state: State, octets: string): boolean {
  if (state.phase === "connected" || state.phase === "data" || state.phase === "auth") return false;
  const line = /^BDAT +\d+( +LAST)?[ \t]*\r\n/i.exec(octets);
  return line !== null && read(settings, state, octets) === null;
}

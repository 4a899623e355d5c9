import type { Witness } from "./witness.ts";

/** What is owed a reply. */
export interface Unit {
  readonly kind: "command" | "response" | "data" | "chunk";
  readonly text: string;
  readonly verb: string;
  /** Replies to come in all, and said. */
  owed: number;
  readonly said: number;
  /** It ends a message. */
  readonly content: boolean;
  /** The message ends with it. */
  readonly last: boolean;
  /** Its content, without stuffed dots. */
  readonly octets: string | null;
  /** The application was asked for the verdict. */
  readonly asked: boolean;
}

/**
 * Takes the next thing that the client has said from what is unread; null: it has not come whole. Framing is all that
 * it does (RFC 5321 §4.1.1.4, RFC 3030 §2): lines end in CR LF, data in CR LF . CR LF, and a chunk has as many octets
 * as it says, whatever becomes of it.
 */
export function frameNext(witness: Witness): Unit | null {
  switch (witness.mode) {
    case "line":
      return command(witness);
    case "sasl": {
      const text = take(witness, witness.unread.indexOf("\r\n"), 2);
      return text === null ? null : { ...unit, kind: "response", text, verb: "response" };
    }
    case "dots":
      return data(witness);
    case "octets":
      return chunk(witness);
    case "proxy":
      proxy(witness);
      return null;
    default:
      return null;
  }
}

const unit: Unit = {
  kind: "command",
  text: "",
  verb: "",
  owed: 1,
  said: 0,
  content: false,
  last: false,
  octets: null,
  asked: false,
};

function command(witness: Witness): Unit | null {
  const text = take(witness, witness.unread.indexOf("\r\n"), 2);
  if (text === null) return null;
  const verb = /^[A-Za-z]*/.exec(text)![0].toUpperCase();
  const size = /^BDAT +(\d{1,15})( +LAST)?$/i.exec(text)?.[1];
  if (size !== undefined && text.length < 510 && !/[\x00-\x1f\x7f]/.test(text)) {
    witness.chunk = { size: Number(size), text };
    witness.mode = "octets";
    return chunk(witness);
  }
  return { ...unit, text, verb, last: / LAST *$/i.test(text) };
}

function chunk(witness: Witness): Unit | null {
  const { size, text } = witness.chunk!;
  if (witness.unread.length < size) return null;
  const octets = take(witness, size, 0);
  witness.chunk = null;
  witness.mode = "line";
  const last = / LAST$/i.test(text);
  return {
    ...unit,
    kind: "chunk",
    text,
    verb: "BDAT",
    octets,
    last,
    content: last,
    owed: last ? verdicts(witness) : 1,
  };
}

function data(witness: Witness): Unit | null {
  const at = `\r\n${witness.unread}`.indexOf("\r\n.\r\n");
  const raw = take(witness, at, 3);
  if (raw === null) return null;
  return {
    ...unit,
    kind: "data",
    text: "the data",
    octets: unstuffed(raw),
    last: true,
    content: true,
    owed: verdicts(witness),
  };
}

/** Under LMTP each recipient has a reply (RFC 2033 §4.2); where nobody was accepted, a last chunk has none. */
function verdicts({ lmtp, mail }: Witness): number {
  return lmtp && mail !== null ? mail.recipients.length : 1;
}

/** Content as it was before dots were put in (RFC 5321 §4.5.2). */
export function unstuffed(raw: string): string {
  return `\r\n${raw}`.replaceAll("\r\n.", "\r\n").slice(2);
}

/** Version 1 is a line, version 2 says how long it is; what is neither ends the attempt. */
function proxy(witness: Witness): void {
  const { unread } = witness;
  const length = unread.startsWith("PROXY ")
    ? unread.indexOf("\r\n") + 2
    : 16 + unread.charCodeAt(14) * 256 + unread.charCodeAt(15);
  if (length < 8 || Number.isNaN(length) || unread.length < length) return;
  witness.unread = unread.slice(length);
  witness.mode = "mute";
}

function take(witness: Witness, length: number, behind: number): string | null {
  if (length < 0 || witness.unread.length < length + behind) return null;
  const taken = witness.unread.slice(0, length);
  witness.unread = witness.unread.slice(length + behind);
  return taken;
}

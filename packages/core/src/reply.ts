import { UsageError } from "./errors.ts";

/**
 * An SMTP reply (RFC 5321 §4.2): the code is the decision, the text is for people.
 *
 * A value made by {@link reply} is right: it can be put on the wire as it stands.
 */
export interface Reply {
  /** 200 to 559: first digit 2 to 5, second 0 to 5 (RFC 5321 §4.2). */
  readonly code: number;
  /** `class.subject.detail` (RFC 3463), its class being the first digit of the code; null: none given. */
  readonly enhanced: string | null;
  /** The text, a line each, without code, enhanced code and CRLF. At least one, which may be empty. */
  readonly lines: readonly string[];
}

/**
 * Makes a reply: `reply(550, "5.1.1", "No such mailbox")`, `reply(250, "OK")`, `reply(214, "2.0.0", [...])`.
 *
 * @param code the reply code, 200 to 559
 * @param first the enhanced status code (RFC 3463) when a text follows, else the text
 * @param text the text: one line, or an array for a multi-line reply
 * @throws {UsageError} when the code does not exist, when the enhanced code is malformed or of another class
 *   than the code, or when the text holds a control octet (CR, LF, NUL...): nothing can be smuggled (G12)
 */
export function reply(code: number, text?: string | readonly string[]): Reply;
export function reply(code: number, enhanced: string, text: string | readonly string[]): Reply;
/* @__NO_SIDE_EFFECTS__ */
export function reply(
  code: number,
  first?: string | readonly string[],
  text?: string | readonly string[],
): Reply {
  const bare = text === undefined;
  const lines = bare ? (first ?? "") : text;
  return new CheckedReply({
    code,
    enhanced: bare ? null : (first as string),
    lines: typeof lines === "string" ? [lines] : lines,
  });
}

/** The first digit of the code: 2 done, 3 more is wanted, 4 failed for now, 5 failed (RFC 5321 §4.2.1). */
export function replyClass(reply: Reply): 2 | 3 | 4 | 5 {
  return Math.trunc(reply.code / 100) as 2 | 3 | 4 | 5;
}

/**
 * A reply that was checked and cannot be changed any more, so that it need not be looked at twice (G12). It keeps what
 * it is on the wire: a reply that is made once and given often costs a copy of its octets.
 */
export class CheckedReply implements Reply {
  readonly code: number;
  readonly enhanced: string | null;
  readonly lines: readonly string[];
  /** Its octets without an enhanced code, and with one. */
  #bare: Uint8Array | null = null;
  #coded: Uint8Array | null = null;
  #ascii: boolean | null = null;

  /** @throws {UsageError} as {@link reply} does */
  constructor({ code, enhanced, lines }: Reply) {
    if (!Number.isInteger(code) || code < 200 || code > 559 || code % 100 > 59) {
      throw new UsageError(`reply code ${code}: must be three digits, the first 2 to 5, the second 0 to 5`);
    }
    if (enhanced !== null && !isEnhancedCode(enhanced, code)) {
      throw new UsageError(
        `enhanced status code ${JSON.stringify(enhanced)} does not fit the reply code ${code}`,
      );
    }
    if (!Array.isArray(lines) || lines.length === 0) throw new UsageError(`reply ${code}: no line of text`);
    const own: string[] = [];
    for (const line of lines) {
      if (typeof line !== "string") throw new UsageError(`reply ${code}: a line that is no string`);
      const at = firstControl(line);
      if (at >= 0)
        throw new UsageError(`reply ${code}: control octet in the text at ${at}: ${JSON.stringify(line)}`);
      own.push(line);
    }
    this.code = code;
    this.enhanced = enhanced;
    this.lines = Object.freeze(own);
    Object.freeze(this);
  }

  /** This reply if it is one that was made here, else a copy that is: nothing can come into it later. */
  static of(given: Reply): CheckedReply {
    return typeof given === "object" && #bare in given ? given : new CheckedReply(given);
  }

  /** Whether its text needs no UTF-8. */
  get ascii(): boolean {
    return (this.#ascii ??= this.lines.every((line) => /^[\t\x20-\x7e]*$/.test(line)));
  }

  /**
   * Its octets on the wire, made when they are wanted first.
   *
   * @param coded with an enhanced code before the text of each line
   * @param format what makes them
   */
  octets(coded: boolean, format: ReplyFormat): Uint8Array {
    if (coded) return (this.#coded ??= format(this.code, enhancedCode(this), this.lines));
    return (this.#bare ??= format(this.code, null, this.lines));
  }
}

/** How a reply is put on the wire: its code, the enhanced code of each line or none, its lines. */
export type ReplyFormat = (code: number, enhanced: string | null, lines: readonly string[]) => Uint8Array;

/** The enhanced code of a reply, or the one that says no more than its first digit does (RFC 3463 §3.1). */
export function enhancedCode(reply: Reply): string {
  return reply.enhanced ?? `${replyClass(reply)}.0.0`;
}

function isEnhancedCode(enhanced: string, code: number): boolean {
  if (typeof enhanced !== "string") return false;
  const match = /^([245])\.(?:0|[1-9][0-9]{0,2})\.(?:0|[1-9][0-9]{0,2})$/.exec(enhanced);
  return match !== null && Number(match[1]) === Math.trunc(code / 100);
}

/** HT is allowed in reply text, other controls and lone surrogates are not (RFC 5321 §4.2). */
function firstControl(text: string): number {
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if ((unit < 0x20 && unit !== 0x09) || unit === 0x7f) return at;
    if (unit >= 0xd800 && unit <= 0xdfff) {
      const next = text.charCodeAt(at + 1);
      if (unit >= 0xdc00 || !(next >= 0xdc00 && next <= 0xdfff)) return at;
      at++;
    }
  }
  return -1;
}

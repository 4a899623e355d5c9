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
  return ownReply({
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
 * What {@link reply} makes, for replies that came as plain objects: a copy, so that nothing can come into it once it
 * was checked (G12).
 *
 * @throws {UsageError} as `reply` does
 */
export function ownReply({ code, enhanced, lines }: Reply): Reply {
  if (!Number.isInteger(code) || code < 200 || code > 559 || code % 100 > 59) {
    throw new UsageError(`reply code ${code}: must be three digits, the first 2 to 5, the second 0 to 5`);
  }
  if (enhanced !== null && !isEnhancedCode(enhanced, code)) {
    throw new UsageError(
      `enhanced status code ${JSON.stringify(enhanced)} does not fit the reply code ${code}`,
    );
  }
  if (!Array.isArray(lines) || lines.length === 0) throw new UsageError(`reply ${code}: no line of text`);
  for (const line of lines) {
    if (typeof line !== "string") throw new UsageError(`reply ${code}: a line that is no string`);
    const at = firstControl(line);
    if (at >= 0)
      throw new UsageError(`reply ${code}: control octet in the text at ${at}: ${JSON.stringify(line)}`);
  }
  return { code, enhanced, lines: [...lines] };
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

import type { Failure, FailureCode, ReceivedReply } from "@sansmtp/core";

/**
 * The session failed: before it was ready, or before what was asked for was answered. Its message never holds
 * credentials.
 */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  /** What failed, by its stable name. */
  readonly code: FailureCode;
  /** The same in plain words. */
  readonly detail: string;
  /** What the server said to it; null: nothing. */
  readonly reply: ReceivedReply | null;

  /** @param cause what the transport threw, if it did */
  constructor({ code, detail }: Failure, reply: ReceivedReply | null = null, cause: unknown = null) {
    const said =
      reply === null ? "" : ` (${[reply.code, reply.enhanced, reply.lines[0]].filter(Boolean).join(" ")})`;
    super(printable(detail + said), cause === null ? undefined : { cause });
    this.code = code;
    this.detail = detail;
    this.reply = reply;
  }
}

/** For a client's transport to throw from `upgrade`: the server answers the handshake in the clear. */
export class PlainTextError extends Error {
  override readonly name = "PlainTextError";
}

/** A server says what it likes: nothing of it steers the terminal that shows an error. */
function printable(text: string): string {
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, " ");
}

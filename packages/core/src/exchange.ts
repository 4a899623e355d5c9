import type { Reply } from "./reply.ts";
import type { Question, Send, ServerEvent } from "./server/events.ts";
import type { ServerSession } from "./server/session.ts";
import { join } from "./wire/join.ts";
import { encodeUtf8 } from "./wire/utf8.ts";

/** What came of an exchange. */
export interface Exchanged {
  /** All octets to be sent, joined. */
  readonly reply: Uint8Array;
  /** Everything else that `poll` gave, in order. */
  readonly events: readonly Exclude<ServerEvent, Send>[];
}

/**
 * The whole idea in a line: octets in, reply octets and events out. It receives, then polls until null, and has no
 * other powers.
 *
 * @param octets what the client sends; a string stands for its UTF-8
 * @param decide answers the questions, `undefined` being the default answer; left out, all are answered by default
 */
export function exchange(
  session: ServerSession,
  octets: Uint8Array | string = "",
  decide: (question: Question) => Reply | readonly Reply[] | undefined = () => undefined,
): Exchanged {
  session.receive(typeof octets === "string" ? encodeUtf8(octets) : octets);
  const sent: Uint8Array[] = [];
  const events: Exclude<ServerEvent, Send>[] = [];
  for (let event = session.poll(); event !== null; event = session.poll()) {
    if (event.type === "send") sent.push(event.data);
    else events.push(event);
    if ("id" in event) session.answer(event.id, decide(event));
  }
  return { reply: join(sent), events };
}

import { type ServerConfig, type ServerEvent, ServerSession } from "@sansmtp/core";
import { accept, codesOf, type Decision, type Question } from "../dialogues/client.ts";
import { latin1 } from "../dialogues/items.ts";

/** What poll gives until null, in short: the codes of what is sent, the type of all else and what it is about. */
export function polled(session: ServerSession, decide: (question: Question) => Decision = accept): string[] {
  const order: string[] = [];
  for (let event = session.poll(); event !== null; event = session.poll()) {
    order.push(short(event));
    if (!("id" in event)) continue;
    const decision = decide(event);
    if (decision !== "later") session.answer(event.id, decision);
  }
  return order;
}

export function short(event: ServerEvent): string {
  if (event.type === "send") return codesOf(latin1(event.data));
  if (event.type === "close") return `close ${event.reason}`;
  if (event.type === "reset") return `reset ${event.cause}`;
  if (event.type === "violation") return event.rule;
  return event.type;
}

/** A session that was said something, with the answers it got; then what more is said makes. */
export function after(
  config: Partial<ServerConfig>,
  said: string,
  decide: (question: Question) => Decision = accept,
) {
  const session = new ServerSession({ name: "mx.example.com", ...config });
  session.connected("192.0.2.1");
  polled(session, decide);
  if (said !== "") session.receive(Buffer.from(said, "latin1"));
  polled(session, decide);
  return {
    session,
    then: (octets: string) => {
      session.receive(Buffer.from(octets, "latin1"));
      return polled(session, decide);
    },
  };
}

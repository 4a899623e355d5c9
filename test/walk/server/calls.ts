import type { ServerSession } from "@sansmtp/core";
import { claim, octetsOf } from "../core.ts";
import { showsSecret } from "../marks.ts";
import { type Ground, type Spot, Turn } from "./spot.ts";

/**
 * G9: every call may be made in every state. What cannot be meant throws `UsageError` and changes nothing; what can
 * be, and means nothing here, says so.
 */
export function callEverything(ground: Ground, spot: Spot): void {
  const { session } = new Turn(ground, spot);
  const frozen = (): string => JSON.stringify(session.snapshot({ secrets: true }));
  const before = frozen();
  for (const [call, make] of Object.entries(misuses(ground, spot))) {
    let thrown: unknown = null;
    try {
      make(session);
    } catch (error) {
      thrown = error;
    }
    claim(thrown instanceof ground.core.UsageError, () => `${call} is allowed, or throws ${thrown}`);
  }
  claim(
    !session.answer(0, undefined) && !session.answerRecipient(1e9, 0, undefined),
    "answers to nothing are taken",
  );
  claim(frozen() === before, "calls that were refused have changed something");
  claim(!showsSecret(readable(session)), "a secret in a snapshot that may be shown");
  spurious(ground, spot);
  if (spot.witness.closed !== null) afterwards(ground, spot);
}

type Misuses = Readonly<Record<string, (session: ServerSession) => unknown>>;

function misuses({ core, settings }: Ground, { waiting, witness, ended }: Spot): Misuses {
  const calls: Record<string, (session: ServerSession) => unknown> = {
    "receive what is no octets": (session) => session.receive([] as unknown as Uint8Array),
    "advance to no time": (session) => session.advance(Number.NaN),
    "shutdown at some time": (session) => session.shutdown("later" as "now"),
    "connected from nowhere": (session) => session.connected("nowhere"),
  };
  if (witness.lastId > 0) calls["connected too late"] = (session) => session.connected("192.0.2.1");
  if (waiting === "tls" || ended) calls.receive = (session) => session.receive(octetsOf("NOOP\r\n"));
  if (waiting !== "tls") {
    calls.upgraded = (session) => session.upgraded();
    calls.upgradeFailed = (session) => session.upgradeFailed();
  }
  for (const { id, type } of witness.open) {
    const each = type === "message" && (settings.lmtp || witness.mail?.prdr === true);
    calls[`a wrong answer to ${type}`] = (session) =>
      session.answer(id, core.reply(type === "data" ? 250 : 354));
    calls[`no answer to ${type}`] = (session) =>
      session.answer(id, { code: 250, enhanced: null, lines: ["a\r\nb"] });
    if (!each) calls[`answers to ${type}`] = (session) => session.answer(id, [undefined]);
    else calls["answers for nobody"] = (session) => session.answer(id, []);
    calls[`an answer for a recipient to ${type}`] = (session) => session.answerRecipient(id, 99, undefined);
  }
  return calls;
}

/** A snapshot without secrets, its octets readable. */
function readable(session: ServerSession): string {
  return JSON.stringify(session.snapshot().held, (key, value: { $octets?: string } | null) => {
    if (key === "held" && Array.isArray(value)) return String.fromCharCode(...(value as number[]));
    return value?.$octets === undefined ? value : Buffer.from(value.$octets, "base64").toString("latin1");
  });
}

/** To be called too early, or for nothing, does nothing. */
function spurious(ground: Ground, spot: Spot): void {
  const turn = new Turn(ground, spot);
  turn.session.advance(Math.max(0, (spot.deadline ?? turn.now + 1000) - 1));
  turn.session.advance(0);
  if (!spot.ended && spot.waiting !== "tls") turn.session.receive(octetsOf(""));
  turn.drain();
  claim(turn.events.length === 0, "nothing has happened, and something comes of it");
  claim(turn.stop().key === spot.key, "nothing has happened, and the state is another");
}

/** It is over, whatever is done. */
function afterwards(ground: Ground, spot: Spot): void {
  const turn = new Turn(ground, spot);
  const { session, now } = turn;
  if (!spot.ended) session.receive(octetsOf("NOOP\r\n"), now);
  session.advance(now + 1e9);
  session.shutdown("now");
  session.receiveEnd();
  session.lost();
  turn.drain();
  claim(
    turn.events.length === 0 && session.phase === "closed" && session.waiting === "closed",
    "it is not over",
  );
}

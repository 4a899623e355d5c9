import { type ServerEvent, ServerSession } from "@sansmtp/core";
import { mark } from "../counts.ts";
import { hold, same } from "../finding.ts";
import { cut, joined, latin1 } from "../input.ts";
import type { Target } from "../target.ts";
import { ServerPlayer } from "./server-player.ts";
import { type Decision, replyFor, type Script, scriptHead, scriptOf, wholeSteps } from "./server-script.ts";
import { conversations, spelled } from "./server-seeds.ts";
import { holdReplies } from "./wire-lines.ts";

/** A server session, and everything that can be done to it, in any order. */
export const server: Target = {
  name: "server",
  seeds: () => conversations.map(([head, ...words]) => spelled([...head, 0], words)),
  words: wholeSteps,
  head: scriptHead,
  grown: 800,
  longest: 150,
  check(input) {
    const script = scriptOf(input, false);
    const plain = new ServerPlayer(script, { thawed: false, watched: true });
    plain.play();
    // Snapshots cost far more than all else: one input in four has them.
    if ((script.seed & 3) !== 0) return;
    const thawed = new ServerPlayer(script, { thawed: true, watched: true });
    thawed.play();
    if (!plain.flooded && !thawed.flooded)
      same(thawed.log.join("\n"), plain.log.join("\n"), "G7 it goes on differently after a snapshot");
  },
  plain(input) {
    new ServerPlayer(scriptOf(input, false), { thawed: false, watched: false }).play();
  },
};

/** A server session that is given the same octets in other pieces. */
export const serverSplit: Target = {
  name: "server-split",
  seeds: () => conversations.map(([head, ...words]) => spelled([...head, 7], words)),
  words: wholeSteps,
  head: scriptHead,
  grown: 500,
  longest: 150,
  check(input) {
    const script = scriptOf(input, true);
    const [said, decisions] = saidIn(script);
    const whole = converse(script, cut(said, 0), decisions);
    same(converse(script, cut(said, 1), decisions), whole, "G2 octet by octet it is another session");
    same(
      converse(script, cut(said, 2 + script.seed), decisions),
      whole,
      "G2 cut in pieces it is another session",
    );
    const empty = cut(said, 5 + script.seed).flatMap((piece) => [new Uint8Array(0), piece]);
    same(converse(script, empty, decisions, false), whole, "G2 polled late it is another session");
  },
  plain(input) {
    const script = scriptOf(input, true);
    const [said, decisions] = saidIn(script);
    converse(script, cut(said, script.seed % 3), decisions);
  },
};

/** All octets of a script, and the decisions in the order of the questions. */
function saidIn({ steps }: Script): readonly [Uint8Array, readonly Decision[]] {
  const pieces: Uint8Array[] = [];
  const decisions: Decision[] = [];
  for (const step of steps) {
    if (step.step === "octets") pieces.push(step.octets);
    else if (step.step === "decide" && step.decision !== "later") decisions.push(step.decision);
  }
  return [joined(pieces), decisions];
}

/** Gives a session octets, and tells what came of them: octets sent, joined; events, bodies merged. */
function converse(
  { settings }: Script,
  pieces: readonly Uint8Array[],
  given: readonly Decision[],
  polled = true,
): string {
  const session = new ServerSession(settings, 0);
  session.connected("10.0.0.1");
  const decisions = [...given];
  const sent: Uint8Array[] = [];
  const events: string[] = [];
  const bodies: Uint8Array[] = [];
  const flush = (): void => {
    if (bodies.length > 0) events.push(`body ${latin1(joined(bodies.splice(0)))}`);
  };
  const drain = (): void => {
    for (let event = session.poll(); event !== null; event = session.poll()) {
      if (event.type === "send") {
        sent.push(event.data);
        continue;
      }
      if (event.type === "body") {
        bodies.push(event.data);
        continue;
      }
      flush();
      const { phase, transaction, reader } = session;
      mark(`${phase} ${transaction} ${reader} ${event.type}`);
      events.push(`${JSON.stringify(event)} ${phase} ${transaction} ${reader}`);
      if ("id" in event) decide(session, event, decisions.shift());
    }
  };
  drain();
  for (const piece of pieces) {
    if (!polled && session.wantsInput) {
      session.receive(piece);
      continue;
    }
    drain();
    session.receive(piece);
    if (polled) drain();
  }
  drain();
  flush();
  const all = joined(sent);
  holdReplies(all);
  hold(
    session.waiting === "closed" || session.waiting === "input",
    "G5 it waits for something else than input",
  );
  const { phase, transaction, reader, waiting } = session;
  return `${latin1(all)}\n${events.join("\n")}\n${[phase, transaction, reader, waiting].join()}`;
}

function decide(
  session: ServerSession,
  question: Extract<ServerEvent, { id: number }>,
  decision: Decision | undefined,
): void {
  const usual: Decision =
    question.type === "auth" && question.step === 0
      ? "challenge"
      : question.type === "command"
        ? "default"
        : "take";
  for (const each of [decision ?? usual, "default"] as const) {
    const answer =
      each === "each" && question.type === "message"
        ? question.envelope.recipients.map((_, at) => replyFor(at % 3 === 1 ? "refuse" : "take", "message"))
        : replyFor(each, question.type);
    try {
      session.answer(question.id, answer);
      return;
    } catch (error) {
      // An answer that the question cannot have: the default is given in its place.
      if (each === "default") throw error;
    }
  }
}

import { type ServerEvent, ServerSession } from "@sansmtp/core";
import { mark } from "../counts.ts";
import { hold, same } from "../finding.ts";
import { cut, joined, latin1, octets } from "../input.ts";
import type { Target } from "../target.ts";
import { ServerPlayer } from "./server-player.ts";
import { type Decision, otherSteps, replyFor, type Script, scriptHead, scriptOf } from "./server-script.ts";
import { serverWords } from "./server-words.ts";
import { holdReplies } from "./wire-lines.ts";

/** A server session, and everything that can be done to it, in any order. */
export const server: Target = {
  name: "server",
  seeds: () => conversations.map((words) => spelled([0, 0, 0, 0], words)),
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
  seeds: () => conversations.map((words) => spelled([0, 0, 0, 7], words)),
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

/** An input that says these words: each an octet, or octets as they are where there is no such word. */
function spelled(head: readonly number[], words: readonly string[]): Uint8Array {
  const input = [...head];
  for (const word of words) {
    const at = serverWords.indexOf(word);
    if (at >= 0 && at < otherSteps) input.push(at);
    else input.push(otherSteps + 4, word.length, ...octets(word));
  }
  return Uint8Array.from(input);
}

const envelope = [
  "EHLO a.example\r\n",
  "MAIL FROM:<a@example.net>\r\n",
  "RCPT TO:<b@example.com>\r\n",
  "RCPT TO:<c@example.org>\r\n",
];

const conversations: readonly (readonly string[])[] = [
  [...envelope, "DATA\r\n", "Subject: x\r\n\r\nbody\r\n", ".\r\n", "QUIT\r\n"],
  [...envelope, "BDAT 3\r\nabc", "BDAT 3 LAST\r\n\r\n.", "RSET\r\n"],
  ["LHLO a.example\r\n", ...envelope.slice(1), "DATA\r\n", "..\r\n.x\r\n", ".\r\n"],
  ["EHLO a.example\r\n", "AUTH PLAIN AGEAYg==\r\n", "MAIL FROM:<a@example.net> ", "SIZE=10", "\r\n"],
  ["EHLO a.example\r\n", "AUTH CRAM-MD5\r\n", "AAAA\r\n", "VRFY a@example.com\r\n", "HELP\r\n"],
  ["EHLO a.example\r\n", "STARTTLS\r\n"],
  ["XCLIENT ADDR=192.0.2.9 NAME=c.example\r\n", "EHLO a.example\r\n", "XFORWARD IDENT=x PORT=25\r\n"],
  ["EHLO a.example\r\n", "AUTH CRAM-MD5\r\n", "AAAA\r\n", "ATRN a.example,b.example\r\n"],
  [...envelope, "BURL imap://a.example/x\r\n", "BDAT 0 LAST\r\n"],
];

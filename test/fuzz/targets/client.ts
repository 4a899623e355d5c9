import { type ClientEvent, ClientSession } from "@sansmtp/core";
import { mark } from "../counts.ts";
import { same } from "../finding.ts";
import { cut, joined, latin1, octets } from "../input.ts";
import type { Target } from "../target.ts";
import { ClientPlayer } from "./client-player.ts";
import { otherSteps, type Script, type Step, scriptHead, scriptOf, wholeSteps } from "./client-script.ts";
import { clientWords } from "./client-words.ts";

/** A client session, and everything that can be done to it, in any order. */
export const client: Target = {
  name: "client",
  seeds: () => [
    ...conversations.map((steps) => spelled(steps)),
    ...byHand.map((steps) => spelled(steps, [0, 0, 1, 1])),
  ],
  words: wholeSteps,
  head: scriptHead,
  grown: 800,
  longest: 150,
  check(input) {
    const script = scriptOf(input, false);
    const plain = new ClientPlayer(script, { thawed: false, watched: true });
    plain.play();
    // Snapshots cost far more than all else: one input in four has them.
    if ((script.seed & 3) !== 0) return;
    const thawed = new ClientPlayer(script, { thawed: true, watched: true });
    thawed.play();
    same(thawed.log.join("\n"), plain.log.join("\n"), "G7 it goes on differently after a snapshot");
  },
  plain(input) {
    new ClientPlayer(scriptOf(input, false), { thawed: false, watched: false }).play();
  },
};

/** A client session that is given the same octets in other pieces. */
export const clientSplit: Target = {
  name: "client-split",
  seeds: () => conversations.map((steps) => spelled(steps)),
  words: wholeSteps,
  head: scriptHead,
  grown: 500,
  longest: 150,
  check(input) {
    const script = scriptOf(input, true);
    const said = saidIn(script);
    const whole = converse(script, cut(said, 0));
    same(converse(script, cut(said, 1)), whole, "G2 octet by octet it is another session");
    same(converse(script, cut(said, 2 + script.seed)), whole, "G2 cut in pieces it is another session");
    const empty = cut(said, 5 + script.seed).flatMap((piece) => [new Uint8Array(0), piece]);
    same(converse(script, empty, false), whole, "G2 polled late it is another session");
  },
  plain(input) {
    const script = scriptOf(input, true);
    converse(script, cut(saidIn(script), script.seed % 3));
  },
};

function saidIn({ steps }: Script): Uint8Array {
  return joined(steps.flatMap((step) => (step.step === "octets" ? [step.octets] : [])));
}

/** All work is queued first; then octets come, and the owner does at once what the session asks for. */
function converse(script: Script, pieces: readonly Uint8Array[], polled = true): string {
  const session = new ClientSession(script.config, 0);
  // Not all of it: each message has this, and the work would grow with the square of the script.
  const content = script.steps.flatMap((step) => (step.step === "content" ? [step.octets] : [])).slice(0, 8);
  let quit = false;
  for (const step of script.steps) {
    if (!quit) queue(session, step);
    if (step.step === "quit") quit = true;
  }
  const log: string[] = [];
  let sent = "";
  const follow = (event: ClientEvent): void => {
    const { phase, secure } = session;
    mark(`${phase} ${event.type}`);
    if (event.type === "send") {
      sent += latin1(event.data);
      return;
    }
    log.push(`${JSON.stringify(event)} ${phase} ${secure}`);
    if (event.type === "upgrade") session.upgraded();
    if (event.type === "challenge") session.respond(octets("x"));
    if (event.type === "body") {
      for (const piece of content.length > 0 ? content : [octets("Subject: x\r\n\r\n.\r\n")])
        session.write(piece);
      session.finish();
    }
  };
  const drain = (): void => {
    for (let event = session.poll(); event !== null; event = session.poll()) follow(event);
  };
  drain();
  for (const piece of pieces) {
    session.receive(piece);
    if (polled || !session.wantsInput) drain();
  }
  drain();
  const { phase, waiting, deadlineReason } = session;
  session.lost();
  drain();
  return `${sent}\n${log.join("\n")}\n${phase} ${waiting} ${deadlineReason}`;
}

function queue(session: ClientSession, step: Step): void {
  switch (step.step) {
    case "transaction":
      session.transaction(step.envelope);
      return;
    case "auth":
      session.auth(step.mechanism, step.initial);
      return;
    case "command":
      session.command(step.verb, step.argument);
      return;
    case "xclient":
      session.xclient({ name: step.name, addr: "192.0.2.9", port: 25 });
      return;
    case "reset":
      session.reset();
      return;
    case "noop":
      session.noop();
      return;
    case "quit":
      session.quit();
      return;
    default:
  }
}

/** An input of these steps: a word by its text, another step by its octets. */
function spelled(steps: readonly (string | readonly number[])[], head = [0, 0, 0, 0]): Uint8Array {
  const input = [...head];
  for (const step of steps) {
    if (typeof step !== "string") input.push(...step);
    else if (clientWords.indexOf(step) >= 0) input.push(clientWords.indexOf(step));
    else input.push(otherSteps + 3, step.length, ...octets(step));
  }
  return Uint8Array.from(input);
}

const [arrive, mail, auth, xclient, atrn, write, finish, startTls, quit] = [
  0, 6, 10, 13, 14, 15, 19, 27, 30,
].map((step) => otherSteps + step) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

const extended = "250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 SIZE 1000000\r\n";
const eightBit = "250-mx\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 DSN\r\n";

const conversations: readonly (readonly (string | readonly number[])[])[] = [
  [
    [mail, 2, 0, quit],
    "220 mx\r\n",
    [arrive],
    eightBit,
    [arrive],
    "250 ok\r\n",
    "250 ok\r\n",
    "250 ok\r\n",
    "354 go\r\n",
    [arrive],
    "250 ok\r\n",
    [arrive],
    "221 bye\r\n",
  ],
  [
    [mail, 2, 0, mail, 3, 0, quit],
    "220 mx\r\n",
    [arrive],
    extended,
    [arrive],
    "250 ok\r\n",
    "250 ok\r\n",
    "550 5.1.1 no\r\n",
    [arrive],
    "250 ok\r\n",
    "250 ok\r\n",
    [arrive],
    "250 ok\r\n",
    "250 ok\r\n",
  ],
  [
    [auth, 0, 0, mail, 1, 0],
    "220 mx\r\n",
    [arrive],
    "250-mx\r\n",
    "250-AUTH PLAIN EXTERNAL\r\n",
    "250 HELP\r\n",
    [arrive],
    "334 YQ==\r\n",
    [arrive],
    "235 in\r\n",
    [arrive],
    "250 ok\r\n",
  ],
  [
    [startTls, mail, 1, 0],
    "220 mx\r\n",
    [arrive],
    "250-mx\r\n",
    "250-STARTTLS\r\n",
    "250 HELP\r\n",
    [arrive],
    "220 mx\r\n",
    [arrive],
    "250 mx\r\n",
    [arrive],
    "250 ok\r\n",
  ],
  [
    [xclient, 0, atrn, 1],
    "220 mx\r\n",
    [arrive],
    "250-mx\r\n250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\r\n250-XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n250 ATRN\r\n",
    [arrive],
    "220 mx\r\n",
    [arrive],
    "250 mx\r\n",
  ],
  [
    [mail, 2, 0],
    "220 mx\r\n",
    [arrive],
    "502 no\r\n",
    [arrive],
    "250 ok\r\n",
    [arrive],
    "250 ok\r\n",
    [arrive],
    "421 gone\r\n",
  ],
];

/** What is given to an owner who does not do by itself what the session asks for. */
const byHand: typeof conversations = [
  [
    [mail, 1, 0],
    "220 mx\r\n",
    [arrive],
    eightBit,
    [arrive],
    "250 ok\r\n",
    "250 ok\r\n",
    "354 go\r\n",
    [arrive, write, 0, write, 1, write, 7, finish],
    "250 ok\r\n",
  ],
  [
    [auth, 2, 0],
    "220 mx\r\n",
    [arrive],
    "250-mx\r\n",
    "250-AUTH PLAIN EXTERNAL\r\n",
    "250 HELP\r\n",
    [arrive],
  ],
  [
    [mail, 1, 0],
    "220 mx\r\n",
    [arrive],
    extended,
    [arrive],
    "250 ok\r\n",
    "250 ok\r\n",
    [arrive, write, 1, finish],
  ],
];

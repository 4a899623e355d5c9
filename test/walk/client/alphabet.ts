import { octetsOf } from "../core.ts";
import type { Step } from "../explore.ts";
import { secretOf } from "../marks.ts";
import { type Ground, type Spot, Turn, type Work } from "./spot.ts";

/** A step, and how it is made in a turn. */
export interface ClientStep extends Step<Spot> {
  readonly act: (turn: Turn) => void;
}

/** What can be done from a spot. */
export function stepsFrom(ground: Ground, spot: Spot): readonly ClientStep[] {
  if (spot.witness.closed) return [];
  const { known } = grounds.get(ground) ?? begin(ground);
  const step = (name: string, act: (turn: Turn) => void): ClientStep => {
    const found = known.get(name) ?? stepOf(ground, name, act);
    known.set(name, found);
    return found;
  };
  return [...fromServer(ground, spot, step), ...fromCaller(ground, spot, step), ...fromElsewhere(spot, step)];
}

type Make = (name: string, act: (turn: Turn) => void) => ClientStep;

const grounds = new WeakMap<Ground, { readonly known: Map<string, ClientStep> }>();

function begin(ground: Ground): { readonly known: Map<string, ClientStep> } {
  const begun = { known: new Map<string, ClientStep>() };
  grounds.set(ground, begun);
  return begun;
}

function stepOf(ground: Ground, name: string, act: (turn: Turn) => void): ClientStep {
  return {
    name,
    act,
    take: (spot) => {
      const turn = new Turn(ground, spot);
      act(turn);
      return turn.drain().stop();
    },
  };
}

/** A reply of each class, to whatever is owed one first; and what is no reply, or one that nobody is owed. */
function fromServer(ground: Ground, spot: Spot, step: Make): readonly ClientStep[] {
  const { owed, ended } = spot.witness;
  if (ended || spot.waiting === "tls") return [];
  const verb = owed[0]?.verb ?? "nothing";
  if (spot.half) {
    const rest = (turn: Turn): void => {
      turn.witness.hear(550);
      turn.raw("50 no\r\n");
    };
    return [step("the rest of the reply", rest), step("something else than its rest", broken("x\r\n"))];
  }
  const codes = owed.length === 0 ? [250, 421] : (classes[verb] ?? [250, 354, 450, 550, 421]);
  const steps = codes.map((code) => step(`${code} to ${verb}`, (turn) => turn.reply(code)));
  if (verb === "AUTH") steps.push(step("a challenge", (turn) => turn.reply(334, [], "AAAA")));
  if (verb === "end" && spot.witness.mail?.each === false)
    steps.push(step("353 to end", (turn) => turn.reply(353)));
  const hello = verb === "EHLO" || verb === "LHLO";
  const offers = hello
    ? ground.offers.map((lines) =>
        step(`250 to ${verb}: ${lines.join(", ")}`, (turn) => turn.reply(250, lines)),
      )
    : [];
  const mixed = ["EHLO", "RCPT", "end"].includes(verb) ? ["250-one\r\n550 two\r\n"] : [];
  const faults = ["what?\r\n", ...mixed].map((text) => step(JSON.stringify(text), broken(text)));
  const half =
    verb === "NOOP" || verb === "end" ? [step("the begin of a reply", (turn) => turn.raw("5"))] : [];
  const injected =
    verb === "STARTTLS" || verb === "ATRN"
      ? [
          step(
            `${verb} is accepted, and more is said`,
            broken(`2${verb === "ATRN" ? 5 : 2}0 go\r\n250 more\r\n`),
          ),
        ]
      : [];
  return [...steps, ...offers, ...faults, ...half, ...injected];
}

/** Replies that mean something of their own, where 250 does not. */
const classes: Readonly<Record<string, readonly number[]>> = {
  greeting: [220, 354, 450, 554, 421],
  DATA: [354, 250, 450, 550, 421],
  STARTTLS: [220, 354, 454, 501, 421],
  AUTH: [235, 334, 354, 454, 535, 421],
  XCLIENT: [220, 354, 450, 550, 421],
  RCPT: [250, 354, 450, 552, 421],
};

function broken(text: string): (turn: Turn) => void {
  return (turn) => {
    turn.witness.fatal = true;
    turn.raw(text);
  };
}

function fromCaller(ground: Ground, spot: Spot, step: Make): readonly ClientStep[] {
  const steps: ClientStep[] = [];
  const over = spot.phase === "quitting" || spot.witness.quitting || spot.frozen.held === null;
  if (!over && !hasQuit(spot)) {
    for (const work of ground.work)
      if (spot.queued < ground.queue || (work === "quit" && spot.queued <= ground.queue))
        steps.push(step(`ask: ${work}`, (turn) => ask(turn, work)));
  }
  if (spot.writes && spot.wantsBody) {
    steps.push(step("write", ({ session }) => session.write(octetsOf(`.x\r\n.\r\n`))));
    steps.push(step("write half a line", ({ session }) => session.write(octetsOf("x\r"))));
    steps.push(step("write a bare LF", ({ session }) => session.write(octetsOf("x\ny"))));
    if (ground.config.limits?.chunk !== undefined)
      steps.push(step("write much", ({ session }) => session.write(octetsOf("y".repeat(30)))));
  }
  if (spot.writes) steps.push(step("finish", ({ session }) => session.finish()));
  if (spot.transaction !== null)
    steps.push(
      step("abandon", ({ session }) =>
        session.abandon((session.snapshot({ secrets: true }).held as never as Transferred).state.transfer.id),
      ),
    );
  if (spot.challenged) {
    steps.push(step("respond", (turn) => turn.session.respond(octetsOf(secretOf(turn.marks++)))));
    steps.push(step("cancel", ({ session }) => session.respond(null)));
  }
  steps.push(step("close", ({ session, now }) => session.close(now)));
  return steps;
}

interface Transferred {
  readonly state: { readonly transfer: { readonly id: number } };
}

function hasQuit({ frozen }: Spot): boolean {
  const { state } = frozen.held as unknown as { state: { operations: { kind: string }[] } };
  return state.operations.some(({ kind }) => kind === "quit");
}

function ask(turn: Turn, work: Work): void {
  const { session } = turn;
  const plain = (verb: string, id: number, marks: readonly string[] = []): void =>
    turn.ask(id, { verb, marks, envelope: [] });
  switch (work) {
    case "transaction":
    case "rich":
    case "nobody": {
      const [from, one, two] = [turn.mark(), turn.mark(), turn.mark()];
      const to = work === "nobody" ? [one] : [one, two];
      const parameters = work === "rich" ? ({ size: 60, body: "8BITMIME", envid: from } as const) : {};
      const address = (mark: string): string => `${mark}@${mark}.example`;
      const id = session.transaction({ from: address(from), to: to.map(address), ...parameters });
      return turn.ask(id, { verb: "MAIL", marks: [from, ...to], envelope: to });
    }
    case "noop":
      return plain("NOOP", session.noop());
    case "vrfy": {
      const mark = turn.mark();
      return plain("VRFY", session.command("VRFY", mark), [mark]);
    }
    case "reset":
      return plain("RSET", session.reset());
    case "auth":
      return plain("AUTH", session.auth("SCRAM-SHA-256", octetsOf(secretOf(turn.marks++))));
    case "plain":
      return plain("AUTH", session.auth("PLAIN"));
    case "starttls":
      return plain("STARTTLS", session.startTls());
    case "xclient": {
      const mark = turn.mark();
      return plain("XCLIENT", session.xclient({ name: mark }), [mark]);
    }
    case "atrn":
      return plain("ATRN", session.atrn());
    case "quit":
      return session.quit();
  }
}

function fromElsewhere(spot: Spot, step: Make): readonly ClientStep[] {
  const steps: ClientStep[] = [];
  if (spot.deadline !== null)
    steps.push(
      step("the deadline passes", (turn) => {
        turn.now = turn.session.deadline!;
        turn.session.advance(turn.now);
      }),
    );
  if (!spot.witness.ended)
    steps.push(
      step("end", (turn) => {
        turn.witness.ended = true;
        turn.session.receiveEnd(turn.now);
      }),
    );
  if (spot.waiting === "tls") {
    steps.push(
      step("TLS is up", (turn) => {
        turn.witness.upgraded();
        turn.session.upgraded(turn.now);
      }),
    );
    for (const why of [{}, { plain: true }, { weak: true }]) {
      steps.push(
        step(`TLS failed ${Object.keys(why)}`, (turn) => {
          turn.witness.upgrading = false;
          turn.session.upgradeFailed(why, turn.now);
        }),
      );
    }
  }
  return steps;
}

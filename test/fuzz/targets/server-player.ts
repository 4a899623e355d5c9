import { type ServerEvent, ServerSession, type ServerSnapshot, UsageError } from "@sansmtp/core";
import { mark, work } from "../counts.ts";
import { hold, same } from "../finding.ts";
import { joined, latin1 } from "../input.ts";
import { type Decision, replyFor, type Script, type Step } from "./server-script.ts";
import { holdReplies } from "./wire-lines.ts";

type Question = Extract<ServerEvent, { id: number }>;

/** How a script is played. */
export interface Manner {
  /** Before some calls the session is put into a snapshot and taken out again: how many depends on the seed. */
  readonly thawed: boolean;
  /** Guarantees are looked at; otherwise only the work is done. */
  readonly watched: boolean;
}

/** A snapshot costs far more than a call. */
const mostThaws = 12;

/** Plays a script to a server session, and looks whether it keeps what it guarantees. */
export class ServerPlayer {
  /**
   * Everything that the session has shown, but `wantsInput`: what is unread costs less when it is one chunk, as it is
   * in a snapshot.
   */
  readonly log: string[] = [];
  /** It was given more than it wanted: when that is too much depends on the chunks, too. */
  flooded = false;
  readonly #script: Script;
  readonly #manner: Manner;
  #session: ServerSession;
  #now = 0;
  #pending: Uint8Array[] = [];
  #decisions: Decision[] = [];
  readonly #open: Question[] = [];
  #ended = false;
  #upgrading = false;
  #asked = false;
  #over = false;
  #calls = 0;
  #thaws = 0;
  readonly #sent: Uint8Array[] = [];
  /** What was given and what was got, and what it was then (G8). */
  readonly #kept: { readonly octets: Uint8Array; readonly copy: string }[] = [];

  constructor(script: Script, manner: Manner) {
    this.#script = script;
    this.#manner = manner;
    this.#session = new ServerSession(script.settings, 0);
  }

  play(): void {
    for (const step of this.#script.steps) this.#step(step);
    this.#arrive(true);
    if (!this.#manner.watched) return;
    holdReplies(joined(this.#sent));
    for (const { octets, copy } of this.#kept)
      hold(latin1(octets) === copy, "G8 octets were written to after they were handed over", () => copy);
  }

  #step(step: Step): void {
    switch (step.step) {
      case "octets":
        if (step.octets.length > 0) this.#pending.push(step.octets);
        return;
      case "arrive":
        return this.#arrive(step.polled);
      case "decide":
        this.#decisions.push(step.decision);
        return;
      case "answer":
        return this.#answer(step.which, step.decision);
      case "recipient": {
        const [question] = this.#open;
        if (question === undefined) return;
        const answer = replyFor(step.decision, question.type);
        this.#call("answerRecipient", null, (session) =>
          session.answerRecipient(question.id, step.index, answer, this.#now),
        );
        return this.#drain();
      }
      case "advance": {
        const { deadline } = this.#session;
        this.#now = step.by === "deadline" ? (deadline ?? this.#now) : this.#now + step.by;
        this.#call("advance", false, (session) => session.advance(this.#now));
        return this.#drain();
      }
      case "connected": {
        const bad = step.address === "nonsense" || this.#asked;
        this.#call("connected", bad, (session) => session.connected(step.address, this.#now));
        return;
      }
      case "upgraded": {
        const tls = { version: "TLSv1.3", sufficient: step.sufficient, peer: "cn" };
        this.#call("upgraded", !this.#isUpgrading(), (session) => session.upgraded(tls, this.#now));
        this.#upgrading = false;
        return this.#drain();
      }
      case "upgradeFailed":
        this.#call("upgradeFailed", !this.#isUpgrading(), (session) => session.upgradeFailed(this.#now));
        this.#upgrading = false;
        return this.#drain();
      case "shutdown":
        this.#call("shutdown", false, (session) => session.shutdown(step.when, this.#now));
        return this.#drain();
      case "receiveEnd": {
        const handshake = this.#session.phase === "upgrading";
        this.#call("receiveEnd", false, (session) => session.receiveEnd(this.#now));
        if (handshake) this.#upgrading = false;
        else this.#ended = true;
        return this.#drain();
      }
      case "lost":
        this.#call("lost", false, (session) => session.lost(this.#now));
        this.#upgrading = false;
        return this.#drain();
      case "poll":
        this.#poll();
        return;
      case "snapshot":
        // It costs what the session holds, so that it is no part of what is measured.
        if (this.#manner.watched) this.#call("snapshot", false, (session) => void session.snapshot());
        return;
    }
  }

  #arrive(polled: boolean): void {
    const octets = joined(this.#pending);
    this.#pending = [];
    if (this.#manner.watched) this.#kept.push({ octets, copy: latin1(octets) });
    const { phase, wantsInput } = this.#session;
    const refused = phase === "upgrading" || this.#ended;
    const taken = wantsInput || phase === "closed";
    this.#call("receive", refused ? true : taken ? false : null, (session) =>
      session.receive(octets, this.#now),
    );
    if (polled) this.#drain();
  }

  #answer(which: "first" | "last" | "none", decision: Decision): void {
    const question = which === "last" ? this.#open.at(-1) : this.#open[0];
    if (which === "none" || question === undefined) {
      this.#call("answer", false, (session) =>
        hold(!session.answer(1_000_000, undefined, this.#now), "G9 an answer to nothing was taken"),
      );
      return;
    }
    this.#decide(question, decision);
    this.#drain();
  }

  #decide(question: Question, decision: Decision): void {
    const sure =
      decision === "default" || decision === "close" || (decision === "take" && question.type !== "command");
    const answer =
      decision === "each" && question.type === "message"
        ? question.envelope.recipients.map((_, at) => replyFor(at % 3 === 1 ? "refuse" : "take", "message"))
        : replyFor(decision, question.type);
    const thrown = this.#call("answer", sure ? false : null, (session) =>
      session.answer(question.id, answer, this.#now),
    );
    const at = this.#open.indexOf(question);
    if (!thrown && at >= 0) this.#open.splice(at, 1);
    else if (thrown && at < 0) this.#open.push(question);
  }

  /** The handshake was asked for, and is not over. */
  #isUpgrading(): boolean {
    return this.#upgrading && this.#session.phase === "upgrading";
  }

  #drain(): void {
    while (this.#poll() !== null);
  }

  #poll(): ServerEvent | null {
    const before = work();
    let event: ServerEvent | null = null;
    this.#call("poll", false, (session) => {
      event = session.poll();
    });
    const polled = event as ServerEvent | null;
    if (this.#manner.watched) this.#look(polled, work() - before);
    if (polled === null) return null;
    if (polled.type === "send") this.#sent.push(polled.data);
    else if (polled.type === "upgrade") this.#upgrading = true;
    else if (polled.type === "close" || polled.type === "turn") this.#over = true;
    if (polled.type === "connect") this.#asked = true;
    if ("id" in polled) {
      const decision = this.#decisions.shift() ?? usual(polled);
      if (decision === "later") this.#open.push(polled);
      else this.#decide(polled, decision);
    }
    return polled;
  }

  #look(event: ServerEvent | null, cost: number): void {
    const session = this.#session;
    const { phase, transaction, reader, waiting, deadline, deadlineReason } = session;
    mark(`${phase} ${transaction} ${reader} ${event?.type} ${waiting}`);
    if (event?.type === "violation") mark(`${event.rule} ${transaction} ${reader}`);
    // A group of replies ends at 16 KiB, of which the shortest have 14 octets; what so many commands cost is what one
    // poll may do, and what it has to do for the octets that were given to it.
    const given = this.#kept.at(-1)?.octets.length ?? 0;
    if (!this.#manner.thawed)
      hold(cost <= 1_000_000 + 100 * given, "G6 unbounded work in one poll", () => String(cost));
    if (event === null && waiting === "input") hold(deadline !== null, "G6 it waits without a deadline");
    if (event === null) hold(waiting !== "nothing", "G3 null, and it waits for nothing");
    if (waiting === "closed") hold(phase === "closed", "G3 closed, but not by its phase");
    if (event !== null && "data" in event) {
      hold(event.data.length > 0 || event.type === "upgrade", "G5 an empty piece");
      this.#kept.push({ octets: event.data, copy: latin1(event.data) });
    }
    const shown =
      event !== null && "data" in event ? `${event.type} ${latin1(event.data)}` : JSON.stringify(event);
    const where = ` ${phase} ${transaction} ${reader} ${waiting} ${deadline} ${deadlineReason}`;
    const last = this.log.at(-1) ?? "";
    // What is unread is one chunk in a snapshot, so that adjacent pieces of content may come as one (G2).
    if (event?.type === "body" && last.startsWith("body ") && last.endsWith(where))
      this.log[this.log.length - 1] = last.slice(0, -where.length) + shown.slice("body ".length) + where;
    else this.log.push(shown + where);
    if (event === null) this.log.push(`${JSON.stringify(session.client)} ${session.protocol}`);
    if (event !== null) hold(!this.#over, "G4 an event after the last", () => shown);
  }

  /** @returns whether it threw: a UsageError, and only where that is deserved (true), or may be (null) */
  #call(name: string, deserved: boolean | null, call: (session: ServerSession) => unknown): boolean {
    let before = "";
    const { seed } = this.#script;
    const thaw = this.#manner.thawed && this.#thaws < mostThaws && ++this.#calls % (1 + (seed >> 4)) === 0;
    if (thaw) this.#thaws++;
    if (thaw) {
      before = this.#freeze();
      this.#session = ServerSession.restore(this.#script.settings, JSON.parse(before) as ServerSnapshot);
      same(this.#freeze(), before, "G7 a snapshot of what was restored is another");
    }
    try {
      const result = call(this.#session);
      hold(deserved !== true, `G9 ${name} was not refused`);
      if (typeof result === "boolean") this.log.push(`${name} ${result}`);
      return false;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      hold(deserved !== false, `G1 ${name} threw a UsageError`, () => error.message);
      if (error.message === "receive: wantsInput is false") this.flooded = true;
      this.log.push(`${name}: ${error.message}`);
      if (thaw) same(this.#freeze(), before, `G9 ${name} was refused and has changed something`);
      return true;
    }
  }

  #freeze(): string {
    const snapshot = this.#session.snapshot({ secrets: true });
    const { events, lines, output, state } = snapshot.held as unknown as Retained;
    const { limits, concurrentRecipients } = this.#script.settings;
    hold(events.length <= 8, "G6 events pile up", () => String(events.length));
    hold(lines.held.length <= Math.max(limits.commandLine, limits.authLine), "G6 the line held is too long");
    hold(output.$octets.length <= 100_000, "G6 replies pile up", () => String(output.$octets.length));
    hold(state.slots.length <= concurrentRecipients, "G6 questions pile up");
    hold(state.mail.recipients.length <= limits.recipients, "G6 recipients pile up");
    return JSON.stringify(snapshot);
  }
}

/** What is looked at in a snapshot: all that a session holds but what was received and not read. */
interface Retained {
  readonly events: readonly unknown[];
  readonly lines: { readonly held: readonly number[] };
  readonly output: { readonly $octets: string };
  readonly state: {
    readonly slots: readonly unknown[];
    readonly mail: { readonly recipients: readonly unknown[] };
  };
}

/** Takes mail, lets those in who have answered a challenge, and refuses what the name says. */
function usual(question: Question): Decision {
  if (question.type === "message") return question.content.size % 5 === 4 ? "refuse" : "take";
  if (question.type === "auth")
    return question.step === 0 && question.response === null ? "challenge" : "take";
  if (question.type === "burl" || question.type === "atrn") return "take";
  return "default";
}

import type {
  Json,
  Question,
  Reply,
  ServerEvent,
  ServerSession,
  ServerSettings,
  ServerSnapshot,
} from "@sansmtp/core";
import { type Core, claim, octetsOf, textOf } from "../core.ts";
import { markOf, marksIn, secretOf, showsSecret } from "../marks.ts";
import { keyOf, shown } from "./key.ts";
import { Witness } from "./witness.ts";

/** A session that stands still, everything said: what it is can be frozen, and what was heard of it is known. */
export interface Spot {
  readonly frozen: ServerSnapshot;
  readonly key: string;
  readonly witness: Witness;
  readonly now: number;
  /** Marks that were given out. */
  readonly marks: number;
  readonly deadline: number | null;
  readonly waiting: ServerSession["waiting"];
  readonly phase: ServerSession["phase"];
  readonly transaction: ServerSession["transaction"];
  /** A line has begun. */
  readonly halfLine: boolean;
  readonly ended: boolean;
  readonly shutdown: string;
}

/** What the walk goes through: a core, and how its sessions are configured. */
export interface Ground {
  readonly core: Core;
  readonly settings: ServerSettings;
  /** Counters that are part of a state: those whose limit can be reached. */
  readonly counted: readonly string[];
  /** Everything is said, in each of its forms; else what moves a session on, and each transaction in one way. */
  readonly all: boolean;
  /** AUTH is said. */
  readonly auth: boolean;
  /** The service may end when nothing is open. */
  readonly idle: boolean;
  /** The client may speak before it is greeted. */
  readonly early: boolean;
  /** The address from which the client connects. */
  readonly peer: string | null;
}

/** A session that goes on from a spot. */
export class Turn {
  readonly ground: Ground;
  session: ServerSession;
  readonly witness: Witness;
  now: number;
  marks: number;
  /** What it has given since. */
  readonly events: ServerEvent[] = [];
  /** Octets are given one by one, and everything is polled between them. */
  split: boolean;
  /** Answers questions as they are asked; null: they stay open. */
  decide: ((question: Question) => Reply | undefined) | null = null;

  constructor(ground: Ground, from: Spot | null, split: boolean = false) {
    const { core, settings, peer } = ground;
    this.ground = ground;
    this.split = split;
    this.now = from?.now ?? 0;
    this.marks = from?.marks ?? 0;
    this.witness = from?.witness.copy() ?? new Witness(settings);
    this.session =
      from === null ? new core.ServerSession(settings, 0) : core.ServerSession.restore(settings, from.frozen);
    if (from === null && peer !== null) this.session.connected(peer, 0);
  }

  /** The same turn, from here on in pieces or not. */
  as(split: boolean): this {
    this.split = split;
    return this;
  }

  mark(): string {
    return markOf(this.marks++);
  }

  secret(): string {
    return Buffer.from(secretOf(this.marks++)).toString("base64");
  }

  /** The client says something, one character an octet. */
  say(octets: string): void {
    const pieces = this.split ? cut(octets) : [octets];
    for (const piece of pieces) {
      if (this.witness.closed !== null) return;
      this.witness.hear(piece);
      this.session.receive(octetsOf(piece), this.now);
      if (this.split) this.drain();
    }
  }

  answer(id: number, reply: Reply | readonly (Reply | undefined)[] | undefined): void {
    claim(this.session.answer(id, reply, this.now), "an open question takes no answer");
    this.witness.answered(id);
  }

  /** Polls until there is nothing more, and holds each event against what was heard. */
  drain(): this {
    const { session, witness } = this;
    for (let event = session.poll(); event !== null; event = session.poll()) {
      this.events.push(event);
      witness.see(event, session);
      this.#describes(event);
      if (this.split && event.type !== "send") this.#refuses();
      if ("id" in event && this.decide !== null) this.answer(event.id, this.decide(event));
    }
    return this;
  }

  /** G9: also before everything was polled, what cannot be meant throws and changes nothing. */
  #refuses(): void {
    const { session } = this;
    const frozen = (): string => JSON.stringify(session.snapshot({ secrets: true }));
    const before = frozen();
    const calls = [
      () => session.receive([] as unknown as Uint8Array),
      () => session.advance(Number.NaN),
      () => session.connected("nowhere"),
      () => session.answer(this.witness.open[0]?.id ?? -1, { code: 250, enhanced: null, lines: ["a\nb"] }),
    ];
    for (const call of calls) {
      try {
        call();
      } catch (error) {
        claim(error instanceof this.ground.core.UsageError, () => `throws ${error}`);
      }
    }
    claim(frozen() === before, "calls that were refused between two events have changed something");
  }

  /** Freezes the session, and holds what it is and what it tells against what was heard. */
  stop(): Spot {
    const { session, witness, ground, now, marks } = this;
    const { waiting, deadline } = session;
    claim(waiting !== "nothing", "null was polled, and it waits for nothing");
    const frozen = session.snapshot({ secrets: true });
    const text = shown(frozen.held, ground.counted);
    const live = witness.live();
    for (const mark of marksIn(text)) claim(live.has(mark), () => `${mark} is kept: ${text}`);
    witness.compare(session);
    const { state, lines, output, input } = frozen.held as unknown as Held;
    claim(output.$octets === "", "replies are kept back");
    this.#waits(state);
    return {
      frozen,
      key: keyOf(text, witness),
      witness,
      now,
      marks,
      deadline,
      waiting,
      phase: session.phase,
      transaction: session.transaction,
      halfLine: lines.read > 0 || input.$octets !== "" || state.held !== null,
      ended: state.ended,
      shutdown: state.shutdown,
    };
  }

  /** G3: the getters tell of the session as of this event. G10, G13: and it shows what is live and no secret. */
  #describes(event: ServerEvent): void {
    const { session, witness } = this;
    const { phase, transaction, waiting } = session;
    const tells = (holds: boolean): void =>
      claim(holds, `${event.type}, and it is ${phase} ${transaction} ${waiting}`);
    switch (event.type) {
      case "send":
        return tells(event.data.length > 0);
      case "upgrade":
        return tells(phase === "upgrading" && transaction === "none");
      case "turn":
      case "close":
        return tells(
          phase === "closed" && waiting === "closed" && session.poll() === null && transaction === "none",
        );
      case "body":
        return tells(event.data.length > 0 && (transaction === "data" || transaction === "chunks"));
      case "reset":
        return tells(
          !["sender", "recipients", "data", "verdict"].includes(transaction) || phase === "closed",
        );
      case "violation":
        break;
      case "message":
        tells(transaction === "verdict" && phase === "ready");
        break;
      case "mail":
        tells(transaction === "none" && phase === "ready" && session.envelope.recipients.length === 0);
        break;
      case "rcpt":
        tells((transaction === "sender" || transaction === "recipients") && phase === "ready");
        break;
      case "data":
        tells(transaction === "recipients" && phase === "ready");
        break;
      default:
    }
    if ("id" in event) tells(session.answer(0, undefined) === false);
    const text = JSON.stringify(event.type === "auth" ? { ...event, response: null } : event);
    claim(!showsSecret(text), `a secret in ${text}`);
    const live = witness.live();
    for (const mark of marksIn(text)) claim(live.has(mark), `${mark} is gone, and shown in ${text}`);
  }

  /** What it waits for is there to be waited for, and somebody ends the wait. */
  #waits({ phase, ended }: Held["state"]): void {
    const { session, witness, ground } = this;
    const { waiting, wantsInput, deadline, deadlineReason } = session;
    claim((deadline === null) === (deadlineReason === null), "a deadline without a name");
    claim((waiting === "closed") === (witness.closed !== null), `waiting is ${waiting}`);
    claim(
      (waiting === "answer") === witness.open.length > 0,
      `waits for ${waiting}, ${witness.open.length} are open`,
    );
    claim((waiting === "tls") === (phase === "upgrading"), `${waiting} while ${phase}`);
    switch (waiting) {
      case "input":
        claim(deadline !== null && deadline > this.now, "nothing ends the wait for input");
        claim(wantsInput && !ended, "waits for input and wants none");
        return;
      case "tls":
        claim(
          deadline !== null && deadline > this.now && !wantsInput,
          "nothing ends the wait for the handshake",
        );
        return;
      case "closed":
        claim(deadline === null && !wantsInput, "a deadline, or a wish, after the end");
        return;
      default:
        // The application's time is its own.
        claim(
          deadline === null || ground.settings.timers.session !== Number.POSITIVE_INFINITY,
          "a deadline for the application",
        );
    }
  }
}

/** Octet by octet; what is too long for that in pieces of odd lengths. */
function cut(octets: string): readonly string[] {
  return octets.length < 1000 ? [...octets] : (octets.match(/[\s\S]{1,997}/g) ?? []);
}

/** All that was sent, and the rest with adjacent pieces of content joined: what must not depend on the pieces (G2). */
export function transcript(events: readonly ServerEvent[]): {
  readonly sent: string;
  readonly told: readonly string[];
} {
  let sent = "";
  let body = "";
  const told: string[] = [];
  const end = (): void => {
    if (body !== "") told.push(`body ${body}`);
    body = "";
  };
  for (const event of events) {
    if (event.type === "send") sent += textOf(event.data);
    else if (event.type === "body") body += textOf(event.data);
    else {
      end();
      told.push(JSON.stringify(event));
    }
  }
  end();
  return { sent, told };
}

/** What is looked at of a snapshot. */
interface Held {
  readonly state: {
    readonly phase: string;
    readonly ended: boolean;
    readonly shutdown: string;
    readonly held: Json;
  };
  readonly lines: { readonly read: number };
  readonly input: { readonly $octets: string };
  readonly output: { readonly $octets: string };
}

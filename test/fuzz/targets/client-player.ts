import {
  type ClientEvent,
  ClientSession,
  type ClientSnapshot,
  type OutgoingEnvelope,
  UsageError,
} from "@sansmtp/core";
import { mark, work } from "../counts.ts";
import { hold, same } from "../finding.ts";
import { joined, latin1, octets } from "../input.ts";
import type { Script, Step } from "./client-script.ts";
import { type Content, SentByClient } from "./client-sent.ts";

/** How a script is played. */
export interface Manner {
  /** Before some calls the session is put into a snapshot and taken out again: how many depends on the seed. */
  readonly thawed: boolean;
  /** Guarantees are looked at; otherwise only the work is done. */
  readonly watched: boolean;
}

/** A transaction as its owner sees it. */
interface Sent {
  readonly envelope: OutgoingEnvelope;
  readonly content: Content;
  done: boolean;
}

/** A snapshot costs far more than a call. */
const mostThaws = 12;

/** Plays a script to a client session, and looks whether it keeps what it guarantees. */
export class ClientPlayer {
  readonly log: string[] = [];
  readonly #script: Script;
  readonly #manner: Manner;
  readonly #wire = new SentByClient();
  readonly #sent = new Map<number, Sent>();
  readonly #kept: { readonly octets: Uint8Array; readonly copy: string }[] = [];
  #session: ClientSession;
  #now = 0;
  #pending: Uint8Array[] = [];
  #ended = false;
  #upgrading = false;
  #quit = false;
  #challenged = false;
  #over = false;
  /** What was given to be sent has not left. */
  #full = false;
  #body: Sent | null = null;
  #calls = 0;
  #thaws = 0;

  constructor(script: Script, manner: Manner) {
    this.#script = script;
    this.#manner = manner;
    this.#session = new ClientSession(script.config, 0);
  }

  play(): void {
    this.#drain();
    for (const step of this.#script.steps) this.#step(step);
    this.#arrive(true);
    this.#call("lost", false, (session) => session.lost(this.#now));
    this.#drain();
    if (!this.#manner.watched) return;
    hold(
      this.#session.waiting === "closed",
      "G3 the connection is gone, and it waits",
      () => this.#session.waiting,
    );
    for (const [id, { done }] of this.#sent) hold(done, "a transaction without an outcome", () => String(id));
    this.#wire.end();
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
      case "transaction":
        return this.#queued("transaction", (session) => {
          const id = session.transaction(step.envelope);
          const content = {
            lineEnds: this.#script.config.lineEnds ?? "strict",
            written: [],
            finished: false,
            arrived: false,
            pure: true,
          };
          this.#sent.set(id, { envelope: step.envelope, content, done: false });
        });
      case "auth":
        return this.#queued("auth", (session) => session.auth(step.mechanism, step.initial));
      case "command":
        return this.#queued("command", (session) => session.command(step.verb, step.argument));
      case "xclient":
        return this.#queued("xclient", (session) =>
          session.xclient({ name: step.name, addr: "192.0.2.9", port: 25 }),
        );
      case "atrn":
        return this.#queued("atrn", (session) => session.atrn(step.domains));
      case "startTls":
        return this.#queued("startTls", (session) => session.startTls());
      case "reset":
        return this.#queued("reset", (session) => session.reset());
      case "noop":
        return this.#queued("noop", (session) => session.noop());
      case "quit": {
        const { phase } = this.#session;
        const over = phase === "closing" || phase === "closed";
        if (!this.#call("quit", over, (session) => session.quit())) this.#quit = true;
        return this.#drain();
      }
      case "content":
        return this.#write(step.octets);
      case "finish":
        return this.#finish();
      case "burl": {
        const body = this.#body;
        const thrown = this.#call("burl", body?.envelope.burl === true ? false : null, (session) =>
          session.burl(step.url),
        );
        if (!thrown && body !== null) body.content.pure = false;
        return this.#drain();
      }
      case "abandon": {
        const id = [...this.#sent.keys()][step.which];
        if (id === undefined) return;
        this.#call("abandon", false, (session) => session.abandon(id));
        return this.#drain();
      }
      case "respond":
        this.#respond(step.octets);
        return this.#drain();
      case "upgraded":
        return this.#upgraded((session) => session.upgraded(this.#now));
      case "upgradeFailed":
        return this.#upgraded((session) =>
          session.upgradeFailed({ plain: step.why === "plain", weak: step.why === "weak" }, this.#now),
        );
      case "advance": {
        const { deadline } = this.#session;
        this.#now = step.by === "deadline" ? (deadline ?? this.#now) : this.#now + step.by;
        this.#call("advance", false, (session) => session.advance(this.#now));
        return this.#drain();
      }
      case "poll":
        this.#poll();
        return;
      case "pressure":
        this.#full = step.full;
        return this.#drain();
      case "receiveEnd":
      case "lost":
        this.#call(step.step, false, (session) => session[step.step as "lost"](this.#now));
        this.#ended = true;
        return this.#drain();
      case "close":
        this.#call("close", false, (session) => session.close(this.#now));
        return this.#drain();
      case "snapshot":
        // It costs what the session holds, so that it is no part of what is measured.
        if (this.#manner.watched) this.#call("snapshot", false, (session) => void session.snapshot());
        return;
    }
  }

  #queued(name: string, call: (session: ClientSession) => unknown): void {
    const { phase } = this.#session;
    const over = this.#quit || phase === "closing" || phase === "closed" || phase === "quitting";
    this.#call(name, over, call);
    this.#drain();
  }

  #arrive(polled: boolean): void {
    const octets = joined(this.#pending);
    this.#pending = [];
    if (this.#manner.watched) this.#kept.push({ octets, copy: latin1(octets) });
    const refused = this.#session.phase === "upgrading" || this.#ended;
    this.#call("receive", refused, (session) => session.receive(octets, this.#now));
    if (polled) this.#drain();
  }

  #write(given: Uint8Array): void {
    const body = this.#body;
    const thrown = this.#call("write", body === null ? null : false, (session) => session.write(given));
    if (!thrown && body !== null) body.content.written.push(given);
    this.#drain();
  }

  #finish(): void {
    const body = this.#body;
    if (body !== null) body.content.finished = true;
    this.#body = null;
    this.#call("finish", body === null ? null : false, (session) => session.finish());
    this.#drain();
  }

  #respond(given: Uint8Array | null): void {
    const challenged = this.#challenged && this.#session.waiting === "response";
    this.#challenged = false;
    this.#call("respond", challenged ? false : null, (session) => session.respond(given));
  }

  #upgraded(call: (session: ClientSession) => void): void {
    this.#call("upgraded", !(this.#upgrading && this.#session.phase === "upgrading"), call);
    this.#upgrading = false;
    this.#drain();
  }

  #drain(): void {
    while (this.#poll() !== null);
  }

  #poll(): ClientEvent | null {
    const full = this.#full;
    const before = work();
    let event: ClientEvent | null = null;
    this.#call("poll", false, (session) => {
      event = session.poll(full);
    });
    const polled = event as ClientEvent | null;
    if (this.#manner.watched) this.#look(polled, work() - before);
    if (polled !== null) this.#follow(polled);
    return polled;
  }

  #follow(event: ClientEvent): void {
    const { willing } = this.#script;
    switch (event.type) {
      case "upgrade":
        this.#upgrading = true;
        if (willing) this.#upgraded((session) => session.upgraded(this.#now));
        return;
      case "challenge":
        this.#challenged = true;
        if (willing) this.#respond(octets("x"));
        return;
      case "body": {
        this.#body = this.#sent.get(event.id) ?? null;
        this.#wire.content(this.#body?.content ?? null);
        if (!willing) return;
        for (const piece of ["Subject: x\r\n", ".", "\r\n.", "a\r\nbody"]) this.#write(octets(piece));
        this.#finish();
        return;
      }
      case "done":
        return this.#done(event);
      case "close":
      case "turn":
        this.#over = true;
        return;
      default:
    }
  }

  #done({ id, outcomes, safeToRetry }: Extract<ClientEvent, { type: "done" }>): void {
    const sent = this.#sent.get(id);
    hold(sent !== undefined && !sent.done, "done twice, or for nothing");
    sent.done = true;
    if (this.#body === sent) this.#body = null;
    if (!this.#manner.watched) return;
    hold(outcomes.length === sent.envelope.to.length, "there is no outcome for each recipient");
    const taken = outcomes.some(({ status }) => status === "accepted" || status === "unknown");
    hold(safeToRetry === !taken, "safeToRetry does not fit the outcomes");
    // Nobody can have taken responsibility for a message whose end was not sent.
    hold(!taken || sent.content.arrived, "C-TXN-08 taken before its content was sent", () =>
      JSON.stringify(outcomes),
    );
  }

  #look(event: ClientEvent | null, cost: number): void {
    const session = this.#session;
    const { phase, waiting, wantsInput, wantsBody, deadline, deadlineReason, secure } = session;
    mark(`${phase} ${event?.type} ${waiting} ${deadlineReason} ${wantsBody} ${secure} ${this.#full}`);
    if (event?.type === "failed") mark(event.failure.code);
    const given = this.#kept.at(-1)?.octets.length ?? 0;
    if (!this.#manner.thawed)
      hold(cost <= 600_000 + 100 * given, "G6 unbounded work in one poll", () => String(cost));
    if (event === null && waiting === "input") hold(deadline !== null, "G6 it waits without a deadline");
    if (event === null) hold(waiting !== "nothing", "G3 null, and it waits for nothing");
    if (event?.type === "send") {
      hold(event.data.length > 0, "G5 an empty piece");
      this.#kept.push({ octets: event.data, copy: latin1(event.data) });
      this.#wire.send(event.data);
    }
    const shown = event?.type === "send" ? `send ${latin1(event.data)}` : JSON.stringify(event);
    this.log.push(
      `${shown} ${[phase, waiting, wantsInput, wantsBody, deadline, deadlineReason, secure].join()}`,
    );
    if (event !== null) hold(!this.#over, "G4 an event after the last", () => shown);
  }

  #call(name: string, deserved: boolean | null, call: (session: ClientSession) => unknown): boolean {
    const { seed } = this.#script;
    const thaw = this.#manner.thawed && this.#thaws < mostThaws && ++this.#calls % (1 + (seed >> 4)) === 0;
    if (thaw) this.#thaws++;
    let before = "";
    if (thaw) {
      before = this.#freeze();
      this.#session = ClientSession.restore(this.#script.config, JSON.parse(before) as ClientSnapshot);
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
      this.log.push(`${name}: ${error.message}`);
      if (thaw) same(this.#freeze(), before, `G9 ${name} was refused and has changed something`);
      return true;
    }
  }

  #freeze(): string {
    const snapshot = this.#session.snapshot({ secrets: true });
    const { replies } = snapshot.held as unknown as Retained;
    const { limits } = this.#session.settings;
    hold(replies.line.held.length <= limits.line, "G6 the line held is too long");
    hold(replies.said.length <= limits.lines + 1, "G6 the lines of a reply pile up");
    hold(replies.octets <= limits.octets + limits.line, "G6 a reply grows");
    return JSON.stringify(snapshot);
  }
}

/** What is looked at in a snapshot. */
interface Retained {
  readonly replies: {
    readonly line: { readonly held: readonly number[] };
    readonly said: readonly unknown[];
    readonly octets: number;
  };
}

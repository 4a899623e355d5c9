import { bug } from "../errors.ts";
import { noCapabilities, parseCapabilities } from "../syntax/capabilities.ts";
import { isReplyFault, type ReceivedReply, ReplyReader } from "../syntax/replies.ts";
import type { Millis } from "../time.ts";
import { Input } from "../wire/input.ts";
import { join } from "../wire/join.ts";
import type { ContentWriter } from "../wire/stuff.ts";
import { encodeUtf8 } from "../wire/utf8.ts";
import type { ClientSettings, ClientTimer } from "./config.ts";
import { wrongDoor } from "./doors.ts";
import type { ClientEvent } from "./events.ts";
import { advanceOperation, operationReply } from "./operations.ts";
import { type Failure, isSafeToRetry, type Outcome, whyNotTried } from "./outcome.ts";
import { failure } from "./plan.ts";
import {
  type ClientState,
  type ClientWaiting,
  type Expected,
  greetingExpected,
  newClientState,
  type Operation,
} from "./record.ts";
import { advanceTransfer, lostOutcomes, transferReply } from "./transfer.ts";

/** Octets on their way out, and whether they are content, or end it. */
export interface Outgoing {
  readonly octets: Uint8Array;
  readonly what: "command" | "content" | "last";
}

/** The works of a client session: everything that changes, and what changes it. */
export class ClientMachine {
  readonly settings: ClientSettings;
  readonly state: ClientState;
  readonly input: Input = new Input();
  readonly replies: ReplyReader;
  readonly events: ClientEvent[] = [];
  out: Outgoing[] = [];
  writer: ContentWriter | null = null;
  /** Content for the BDAT chunk that is being filled, in pieces that may be as small as the caller likes. */
  readonly chunk: Input = new Input();

  constructor(settings: ClientSettings, now: Millis) {
    this.settings = settings;
    this.replies = new ReplyReader(settings.limits);
    this.state = newClientState(settings, now);
  }

  poll(full: boolean): ClientEvent | null {
    const event = this.#next(full);
    this.state.waiting =
      event === null
        ? this.#waiting()
        : event.type === "close" || event.type === "turn"
          ? "closed"
          : "nothing";
    return event;
  }

  #next(full: boolean): ClientEvent | null {
    const { state } = this;
    this.#release(full);
    for (;;) {
      const event = this.events.shift();
      if (event !== undefined) return event;
      // What a reply brings about is said before the next reply is read, in whatever pieces they came (G2).
      if (this.#work()) continue;
      if (!state.ended && this.#sendable(full)) return this.#send();
      if (!this.#step()) break;
    }
    if (this.#sendable(full)) return this.#send();
    return state.phase === "closing" && this.out.length === 0 ? this.#close() : null;
  }

  #sendable(full: boolean): boolean {
    const [first] = this.out;
    return first !== undefined && !(full && first.what !== "command");
  }

  #waiting(): ClientWaiting {
    const { phase, expected, challenged, transfer } = this.state;
    if (phase === "closed") return "closed";
    if (phase === "upgrading") return "tls";
    if (challenged !== null) return "response";
    if (transfer?.stage === "body" && !transfer.finished && this.wantsBody) return "body";
    return expected.length > 0 ? "input" : "work";
  }

  get wantsInput(): boolean {
    const { phase, ended } = this.state;
    return (
      !ended &&
      phase !== "upgrading" &&
      phase !== "closing" &&
      phase !== "closed" &&
      this.input.charge < 65_536
    );
  }

  /** Content may be written: what was written before has left, and not too many chunks are unanswered. */
  get wantsBody(): boolean {
    const { transfer } = this.state;
    if (transfer === null || transfer.stage !== "body" || transfer.finished || this.out.length > 0)
      return false;
    return transfer.plan.mode === "data" || transfer.chunksOut < this.mostChunks;
  }

  /** Chunks that may be unanswered at a time. */
  get mostChunks(): number {
    return this.state.capabilities.pipelining ? this.settings.limits.chunks : 1;
  }

  /** The next deadline and its name. */
  deadline(): { readonly timer: ClientTimer; readonly at: Millis } | null {
    const { state, settings } = this;
    const { timers } = settings;
    if (state.phase === "closing" || state.phase === "closed") return null;
    const at = (timer: ClientTimer, since: Millis): { timer: ClientTimer; at: Millis } | null =>
      timers[timer] === Number.POSITIVE_INFINITY ? null : { timer, at: since + timers[timer] };
    if (state.phase === "upgrading") return at("tls", state.since);
    if (state.heldAt !== null) return at("dataBlock", state.heldAt);
    const [owed] = state.expected;
    return owed === undefined ? null : at(owed.timer, state.since);
  }

  /** Says a line, and expects a reply to it. */
  say(line: string, expected: Expected): void {
    this.out.push({ octets: encodeUtf8(`${line}\r\n`), what: "command" });
    this.expect(expected);
  }

  expect(expected: Expected): void {
    const { state } = this;
    if (state.expected.length === 0) state.since = state.now;
    state.expected.push(expected);
  }

  upgraded(): void {
    const { state } = this;
    this.input.drop();
    state.tls = true;
    state.capabilities = noCapabilities;
    state.hello = null;
    state.authenticated = false;
    state.since = state.now;
    if (state.greeted) {
      this.hello();
    } else {
      state.phase = "greeting";
      this.expect(greetingExpected);
    }
  }

  /** EHLO, or LHLO: the server's knowledge begins anew. */
  hello(verb: "EHLO" | "HELO" | "LHLO" = this.settings.protocol === "lmtp" ? "LHLO" : "EHLO"): void {
    this.state.phase = "hello";
    this.say(`${verb} ${this.settings.name}`, { kind: "hello", verb, id: 0, index: 0, timer: "other" });
  }

  /**
   * The session is over: what is unanswered gets the outcome that is true at this moment, and no more is sent.
   *
   * @param polite the connection is in order: QUIT is said first
   */
  fail(reason: Failure, reply: ReceivedReply | null, polite = false): void {
    const { state } = this;
    const { transfer } = state;
    if (transfer !== null) this.done(transfer.id, lostOutcomes(transfer, reason, reply));
    const why = whyNotTried(reason, reply);
    for (const operation of state.operations) {
      if (operation.id === transfer?.id) continue;
      if (operation.kind === "transaction") {
        this.done(
          operation.id,
          operation.envelope.to.map((): Outcome => ({ status: "notTried", reason: why })),
        );
      } else if (operation.kind !== "quit") {
        this.events.push({ type: "skipped", id: operation.id, verb: verbOf(operation), reason });
      }
    }
    state.operations = [];
    state.transfer = null;
    state.challenged = null;
    state.expected = [];
    this.writer = null;
    this.chunk.drop();
    this.out = [];
    if (!state.failed) this.events.push({ type: "failed", failure: reason, reply });
    state.failed = true;
    if (polite) this.quit();
    else this.close(true);
  }

  quit(): void {
    this.state.phase = "quitting";
    this.say("QUIT", { kind: "quit", verb: "QUIT", id: 0, index: 0, timer: "quit" });
  }

  close(broken: boolean): void {
    const { state } = this;
    if (broken) this.out = [];
    state.phase = "closing";
    state.closing = { broken };
    state.expected = [];
    this.input.drop();
  }

  /** The session is over, and the connection goes on in the other role. What is queued still cannot be done. */
  turn(): void {
    const { state } = this;
    const reason = failure("closed", "the roles have turned");
    for (const operation of state.operations.splice(0)) {
      if (operation.kind === "transaction") {
        this.done(
          operation.id,
          operation.envelope.to.map((): Outcome => ({ status: "notTried", reason })),
        );
      } else if (operation.kind !== "quit") {
        this.events.push({ type: "skipped", id: operation.id, verb: verbOf(operation), reason });
      }
    }
    state.phase = "closing";
    state.closing = { broken: false, turned: true };
  }

  done(id: number, outcomes: readonly Outcome[]): void {
    this.events.push({ type: "done", id, outcomes, safeToRetry: isSafeToRetry(outcomes) });
  }

  #release(full: boolean): void {
    const { state } = this;
    if (state.heldAt === null) return;
    const late = state.now - state.heldAt >= this.settings.timers.dataBlock;
    if (!full || late) state.heldAt = null;
    if (late) this.fail(failure("timeout", "the content did not leave in time"), null);
  }

  /** What waits leaves together up to the end of a message: its last piece says that it may be delivered. */
  #send(): ClientEvent {
    const { state } = this;
    const first = this.#whole() ?? this.out[0];
    if (first.what !== "command") {
      this.out.shift();
      state.heldAt = state.now;
      if (first.what === "last") {
        const transfer = state.transfer ?? bug("the end of no message");
        transfer.lastSent = true;
        state.since = state.now;
      }
      return { type: "send", data: first.octets };
    }
    let count = 0;
    while (count < this.out.length && this.out[count].what === "command") count++;
    const commands = this.out.splice(0, count);
    return { type: "send", data: join(commands.map(({ octets }) => octets)) };
  }

  /** The last content and the end of the data as one, where that is cheap: to be sent in one write. Null: it is not. */
  #whole(): Outgoing | null {
    const [first, next] = this.out;
    if (first.what !== "content" || next?.what !== "last" || first.octets.length > cheapToJoin) return null;
    this.out.shift();
    return { octets: join([first.octets, next.octets]), what: "last" };
  }

  #close(): ClientEvent {
    const { state } = this;
    const { broken, turned } = state.closing ?? bug("closing for no reason");
    state.phase = "closed";
    if (turned === true) return { type: "turn" };
    return { type: "close", broken };
  }

  #step(): boolean {
    const { state } = this;
    if (state.phase === "closing" || state.phase === "closed") return false;
    if (state.phase === "upgrading") return this.#upgrade() || this.#expire();
    return this.#readReply() || this.#end() || this.#expire();
  }

  #upgrade(): boolean {
    const { state } = this;
    if (!state.upgradeDue || this.out.length > 0) return false;
    state.upgradeDue = false;
    state.since = state.now;
    this.events.push({ type: "upgrade" });
    return true;
  }

  #work(): boolean {
    const { state } = this;
    if (state.phase !== "ready" || state.challenged !== null) return false;
    if (state.transfer !== null) return advanceTransfer(this, state.transfer);
    if (advanceOperation(this)) return true;
    if (state.operations.length > 0 || state.expected.length > 0 || state.readyTold) return false;
    state.readyTold = true;
    this.events.push({ type: "ready" });
    return true;
  }

  #readReply(): boolean {
    const { state } = this;
    if (this.input.length === 0) return false;
    const door = state.greeted ? null : wrongDoor(this.#knock());
    if (door !== null) {
      this.fail(door, null);
      return true;
    }
    const read = this.replies.read(this.input);
    if (read === null) return false;
    if (isReplyFault(read)) {
      const door = state.greeted ? null : wrongDoor(read.octets);
      const code = state.greeted ? "reply-syntax" : "not-smtp";
      this.fail(door ?? failure(code, `${read.detail} (${read.rule})`), null);
      return true;
    }
    this.#reply(read);
    return true;
  }

  /** The first octets of all, in whatever pieces they come (G2): nothing behind them tells whose door it is. */
  #knock(): Uint8Array {
    const begun = this.replies.begun();
    return begun === null ? new Uint8Array(0) : join([begun, this.input.octets().subarray(0, 16)]);
  }

  #reply(reply: ReceivedReply): void {
    const { state } = this;
    const owed = state.expected.shift();
    state.since = state.now;
    // A 421 says that the server closes, whatever it stands in place of (RFC 5321 §3.8).
    if (reply.code === 421) {
      if (owed?.kind === "quit") return this.close(false);
      if (owed?.kind === "rcpt" && state.transfer !== null) {
        this.events.push({ type: "recipient", id: owed.id, index: owed.index, reply });
      }
      return this.fail(failure("closed-by-server", "the server closes the connection"), reply);
    }
    if (owed === undefined) {
      return this.fail(failure("reply-unsolicited", `a ${reply.code} to which nothing was said`), reply);
    }
    switch (owed.kind) {
      case "greeting":
        return this.#greeting(reply);
      case "hello":
        return this.#hello(owed, reply);
      case "quit":
        return this.close(false);
      case "mail":
      case "rcpt":
      case "data":
      case "chunk":
      case "verdict":
      case "empty":
        return transferReply(this, state.transfer ?? bug("no transaction"), owed, reply);
      default:
        return operationReply(this, owed, reply);
    }
  }

  #greeting(reply: ReceivedReply): void {
    const { state } = this;
    const digit = Math.trunc(reply.code / 100);
    state.greeted = true;
    this.events.push({ type: "greeting", reply });
    if (digit === 3) return this.fail(failure("reply-unexpected", `a ${reply.code} as greeting`), reply);
    if (digit !== 2)
      return this.fail(failure("greeting-refused", "the server takes no mail from here"), reply, true);
    this.hello();
  }

  #hello(owed: Expected, reply: ReceivedReply): void {
    const { state, settings } = this;
    const digit = Math.trunc(reply.code / 100);
    if (digit === 2) {
      const verb = owed.verb as "EHLO" | "HELO" | "LHLO";
      // A reply to HELO has no capabilities, even if it has many lines (RFC 5321 §4.1.1.1).
      state.capabilities = verb === "HELO" ? noCapabilities : parseCapabilities(reply);
      state.hello = verb;
      this.events.push({ type: "hello", verb, reply, capabilities: state.capabilities });
      return this.#secured();
    }
    if (digit === 3) return this.fail(failure("reply-unexpected", `a ${reply.code} to ${owed.verb}`), reply);
    // An extension that policy demands cannot be had after HELO (RFC 3207 §6).
    const demanded = settings.tls === "required" || settings.chunking === "require";
    const fallback = owed.verb === "EHLO" && digit === 5 && settings.heloFallback && !demanded;
    if (fallback) return this.hello("HELO");
    this.fail(failure("hello-refused", `the server refuses ${owed.verb}`), reply, true);
  }

  /** TLS as the policy has it, before anything else is said (RFC 3207 §4). */
  #secured(): void {
    const { state, settings } = this;
    const wanted = settings.tls === "required" || settings.tls === "offered";
    if (state.tls || !wanted) {
      state.phase = "ready";
    } else if (state.capabilities.starttls) {
      state.phase = "starttls";
      this.say("STARTTLS", { kind: "starttls", verb: "STARTTLS", id: 0, index: 0, timer: "other" });
    } else if (settings.tls === "required") {
      this.fail(failure("tls-not-offered", "TLS is required, and the server does not offer it"), null, true);
    } else {
      state.phase = "ready";
    }
  }

  #end(): boolean {
    const { state } = this;
    if (!state.ended) return false;
    if (state.phase === "quitting") this.close(false);
    else
      this.fail(
        failure(state.greeted ? "ended" : "no-greeting", "the server has closed the connection"),
        null,
      );
    return true;
  }

  #expire(): boolean {
    const { state } = this;
    const deadline = this.deadline();
    if (deadline === null || state.now < deadline.at) return false;
    if (deadline.timer === "quit") {
      this.close(true);
      return true;
    }
    const greeting = deadline.timer === "greeting";
    const detail = greeting
      ? "no greeting in time: is this port one for TLS from the start, or not for SMTP?"
      : `no reply in time (${deadline.timer})`;
    this.fail(failure(greeting ? "no-greeting" : "timeout", detail), null);
    return true;
  }
}

function verbOf(operation: Operation): string {
  return operation.kind === "command" ? operation.verb : operation.kind.toUpperCase();
}

/** Octets that are copied sooner than a write more is made. */
const cheapToJoin = 16_384;

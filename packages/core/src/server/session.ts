import { UsageError } from "../errors.ts";
import type { Reply } from "../reply.ts";
import { traceProtocol } from "../syntax/trace.ts";
import type { Millis } from "../time.ts";
import { canonicalAddress } from "../wire/network.ts";
import { chosenAnswer } from "./answers.ts";
import type { ServerConfig, ServerTimer } from "./config.ts";
import type { ClientIdentity, Envelope, ServerEvent, TlsInfo } from "./events.ts";
import { Machine } from "./machine.ts";
import { clientAddress, type Waiting } from "./record.ts";
import { type ServerSettings, settle } from "./settings.ts";
import { redact, restoreMachine, type ServerSnapshot, takeSnapshot } from "./snapshot.ts";
import type { Phase, Reader, Transaction } from "./state.ts";
import { deadlineOf, nextTimer } from "./timers.ts";

/**
 * The server's side of one SMTP or LMTP connection, without the connection.
 *
 * - *Inputs* tell it what happened: `receive`, `receiveEnd`, `lost`, `upgraded`, `upgradeFailed`, `advance`. They
 *   keep what they are given and do no work.
 * - `poll` gives the next thing to do, to decide or to know, one at a time, until it gives null.
 * - *Decisions* are the application's: `answer`, `answerRecipient`, `shutdown`.
 * - *Getters* tell what it waits for, as of the event that `poll` gave last.
 *
 * A driver is a loop: receive, then poll and do what it says until null; see `deadline`, call `advance` then.
 */
export class ServerSession {
  #machine: Machine;

  /**
   * @param config see {@link ServerConfig}; settle it once with `settle` when many sessions share it
   * @param now the time at which the connection was made, in milliseconds from any origin
   * @throws {UsageError} when the configuration or the time cannot be
   */
  constructor(config: ServerConfig | ServerSettings, now: Millis = 0) {
    assertTime(now);
    this.#machine = new Machine(settle(config), now);
  }

  /**
   * A session that goes on where a snapshot was taken, as if nothing had been in between.
   *
   * @param config the same configuration, which the snapshot does not hold
   * @throws {UsageError} when the snapshot is not one, or was redacted in the middle of AUTH
   */
  static restore(config: ServerConfig | ServerSettings, snapshot: ServerSnapshot): ServerSession {
    const session = new ServerSession(config);
    session.#machine = restoreMachine(session.settings, snapshot);
    return session;
  }

  /**
   * The IP address of the other end, to be told before the greeting is asked: XCLIENT and XFORWARD are taken from
   * those alone who are trusted. The zone of an IPv6 address (`fe80::1%eth0`) is passed over.
   *
   * @throws {UsageError} when it is no address, or comes too late
   */
  connected(address: string, now?: Millis): void {
    const { state } = this.#machine;
    const canonical = typeof address === "string" ? canonicalAddress(withoutZone(address)) : null;
    if (canonical === null) throw new UsageError(`connected: not an IP address: ${JSON.stringify(address)}`);
    if (state.nextId > 1) throw new UsageError("connected: the greeting was asked for already");
    this.#pass(now);
    state.peer = canonical;
  }

  /**
   * Octets from the client. They are kept, not copied: leave them unchanged until their `body` is consumed (G8).
   * What arrives when the session is closing is discarded (RFC 5321 §4.1.1.10).
   *
   * @throws {UsageError} while a handshake is pending: those octets belong to TLS; when the roles are about to turn:
   *   they belong to the client session; after `receiveEnd`; and when `wantsInput` has been false for four times what
   *   `limits.unread` allows
   */
  receive(octets: Uint8Array, now?: Millis): void {
    const { state, input } = this.#machine;
    if (!isOctets(octets)) throw new UsageError("receive: octets come as a Uint8Array");
    if (state.phase === "upgrading")
      throw new UsageError("receive: the handshake is pending, octets belong to TLS");
    if (state.ended) throw new UsageError("receive: the client has ended already");
    if (state.phase === "closing" && state.turn !== null)
      throw new UsageError("receive: the roles turn, octets belong to the client session");
    if (input.charge > 4 * this.settings.limits.unread) throw new UsageError("receive: wantsInput is false");
    this.#pass(now);
    if (state.phase === "closing" || state.phase === "closed") return;
    input.push(octets);
  }

  /** The client has half-closed. What was received is still answered; then the session closes (`end`). */
  receiveEnd(now?: Millis): void {
    this.#pass(now);
    if (this.#machine.state.phase === "upgrading") this.#machine.upgradeFailed();
    else this.#machine.state.ended = true;
    this.#machine.stay("end");
  }

  /**
   * The connection is gone, both ways. An open transaction is cancelled with a `reset`, also when its verdict is
   * being decided, and nothing is sent any more (RFC 5321 §4.1.1.5).
   */
  lost(now?: Millis): void {
    this.#pass(now);
    this.#machine.lost();
  }

  /**
   * The handshake succeeded. Everything learned before is forgotten (RFC 3207 §4.2).
   *
   * @throws {UsageError} when no handshake is pending
   */
  upgraded(tls: Partial<TlsInfo> = {}, now?: Millis): void {
    this.#assertUpgrading("upgraded");
    this.#pass(now);
    this.#machine.upgraded({
      version: tls.version ?? null,
      cipher: tls.cipher ?? null,
      serverName: tls.serverName ?? null,
      peer: tls.peer ?? null,
      sufficient: tls.sufficient ?? true,
      bindings: { ...tls.bindings },
    });
  }

  /**
   * The handshake failed: the session closes (`tls`) without a word.
   *
   * @throws {UsageError} when no handshake is pending
   */
  upgradeFailed(now?: Millis): void {
    this.#assertUpgrading("upgradeFailed");
    this.#pass(now);
    this.#machine.upgradeFailed();
  }

  /**
   * Time has passed. It never runs backwards: an earlier time than the last one given is ignored.
   *
   * @throws {UsageError} as every call that is given a time, when it is not a finite number
   */
  advance(now: Millis): void {
    this.#pass(now);
  }

  /**
   * The next thing to do, to decide or to know; null: everything was said, and it waits. Each call does a bounded
   * amount of work (G6). Replies to pipelined commands leave together, and before null all have left (G5).
   */
  poll(): ServerEvent | null {
    return this.#machine.poll();
  }

  /**
   * Answers a question. The reply's code is the decision: 2yz or 3yz accepts, 4yz or 5yz refuses, 421 closes;
   * `undefined` gives the default. Under LMTP a `message` may have an array, a reply for each recipient.
   *
   * @returns false when the id is not open (any more): nothing changes, so a late answer needs no guard
   * @throws {UsageError} when a reply cannot answer that question: a wrong class, malformed, too few replies
   */
  answer(id: number, reply: Reply | readonly (Reply | undefined)[] | undefined, now?: Millis): boolean {
    const slot = this.#machine.openSlot(id);
    if (slot === null) return false;
    const { question, verdicts } = slot;
    const { service } = this.settings;
    if (Array.isArray(reply)) {
      if (verdicts === null) throw new UsageError(`answer: ${question.type} has one reply, not several`);
      if (reply.length !== verdicts.length) {
        throw new UsageError(`answer: ${reply.length} replies for ${verdicts.length} recipients`);
      }
      const chosen = Array.from<Reply | undefined, Reply>(reply, (each) =>
        chosenAnswer(question, each, service),
      );
      this.#pass(now);
      for (let index = 0; index < verdicts.length; index++) verdicts[index] ??= chosen[index];
      slot.each = true;
    } else {
      const chosen = chosenAnswer(question, reply as Reply | undefined, service);
      this.#pass(now);
      // Under PRDR one reply is said once, unless some recipients have had their own.
      if (verdicts === null || (!this.settings.lmtp && !slot.each)) slot.answer = chosen;
      else for (let index = 0; index < verdicts.length; index++) verdicts[index] ??= chosen;
    }
    return true;
  }

  /**
   * The verdict for one recipient of a `message` under LMTP, as soon as it is known; replies leave in the order
   * of the recipients (RFC 2033 §4.2).
   *
   * @param index the recipient's place in `envelope.recipients`, from 0
   * @returns false when the id is not open, or this recipient has its verdict
   * @throws {UsageError} as `answer`; and when there is no such recipient
   */
  answerRecipient(id: number, index: number, reply: Reply | undefined, now?: Millis): boolean {
    const slot = this.#machine.openSlot(id);
    if (slot === null) return false;
    const { question, verdicts } = slot;
    if (verdicts === null)
      throw new UsageError(`answerRecipient: ${question.type} is not a message under LMTP or PRDR`);
    if (!(index in verdicts)) throw new UsageError(`answerRecipient: there is no recipient ${index}`);
    if (verdicts[index] !== null) return false;
    const chosen = chosenAnswer(question, reply, this.settings.service);
    this.#pass(now);
    verdicts[index] = chosen;
    slot.each = true;
    return true;
  }

  /**
   * The service ends: 421 and close (RFC 5321 §3.8). `idle`: as soon as no transaction is open, which may be at
   * once; `now`: wherever the session stands, cancelling what is open.
   */
  shutdown(when: "idle" | "now" = "idle", now?: Millis): void {
    if (when !== "idle" && when !== "now")
      throw new UsageError(`shutdown: neither "idle" nor "now": ${when}`);
    this.#pass(now);
    const { state } = this.#machine;
    if (state.shutdown !== "now") state.shutdown = when;
  }

  get waiting(): Waiting {
    return this.#machine.state.waiting;
  }

  /** Whether the connection should be read from: the back-pressure of the session. */
  get wantsInput(): boolean {
    return this.#machine.wantsInput(this.settings.limits.unread);
  }

  /** When to call `advance` if nothing else happens; null: no deadline. A late call does no harm. */
  get deadline(): Millis | null {
    const timer = this.deadlineReason;
    return timer === null ? null : deadlineOf(timer, this.#machine.state, this.settings);
  }

  /** Which of the configured `timers` the deadline is. */
  get deadlineReason(): ServerTimer | null {
    return nextTimer(this.#machine.state, this.settings);
  }

  /** How far the session is. */
  get phase(): Phase {
    return this.#machine.state.phase;
  }

  /** How far the transaction is. */
  get transaction(): Transaction {
    return this.#machine.state.mail.transaction;
  }

  /** What the next octets are read as. */
  get reader(): Reader {
    return this.#machine.state.reader;
  }

  /** Who the client is, as far as it is known. */
  get client(): ClientIdentity {
    const { hello, tls, authenticated, xclient } = this.#machine.state;
    return { hello, tls, authenticated, address: clientAddress(this.#machine.state), xclient };
  }

  /** The sender and the accepted recipients of the open transaction, as they stand. */
  get envelope(): Envelope {
    return this.#machine.envelope();
  }

  /** The protocol word of the Received field for the open transaction: `ESMTPS`, `LMTPA`... (RFC 3848, RFC 6531). */
  get protocol(): string {
    const { hello, tls, authenticated, mail } = this.#machine.state;
    return traceProtocol({
      verb: hello?.verb ?? "HELO",
      tls: tls !== null,
      auth: authenticated !== null,
      smtputf8: mail.parameters.smtputf8,
    });
  }

  /** The configuration with its defaults. */
  get settings(): ServerSettings {
    return this.#machine.settings;
  }

  /**
   * Everything there is to know, as plain JSON, to go on with `restore`. Configuration is not part of it.
   *
   * What a client sends in an AUTH exchange is left out unless `secrets` asks for it; a snapshot from which
   * something had to be left out says so in `redacted` and cannot be restored (G13).
   */
  snapshot(options: { readonly secrets?: boolean } = {}): ServerSnapshot {
    const snapshot = takeSnapshot(this.#machine);
    return options.secrets === true ? snapshot : redact(this.#machine, snapshot);
  }

  #pass(now: Millis | undefined): void {
    const { state } = this.#machine;
    if (now !== undefined) {
      assertTime(now);
      state.now = Math.max(state.now, now);
    }
    if (state.waiting !== "closed") state.waiting = "nothing";
  }

  #assertUpgrading(call: string): void {
    if (this.#machine.state.phase !== "upgrading" || this.#machine.state.upgradeDue) {
      throw new UsageError(`${call}: no handshake is pending`);
    }
  }
}

/** A time that is no number would stop every timer without a word. */
function assertTime(now: Millis): void {
  if (!Number.isFinite(now)) throw new UsageError(`not a time in milliseconds: ${now}`);
}

/** Whether a value is a Uint8Array, of whatever realm. */
function isOctets(value: unknown): boolean {
  return ArrayBuffer.isView(value) && (value as Uint8Array)[Symbol.toStringTag] === "Uint8Array";
}

/** Of an IPv6 address: the interface behind `%` is this host's own matter (RFC 4007 §11). */
function withoutZone(address: string): string {
  return address.includes(":") ? address.replace(/%[^%:]*$/, "") : address;
}

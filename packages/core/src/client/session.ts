import { UsageError } from "../errors.ts";
import { registry } from "../extensions/registry.ts";
import type { ClientAttributes } from "../syntax/attributes.ts";
import { encodeBase64 } from "../syntax/base64.ts";
import type { Capabilities } from "../syntax/capabilities.ts";
import { parseUrl } from "../syntax/command.ts";
import { parseDomain } from "../syntax/domain.ts";
import { isFault } from "../syntax/fault.ts";
import type { Millis } from "../time.ts";
import { encodeUtf8 } from "../wire/utf8.ts";
import { checkClient } from "./attributes.ts";
import { type ClientConfig, type ClientSettings, type ClientTimer, settleClient } from "./config.ts";
import type { ClientEvent, OutgoingEnvelope } from "./events.ts";
import { ClientMachine } from "./machine.ts";
import { cancelled } from "./operations.ts";
import { checkEnvelope, failure } from "./plan.ts";
import type { ClientPhase, ClientWaiting, Operation, Transfer } from "./record.ts";
import { type ClientSnapshot, restoreMachine, takeSnapshot } from "./snapshot.ts";
import { finishBody, giveUp, writeBody, writeUrl } from "./transfer.ts";

/**
 * The client's side of one SMTP or LMTP connection, without the connection.
 *
 * - *Inputs* tell it what happened: `receive`, `receiveEnd`, `lost`, `upgraded`, `upgradeFailed`, `advance`.
 * - *Work* is asked for at any time and done in order: `transaction`, `auth`, `startTls`, `reset`, `noop`, `command`,
 *   `quit`. Each has an id, under which its outcome is reported.
 * - `poll` gives the next thing to do or to know, until it gives null.
 *
 * Greeting, EHLO with its fallback to HELO, and STARTTLS as the policy has it are said without being asked for. What
 * a server refuses is data; nothing that it sends makes a call throw (G1).
 */
export class ClientSession {
  #machine: ClientMachine;

  /** @throws {UsageError} when the configuration cannot be */
  constructor(config: ClientConfig, now: Millis = 0) {
    this.#machine = new ClientMachine(settleClient(config), now);
  }

  /**
   * A session that goes on where a snapshot was taken.
   *
   * @throws {UsageError} when the snapshot is not one, or was redacted in the middle of AUTH
   */
  static restore(config: ClientConfig, snapshot: ClientSnapshot): ClientSession {
    const session = new ClientSession(config);
    session.#machine = restoreMachine(session.#machine.settings, snapshot);
    return session;
  }

  /**
   * Octets from the server. They are kept, not copied.
   *
   * @throws {UsageError} while a handshake is pending: those octets belong to TLS; and after `receiveEnd`
   */
  receive(octets: Uint8Array, now?: Millis): void {
    const { state, input } = this.#machine;
    if (state.phase === "upgrading")
      throw new UsageError("receive: the handshake is pending, octets belong to TLS");
    if (state.ended) throw new UsageError("receive: the server has ended already");
    this.#pass(now);
    if (state.phase === "closing" || state.phase === "closed") return;
    input.push(octets);
  }

  /** The server has closed its side. What was received still counts; what is unanswered then is lost. */
  receiveEnd(now?: Millis): void {
    this.#pass(now);
    const { state } = this.#machine;
    state.ended = true;
    if (state.phase === "upgrading")
      this.#machine.fail(failure("tls-failed", "the connection ended in the handshake"), null);
  }

  /** The connection is gone, both ways. What was received still counts. */
  lost(now?: Millis): void {
    this.receiveEnd(now);
  }

  /** The caller ends the session wherever it stands; `quit` is the polite way. */
  close(now?: Millis): void {
    this.#pass(now);
    const { phase } = this.#machine.state;
    if (phase === "closing" || phase === "closed") return;
    this.#machine.fail(failure("closed", "the connection was closed by the caller"), null);
  }

  /**
   * The handshake succeeded, and the server is who it should be. Everything learned before is forgotten.
   *
   * @throws {UsageError} when no handshake is pending
   */
  upgraded(now?: Millis): void {
    this.#assertUpgrading("upgraded");
    this.#pass(now);
    this.#machine.upgraded();
  }

  /**
   * The handshake failed, or the server is not who it should be.
   *
   * @param why `plain`: the server answered in clear text, so that the port is none for TLS. `weak`: the handshake
   *   succeeded, and what it gave is not enough: QUIT is said inside it, and nothing else (RFC 3207 §4.1)
   * @throws {UsageError} when no handshake is pending
   */
  upgradeFailed(
    why: { readonly plain?: boolean; readonly weak?: boolean; readonly detail?: string } = {},
    now?: Millis,
  ): void {
    this.#assertUpgrading("upgradeFailed");
    this.#pass(now);
    if (why.weak === true) {
      const weak = failure("tls-refused", why.detail ?? "the TLS session is weaker than what is wanted");
      // Before the greeting there is nothing that could be said.
      return this.#machine.fail(weak, null, this.#machine.state.greeted);
    }
    const plain = why.plain === true;
    const detail = plain
      ? "the server does not speak TLS here: connect without, or use STARTTLS"
      : "the TLS handshake failed";
    this.#machine.fail(failure(plain ? "plain-on-tls-port" : "tls-failed", why.detail ?? detail), null);
  }

  /** Time has passed. */
  advance(now: Millis): void {
    this.#pass(now);
  }

  /**
   * The next thing to do or to know; null: everything was said, and it waits.
   *
   * @param full what was given to be sent has not left yet: no content is given, and its time goes on. Replies are
   *   read even then (RFC 2920 §3.1)
   */
  poll(full = false): ClientEvent | null {
    return this.#machine.poll(full);
  }

  /**
   * Queues a message. When the server takes it, `body` asks for its content; `done` ends it, with an outcome for each
   * recipient.
   *
   * @returns its id
   * @throws {UsageError} when an address or a parameter cannot be said
   */
  transaction(envelope: OutgoingEnvelope): number {
    const checked = checkEnvelope(envelope, this.#machine.settings.custom);
    return this.#queue((id) => ({ kind: "transaction", id, envelope: checked }));
  }

  /**
   * Content for the message that `body` asked for. It is taken in any pieces.
   *
   * @throws {UsageError} when no content was asked for, or it was finished
   */
  write(octets: Uint8Array): void {
    const transfer = this.#body("write");
    if (transfer !== null) writeBody(this.#machine, transfer, octets);
    this.#machine.state.waiting = "nothing";
  }

  /**
   * Content to be fetched from a URL by the server (RFC 4468), behind what was written so far. The envelope must have
   * said `burl`.
   *
   * @throws {UsageError} when no content was asked for, it was finished, or the URL cannot be said
   */
  burl(url: string): void {
    const octets = encodeUtf8(url);
    const parsed = parseUrl(octets, 0, octets.length);
    // What stands behind it, LAST above all, is not the caller's to say.
    if (isFault(parsed) || parsed.url !== url || octets.length > 500)
      throw new UsageError("burl: not an absolute URI that can be said");
    const transfer = this.#body("burl");
    if (transfer !== null && !transfer.plan.burl)
      throw new UsageError("burl: the envelope has not said burl");
    if (transfer !== null) writeUrl(this.#machine, transfer, url);
    this.#machine.state.waiting = "nothing";
  }

  /** All content was written. From here on the message can be delivered. */
  finish(): void {
    const transfer = this.#body("finish");
    if (transfer !== null) finishBody(this.#machine, transfer);
    this.#machine.state.waiting = "nothing";
  }

  /** Gives up a transaction; under DATA that ends the connection, since only that keeps half a message from delivery. */
  abandon(id: number): boolean {
    const { state } = this.#machine;
    const reason = failure("abandoned", "given up by the caller");
    if (state.transfer?.id === id) {
      if (state.transfer.stage === "draining" || state.transfer.lastSent) return false;
      giveUp(this.#machine, state.transfer, reason);
      state.waiting = "nothing";
      return true;
    }
    const at = state.operations.findIndex(
      (operation) => operation.id === id && operation.kind === "transaction",
    );
    if (at < 0) return false;
    const [operation] = state.operations.splice(at, 1) as [Extract<Operation, { kind: "transaction" }>];
    this.#machine.done(
      id,
      operation.envelope.to.map(() => ({ status: "notTried", reason })),
    );
    state.waiting = "nothing";
    return true;
  }

  /**
   * Queues AUTH (RFC 4954). `challenge` asks for responses, `reply` tells how it ended.
   *
   * @param initial the initial response; null: none
   * @param options cleartext: the mechanism shows the credentials to an eavesdropper
   * @throws {UsageError} when the mechanism has no valid name
   */
  auth(
    mechanism: string,
    initial: Uint8Array | null = null,
    options: { readonly cleartext?: boolean } = {},
  ): number {
    const name = mechanism.toUpperCase();
    if (!/^[A-Z0-9_-]{1,20}$/.test(name))
      throw new UsageError(`auth: not a mechanism: ${JSON.stringify(mechanism)}`);
    const cleartext = options.cleartext ?? cleartextMechanisms.includes(name);
    return this.#queue((id) => ({ kind: "auth", id, mechanism: name, initial, cleartext }));
  }

  /**
   * The response to a `challenge`; null cancels the exchange.
   *
   * @throws {UsageError} when there is no challenge
   */
  respond(octets: Uint8Array | null): void {
    const { state } = this.#machine;
    const { challenged } = state;
    if (challenged === null) throw new UsageError("respond: there is no challenge");
    state.challenged = null;
    state.waiting = "nothing";
    const line = octets === null ? "*" : encodeBase64(octets);
    const index = octets === null ? cancelled : 0;
    this.#machine.say(line, {
      kind: "auth",
      verb: challenged.mechanism,
      id: challenged.id,
      index,
      timer: "other",
    });
  }

  /** Queues STARTTLS, where the policy has not said it already. */
  startTls(): number {
    return this.#queue((id) => ({ kind: "starttls", id }));
  }

  /**
   * Queues XCLIENT: tells a server that trusts this host who the client is for whom it speaks. The server begins anew,
   * with a greeting, and EHLO is said again; what it does not list is left out. `reply` tells how it ended.
   *
   * @throws {UsageError} for what cannot be said
   */
  xclient(attributes: ClientAttributes): number {
    checkClient(attributes);
    return this.#queue((id) => ({ kind: "xclient", id, attributes: { ...attributes } }));
  }

  /**
   * Queues ATRN (RFC 2645): asks the server to send the mail of these domains, none: all that this client may have, on
   * this connection. When it agrees, `turn` ends the session; a refusal comes as `reply`.
   *
   * @throws {UsageError} when one is not a domain
   */
  atrn(domains: readonly string[] = []): number {
    for (const domain of domains) {
      if (parseDomain(domain)?.kind !== "name")
        throw new UsageError(`atrn: not a domain: ${JSON.stringify(domain)}`);
    }
    if (domains.join(",").length > 500)
      throw new UsageError("atrn: more than 512 octets (RFC 5321 §4.5.3.1.4)");
    return this.#queue((id) => ({ kind: "atrn", id, domains: [...domains] }));
  }

  /** Queues RSET. */
  reset(): number {
    return this.command("RSET");
  }

  /** Queues NOOP. */
  noop(): number {
    return this.command("NOOP");
  }

  /**
   * Queues VRFY, EXPN, HELP, ETRN, RSET, NOOP or a private command that is one line with one reply.
   *
   * @throws {UsageError} for verbs that have a method of their own, and for what would break out of the line
   */
  command(verb: string, argument = ""): number {
    const upper = verb.toUpperCase();
    if (!/^[A-Z][A-Z0-9]*$/.test(upper) || ownMethods.includes(upper) || notSaid.includes(upper))
      throw new UsageError(`command: ${JSON.stringify(verb)}`);
    if (!/^[\x20-\x7e]*$/.test(argument) || argument !== argument.trim())
      throw new UsageError("command: the argument is printable ASCII, with no blanks around it");
    const line = argument === "" ? upper : `${upper} ${argument}`;
    if (line.length > 510) throw new UsageError("command: more than 512 octets (RFC 5321 §4.5.3.1.4)");
    const needs = this.#keywordOf(upper);
    return this.#queue((id) => ({ kind: "command", id, verb: upper, line, needs }));
  }

  /** Queues QUIT: when all that was queued before is done, the session says it, and closes. */
  quit(): void {
    const { state } = this.#machine;
    if (this.#quits || state.phase === "quitting") return;
    this.#queue((id) => ({ kind: "quit", id }));
  }

  get waiting(): ClientWaiting {
    return this.#machine.state.waiting;
  }

  /** Whether the connection should be read from. */
  get wantsInput(): boolean {
    return this.#machine.wantsInput;
  }

  /** Whether content may be written: the back-pressure of the session. */
  get wantsBody(): boolean {
    return this.#machine.wantsBody;
  }

  /** When to call `advance` if nothing else happens; null: no deadline. */
  get deadline(): Millis | null {
    return this.#machine.deadline()?.at ?? null;
  }

  /** Which of the configured `timers` the deadline is. */
  get deadlineReason(): ClientTimer | null {
    return this.#machine.deadline()?.timer ?? null;
  }

  get phase(): ClientPhase {
    return this.#machine.state.phase;
  }

  /** What the server offers, by its last reply to EHLO or LHLO. */
  get capabilities(): Capabilities {
    return this.#machine.state.capabilities;
  }

  /** TLS is active. */
  get secure(): boolean {
    return this.#machine.state.tls;
  }

  /** The configuration with its defaults. */
  get settings(): ClientSettings {
    return this.#machine.settings;
  }

  /**
   * Everything there is to know, as plain JSON, to go on with `restore`. What belongs to an AUTH exchange is left out
   * unless `secrets` asks for it; such a snapshot cannot be restored (G13).
   */
  snapshot(options: { readonly secrets?: boolean } = {}): ClientSnapshot {
    return takeSnapshot(this.#machine, options.secrets === true);
  }

  /** The keyword of the extension that a verb belongs to; null: it goes without saying. */
  #keywordOf(verb: string): string | null {
    const own = this.#machine.settings.custom.find(({ verbs }) => verbs?.some((each) => each.verb === verb));
    if (own !== undefined) return own.keyword;
    // EXPN and HELP may be said anywhere (RFC 5321 §4.5.1).
    const row = registry.find(({ verbs }) => verbs?.includes(verb));
    return row === undefined || row.source === "RFC 5321" ? null : row.keyword;
  }

  /** QUIT is queued: then it is the last, as nothing is taken behind it. */
  get #quits(): boolean {
    return this.#machine.state.operations.at(-1)?.kind === "quit";
  }

  #queue(make: (id: number) => Operation): number {
    const { state } = this.#machine;
    const over = state.phase === "closing" || state.phase === "closed" || state.phase === "quitting";
    if (over || this.#quits) throw new UsageError("the session is over");
    const id = state.nextId++;
    state.operations.push(make(id));
    state.waiting = "nothing";
    return id;
  }

  /** The transfer that takes content; null: it has failed meanwhile, and what is written goes nowhere. */
  #body(call: string): Transfer | null {
    const { transfer } = this.#machine.state;
    if (transfer === null || transfer.stage === "draining") return null;
    if (transfer.stage !== "body" || transfer.finished)
      throw new UsageError(`${call}: no content was asked for`);
    return transfer;
  }

  #pass(now: Millis | undefined): void {
    const { state } = this.#machine;
    if (now !== undefined && now > state.now) state.now = now;
    if (state.waiting !== "closed") state.waiting = "nothing";
  }

  #assertUpgrading(call: string): void {
    const { state } = this.#machine;
    if (state.phase !== "upgrading" || state.upgradeDue)
      throw new UsageError(`${call}: no handshake is pending`);
  }
}

const cleartextMechanisms: readonly string[] = ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"];
const ownMethods: readonly string[] = [
  "EHLO",
  "HELO",
  "LHLO",
  "MAIL",
  "RCPT",
  "DATA",
  "BDAT",
  "AUTH",
  "STARTTLS",
  "QUIT",
];
/** They begin or continue a transaction, turn the roles, or begin the session anew (RFC 5321 App. F). */
const notSaid: readonly string[] = ["SEND", "SOML", "SAML", "TURN", "ATRN", "BURL", "XCLIENT", "XFORWARD"];

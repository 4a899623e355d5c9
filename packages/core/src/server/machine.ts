import { bug } from "../errors.ts";
import { type Reply, reply, replyClass } from "../reply.ts";
import { decodeBase64 } from "../syntax/base64.ts";
import type { Fault } from "../syntax/fault.ts";
import { type MailParameters, noMailParameters } from "../syntax/parameters.ts";
import type { Path } from "../syntax/path.ts";
import type { Millis } from "../time.ts";
import { ContentReader } from "../wire/dot.ts";
import { Input } from "../wire/input.ts";
import { LineReader } from "../wire/line.ts";
import { Output } from "../wire/output.ts";
import { type ProxyHeader, ProxyReader } from "../wire/proxy.ts";
import { inAscii } from "./answers.ts";
import type { ServerSettings } from "./config.ts";
import type {
  AuthQuestion,
  CloseReason,
  Envelope,
  Question,
  Recipient,
  ResetCause,
  ServerEvent,
  TlsInfo,
} from "./events.ts";
import { type Context, type Interpretation, interpret, isRecipient, offered, ruleOf } from "./interpret.ts";
import * as replies from "./replies.ts";
import type { Phase, Reader, Rule, Transaction } from "./state.ts";
import { nextDeadline } from "./timers.ts";

/**
 * What the session waits for. `nothing`: call `poll`. `input`: octets from the peer, or the deadline. `answer`: a
 * question is open. `tls`: the outcome of the handshake. `closed`: it is over.
 */
export type Waiting = "nothing" | "input" | "answer" | "tls" | "closed";

/** The state of a session, but for octets on their way: plain data, so that a snapshot is a copy. */
export interface State {
  phase: Phase;
  reader: Reader;
  mail: Mail;
  /** The last EHLO, HELO or LHLO accepted. */
  hello: { readonly verb: "EHLO" | "HELO" | "LHLO"; readonly name: string } | null;
  tls: TlsInfo | null;
  /** The mechanism with which the client authenticated. */
  authenticated: string | null;
  /** The AUTH exchange under way. */
  exchange: { readonly mechanism: string; step: number } | null;
  /** The BDAT chunk under way. */
  chunk: {
    readonly size: number;
    remaining: number;
    readonly last: boolean;
    readonly fault: Fault | null;
  } | null;
  proxy: ProxyHeader | null;
  /** Questions asked and not settled, in the order of their replies. */
  slots: Slot[];
  nextId: number;
  now: Millis;
  started: Millis;
  /** When the wait for the present command, response or block of content began. */
  since: Millis;
  /** When a `body` was handed out whose taker has not polled since: its time is not the client's. */
  heldAt: Millis | null;
  /** Octets of the present block of content. */
  block: number;
  /** The client has half-closed. */
  ended: boolean;
  shutdown: "no" | "idle" | "now";
  /** The handshake is to be announced, once the 220 has left. */
  upgradeDue: boolean;
  /** The greeting follows the handshake (implicit TLS). */
  greetingDue: boolean;
  early: boolean;
  closing: CloseReason | null;
  /** What `poll` found last, unless something has happened since. */
  waiting: Waiting;
  /** A command line that was read and waits until open questions are settled. */
  held: { readonly line: Uint8Array | null; readonly octets: number } | null;
  errors: number;
  idleCommands: number;
  refusedRecipients: number;
  authFailures: number;
  transactions: number;
}

/** A transaction. Ending one puts a fresh value here (G10). */
export interface Mail {
  transaction: Transaction;
  readonly from: Path | null;
  readonly parameters: MailParameters;
  readonly recipients: Recipient[];
  /** RCPTs refused by the application. */
  refused: number;
  /** The content is refused, and that was told. */
  contentRefused: boolean;
  /** When the content began. */
  dataSince: Millis;
}

/** A question and what was answered. */
export interface Slot {
  readonly question: Question;
  answer: Reply | null;
  /** Under LMTP, for a message: the replies of the recipients, null where not known yet. */
  readonly verdicts: (Reply | null)[] | null;
  /** How many of them were said. */
  said: number;
}

/** A burst of replies is handed out when it has grown to this, octets: it bounds the work of one poll (G6). */
const burst = 16_384;

/** The session's works: everything that changes, and what changes it. */
export class Machine {
  readonly settings: ServerSettings;
  readonly state: State;
  readonly input: Input = new Input();
  readonly output: Output = new Output();
  readonly lines: LineReader;
  readonly events: ServerEvent[] = [];
  content: ContentReader | null = null;
  proxyReader: ProxyReader | null = null;
  /** Replies have to leave before anything else is done. */
  mustSend = false;

  constructor(settings: ServerSettings, now: Millis) {
    const implicit = settings.tls === "implicit";
    this.settings = settings;
    this.lines = new LineReader(longestLine(settings));
    this.proxyReader = settings.proxy ? new ProxyReader() : null;
    this.state = {
      phase: settings.proxy ? "proxy" : implicit ? "upgrading" : "greeting",
      reader: "line",
      mail: noMail(),
      hello: null,
      tls: null,
      authenticated: null,
      exchange: null,
      chunk: null,
      proxy: null,
      slots: [],
      nextId: 1,
      now,
      started: now,
      since: now,
      heldAt: null,
      block: 0,
      ended: false,
      shutdown: "no",
      upgradeDue: implicit && !settings.proxy,
      greetingDue: implicit,
      early: false,
      closing: null,
      waiting: "nothing",
      held: null,
      errors: 0,
      idleCommands: 0,
      refusedRecipients: 0,
      authFailures: 0,
      transactions: 0,
    };
  }

  /** The next event; null: nothing can be done before an input or an answer. */
  poll(): ServerEvent | null {
    const event = this.#next();
    this.state.waiting = event === null ? this.#waiting() : event.type === "close" ? "closed" : "nothing";
    return event;
  }

  #next(): ServerEvent | null {
    this.#release();
    for (;;) {
      const event = this.events.shift();
      if (event !== undefined) {
        if (event.type === "body") this.state.heldAt = this.state.now;
        return event;
      }
      if ((this.mustSend && this.output.length > 0) || this.output.length >= burst) return this.#send();
      if (!this.#step()) break;
    }
    return this.output.length > 0 ? this.#send() : null;
  }

  #waiting(): Waiting {
    const { phase, slots } = this.state;
    if (phase === "closed") return "closed";
    if (phase === "upgrading") return "tls";
    return slots.length > 0 ? "answer" : "input";
  }

  wantsInput(limit: number): boolean {
    const { phase, ended, slots } = this.state;
    if (ended || phase === "upgrading" || phase === "closing" || phase === "closed") return false;
    // RFC 3207 §6: what comes between STARTTLS and the handshake is an injection, and is left to TLS to refuse.
    if (slots[0]?.question.type === "starttls") return false;
    return this.input.charge < limit;
  }

  openSlot(id: number): Slot | null {
    const slot = this.state.slots.find(({ question }) => question.id === id);
    if (slot === undefined || slot.answer !== null) return null;
    return slot.verdicts?.every((verdict) => verdict !== null) ? null : slot;
  }

  lost(): void {
    const { state } = this;
    if (state.phase === "closing" || state.phase === "closed") {
      this.output.drop();
      return;
    }
    this.output.drop();
    this.events.length = 0;
    this.#finish("lost", null);
  }

  upgraded(tls: TlsInfo): void {
    const { state } = this;
    this.input.drop();
    state.tls = tls;
    state.hello = null;
    state.authenticated = null;
    state.since = state.now;
    if (state.greetingDue) {
      state.greetingDue = false;
      state.phase = "greeting";
    } else {
      state.phase = tls.sufficient ? "unidentified" : "insecure";
    }
  }

  upgradeFailed(): void {
    this.state.upgradeDue = false;
    this.#finish("tls", null);
  }

  /** Time in which the application held a piece of content is not the client's. */
  #release(): void {
    const { state } = this;
    if (state.heldAt === null) return;
    const spent = state.now - state.heldAt;
    state.since += spent;
    state.mail.dataSince += spent;
    state.heldAt = null;
  }

  #send(): ServerEvent {
    this.mustSend = false;
    return { type: "send", data: this.output.take() };
  }

  /** Does one thing; false: there is nothing to do. */
  #step(): boolean {
    const { state } = this;
    if (state.phase === "closed") return false;
    if (state.phase === "closing") return this.#close();
    if (state.shutdown === "now") return this.#shutdown();
    if (state.slots.length > 0) return this.#settle() || this.#askAhead() || this.#expire();
    if (state.shutdown === "idle" && this.#isIdle()) return this.#shutdown();
    switch (state.phase) {
      case "proxy":
        return this.#readProxy() || this.#expire();
      case "upgrading":
        return this.#upgrade() || this.#expire();
      case "greeting":
        return this.#greet();
      default:
        return this.#read() || this.#end() || this.#expire();
    }
  }

  #read(): boolean {
    switch (this.state.reader) {
      case "line":
        return this.#readCommand();
      case "sasl":
        return this.#readResponse();
      case "dots":
        return this.#readData();
      case "octets":
      case "drain":
        return this.#readChunk();
    }
  }

  // Opening, closing.

  #readProxy(): boolean {
    const { state, input, settings } = this;
    const reader = this.proxyReader ?? bug("no PROXY reader");
    const { chunk } = input;
    if (chunk === null) {
      if (!state.ended) return false;
      this.#finish("proxy", null);
      return true;
    }
    const read = reader.read(chunk.subarray(input.at));
    input.skip(reader.taken);
    if (read === null) return true;
    this.proxyReader = null;
    if ("rule" in read) {
      this.#violation(read.rule, read.detail, read.at);
      this.#finish("proxy", null);
      return true;
    }
    state.proxy = read;
    state.since = state.now;
    state.phase = settings.tls === "implicit" ? "upgrading" : "greeting";
    state.upgradeDue = state.phase === "upgrading";
    return true;
  }

  #upgrade(): boolean {
    const { state, input } = this;
    if (!state.upgradeDue) return false;
    state.upgradeDue = false;
    state.since = state.now;
    // Only a PROXY header can have anything behind it: STARTTLS has seen to it that nothing is unread.
    const data = input.octets();
    input.drop();
    this.events.push({ type: "upgrade", data });
    return true;
  }

  #greet(): boolean {
    const { state, settings } = this;
    if (this.input.length > 0 && !state.early) {
      state.early = true;
      this.#violation("S-SES-08", "the client spoke before it was greeted", 0);
      return true;
    }
    if (!state.early && !state.ended && state.now < state.since + settings.timers.greetingDelay)
      return this.#expire();
    const { early, proxy, nextId: id } = state;
    this.#ask({ type: "connect", id, reply: reply(220, settings.banner), early, proxy });
    return true;
  }

  #close(): boolean {
    const { state } = this;
    state.phase = "closed";
    this.events.push({ type: "close", reason: state.closing ?? bug("closing for no reason") });
    return true;
  }

  /** Nothing would be lost if the service ended now. */
  #isIdle(): boolean {
    const { phase, mail, chunk } = this.state;
    return (
      phase !== "upgrading" &&
      chunk === null &&
      (mail.transaction === "none" || mail.transaction === "failed")
    );
  }

  #shutdown(): boolean {
    const silent = this.state.phase === "proxy" || this.state.phase === "upgrading";
    this.#finish("shutdown", silent ? null : replies.unavailable(this.settings.name));
    return true;
  }

  #end(): boolean {
    if (!this.state.ended) return false;
    this.#finish("end", null);
    return true;
  }

  #expire(): boolean {
    const { state, settings } = this;
    const deadline = nextDeadline(state, settings);
    if (deadline === null || state.now < deadline.at || deadline.timer === "greetingDelay") return false;
    const silent = state.phase === "proxy" || state.phase === "upgrading";
    this.#finish("timeout", silent ? null : replies.timedOut(settings.name));
    return true;
  }

  /** The last reply, and the end of everything that is open. Null: there is nobody to tell. */
  #finish(reason: CloseReason, last: Reply | null): void {
    const { state } = this;
    this.#abandon(resetCauses[reason] ?? "closed");
    state.slots = [];
    state.held = null;
    state.exchange = null;
    this.input.drop();
    const greeting = state.phase === "greeting";
    if (last !== null) this.#say(last, !greeting, greeting || last.code === 421);
    this.mustSend = true;
    state.phase = "closing";
    state.closing = reason;
  }

  // Questions.

  #ask(question: Question): void {
    const { state, settings } = this;
    const perRecipient = question.type === "message" && settings.lmtp;
    const verdicts = perRecipient ? question.envelope.recipients.map(() => null) : null;
    state.nextId++;
    state.slots.push({ question, answer: null, verdicts, said: 0 });
    this.events.push(question);
  }

  /** Acts on the answer to the question that is next in order; false: it is not answered yet. */
  #settle(): boolean {
    const { state } = this;
    const slot = state.slots[0];
    if (slot.verdicts !== null) return this.#settleVerdicts(slot, slot.verdicts);
    if (slot.answer === null) return false;
    state.slots.shift();
    state.since = state.now;
    this.#apply(slot.question, slot.answer);
    return true;
  }

  #settleVerdicts(slot: Slot, verdicts: readonly (Reply | null)[]): boolean {
    const next = verdicts[slot.said];
    if (next === null) return false;
    slot.said++;
    if (next.code === 421) {
      this.#finish("refused", next);
      return true;
    }
    this.#say(next);
    if (slot.said < verdicts.length) return true;
    this.state.slots.shift();
    this.#delivered();
    return true;
  }

  #apply(question: Question, answer: Reply): void {
    const { state, settings } = this;
    if (question.type === "connect") return this.#greeted(answer);
    if (answer.code === 421) return this.#finish("refused", answer);
    const positive = replyClass(answer) < 4;
    switch (question.type) {
      case "hello":
        if (positive) {
          const first = answer.lines[0] === "" ? settings.name : `${settings.name} ${answer.lines[0]}`;
          this.#abandon("hello");
          state.hello = { verb: question.verb, name: question.name };
          state.phase = "ready";
          this.output.put(answer.code, null, [first, ...question.capabilities]);
          this.mustSend = true;
        } else {
          this.#say(answer, false);
          this.mustSend = true;
        }
        return;
      case "starttls":
        this.mustSend = true;
        if (!positive) return this.#say(answer);
        if (this.input.length > 0) return this.#injected();
        this.#say(answer);
        state.phase = "upgrading";
        state.upgradeDue = true;
        return;
      case "auth":
        return this.#authenticated(question, answer);
      case "mail":
        this.#say(answer);
        if (!positive) return;
        state.mail = {
          transaction: "sender",
          from: question.from,
          parameters: question.parameters,
          recipients: [],
          refused: 0,
          contentRefused: false,
          dataSince: 0,
        };
        return;
      case "rcpt":
        if (positive) {
          state.mail.transaction = "recipients";
          state.mail.recipients.push({ to: question.to, parameters: question.parameters });
        } else {
          state.mail.refused++;
          if (++state.refusedRecipients > settings.limits.refusedRecipients) {
            return this.#abuse("SEC-DOS-05", "Too many recipients refused");
          }
        }
        return this.#say(state.mail.parameters.smtputf8 ? answer : inAscii(question, answer));
      case "data":
        this.#say(answer);
        this.mustSend = true;
        if (positive) this.#beginData();
        return;
      case "message":
        this.#say(answer);
        return this.#delivered();
      case "command":
        this.#say(question.smtputf8 ? answer : inAscii(question, answer));
        this.mustSend = true;
        return;
    }
  }

  #greeted(answer: Reply): void {
    const { state } = this;
    // A client that was told 421 or 521 has nothing more to say; after 554 it may still QUIT (RFC 5321 §3.1).
    if (replyClass(answer) === 4 || answer.code === 521) return this.#finish("refused", answer);
    this.#say(answer, false, true);
    this.mustSend = true;
    if (replyClass(answer) === 5) state.phase = "refused";
    else state.phase = state.tls?.sufficient === false ? "insecure" : "unidentified";
  }

  #delivered(): void {
    const { state } = this;
    state.mail = noMail();
    this.content = null;
    state.chunk = null;
    state.reader = "line";
    state.since = state.now;
    state.idleCommands = 0;
  }

  /** A pipelined RCPT may be asked while earlier ones are open; whatever else comes waits for them. */
  #askAhead(): boolean {
    const { state, settings } = this;
    const { slots, mail } = state;
    if (state.held !== null || slots.length >= settings.concurrentRecipients) return false;
    if (state.reader !== "line" || !slots.every(({ question }) => question.type === "rcpt")) return false;
    if (mail.recipients.length + slots.length >= settings.limits.recipients) return false;
    const line = this.lines.read(this.input);
    if (line === null) return false;
    const octets = this.lines.length;
    const interpretation =
      line !== "too-long" && isRecipient(line) ? interpret(line, octets, this.#context()) : null;
    if (interpretation?.kind === "ask") {
      this.#ask(interpretation.question);
    } else {
      state.held = { line: line === "too-long" ? null : line, octets };
    }
    return true;
  }

  // Commands.

  #readCommand(): boolean {
    const { state } = this;
    const { held } = state;
    state.held = null;
    const line = held === null ? this.lines.read(this.input) : (held.line ?? "too-long");
    if (line === null) return false;
    const octets = held?.octets ?? this.lines.length;
    state.since = state.now;
    if (line === "too-long") {
      const detail = `command line of ${octets} octets`;
      this.#refuse({ rule: "S-LINE-11", detail, at: 0, reply: replies.lineTooLong }, null);
    } else {
      this.#execute(interpret(line, octets, this.#context()));
    }
    return true;
  }

  #execute(interpretation: Interpretation): void {
    const { state, settings } = this;
    const { kind } = interpretation;
    if (kind === "chunk")
      return this.#beginChunk(interpretation.size, interpretation.last, interpretation.fault);
    const verb = kind === "auth" ? "AUTH" : interpretation.verb;
    const rule = ruleOf(verb, settings);
    if (this.#outOfStep(verb, rule)) return;
    if (kind === "refuse") return this.#refuse(interpretation.fault, rule);
    if (rule?.idle && ++state.idleCommands > settings.limits.idleCommands) {
      return this.#abuse("S-LINE-18", "Too many commands without mail");
    }
    switch (kind) {
      case "ask":
        if (verb === "STARTTLS" && this.input.length > 0) return this.#injected();
        if (verb === "MAIL" && ++state.transactions > settings.limits.transactions) {
          return this.#abuse("SEC-DOS-01", "Too many transactions");
        }
        return this.#ask(interpretation.question);
      case "accept":
        if (verb === "QUIT") return this.#finish("quit", interpretation.reply);
        if (verb === "RSET") this.#abandon("rset");
        this.#say(interpretation.reply);
        if (interpretation.rule.endsGroup) this.mustSend = true;
        return;
      case "auth":
        return this.#beginExchange(
          interpretation.mechanism.name,
          interpretation.mechanism.first,
          interpretation.initial,
        );
    }
  }

  /** With strict pipelining: the client sent ahead where it has to wait (RFC 2920 §3.1). */
  #outOfStep(verb: string, rule: Rule | null): boolean {
    const { state, settings, input } = this;
    if (!settings.strictPipelining || input.length === 0) return false;
    const allowed = settings.extensions.pipelining && state.hello !== null && state.hello.verb !== "HELO";
    if (allowed && rule?.endsGroup === false) return false;
    this.#violation("X-PIPE-15", `octets behind ${verb}, whose reply has to be awaited`, 0);
    this.#finish("protocol", replies.synchronization);
    return true;
  }

  #refuse(fault: Fault, rule: Rule | null): void {
    const { state, settings } = this;
    this.#violation(fault.rule, fault.detail, fault.at);
    if (fault.reply.code === 421)
      return this.#finish(fault.rule === "S-OLD-03" ? "abuse" : "protocol", fault.reply);
    if (++state.errors > settings.limits.errors) return this.#abuse("S-LINE-18", "Too many errors");
    this.#say(fault.reply, rule?.argument !== "hello");
    if (rule === null || rule.endsGroup) this.mustSend = true;
  }

  #abuse(rule: string, what: string): void {
    this.#violation(rule, what, null);
    this.#finish("abuse", replies.abused(this.settings.name, what));
  }

  /** Octets behind STARTTLS came in the clear: they could be anybody's (CVE-2011-0411). */
  #injected(): void {
    this.#violation("T-TLS-04", `${this.input.length} octets in the clear behind STARTTLS`, null);
    this.#finish("protocol", replies.synchronization);
  }

  #context(): Context {
    const { state, settings } = this;
    const { hello, mail, tls } = state;
    return {
      phase: state.phase,
      transaction: mail.transaction,
      extended: hello !== null && hello.verb !== "HELO",
      tlsActive: tls !== null,
      tlsRequired: settings.tls === "required",
      authenticated: state.authenticated !== null,
      authRequired: settings.authRequired,
      offers: (offer) => offered(offer, settings),
      settings,
      recipients: mail.recipients.length,
      envelope: () => this.envelope(),
      refusedHere: mail.refused,
      parameters: mail.transaction === "none" ? null : mail.parameters,
      id: state.nextId,
    };
  }

  /** A copy: RCPTs may follow where DATA was refused, and what was handed out stays as it is. */
  envelope(): Envelope {
    const { from, parameters, recipients } = this.state.mail;
    return { from, parameters, recipients: [...recipients] };
  }

  // AUTH (RFC 4954).

  #beginExchange(mechanism: string, first: "client" | "server" | "either", initial: Uint8Array | null): void {
    const { state, settings } = this;
    if (state.authFailures >= settings.limits.authFailures) {
      return this.#abuse("A-AUTH-14", "Too many failed authentications");
    }
    state.exchange = { mechanism, step: 0 };
    if (first === "client" && initial === null) {
      state.reader = "sasl";
      this.#say(replies.authEmptyChallenge);
      this.mustSend = true;
    } else {
      this.#askAuth(initial);
    }
  }

  #readResponse(): boolean {
    const { state } = this;
    const line = this.lines.read(this.input);
    if (line === null) return false;
    state.since = state.now;
    if (line === "too-long" || this.lines.length > this.settings.limits.authLine) {
      this.#endExchange({
        rule: "A-AUTH-08",
        detail: `response of ${this.lines.length} octets`,
        at: 0,
        reply: replies.authTooLong,
      });
    } else if (line.length === 1 && line[0] === 0x2a) {
      this.#endExchange(null);
      this.#say(replies.authCancelled);
      this.mustSend = true;
    } else {
      const response = decodeBase64(line, 0, line.length);
      if (response === null) {
        this.#endExchange({
          rule: "A-AUTH-07",
          detail: "the response is not base64",
          at: 0,
          reply: replies.authUndecodable,
        });
      } else {
        this.#askAuth(response);
      }
    }
    return true;
  }

  #askAuth(response: Uint8Array | null): void {
    const { state } = this;
    const { mechanism, step } = state.exchange ?? bug("no AUTH exchange");
    const question: AuthQuestion = {
      type: "auth",
      id: state.nextId,
      reply: replies.authUnavailable,
      mechanism,
      response,
      step,
    };
    this.#ask(question);
  }

  #authenticated(question: AuthQuestion, answer: Reply): void {
    const { state } = this;
    if (answer.code === 334) {
      state.exchange = { mechanism: question.mechanism, step: question.step + 1 };
      state.reader = "sasl";
    } else {
      this.#endExchange(null);
      if (answer.code === 235) state.authenticated = question.mechanism;
      else state.authFailures++;
    }
    this.#say(answer);
    this.mustSend = true;
  }

  #endExchange(fault: Fault | null): void {
    this.state.exchange = null;
    this.state.reader = "line";
    if (fault === null) return;
    this.#refuse(fault, null);
  }

  // Content (RFC 5321 §4.1.1.4, RFC 3030).

  #beginData(): void {
    const { state } = this;
    this.content = this.#newContent(true);
    state.mail.transaction = "data";
    state.mail.dataSince = state.now;
    state.reader = "dots";
    state.block = 0;
  }

  #newContent(dots: boolean): ContentReader {
    return new ContentReader(contentOptions(this.settings, this.state.mail.parameters, dots));
  }

  #readData(): boolean {
    const { input } = this;
    const content = this.content ?? bug("no content");
    const before = input.length;
    if (before === 0) return false;
    this.#take(content, content.read(input), before - input.length);
    if (!content.ended) return true;
    this.#wholeMessage(content);
    return true;
  }

  #beginChunk(size: number, last: boolean, fault: Fault | null): void {
    const { state } = this;
    if (fault !== null) {
      this.#violation(fault.rule, fault.detail, fault.at);
    } else if (this.content === null) {
      this.content = this.#newContent(false);
      state.mail.transaction = "chunks";
      state.mail.dataSince = state.now;
    }
    state.chunk = { size, remaining: size, last, fault };
    state.reader = fault === null ? "octets" : "drain";
    state.block = 0;
  }

  #readChunk(): boolean {
    const { state, input } = this;
    const chunk = state.chunk ?? bug("no chunk");
    if (chunk.remaining > 0) {
      const before = input.length;
      if (before === 0) return false;
      if (state.reader === "octets") {
        const content = this.content ?? bug("no content");
        const octets = content.read(input, chunk.remaining);
        const taken = before - input.length;
        chunk.remaining -= taken;
        this.#take(content, octets, taken);
      } else {
        const held = (input.chunk as Uint8Array).length - input.at;
        const taken = Math.min(held, chunk.remaining);
        input.skip(taken);
        chunk.remaining -= taken;
        this.#count(taken);
      }
      return true;
    }
    state.chunk = null;
    state.reader = "line";
    state.since = state.now;
    if (chunk.fault !== null) this.#drained(chunk.last, chunk.fault);
    else this.#chunkDone(chunk.size, chunk.last);
    return true;
  }

  /** A chunk of the message was read to its end. */
  #chunkDone(size: number, last: boolean): void {
    const { state } = this;
    const content = this.content ?? bug("no content");
    if (last) {
      this.#take(content, content.finish(), 0);
      return this.#wholeMessage(content);
    }
    if (content.fault === null) return this.#say(replies.octetsReceived(size));
    const refusal = contentFaults[content.fault.reason];
    this.events.push({ type: "reset", cause: "refused" });
    this.content = null;
    state.mail.transaction = "failed";
    if (this.#mustClose(content))
      return this.#finish("abuse", replies.abused(this.settings.name, refusal.reply.lines[0]));
    this.#say(refusal.reply);
  }

  /** A refused chunk was read to its end: now it is answered (RFC 3030 §2; LMTP: RFC 2033 §4.3). */
  #drained(last: boolean, fault: Fault): void {
    const { state, settings } = this;
    const { transaction, recipients } = state.mail;
    if (++state.errors > settings.limits.errors) return this.#abuse("S-LINE-18", "Too many errors");
    if (last && transaction === "failed") {
      const times = settings.lmtp ? recipients.length : 1;
      for (let time = 0; time < times; time++) this.#say(fault.reply);
      this.#abandon("refused");
    } else if (last && transaction === "sender" && settings.lmtp) {
      this.#abandon("refused");
    } else {
      this.#say(fault.reply);
    }
  }

  /** Hands on content, and tells once of what is wrong with it. */
  #take(content: ContentReader, octets: Uint8Array | null, taken: number): void {
    const { mail } = this.state;
    if (octets !== null) this.events.push({ type: "body", data: octets });
    this.#count(taken);
    const { fault } = content;
    if (fault === null || mail.contentRefused) return;
    const { rule, detail } = contentFaults[fault.reason];
    mail.contentRefused = true;
    this.#violation(rule, detail, fault.at);
  }

  #count(taken: number): void {
    const { state, settings } = this;
    state.block += taken;
    if (state.block < settings.limits.dataBlock) return;
    state.block = 0;
    state.since = state.now;
  }

  #wholeMessage(content: ContentReader): void {
    const { state, settings } = this;
    state.reader = "line";
    state.since = state.now;
    const { recipients } = state.mail;
    if (content.fault !== null) {
      const refusal = contentFaults[content.fault.reason];
      const times = settings.lmtp ? recipients.length : 1;
      this.#abandon("refused");
      if (this.#mustClose(content)) {
        return this.#finish("abuse", replies.abused(settings.name, refusal.reply.lines[0]));
      }
      for (let time = 0; time < times; time++) this.#say(refusal.reply);
      return;
    }
    state.mail.transaction = "verdict";
    const { size, eightBit, bareCr, bareLf } = content;
    this.#ask({
      type: "message",
      id: state.nextId,
      reply: replies.localError,
      envelope: this.envelope(),
      content: { size, eightBit, bareCr, bareLf },
    });
  }

  #mustClose(content: ContentReader): boolean {
    const reason = content.fault?.reason;
    return this.settings.closeOnBareLineEnds && (reason === "bare-cr" || reason === "bare-lf");
  }

  /** Ends an open transaction without a verdict: one fresh value in its place (G10). */
  #abandon(cause: ResetCause): void {
    const { state } = this;
    const { transaction } = state.mail;
    if (transaction !== "none" && transaction !== "failed") this.events.push({ type: "reset", cause });
    state.mail = noMail();
    state.chunk = null;
    state.reader = "line";
    this.content = null;
  }

  #violation(rule: string, detail: string, at: number | null): void {
    this.events.push({ type: "violation", rule, detail, at });
  }

  /**
   * Puts a reply on its way. Enhanced status codes go before the text of every 2yz, 4yz and 5yz, but in the
   * greeting and in replies to EHLO, HELO and LHLO (RFC 2034 §4).
   */
  #say(said: Reply, enhance = true, named = said.code === 421): void {
    const { extensions, name } = this.settings;
    const digit = replyClass(said);
    const enhanced =
      enhance && extensions.enhancedStatusCodes && digit !== 3 ? (said.enhanced ?? `${digit}.0.0`) : null;
    // RFC 5321 §4.2: the domain is the first word of 220, 221 and 421.
    const [first, ...more] = said.lines;
    const lines = named && !first.startsWith(name) ? [`${name} ${first}`.trimEnd(), ...more] : said.lines;
    this.output.put(said.code, enhanced, lines);
  }
}

/** How the content of a message is read, by configuration and by what MAIL declared. */
export function contentOptions(
  settings: ServerSettings,
  parameters: MailParameters,
  dots: boolean,
): ConstructorParameters<typeof ContentReader>[0] {
  const binary = parameters.body === "BINARYMIME";
  const { limits } = settings;
  return {
    dots,
    bareCr: binary ? "keep" : settings.bareCr,
    bareLf: binary ? "keep" : settings.bareLf,
    maxSize: limits.message === 0 ? Number.POSITIVE_INFINITY : limits.message,
    maxLine: binary ? Number.POSITIVE_INFINITY : limits.textLine,
  };
}

const contentFaults = {
  "bare-lf": { rule: "SEC-EOD-02", detail: "LF without CR in content", reply: replies.bareLf },
  "bare-cr": { rule: "SEC-EOD-02", detail: "CR without LF in content", reply: replies.bareCr },
  "too-big": { rule: "S-SIZE-02", detail: "content larger than the limit", reply: replies.messageTooBig },
  "long-line": {
    rule: "S-DATA-15",
    detail: "line of content longer than the limit",
    reply: replies.textLineTooLong,
  },
} as const;

const resetCauses: Partial<Record<CloseReason, ResetCause>> = {
  quit: "quit",
  end: "end",
  lost: "lost",
  timeout: "timeout",
};

function longestLine({ limits, mechanisms }: ServerSettings): number {
  return mechanisms.length > 0 ? Math.max(limits.commandLine, limits.authLine) : limits.commandLine;
}

function noMail(): Mail {
  return {
    transaction: "none",
    from: null,
    parameters: noMailParameters,
    recipients: [],
    refused: 0,
    contentRefused: false,
    dataSince: 0,
  };
}

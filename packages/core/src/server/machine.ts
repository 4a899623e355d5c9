import { bug } from "../errors.ts";
import { CheckedReply, enhancedCode, type Reply, replyClass } from "../reply.ts";
import type { Fault } from "../syntax/fault.ts";
import type { Millis } from "../time.ts";
import type { ContentReader } from "../wire/dot.ts";
import { Input } from "../wire/input.ts";
import type { LineReader } from "../wire/line.ts";
import { Output } from "../wire/output.ts";
import { ProxyReader } from "../wire/proxy.ts";
import { formatReply } from "../wire/reply-format.ts";
import { readResponse } from "./auth.ts";
import { readCommand } from "./commands.ts";
import { readChunk, readData } from "./content.ts";
import type { CloseReason, Envelope, Question, ResetCause, ServerEvent, TlsInfo } from "./events.ts";
import { askAhead, settle } from "./questions.ts";
import { added, nothing, rest } from "./queue.ts";
import { endsOf, newState, noMail, ownMail, type Slot, type State, type Waiting } from "./record.ts";
import * as replies from "./replies.ts";
import type { ServerSettings } from "./settings.ts";
import { type Rule, rules } from "./state.ts";
import { deadlineOf, nextTimer } from "./timers.ts";

/** A burst of replies is handed out when it has grown to this, octets: it bounds the work of one poll (G6). */
const burst = 16_384;

/** The session's works: everything that changes, and what changes it. */
export class Machine {
  readonly settings: ServerSettings;
  readonly state: State;
  readonly input: Input = new Input();
  /** Replies on their way out; null: none. */
  output: Output | null = null;
  events: ServerEvent[] = nothing;
  /** Reads the line that has come in part; null: none has. */
  lines: LineReader | null = null;
  content: ContentReader | null = null;
  proxyReader: ProxyReader | null = null;
  /** Replies have to leave before anything else is done. */
  mustSend = false;

  constructor(settings: ServerSettings, now: Millis) {
    this.settings = settings;
    this.proxyReader = settings.proxy ? new ProxyReader() : null;
    this.state = newState(settings, now);
  }

  /** The next event; null: nothing can be done before an input or an answer. */
  poll(): ServerEvent | null {
    const event = this.#next();
    this.state.waiting = event === null ? this.#waiting() : over(event) ? "closed" : "nothing";
    return event;
  }

  #next(): ServerEvent | null {
    this.#release();
    for (;;) {
      if (this.events.length > 0) {
        const event = this.events[0];
        this.events = rest(this.events);
        if (event.type === "body") this.state.heldAt = this.state.now;
        return event;
      }
      if (this.output !== null && (this.mustSend || this.output.length >= burst))
        return this.#send(this.output);
      if (!this.#step()) break;
    }
    return this.output === null ? null : this.#send(this.output);
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
    // Likewise what comes between ATRN and its reply, when the roles turn.
    const asked = slots[0]?.question.type;
    if (asked === "starttls" || asked === "atrn") return false;
    return this.input.charge < limit;
  }

  openSlot(id: number): Slot | null {
    for (const slot of this.state.slots) {
      if (slot.question.id !== id) continue;
      if (slot.answer !== null) return null;
      return slot.verdicts?.every((verdict) => verdict !== null) ? null : slot;
    }
    return null;
  }

  lost(): void {
    const { phase } = this.state;
    this.output?.drop();
    this.output = null;
    this.stay("lost");
    if (phase === "closing" || phase === "closed") return;
    this.events = nothing;
    this.finish("lost", null);
  }

  /** ATRN was accepted, and the other side has gone before the roles have turned: there is nobody to turn to. */
  stay(reason: CloseReason): void {
    const { state } = this;
    if (state.turn === null) return;
    state.turn = null;
    state.closing = reason;
  }

  upgraded(tls: TlsInfo): void {
    const { state } = this;
    this.input.drop();
    state.tls = tls;
    state.mail = noMail();
    state.xclient = endsOf(state.xclient);
    state.hello = null;
    state.authenticated = null;
    state.authTried = false;
    state.since = state.now;
    // Implicit TLS comes before the greeting, STARTTLS behind it.
    if (this.settings.tls === "implicit") state.phase = "greeting";
    else state.phase = tls.sufficient ? "unidentified" : "insecure";
  }

  upgradeFailed(): void {
    this.state.upgradeDue = false;
    this.finish("tls", null);
  }

  /** Time in which the application held a piece of content is not the client's. */
  #release(): void {
    const { state } = this;
    if (state.heldAt === null) return;
    const spent = state.now - state.heldAt;
    state.since += spent;
    if (state.mail.transaction !== "none") state.mail.dataSince += spent;
    state.heldAt = null;
  }

  #send(output: Output): ServerEvent {
    this.mustSend = false;
    this.output = null;
    return { type: "send", data: output.take() };
  }

  /** Does one thing; false: there is nothing to do. */
  #step(): boolean {
    const { state } = this;
    if (state.phase === "closed") return false;
    if (state.phase === "closing") return this.#close();
    // What was decided is said, even if the service ends now: that a message was stored, first of all.
    const asked = state.slots.length > 0;
    if (asked && settle(this)) return true;
    if (state.shutdown === "now") return this.#shutdown();
    // What is still unread does not prolong a session that is over its time.
    if (state.now >= state.started + this.settings.timers.session) return this.#timeOut();
    if (asked) return askAhead(this) || (state.phase === "greeting" && this.#noticeEarly());
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
        return readCommand(this);
      case "sasl":
        return readResponse(this);
      case "dots":
        return readData(this);
      case "octets":
      case "drain":
        return readChunk(this);
    }
  }

  #readProxy(): boolean {
    const { state, input, settings } = this;
    const reader = this.proxyReader ?? bug("no PROXY reader");
    const { chunk } = input;
    if (chunk === null) {
      if (!state.ended) return false;
      this.finish("proxy", null);
      return true;
    }
    const read = reader.read(chunk.subarray(input.at));
    input.skip(reader.taken);
    if (read === null) return true;
    this.proxyReader = null;
    if ("rule" in read) {
      this.violation(read.rule, read.detail, read.at);
      this.finish("proxy", null);
      return true;
    }
    state.proxy = read;
    state.since = state.now;
    state.phase = settings.tls === "implicit" ? "upgrading" : "greeting";
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
    this.tell({ type: "upgrade", data });
    return true;
  }

  #greet(): boolean {
    const { state, settings } = this;
    if (this.#noticeEarly()) return true;
    if (!state.early && !state.ended && state.now < state.since + settings.timers.greetingDelay)
      return this.#expire();
    const { early, proxy, nextId: id } = state;
    const answer = replies.greeting(settings);
    this.ask({ type: "connect", id, reply: answer, early, proxy, xclient: null });
    return true;
  }

  /** Tells, once, that the client has said something before the greeting. */
  #noticeEarly(): boolean {
    const { state, input } = this;
    if (state.early || input.length === 0) return false;
    state.early = true;
    this.violation("S-SES-08", "the client spoke before it was greeted", 0);
    return true;
  }

  #close(): boolean {
    const { state } = this;
    if (state.shutdown === "now") this.stay("shutdown");
    state.phase = "closed";
    if (state.turn !== null) this.tell({ type: "turn", domains: state.turn });
    else this.tell({ type: "close", reason: state.closing ?? bug("closing for no reason") });
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
    this.finish("shutdown", silent ? null : replies.unavailable(this.settings.name));
    return true;
  }

  #end(): boolean {
    if (!this.state.ended) return false;
    this.finish("end", null);
    return true;
  }

  #expire(): boolean {
    const { state, settings } = this;
    const timer = nextTimer(state, settings);
    if (timer === null || state.now < deadlineOf(timer, state, settings)) return false;
    return this.#timeOut();
  }

  #timeOut(): boolean {
    const { state, settings } = this;
    const silent = state.phase === "proxy" || state.phase === "upgrading";
    this.finish("timeout", silent ? null : replies.timedOut(settings.name));
    return true;
  }

  /** The last reply, and the end of everything that is open. Null: there is nobody to tell. */
  finish(reason: CloseReason, last: Reply | null): void {
    const { state } = this;
    this.abandon(resetCauses[reason] ?? "closed");
    state.slots = nothing;
    state.held = null;
    state.exchange = null;
    this.input.drop();
    const greeting = state.phase === "greeting";
    if (last !== null) this.say(last, !greeting, greeting || last.code === 421);
    this.mustSend = true;
    state.phase = "closing";
    state.closing = reason;
  }

  ask(question: Question): void {
    const { state, settings } = this;
    const perRecipient = question.type === "message" && (settings.lmtp || question.envelope.parameters.prdr);
    const verdicts = perRecipient ? question.envelope.recipients.map(() => null) : null;
    state.nextId++;
    state.slots = added(state.slots, { question, answer: null, verdicts, each: false, said: 0 });
    this.tell(question);
  }

  refuse(fault: Fault, rule: Rule | null): void {
    const { state, settings } = this;
    this.violation(fault.rule, fault.detail, fault.at);
    if (fault.reply.code === 421)
      return this.finish(fault.rule === "S-OLD-03" ? "abuse" : "protocol", fault.reply);
    const { limits } = settings;
    const mild = this.#isMild(fault, rule) && ++state.refusedRecipients <= limits.refusedRecipients;
    if (!mild && ++state.errors > limits.errors) return this.abuse("S-LINE-18", "Too many errors");
    // A MAIL that is out of order begins nothing that could be refused.
    if (rule === rules.MAIL && state.mail.transaction === "none" && fault.rule !== "S-SEQ-01")
      ownMail(state).refused++;
    this.say(fault.reply, rule?.argument !== "hello");
    if (rule === null || rule.endsGroup) this.mustSend = true;
  }

  /**
   * Whether a refusal is no error, as long as there are not too many: a recipient too many, which is to be sent later
   * (RFC 5321 §4.5.3.1.10), and what was sent ahead of another refusal and comes to nothing by it (RFC 2920 §3.1).
   */
  #isMild(fault: Fault, rule: Rule | null): boolean {
    if (replyClass(fault.reply) === 4) return true;
    const behind = rule === rules.RCPT || rule === rules.DATA;
    const outOfOrder = fault.rule === "S-SEQ-01" || fault.rule === "S-DATA-05";
    return behind && outOfOrder && this.state.mail.refused > 0;
  }

  abuse(rule: string, what: string): void {
    this.violation(rule, what, null);
    this.finish("abuse", replies.abused(this.settings.name, what));
  }

  /** A copy: RCPTs may follow where DATA was refused, and what was handed out stays as it is. */
  envelope(): Envelope {
    const { from, parameters, recipients, forwarded } = this.state.mail;
    return { from, parameters, recipients: [...recipients], forwarded };
  }

  /** Ends an open transaction without a verdict: one fresh value in its place (G10). */
  abandon(cause: ResetCause): void {
    const { state } = this;
    const { transaction } = state.mail;
    if (transaction !== "none" && transaction !== "failed") this.tell({ type: "reset", cause });
    state.mail = noMail();
    state.chunk = null;
    state.reader = "line";
    this.content = null;
  }

  /** An event for the application, behind those that it has not been told yet. */
  tell(event: ServerEvent): void {
    this.events = added(this.events, event);
  }

  violation(rule: string, detail: string, at: number | null): void {
    this.tell({ type: "violation", rule, detail, at });
  }

  /**
   * Puts a reply on its way. Enhanced status codes go before the text of every 2yz, 4yz and 5yz, but in the
   * greeting and in replies to EHLO, HELO and LHLO (RFC 2034 §4).
   */
  say(said: Reply, enhance: boolean = true, named: boolean = false): void {
    const { extensions, name } = this.settings;
    const coded = enhance && extensions.enhancedStatusCodes && replyClass(said) !== 3;
    const whole = named ? replies.withName(name, said) : said;
    if (whole instanceof CheckedReply) return this.put(whole.octets(coded, formatReply));
    this.put(formatReply(whole.code, coded ? enhancedCode(whole) : null, whole.lines));
  }

  /** Octets that are to be sent behind those that wait. */
  put(octets: Uint8Array): void {
    this.output ??= new Output();
    this.output.put(octets);
  }
}

/** Whether no event follows. */
function over({ type }: ServerEvent): boolean {
  return type === "close" || type === "turn";
}

const resetCauses: Partial<Record<CloseReason, ResetCause>> = {
  quit: "quit",
  end: "end",
  lost: "lost",
  timeout: "timeout",
};

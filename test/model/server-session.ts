/**
 * A real ServerSession beside the model: what it says, asks and tells is collected in the form in which the model
 * predicts it, and both are compared after every command.
 */
import type { Question, Reply, ServerConfig, ServerSession } from "@sansmtp/core";
import { step } from "./server.ts";
import { isInChunk, read } from "./server-framing.ts";
import {
  type Asked,
  codeOf,
  type Decision,
  type Expected,
  end,
  initial,
  type Parameters,
  type Settings,
  type State,
  type Transaction,
} from "./server-state.ts";

export type Core = typeof import("@sansmtp/core");

/** What was seen of a session, or has to be. */
interface Seen<R> {
  replies: R[];
  asked: Asked[];
  resets: string[];
  close: string | null;
  upgrade: boolean;
}

/** A reply as it was read from the wire. */
interface Read {
  readonly code: number;
  readonly lines: readonly string[];
}

/** The model in its state, and what it expects of the command at hand. */
export class Model {
  readonly settings: Settings;
  state: State = initial;
  /** What has come and is no whole item. */
  octets = "";
  expected: Seen<Expected> = nothing();
  decisions: readonly Decision[] = [];

  constructor(settings: Settings) {
    this.settings = settings;
    if (settings.tls === "implicit") this.state = { ...initial, phase: "tls" };
  }

  /** The application answers what it is asked from here on with these, then with `accept`. */
  begin(decisions: readonly Decision[]): void {
    this.expected = nothing();
    this.decisions = decisions;
  }

  /** @param observed the replies of the session so far: where it may end the session, they tell whether it has */
  feed(octets: string, observed: readonly Read[]): void {
    this.octets += octets;
    for (;;) {
      const found = read(this.settings, this.state, this.octets);
      if (found === null) break;
      const at = this.expected.replies.length;
      const taken = this.expected.asked.filter(({ optional }) => !optional).length;
      let result = step(this.settings, this.state, found.item, this.decisions.slice(taken));
      if (result.abuse === "must" || (result.abuse === "may" && observed[at]?.code === 421)) {
        const { transaction } = this.state;
        const open = transaction !== null && !transaction.failed && result.asked.length === 0;
        const reset = result.reset ?? (open ? "any" : null);
        const replies = [{ codes: [421], enhanced: "4.7.0" }];
        result = { ...result, replies, next: end(), reset, close: "abuse" };
      }
      this.octets = this.octets.slice(found.took);
      this.state = result.next;
      this.expected.replies.push(...result.replies);
      this.expected.asked.push(...result.asked);
      if (result.reset !== null) this.expected.resets.push(result.reset);
      if (result.close !== null) this.expected.close = result.close;
      if (this.state.phase === "tls") this.expected.upgrade = true;
    }
    if (this.state.phase === "closed") this.octets = "";
  }

  /** The session is over, for a reason that is no item. */
  end(cause: string, reason: string, said: readonly Expected[]): void {
    const { transaction } = this.state;
    if (transaction !== null && !transaction.failed) this.expected.resets.push(cause);
    this.expected.replies.push(...said);
    this.expected.close = reason;
    this.state = end();
    this.octets = "";
  }
}

/** The session, and what was seen of it since `begin`. */
export class Real {
  readonly session: ServerSession;
  seen: Seen<Read> = nothing();
  #core: Core;
  #settings: Settings;
  #sent = "";
  #body = "";
  #decisions: readonly Decision[] = [];
  #open: Question | null = null;
  #answered = 0;

  constructor(core: Core, settings: Settings, config: ServerConfig) {
    this.#core = core;
    this.#settings = settings;
    this.session = new core.ServerSession(config, 0);
  }

  begin(decisions: readonly Decision[]): void {
    if (this.#sent !== "") throw new Error(`half a reply: ${JSON.stringify(this.#sent)}`);
    this.seen = nothing();
    this.#decisions = decisions;
    this.#answered = 0;
  }

  /** @param late questions stay open until `answer` */
  receive(octets: string, late: boolean): void {
    this.session.receive(Buffer.from(octets, "latin1"));
    this.poll(late);
  }

  answer(): void {
    while (this.#open !== null) this.poll(false);
  }

  poll(late: boolean): void {
    for (;;) {
      if (this.#open !== null) {
        if (late) {
          // Nothing goes on behind an open question (X-PIPE-13).
          const event = this.session.poll();
          if (event !== null && event.type !== "send" && event.type !== "body")
            throw new Error(`${event.type} behind an open question`);
          if (event?.type === "send") this.#send(event.data);
          if (event === null) return;
          continue;
        }
        const question = this.#open;
        this.#open = null;
        this.#decide(question);
      }
      const event = this.session.poll();
      if (event === null) return;
      if (this.seen.close !== null) throw new Error(`${event.type} behind close`);
      switch (event.type) {
        case "send":
          this.#send(event.data);
          break;
        case "upgrade":
          this.seen.upgrade = true;
          if (event.data.length > 0) throw new Error("octets before TLS");
          break;
        case "close":
          this.seen.close = event.reason;
          break;
        case "body":
          this.#body += Buffer.from(event.data).toString("latin1");
          break;
        case "reset":
          this.seen.resets.push(event.cause);
          this.#body = "";
          break;
        case "violation":
          break;
        case "turn":
          throw new Error("turn");
        default:
          this.#open = event;
          this.seen.asked.push(this.#show(event));
      }
    }
  }

  #send(data: Uint8Array): void {
    this.#sent += Buffer.from(data).toString("latin1");
    for (;;) {
      const reply = /^(?:(\d{3})-[^\r\n]*\r\n(?:\1-[^\r\n]*\r\n)*)?(\d{3}) [^\r\n]*\r\n/.exec(this.#sent);
      if (reply === null) return;
      const lines = reply[0].split("\r\n").slice(0, -1);
      if (lines.some((each) => !each.startsWith(lines[0]!.slice(0, 3))))
        throw new Error(`codes: ${reply[0]}`);
      this.seen.replies.push({
        code: Number(lines[0]!.slice(0, 3)),
        lines: lines.map((each) => each.slice(4)),
      });
      this.#sent = this.#sent.slice(reply[0].length);
    }
  }

  #decide(question: Question): void {
    const decision = this.#decisions[this.#answered++] ?? "accept";
    const known = this.session.answer(question.id, this.#reply(question, decision));
    if (!known) throw new Error(`${question.type} cannot be answered`);
    // An id is good for one answer.
    if (this.session.answer(question.id, undefined)) throw new Error(`${question.type} is answered twice`);
  }

  #reply(question: Question, decision: Decision): Reply | readonly Reply[] | undefined {
    if (decision === "default") return undefined;
    const { reply, challenge } = this.#core;
    const make = (code: number) => {
      if (code === 334) return challenge("go on");
      if (code === 354 || question.type === "connect" || question.type === "hello")
        return reply(code, "Decided");
      // S-VRFY-03
      const text = question.type === "command" ? "b@example.com" : "Decided";
      return reply(code, `${Math.floor(code / 100)}.0.0`, text);
    };
    if (typeof decision === "string" || question.type !== "message" || !this.#settings.lmtp)
      return make(codeOf(this.#settings, question, decision));
    return question.envelope.recipients.map((_, at) =>
      make(codeOf(this.#settings, question, decision[at % decision.length]!)),
    );
  }

  /** A question as the model tells of it. */
  #show(question: Question): Asked {
    const { type } = question;
    switch (question.type) {
      case "connect":
        return { type, early: question.early };
      case "hello":
        return { type, verb: question.verb, name: question.name };
      case "auth": {
        const { mechanism, step, response } = question;
        return { type, mechanism, step, response: response && Buffer.from(response).toString("latin1") };
      }
      case "mail":
        return {
          type,
          from: question.from?.address ?? null,
          parameters: showParameters(question.parameters),
        };
      case "rcpt":
        return { type, to: question.to.raw.slice(1, -1), parameters: showParameters(question.parameters) };
      case "data":
        return { type, envelope: showEnvelope(question.envelope) };
      case "burl":
        return { type, url: question.url, last: question.last, envelope: showEnvelope(question.envelope) };
      case "message": {
        const body = this.#body;
        this.#body = "";
        return { type, envelope: showEnvelope(question.envelope), body, ...question.content };
      }
      case "command":
        return { type, verb: question.verb, argument: question.argument };
      default:
        return { type };
    }
  }
}

function nothing<R>(): Seen<R> {
  return { replies: [], asked: [], resets: [], close: null, upgrade: false };
}

function showEnvelope(envelope: ServerSession["envelope"]): unknown {
  return {
    from: envelope.from?.address ?? null,
    parameters: showParameters(envelope.parameters),
    recipients: envelope.recipients.map(({ to, parameters }) => ({
      to: to.raw.slice(1, -1),
      parameters: showParameters(parameters),
    })),
  };
}

/** Parameters by keyword, as they came; whatever else is set is shown as it is, and no model has it. */
function showParameters(parameters: object): Parameters {
  const shown: Record<string, string> = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (value === null || value === false || JSON.stringify(value) === "{}") continue;
    if (name === "orcpt") shown.ORCPT = value.raw;
    else shown[name.toUpperCase()] = String(value);
  }
  return shown;
}

/** @throws where the session is not as the model has it */
export function compare(model: Model, real: Real): void {
  const { expected, settings } = model;
  const { seen, session } = real;
  expected.replies.forEach((each, at) => {
    checkReply(settings, each, seen.replies[at]);
  });
  equal("number of replies", seen.replies.length, expected.replies.length);
  let at = 0;
  for (const question of expected.asked) {
    const found = seen.asked[at];
    if (question.optional && found?.type !== question.type) continue;
    at++;
    if (question.optional) continue;
    const keys = Object.keys(question);
    equal("question", found && Object.fromEntries(keys.map((key) => [key, found[key]])), question);
  }
  equal("number of questions", seen.asked.length, at);
  if (expected.resets.at(-1) === "perhaps" && seen.resets.length < expected.resets.length)
    expected.resets.pop();
  equal("number of resets", seen.resets.length, expected.resets.length);
  expected.resets.forEach((cause, index) => {
    if (cause !== "any" && cause !== "perhaps") equal("reset", seen.resets[index], cause);
  });
  equal("upgrade", seen.upgrade, expected.upgrade);
  equal("close", seen.close, expected.close);
  checkState(model, session);
}

function checkReply(settings: Settings, expected: Expected, found: Read | undefined): void {
  if (found === undefined) throw new Error(`no reply, where ${expected.codes} has to be`);
  if (!expected.codes.includes(found.code))
    throw new Error(`${show(found)}, where ${expected.codes} has to be`);
  const enhanced = expected.lines
    ? []
    : found.lines.map((each) => /^\d\.\d+\.\d+(?= )/.exec(each)?.[0] ?? null);
  const intermediate = found.code >= 300 && found.code < 400;
  for (const each of enhanced) {
    const must = settings.enhanced && !intermediate && expected.enhanced !== null;
    if (must !== (each !== null)) throw new Error(`${show(found)}: enhanced code`);
    if (each !== null && !each.startsWith(String(found.code)[0]!)) throw new Error(`${show(found)}: class`);
    if (must && expected.enhanced !== undefined)
      equal(`enhanced code of ${show(found)}`, each, expected.enhanced);
  }
  const keywords = found.lines.slice(1);
  for (const each of expected.lines?.all ?? [])
    if (!keywords.includes(each)) throw new Error(`${each} is not listed: ${keywords}`);
  for (const each of expected.lines?.none ?? [])
    if (keywords.some((line) => line.split(" ")[0] === each)) throw new Error(`${each} is listed`);
}

/** What the getters have to say. */
function checkState({ state, octets, settings }: Model, session: ServerSession): void {
  const { phase, transaction } = state;
  const waiting = phase === "closed" ? "closed" : phase === "tls" ? "tls" : "input";
  equal("waiting", session.waiting, waiting);
  equal("poll", session.poll(), null);
  if (phase === "closed") return;
  const phases: Record<string, string> = {
    connected: "greeting",
    start: "unidentified",
    tls: "upgrading",
    refused: "refused",
    insecure: "insecure",
  };
  equal("phase", session.phase, phases[phase] ?? "ready");
  equal("TLS", session.client.tls !== null, state.tlsActive);
  equal("authenticated", session.client.authenticated, state.authenticated);
  if (phase === "tls") return;
  const { hello } = session.client;
  equal("hello", hello && { verb: hello.verb, name: hello.name }, state.hello);
  const inChunk = isInChunk(settings, state, octets);
  const reasons = phase === "data" || inChunk ? ["dataBlock"] : ["command"];
  if (session.deadline === null || !reasons.includes(session.deadlineReason ?? "none"))
    throw new Error(`deadline: ${session.deadlineReason}, where ${reasons} has to be`);
  equal("wantsInput", session.wantsInput, true);
  // A chunk that is being read: whether the transaction has begun with it is the session's own affair.
  if (inChunk) return;
  equal("transaction", session.transaction, nameOf(state));
  const readers = { data: "dots", auth: "sasl" } as Record<string, string>;
  equal("reader", session.reader, readers[phase] ?? "line");
  const empty: Pick<Transaction, "from" | "parameters" | "recipients"> = {
    from: null,
    parameters: {},
    recipients: [],
  };
  const { from, parameters, recipients } = transaction ?? empty;
  equal("envelope", showEnvelope(session.envelope), { from, parameters, recipients });
}

function nameOf({ phase, transaction }: State): string {
  if (transaction === null) return "none";
  if (phase === "data") return "data";
  if (transaction.failed) return "failed";
  if (transaction.chunks !== null) return "chunks";
  return transaction.recipients.length > 0 ? "recipients" : "sender";
}

function show({ code, lines }: Read): string {
  return `${code} ${lines.join(" / ")}`;
}

function equal(what: string, found: unknown, expected: unknown): void {
  const [one, other] = [canonical(found), canonical(expected)];
  if (one !== other) throw new Error(`${what}: ${cut(one)}, where ${cut(other)} has to be`);
}

function cut(text: string): string {
  return text.length > 600 ? `${text.slice(0, 600)}... (${text.length})` : text;
}

function canonical(value: unknown): string {
  return (
    JSON.stringify(value, (_, each) =>
      each !== null && typeof each === "object" && !Array.isArray(each)
        ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
        : each,
    ) ?? "undefined"
  );
}

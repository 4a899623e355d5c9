/**
 * A scripted server for a real ClientSession, with the model of the client as the judge of everything that is said: it
 * parses what the client sends by what the model says it may be, and answers as the script has it.
 */
import type { ClientConfig, ClientEvent, Outcome } from "@sansmtp/core";
import {
  type Answer,
  initial,
  type Message,
  outcomes,
  type Plan,
  received,
  type State,
  secured,
  sent,
  unmet,
} from "./client.ts";

export type Core = typeof import("@sansmtp/core");

/** What the server makes of one command. */
export interface Fate {
  readonly reply:
    | "good"
    | "temporary"
    | "permanent"
    | "552"
    | "552 5.2.2"
    | "intermediate"
    | "421"
    | "no reply"
    | "garbage"
    | "twice"
    | "end"
    | "lost"
    | "silence";
  /** The reply is held back until the client waits. */
  readonly late: boolean;
  /** In how many lines it is said, and how many octets come at a time; 0: all. */
  readonly lines: number;
  readonly piece: number;
}

/** A session: what is to be done, and what the server makes of it. */
export interface Script {
  readonly plan: Plan;
  readonly fates: readonly Fate[];
  readonly handshake: "ok" | "failed";
  /** Octets of content written at a time; 0: all. */
  readonly piece: number;
  readonly chunk: number;
}

const usual: Fate = { reply: "good", late: true, lines: 1, piece: 0 };

/** @throws where the client says what it must not, or tells what is not so */
export function converse(core: Core, { plan, fates, handshake, piece, chunk }: Script): void {
  const config: ClientConfig = {
    name: "client.example.net",
    protocol: plan.lmtp ? "lmtp" : "smtp",
    tls: plan.tls,
    heloFallback: plan.heloFallback,
    pipelineData: plan.pipelineData,
    chunking: plan.chunking,
    limits: { chunk },
  };
  const session = new core.ClientSession(config, 0);
  const ids = plan.messages.map((message, at) =>
    session.transaction({
      from: `m${at}@example.net`,
      to: Array.from({ length: message.to }, (_, index) => `r${index}@example.com`),
      body: message.body,
      ...(message.declared ? { size: message.content.length } : {}),
    }),
  );
  session.quit();

  let state: State = initial;
  let octets = "";
  let closed = false;
  let next = 0;
  /** A reply has come before the command that it will be taken to answer. */
  let spare = false;
  /** Fates of what is awaited, in order. */
  const due: Fate[] = [fates[next++] ?? usual];
  const done = new Map<number, Extract<ClientEvent, { type: "done" }>>();
  const inside = new Map<number, State>();
  let writing: { message: Message; at: number } | null = null;

  for (let turns = 0; !closed; turns++) {
    if (turns > 2000) throw new Error("no end");
    const event = session.poll();
    if (event !== null) {
      take(event);
      continue;
    }
    // What was handed out has left: a reply may come while more is still to be written (C-TXN-14).
    if (state.awaiting.length > 0 && !due[0]!.late) {
      reply();
      continue;
    }
    if (writing !== null && session.wantsBody) {
      write(writing);
      continue;
    }
    if (session.waiting === "closed") break;
    if (session.waiting === "tls") {
      if (handshake === "ok") {
        state = secured(plan, state);
        session.upgraded();
      } else {
        state = { ...state, upgrading: false, over: "broken", awaiting: [] };
        session.upgradeFailed();
      }
      continue;
    }
    answer();
  }
  settle();

  function take(event: ClientEvent): void {
    switch (event.type) {
      case "send":
        if (closed) throw new Error("something behind close");
        octets += Buffer.from(event.data).toString("latin1");
        while (parse());
        if (spare && state.awaiting.length > 0) {
          spare = false;
          settleFirst({ code: 250, enhanced: null });
        }
        break;
      case "upgrade":
        if (!state.upgrading) throw new Error("upgrade without 220");
        break;
      case "close":
        closed = true;
        break;
      case "body":
        writing = { message: plan.messages[ids.indexOf(event.id)]!, at: 0 };
        break;
      case "done": {
        const at = ids.indexOf(event.id);
        if (done.has(at)) throw new Error(`message ${at} is done twice`);
        done.set(at, event);
        inside.set(at, state);
        writing = null;
        break;
      }
      default:
    }
  }

  function write(one: { message: Message; at: number }): void {
    const { content } = one.message;
    const end = piece === 0 ? content.length : Math.min(content.length, one.at + piece);
    session.write(Buffer.from(content.slice(one.at, end), "latin1"));
    one.at = end;
    if (end < content.length) return;
    session.finish();
    writing = null;
  }

  /** Takes one unit off what the client has sent; false: none is whole. */
  function parse(): boolean {
    const record = state.records.at(-1);
    if (record?.data?.code === 354 && !record.whole) {
      const end = `\r\n${octets}`.indexOf("\r\n.\r\n");
      if (end < 0) return false;
      state = sent(plan, state, { kind: "content", octets: octets.slice(0, end + 3) });
      octets = octets.slice(end + 3);
    } else {
      const end = octets.indexOf("\r\n");
      if (end < 0) return false;
      const text = octets.slice(0, end);
      const bdat = /^BDAT (\d+)( LAST)?$/.exec(text);
      const size = bdat === null ? 0 : Number(bdat[1]);
      if (octets.length < end + 2 + size) return false;
      const body = octets.slice(end + 2, end + 2 + size);
      octets = octets.slice(end + 2 + size);
      const last = bdat?.[2] !== undefined;
      state = sent(
        plan,
        state,
        bdat === null ? { kind: "line", text } : { kind: "chunk", octets: body, last },
      );
    }
    if (state.awaiting.length > due.length) due.push(fates[next++] ?? usual);
    return true;
  }

  /** Nothing goes on without the server: it answers what it has held back, or it does not. */
  function answer(): void {
    if (state.awaiting.length === 0) {
      throw new Error(`the client waits for ${session.waiting}, where nothing is to come`);
    }
    const reason = {
      greeting: "greeting",
      MAIL: "mail",
      RCPT: "rcpt",
      DATA: "dataInit",
      BDAT: "chunk",
      QUIT: "quit",
    };
    const { verb } = state.awaiting[0]!;
    const expected = verb === "." || verb === "LAST" ? "dataDone" : (reason[verb as "MAIL"] ?? "other");
    if (session.deadlineReason !== expected || session.deadline === null)
      throw new Error(`deadline ${session.deadlineReason}, where ${expected} has to be`);
    reply();
  }

  function reply(): void {
    const fate = due[0]!;
    const { verb } = state.awaiting[0]!;
    switch (fate.reply) {
      case "end":
      case "lost":
        if (fate.reply === "end") session.receiveEnd();
        else session.lost();
        state = { ...state, over: "broken", awaiting: [] };
        return;
      case "silence":
        session.advance(session.deadline!);
        // The rest of what is to be said is QUIT at most.
        state = { ...state, over: verb === "QUIT" ? "broken" : "polite", awaiting: [] };
        due.length = 0;
        return;
      case "no reply":
      case "garbage":
        send(fate.reply === "garbage" ? "hello\r\n" : "250-a\r\n550 b\r\n", fate.piece);
        state = { ...state, over: "broken", awaiting: [] };
        return;
      case "twice": {
        // Replies are matched by order and count alone (R-FMT-16): the second one answers what is said next, also where
        // that is said only then, since no client can know when it was sent. Only TLS tells (T-TLS-11), and content that is
        // to be written yet (C-TXN-15): then the session may have ended.
        const text = print(good(verb), fate, verb) + (verb === "greeting" ? "" : "250 and again\r\n");
        settleFirst(good(verb));
        if (state.upgrading) state = { ...state, over: "broken", awaiting: [], upgrading: false };
        else if (state.awaiting.length > 0) settleFirst({ code: 250, enhanced: null });
        else if (verb !== "greeting") spare = true;
        send(text, fate.piece);
        return;
      }
      default: {
        const said = chosen(fate, verb);
        const text = print(said, fate, verb);
        settleFirst(said);
        send(text, fate.piece);
      }
    }
  }

  /** The first of what is awaited has its reply; under LMTP content has one for each recipient. */
  function settleFirst(said: Answer): void {
    due.shift();
    state = received(plan, state, said);
    if (state.awaiting.length > due.length) due.unshift(fates[next++] ?? usual);
  }

  function chosen(fate: Fate, verb: string): Answer {
    switch (fate.reply) {
      case "temporary":
        return { code: 451, enhanced: "4.0.0" };
      case "permanent":
        return { code: 550, enhanced: "5.0.0" };
      case "552":
        return { code: 552, enhanced: "5.0.0" };
      case "552 5.2.2":
        return { code: 552, enhanced: "5.2.2" };
      case "intermediate":
        return { code: verb === "DATA" ? 250 : 354, enhanced: null };
      case "421":
        return { code: 421, enhanced: "4.3.2" };
      default:
        return good(verb);
    }
  }

  function print({ code, enhanced }: Answer, { lines }: Fate, verb: string): string {
    const isHello = code === 250 && (verb === "EHLO" || verb === "LHLO");
    const offered = state.tlsActive ? plan.offersInside : plan.offers;
    const texts = isHello
      ? ["mx.example.com", ...offered]
      : Array.from({ length: lines }, (_, at) => `${enhanced ?? ""} line ${at}`.trim());
    return texts.map((text, at) => `${code}${at < texts.length - 1 ? "-" : " "}${text}\r\n`).join("");
  }

  function good(verb: string): Answer {
    const codes: Record<string, number> = { greeting: 220, DATA: 354, QUIT: 221, STARTTLS: 220 };
    return { code: codes[verb] ?? 250, enhanced: null };
  }

  function send(text: string, piece: number): void {
    const size = piece === 0 ? text.length : piece;
    for (let at = 0; at < text.length; at += size)
      session.receive(Buffer.from(text.slice(at, at + size), "latin1"));
  }

  /** Every message has its outcome, and every outcome is what the replies say. */
  function settle(): void {
    // What came before it was asked for, where nothing was to be said, was not asked for (C-SES-08).
    if (spare && state.over === "no") state = { ...state, over: "broken" };
    if (state.over === "no") throw new Error("C-SES-09: closed without QUIT");
    plan.messages.forEach((message, at) => {
      const event = done.get(at);
      if (event === undefined) throw new Error(`message ${at} is never done`);
      const found = event.outcomes.map(show);
      const record = state.records[at];
      const lacking = unmet(plan, inside.get(at)!, message);
      const said = record !== undefined && (record.rcpt.length > 0 || record.mail !== null || record.begun);
      const expected = outcomes(plan, state, at).map(({ status, code }) => ({ status, why: code }));
      found.forEach((each, index) => {
        const { status, why } = expected[index]!;
        const right = each.status === status && (why === null || each.why === why);
        if (!right)
          throw new Error(`message ${at} to ${index}: ${each.status} ${each.why}, not ${status} ${why}`);
        if (
          !said &&
          !spare &&
          lacking.length > 0 &&
          inside.get(at)!.over === "no" &&
          !lacking.includes(String(each.why))
        )
          throw new Error(`message ${at}: ${each.why}, not ${lacking}`);
      });
      if (found.length !== expected.length) throw new Error(`message ${at}: ${found.length} outcomes`);
      // Nobody can have it, or somebody may.
      const safe = expected.every(({ status }) => status !== "accepted" && status !== "unknown");
      if (event.safeToRetry !== safe) throw new Error(`message ${at}: safeToRetry is ${event.safeToRetry}`);
    });
  }
}

function show(outcome: Outcome): { status: string; why: number | string | null } {
  if ("reply" in outcome && outcome.status !== "unknown")
    return { status: outcome.status, why: outcome.reply.code };
  if (outcome.status === "notTried") return { status: outcome.status, why: outcome.reason.code };
  return { status: outcome.status, why: null };
}

import {
  type Reply,
  reply,
  type ServerConfig,
  type ServerEvent,
  ServerSession,
  type TlsInfo,
} from "@sansmtp/core";
import { type Fields, type Item, type Mode, readOctets, type Turn } from "./dialogue.ts";
import { itemOf } from "./items.ts";
import { Watch } from "./watch.ts";

/** The session that dialogues are about, unless they say otherwise. */
export const baseConfig: ServerConfig = { name: "mx.example.com" };

/** How a dialogue is played. */
export interface Way {
  readonly mode: Mode;
  /** How the octets of a turn arrive. */
  readonly pieces: (turn: number, octets: string) => readonly string[];
  /** The session is polled after each piece, not only at the end of the turn. Default true. */
  readonly drain?: boolean;
  /** Before each call the session is frozen and thawed. */
  readonly restore?: boolean;
}

/** Drives one session through one dialogue. */
export class Player {
  readonly #config: ServerConfig;
  readonly #way: Way;
  #session: ServerSession;
  readonly #watch: Watch;
  #now = 0;
  #items: Item[] = [];
  #answers: { readonly type: string; readonly answers: readonly string[] }[] = [];
  readonly #later = new Map<string, { readonly id: number; verdicts: number }>();
  pieces: readonly string[] = [];

  constructor(config: ServerConfig, way: Way, from: string | null) {
    this.#config = config;
    this.#way = way;
    this.#session = new ServerSession(config, 0);
    if (from !== null) this.#session.connected(from);
    this.#watch = new Watch();
  }

  /** Takes a turn, and gives what came out of it. */
  take(turn: Turn, at: number): Item[] {
    this.#items = [];
    this.#answers = turn.expected.flatMap((item) => (item.kind === "question" ? [item] : []));
    if (turn.input === null) this.#drain();
    else if ("octets" in turn.input) this.#hear(turn.input.octets, at);
    else {
      this.#happen(turn.input.happens);
      this.#drain();
    }
    return this.#items;
  }

  getters(): Fields {
    const { client, deadline } = this.#session;
    return {
      waiting: this.#session.waiting,
      wantsInput: String(this.#session.wantsInput),
      phase: this.#session.phase,
      protocol: String(this.#session.protocol),
      deadline: deadline === null ? "none" : String(deadline - this.#now),
      deadlineReason: String(this.#session.deadlineReason),
      hello: client.hello === null ? "none" : `${client.hello.verb} ${client.hello.name}`,
      tls: client.tls === null ? "none" : String(client.tls.version),
      authenticated: String(client.authenticated),
      transaction: this.#session.transaction,
      address: String(client.address),
      xclient: JSON.stringify(client.xclient),
    };
  }

  #call(): ServerSession {
    if (this.#way.restore) {
      const frozen = JSON.stringify(this.#session.snapshot({ secrets: true }));
      this.#session = ServerSession.restore(this.#config, JSON.parse(frozen));
    }
    return this.#session;
  }

  #hear(octets: string, at: number): void {
    const pieces = this.#way.pieces(at, octets);
    if (pieces.length > 1) this.pieces = pieces;
    for (const piece of pieces) {
      if (this.#session.waiting === "closed" || this.#watch.closed) break;
      if (this.#way.drain !== false || !this.#session.wantsInput) this.#drain();
      this.#call().receive(Buffer.from(piece, "latin1"), this.#now);
      if (this.#way.drain !== false) this.#drain();
    }
    this.#drain();
  }

  #drain(): void {
    for (;;) {
      const event = this.#call().poll();
      this.#watch.see(event, this.#session);
      if (event === null) return;
      const item = itemOf(event);
      if (item !== null) this.#items.push(item);
      if ("id" in event) this.#answer(event);
    }
  }

  #answer(question: Extract<ServerEvent, { id: number }>): void {
    const at = this.#answers.findIndex(({ type }) => type === question.type);
    const [first, ...more] = at < 0 ? [] : (this.#answers.splice(at, 1)[0]?.answers ?? []);
    if (first?.startsWith("later ")) {
      const verdicts = question.type === "message" ? question.envelope.recipients.length : 1;
      this.#later.set(first.slice(6), { id: question.id, verdicts });
      return;
    }
    const given =
      first === "default"
        ? undefined
        : first === undefined
          ? question.type === "message"
            ? reply(250, "2.0.0", "OK")
            : undefined
          : more.length === 0
            ? readReply(first)
            : [first, ...more].map(readReply);
    if (!this.#call().answer(question.id, given, this.#now))
      throw new Error(`answer(${question.id}) returned false`);
    this.#watch.answered(question.id);
  }

  #happen(what: string): void {
    const [word, first, second] = what.split(" ");
    switch (word) {
      case "tls":
        this.#watch.upgraded();
        if (first === "failed") this.#call().upgradeFailed(this.#now);
        else this.#call().upgraded(tls(second !== "insufficient"), this.#now);
        return;
      case "advance":
        this.#now += Number(first);
        this.#call().advance(this.#now);
        return;
      case "end":
        this.#call().receiveEnd(this.#now);
        return;
      case "lost":
        this.#call().lost(this.#now);
        return;
      case "shutdown":
        this.#call().shutdown(first as "idle" | "now", this.#now);
        return;
      case "answer": {
        const [, name = "", index] = /^(\w+)(?:\[(\d+)\])?$/.exec(first ?? "") ?? [];
        const open = this.#later.get(name);
        if (open === undefined) throw new Error(`no question was put off as ${name}`);
        const given = readReply(what.split(" ").slice(2).join(" "));
        const answered =
          index === undefined
            ? this.#call().answer(open.id, given, this.#now)
            : this.#call().answerRecipient(open.id, Number(index), given, this.#now);
        if (!answered) throw new Error(`${what}: returned false`);
        if (index === undefined || --open.verdicts === 0) this.#watch.answered(open.id);
        return;
      }
      default:
        throw new Error(`nothing that can happen: ${what}`);
    }
  }
}

export function tls(sufficient = true): TlsInfo {
  return {
    version: "TLSv1.3",
    cipher: "TLS_AES_256_GCM_SHA384",
    serverName: null,
    peer: null,
    sufficient,
    bindings: {},
  };
}

/** `550 5.1.1 No such user`, `334 AAAA`, `250 2.0.0 one\ntwo`. */
export function readReply(text: string): Reply {
  const [, code, enhanced, rest] = /^(\d{3})(?: ([245]\.\d+\.\d+)(?= |$))? ?(.*)$/.exec(text) ?? [];
  if (code === undefined) throw new Error(`not a reply: ${text}`);
  const lines = Buffer.from(readOctets(rest ?? ""), "latin1")
    .toString("utf8")
    .split("\n");
  return enhanced === undefined ? reply(Number(code), lines) : reply(Number(code), enhanced, lines);
}

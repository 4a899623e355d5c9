import {
  type Reply,
  reply,
  type ServerConfig,
  type ServerEvent,
  ServerSession,
  type ServerSettings,
  type ServerSnapshot,
  type TlsInfo,
} from "@sansmtp/core";
import { latin1 } from "./items.ts";
import { baseConfig, tls } from "./player.ts";
import { Watch } from "./watch.ts";

export type Question = Extract<ServerEvent, { id: number }>;

/** What the application answers: a reply, replies (LMTP), undefined for the default, "later" to leave it open. */
export type Decision = Reply | readonly Reply[] | undefined | "later";

/** Takes all mail and lets everybody in. */
export function accept(question: Question): Decision {
  if (question.type === "message") return reply(250, "2.0.0", "OK");
  if (question.type === "auth") return reply(235, "2.7.0", "Authentication successful");
  return undefined;
}

/** A client at one end of a session and its application at the other, for tests in code. */
export class Client {
  readonly config: ServerConfig | ServerSettings;
  session: ServerSession;
  now = 0;
  /** Everything that `poll` gave but `send`. */
  readonly events: Exclude<ServerEvent, { type: "send" }>[] = [];
  /** Everything that was sent, one character an octet. */
  sent = "";
  /** Questions that were left open. */
  readonly open: Question[] = [];
  decide: (question: Question) => Decision;
  watch = new Watch();

  constructor(
    config: Partial<ServerConfig> | ServerSettings = {},
    decide: (question: Question) => Decision = accept,
  ) {
    this.config = { ...baseConfig, ...config } as ServerConfig;
    this.decide = decide;
    this.session = new ServerSession(this.config, 0);
    this.begin();
  }

  protected begin(): void {
    this.drain();
  }

  /** Sends octets, and gives what the server said to them. */
  say(octets: string, pieces: readonly string[] = [octets]): string {
    const before = this.sent.length;
    for (const piece of pieces) {
      if (this.session.waiting === "closed") break;
      this.session.receive(Buffer.from(piece, "latin1"), this.now);
      this.drain();
    }
    return this.sent.slice(before);
  }

  /** Sends lines, and gives the codes of the replies. */
  codes(...lines: string[]): string {
    return codesOf(this.say(lines.map((line) => `${line}\r\n`).join("")));
  }

  answer(question: Question | undefined, decision: Exclude<Decision, "later">): string {
    if (question === undefined) throw new Error("there is no such question");
    const before = this.sent.length;
    const open = this.session.answer(question.id, decision, this.now);
    if (!open) throw new Error("answer returned false");
    this.watch.answered(question.id);
    this.drain();
    return this.sent.slice(before);
  }

  tlsUp(info: Partial<TlsInfo> = {}): string {
    const before = this.sent.length;
    this.watch.upgraded();
    this.session.upgraded({ ...tls(), ...info }, this.now);
    this.drain();
    return this.sent.slice(before);
  }

  wait(span: number): string {
    const before = this.sent.length;
    this.now += span;
    this.session.advance(this.now);
    this.drain();
    return this.sent.slice(before);
  }

  drain(): void {
    for (;;) {
      const event = this.session.poll();
      this.watch.see(event, this.session);
      if (event === null) return;
      if (event.type === "send") {
        this.sent += latin1(event.data);
        continue;
      }
      this.events.push(event);
      if (event.type === "close") this.open.length = 0;
      if (!("id" in event)) continue;
      const decision = this.decide(event);
      if (decision === "later") this.open.push(event);
      else {
        this.session.answer(event.id, decision, this.now);
        this.watch.answered(event.id);
      }
    }
  }

  /** The events of a type. */
  of<T extends ServerEvent["type"]>(type: T): Extract<ServerEvent, { type: T }>[] {
    return this.events.filter((event) => event.type === type) as unknown as Extract<
      ServerEvent,
      { type: T }
    >[];
  }

  /** All content that was handed out, one character an octet. */
  get content(): string {
    return this.of("body")
      .map(({ data }) => latin1(data))
      .join("");
  }

  get closed(): string | null {
    return this.of("close")[0]?.reason ?? null;
  }

  /** Another client in the same place: the session is frozen and thawed. */
  clone(): this {
    const copy = Object.create(Object.getPrototypeOf(this)) as { -readonly [K in keyof Client]: Client[K] };
    Object.assign(copy, this, {
      session: ServerSession.restore(this.config, frozen(this.session)),
      events: [...this.events],
      open: [...this.open],
      watch: this.watch.copy(),
    });
    copy.drain();
    return copy as this;
  }
}

/** The codes of replies, one for each reply. */
export function codesOf(sent: string): string {
  return (sent.match(/^\d{3}(?=[ \r])/gm) ?? []).join(" ");
}

export function frozen(session: ServerSession): ServerSnapshot {
  return JSON.parse(JSON.stringify(session.snapshot({ secrets: true }))) as ServerSnapshot;
}

export const ehlo = "EHLO client.example.net\r\n";
export const mail = "MAIL FROM:<a@example.net>\r\n";
export const rcpt = "RCPT TO:<b@example.com>\r\n";
export const data = "DATA\r\n";

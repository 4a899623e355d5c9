import {
  type Action,
  type AtrnQuestion,
  type AuthQuestion,
  type BurlQuestion,
  type CommandQuestion,
  type ConnectQuestion,
  type DataQuestion,
  type Envelope,
  type HelloQuestion,
  type MailQuestion,
  type MessageQuestion,
  type Millis,
  type Notice,
  type Question,
  type RcptQuestion,
  type Reply,
  reply,
  replyClass,
  type ServerConfig,
  type ServerSession,
  type StartTlsQuestion,
  type TlsInfo,
} from "@sansmtp/core";
import type { End, Line } from "./end.ts";
import { joined, latin1 } from "./octets.ts";

/** An answer to a question: a reply, under LMTP also one for each recipient; `undefined`: the default. */
export type Answer = Reply | readonly (Reply | undefined)[] | undefined;

/** An answer that takes its time. See {@link later}. */
export interface LateAnswer {
  readonly after: Millis;
  readonly answer: Answer;
}

/**
 * The application behind a server, a function for each question. What has none, or gives `undefined`, is answered by
 * default; a message is then accepted, with `250 2.0.0 OK`.
 */
export interface Answers {
  readonly connect?: (question: ConnectQuestion) => Answer | LateAnswer;
  readonly hello?: (question: HelloQuestion) => Answer | LateAnswer;
  readonly starttls?: (question: StartTlsQuestion) => Answer | LateAnswer;
  readonly auth?: (question: AuthQuestion) => Answer | LateAnswer;
  readonly mail?: (question: MailQuestion) => Answer | LateAnswer;
  readonly rcpt?: (question: RcptQuestion) => Answer | LateAnswer;
  readonly data?: (question: DataQuestion) => Answer | LateAnswer;
  readonly message?: (question: MessageQuestion, content: Uint8Array) => Answer | LateAnswer;
  /** What it fetches is not seen: the content of a message is that of its chunks alone. */
  readonly burl?: (question: BurlQuestion) => Answer | LateAnswer;
  readonly atrn?: (question: AtrnQuestion) => Answer | LateAnswer;
  readonly command?: (question: CommandQuestion) => Answer | LateAnswer;
}

/** The server's side of a wire. */
export interface ServerSide {
  /** Default: the name `mx.example.com`. */
  readonly config?: ServerConfig;
  readonly answers?: Answers;
  /** What the handshake gives, if there is one. */
  readonly tls?: Partial<TlsInfo>;
}

/** A message for which the application has taken responsibility: its verdict was 2yz for these recipients. */
export interface AcceptedMessage {
  /** The sender's address; null for `<>`. */
  readonly from: string | null;
  /** The recipients' addresses: under LMTP those whose own verdict was 2yz. */
  readonly to: readonly string[];
  readonly content: Uint8Array;
  /** The content, a character for each octet. */
  readonly text: string;
  readonly envelope: Envelope;
  /** When the verdict was given. */
  readonly at: Millis;
}

/** The configuration of a server that is given none. */
export const defaultServer: ServerConfig = { name: "mx.example.com" };

/** An answer that is given so many milliseconds after the question. */
export function later(after: Millis, answer: Answer = undefined): LateAnswer {
  return { after, answer };
}

/** A server session at its end of a wire, with its application. */
export class ServerEnd implements End {
  readonly session: ServerSession;
  readonly accepted: AcceptedMessage[] = [];
  readonly events: (Question | Notice | Exclude<Action, { type: "send" }>)[] = [];
  readonly #side: ServerSide;
  readonly #line: Line;
  #body: Uint8Array[] = [];

  constructor(side: ServerSide, session: ServerSession, line: Line) {
    this.#side = side;
    this.#line = line;
    this.session = session;
  }

  get wantsInput(): boolean {
    return this.session.wantsInput;
  }

  get upgrading(): boolean {
    return this.session.waiting === "tls";
  }

  get deadline(): Millis | null {
    return this.session.deadline;
  }

  receive(octets: Uint8Array, now: Millis): void {
    this.session.receive(octets, now);
  }

  receiveEnd(now: Millis): void {
    this.session.receiveEnd(now);
  }

  lost(now: Millis): void {
    this.session.lost(now);
  }

  advance(now: Millis): void {
    this.session.advance(now);
  }

  upgraded(now: Millis): void {
    this.session.upgraded({ version: "TLSv1.3", ...this.#side.tls }, now);
  }

  upgradeFailed(_plain: boolean, now: Millis): void {
    this.session.upgradeFailed(now);
  }

  shutdown(now: Millis): void {
    this.session.shutdown("now", now);
  }

  turn(): void {
    for (let event = this.session.poll(); event !== null; event = this.session.poll()) {
      if (event.type === "send") {
        this.#line.send(event.data);
        continue;
      }
      this.events.push(event);
      switch (event.type) {
        case "upgrade":
          this.#line.upgrade();
          break;
        case "close":
          this.#line.note(`server: closes, ${event.reason}`);
          this.#line.close();
          break;
        case "turn":
          // Nobody takes the other role here.
          this.#line.note("server: the roles turn");
          this.#line.close();
          break;
        case "body":
          this.#body.push(event.data);
          break;
        case "reset":
          this.#line.note(`server: transaction ends, ${event.cause}`);
          this.#body = [];
          break;
        case "violation":
          this.#line.note(`server: ${event.rule}, ${event.detail}`);
          break;
        default:
          this.#ask(event);
      }
    }
  }

  #ask(question: Question): void {
    const content = question.type === "message" ? joined(this.#body) : null;
    if (content !== null) this.#body = [];
    const answer = this.#answer(question, content);
    if (answer === null || typeof answer !== "object" || !("after" in answer)) {
      this.#give(question, content, answer);
      return;
    }
    this.#line.at(this.#line.now + answer.after, () => this.#give(question, content, answer.answer));
  }

  #answer(question: Question, content: Uint8Array | null): Answer | LateAnswer {
    const { answers = {} } = this.#side;
    const answer =
      question.type === "message"
        ? answers.message?.(question, content as Uint8Array)
        : (answers[question.type] as ((question: Question) => Answer | LateAnswer) | undefined)?.(question);
    return answer;
  }

  #give(question: Question, content: Uint8Array | null, given: Answer): void {
    const answer = content !== null && given === undefined ? reply(250, "2.0.0", "OK") : given;
    if (!this.session.answer(question.id, answer, this.#line.now)) return;
    if (question.type === "message") this.#verdict(question, content as Uint8Array, answer);
  }

  #verdict({ envelope, reply: silence }: MessageQuestion, content: Uint8Array, answer: Answer): void {
    const verdicts = Array.isArray(answer)
      ? answer
      : envelope.recipients.map(() => answer as Reply | undefined);
    const to = envelope.recipients
      .filter((_, at) => replyClass((verdicts[at] as Reply | undefined) ?? silence) === 2)
      .map((recipient) => recipient.to.address);
    const said = to.length > 0 ? `accepts a message for ${to.join(", ")}` : "refuses a message";
    this.#line.note(`server: ${said}`);
    if (to.length === 0) return;
    this.accepted.push({
      from: envelope.from?.address ?? null,
      to,
      content,
      text: latin1(content),
      envelope,
      at: this.#line.now,
    });
  }
}

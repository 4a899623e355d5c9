import {
  type ClientConfig,
  type ClientEvent,
  type ClientSession,
  type Failure,
  type Millis,
  type Outcome,
  type OutgoingEnvelope,
  UsageError,
} from "@sansmtp/core";
import type { End, Line } from "./end.ts";
import { type Octets, octetsOf } from "./octets.ts";

/** A message to be sent. */
export interface OutgoingMessage extends OutgoingEnvelope {
  /** Its content, with CRLF line ends; a list is written piece by piece, as back-pressure allows. */
  readonly content: Octets | readonly Octets[];
}

/** The client's side of a wire. */
export interface ClientSide {
  /** Default: the name `client.example.net`, and no TLS. */
  readonly config?: ClientConfig;
  /** Sent one after the other. */
  readonly messages?: readonly OutgoingMessage[];
  /** Anything else to be done, before the messages: `session.auth(...)`, `session.noop()`. */
  readonly begin?: (session: ClientSession) => void;
  /** Is shown everything that the session tells, when it does: the place to `respond` to a challenge. */
  readonly on?: (event: Exclude<ClientEvent, { type: "send" }>, session: ClientSession) => void;
  /** QUIT is said when everything is done. Default true; without it the server's patience ends the session. */
  readonly quit?: boolean;
}

/** What became of a message that was to be sent. */
export interface SentMessage {
  readonly message: OutgoingMessage;
  /** For each recipient, in the order of the envelope; null: the session never said. */
  readonly outcomes: readonly Outcome[] | null;
  readonly safeToRetry: boolean | null;
}

/** The configuration of a client that is given none. */
export const defaultClient: ClientConfig = { name: "client.example.net", tls: "never" };

/** A client session at its end of a wire. */
export class ClientEnd implements End {
  readonly session: ClientSession;
  readonly events: Exclude<ClientEvent, { type: "send" }>[] = [];
  readonly sent: Map<number, { message: OutgoingMessage; done: SentMessage | null }> = new Map();
  failure: Failure | null = null;
  readonly #side: ClientSide;
  readonly #line: Line;
  #body: { readonly id: number; readonly pieces: Octets[] } | null = null;
  #begun = false;

  constructor(side: ClientSide, session: ClientSession, line: Line) {
    this.#side = side;
    this.#line = line;
    this.session = session;
  }

  /** What became of the messages, in their order. */
  results(): SentMessage[] {
    return [...this.sent.values()].map(
      ({ message, done }) => done ?? { message, outcomes: null, safeToRetry: null },
    );
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
    this.session.upgraded(now);
  }

  upgradeFailed(plain: boolean, now: Millis): void {
    this.session.upgradeFailed({ plain }, now);
  }

  shutdown(): void {
    throw new UsageError("a client has no service to end");
  }

  turn(): void {
    if (!this.#begun) this.#begin();
    for (;;) {
      const event = this.session.poll(this.#line.crowded);
      if (event === null) {
        if (!this.#write()) return;
      } else if (event.type === "send") this.#line.send(event.data);
      else this.#do(event);
    }
  }

  #begin(): void {
    this.#begun = true;
    const { begin, messages = [], quit = true } = this.#side;
    begin?.(this.session);
    for (const message of messages) {
      const { content: _, ...envelope } = message;
      this.sent.set(this.session.transaction(envelope), { message, done: null });
    }
    if (quit) this.session.quit();
  }

  /** Writes a piece of the content, or ends it, if it may; false: nothing was to be written. */
  #write(): boolean {
    if (this.#body === null || !this.session.wantsBody || this.#line.crowded) return false;
    const piece = this.#body.pieces.shift();
    if (piece !== undefined) {
      this.session.write(octetsOf(piece));
      return true;
    }
    this.#body = null;
    this.session.finish();
    return true;
  }

  #do(event: Exclude<ClientEvent, { type: "send" }>): void {
    this.events.push(event);
    const known = "id" in event ? this.sent.get(event.id) : undefined;
    switch (event.type) {
      case "upgrade":
        this.#line.upgrade();
        break;
      case "close":
        this.#line.close();
        break;
      case "body":
        if (known !== undefined) this.#body = { id: event.id, pieces: piecesOf(known.message.content) };
        break;
      case "done":
        this.#line.note(`client: ${event.outcomes.map(outcomeText).join(", ")}`);
        if (this.#body?.id === event.id) this.#body = null;
        if (known !== undefined) {
          known.done = {
            message: known.message,
            outcomes: event.outcomes,
            safeToRetry: event.safeToRetry,
          };
        }
        break;
      case "failed":
        this.failure = event.failure;
        this.#line.note(`client: failed, ${event.failure.code}: ${event.failure.detail}`);
        break;
      case "skipped":
        this.#line.note(`client: ${event.verb} not said, ${event.reason.code}: ${event.reason.detail}`);
        break;
    }
    this.#side.on?.(event, this.session);
  }
}

function piecesOf(content: Octets | readonly Octets[]): Octets[] {
  return typeof content === "string" || content instanceof Uint8Array ? [content] : [...content];
}

function outcomeText(outcome: Outcome): string {
  if (outcome.status === "unknown") return `unknown (${outcome.reason})`;
  if (outcome.status !== "notTried") return `${outcome.status} (${outcome.reply.code})`;
  return `notTried (${outcome.reason.code})`;
}

import {
  type BurlQuestion,
  type ClientAttributes,
  type ClientIdentity,
  type Endpoint,
  type Envelope,
  type MessageQuestion,
  type Millis,
  type ProxyHeader,
  type Question,
  type Reply,
  reply,
  type ServerEvent,
  type ServerSession,
  type TlsInfo,
  UsageError,
} from "@sansmtp/core";
import type { Identity } from "@sansmtp/sasl";
import { Audience } from "./audience.ts";
import { Authentications, checkAuthentication } from "./authentication.ts";
import type { Body } from "./body.ts";
import { Client, type ClientOptions } from "./client.ts";
import type { Closing, Connected, ConnectionFacts, Incoming } from "./connection.ts";
import { failed, isAbort, tlsUnavailable, unhandled } from "./defaults.ts";
import type { Answer, Handler, Handlers, MessageAnswer } from "./handlers.ts";
import { Reception } from "./reception.ts";
import { Transaction } from "./transaction.ts";
import type { Transport } from "./transport.ts";

/**
 * Runs a session on a transport until both are over: the one place where promises meet a session.
 *
 * It does what `poll` gives, in that order, and stays synchronous as long as handlers and transport do: a pipelined
 * burst is answered in one `write`. It rests while a handler decides, while a piece of content waits for its reader,
 * and while the client leaves its replies unread. Nothing that a handler, a hook or the transport throws gets past
 * it, and no promise is left to reject unseen.
 */
export function serve(
  session: ServerSession,
  transport: Transport,
  handlers: Handlers,
  facts: ConnectionFacts,
): Connected {
  const pump = new Pump(session, transport, handlers, facts);
  pump.wake();
  return pump;
}

class Pump implements Connected {
  readonly id: number;
  readonly peer: Endpoint | null;
  remote: Endpoint | null;
  local: Endpoint | null;
  proxy: ProxyHeader | null = null;
  identity: Identity | null = null;
  readonly closed: Promise<Closing>;
  readonly #session: ServerSession;
  readonly #transport: Transport;
  readonly #handlers: Handlers;
  readonly #audience: Audience;
  readonly #stall: Millis;
  readonly #authentications: Authentications | null;
  readonly #transaction: Transaction = new Transaction();
  #reception: Reception | null = null;
  #resolveClosed: (closing: Closing) => void = () => {};
  #closing: Closing | null = null;
  #controller: AbortController | null = null;
  /** What the transport said went wrong. */
  #error: unknown = null;
  /** Since when the transport has been full; null: it is not. */
  #fullSince: Millis | null = null;
  /** The session is being ended by force: nothing holds the pump back. */
  #forced = false;
  #running = false;
  #again = false;
  /** The other role, once they have turned; and who plays it. */
  #turned: Incoming | null = null;
  #client: Client | null = null;
  /** What the transport was told last. */
  #reads: boolean | null = null;
  #wakesAt: Millis | null = null;

  constructor(session: ServerSession, transport: Transport, handlers: Handlers, facts: ConnectionFacts) {
    this.id = facts.id;
    this.peer = facts.peer;
    this.remote = facts.peer;
    this.local = facts.local;
    this.#stall = facts.stall ?? 300_000;
    this.#session = session;
    this.#transport = transport;
    this.#handlers = handlers;
    this.#audience = new Audience(handlers, this);
    checkAuthentication(handlers, session.settings.mechanisms);
    const { authenticate, authentication = {} } = handlers;
    this.#authentications =
      authenticate === undefined
        ? null
        : new Authentications(
            session,
            authentication,
            () => transport.now(),
            (asked) => authenticate(asked, this),
          );
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  get client(): ClientIdentity {
    return this.#session.client;
  }

  get protocol(): string {
    return this.#session.protocol;
  }

  get envelope(): Envelope | null {
    return this.#transaction.envelope;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#closing !== null) this.#controller.abort();
    return this.#controller.signal;
  }

  shutdown(when: "idle" | "now" = "idle"): void {
    if (this.#client !== null) return this.#quit(this.#client, when);
    if (when === "now") this.#forced = true;
    this.#enter(() => this.#session.shutdown(when, this.#transport.now()));
  }

  receive(octets: Uint8Array): void {
    if (this.#turned !== null) return this.#turned.receive(octets);
    if (this.#closing !== null) return;
    this.#audience.received(octets);
    this.#enter(() => this.#session.receive(octets, this.#transport.now()));
  }

  receiveEnd(): void {
    if (this.#turned !== null) return this.#turned.receiveEnd();
    this.#enter(() => this.#session.receiveEnd(this.#transport.now()));
  }

  lost(error: unknown = null): void {
    if (this.#turned !== null) return this.#turned.lost(error);
    this.#error ??= error;
    this.#forced = true;
    this.#enter(() => this.#session.lost(this.#transport.now()));
  }

  wake(): void {
    if (this.#turned !== null) return this.#turned.wake();
    this.#wakesAt = null;
    const now = this.#transport.now();
    if (this.#fullSince !== null) {
      if (now < this.#fullSince + this.#stall) return this.#rest();
      return this.lost(new Error("the client does not read its replies"));
    }
    const { deadline } = this.#session;
    // A reader that has taken nothing for so long keeps the session from noticing by itself.
    if (this.#held() && deadline !== null && now >= deadline) return this.shutdown("now");
    this.#enter(() => this.#session.advance(now));
  }

  /** An input, and all that follows from it. */
  #enter(input: () => void): void {
    if (this.#closing === null) this.#later(input);
  }

  /** What a promise came to, and all that follows from it. */
  #later(outcome: () => void): void {
    try {
      outcome();
    } catch (error) {
      this.#breakDown(error);
    }
    this.#run();
  }

  /** Runs until nothing more can be done. Called from within, by a handler for example, it goes round once more. */
  #run(): void {
    this.#again = true;
    if (this.#running) return;
    this.#running = true;
    while (this.#again) {
      this.#again = false;
      try {
        this.#drain();
        this.#rest();
      } catch (error) {
        this.#breakDown(error);
      }
    }
    this.#running = false;
  }

  #drain(): void {
    while (this.#closing === null && this.#turned === null && !this.#held()) {
      const event = this.#session.poll();
      if (event === null) return;
      if (event.type !== "send") this.#audience.event(event);
      this.#act(event);
    }
  }

  #held(): boolean {
    if (this.#forced) return false;
    return this.#fullSince !== null || this.#reception?.body.full === true;
  }

  /** Tells the transport what to wait for. */
  #rest(): void {
    if (this.#closing !== null || this.#turned !== null) return;
    const reads = this.#session.wantsInput && this.#fullSince === null;
    if (reads !== this.#reads) {
      this.#reads = reads;
      this.#transport.read(reads);
    }
    const at = this.#fullSince === null ? this.#session.deadline : this.#fullSince + this.#stall;
    if (at === this.#wakesAt) return;
    this.#wakesAt = at;
    this.#transport.wake(at === Number.POSITIVE_INFINITY ? null : at);
  }

  #act(event: ServerEvent): void {
    switch (event.type) {
      case "send":
        return this.#send(event.data);
      case "upgrade":
        return this.#upgrade(event.data);
      case "close":
        return this.#close(event.reason);
      case "turn":
        return this.#turn(event.domains);
      case "body":
        return this.#content(event.data);
      case "message":
        return this.#whole(event);
      case "reset":
        this.#reception?.abort(event.cause);
        return this.#forget();
      case "violation":
        return;
      default:
        return this.#ask(event);
    }
  }

  #send(octets: Uint8Array): void {
    this.#audience.sent(octets);
    const full = this.#transport.write(octets);
    if (full === undefined) return;
    this.#fullSince = this.#transport.now();
    full.then(
      () => {
        this.#fullSince = null;
        this.wake();
      },
      (error: unknown) => this.lost(error),
    );
  }

  #upgrade(received: Uint8Array): void {
    const { upgrade } = this.#transport;
    if (upgrade === undefined) {
      this.#error = new Error("this transport cannot do TLS");
      return this.#session.upgradeFailed(this.#transport.now());
    }
    // By the time that the handshake ends, the session may have given it up.
    upgrade.call(this.#transport, received).then(
      (tls) =>
        this.#later(() => {
          if (this.#session.phase !== "upgrading") return;
          this.#session.upgraded(tls, this.#transport.now());
          this.identity = null;
          this.#audience.secured(this.#session.client.tls as TlsInfo);
        }),
      (error: unknown) =>
        this.#later(() => {
          this.#error ??= error;
          if (this.#session.phase === "upgrading") this.#session.upgradeFailed(this.#transport.now());
        }),
    );
  }

  /** The connection goes on as that of a client (RFC 2645 §5.2.2), if the application wants it. */
  #turn(domains: readonly string[]): void {
    const begin = (options: Omit<ClientOptions, "tls">): Client => {
      if (this.#turned !== null || this.#closing !== null)
        throw new UsageError("client: it was begun already, or comes too late");
      const client = new Client({ ...options, tls: "never" }, this.#transport);
      this.#turned = client.connection;
      this.#client = client;
      client.closed.then(({ error }) => {
        this.#error ??= error;
        this.#over("turn");
      });
      return client;
    };
    try {
      this.#handlers.turn?.({ domains, client: begin }, this);
    } catch (error) {
      this.#audience.error(error);
    }
    if (this.#turned === null) this.#close("turn");
  }

  /** Once the roles have turned the service ends as a client does. */
  #quit(client: Client, when: "idle" | "now"): void {
    if (when === "now") client.close();
    else client.quit().catch((error: unknown) => this.#audience.error(error));
  }

  #close(reason: Closing["reason"]): void {
    this.#reception?.abort("closed");
    this.#authentications?.abandon();
    this.#forget();
    this.#transport.close();
    this.#over(reason);
  }

  #over(reason: Closing["reason"]): void {
    const closing: Closing = { reason, error: this.#error };
    this.#closing = closing;
    this.#controller?.abort();
    this.#audience.closed(closing);
    this.#resolveClosed(closing);
  }

  /** The transport, or the session itself, failed in a way that it never should. */
  #breakDown(error: unknown): void {
    this.#audience.error(error);
    if (this.#closing !== null) return;
    this.#error ??= error;
    try {
      this.#close("lost");
    } catch (another) {
      this.#audience.error(another);
    }
  }

  // Questions.

  #ask(question: Exclude<Question, MessageQuestion>): void {
    this.#transaction.asked(question);
    if (question.type === "connect" && question.proxy !== null) {
      this.proxy = question.proxy;
      this.remote = question.proxy.source ?? this.peer;
      this.local = question.proxy.destination ?? this.local;
    }
    if (question.type === "connect" && question.xclient !== null) this.#presented(question.xclient);
    // What comes instead of a response has cancelled the exchange.
    if (question.type !== "auth") this.#authentications?.abandon();
    const handler = this.#handlers[question.type] as
      | Handler<Question, Answer | AsyncIterable<Uint8Array>>
      | undefined;
    this.#decide<Answer | AsyncIterable<Uint8Array>>(
      () => {
        if (question.type === "auth" && this.#authentications !== null)
          return this.#authentications.respond(question);
        if (question.type === "starttls" && this.#transport.upgrade === undefined) return tlsUnavailable;
        return handler === undefined ? unhandled(question.type) : handler(question, this);
      },
      (answer) => {
        if (question.type === "burl" && isIterable(answer)) this.#append(question, answer);
        else this.#answer(question, answer as Answer);
      },
      (error) => {
        if (this.#closing === null || !isAbort(error)) this.#audience.error(error);
        this.#answer(question, failed(question.type));
      },
    );
  }

  #answer(question: Exclude<Question, MessageQuestion>, answer: Answer): void {
    const given = this.#give(question, answer ?? question.reply, (reply) =>
      this.#session.answer(question.id, reply, this.#transport.now()),
    );
    if (given === null) return;
    this.#transaction.answered(question, given, this.#session.envelope.forwarded);
    if (question.type === "auth" && given.code === 235)
      this.identity = this.#authentications?.identity ?? null;
  }

  /** A proxy tells who the client is (XCLIENT). */
  #presented({ addr, port, destaddr, destport, login }: ClientAttributes): void {
    this.identity = login ? { user: login, authzid: null, trace: null } : null;
    this.remote = presentedEnd(this.remote, addr, port);
    this.local = presentedEnd(this.local, destaddr, destport);
  }

  /** Puts content that the application fetches behind what has come so far (RFC 4468). */
  #append(question: BurlQuestion, content: AsyncIterable<Uint8Array>): void {
    const reception = this.#receive();
    this.#decide(
      () => fill(reception.body, content),
      () => this.#answer(question, fetched),
      (error) => {
        if (reception.aborted === null || !isAbort(error)) this.#audience.error(error);
        this.#answer(question, failed(question.type));
      },
    );
  }

  /** Calls what may throw, return or promise, and goes on with what came of it, now or later. */
  #decide<T>(call: () => T | Promise<T>, gave: (value: T) => void, threw: (error: unknown) => void): void {
    let result: T | Promise<T>;
    try {
      result = call();
    } catch (error) {
      return threw(error);
    }
    if (!isPromise(result)) return gave(result);
    Promise.resolve(result).then(
      (value) => this.#later(() => gave(value)),
      (error: unknown) => this.#later(() => threw(error)),
    );
  }

  /**
   * Gives an answer to the session; one that cannot be is the application's fault, which the client need not know.
   *
   * @returns what was given in the end; null when it came too late
   */
  #give<T>(question: Question, answer: T, give: (answer: T | Reply) => boolean): T | Reply | null {
    try {
      return give(answer) ? answer : null;
    } catch (error) {
      this.#audience.error(error);
      const instead = failed(question.type);
      return give(instead) ? instead : null;
    }
  }

  // Messages.

  #content(octets: Uint8Array): void {
    const reception = this.#receive();
    // Full and yet polled: the session is being ended, and the message with it.
    if (reception.body.full) reception.abort("closed");
    else reception.body.push(octets);
  }

  #whole(question: MessageQuestion): void {
    const reception = this.#receive();
    reception.whole(question);
    this.#settled(reception);
  }

  /** The message that is coming; it begins with its first content. */
  #receive(): Reception {
    if (this.#reception !== null) return this.#reception;
    const { envelope } = this;
    if (envelope === null) throw new Error("bug: content without a transaction");
    const { protocol, client } = this.#session;
    const perRecipient = client.hello?.verb === "LHLO" || envelope.parameters.prdr;
    const reception: Reception = new Reception(envelope, protocol, perRecipient, {
      taken: () => this.#run(),
      verdict: (question, index, reply) => this.#verdict(reception, question, index, reply),
    });
    this.#reception = reception;
    const { message } = this.#handlers;
    this.#decide<MessageAnswer>(
      () => message?.(reception.message, this),
      (answer) => {
        reception.settle(answer);
        this.#settled(reception);
      },
      (error) => {
        if (reception.aborted === null || !isAbort(error)) this.#audience.error(error);
        reception.settle(failed("message"));
        this.#settled(reception);
      },
    );
    return reception;
  }

  /** Gives the verdict when the message is whole and the handler has returned, if it is still waited for. */
  #settled(reception: Reception): void {
    const { question, outcome, aborted } = reception;
    if (reception !== this.#reception || aborted !== null) return;
    if (question === null || outcome === null) return;
    this.#forget();
    this.#give(question, outcome.answer, (answer) =>
      this.#session.answer(question.id, answer, this.#transport.now()),
    );
  }

  #verdict(reception: Reception, question: MessageQuestion, index: number, reply: Answer): boolean {
    const given = this.#give(question, reply, (verdict) =>
      this.#session.answerRecipient(question.id, index, verdict, this.#transport.now()),
    );
    const counts = given !== null;
    // With the last verdict the session goes on, whether the handler has returned or not.
    if (counts && --reception.undecided === 0 && reception === this.#reception) this.#forget();
    this.#run();
    return counts;
  }

  /** The transaction is over. */
  #forget(): void {
    this.#reception = null;
    this.#transaction.end();
  }
}

/** An end of the connection by what was told of it: undefined: nothing, null: that it is not known. */
function presentedEnd(
  end: Endpoint | null,
  address: string | null | undefined,
  port: number | null | undefined,
): Endpoint | null {
  if (address !== undefined) return address === null ? null : { address, port: port ?? 0 };
  return end === null || port === undefined ? end : { address: end.address, port: port ?? 0 };
}

function isIterable(value: unknown): value is AsyncIterable<Uint8Array> {
  return typeof value === "object" && value !== null && Symbol.asyncIterator in value;
}

/** Pushes content as fast as it is taken. Nobody takes it any more: the rest is left where it is. */
async function fill(body: Body, content: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const octets of content) {
    body.push(octets);
    await body.room();
    if (!body.wanted) return;
  }
}

/** RFC 4468 §3. */
const fetched = reply(250, "2.5.0", "Ok");

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}

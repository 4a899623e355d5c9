import {
  type ClientIdentity,
  type CloseReason,
  type Envelope,
  type Question,
  type Reply,
  reply,
  type ServerConfig,
  ServerSession,
  type ServerSettings,
} from "@sansmtp/core";
import { Body, MessageAborted } from "./body.ts";
import type { Handlers, Message, Verdict } from "./handlers.ts";
import type { Transport } from "./transport.ts";

/** Where a connection comes from and goes to, as far as the transport knows. */
export interface Ends {
  readonly remoteAddress: string | null;
  readonly remotePort: number | null;
  readonly localAddress: string | null;
  readonly localPort: number | null;
}

/**
 * One connection being served: the pump between a session, a transport and the application. It is the only place
 * where promises meet a session.
 *
 * It stays synchronous while nothing is a promise: a burst of pipelined commands with synchronous handlers costs
 * one `write` and no microtask. While the application takes its time, or the client does not read, the session is
 * not polled and the transport is not read from: back-pressure is the absence of a call.
 */
export class Connection {
  /** A number for logs, counted up by the process. */
  readonly id: number;
  readonly ends: Ends;
  /** Resolves when the session is over; the transport may still be delivering the last reply. */
  readonly closed: Promise<CloseReason>;
  readonly #session: ServerSession;
  readonly #transport: Transport;
  readonly #handlers: Handlers;
  #resolveClosed: (reason: CloseReason) => void = () => {};
  #pumping = false;
  #again = false;
  #writing = false;
  #over = false;
  #lost = false;
  #incoming: Incoming | null = null;

  constructor(
    config: ServerConfig | ServerSettings,
    transport: Transport,
    handlers: Handlers,
    ends: Partial<Ends> = {},
  ) {
    this.id = ++count;
    this.ends = {
      remoteAddress: ends.remoteAddress ?? null,
      remotePort: ends.remotePort ?? null,
      localAddress: ends.localAddress ?? null,
      localPort: ends.localPort ?? null,
    };
    this.#transport = transport;
    this.#handlers = handlers;
    this.#session = new ServerSession(config, transport.now());
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Who the client is, as far as the session knows. */
  get client(): ClientIdentity {
    return this.#session.client;
  }

  /** The protocol word for a Received field, such as `ESMTPS` (RFC 3848). */
  get protocol(): string {
    return this.#session.protocol;
  }

  /** Begins: asks the application about the client, and greets. Call it once, when the transport can be used. */
  start(): void {
    this.#pump();
  }

  /** Octets have arrived. They are kept, not copied. */
  receive(octets: Uint8Array): void {
    if (this.#over) return;
    this.#handlers.observe?.received?.(octets, this);
    // During a handshake they belong to TLS, which the transport feeds by itself.
    if (this.#session.phase === "upgrading") return;
    this.#session.receive(octets, this.#transport.now());
    this.#pump();
  }

  /** The client has half-closed. */
  end(): void {
    if (this.#over) return;
    this.#session.receiveEnd(this.#transport.now());
    this.#pump();
  }

  /** The connection is gone. */
  lost(): void {
    this.#lost = true;
    if (this.#over) return;
    this.#session.lost(this.#transport.now());
    // The application need not take what it has before it is told.
    this.#writing = false;
    this.#incoming?.abort("lost");
    this.#pump();
  }

  /** The time that was asked for has come. */
  wake(): void {
    if (this.#over) return;
    const now = this.#transport.now();
    const { deadline } = this.#session;
    // A client that does not read is not waited for beyond its deadline.
    if (deadline !== null && now >= deadline) this.#writing = false;
    this.#session.advance(now);
    this.#pump();
  }

  /**
   * The service ends: 421, as soon as no transaction is open, or now.
   */
  shutdown(when: "idle" | "now" = "idle"): void {
    if (this.#over) return;
    this.#session.shutdown(when, this.#transport.now());
    if (when === "now") {
      this.#writing = false;
      this.#incoming?.abort("closed");
    }
    this.#pump();
  }

  #pump(): void {
    if (this.#pumping) {
      this.#again = true;
      return;
    }
    this.#pumping = true;
    do {
      this.#again = false;
      while (!this.#over && !this.#writing && this.#incoming?.body.full !== true) {
        const event = this.#session.poll();
        if (event === null) break;
        this.#handlers.observe?.event?.(event, this);
        this.#act(event);
      }
    } while (this.#again);
    this.#pumping = false;
    if (this.#over) return;
    this.#transport.read(this.#session.wantsInput && !this.#writing && this.#incoming?.body.full !== true);
    this.#transport.wake(this.#session.deadline);
  }

  #act(event: NonNullable<ReturnType<ServerSession["poll"]>>): void {
    switch (event.type) {
      case "send":
        return this.#send(event.data);
      case "upgrade":
        return this.#upgrade(event.data);
      case "close":
        return this.#close(event.reason);
      case "body":
        this.#message().body.push(event.data);
        return;
      case "reset":
        this.#incoming?.abort(event.cause);
        this.#incoming = null;
        return;
      case "violation":
        return;
      case "message":
        return this.#message().whole(event.id);
      default:
        return this.#ask(event);
    }
  }

  #send(octets: Uint8Array): void {
    this.#handlers.observe?.sent?.(octets, this);
    if (this.#lost) return;
    const drained = this.#transport.write(octets);
    if (drained === undefined) return;
    this.#writing = true;
    drained.then(() => {
      this.#writing = false;
      this.#pump();
    });
  }

  #upgrade(leftover: Uint8Array): void {
    const { upgrade } = this.#transport;
    const done = upgrade
      ? upgrade.call(this.#transport, leftover)
      : Promise.reject(new Error("no TLS on this transport"));
    done.then(
      (tls) => {
        if (this.#session.phase !== "upgrading") return;
        this.#session.upgraded(tls, this.#transport.now());
        this.#pump();
      },
      () => {
        if (this.#session.phase !== "upgrading") return;
        this.#session.upgradeFailed(this.#transport.now());
        this.#pump();
      },
    );
  }

  #close(reason: CloseReason): void {
    this.#over = true;
    this.#transport.wake(null);
    this.#transport.close(this.#lost || reason === "tls" || reason === "proxy");
    this.#resolveClosed(reason);
    this.#handlers.onClose?.(reason, this);
  }

  #ask(question: Exclude<Question, { type: "message" }>): void {
    let answer: Reply | undefined | Promise<Reply | undefined>;
    try {
      answer = this.#decide(question) as typeof answer;
    } catch (error) {
      return this.#failed(question, error);
    }
    if (!isPromise(answer)) return this.#answer(question, answer);
    answer.then(
      (value) => {
        this.#answer(question, value);
        this.#pump();
      },
      (error) => {
        this.#failed(question, error);
        this.#pump();
      },
    );
  }

  #decide(question: Exclude<Question, { type: "message" }>): unknown {
    const handlers = this.#handlers;
    switch (question.type) {
      case "connect":
        return handlers.connect?.(question, this);
      case "hello":
        return handlers.hello?.(question, this);
      case "starttls":
        return handlers.starttls?.(question, this);
      case "auth":
        return handlers.auth?.(question, this);
      case "mail":
        return handlers.mail?.(question, this);
      case "rcpt":
        return handlers.rcpt === undefined ? relayingDenied : handlers.rcpt(question, this);
      case "data":
        return handlers.data?.(question, this);
      case "command":
        return handlers.command?.(question, this);
    }
  }

  #answer(question: Question, answer: Verdict): void {
    try {
      this.#session.answer(question.id, answer, this.#transport.now());
    } catch (error) {
      this.#failed(question, error);
    }
  }

  #failed(question: Question, error: unknown): void {
    this.#report(error);
    this.#session.answer(question.id, failures[question.type], this.#transport.now());
  }

  #report(error: unknown): void {
    this.#handlers.onError?.(error, this);
  }

  /** The message that is arriving, begun with its first content. */
  #message(): Incoming {
    this.#incoming ??= new Incoming(this.#session.envelope, this.#handlers, this, {
      resume: () => this.#pump(),
      verdict: (id, recipient, said) => {
        this.#session.answerRecipient(id, recipient, said, this.#transport.now());
        this.#pump();
      },
      done: (incoming, id, verdict) => {
        if (this.#incoming === incoming) this.#incoming = null;
        try {
          this.#session.answer(id, verdict, this.#transport.now());
        } catch (error) {
          this.#report(error);
          this.#session.answer(id, failures.message, this.#transport.now());
        }
        this.#pump();
      },
      failed: (error) => this.#report(error),
    });
    return this.#incoming;
  }
}

/** A message on its way to the handler, and the verdict on its way back. */
class Incoming {
  readonly body: Body;
  readonly #abort = new AbortController();
  readonly #outlet: Outlet;
  /** The question, when the message is whole. */
  #id: number | null = null;
  #verdict: { readonly value: Verdict } | null = null;
  readonly #early: (readonly [number, Reply])[] = [];

  constructor(envelope: Envelope, handlers: Handlers, connection: Connection, outlet: Outlet) {
    this.#outlet = outlet;
    this.body = new Body(outlet.resume);
    const { from, parameters, recipients } = envelope;
    const message: Message = {
      from,
      parameters,
      recipients,
      body: this.body,
      signal: this.#abort.signal,
      verdict: (recipient, said) => this.#forRecipient(recipient, said),
    };
    this.#run(handlers, message, connection);
  }

  /** All content has come. */
  whole(id: number): void {
    this.#id = id;
    this.body.end();
    for (const [recipient, said] of this.#early) this.#outlet.verdict(id, recipient, said);
    this.#settle();
  }

  abort(reason: string): void {
    if (this.#abort.signal.aborted) return;
    const error = new MessageAborted(reason);
    this.#abort.abort(error);
    this.body.abort(error);
  }

  async #run(handlers: Handlers, message: Message, connection: Connection): Promise<void> {
    let value: Verdict;
    try {
      value = await handlers.message?.(message, connection);
    } catch (error) {
      value = failures.message;
      if (!this.#abort.signal.aborted) this.#outlet.failed(error);
    }
    this.#verdict = { value };
    this.body.discard();
    this.#settle();
  }

  #settle(): void {
    if (this.#id === null || this.#verdict === null || this.#abort.signal.aborted) return;
    this.#outlet.done(this, this.#id, this.#verdict.value);
  }

  #forRecipient(recipient: number, said: Reply): void {
    if (this.#abort.signal.aborted) return;
    if (this.#id === null) this.#early.push([recipient, said]);
    else this.#outlet.verdict(this.#id, recipient, said);
  }
}

interface Outlet {
  resume(): void;
  verdict(id: number, recipient: number, said: Reply): void;
  done(incoming: Incoming, id: number, verdict: Verdict): void;
  failed(error: unknown): void;
}

let count = 0;

const relayingDenied = reply(550, "5.7.1", "Relaying denied");
const localError = reply(451, "4.3.0", "Local error in processing");
const notNow = reply(454, "4.7.0", "Temporary failure, try again later");

/** What a client is told when a handler fails: never a 250, always something temporary. */
const failures: Readonly<Record<Question["type"], Reply>> = {
  connect: reply(421, "4.3.0", "Local error in processing"),
  hello: localError,
  starttls: notNow,
  auth: notNow,
  mail: localError,
  rcpt: localError,
  data: localError,
  message: localError,
  command: localError,
};

function isPromise<T>(value: T | Promise<T>): value is Promise<T> {
  return typeof (value as Promise<T> | null | undefined)?.then === "function";
}

import {
  type Capabilities,
  type ClientAttributes,
  type ClientConfig,
  ClientSession,
  type Failure,
  type Outcome,
  type OutgoingEnvelope,
  type ReceivedReply,
  type TlsInfo,
  UsageError,
} from "@sansmtp/core";
import { simd } from "@sansmtp/core/simd";
import { type Auth, type Authenticating, checkAuth } from "./client-auth.ts";
import { Source } from "./client-body.ts";
import { ConnectError } from "./client-error.ts";
import { type Done, type Failed, isTooMany, type Job, type TransactionJob } from "./client-jobs.ts";
import { Login } from "./client-login.ts";
import {
  abandoned,
  envelopeFor,
  notTried,
  type OutgoingMessage,
  recipientsOf,
  type Sent,
  sentOf,
} from "./client-message.ts";
import { type ClientNews, type ClientObserver, ClientPump } from "./client-pump.ts";
import type { Incoming } from "./connection.ts";
import { type Random, randomOf } from "./random.ts";
import type { Transport } from "./transport.ts";

/** How a client behaves. */
export interface ClientOptions extends ClientConfig {
  /** Authenticates before anything is sent. Without TLS a password is said only if `allowInsecureAuth` is true. */
  readonly auth?: Auth;
  /** What it has connected to, which OAUTHBEARER says (RFC 7628). Default: nothing is said of it. */
  readonly host?: string;
  readonly port?: number;
  /** Random octets for nonces. Default: `crypto.getRandomValues` of the runtime. */
  readonly random?: Random;
  /**
   * Whether what a handshake gave is enough. If it is not, or this throws, nothing but QUIT is said (RFC 3207 §4.1).
   * Default: whatever the transport takes.
   */
  readonly acceptTls?: (tls: Partial<TlsInfo>) => boolean;
  /** Tells a server that trusts this host for whom it speaks, before AUTH: see XCLIENT. Refused, the client fails. */
  readonly xclient?: ClientAttributes;
  readonly observe?: ClientObserver;
  /** Told of what a hook throws. By default it goes to the console. */
  readonly onError?: (error: unknown) => void;
}

/** How a client's connection ended. */
export interface ClientClosing {
  /** Null: after QUIT, as it should. */
  readonly failure: Failure | null;
  /** What the server said to it. */
  readonly reply: ReceivedReply | null;
  /** What the transport gave as the cause; null: nothing. */
  readonly error: unknown;
}

/**
 * One connection to a server, for any number of messages, one after the other. Made by the adapter of a runtime.
 *
 * Refusals and failures of the connection are data: `send` always comes to an outcome for each recipient.
 */
export class Client {
  /** Resolves when messages can be sent: greeting, EHLO, TLS and AUTH are done. Rejects with {@link ConnectError}. */
  readonly ready: Promise<void>;
  /** Resolves when the connection is over. It never rejects. */
  readonly closed: Promise<ClientClosing>;
  /** Where the adapter tells what happens on the connection. */
  readonly connection: Incoming;
  readonly #options: ClientOptions;
  readonly #session: ClientSession;
  readonly #pump: ClientPump;
  readonly #login: Login;
  readonly #jobs: Map<number, Job> = new Map();
  readonly #sending: Set<Promise<unknown>> = new Set();
  #settleReady: (error: ConnectError | null) => void = () => {};
  #settleClosed: (closing: ClientClosing) => void = () => {};
  #turn: ((transport: Transport) => Incoming) | null = null;
  /** The session is over, or never got ready; with it, all that is still asked for. */
  #failed: Failed | null = null;
  /** It is ready, or never will be: what is asked for goes to the session at once, in the order of the calls. */
  #settled = false;
  #quitting = false;
  #transactions = 0;
  #tls: Partial<TlsInfo> | null = null;

  /** @throws {UsageError} when the options cannot be */
  constructor(options: ClientOptions, transport: Transport) {
    if (options.auth !== undefined) {
      checkAuth(options.auth);
      randomOf(options.random);
    }
    this.#options = options;
    const { scanner = simd() } = options;
    this.#session = new ClientSession({ ...options, scanner }, transport.now());
    this.ready = new Promise((resolve, reject) => {
      this.#settleReady = (error) => {
        this.#settled = true;
        return error === null ? resolve() : reject(error);
      };
    });
    // Whoever does not wait for it hears of it by the outcomes.
    this.ready.catch(() => {});
    this.closed = new Promise((resolve) => {
      this.#settleClosed = resolve;
    });
    const listener = {
      news: (event: ClientNews) => this.#news(event),
      secured: (tls: Partial<TlsInfo>) => {
        this.#tls = tls;
        return this.#options.acceptTls?.(tls) ?? true;
      },
      turned: (connection: Transport) => this.#turned(connection),
      closed: (error: unknown) => this.#ended(error),
      onError: (error: unknown) => this.#report(error),
    };
    this.#pump = new ClientPump(this.#session, transport, listener, options.observe);
    this.#login = new Login(options, this.#authenticating());
    this.connection = this.#pump;
    this.#pump.wake();
  }

  /** What the server offers. */
  get capabilities(): Capabilities {
    return this.#session.capabilities;
  }

  /** Whether a message can be sent, as far as is known. */
  get open(): boolean {
    return this.#failed === null && !this.#quitting;
  }

  /** What the handshake gave; null: there was none. */
  get tls(): Partial<TlsInfo> | null {
    return this.#tls;
  }

  /** How many messages the server still takes on this connection (RFC 9422); Infinity: it does not say. */
  get messagesLeft(): number {
    return (this.capabilities.limits.mailMax ?? Number.POSITIVE_INFINITY) - this.#transactions;
  }

  /**
   * Sends a message, when those before it are done.
   *
   * It resolves even when it is refused or the connection fails: each recipient has an outcome. When the `signal` is
   * aborted it resolves, too: what was not sent to its end is `notTried`, and if its content was on the way by DATA,
   * that ends the connection, for nothing else keeps half a message from delivery (RFC 5321 §4.1.1.4). A message that
   * was sent to its end cannot be taken back: its verdict is waited for, unless `close` ends that wait.
   *
   * More recipients than the server takes at a time (RFC 9422 RCPTMAX, or 452) go in further transactions, if the
   * body can be read again.
   *
   * @throws {UsageError} (as a rejection) for a message that can never be meant: an address that is none, no
   *   recipients, or a client that was told to quit
   */
  async send(message: OutgoingMessage): Promise<Sent> {
    const source = this.sourceOf(message);
    try {
      return await this.deliver(message, source);
    } finally {
      source.release();
    }
  }

  /** For pools: the content of a message, checked as this client is configured. */
  sourceOf({ body, bodyType }: OutgoingMessage): Source {
    const { lineEnds, limits, scanner } = this.#session.settings;
    const binary = bodyType === "BINARYMIME";
    return Source.of(body, { lineEnds, textLine: limits.textLine, binary, scanner });
  }

  /** For pools: `send`, but the source is left as it is, for another attempt perhaps. */
  deliver(message: OutgoingMessage, source: Source): Promise<Sent> {
    if (this.#quitting) return Promise.reject(new UsageError("send: the client was told to quit"));
    return this.#during(this.#deliver(message, source));
  }

  /** NOOP. Rejects with {@link ConnectError} when the connection fails first. */
  noop(): Promise<ReceivedReply> {
    return this.#command("NOOP");
  }

  /**
   * VRFY: asks whether there is such a mailbox; servers are free not to tell (RFC 5321 §3.5.3).
   *
   * @throws {UsageError} (as a rejection) when the text cannot be said
   */
  verify(text: string): Promise<ReceivedReply> {
    return this.#command("VRFY", text);
  }

  /**
   * ATRN (RFC 2645): asks the server to send the mail of these domains, none: all that this client may have. When it
   * agrees, the roles turn, this client is over, and the connection is the server's that `begin` makes of it.
   *
   * @param begin makes it: `(transport) => serve(new ServerSession(config), transport, handlers, facts)`
   * @returns resolves when the roles have turned; rejects with {@link ConnectError} when the server refuses
   * @throws {UsageError} (as a rejection) when one is not a domain
   */
  async atrn(domains: readonly string[], begin: (transport: Transport) => Incoming): Promise<void> {
    this.#turn = begin;
    const reply = await this.#ask("ATRN", () => this.#session.atrn(domains));
    if (reply === null) return;
    this.#turn = null;
    throw new ConnectError(
      { code: "atrn-refused", detail: "the server does not send mail now" },
      reply,
      null,
    );
  }

  /** QUIT, when all that was asked for is done; resolves when the connection is over. */
  async quit(): Promise<void> {
    this.#quitting = true;
    while (this.#sending.size > 0) await Promise.allSettled(this.#sending);
    if (this.#failed === null) this.#pump.enter(() => this.#session.quit());
    await this.closed;
  }

  /** Ends the connection at once. What was sent and not answered is `unknown`, what was not sent is `notTried`. */
  close(): void {
    this.#quitting = true;
    this.#pump.enter((now) => this.#session.close(now));
  }

  /** Quits, as `quit()` does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.quit();
  }

  async #deliver(message: OutgoingMessage, source: Source): Promise<Sent> {
    const to = recipientsOf(message);
    if (to.length === 0) throw new UsageError("to: no recipients");
    if (source.fault !== null) return sentOf(to, notTried(to, source.fault), null);
    if (!this.#settled) await this.#readyOr(message.signal);
    let outcomes: Outcome[] | null = null;
    let error: unknown = null;
    const all = (): number[] => to.map((_, index) => index);
    // Null: nobody was tried yet.
    let rest: readonly number[] | null = null;
    while (rest === null || rest.length > 0) {
      const most = (source.repeatable ? this.capabilities.limits.rcptMax : null) ?? to.length;
      const atOnce = rest === null && to.length <= most;
      const some = atOnce ? to : (rest ?? all()).slice(0, most).map((index) => to[index]);
      const envelope = envelopeFor(message, some, source, this.capabilities);
      const done = await this.#transact(envelope, source, message.signal);
      if (atOnce && done.tooMany.length === 0) return sentOf(to, done.outcomes, done.error);
      rest ??= all();
      const group: readonly number[] = rest.slice(0, most);
      outcomes ??= notTried(to, abandoned);
      for (const [at, index] of group.entries()) outcomes[index] = done.outcomes[at];
      error ??= done.error;
      const progress = done.outcomes.some(({ status }) => status === "accepted");
      // A 552 is one of those only behind recipients that were accepted: else the session takes it for a refusal.
      const tooMany = done.tooMany.filter((at) => done.outcomes[at].status === "deferred");
      const surplus = progress && source.repeatable ? tooMany.map((at) => group[at]) : [];
      rest = [...surplus, ...rest.slice(most)];
    }
    return sentOf(to, outcomes ?? [], error);
  }

  /** One transaction, from MAIL to the last verdict. */
  #transact(envelope: OutgoingEnvelope, source: Source, signal: AbortSignal | undefined): Promise<Done> {
    const { to } = envelope;
    const none = { tooMany: [], error: null };
    if (signal?.aborted) return Promise.resolve({ outcomes: notTried(to, abandoned), ...none });
    if (this.#failed !== null) {
      const { reply, failure } = this.#failed;
      return Promise.resolve({ outcomes: notTried(to, reply ?? failure), ...none });
    }
    return new Promise((resolve, reject) => {
      let id = 0;
      const abort = (): void => this.#pump.enter(() => this.#session.abandon(id));
      const job: TransactionJob = {
        kind: "transaction",
        source,
        tooMany: [],
        error: null,
        done: (outcomes) => {
          signal?.removeEventListener("abort", abort);
          resolve({ outcomes, tooMany: job.tooMany, error: job.error });
        },
      };
      try {
        this.#pump.enter(() => {
          id = this.#session.transaction(envelope);
          this.#jobs.set(id, job);
          this.#transactions++;
        });
      } catch (error) {
        return reject(error);
      }
      signal?.addEventListener("abort", abort);
    });
  }

  /** Until it is known whether messages can be sent. */
  #readyOr(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        signal?.removeEventListener("abort", done);
        resolve();
      };
      if (signal?.aborted) return done();
      signal?.addEventListener("abort", done);
      this.ready.then(done, done);
    });
  }

  async #command(verb: string, argument?: string): Promise<ReceivedReply> {
    return (await this.#ask(verb, () => this.#session.command(verb, argument))) as ReceivedReply;
  }

  /** Asks something of the session that has a reply; null: the roles have turned in its place. */
  async #ask(verb: string, call: () => number): Promise<ReceivedReply | null> {
    if (this.#quitting) throw new UsageError(`${verb}: the client was told to quit`);
    if (!this.#settled) await this.ready;
    return this.#during(
      new Promise((resolve, reject) => {
        if (this.#failed !== null) return reject(this.#error());
        const job: Job = {
          kind: "command",
          replied: resolve,
          turned: () => resolve(null),
          skipped: (failure, reply) => reject(new ConnectError(failure, reply, this.#pump.error)),
        };
        try {
          this.#pump.enter(() => this.#jobs.set(call(), job));
        } catch (error) {
          reject(error);
        }
      }),
    );
  }

  /** What QUIT waits for. */
  #during<T>(promise: Promise<T>): Promise<T> {
    this.#sending.add(promise);
    const done = (): void => void this.#sending.delete(promise);
    promise.then(done, done);
    return promise;
  }

  #news(event: ClientNews): void {
    switch (event.type) {
      case "ready":
        return this.#login.proceed();
      case "challenge":
        return this.#login.respond(event.octets);
      case "reply": {
        const job = this.#jobs.get(event.id);
        // XFORWARD has the id of its transaction, which goes on.
        if (job?.kind !== "command") return;
        this.#jobs.delete(event.id);
        return job.replied(event.reply);
      }
      case "skipped": {
        const job = this.#jobs.get(event.id);
        this.#jobs.delete(event.id);
        if (job?.kind === "command") job.skipped(event.reason, null);
        return;
      }
      case "recipient": {
        const job = this.#jobs.get(event.id);
        if (job?.kind === "transaction" && isTooMany(event.reply)) job.tooMany.push(event.index);
        return;
      }
      case "body": {
        const job = this.#jobs.get(event.id);
        if (job?.kind === "transaction") this.#read(event.id, job);
        return;
      }
      case "done": {
        const job = this.#jobs.get(event.id);
        this.#jobs.delete(event.id);
        this.#pump.starve(event.id);
        if (job?.kind === "transaction") job.done(event.outcomes);
        return;
      }
      case "failed":
        return this.#fail(event.failure, event.reply);
      default:
        return;
    }
  }

  #read(id: number, job: TransactionJob): void {
    const failed = (error: unknown): void => {
      job.error = error;
      this.#session.abandon(id);
    };
    try {
      this.#pump.feed(id, job.source.open(), failed);
    } catch (error) {
      failed(error);
    }
  }

  /** What XCLIENT and AUTH need of this client. */
  #authenticating(): Authenticating {
    const { random, host, port } = this.#options;
    return {
      session: this.#session,
      context: () => ({
        random: randomOf(random),
        bindings: this.#tls?.bindings ?? {},
        ...(host === undefined ? {} : { host }),
        ...(port === undefined ? {} : { port }),
      }),
      asked: (id, job) => this.#jobs.set(id, job),
      succeeded: () => this.#settleReady(null),
      failed: (failure, reply) => this.#giveUp(failure, reply),
      report: (error) => this.#report(error),
      // By the time that a promise resolves, the session may be over.
      later: (call) => this.#pump.enter(() => (this.#failed === null ? call() : undefined)),
      over: () => this.#failed !== null,
    };
  }

  /** The session is in order, but of no use. */
  #giveUp(failure: Failure, reply: ReceivedReply | null): void {
    if (this.#failed !== null) return;
    this.#fail(failure, reply);
    if (this.#session.phase === "ready") this.#session.quit();
  }

  #fail(failure: Failure, reply: ReceivedReply | null): void {
    this.#failed ??= { failure, reply };
    this.#settleReady(this.#error());
    const jobs = [...this.#jobs.values()];
    this.#jobs.clear();
    for (const job of jobs) if (job.kind === "command") job.skipped(failure, reply);
  }

  #turned(transport: Transport): Incoming | null {
    const jobs = [...this.#jobs.values()].filter((job) => job.kind === "command");
    this.#jobs.clear();
    this.#quitting = true;
    try {
      const other = this.#turn?.(transport) ?? null;
      for (const job of jobs) job.turned?.();
      return other;
    } catch (error) {
      this.#report(error);
      for (const job of jobs) job.skipped({ code: "closed", detail: "nobody takes the other role" }, null);
      return null;
    }
  }

  #ended(error: unknown): void {
    const { failure = null, reply = null } = this.#failed ?? {};
    if (this.#failed === null) this.#fail({ code: "closed", detail: "the connection was closed" }, null);
    this.#settleClosed({ failure, reply, error });
  }

  #error(): ConnectError {
    const { failure, reply } = this.#failed as Failed;
    return new ConnectError(failure, reply, this.#pump.error);
  }

  #report(error: unknown): void {
    try {
      if (this.#options.onError === undefined) console.error(error);
      else this.#options.onError(error);
    } catch {
      // There is nobody left to tell.
    }
  }
}

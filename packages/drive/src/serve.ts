import {
  type ClientIdentity,
  type Endpoint,
  type Envelope,
  type Millis,
  type ProxyHeader,
  type ServerEvent,
  type ServerSession,
  type TlsInfo,
  UsageError,
} from "@sansmtp/core";
import type { Identity } from "@sansmtp/sasl";
import { Audience } from "./audience.ts";
import { Authentications, checkAuthentication } from "./authentication.ts";
import { Client, type ClientOptions } from "./client.ts";
import type { Closing, Connected, ConnectionFacts, Incoming, Owner } from "./connection.ts";
import { type Asker, Deciding } from "./deciding.ts";
import type { Handlers } from "./handlers.ts";
import { Parties } from "./parties.ts";
import { type Receiver, Receiving } from "./receiving.ts";
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
  facts.owner?.began(pump, transport);
  pump.wake();
  return pump;
}

class Pump implements Connected, Receiver, Asker {
  readonly id: number;
  readonly parties: Parties;
  readonly session: ServerSession;
  readonly handlers: Handlers;
  readonly deciding: Deciding = new Deciding(this);
  readonly #transport: Transport;
  readonly #audience: Audience;
  readonly #stall: Millis;
  readonly authentications: Authentications | null;
  /** Null: nothing was sent yet. */
  #receiving: Receiving | null = null;
  readonly #owner: Owner | null;
  #closing: Closing | null = null;
  /** What `closed` gave, if anybody has asked, and what resolves it. */
  #closed: Promise<Closing> | null = null;
  #resolveClosed: ((closing: Closing) => void) | null = null;
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
    this.parties = new Parties(facts);
    this.#stall = facts.stall ?? 300_000;
    this.#owner = facts.owner ?? null;
    this.session = session;
    this.#transport = transport;
    this.handlers = handlers;
    this.#audience = new Audience(handlers, this);
    checkAuthentication(handlers, session.settings.mechanisms);
    const { authenticate, authentication = {} } = handlers;
    this.authentications =
      authenticate === undefined
        ? null
        : new Authentications(
            session,
            authentication,
            () => transport.now(),
            (asked) => authenticate(asked, this),
          );
  }

  get connection(): Connected {
    return this;
  }

  get receiving(): Receiving {
    this.#receiving ??= new Receiving(this);
    return this.#receiving;
  }

  get secures(): boolean {
    return this.#transport.upgrade !== undefined;
  }

  get over(): boolean {
    return this.#closing !== null;
  }

  now(): Millis {
    return this.#transport.now();
  }

  report(error: unknown): void {
    this.#audience.error(error);
  }

  get peer(): Endpoint | null {
    return this.parties.peer;
  }

  get remote(): Endpoint | null {
    return this.parties.remote;
  }

  get local(): Endpoint | null {
    return this.parties.local;
  }

  get proxy(): ProxyHeader | null {
    return this.parties.proxy;
  }

  get identity(): Identity | null {
    return this.parties.identity;
  }

  get client(): ClientIdentity {
    return this.session.client;
  }

  get protocol(): string {
    return this.session.protocol;
  }

  get envelope(): Envelope | null {
    return this.#receiving?.envelope ?? null;
  }

  /** Most connections are never asked for it. */
  get closed(): Promise<Closing> {
    this.#closed ??=
      this.#closing !== null
        ? Promise.resolve(this.#closing)
        : new Promise((resolve) => {
            this.#resolveClosed = resolve;
          });
    return this.#closed;
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#closing !== null) this.#controller.abort();
    return this.#controller.signal;
  }

  shutdown(when: "idle" | "now" = "idle"): void {
    if (this.#client !== null) return this.#quit(this.#client, when);
    if (when === "now") this.#forced = true;
    this.#enter(() => this.session.shutdown(when, this.#transport.now()));
  }

  receive(octets: Uint8Array): void {
    if (this.#turned !== null) return this.#turned.receive(octets);
    if (this.#closing !== null) return;
    this.#audience.received(octets);
    try {
      this.session.receive(octets, this.#transport.now());
    } catch (error) {
      this.#breakDown(error);
    }
    this.run();
  }

  receiveEnd(): void {
    if (this.#turned !== null) return this.#turned.receiveEnd();
    this.#enter(() => this.session.receiveEnd(this.#transport.now()));
  }

  lost(error: unknown = null): void {
    if (this.#turned !== null) this.#turned.lost(error);
    else this.#end(error);
    this.#owner?.gone(this);
  }

  /** The transport can do nothing more for the client. */
  #end(error: unknown): void {
    this.#error ??= error;
    this.#forced = true;
    this.#enter(() => this.session.lost(this.#transport.now()));
  }

  wake(): void {
    if (this.#turned !== null) return this.#turned.wake();
    this.#wakesAt = null;
    const now = this.#transport.now();
    if (this.#fullSince !== null) {
      if (now < this.#fullSince + this.#stall) return this.#rest();
      return this.#end(new Error("the client does not read its replies"));
    }
    const { deadline } = this.session;
    // A reader that has taken nothing for so long keeps the session from noticing by itself.
    if (this.#held() && deadline !== null && now >= deadline) return this.shutdown("now");
    this.#enter(() => this.session.advance(now));
  }

  /** An input, and all that follows from it. */
  #enter(input: () => void): void {
    if (this.#closing === null) this.later(input, undefined);
  }

  /** What a promise came to, and all that follows from it. */
  later<T>(outcome: (value: T) => void, value: T): void {
    try {
      outcome(value);
    } catch (error) {
      this.#breakDown(error);
    }
    this.run();
  }

  /** Runs until nothing more can be done. Called from within, by a handler for example, it goes round once more. */
  run(): void {
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
      const event = this.session.poll();
      if (event === null) return;
      if (event.type !== "send") this.#audience.event(event);
      this.#act(event);
    }
  }

  #held(): boolean {
    if (this.#forced) return false;
    return this.#fullSince !== null || this.#receiving?.full === true;
  }

  /** Tells the transport what to wait for. */
  #rest(): void {
    if (this.#closing !== null || this.#turned !== null) return;
    const reads = this.session.wantsInput && this.#fullSince === null;
    if (reads !== this.#reads) {
      this.#reads = reads;
      this.#transport.read(reads);
    }
    const at = this.#fullSince === null ? this.session.deadline : this.#fullSince + this.#stall;
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
        return this.receiving.content(event.data);
      case "message":
        return this.receiving.whole(event);
      case "reset":
        return this.#receiving?.abort(event.cause);
      case "violation":
        return;
      default:
        return this.deciding.ask(event);
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
      (error: unknown) => this.#end(error),
    );
  }

  #upgrade(received: Uint8Array): void {
    const { upgrade } = this.#transport;
    if (upgrade === undefined) {
      this.#error = new Error("this transport cannot do TLS");
      return this.session.upgradeFailed(this.#transport.now());
    }
    // By the time that the handshake ends, the session may have given it up.
    this.deciding.wait(
      upgrade.call(this.#transport, received),
      (tls) => {
        if (this.session.phase !== "upgrading") return;
        this.session.upgraded(tls, this.#transport.now());
        this.parties.identity = null;
        this.#audience.secured(this.session.client.tls as TlsInfo);
      },
      (error) => {
        this.#error ??= error;
        if (this.session.phase === "upgrading") this.session.upgradeFailed(this.#transport.now());
      },
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
      this.handlers.turn?.({ domains, client: begin }, this);
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
    this.#receiving?.abort("closed");
    this.authentications?.abandon();
    this.#transport.close();
    this.#over(reason);
  }

  #over(reason: Closing["reason"]): void {
    const closing: Closing = { reason, error: this.#error };
    this.#closing = closing;
    this.#controller?.abort();
    this.#audience.closed(closing);
    this.#owner?.over(this);
    this.#resolveClosed?.(closing);
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
}

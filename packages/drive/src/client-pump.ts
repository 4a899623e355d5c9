import type { ClientEvent, ClientSession, Millis, TlsInfo } from "@sansmtp/core";
import type { Reading } from "./client-body.ts";
import { PlainTextError } from "./client-error.ts";
import type { Incoming } from "./connection.ts";
import type { Transport } from "./transport.ts";

/** What a client tells of itself. The hooks decide nothing; what they throw goes to `onError`. */
export interface ClientObserver {
  /** Octets of the server, as they were before TLS. */
  readonly receive?: (octets: Uint8Array) => void;
  /** Octets for the server: with all secrets, AUTH responses too. */
  readonly send?: (octets: Uint8Array) => void;
  /** What the session reports. Challenges are left empty. */
  readonly event?: (event: ClientNews) => void;
  /** A handshake succeeded. */
  readonly secured?: (tls: Partial<TlsInfo>) => void;
}

/** What a session reports that is not for the transport. */
export type ClientNews = Exclude<ClientEvent, { readonly type: "send" | "upgrade" | "close" | "turn" }>;

/** Who the pump works for. */
export interface ClientListener {
  news(event: ClientNews): void;
  /** A handshake succeeded; false: what it gave is not enough. */
  secured(tls: Partial<TlsInfo>): boolean;
  closed(error: unknown): void;
  /** The roles have turned: who takes the connection over; null: nobody. */
  turned(transport: Transport): Incoming | null;
  /** Something threw that should not have. */
  onError(error: unknown): void;
}

/**
 * Runs a client session on a transport until both are over. It does what `poll` gives, in that order. Replies are read
 * while the transport is full, too (RFC 2920 §3.1); content is asked of its source only when what was said before has
 * left, so a message of any size takes the same memory.
 */
export class ClientPump implements Incoming {
  readonly #session: ClientSession;
  readonly #transport: Transport;
  readonly #listener: ClientListener;
  readonly #observer: ClientObserver;
  #feeding: Feeding | null = null;
  /** Writes that the transport has not taken yet. */
  #full = 0;
  #closed = false;
  /** The other role, once they have turned. */
  #turned: Incoming | null = null;
  #error: unknown = null;
  #running = false;
  #again = false;
  /** What the transport was told last. */
  #reads: boolean | null = null;
  #wakesAt: Millis | null = null;

  constructor(
    session: ClientSession,
    transport: Transport,
    listener: ClientListener,
    observer: ClientObserver = {},
  ) {
    this.#session = session;
    this.#transport = transport;
    this.#listener = listener;
    this.#observer = observer;
  }

  /** What the transport said went wrong; null: nothing. */
  get error(): unknown {
    return this.#error;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** A call to the session, and all that follows from it; nothing once it is over. */
  enter(call: (now: Millis) => void): void {
    if (this.#closed) return;
    try {
      call(this.#transport.now());
    } finally {
      this.#run();
    }
  }

  /** Reads content into the session, which has asked for it, for the transaction of this id. */
  feed(id: number, reading: Reading, failed: (error: unknown) => void): void {
    this.#feeding = { id, reading, failed, waits: false };
  }

  /** The transaction is over: its content is not wanted any more. */
  starve(id: number): void {
    if (this.#feeding?.id === id) this.#feeding = null;
  }

  receive(octets: Uint8Array): void {
    if (this.#turned !== null) return this.#turned.receive(octets);
    if (this.#closed) return;
    if (this.#observer.receive !== undefined) this.#tell(() => this.#observer.receive?.(octets));
    this.#safely((now) => this.#session.receive(octets, now));
  }

  receiveEnd(): void {
    if (this.#turned !== null) return this.#turned.receiveEnd();
    this.#safely((now) => this.#session.receiveEnd(now));
  }

  lost(error: unknown = null): void {
    if (this.#turned !== null) return this.#turned.lost(error);
    this.#error ??= error;
    this.#safely((now) => this.#session.lost(now));
  }

  wake(): void {
    if (this.#turned !== null) return this.#turned.wake();
    this.#wakesAt = null;
    this.#safely((now) => this.#session.advance(now));
  }

  #safely(call: (now: Millis) => void): void {
    try {
      this.enter(call);
    } catch (error) {
      this.#breakDown(error);
    }
  }

  #run(): void {
    this.#again = true;
    if (this.#running) return;
    this.#running = true;
    while (this.#again) {
      this.#again = false;
      try {
        do this.#drain();
        while (this.#fill());
        this.#rest();
      } catch (error) {
        this.#breakDown(error);
      }
    }
    this.#running = false;
  }

  #drain(): void {
    while (!this.#closed) {
      const event = this.#session.poll(this.#full > 0);
      if (event === null) return;
      this.#act(event);
    }
  }

  #act(event: ClientEvent): void {
    switch (event.type) {
      case "send":
        return this.#send(event.data);
      case "upgrade":
        return this.#upgrade();
      case "close":
        return this.#close();
      case "turn":
        return this.#turn();
      default: {
        const shown = event.type === "challenge" ? { ...event, octets: new Uint8Array(0) } : event;
        this.#tell(() => this.#observer.event?.(shown));
        this.#listener.news(event);
      }
    }
  }

  #send(octets: Uint8Array): void {
    if (this.#observer.send !== undefined) this.#tell(() => this.#observer.send?.(octets));
    const full = this.#transport.write(octets);
    if (full === undefined) return;
    this.#full++;
    full.then(
      () => {
        this.#full--;
        this.wake();
      },
      (error: unknown) => this.lost(error),
    );
  }

  #upgrade(): void {
    const { upgrade } = this.#transport;
    if (upgrade === undefined) {
      const detail = "this transport cannot do TLS";
      return this.#session.upgradeFailed({ detail }, this.#transport.now());
    }
    // By the time that the handshake ends, the session may have given it up.
    const pending = (): boolean => this.#session.phase === "upgrading";
    upgrade.call(this.#transport, new Uint8Array(0)).then(
      (tls) =>
        this.#safely((now) => {
          if (!pending()) return;
          this.#tell(() => this.#observer.secured?.(tls));
          if (this.#listener.secured(tls)) this.#session.upgraded(now);
          else this.#session.upgradeFailed({ weak: true }, now);
        }),
      (error: unknown) =>
        this.#safely((now) => {
          this.#error ??= error;
          if (!pending()) return;
          const plain = error instanceof PlainTextError && this.#session.settings.tls === "implicit";
          const detail = error instanceof Error ? `the TLS handshake failed: ${error.message}` : undefined;
          this.#session.upgradeFailed(plain || detail === undefined ? { plain } : { detail }, now);
        }),
    );
  }

  /** Gives the session its next piece of content; false: there is none now. */
  #fill(): boolean {
    const feeding = this.#feeding;
    if (this.#closed || feeding === null || feeding.waits || this.#full > 0 || !this.#session.wantsBody)
      return false;
    let piece: Uint8Array | null | Promise<Uint8Array | null>;
    try {
      piece = feeding.reading.next();
    } catch (error) {
      this.#failed(feeding, error);
      return true;
    }
    if (!(piece instanceof Promise)) {
      this.#take(feeding, piece);
      return true;
    }
    feeding.waits = true;
    piece.then(
      (octets) => this.#safely(() => this.#take(feeding, octets)),
      (error: unknown) => this.#safely(() => this.#failed(feeding, error)),
    );
    return false;
  }

  #take(feeding: Feeding, octets: Uint8Array | null): void {
    feeding.waits = false;
    // The transaction may be over since.
    if (feeding !== this.#feeding) return;
    if (octets !== null) this.#session.write(octets);
    // The end of the data leaves with what is before it, if that is known to be all.
    if (octets !== null && !feeding.reading.over) return;
    this.#feeding = null;
    this.#session.finish();
  }

  #failed(feeding: Feeding, error: unknown): void {
    if (feeding !== this.#feeding) return;
    this.#feeding = null;
    feeding.failed(error);
  }

  /** Tells the transport what to wait for. */
  #rest(): void {
    if (this.#closed) return;
    const reads = this.#session.wantsInput;
    if (reads !== this.#reads) {
      this.#reads = reads;
      this.#transport.read(reads);
    }
    const at = this.#session.deadline;
    if (at === this.#wakesAt) return;
    this.#wakesAt = at;
    this.#transport.wake(at);
  }

  /** The connection goes on as that of a server (RFC 2645 §5.2.2). */
  #turn(): void {
    this.#closed = true;
    this.#feeding = null;
    this.#turned = this.#listener.turned(this.#transport);
    if (this.#turned === null) this.#close();
    else this.#listener.closed(this.#error);
  }

  #close(): void {
    this.#closed = true;
    this.#feeding = null;
    try {
      this.#transport.close();
    } finally {
      this.#listener.closed(this.#error);
    }
  }

  /** The transport, or the session itself, failed in a way that it never should: what is open gets its outcome. */
  #breakDown(error: unknown): void {
    this.#listener.onError(error);
    if (this.#closed) return;
    this.#error ??= error;
    try {
      this.#session.close(this.#transport.now());
      for (let event = this.#session.poll(); event !== null; event = this.#session.poll()) {
        if (event.type === "close" || event.type === "turn") this.#close();
        else if (event.type !== "send" && event.type !== "upgrade") this.#listener.news(event);
      }
    } catch (another) {
      this.#listener.onError(another);
    }
    if (!this.#closed) this.#close();
  }

  #tell(hook: () => void): void {
    try {
      hook();
    } catch (error) {
      this.#listener.onError(error);
    }
  }
}

interface Feeding {
  readonly id: number;
  readonly reading: Reading;
  readonly failed: (error: unknown) => void;
  /** A piece was asked for, and has not come. */
  waits: boolean;
}

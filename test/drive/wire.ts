import { type ServerConfig, ServerSession, type TlsInfo } from "@sansmtp/core";
import { type Connected, type ConnectionFacts, type Handlers, serve, type Transport } from "@sansmtp/drive";

/** A transport in memory, with a clock of its own: what was written, what was asked of it. */
export class Wire implements Transport {
  /** What was written, an octet a character. */
  sent = "";
  writes = 0;
  reads: boolean | null = null;
  wakesAt: number | null = null;
  closed = false;
  time = 0;
  /** Set to make `write` say that it is full. */
  isFull = false;
  /** Resolves, or rejects, what `write` has promised. */
  drained: (error?: Error) => void = () => {};
  /** What was left over when the handshake began; null: none began. */
  received: Uint8Array | null = null;
  /** Ends the handshake. */
  handshake: (tls: Partial<TlsInfo> | Error) => void = () => {};

  write(octets: Uint8Array): void | Promise<void> {
    if (this.closed) throw new Error("written after close");
    this.writes++;
    this.sent += Buffer.from(octets).toString("latin1");
    if (!this.isFull) return;
    return new Promise((resolve, reject) => {
      this.drained = (error) => (error === undefined ? resolve() : reject(error));
    });
  }

  upgrade?(received: Uint8Array): Promise<Partial<TlsInfo>> {
    this.received = received;
    return new Promise((resolve, reject) => {
      this.handshake = (tls) => (tls instanceof Error ? reject(tls) : resolve(tls));
    });
  }

  read(on: boolean): void {
    this.reads = on;
  }

  wake(at: number | null): void {
    this.wakesAt = at;
  }

  close(): void {
    if (this.closed) throw new Error("closed twice");
    this.closed = true;
  }

  now(): number {
    return this.time;
  }
}

/** A client at the other end of a served connection. */
export class Client {
  readonly wire: Wire;
  readonly connection: Connected;
  readonly errors: unknown[] = [];
  #seen = 0;

  constructor(
    handlers: Handlers = {},
    config: Partial<ServerConfig> = {},
    facts: Partial<ConnectionFacts> = {},
    wire: Wire = new Wire(),
  ) {
    this.wire = wire;
    this.connection = serve(
      new ServerSession({ name: "mx.example.com", ...config }, wire.now()),
      wire,
      { onError: (error) => this.errors.push(error), ...handlers },
      { id: 1, peer: { address: "192.0.2.1", port: 40_000 }, local: null, ...facts },
    );
  }

  /** Sends octets, and gives what was answered at once. */
  say(octets: string): string {
    this.connection.receive(Buffer.from(octets, "latin1"));
    return this.heard();
  }

  /** Sends octets, and gives what was answered when all promises have settled. */
  async tell(octets: string): Promise<string> {
    this.connection.receive(Buffer.from(octets, "latin1"));
    await settled();
    return this.heard();
  }

  /** What was answered since the last time. */
  heard(): string {
    const heard = this.wire.sent.slice(this.#seen);
    this.#seen = this.wire.sent.length;
    return heard;
  }

  /** Lets time pass, and wakes the connection when it has asked for that. */
  async wait(span: number): Promise<string> {
    const end = this.wire.time + span;
    for (let wakesAt = this.wire.wakesAt; wakesAt !== null && wakesAt <= end; wakesAt = this.wire.wakesAt) {
      this.wire.time = Math.max(this.wire.time, wakesAt);
      this.wire.wakesAt = null;
      this.connection.wake();
      await settled();
    }
    this.wire.time = end;
    return this.heard();
  }

  get reason(): Promise<string> {
    return this.connection.closed.then(({ reason }) => reason);
  }
}

/** Until every promise that can settle by itself has. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** The codes of the replies. */
export function codes(sent: string): string {
  return (sent.match(/^\d{3}(?=[ \r])/gm) ?? []).join(" ");
}

/** All content of a message, an octet a character. */
export async function text(body: AsyncIterable<Uint8Array>): Promise<string> {
  let whole = "";
  for await (const octets of body) whole += Buffer.from(octets).toString("latin1");
  return whole;
}

/** A promise to be settled from outside. */
export function later<T>(): {
  readonly promise: Promise<T>;
  resolve(value: T): void;
  reject(error: Error): void;
} {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve: (value) => resolve(value), reject: (error) => reject(error) };
}

export const ehlo = "EHLO client.example.net\r\n";
export const envelope = "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\n";
export const ready: string = `${ehlo}${envelope}DATA\r\n`;

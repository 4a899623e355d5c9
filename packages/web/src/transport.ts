import type { Millis, TlsInfo } from "@sansmtp/core";
import { Alarm, type Incoming, linger, lingerOctets, type Transport } from "@sansmtp/drive";
import type { Streams } from "./streams.ts";

/** A pair of web streams under the pump of either side. */
export class StreamTransport implements Transport {
  /** There only if the streams can do it. */
  readonly upgrade?: (received: Uint8Array) => Promise<Partial<TlsInfo>>;
  readonly #streams: Streams;
  /** The streams that are read and written, in the clear or inside TLS. */
  #link: Link;
  /** `securing`: a handshake is under way, and nothing is read or written. */
  #state: "open" | "securing" | "over" = "open";
  #connection: Incoming | null = null;
  /** What the reader was asked for; while reading is off it stays here, for a read cannot be taken back everywhere. */
  #next: Promise<Piece> | null = null;
  #reads = false;
  #pulls = false;
  #ended = false;
  /** Octets written that the stream has not taken. */
  #unsent = 0;
  #lastWrite: Promise<void> = Promise.resolve();
  readonly #alarm: Alarm = new Alarm(() => this.#connection?.wake());

  /** @throws {TypeError} when one of the streams is locked */
  constructor(streams: Streams) {
    const { upgrade } = streams;
    this.#streams = streams;
    this.#link = this.#lock(streams);
    if (upgrade !== undefined) this.upgrade = (received) => this.#upgrade(upgrade, received);
  }

  /** Tells the connection what happens from now on. */
  attach(connection: Incoming): void {
    this.#connection = connection;
  }

  write(octets: Uint8Array): void | Promise<void> {
    const link = this.#link;
    const { writer } = link;
    this.#unsent += octets.length;
    const taken = writer.write(octets).then(() => {
      this.#unsent -= octets.length;
    });
    taken.catch((error: unknown) => this.#lost(link, error));
    this.#lastWrite = taken;
    if (!((writer.desiredSize ?? 0) > 0)) return writer.ready as Promise<void>;
    // A socket of Workers that was made without a highWaterMark never says that it is full.
    if (this.#unsent > unsentLimit) return taken;
  }

  read(on: boolean): void {
    this.#reads = on;
    if (on) void this.#pull();
  }

  wake(at: Millis | null): void {
    this.#alarm.set(at);
  }

  /**
   * Ends this side, and lets go when the peer has ended its own: cancelling a stream that still has something to give
   * may reset the connection, which overtakes the last reply.
   */
  close(): void {
    const securing = this.#state === "securing";
    this.#state = "over";
    this.#alarm.set(null);
    if (securing) void this.#letGo(this.#link);
    else void this.#finish(this.#link);
  }

  now(): Millis {
    return this.#alarm.now();
  }

  /** Reads one piece after the other for as long as reading is on. */
  async #pull(): Promise<void> {
    if (this.#pulls) return;
    this.#pulls = true;
    const link = this.#link;
    try {
      while (this.#reads && !this.#ended && this.#state === "open") {
        this.#next ??= link.reader.read();
        const { done, value } = await this.#next;
        if (!this.#reads || this.#state !== "open") break;
        this.#next = null;
        if (done) {
          this.#ended = true;
          this.#connection?.receiveEnd();
        } else {
          this.#connection?.receive(octetsOf(value));
        }
      }
    } catch (error) {
      this.#lost(link, error);
    } finally {
      this.#pulls = false;
    }
  }

  async #upgrade(begin: NonNullable<Streams["upgrade"]>, received: Uint8Array): Promise<Partial<TlsInfo>> {
    const link = this.#link;
    // The last line in the clear was the last thing that was asked for: nothing may read into TLS.
    if (this.#next !== null) throw new Error("bug: TLS begins while something is read");
    this.#state = "securing";
    await this.#lastWrite.finally(() => {
      link.reader.releaseLock();
      link.writer.releaseLock();
    });
    const { tls = {}, ...secure } = await begin(received);
    const over = this.#state !== "securing";
    this.#link = this.#lock(secure);
    if (over) {
      void this.#letGo(this.#link);
      throw new Error("the connection was closed during the TLS handshake");
    }
    this.#state = "open";
    return tls;
  }

  #lock({ readable, writable }: Pick<Streams, "readable" | "writable">): Link {
    const link: Link = { readable, writable, reader: readable.getReader(), writer: writable.getWriter() };
    link.reader.closed.catch((error: unknown) => this.#lost(link, error));
    link.writer.closed.catch((error: unknown) => this.#lost(link, error));
    return link;
  }

  /** In a handshake it is the handshake that has failed. */
  #lost(link: Link, error: unknown): void {
    if (link === this.#link && this.#state === "open") this.#connection?.lost(error);
  }

  async #finish(link: Link): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, linger);
    });
    const ended = Promise.all([link.writer.close(), this.#discard(link, late)]);
    await Promise.race([ended, late]).catch(() => {});
    if (timer !== undefined) clearTimeout(timer);
    await this.#letGo(link);
  }

  /** Throws away what still comes; one that sends on and on is left alone with it. */
  async #discard({ reader }: Link, late: Promise<void>): Promise<void> {
    for (let octets = 0; octets <= lingerOctets; ) {
      this.#next ??= reader.read();
      const { done, value } = await this.#next;
      this.#next = null;
      if (done) return;
      octets += octetsOf(value).length;
    }
    await late;
  }

  /** Whoever holds the locks now; what is gone already cannot be let go of. */
  async #letGo({ readable, writable, reader, writer }: Link): Promise<void> {
    const reason = new Error("the session is over");
    await Promise.allSettled([
      writer.abort(reason),
      reader.cancel(reason),
      writable.abort(reason),
      readable.cancel(reason),
      (async () => this.#streams.close?.())(),
    ]);
  }
}

/** A WebSocketStream gives buffers. */
function octetsOf(piece: Uint8Array | ArrayBuffer): Uint8Array {
  if (piece instanceof Uint8Array) return piece;
  if (piece instanceof ArrayBuffer) return new Uint8Array(piece);
  throw new TypeError("readable: a piece that is not a Uint8Array");
}

interface Link extends Pick<Streams, "readable" | "writable"> {
  readonly reader: ReadableStreamDefaultReader<Uint8Array | ArrayBuffer>;
  readonly writer: WritableStreamDefaultWriter<Uint8Array>;
}

type Piece = Awaited<ReturnType<Link["reader"]["read"]>>;

/** Octets that may be on their way into the stream before the pump has to wait: as much as one piece of content. */
const unsentLimit = 65_536;

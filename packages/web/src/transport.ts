import type { TlsInfo } from "@sansmtp/core";
import { AskedTransport } from "@sansmtp/drive";
import type { Streams } from "./streams.ts";

/** A pair of web streams under the pump of either side. */
export class StreamTransport extends AskedTransport {
  readonly #streams: Streams;
  /** The streams that are read and written, in the clear or inside TLS. */
  #link: Link;
  /** Both locks are released, for TLS. */
  #released = false;

  /** @throws {TypeError} when one of the streams is locked */
  constructor(streams: Streams) {
    super(streams.upgrade !== undefined);
    this.#streams = streams;
    this.#link = this.#lock(streams);
  }

  protected override async next(): Promise<Uint8Array | null> {
    const { done, value } = await this.#link.reader.read();
    return done ? null : octetsOf(value);
  }

  protected override async take(octets: Uint8Array): Promise<number> {
    await this.#link.writer.write(octets);
    return octets.length;
  }

  protected override finish(): Promise<void> {
    return this.#link.writer.close();
  }

  protected override release(): void {
    void this.#letGo(this.#link);
  }

  protected override async secure(received: Uint8Array): Promise<Partial<TlsInfo>> {
    const { reader, writer } = this.#link;
    // The last line in the clear was the last thing that was asked for: nothing may read into TLS.
    if (this.asks) throw new Error("bug: TLS begins while something is read");
    this.#released = true;
    reader.releaseLock();
    writer.releaseLock();
    const { tls = {}, ...secure } = await this.#streams.upgrade!(received);
    this.#link = this.#lock(secure);
    this.#released = false;
    if (this.isGone) this.release();
    return tls;
  }

  #lock({ readable, writable }: Pick<Streams, "readable" | "writable">): Link {
    const link: Link = { readable, writable, reader: readable.getReader(), writer: writable.getWriter() };
    const lost = (error: unknown): void => {
      if (link === this.#link && !this.#released) this.lost(error);
    };
    link.reader.closed.catch(lost);
    link.writer.closed.catch(lost);
    return link;
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

import { AskedTransport } from "@sansmtp/drive";
import type { Conn } from "./sockets.ts";

/**
 * A connection of Deno under the pump, without TLS. What Deno has for that, `listenTls` and `startTls`, does not let go of
 * its socket before the peer has finished the handshake and taken all that was written, if ever: there `close` ends
 * nothing, and no timer could.
 */
export class ConnTransport extends AskedTransport {
  readonly #conn: Conn;
  /** Each connection has one, and most have little to say at a time. */
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(little);

  constructor(conn: Conn) {
    super(false);
    this.#conn = conn;
  }

  protected override async next(): Promise<Uint8Array | null> {
    const buffer = this.#buffer;
    const count = await this.#conn.read(buffer);
    if (count === null) return null;
    // What the session is given stays with it: a copy, and the buffer is for the next read, or the buffer itself.
    if (count < buffer.length / 2) {
      if (count < little / 2 && buffer.length > little) this.#buffer = new Uint8Array(little);
      return buffer.slice(0, count);
    }
    // More than there was room for: content, of which there will be more.
    this.#buffer = new Uint8Array(count === buffer.length ? much : buffer.length);
    return buffer.subarray(0, count);
  }

  /** Deno may take a part of it only. */
  protected override async take(octets: Uint8Array): Promise<number> {
    return this.#conn.write(octets);
  }

  protected override finish(): Promise<void> {
    return this.#conn.closeWrite();
  }

  /** A read or a write that waits is interrupted. */
  protected override release(): void {
    try {
      this.#conn.close();
    } catch {
      // BadResource: it is closed.
    }
  }
}

/** How much is read at a time, octets: of who sends commands, and of who sends content. */
const little = 16_384;
const much = 65_536;

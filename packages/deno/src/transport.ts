import { AskedTransport } from "@sansmtp/drive";
import type { Conn } from "./sockets.ts";

/**
 * A connection of Deno under the pump, without TLS. What Deno has for that, `listenTls` and `startTls`, does not let go of
 * its socket before the peer has finished the handshake and taken all that was written, if ever: there `close` ends
 * nothing, and no timer could.
 */
export class ConnTransport extends AskedTransport {
  readonly #conn: Conn;
  /** Each connection has one, of which nothing is needed before it sends more than commands. */
  #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(least);

  constructor(conn: Conn) {
    super(false);
    this.#conn = conn;
  }

  protected override async next(): Promise<Uint8Array | null> {
    const buffer = this.#buffer;
    const count = await this.#conn.read(buffer);
    if (count === null) return null;
    // More than there was room for: content, of which there will be more.
    if (count === buffer.length && count < most) this.#buffer = new Uint8Array(Math.min(4 * count, most));
    // A copy: what the session is given stays with it, and the buffer is for the next read. To give the buffer itself
    // away would spare the copy, and take twice the time for new ones.
    return buffer.slice(0, count);
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

/** How much is read at a time, octets: of who sends commands, and at most of who sends content. */
const least = 8_192;
const most = 65_536;

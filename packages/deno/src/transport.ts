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
  readonly #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(16_384);

  constructor(conn: Conn) {
    super(false);
    this.#conn = conn;
  }

  protected override async next(): Promise<Uint8Array | null> {
    const count = await this.#conn.read(this.#buffer);
    // A copy: what the session is given stays with it, and the buffer is for the next read.
    return count === null ? null : this.#buffer.slice(0, count);
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

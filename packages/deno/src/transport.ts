import type { Millis } from "@sansmtp/core";
import { Alarm, type Incoming, linger, lingerOctets, type Transport } from "@sansmtp/drive";
import type { Conn } from "./sockets.ts";

/**
 * A connection of Deno under the pump, without TLS. What Deno has for that, `listenTls` and `startTls`, does not let go of
 * its socket before the peer has finished the handshake and taken all that was written, if ever: there `close` ends
 * nothing, and no timer could.
 */
export class ConnTransport implements Transport {
  /** Resolves when it was let go of, whoever did it. */
  readonly gone: Promise<void>;
  readonly #conn: Conn;
  /** `leaving`: it was closed, and the last octets are on their way. */
  #state: "open" | "leaving" | "gone" = "open";
  #connection: Incoming | null = null;
  #reads = false;
  #reading = false;
  /** Each connection has one, and most have little to say at a time. */
  readonly #buffer: Uint8Array<ArrayBuffer> = new Uint8Array(16_384);
  /** What came when reading was off already, null for the end: a read cannot be taken back. */
  #early: Uint8Array | null | undefined;
  #ended = false;
  #discarded = 0;
  #finished: Promise<void> = Promise.resolve();
  readonly #unsent: Uint8Array[] = [];
  #unsentOctets = 0;
  #writing = false;
  #written: Promise<void> = Promise.resolve();
  /** Those who wait until less is unsent. */
  readonly #full: (() => void)[] = [];
  #left: () => void = () => {};
  readonly #alarm: Alarm = new Alarm(() => this.#connection?.wake());

  constructor(conn: Conn) {
    this.#conn = conn;
    this.gone = new Promise((resolve) => {
      this.#left = resolve;
    });
  }

  /** Tells the connection what happens from now on. */
  attach(connection: Incoming): void {
    this.#connection = connection;
  }

  write(octets: Uint8Array): void | Promise<void> {
    if (this.#state !== "open") return;
    this.#unsent.push(octets);
    this.#unsentOctets += octets.length;
    if (!this.#writing) this.#written = this.#write();
    if (this.#unsentOctets > unsentLimit) return new Promise((resolve) => this.#full.push(resolve));
  }

  read(on: boolean): void {
    this.#reads = on;
    if (!this.#reading) this.#finished = this.#read();
  }

  wake(at: Millis | null): void {
    this.#alarm.set(at);
  }

  /**
   * Closing with input unread makes the kernel send a reset, which overtakes the last reply. So the sending side is
   * ended, what still comes is thrown away for a while, and only then is the connection let go of.
   */
  close(): void {
    if (this.#state !== "open") return;
    this.wake(null);
    this.#state = "leaving";
    if (!this.#reading) this.#finished = this.#read();
    void this.#leave();
  }

  now(): Millis {
    return this.#alarm.now();
  }

  /** Lets go of it at once: a read or a write that waits is interrupted. */
  destroy(): void {
    if (this.#state === "gone") return;
    this.#state = "gone";
    this.wake(null);
    try {
      this.#conn.close();
    } catch {
      // BadResource: it is closed.
    }
    for (const resolve of this.#full.splice(0)) resolve();
    this.#left();
  }

  async #leave(): Promise<void> {
    const timer = setTimeout(() => this.destroy(), linger);
    this.gone.then(() => clearTimeout(timer));
    try {
      await this.#written;
      await this.#conn.closeWrite();
      await this.#finished;
    } catch {
      // The peer has gone, or does not take what there is: there is nothing more to wait for.
      this.destroy();
    }
    // Who sends on and on is left alone with it until the time is up.
    if (this.#ended) this.destroy();
  }

  get #wanted(): boolean {
    if (this.#ended) return false;
    if (this.#state === "leaving") return this.#discarded <= lingerOctets;
    return this.#state === "open" && this.#reads;
  }

  /** One read after the other, for as long as they are wanted. */
  async #read(): Promise<void> {
    this.#reading = true;
    try {
      while (this.#wanted) {
        const piece = this.#early === undefined ? await this.#next() : this.#early;
        this.#early = undefined;
        if (this.#wanted) this.#take(piece);
        else this.#early = piece;
      }
    } catch (error) {
      this.#lost(error);
    } finally {
      this.#reading = false;
    }
  }

  async #next(): Promise<Uint8Array | null> {
    const count = await this.#conn.read(this.#buffer);
    // A copy: what the session is given stays with it, and the buffer is for the next read.
    return count === null ? null : this.#buffer.slice(0, count);
  }

  #take(piece: Uint8Array | null): void {
    if (piece === null) this.#ended = true;
    if (this.#state !== "open") this.#discarded += piece?.length ?? 0;
    else if (piece === null) this.#connection?.receiveEnd();
    else this.#connection?.receive(piece);
  }

  /** Writes what waits: Deno may take a part of it only. */
  async #write(): Promise<void> {
    this.#writing = true;
    try {
      for (let octets = this.#unsent[0]; octets !== undefined; octets = this.#unsent[0]) {
        for (let sent = 0; sent < octets.length; ) sent += await this.#conn.write(octets.subarray(sent));
        this.#unsent.shift();
        this.#unsentOctets -= octets.length;
        if (this.#unsentOctets <= unsentLimit) for (const resolve of this.#full.splice(0)) resolve();
      }
    } catch (error) {
      this.#lost(error);
    } finally {
      this.#writing = false;
    }
  }

  /** The system has failed. */
  #lost(error: unknown): void {
    if (this.#state === "gone") return;
    this.destroy();
    // Not while the pump calls: it may have failed at once.
    queueMicrotask(() => this.#connection?.lost(error));
  }
}

/** What may wait to be written before the pump has to, octets: as much as one piece of content. */
const unsentLimit = 65_536;

import type { Socket } from "node:net";
import type { Millis, TlsInfo } from "@sansmtp/core";
import { Alarm, type Incoming, linger, lingerOctets, type Transport } from "@sansmtp/drive";
import { type Settled, tlsInfo } from "./handshakes.ts";

/** Begins handshakes, as server or as client; what was read before can be put back with `raw.unshift`. */
export interface Handshaker {
  readonly side: "server" | "client";
  begin(raw: Socket, settled: Settled): void;
}

/** What the sockets of Node do otherwise in a runtime that has them besides its own. */
export interface Quirks {
  /** Opens and closes what is below TLS, where a paused TLS socket goes on reading. */
  readonly gate?: (raw: Socket, open: boolean) => void;
  /** False: what ties AUTH to the connection cannot be had, or is not what the other side has. Default true. */
  readonly bindings?: boolean;
}

/** A socket of Node under the pump: TCP or Unix, and TLS on top of it when it was started. */
export class SocketTransport implements Transport {
  readonly gone: Promise<void>;
  readonly #raw: Socket;
  readonly #handshakes: Handshaker | null;
  readonly #quirks: Quirks;
  /** The socket that is read and written: the raw one, or TLS. Null: a handshake is under way. */
  #socket: Socket | null;
  #connection: Incoming | null = null;
  #error: Error | null = null;
  readonly #alarm: Alarm = new Alarm(() => this.#connection?.wake());
  readonly #data = (octets: Uint8Array): void => this.#connection?.receive(octets);
  readonly #end = (): void => this.#connection?.receiveEnd();

  constructor(raw: Socket, handshakes: Handshaker | null, quirks: Quirks = {}) {
    this.#raw = raw;
    this.#handshakes = handshakes;
    this.#quirks = quirks;
    this.#socket = raw;
    raw.on("error", this.#failed);
    this.gone = new Promise((resolve) => raw.once("close", () => resolve()));
    raw.once("close", () => {
      this.wake(null);
      // In a handshake it is the handshake that has failed.
      if (this.#socket !== null) this.#connection?.lost(this.#error);
    });
    this.#listen(raw);
  }

  /** Tells the connection what happens from now on. */
  attach(connection: Incoming): void {
    this.#connection = connection;
  }

  write(octets: Uint8Array): void | Promise<void> {
    const socket = this.#socket;
    if (socket === null || socket.destroyed || socket.write(octets)) return;
    return new Promise((resolve) => {
      const done = (): void => {
        socket.off("drain", done).off("close", done);
        resolve();
      };
      socket.on("drain", done).on("close", done);
    });
  }

  async upgrade(received: Uint8Array): Promise<Partial<TlsInfo>> {
    const raw = this.#raw;
    const handshakes = this.#handshakes;
    if (handshakes === null) throw new Error("no tlsOptions were given");
    this.#socket = null;
    // What comes in the clear before the handshake begins is left to TLS, which refuses it.
    raw.pause();
    raw.off("data", this.#data).off("end", this.#end);
    if (raw.writableLength > 0) await new Promise((resolve) => raw.write("", resolve));
    if (raw.destroyed) throw this.#error ?? new Error("the connection ended before the TLS handshake");
    if (received.length > 0) raw.unshift(received);
    return new Promise((resolve, reject) => {
      handshakes.begin(raw, (error, secure) => {
        if (secure === null) {
          raw.destroy();
          return reject(error);
        }
        secure.on("error", this.#failed);
        secure.once("close", () => raw.destroy());
        secure.allowHalfOpen = true;
        this.#socket = secure;
        this.#listen(secure);
        const { bindings = true } = this.#quirks;
        const info = tlsInfo(secure, handshakes.side);
        resolve(bindings ? info : { ...info, bindings: {} });
      });
    });
  }

  read(on: boolean): void {
    const socket = this.#socket;
    if (on) socket?.resume();
    else socket?.pause();
    if (socket !== null && socket !== this.#raw) this.#quirks.gate?.(this.#raw, on);
  }

  wake(at: Millis | null): void {
    this.#alarm.set(at);
  }

  /**
   * Closing with input unread makes the kernel send a reset, which overtakes the last reply. So the sending side is
   * ended, what still comes is thrown away for a while, and only then is the socket let go of.
   */
  close(): void {
    const raw = this.#raw;
    const socket = this.#socket;
    this.wake(null);
    if (socket === null || socket.destroyed) {
      raw.destroy();
      return;
    }
    const timer = setTimeout(() => raw.destroy(), linger);
    raw.once("close", () => clearTimeout(timer));
    let discarded = 0;
    socket.off("data", this.#data).off("end", this.#end);
    socket.on("data", (octets: Uint8Array) => {
      discarded += octets.length;
      if (discarded > lingerOctets) this.read(false);
    });
    socket.end();
    this.read(true);
  }

  destroy(): void {
    this.#raw.destroy();
  }

  now(): Millis {
    return this.#alarm.now();
  }

  /** Paused before it is listened to, so that nothing is read before the session wants it. */
  #listen(socket: Socket): void {
    socket.pause();
    socket.on("data", this.#data).on("end", this.#end);
  }

  readonly #failed = (error: Error): void => {
    this.#error ??= error;
  };
}

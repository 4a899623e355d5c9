import type { Millis, TlsInfo } from "@sansmtp/core";
import { Alarm, type Incoming, linger, lingerOctets, type Transport } from "@sansmtp/drive";
import type { Handshakes } from "./handshakes.ts";
import type { BunSocket, Events } from "./sockets.ts";

/** A socket of Bun, under the pump. */
export class SocketTransport implements Transport {
  /** Resolves when it was let go of, whoever did it. */
  readonly gone: Promise<void>;
  /** The socket that is read and written: the one that was opened, or TLS on it. What another tells is not heard. */
  #socket: BunSocket<SocketTransport>;
  readonly #handshakes: Handshakes | null;
  /** `securing`: a handshake is under way; `leaving`: it was closed, and the last octets are on their way. */
  #state: "open" | "securing" | "leaving" | "gone" = "open";
  #connection: Incoming | null = null;
  #reads = false;
  /** What came when reading was off already: a pause begins behind what Bun has read. */
  readonly #early: Uint8Array[] = [];
  /** The peer has ended its side; `told`: and the connection knows. */
  #end: "none" | "seen" | "told" = "none";
  #discarded = 0;
  /** What Bun did not take. It would not keep it. */
  readonly #unsent: Uint8Array[] = [];
  /** Those who wait until nothing is unsent, or for the end. */
  readonly #emptied: (() => void)[] = [];
  #settle: ((error: Error | null) => void) | null = null;
  #left: () => void = () => {};
  readonly #alarm: Alarm = new Alarm(() => this.#connection?.wake());

  /** @param handshakes null: there is no TLS on it */
  constructor(socket: BunSocket<SocketTransport>, handshakes: Handshakes | null) {
    this.#socket = socket;
    this.#handshakes = handshakes;
    this.gone = new Promise((resolve) => {
      this.#left = resolve;
    });
    socket.data = this;
    socket.setNoDelay(true);
    socket.pause();
  }

  /** Tells the connection what happens from now on. */
  attach(connection: Incoming): void {
    this.#connection = connection;
    // It may have ended before.
    if (this.#state === "gone") queueMicrotask(() => connection.lost());
  }

  write(octets: Uint8Array): void | Promise<void> {
    if (this.#state !== "open") return;
    this.#unsent.push(octets);
    if (this.#unsent.length === 1) this.#flush();
    if (this.#unsent.length > 0) return this.#empty();
  }

  async upgrade(received: Uint8Array): Promise<Partial<TlsInfo>> {
    const handshakes = this.#handshakes;
    if (handshakes === null) throw new Error("no TLS on this connection");
    this.#state = "securing";
    try {
      if (this.#unsent.length > 0) await this.#empty();
      if (this.#closed) throw new Error("the connection ended before the TLS handshake");
      // Bun cannot be given octets that were read already, and what came early came in the clear.
      if (received.length + this.#early.length > 0)
        throw new Error("something was read in front of the TLS handshake");
      if (this.#end !== "none") throw ended();
      await this.#secure(handshakes);
      if (this.#closed) throw new Error("the connection was closed during the TLS handshake");
      const info = handshakes.check(this.#socket);
      this.#state = "open";
      this.read(this.#reads);
      return info;
    } catch (error) {
      this.destroy();
      throw error;
    }
  }

  read(on: boolean): void {
    this.#reads = on;
    // Not while the pump calls.
    if (on && (this.#early.length > 0 || this.#end === "seen")) queueMicrotask(() => this.#tell());
    if (this.#state === "open") this.#flow(on);
  }

  wake(at: Millis | null): void {
    this.#alarm.set(at);
  }

  /**
   * Closing with input unread makes the kernel send a reset, which overtakes the last reply. So the sending side is
   * ended, what still comes is thrown away for a while, and only then is the socket let go of.
   */
  close(): void {
    if (this.#state === "securing") this.destroy();
    if (this.#state !== "open") return;
    this.wake(null);
    this.#state = "leaving";
    this.#early.length = 0;
    const timer = setTimeout(() => this.#release(), linger);
    this.gone.then(() => clearTimeout(timer));
    this.#flow(true);
    if (this.#unsent.length === 0) this.#leave();
    else this.#empty().then(() => this.#leave());
  }

  now(): Millis {
    return this.#alarm.now();
  }

  /** Lets go of it at once. */
  destroy(): void {
    if (this.#state === "gone") return;
    this.#gone();
    this.#socket.terminate();
  }

  /** What happens on sockets; `data` of a socket is its transport. */
  static readonly events: Events<SocketTransport> = {
    data: (socket, octets) => {
      if (socket.data.#socket === socket) socket.data.#take(octets);
    },
    end: (socket) => {
      if (socket.data.#socket === socket) socket.data.#ended();
    },
    close: (socket, error) => {
      if (socket.data.#socket === socket) socket.data.#lost(error);
    },
    error: (socket, error) => {
      if (socket.data.#socket === socket) socket.data.#lost(error);
    },
    drain: (socket) => {
      if (socket.data.#socket === socket) socket.data.#flush();
    },
    handshake: (socket, ok, error) => {
      const { data } = socket;
      if (socket !== data.#socket) return;
      if (ok || isOfCertificate(error)) data.#settle?.(null);
      else data.#settle?.(error ?? new Error("the TLS handshake has failed"));
    },
  };

  get #closed(): boolean {
    return this.#state === "gone";
  }

  /** Resolves when the handshake is done: only then is anything sent or believed. */
  #secure(handshakes: Handshakes): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#settle = (error) => {
        this.#settle = null;
        if (error === null) resolve();
        else reject(handshakes.inTheClear(error) ?? error);
      };
      const { side, tls } = handshakes;
      const socket = SocketTransport.events;
      const [, secure] = this.#socket.upgradeTLS({ isServer: side === "server", tls, data: this, socket });
      this.#socket = secure;
      secure.resume();
    });
  }

  #flow(on: boolean): void {
    if (on) this.#socket.resume();
    else this.#socket.pause();
  }

  #take(octets: Uint8Array): void {
    if (this.#state === "leaving") {
      this.#discarded += octets.length;
      if (this.#discarded > lingerOctets) this.#flow(false);
    } else if (this.#reads && this.#early.length === 0 && this.#state === "open") {
      this.#connection?.receive(octets);
    } else if (this.#state !== "gone") this.#early.push(octets);
  }

  #ended(): void {
    if (this.#end === "none") this.#end = "seen";
    if (this.#state === "leaving" && this.#unsent.length === 0) this.#release();
    else if (this.#state === "securing") this.#settle?.(ended());
    else this.#tell();
  }

  /** Tells what came early, for as long as it is wanted. */
  #tell(): void {
    const wanted = (): boolean => this.#reads && this.#state === "open";
    while (wanted() && this.#early.length > 0) this.#connection?.receive(this.#early.shift()!);
    if (!wanted() || this.#end !== "seen") return;
    this.#end = "told";
    this.#connection?.receiveEnd();
  }

  /** As much as Bun takes; it says when it takes more. */
  #flush(): void {
    for (let octets = this.#unsent[0]; octets !== undefined; octets = this.#unsent[0]) {
      const taken = this.#socket.write(octets);
      if (taken < octets.length) {
        if (taken > 0) this.#unsent[0] = octets.subarray(taken);
        return;
      }
      this.#unsent.shift();
    }
    for (const resolve of this.#emptied.splice(0)) resolve();
  }

  #empty(): Promise<void> {
    return new Promise((resolve) => this.#emptied.push(resolve));
  }

  /** All has left. Both sides have ended when the peer has; else it is waited for. */
  #leave(): void {
    if (this.#state !== "leaving") return;
    this.#socket.shutdown();
    if (this.#end !== "none") this.#release();
  }

  /** Lets go of it, and leaves to the system what it has taken; `terminate` would throw that away. */
  #release(): void {
    if (this.#state === "gone") return;
    this.#gone();
    this.#socket.close();
  }

  /** The system has let go of it; in a handshake it is the handshake that has failed. */
  #lost(error: Error | undefined): void {
    if (this.#state === "gone") return;
    const securing = this.#state === "securing";
    this.#gone(error);
    if (!securing) this.#connection?.lost(error);
  }

  #gone(error: Error | undefined = undefined): void {
    this.#state = "gone";
    this.wake(null);
    this.#settle?.(error ?? ended());
    for (const resolve of this.#emptied.splice(0)) resolve();
    this.#left();
  }
}

/** TLS itself fails with a code of the system, `EPROTO` for example; certificates are judged by who began. */
function isOfCertificate(error: (Error & { readonly code?: string }) | null): boolean {
  return error?.code !== undefined && !/^E[A-Z]+$/.test(error.code);
}

function ended(): Error {
  return new Error("the connection ended during the TLS handshake");
}

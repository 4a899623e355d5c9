import type { Millis, TlsInfo } from "@sansmtp/core";
import { Alarm } from "./alarm.ts";
import type { Incoming } from "./connection.ts";
import type { Transport } from "./transport.ts";

/**
 * What all sockets have in common under the pump, whatever runtime they are of. An adapter says how its runtime reads,
 * writes, ends and lets go, and tells with `received`, `ended` and `lost` what happens; here is what follows from it.
 *
 * A transport is `open`, perhaps `securing` while a handshake is under way, and then open again. Closed by the session it
 * is `leaving`: what was written leaves, this side is ended, and what still comes is thrown away, for closing with input
 * unread makes the kernel send a reset, which overtakes the last reply. When both sides have ended, or the peer has had
 * its time, the socket is let go of, and the transport is `gone`; so it is as soon as the system has lost the socket.
 *
 * What a runtime has not taken waits here, and so does what it tells although reading is off: few of them can take back
 * a read.
 */
export abstract class SocketTransport implements Transport {
  /** There only if the socket can do it. */
  readonly upgrade?: (received: Uint8Array) => Promise<Partial<TlsInfo>>;
  #state: "open" | "securing" | "leaving" | "gone" = "open";
  /** Who is told what happens; nobody before the connection is attached, and once it was told that all is lost. */
  #connection: Incoming | null = null;
  #error: unknown;
  #reads = false;
  /** What came while reading was off. */
  #early: Uint8Array[] | null = null;
  /** The peer has ended its side; `told`: and the connection knows. */
  #end: "none" | "seen" | "told" = "none";
  /** This side has ended, and all that was written has left. */
  #endedHere = false;
  #discarded = 0;
  /** What the runtime has not taken yet. */
  #unsent: Uint8Array[] | null = null;
  #unsentOctets = 0;
  /** Resolves when nothing is unsent. */
  #sent: Promise<void> = nothing;
  /** Those who wait until less is unsent, or for the end. */
  #full: (() => void)[] | null = null;
  /** Ends the handshake that is under way. */
  #fail: ((error: unknown) => void) | null = null;
  readonly #alarm: Alarm = new Alarm(() => this.#rings());

  /** @param secures there can be TLS on it: `secure` works */
  constructor(secures: boolean) {
    if (secures) this.upgrade = (received) => this.#upgrade(received);
  }

  /** Reads, or leaves unread octets where they are. What was read already may still be told. */
  protected abstract flow(on: boolean): void;

  /**
   * Takes octets, perhaps not all of them: how many, at once if possible. It is given the rest then, and nothing while it
   * has not said. Rejected: the socket is lost.
   */
  protected abstract take(octets: Uint8Array): number | Promise<number>;

  /** Ends this side behind what was taken. Rejected: there is nothing more to wait for. */
  protected abstract finish(): unknown;

  /** Lets go of the socket, which may be gone. `abruptly`: what was taken and has not left need not leave. */
  protected abstract release(abruptly: boolean): void;

  /**
   * Starts TLS; all that was written was taken. From now on, what is told is what is inside. When it fails, or the
   * connection ends meanwhile, the socket is let go of.
   *
   * @param received octets that were read already and belong to TLS
   */
  protected secure(received: Uint8Array): Promise<Partial<TlsInfo>> {
    throw new Error(`bug: no TLS on this socket, with ${received.length} octets of it`);
  }

  /** Octets were read. They are kept, not copied. */
  protected received(octets: Uint8Array): void {
    if (this.#state === "leaving") {
      this.#discarded += octets.length;
      // Who sends on and on is left alone with it until the time is up.
      if (this.#discarded > lingerOctets) this.flow(false);
    } else if (this.#reads && this.#early === null && this.#state === "open") {
      this.#connection?.receive(octets);
    } else if (this.#state !== "gone") {
      this.#early ??= [];
      this.#early.push(octets);
    }
  }

  /** The peer has ended its side. */
  protected ended(): void {
    if (this.#end === "none") this.#end = "seen";
    if (this.#state === "securing") this.#fail?.(broken());
    else if (this.#state === "leaving") this.#part();
    else this.#tell();
  }

  /** The system has lost the socket; in a handshake it is the handshake that has failed, and behind the end it is no news. */
  protected lost(error?: unknown): void {
    if (this.#state === "gone") return;
    this.#over(true, this.#state === "leaving" ? undefined : error);
  }

  /** The socket was let go of, or was lost. */
  protected get isGone(): boolean {
    return this.#state === "gone";
  }

  /** Tells the connection what happens from now on. */
  attach(connection: Incoming): void {
    this.#connection = connection;
    // It may have ended before.
    if (this.#state === "gone") queueMicrotask(() => this.#bury());
  }

  write(octets: Uint8Array): void | Promise<void> {
    if (this.#state !== "open") return;
    if (this.#unsent === null) {
      const taken = this.take(octets);
      if (taken === octets.length) return;
      this.#sent = this.#send(taken, this.#add(octets));
    } else this.#add(octets);
    if (this.#unsentOctets <= unsentLimit) return;
    this.#full ??= [];
    const full = this.#full;
    return new Promise((resolve) => full.push(resolve));
  }

  read(on: boolean): void {
    this.#reads = on;
    if (this.#state !== "open") return;
    // Not while the pump calls.
    if (on && (this.#early !== null || this.#end === "seen")) queueMicrotask(() => this.#tell());
    this.flow(on);
  }

  wake(at: Millis | null): void {
    this.#alarm.set(at);
  }

  now(): Millis {
    return this.#alarm.now();
  }

  close(): void {
    if (this.#state === "securing") this.destroy();
    // A handshake that has failed was told as such.
    if (this.#state === "gone") queueMicrotask(() => this.#bury());
    if (this.#state !== "open") return;
    this.#state = "leaving";
    this.#alarm.set(this.now() + linger);
    this.#early = null;
    this.flow(true);
    void this.#leave();
  }

  /** Lets go of the socket at once. */
  destroy(): void {
    if (this.#state !== "gone") this.#over(true);
  }

  async #upgrade(received: Uint8Array): Promise<Partial<TlsInfo>> {
    this.#state = "securing";
    const failed = new Promise<never>((_, reject) => {
      this.#fail = reject;
    });
    try {
      this.flow(false);
      await Promise.race([this.#sent, failed]);
      if (this.#end !== "none") throw broken();
      // It came in the clear, and behind what was the last to be said so.
      if (this.#early !== null) throw new Error("something was read in front of the TLS handshake");
      const info = await Promise.race([this.secure(received), failed]);
      this.#state = "open";
      this.read(this.#reads);
      return info;
    } catch (error) {
      this.destroy();
      throw error;
    } finally {
      this.#fail = null;
    }
  }

  #add(octets: Uint8Array): Uint8Array[] {
    this.#unsent ??= [];
    this.#unsent.push(octets);
    this.#unsentOctets += octets.length;
    return this.#unsent;
  }

  /** Sends what is unsent. Of the first piece something is being taken already. */
  async #send(first: number | Promise<number>, unsent: Uint8Array[]): Promise<void> {
    try {
      this.#took(await first, unsent);
      while (unsent.length > 0) this.#took(await this.take(unsent[0]), unsent);
      this.#unsent = null;
    } catch (error) {
      this.lost(error);
    }
  }

  #took(count: number, unsent: Uint8Array[]): void {
    const [octets] = unsent;
    if (count < octets.length) unsent[0] = octets.subarray(count);
    else unsent.shift();
    this.#unsentOctets -= count;
    if (this.#unsentOctets <= unsentLimit) this.#relieve();
  }

  /** Those who wait until less is unsent wait no more. */
  #relieve(): void {
    const full = this.#full ?? [];
    this.#full = null;
    for (const resolve of full) resolve();
  }

  /** Tells what came early, for as long as it is wanted. */
  #tell(): void {
    const wanted = (): boolean => this.#reads && this.#state === "open";
    for (let early = this.#early; early !== null && wanted(); early = this.#early) {
      const octets = early.shift() as Uint8Array;
      if (early.length === 0) this.#early = null;
      this.#connection?.receive(octets);
    }
    if (!wanted() || this.#end !== "seen") return;
    this.#end = "told";
    this.#connection?.receiveEnd();
  }

  async #leave(): Promise<void> {
    try {
      if (this.#unsent !== null) await this.#sent;
      if (this.#state === "gone") return;
      await this.finish();
      this.#endedHere = true;
      this.#part();
    } catch {
      // The peer has gone, or does not take what there is: there is nothing more to wait for.
      this.destroy();
    }
  }

  /** Both sides have ended, if they have. */
  #part(): void {
    if (this.#endedHere && this.#end !== "none" && this.#state !== "gone") this.#over(false);
  }

  #rings(): void {
    // What the peer has not taken by now holds nothing open, whether a runtime has it or this does.
    if (this.#state === "leaving") this.#over(!this.#endedHere);
    else this.#connection?.wake();
  }

  #over(abruptly: boolean, error?: unknown): void {
    const secures = this.#state === "securing";
    this.#state = "gone";
    this.#error = error;
    this.#alarm.stop();
    this.#fail?.(error ?? broken());
    this.#relieve();
    this.release(abruptly);
    // The connection has yet to learn that the handshake has failed.
    if (!secures) this.#bury();
  }

  /** Tells the connection that nothing more comes of it, once. */
  #bury(): void {
    const connection = this.#connection;
    this.#connection = null;
    connection?.lost(this.#error);
  }
}

/** A socket that has to be asked for octets, and cannot take the question back. */
export abstract class AskedTransport extends SocketTransport {
  #flows = false;
  #asks = false;
  #over = false;

  /** The next octets, null for the end; it is asked for them when they were given before. Rejected: the socket is lost. */
  protected abstract next(): Promise<Uint8Array | null>;

  /** It was asked for octets, and has not given any. */
  protected get asks(): boolean {
    return this.#asks;
  }

  protected override flow(on: boolean): void {
    this.#flows = on;
    if (on && !this.#asks) void this.#ask();
  }

  async #ask(): Promise<void> {
    this.#asks = true;
    try {
      while (this.#flows && !this.#over && !this.isGone) {
        const octets = await this.next();
        if (octets !== null) this.received(octets);
        else {
          this.#over = true;
          this.ended();
        }
      }
    } catch (error) {
      this.lost(error);
    } finally {
      this.#asks = false;
    }
  }
}

function broken(): Error {
  return new Error("the connection ended during the TLS handshake");
}

const nothing = Promise.resolve();

/** How long a peer that was sent the last reply may take to end its side, milliseconds: some round trips. */
const linger = 2_000;

/** How much it may send meanwhile, octets; then it is left alone with what it sends. */
const lingerOctets = 1_048_576;

/** What may wait to be taken before the pump has to, octets: as much as one piece of content. */
const unsentLimit = 65_536;

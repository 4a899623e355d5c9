import type { TlsInfo } from "@sansmtp/core";
import { SocketTransport } from "@sansmtp/drive";
import type { Handshakes } from "./handshakes.ts";
import type { BunSocket, Events } from "./sockets.ts";

/** A socket of Bun, under the pump. */
export class BunTransport extends SocketTransport {
  /** The socket that is read and written: the one that was opened, or TLS on it. What another tells is not heard. */
  #socket: BunSocket<BunTransport>;
  readonly #handshakes: Handshakes | null;
  /** The handshake is done, or has failed. */
  protected settled: (error: Error | null) => void = () => {};
  /** There is room again. */
  protected drained: () => void = () => {};

  /** @param handshakes null: there is no TLS on it */
  constructor(socket: BunSocket<BunTransport>, handshakes: Handshakes | null) {
    super(handshakes !== null);
    this.#socket = socket;
    this.#handshakes = handshakes;
    socket.data = this;
    socket.setNoDelay(true);
    socket.pause();
  }

  /** What happens on sockets; `data` of a socket is its transport. */
  static readonly events: Events<BunTransport> = {
    data: (socket, octets) => BunTransport.#of(socket)?.received(octets),
    end: (socket) => BunTransport.#of(socket)?.ended(),
    close: (socket, error) => BunTransport.#of(socket)?.lost(error),
    error: (socket, error) => BunTransport.#of(socket)?.lost(error),
    drain: (socket) => BunTransport.#of(socket)?.drained(),
    handshake: (socket, ok, error) => {
      const failed =
        ok || isOfCertificate(error) ? null : (error ?? new Error("the TLS handshake has failed"));
      BunTransport.#of(socket)?.settled(failed);
    },
  };

  static #of(socket: BunSocket<BunTransport>): BunTransport | null {
    return socket.data.#socket === socket ? socket.data : null;
  }

  protected override flow(on: boolean): void {
    if (on) this.#socket.resume();
    else this.#socket.pause();
  }

  /** Bun may take a part of it only, and would not keep the rest. */
  protected override take(octets: Uint8Array): number | Promise<number> {
    const taken = this.#socket.write(octets);
    if (taken === octets.length) return taken;
    return new Promise((resolve) => {
      this.drained = () => resolve(Math.max(taken, 0));
    });
  }

  protected override finish(): void {
    this.#socket.shutdown();
  }

  /** What was taken is left to the system, or thrown away. */
  protected override release(abruptly: boolean): void {
    if (abruptly) this.#socket.terminate();
    else this.#socket.close();
  }

  /** Nothing is sent or believed before the handshake is done. */
  protected override async secure(received: Uint8Array): Promise<Partial<TlsInfo>> {
    const handshakes = this.#handshakes as Handshakes;
    if (received.length > 0) throw new Error("Bun cannot be given octets of TLS that were read already");
    const handshake = new Promise<void>((resolve, reject) => {
      this.settled = (error) => (error === null ? resolve() : reject(error));
    });
    const given = { isServer: true, tls: handshakes.tls, data: this, socket: BunTransport.events } as const;
    const [, secure] = this.#socket.upgradeTLS(given);
    this.#socket = secure;
    secure.resume();
    await handshake;
    return handshakes.check(secure);
  }
}

/** TLS itself fails with a code of the system, `EPROTO` for example; certificates are judged by who began. */
function isOfCertificate(error: (Error & { readonly code?: string }) | null): boolean {
  return error?.code !== undefined && !/^E[A-Z]+$/.test(error.code);
}

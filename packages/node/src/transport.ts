import { Buffer } from "node:buffer";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { TlsInfo } from "@sansmtp/core";
import { type Agreed, SocketTransport, tlsInfo } from "@sansmtp/drive";

/** Does handshakes, as server or as client; what was read before can be put back with `raw.unshift`. */
export interface Handshaker {
  readonly side: "server" | "client";
  begin(raw: Socket): Promise<TLSSocket>;
}

/** What the sockets of Node do otherwise in a runtime that has them besides its own. */
export interface Quirks {
  /** Opens and closes what is below TLS, where a paused TLS socket goes on reading. */
  readonly gate?: (raw: Socket, open: boolean) => void;
  /** False: what ties AUTH to the connection cannot be had, or is not what the other side has. Default true. */
  readonly bindings?: boolean;
}

/** A socket of Node under the pump: TCP or Unix, and TLS on top of it when it was started. */
export class NodeTransport extends SocketTransport {
  readonly #raw: Socket;
  readonly #handshakes: Handshaker | null;
  readonly #quirks: Quirks;
  /** The socket that is read and written: the raw one, or TLS. */
  #socket: Socket;
  #error: Error | undefined;

  constructor(raw: Socket, handshakes: Handshaker | null, quirks: Quirks = {}) {
    super(handshakes !== null);
    this.#raw = raw;
    this.#handshakes = handshakes;
    this.#quirks = quirks;
    this.#socket = raw;
    raw.on("close", NodeTransport.#events.close);
    this.#listen(raw);
  }

  /** What happens on sockets, which know their transport: closures of each would be most of what an idle one holds. */
  static readonly #events = {
    data(this: Held, octets: Uint8Array): void {
      this[transport].received(octets);
    },
    end(this: Held): void {
      this[transport].ended();
    },
    error(this: Held, error: Error): void {
      this[transport].#error ??= error;
    },
    close(this: Held): void {
      const { [transport]: held } = this;
      held.lost(held.#error);
    },
  };

  protected override flow(on: boolean): void {
    if (on) this.#socket.resume();
    else this.#socket.pause();
    if (this.#socket !== this.#raw) this.#quirks.gate?.(this.#raw, on);
  }

  /** Node takes everything, and says when it was too much. */
  protected override take(octets: Uint8Array): number | Promise<number> {
    const socket = this.#socket;
    leaveTogether(socket);
    // V8 keeps small arrays among its objects. To have the memory of its own that Node writes from, one would be moved
    // there, which takes longer than a place in the pool that all small Buffers share.
    if (socket.write(octets.length > small ? octets : Buffer.from(octets))) return octets.length;
    socket.uncork();
    return new Promise((resolve) => socket.once("drain", () => resolve(octets.length)));
  }

  protected override finish(): Promise<void> {
    return new Promise((resolve) => this.#socket.end(resolve));
  }

  protected override release(): void {
    this.#raw.destroy();
  }

  protected override async secure(received: Uint8Array): Promise<Partial<TlsInfo>> {
    const raw = this.#raw;
    const handshakes = this.#handshakes as Handshaker;
    // What comes in the clear before the handshake begins is left to TLS, which refuses it.
    raw.off("data", NodeTransport.#events.data).off("end", NodeTransport.#events.end);
    if (raw.writableLength > 0) await new Promise((resolve) => raw.write("", resolve));
    if (raw.destroyed) throw new Error("the connection ended before the TLS handshake");
    if (received.length > 0) raw.unshift(received);
    // In TLS a half-open socket whose peer has gone is never let go of before the handshake is done.
    raw.allowHalfOpen = false;
    const secure = await handshakes.begin(raw);
    secure.once("close", () => raw.destroy());
    secure.allowHalfOpen = true;
    this.#socket = secure;
    this.#listen(secure);
    const { bindings = true } = this.#quirks;
    const info = tlsInfo(secure, handshakes.side, agreed(secure));
    return bindings ? info : { ...info, bindings: {} };
  }

  /** Paused before it is listened to, so that nothing is read before the session wants it. */
  #listen(socket: Socket): void {
    const { data, end, error } = NodeTransport.#events;
    (socket as Held)[transport] = this;
    socket.pause();
    socket.on("data", data).on("end", end).on("error", error);
  }
}

/** The most octets that V8 keeps so. */
const small = 64;

/**
 * What is written on several sockets in one turn of the event loop leaves at its end, or when many have something. To write
 * is most of what a message costs, and most of that is to wake who waits for it: the next finds a peer on the same
 * machine awake. What one session says in a turn leaves as one piece, too.
 */
function leaveTogether(socket: Socket): void {
  if (socket.writableCorked > 0) return;
  socket.cork();
  const count = corked.push(socket);
  if (count === 1) setImmediate(leave);
  else if (count === most) leave();
}

function leave(): void {
  for (const socket of corked.splice(0)) socket.uncork();
}

const corked: Socket[] = [];
/** Sockets that wait for each other. */
const most = 64;

/** Where a socket has its transport. */
const transport: unique symbol = Symbol("transport");

interface Held extends Socket {
  [transport]: NodeTransport;
}

/** What both sides have agreed on. */
export function agreed(secure: TLSSocket): Agreed {
  return {
    version: secure.getProtocol(),
    // Not in the types of Node: there it is what a client has asked for.
    serverName: (secure as { readonly servername?: string | false | null }).servername,
    finished: () => secure.getFinished(),
    peerFinished: () => secure.getPeerFinished(),
  };
}

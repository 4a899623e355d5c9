import type { Socket } from "node:net";
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from "node:tls";
import type { Millis, TlsInfo } from "@sansmtp/core";
import type { Connection, Transport } from "@sansmtp/drive";

/** How long the last reply may take to arrive, milliseconds, and how much a client may send meanwhile, octets. */
const linger = 2_000;
const lingerOctets = 1_048_576;

/** The longest span that a timer of Node takes; a later deadline is asked for again. */
const longestTimer = 2_147_483_647;

/** A connection of Node: a TCP or Unix socket, on which TLS may be started. */
export class SocketTransport implements Transport {
  readonly #tls: TlsOptions;
  /** The socket of the network. TLS, when it is there, is on top of it. */
  readonly #raw: Socket;
  #socket: Socket;
  #connection: Connection | null = null;
  #timer: NodeJS.Timeout | null = null;
  #timerAt = Number.POSITIVE_INFINITY;
  #detach: () => void = () => {};

  constructor(socket: Socket, tls: TlsOptions) {
    this.#raw = socket;
    this.#socket = socket;
    this.#tls = tls;
    // Every error is followed by `close`, which is what counts; without a listener it would end the process.
    socket.on("error", () => {});
    socket.on("close", () => this.#closed());
  }

  /** Tells the connection what arrives from now on, and begins it. */
  attach(connection: Connection): void {
    this.#connection = connection;
    this.#listen(this.#socket);
    connection.start();
  }

  write(octets: Uint8Array): void | Promise<void> {
    const socket = this.#socket;
    if (socket.write(octets) || socket.destroyed) return;
    return new Promise((resolve) => {
      const done = (): void => {
        socket.off("drain", done).off("close", done);
        resolve();
      };
      socket.on("drain", done).on("close", done);
    });
  }

  /**
   * The handshake goes through a `tls.Server` that never listens: a bare `TLSSocket` in the server's role does not
   * enforce `rejectUnauthorized`. Each handshake has a server of its own, so that none can be taken for another.
   */
  upgrade(leftover: Uint8Array): Promise<Partial<TlsInfo>> {
    const raw = this.#raw;
    this.#detach();
    raw.pause();
    if (leftover.length > 0) raw.unshift(leftover);
    return new Promise((resolve, reject) => {
      const failed = (): void => {
        settled();
        reject(new Error("the TLS handshake failed"));
      };
      // Half-open is for SMTP: here it would keep a socket whose client has gone for ever.
      const settled = (): void => void raw.off("end", failed).off("close", failed);
      raw.on("end", failed).on("close", failed);
      const server = createTlsServer({ ...this.#tls, allowHalfOpen: true });
      server.on("tlsClientError", failed);
      server.on("secureConnection", (secure) => {
        settled();
        secure.on("error", () => {});
        this.#socket = secure;
        this.#listen(secure);
        resolve(details(secure));
      });
      server.emit("connection", raw);
    });
  }

  close(broken: boolean): void {
    this.#detach();
    this.wake(null);
    const socket = this.#socket;
    if (broken || socket.destroyed) {
      this.#raw.destroy();
      return;
    }
    // Closing with input unread makes the kernel send RST, and the last reply may never be seen. So half-close,
    // throw away what still comes, for a while, and only then let go.
    let left = lingerOctets;
    const timer = setTimeout(() => this.#raw.destroy(), linger);
    this.#raw.once("close", () => clearTimeout(timer));
    socket.on("data", (octets) => {
      left -= octets.length;
      if (left < 0) this.#raw.destroy();
    });
    socket.on("end", () => void (socket.writableFinished && this.#raw.destroy()));
    socket.end(() => void (socket.readableEnded && this.#raw.destroy()));
    socket.resume();
  }

  read(on: boolean): void {
    if (on) this.#socket.resume();
    else this.#socket.pause();
  }

  wake(at: Millis | null): void {
    if (at !== null && at >= this.#timerAt) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#timerAt = Number.POSITIVE_INFINITY;
    if (at === null) return;
    this.#timerAt = at;
    this.#timer = setTimeout(
      () => {
        this.#timer = null;
        this.#timerAt = Number.POSITIVE_INFINITY;
        this.#connection?.wake();
      },
      Math.min(Math.max(Math.ceil(at - this.now()), 0), longestTimer),
    );
    // An open socket keeps the process; its timer alone need not.
    this.#timer.unref();
  }

  now(): Millis {
    return performance.now();
  }

  #listen(socket: Socket): void {
    const data = (octets: Uint8Array): void => this.#connection?.receive(octets);
    const end = (): void => this.#connection?.end();
    socket.on("data", data).on("end", end);
    this.#detach = () => void socket.off("data", data).off("end", end);
  }

  #closed(): void {
    this.wake(null);
    this.#connection?.lost();
  }
}

function details(secure: TLSSocket): Partial<TlsInfo> {
  const name = secure.getPeerCertificate().subject?.CN ?? null;
  const { servername } = secure as TLSSocket & { servername?: string | false };
  return {
    version: secure.getProtocol(),
    cipher: secure.getCipher().standardName ?? secure.getCipher().name,
    serverName: servername || null,
    peer: secure.authorized && typeof name === "string" ? name : null,
  };
}

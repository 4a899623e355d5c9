import { connect as connectNet, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import type { Address } from "@sansmtp/node";

/** A client that says what it is told to, whether it may or not. */
export class Client {
  socket: Socket;
  /** The socket of the network, under TLS or not. */
  readonly raw: Socket;
  /** Everything that was received, an octet a character. */
  heard = "";
  /** The connection is over; the error, if there was one. */
  closed: Promise<Error | null>;
  /** The server has ended its side. */
  ended = false;
  #read = 0;
  #changed: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    this.raw = socket;
    this.closed = this.#listen(socket);
  }

  static async connect(address: Address): Promise<Client> {
    const socket = connectNet({ ...address, allowHalfOpen: true, noDelay: true });
    const client = new Client(socket);
    await new Promise((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    return client;
  }

  /** Connects, and begins a TLS handshake at once. */
  static async connectTls(address: Address, options: ConnectionOptions = {}): Promise<Client> {
    const client = await Client.connect(address);
    await client.startTls(options);
    return client;
  }

  /** Sends lines, and waits for as many replies as there are lines. */
  async say(...lines: string[]): Promise<string> {
    this.send(lines.map((line) => `${line}\r\n`).join(""));
    return this.replies(lines.length);
  }

  send(octets: string): void {
    this.socket.write(Buffer.from(octets, "latin1"));
  }

  /** Waits for so many replies, and gives their codes. */
  async replies(count: number): Promise<string> {
    const codes: string[] = [];
    while (codes.length < count) {
      const reply = /^(?:\d{3}-[^\n]*\n)*(\d{3})(?: [^\n]*)?\n/.exec(this.heard.slice(this.#read));
      if (reply === null) await this.#change(`reply ${codes.length + 1} of ${count}`);
      else {
        this.#read += reply[0].length;
        codes.push(reply[1]!);
      }
    }
    return codes.join(" ");
  }

  /** Waits until what was heard matches. */
  async hear(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.heard)) await this.#change(String(pattern));
    return this.heard;
  }

  /** Waits until the server has ended its side. */
  async end(): Promise<void> {
    while (!this.ended) await this.#change("the end");
  }

  /** The handshake, after a 220 for STARTTLS or without. */
  async startTls(options: ConnectionOptions = {}): Promise<TLSSocket> {
    this.socket.removeAllListeners("data").removeAllListeners("end");
    const secure = connectTls({ socket: this.socket, rejectUnauthorized: false, ...options });
    this.socket = secure;
    this.closed = this.#listen(secure);
    await new Promise((resolve, reject) => {
      secure.once("secureConnect", resolve).once("error", reject);
      secure.once("close", () => reject(new Error("closed")));
    });
    return secure;
  }

  /** Lets go of the connection as if the machine had crashed: the server sees a reset. */
  crash(): void {
    this.raw.resetAndDestroy();
  }

  #listen(socket: Socket): Promise<Error | null> {
    let failure: Error | null = null;
    socket.on("data", (octets) => {
      this.heard += octets.toString("latin1");
      this.#changed();
    });
    socket.on("end", () => {
      this.ended = true;
      this.#changed();
    });
    socket.on("error", (error) => {
      failure = error;
    });
    return new Promise((resolve) =>
      socket.on("close", () => {
        this.ended = true;
        this.#changed();
        resolve(failure);
      }),
    );
  }

  #change(what: string): Promise<void> {
    if (this.ended) throw new Error(`the connection ended before ${what}; heard: ${this.heard}`);
    return new Promise((resolve) => {
      this.#changed = resolve;
    });
  }
}

/** Waits until something is so. */
export async function until(holds: () => boolean, what: string, within = 5_000): Promise<void> {
  const end = performance.now() + within;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`waited ${within} ms in vain for ${what}`);
    await pause(5);
  }
}

export function pause(span: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, span));
}

import { once } from "node:events";
import net, { type Socket } from "node:net";
import tls from "node:tls";

/** A piece of content as it is repeated, or the whole where that is no more; with a header, as messages have one. */
export function contentOf(size: number): Uint8Array {
  const header = [
    "From: Sender <sender@example.net>",
    "To: Recipient <recipient@example.com>",
    "Subject: What a message costs",
    "Date: Fri, 21 Nov 1997 09:55:06 -0600",
    "Message-ID: <1234@client.example.net>",
    "",
    "",
  ].join("\r\n");
  const line = `${"The quick brown fox jumps over the lazy dog, again and again, and so on".padEnd(76, ".")}\r\n`;
  const rest = Math.max(Math.min(size, pieceSize) - header.length, 0);
  return new TextEncoder().encode(header + line.repeat(Math.ceil(rest / line.length)));
}

/** Of large content, octets. */
const pieceSize = 65_536;

/** One connection; one question at a time. */
export class Dialogue {
  readonly socket: Socket;
  #wanted = 0;
  #resolve: () => void = () => {};
  #reject: (error: Error) => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (piece: Uint8Array) => this.#read(piece));
    socket.on("error", (error) => this.#reject(error));
    socket.on("close", () => this.#reject(new Error("the server has closed the connection")));
  }

  static async open(port: number, secure: boolean): Promise<Dialogue> {
    const to = { host: "127.0.0.1", port, noDelay: true };
    const socket = secure ? tls.connect({ ...to, rejectUnauthorized: false }) : net.connect(to);
    await once(socket, secure ? "secureConnect" : "connect");
    return new Dialogue(socket);
  }

  say(text: string, replies = 1): Promise<void> {
    const done = this.replies(replies);
    this.socket.write(text, "latin1");
    return done;
  }

  async content(piece: Uint8Array, size: number): Promise<void> {
    for (let sent = 0; sent < size; sent += piece.length) {
      // The last piece and the end of data leave together.
      if (sent + piece.length >= size) this.socket.cork();
      if (!this.socket.write(piece) && sent + piece.length < size) await once(this.socket, "drain");
    }
    const done = this.replies(1);
    this.socket.write(".\r\n", "latin1");
    this.socket.uncork();
    return done;
  }

  /** Waits for so many replies. */
  replies(count: number): Promise<void> {
    this.#wanted = count;
    return new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Counts lines whose code is followed by a blank; a refusal is the end of the load. */
  #read(piece: Uint8Array): void {
    for (let at = 0; at < piece.length; ) {
      if (piece[at] === 0x34 || piece[at] === 0x35)
        this.#reject(new Error(`refused: ${new TextDecoder().decode(piece.subarray(at))}`));
      if (piece[at + 3] === 0x20) this.#wanted--;
      const end = piece.indexOf(10, at);
      if (end === -1) throw new Error("half a reply");
      at = end + 1;
    }
    if (this.#wanted === 0) this.#resolve();
  }
}

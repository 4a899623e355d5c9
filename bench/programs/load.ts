import { once } from "node:events";
import net, { type Socket } from "node:net";
import tls from "node:tls";
import { answering, say } from "./control.ts";

// A client that sends canned commands and counts lines: what a load costs at least. It also holds connections open.

/** What is to be sent. */
export interface Load {
  readonly port: number;
  /** At the same time. */
  readonly connections: number;
  /** In all. */
  readonly messages: number;
  /** Of each, octets, about. */
  readonly size: number;
  /** A connection for each message. */
  readonly each: boolean;
  /** MAIL, RCPT and DATA in one piece, as RFC 2920 allows; else a command at a time, as smtp-source does. */
  readonly pipelined: boolean;
  readonly tls: boolean;
  /** Recipients of each message. Default 1. */
  readonly recipients?: number;
}

/** What it has taken, microseconds; `cpu` is that of this process. */
export interface Loaded {
  readonly elapsed: number;
  readonly cpu: number;
}

const held: Socket[] = [];

answering({
  load,
  async hold({ port, connections }: { readonly port: number; readonly connections: number }) {
    while (held.length < connections) {
      await Promise.all(
        Array.from({ length: Math.min(50, connections - held.length) }, async () => {
          const dialogue = await Dialogue.open(port, false);
          await dialogue.replies(1);
          await dialogue.say(hello);
          held.push(dialogue.socket);
        }),
      );
    }
  },
  async release() {
    await Promise.all(
      held.splice(0).map(async (socket) => {
        socket.end("QUIT\r\n");
        await once(socket, "close");
      }),
    );
  },
});
say({});

const hello = "EHLO client.example.net\r\n";
const mail = "MAIL FROM:<sender@example.net>\r\n";
const rcpt = "RCPT TO:<recipient@example.com>\r\n";

async function load(what: Load): Promise<Loaded> {
  const { port, connections, messages, size, each, pipelined, recipients = 1 } = what;
  const content = contentOf(size);
  const envelope = [mail, ...Array<string>(recipients).fill(rcpt), "DATA\r\n"];
  const whole = envelope.join("");
  let left = messages;
  const transact = async (dialogue: Dialogue): Promise<void> => {
    if (pipelined) await dialogue.say(whole, envelope.length);
    else for (const command of envelope) await dialogue.say(command);
    await dialogue.content(content, size);
  };
  const start = performance.now();
  const before = process.cpuUsage();
  await Promise.all(
    Array.from({ length: Math.min(connections, messages) }, async () => {
      for (let dialogue: Dialogue | null = null; left > 0; ) {
        left--;
        if (dialogue === null) {
          dialogue = await Dialogue.open(port, what.tls);
          await dialogue.replies(1);
          await dialogue.say(hello);
        }
        await transact(dialogue);
        if (!each && left > 0) continue;
        await dialogue.say("QUIT\r\n");
        dialogue.socket.destroy();
        dialogue = null;
      }
    }),
  );
  const { user, system } = process.cpuUsage(before);
  return { elapsed: (performance.now() - start) * 1000, cpu: user + system };
}

/** A piece of content as it is repeated, or the whole with its end where that is no more. */
function contentOf(size: number): Uint8Array {
  const line = `${"The quick brown fox jumps over the lazy dog, again and again, and so on".padEnd(76, ".")}\r\n`;
  return new TextEncoder().encode(line.repeat(Math.ceil(Math.min(size, pieceSize) / line.length)));
}

/** Of large content, octets. */
const pieceSize = 65_536;

/** One connection; one question at a time. */
class Dialogue {
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

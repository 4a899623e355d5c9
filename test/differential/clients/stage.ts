import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Certificate } from "../../node/certificates.ts";
import { pause } from "../../node/client.ts";
import { type Fate, good, type Script } from "./script.ts";

/** Something that a client has said, and what became of it. */
export interface Said {
  /** The place in the script: `EHLO`, `MAIL 0`, `. 1`... */
  readonly slot: string;
  /** The line; of content, how it came. */
  readonly text: string;
}

/** The content of a message as the server has it, one character an octet; null: none came to its end. */
export type Content = string | null;

/** What the server has seen of one client. */
export interface Seen {
  readonly said: readonly Said[];
  readonly contents: readonly Content[];
  /** Places at which something unusual was done, in order. */
  readonly odd: readonly { readonly slot: string; readonly fate: Fate }[];
  /** Which recipients of each message the server has promised to deliver to. */
  readonly promised: readonly (readonly number[])[];
  readonly connections: number;
}

/** A place where scripts are played, one after the other: a server on loopback. */
export class Stage {
  readonly #server: Server;
  readonly #certificate: Certificate;
  readonly #sockets: Set<Socket> = new Set();
  #playing: Playing | null = null;

  private constructor(certificate: Certificate) {
    this.#certificate = certificate;
    this.#server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket)).on("error", () => {});
      this.#playing?.converse(socket).catch(() => void socket.destroy());
    });
  }

  static async open(certificate: Certificate): Promise<Stage> {
    const stage = new Stage(certificate);
    stage.#server.listen(0, "127.0.0.1");
    await once(stage.#server, "listening");
    return stage;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Plays a script to a client. */
  async play<Told>(
    script: Script,
    client: (port: number) => Promise<Told>,
  ): Promise<{ readonly told: Told; readonly seen: Seen }> {
    const playing = new Playing(script, this.#certificate);
    this.#playing = playing;
    const told = await client(this.port);
    // It may have told before it has said its last word.
    for (let waited = 0; this.#sockets.size > 0 && waited < 40; waited++) await pause(5);
    this.#playing = null;
    for (const socket of this.#sockets) socket.destroy();
    return { told, seen: playing.seen() };
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** A script that is being played to a client. */
class Playing {
  readonly #script: Script;
  readonly #certificate: Certificate;
  readonly #said: Said[] = [];
  readonly #odd: { slot: string; fate: Fate }[] = [];
  readonly #contents: Content[];
  readonly #promised: number[][];
  #connections = 0;

  constructor(script: Script, certificate: Certificate) {
    this.#script = script;
    this.#certificate = certificate;
    this.#contents = script.messages.map(() => null);
    this.#promised = script.messages.map(() => []);
  }

  seen(): Seen {
    return {
      said: this.#said,
      contents: this.#contents,
      odd: this.#odd,
      promised: this.#promised,
      connections: this.#connections,
    };
  }

  async converse(raw: Socket): Promise<void> {
    const { protocol, offers, offersInside, welcome } = this.#script;
    this.#connections++;
    let line = new Line(raw, this.#script.piece);
    let inside = false;
    let m = -1;
    let taken: number[] = [];
    let chunks = "";
    const note = (slot: string, text: string): void => void this.#said.push({ slot, text });
    /** Does what the script has there; false: the conversation is over. */
    const answer = async (slot: string, code: number, texts: readonly string[] = []): Promise<number> => {
      const fate = this.#script.fates[slot] ?? good;
      if (fate !== good) this.#odd.push({ slot, fate });
      return (await perform(line, fate, code, texts)) ? fate.code || code : 0;
    };
    const verdicts = async (octets: string): Promise<boolean> => {
      if (m >= 0) this.#contents[m] = octets;
      for (const r of protocol === "lmtp" ? taken : [-1]) {
        const code = await answer(r < 0 ? `. ${m}` : `. ${m} ${r}`, 250);
        if (code === 0) return false;
        // An empty message is one for nobody (RFC 2920 §3.1).
        if (octets !== "" && code >= 200 && code < 300) this.#promised[m]?.push(...(r < 0 ? taken : [r]));
      }
      taken = [];
      return true;
    };
    if ((await answer("greeting", 220)) === 0) return;
    for (let text = await line.read(); text !== null; text = await line.read()) {
      const verb = /^[A-Za-z]*/.exec(text)![0].toUpperCase();
      let code = 250;
      switch (verb) {
        case "EHLO":
        case "LHLO": {
          const slot = inside ? "EHLO inside" : "EHLO";
          note(slot, text);
          code = await answer(slot, 250, [`mx.example.com${welcome}`, ...(inside ? offersInside : offers)]);
          break;
        }
        case "HELO":
          note("HELO", text);
          code = await answer("HELO", 250);
          break;
        case "STARTTLS":
          note("STARTTLS", text);
          code = await answer("STARTTLS", 220);
          if (code === 220) {
            line = line.secured(this.#certificate);
            inside = true;
          }
          break;
        case "AUTH":
          note("AUTH", text.split(" ").slice(0, 2).join(" "));
          code = (await exchange(line, text)) ? await answer("AUTH", 235) : 0;
          break;
        case "MAIL":
          m = Number(/(\d)@/.exec(text)?.[1] ?? 0);
          taken = [];
          chunks = "";
          note(`MAIL ${m}`, text);
          code = await answer(`MAIL ${m}`, 250);
          break;
        case "RCPT": {
          const r = Number(/r\D{0,2}(\d)/.exec(text)?.[1] ?? 0);
          note(`RCPT ${m} ${r}`, text);
          code = await answer(`RCPT ${m} ${r}`, 250);
          if (code >= 200 && code < 300) taken.push(r);
          break;
        }
        case "DATA": {
          note(`DATA ${m}`, text);
          code = await answer(`DATA ${m}`, 354);
          if (code < 300 || code >= 400) break;
          const octets = await line.content();
          if (octets === null) return;
          note(`. ${m}`, octets === "" ? "nothing" : "content");
          if (!(await verdicts(octets))) return;
          break;
        }
        case "BDAT": {
          const [, size, last] = text.split(" ");
          const octets = await line.octets(Number(size));
          if (octets === null) return;
          chunks += octets;
          if (last === undefined) {
            note(`chunk ${m}`, "BDAT");
            code = await answer(`chunk ${m}`, 250);
          } else {
            note(`. ${m}`, "content in chunks");
            if (!(await verdicts(chunks))) return;
          }
          break;
        }
        case "RSET":
          note(`RSET ${m}`, text);
          code = await answer(`RSET ${m}`, 250);
          break;
        case "QUIT":
          note("QUIT", text);
          if ((await answer("QUIT", 221)) !== 0) line.end();
          return;
        default:
          note("other", text);
          code = await answer("other", 250);
      }
      if (code === 0) return;
      if (code === 421) return line.end();
    }
    line.end();
  }
}

/** What AUTH asks for in between; false: the client has gone. */
async function exchange(line: Line, text: string): Promise<boolean> {
  const [, mechanism, initial] = text.split(" ");
  const prompts: Readonly<Record<string, readonly string[]>> = {
    PLAIN: initial === undefined ? [""] : [],
    LOGIN: initial === undefined ? ["VXNlcm5hbWU6", "UGFzc3dvcmQ6"] : ["UGFzc3dvcmQ6"],
    "CRAM-MD5": ["PDEyMzQ1Njc4QG14LmV4YW1wbGUuY29tPg=="],
  };
  for (const prompt of prompts[mechanism?.toUpperCase() ?? ""] ?? []) {
    await line.say(`334 ${prompt}\r\n`);
    if ((await line.read()) === null) return false;
  }
  return true;
}

/** Does what a fate is; false: nothing more is said. */
async function perform(
  line: Line,
  { doing, code: chosen, enhanced, lines, bald }: Fate,
  usual: number,
  texts: readonly string[],
): Promise<boolean> {
  const code = chosen || usual;
  const lists = texts.length > 0 && code < 300;
  const status = enhanced && !lists && code !== 354 && code !== 220 && code !== 334 && code % 100 !== 21;
  const said = lists
    ? texts
    : Array.from({ length: lines }, (_, at) => `${status ? `${Math.trunc(code / 100)}.0.0 ` : ""}line ${at}`);
  const reply = said
    .map(
      (each, at) =>
        `${code}${at < said.length - 1 ? "-" : bald && !lists ? "" : " "}${bald && !lists && at === said.length - 1 ? "" : each}\r\n`,
    )
    .join("");
  switch (doing) {
    case "reply":
      await line.say(reply);
      return true;
    case "reply, end":
      await line.say(reply);
      line.end();
      return false;
    case "reply, reply":
      await line.say(`${reply}250 2.0.0 And more\r\n`);
      return true;
    case "end":
      line.end();
      return false;
    case "reset":
      line.reset();
      return false;
    case "half, end":
      await line.say(reply.slice(0, 2));
      line.end();
      return false;
    case "unfinished, end":
      await line.say(`${code}-One\r\n`);
      line.end();
      return false;
    case "silence":
      return false;
    case "garbage":
      await line.say("Hello there\r\n");
      return true;
    case "mixed":
      await line.say(`${code}-one\r\n${code === 550 ? 250 : 550} two\r\n`);
      return true;
    case "no code":
      await line.say(code % 2 === 0 ? `${code}0 four digits\r\n` : "650 six\r\n");
      return true;
    case "blank":
      await line.say(`\r\n${reply}`);
      return true;
    default:
      await line.say(reply.replaceAll("\r\n", "\n"));
      return true;
  }
}

/** The server's end of a connection, read line by line. */
class Line {
  readonly #socket: Socket;
  readonly #piece: number;
  #unread = "";
  #gone = false;
  #wake: () => void = () => {};

  constructor(socket: Socket, piece: number) {
    this.#socket = socket;
    this.#piece = piece;
    socket.on("data", (octets: Buffer) => {
      this.#unread += octets.toString("latin1");
      this.#wake();
    });
    const gone = (): void => {
      this.#gone = true;
      this.#wake();
    };
    socket.on("end", gone).on("close", gone).on("error", gone);
  }

  async say(text: string): Promise<void> {
    const size = this.#piece || text.length;
    for (let at = 0; at < text.length; at += size) {
      if (this.#socket.destroyed || !this.#socket.writable) return;
      this.#socket.write(text.slice(at, at + size), "latin1");
      if (at + size < text.length) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  end(): void {
    this.#socket.end();
  }

  reset(): void {
    const socket = this.#socket;
    if (socket instanceof TLSSocket) socket.destroy();
    else socket.resetAndDestroy();
  }

  secured({ key, cert }: Certificate): Line {
    this.#socket.removeAllListeners("data").removeAllListeners("end");
    return new Line(new TLSSocket(this.#socket, { isServer: true, key, cert }), this.#piece);
  }

  async read(): Promise<string | null> {
    for (;;) {
      const end = this.#unread.indexOf("\r\n");
      if (end >= 0) {
        const line = this.#unread.slice(0, end);
        this.#unread = this.#unread.slice(end + 2);
        return line;
      }
      if (!(await this.#more())) return null;
    }
  }

  /** Content with its dots unstuffed; null: it broke off. */
  async content(): Promise<Content> {
    for (;;) {
      const end = `\r\n${this.#unread}`.indexOf("\r\n.\r\n");
      if (end >= 0) {
        const text = this.#unread.slice(0, end);
        this.#unread = this.#unread.slice(end + 3);
        return text.replace(/(^|\r\n)\./g, "$1");
      }
      if (!(await this.#more())) return null;
    }
  }

  async octets(count: number): Promise<string | null> {
    while (this.#unread.length < count) if (!(await this.#more())) return null;
    const taken = this.#unread.slice(0, count);
    this.#unread = this.#unread.slice(count);
    return taken;
  }

  async #more(): Promise<boolean> {
    if (this.#gone) return false;
    const before = this.#unread.length;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
    return this.#unread.length > before || !this.#gone;
  }
}

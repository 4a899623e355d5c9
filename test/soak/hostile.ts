import { createHash } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Certificate } from "../node/certificates.ts";
import { pause } from "../node/client.ts";

/** What a server knows of a message. */
export interface Got {
  readonly sha256: string;
  /** The first digit of the verdict, if all of it was handed to the system. */
  verdict: string | null;
}

/** A server of some kind, and what it has got. */
export interface Hostile {
  readonly name: string;
  /** Nothing is wrong with it: what is sent to it has to arrive. */
  readonly good: boolean;
  /** What the client is told to do about TLS. */
  readonly tls: "never" | "offered" | "required" | "implicit";
  readonly port: number;
  readonly got: Got[];
  close(): void;
}

/** Where in a session something goes wrong. */
const stages = ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "content", "verdict", "QUIT"] as const;
type Stage = (typeof stages)[number];

/** What goes wrong there, in the place of a reply. */
const faults: Readonly<Record<string, (peer: Peer) => void | Promise<void>>> = {
  reset: (peer) => peer.reset(),
  end: (peer) => peer.end(),
  silence: () => {},
  garbage: (peer) => peer.say("\x00\xff garbage\r\n250 and more\r\n"),
  "half a reply": async (peer) => {
    peer.say("25");
    await pause(5);
    peer.end();
  },
  "a line without end": async (peer) => {
    for (let times = 0; times < 20 && !peer.gone; times++) peer.say("2".repeat(10_000));
    await peer.left();
  },
  "a reply without end": async (peer) => {
    for (let times = 0; times < 40 && !peer.gone; times++) peer.say("250-and more\r\n".repeat(200));
    await peer.left();
  },
  trickle: async (peer) => {
    for (let times = 0; times < 400 && !peer.gone; times++) {
      peer.say("2");
      await pause(20);
    }
  },
  "421": (peer) => {
    peer.say("421 4.3.2 Going down\r\n");
    peer.end();
  },
  "451": (peer) => peer.go("451 4.3.0 Not now\r\n"),
  "554": (peer) => peer.go("554 5.0.0 Never\r\n"),
};

/** Starts a server of every kind. */
export async function hostiles(certificate: Certificate, impostor: Certificate): Promise<Hostile[]> {
  const all: Promise<Hostile>[] = [];
  const add = (
    name: string,
    tls: Hostile["tls"],
    play: (peer: Peer, got: Got[]) => Promise<void>,
    good = false,
  ): void => void all.push(listen({ name, tls, good }, play));

  const plain = (peer: Peer, got: Got[]) => serve(peer, got);
  add("good", "never", plain, true);
  add(
    "good, with CHUNKING",
    "never",
    (peer, got) => serve(peer, got, { offers: ["PIPELINING", "CHUNKING"] }),
    true,
  );
  add(
    "good, behind STARTTLS",
    "required",
    (peer, got) => serve(peer, got, { offers: ["STARTTLS"], certificate }),
    true,
  );
  add("good, with TLS", "implicit", async (peer, got) => serve(await peer.secured(certificate), got), true);
  add("refuses at the end", "never", (peer, got) => serve(peer, got, { verdict: "554 5.6.0 Not that" }));
  add("defers at the end", "never", (peer, got) => serve(peer, got, { verdict: "451 4.3.0 Not now" }));
  for (const stage of stages)
    for (const [name, fault] of Object.entries(faults))
      for (const offers of stage === "content" || stage === "verdict" ? [[], ["CHUNKING"]] : [[]])
        add(`${name} at ${stage} ${offers}`, "never", (peer, got) =>
          serve(peer, got, { offers, at: stage, fault }),
        );

  const starttls = (after: (peer: Peer) => void | Promise<void>) => (peer: Peer, got: Got[]) =>
    serve(peer, got, { offers: ["STARTTLS"], at: "STARTTLS", fault: after });
  const ready = "220 2.0.0 Go ahead\r\n";
  add(
    "garbage for a handshake",
    "required",
    starttls((peer) => peer.say(`${ready}${"x".repeat(300)}`)),
  );
  add(
    "a reply in front of the handshake",
    "required",
    starttls((peer) => peer.say(`${ready}250 forged\r\n`)),
  );
  add(
    "no handshake",
    "required",
    starttls((peer) => peer.say(ready)),
  );
  add(
    "a reset for a handshake",
    "required",
    starttls(async (peer) => {
      peer.say(ready);
      await pause(3);
      peer.reset();
    }),
  );
  add(
    "the end for a handshake",
    "required",
    starttls((peer) => {
      peer.say(ready);
      peer.end();
    }),
  );
  add(
    "too old a version",
    "required",
    starttls(async (peer) => {
      peer.say(ready);
      await peer.secured(certificate, {
        minVersion: "TLSv1",
        maxVersion: "TLSv1.1",
        ciphers: "ALL:@SECLEVEL=0",
      });
    }),
  );
  add("another's certificate", "required", (peer, got) =>
    serve(peer, got, { offers: ["STARTTLS"], certificate: impostor }),
  );
  add("no STARTTLS", "required", plain);
  add(
    "STARTTLS that is refused",
    "required",
    starttls((peer) => peer.go("454 4.7.0 Not now\r\n")),
  );
  add("plain text where TLS is due", "implicit", plain);
  add("silence where TLS is due", "implicit", () => Promise.resolve());
  add("a reset where TLS is due", "implicit", async (peer) => peer.reset());
  return Promise.all(all);
}

interface Quirks {
  readonly offers?: readonly string[];
  readonly verdict?: string;
  readonly certificate?: Certificate;
  readonly at?: Stage | "STARTTLS";
  readonly fault?: (peer: Peer) => void | Promise<void>;
}

/** Serves as a server should, but for the quirks. */
async function serve(first: Peer, got: Got[], quirks: Quirks = {}): Promise<void> {
  const { offers = ["PIPELINING"], verdict = "250 2.0.0 Kept", certificate, at, fault } = quirks;
  let peer = first;
  /** Replies; false: the fault stood in the place of it, and all is over. */
  const reply = async (stage: Stage | "STARTTLS" | null, text: string): Promise<boolean> => {
    if (stage !== null && stage === at) {
      await fault?.(peer);
      return peer.goesOn();
    }
    peer.say(`${text}\r\n`);
    return true;
  };
  const content = async (octets: Buffer): Promise<boolean> => {
    const entry: Got = { sha256: createHash("sha256").update(octets).digest("hex"), verdict: null };
    got.push(entry);
    const goesOn = await reply("verdict", verdict);
    if (at !== "verdict") entry.verdict = verdict[0]!;
    return goesOn;
  };
  const chunks: Buffer[] = [];
  let secure = false;
  if (!(await reply("greeting", "220 mx.example.com ESMTP"))) return;
  for (let line = await peer.line(); line !== null; line = await peer.line()) {
    const verb = line.slice(0, 8).split(/[ :]/)[0]!.toUpperCase();
    let goesOn = true;
    switch (verb) {
      case "EHLO": {
        const lines = ["mx.example.com", ...offers.filter((name) => !secure || name !== "STARTTLS")];
        goesOn = await reply(
          "EHLO",
          lines.map((each, of) => `250${of < lines.length - 1 ? "-" : " "}${each}`).join("\r\n"),
        );
        break;
      }
      case "STARTTLS":
        goesOn = await reply("STARTTLS", "220 2.0.0 Go ahead");
        if (certificate !== undefined) {
          peer = await peer.secured(certificate);
          secure = true;
        }
        break;
      case "DATA": {
        goesOn = await reply("DATA", "354 Go ahead");
        if (!goesOn || at === "DATA") break;
        if (at === "content") {
          await peer.octets(100);
          await fault?.(peer);
          return;
        }
        const octets = await peer.content();
        if (octets === null) return;
        goesOn = await content(octets);
        break;
      }
      case "BDAT": {
        const [, size, last] = line.split(" ");
        if (at === "content") {
          await peer.octets(100);
          await fault?.(peer);
          return;
        }
        const octets = await peer.octets(Number(size));
        if (octets === null) return;
        chunks.push(octets);
        if (last === undefined) peer.say("250 2.0.0 More\r\n");
        else goesOn = await content(Buffer.concat(chunks.splice(0)));
        break;
      }
      case "QUIT":
        await reply("QUIT", "221 2.0.0 Bye");
        if (at !== "QUIT") peer.end();
        return;
      default:
        goesOn = await reply(verb === "MAIL" || verb === "RCPT" ? verb : null, "250 2.0.0 Ok");
    }
    if (!goesOn) return;
  }
}

/** The other end of a client, for a server that reads line by line. */
class Peer {
  readonly #socket: Socket;
  #unread: Buffer = Buffer.alloc(0);
  #changed: () => void = () => {};
  #goesOn = false;
  gone = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    const gone = (): void => {
      this.gone = true;
      this.#changed();
    };
    socket
      .on("error", () => {})
      .on("end", gone)
      .on("close", gone);
    socket.on("data", (octets: Buffer) => {
      this.#unread = Buffer.concat([this.#unread, octets]);
      this.#changed();
    });
  }

  say(octets: string): void {
    if (!this.#socket.destroyed && this.#socket.writable) this.#socket.write(Buffer.from(octets, "latin1"));
  }

  /** A fault that is a reply: the session goes on after it. */
  go(reply: string): void {
    this.say(reply);
    this.#goesOn = true;
  }

  goesOn(): boolean {
    const goesOn = this.#goesOn;
    this.#goesOn = false;
    return goesOn;
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  end(): void {
    this.#socket.end();
  }

  async line(): Promise<string | null> {
    for (;;) {
      const end = this.#unread.indexOf("\r\n");
      if (end >= 0) return this.#take(end + 2).toString("latin1", 0, end);
      if (!(await this.#more())) return null;
    }
  }

  /** A message, dots unstuffed; null: it broke off. */
  async content(): Promise<Buffer | null> {
    for (;;) {
      if (this.#unread.subarray(0, 3).equals(Buffer.from(".\r\n"))) {
        this.#take(3);
        return Buffer.alloc(0);
      }
      const end = this.#unread.indexOf("\r\n.\r\n");
      if (end >= 0) {
        const text = this.#take(end + 5).toString("latin1", 0, end + 2);
        return Buffer.from(text.replace(/^\./gm, ""), "latin1");
      }
      if (!(await this.#more())) return null;
    }
  }

  async octets(count: number): Promise<Buffer | null> {
    while (this.#unread.length < count) if (!(await this.#more())) return null;
    return this.#take(count);
  }

  /** Waits until the client has left. */
  async left(): Promise<void> {
    while (await this.#more());
  }

  /** The same client inside TLS. */
  async secured({ key, cert }: Certificate, options: object = {}): Promise<Peer> {
    this.#socket.removeAllListeners("data").removeAllListeners("end");
    if (this.#unread.length > 0) this.#socket.unshift(this.#take(this.#unread.length));
    return new Peer(new TLSSocket(this.#socket, { isServer: true, key, cert, ...options }));
  }

  #take(count: number): Buffer {
    const taken = this.#unread.subarray(0, count);
    this.#unread = this.#unread.subarray(count);
    return taken;
  }

  async #more(): Promise<boolean> {
    if (this.gone) return false;
    const before = this.#unread.length;
    await new Promise<void>((resolve) => {
      this.#changed = resolve;
    });
    return this.#unread.length > before || !this.gone;
  }
}

async function listen(
  kind: Pick<Hostile, "name" | "tls" | "good">,
  play: (peer: Peer, got: Got[]) => Promise<void>,
): Promise<Hostile> {
  const got: Got[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket)).on("end", () => void socket.end());
    play(new Peer(socket), got).catch(() => void socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    ...kind,
    port: (server.address() as { port: number }).port,
    got,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

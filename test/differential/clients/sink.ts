import { once } from "node:events";
import { connect, createServer, type Server } from "node:net";
import { Daemon, freePort } from "../../servers/root.ts";
import type { Difference } from "./compare.ts";
import { type Compared, compare, type Played } from "./compare.ts";
import { openOf } from "./contest.ts";
import { type Fate, good, type Script } from "./script.ts";
import { nodemailer, ours, type Sender } from "./senders.ts";
import type { Content, Said, Seen } from "./stage.ts";

export const program = "usr/sbin/smtp-sink";

/** Modes of smtp-sink: what it refuses for good (`-f`), for now (`-r`), drops at (`-q`) or closes with 421 at (`-Q`). */
export const modes: readonly (readonly string[])[] = [
  ...[[], ["-p"], ["-e"], ["-8"], ["-P"], ["-T", "100"]],
  ...["-f", "-r", "-q", "-Q"].flatMap((option) =>
    ["connect", "ehlo", "helo", "mail", "rcpt", "data", ".", "rset", "quit"].map((verb) => [option, verb]),
  ),
  ...[
    ["-e", "-f", "helo"],
    ["-p", "-f", "rcpt"],
    ["-p", "-f", "data"],
    ["-p", "-q", "."],
    ["-f", "rcpt", "-B", "550 5.1.1 No"],
    ["-r", ".", "-b", "452 4.3.1 Full"],
    ["-f", "rcpt", "-B", "552 Too many"],
    ["-f", "ehlo,helo"],
  ],
];

/** A smtp-sink in some mode, before which both clients are set. */
export class Sink {
  readonly #daemon: Daemon;
  readonly #port: number;
  readonly #protocol: Script["protocol"];

  private constructor(daemon: Daemon, port: number, protocol: Script["protocol"]) {
    this.#daemon = daemon;
    this.#port = port;
    this.#protocol = protocol;
  }

  static async start(protocol: Script["protocol"], options: readonly string[]): Promise<Sink> {
    const port = await freePort();
    const given = ["-u", "nobody", ...(protocol === "lmtp" ? ["-L"] : []), ...options];
    const daemon = await Daemon.start(`/${program}`, [...given, `127.0.0.1:${port}`, "100"], port);
    return new Sink(daemon, port, protocol);
  }

  stop(): Promise<void> {
    return this.#daemon.stop();
  }

  /** Sends messages by both clients; what came of it, and what no row explains. */
  async meet(messages: Script["messages"]): Promise<{ compared: Compared; open: readonly Difference[] }> {
    const script: Script = {
      ...{ protocol: this.#protocol, tls: "never", auth: false, offers: [], offersInside: [], welcome: "" },
      ...{ chunking: "avoid", messages, fates: {}, piece: 0 },
    };
    const [left, right] = [await this.#play(script, ours), await this.#play(script, nodemailer)];
    const compared = compare({ ...script, offers: left.offers }, left.played, right.played);
    return { compared, open: openOf(compared) };
  }

  async #play(script: Script, client: Sender): Promise<{ played: Played; offers: readonly string[] }> {
    const heard: Heard[] = [];
    const hop = await this.#hop(heard);
    const { port } = hop.address() as { port: number };
    const told = await client(script, port, "", 2_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    hop.close();
    const { seen, offers } = read(script, heard);
    return { played: { told, seen }, offers };
  }

  /** A hop on the way that hears both sides. */
  async #hop(heard: Heard[]): Promise<Server> {
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
      const sink = connect({ port: this.#port, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
      for (const [who, from, to] of [
        ["client", client, sink],
        ["server", sink, client],
      ] as const) {
        from.on("data", (octets: Buffer) => {
          heard.push({ who, text: octets.toString("latin1") });
          to.write(octets);
        });
        from.on("end", () => {
          heard.push({ who, text: null });
          to.end();
        });
        from.on("error", () => to.destroy());
        from.on("close", () => setTimeout(() => to.destroy(), 50));
      }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return server;
  }
}

/** What came by; null: the end. */
interface Heard {
  readonly who: "client" | "server";
  readonly text: string | null;
}

/** Reads what came by, as a server would have. */
function read({ protocol, messages }: Script, heard: readonly Heard[]): { seen: Seen; offers: string[] } {
  const said: Said[] = [];
  const odd: { slot: string; fate: Fate }[] = [];
  const contents: Content[] = messages.map(() => null);
  const promised: number[][] = messages.map(() => []);
  const offers: string[] = [];
  /** Places whose reply is due. */
  const due: string[] = ["greeting"];
  let taken: number[] = [];
  let inContent = false;
  let m = -1;
  let unread = "";
  let replies = "";
  let connections = 0;

  function answered(lines: readonly string[]): void {
    const slot = due.shift() ?? "unasked";
    const code = Number(lines[0]!.slice(0, 3));
    if (slot === "EHLO" && code < 300) offers.push(...lines.slice(1).map((line) => line.slice(4)));
    inContent = slot.startsWith("DATA") && code === 354;
    const [verb, , recipient] = slot.split(" ");
    if (verb === "RCPT" && code < 300) taken.push(Number(recipient));
    if (verb === "." && code < 300 && contents[m] !== "")
      promised[m]?.push(...(recipient === undefined ? taken : [Number(recipient)]));
    if (code >= 400) odd.push({ slot, fate: { ...good, code } });
  }
  function line(text: string): void {
    const verb = text.split(/[ :]/)[0]!;
    if (verb === "MAIL") {
      m = Number(/(\d)@/.exec(text)?.[1] ?? 0);
      taken = [];
    }
    const r = /r\D{0,2}(\d)/.exec(text)?.[1] ?? "0";
    const slots: Readonly<Record<string, string>> = {
      ...{ LHLO: "EHLO", MAIL: `MAIL ${m}`, RCPT: `RCPT ${m} ${r}`, DATA: `DATA ${m}`, RSET: `RSET ${m}` },
    };
    const slot = slots[verb] ?? verb;
    said.push({ slot, text });
    due.push(slot);
  }
  for (const { who, text } of heard) {
    if (text === null) {
      // What is due will not come.
      if (who === "server" && due.length > 0) odd.push({ slot: due[0]!, fate: { ...good, doing: "end" } });
      continue;
    }
    if (who === "server") {
      connections ||= 1;
      replies += text;
      for (let end = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\n/.exec(replies); end !== null; ) {
        replies = replies.slice(end[0].length);
        answered(end[0].trimEnd().split(/\r?\n/));
        end = /^(?:\d{3}-[^\n]*\n)*\d{3}(?: [^\n]*)?\n/.exec(replies);
      }
      continue;
    }
    unread += text;
    for (;;) {
      const end = inContent ? `\r\n${unread}`.indexOf("\r\n.\r\n") : unread.indexOf("\r\n");
      if (end < 0) break;
      if (!inContent) {
        line(unread.slice(0, end));
        unread = unread.slice(end + 2);
        continue;
      }
      const octets = unread.slice(0, end).replace(/(^|\r\n)\./g, "$1");
      unread = unread.slice(end + 3);
      inContent = false;
      if (m >= 0) contents[m] = octets;
      said.push({ slot: `. ${m}`, text: octets === "" ? "nothing" : "content" });
      due.push(...(protocol === "lmtp" ? taken.map((r) => `. ${m} ${r}`) : [`. ${m}`]));
    }
  }
  return { seen: { said, contents, odd, promised, connections }, offers };
}

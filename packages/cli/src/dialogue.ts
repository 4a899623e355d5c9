import { type Line, LineReader } from "./lines.ts";
import { redact, verbOf, verbs } from "./redaction.ts";
import { visible } from "./visible.ts";

/** Something that was said, fit to be printed: on one line, without secrets, without control octets. */
export type Said =
  /** A line of the client, of the server, or of a message (only if asked for). */
  | { readonly by: "client" | "server" | "content"; readonly line: string }
  /** So many octets of content, a message or a chunk of one, have come. */
  | { readonly by: "content"; readonly octets: number };

/**
 * Follows the octets of both sides of one connection, and gives what was said, line by line.
 *
 * What a client's octets mean depends on what the server answers: behind DATA, AUTH, STARTTLS and QUIT they wait
 * here until its reply has been seen. Each command gets one reply, so replies are matched by their order
 * (RFC 5321 §4.2); LMTP, with a reply for each recipient at the end of a message, is the exception
 * (RFC 2033 §4.2). Nothing but the display rests on this class. Should a session be so odd that it loses its
 * place, then a line may show as what it is not, but no secret does, and no line can look like two.
 */
export class Dialogue {
  readonly #lmtp: boolean;
  readonly #showContent: boolean;
  readonly #report: (said: Said) => void;
  #unread: Uint8Array[] = [];
  readonly #clientLines: LineReader = new LineReader();
  readonly #serverLines: LineReader = new LineReader();
  readonly #contentLines: LineReader = new LineReader();
  #reading: Reading = "line";
  /** The commands without a reply yet, in order. The greeting, asked by nobody, comes first. */
  #unanswered: Asked[] = ["greeting"];
  #octets = 0;
  #chunk: Chunk = { size: 0, last: false };
  #transaction = false;
  #recipients = 0;
  /** LMTP: verdicts that are still to come after the first. */
  #verdicts = 0;
  /** AUTH was said, and no other command since. */
  #doubtful = false;

  /** @param report is called with each line, in the order in which they were said */
  constructor(options: DialogueOptions, report: (said: Said) => void) {
    this.#lmtp = options.lmtp;
    this.#showContent = options.showContent;
    this.#report = report;
  }

  /** The client has sent these octets; as they were before TLS. They are kept for a while, not copied. */
  client(octets: Uint8Array): void {
    this.#unread.push(octets);
    this.#read();
  }

  /** The server has sent these octets. */
  server(octets: Uint8Array): void {
    for (let rest = octets; rest.length > 0; ) {
      rest = rest.subarray(this.#serverLines.take(rest));
      const line = this.#serverLines.line();
      if (line === null) continue;
      this.#replyLine(line);
      // What the client had said before this reply may answer to the next one.
      this.#read();
    }
  }

  /** The connection is over. A line that was begun is given as it is. */
  end(): void {
    if (this.#reading === "content" || this.#reading === "chunk") this.#endContent();
    const left = this.#clientLines.rest();
    if (left !== null) this.#report({ by: "client", line: `${this.#clientText(left)} [no CRLF]` });
    this.#reading = "nothing";
    this.#unread = [];
  }

  #read(): void {
    while (this.#unread.length > 0 && this.#reading !== "waiting") {
      const octets = this.#unread[0]!;
      const taken = this.#take(octets);
      if (taken === octets.length) this.#unread.shift();
      else this.#unread[0] = octets.subarray(taken);
    }
  }

  #take(octets: Uint8Array): number {
    switch (this.#reading) {
      case "nothing":
      case "waiting":
        return octets.length;
      case "chunk":
        return this.#takeChunk(octets);
      case "content": {
        const taken = this.#contentLines.take(octets);
        const line = this.#contentLines.line();
        if (line !== null) this.#contentLine(line);
        return taken;
      }
      case "line":
      case "response": {
        const taken = this.#clientLines.take(octets);
        const line = this.#clientLines.line();
        if (line !== null) this.#clientLine(line);
        return taken;
      }
    }
  }

  #clientLine(line: Line): void {
    this.#report({ by: "client", line: this.#clientText(line) });
    const text = visible(line.octets);
    const verb = this.#reading === "response" ? "AUTH" : verbOf(text);
    if (waits.has(verb)) {
      this.#reading = "waiting";
      this.#unanswered.push(verb as Asked);
      return;
    }
    const chunk = /^BDAT +([0-9]+)( +LAST)?(?: |\\t)*$/i.exec(text);
    if (chunk !== null && line.length === line.octets.length) {
      this.#chunk = { size: Number(chunk[1]), last: chunk[2] !== undefined };
      this.#reading = "chunk";
      if (this.#chunk.size === 0) this.#endContent();
      return;
    }
    this.#unanswered.push(asked.has(verb) ? (verb as Asked) : "other");
  }

  /** A line of content up to CRLF . CRLF; a line is what ends in CRLF, so this is the framing (RFC 5321 §4.5.2). */
  #contentLine(line: Line): void {
    const dot = line.octets[0] === 0x2e;
    if (dot && line.length === 1) {
      this.#endContent();
      return;
    }
    this.#octets += line.length + 2 - (dot ? 1 : 0);
    const text = dot ? { octets: line.octets.subarray(1), length: line.length - 1 } : line;
    if (this.#showContent) this.#report({ by: "content", line: printed(text) });
  }

  #takeChunk(octets: Uint8Array): number {
    const taken = Math.min(octets.length, this.#chunk.size - this.#octets);
    this.#octets += taken;
    for (let rest = octets.subarray(0, taken); this.#showContent && rest.length > 0; ) {
      rest = rest.subarray(this.#contentLines.take(rest));
      const line = this.#contentLines.line();
      if (line !== null) this.#report({ by: "content", line: printed(line) });
    }
    if (this.#octets === this.#chunk.size) this.#endContent();
    return taken;
  }

  /** The end of a message or of a chunk, or of what will ever come of it. */
  #endContent(): void {
    const whole = this.#reading === "content" || this.#chunk.last;
    const left = whole ? this.#contentLines.rest() : null;
    if (left !== null && this.#showContent)
      this.#report({ by: "content", line: `${printed(left)} [no CRLF]` });
    this.#report({ by: "content", octets: this.#octets });
    this.#octets = 0;
    this.#unanswered.push(whole ? "message" : "other");
    this.#reading = "line";
  }

  #replyLine(line: Line): void {
    const text = printed(line);
    const code = Number(text.slice(0, 3));
    // A challenge is part of the AUTH exchange.
    const challenge = code === 334 && text.length > 4;
    this.#report({ by: "server", line: challenge ? "334 ***" : text });
    if (text[3] !== "-") this.#reply(code);
  }

  #reply(code: number): void {
    if (this.#verdicts > 0) {
      this.#verdicts--;
      return;
    }
    const command = this.#answered();
    const accepted = code < 300;
    if (command === "RCPT" && accepted) this.#recipients++;
    if (command === "message" && this.#lmtp) this.#verdicts = Math.max(0, this.#recipients - 1);
    if (command === "message" || (ends.has(command) && accepted)) {
      this.#transaction = command === "MAIL";
      this.#recipients = 0;
    }
    // What came behind STARTTLS in clear is not believed (RFC 3207 §4.2), and after QUIT nothing is read.
    if ((command === "STARTTLS" || command === "QUIT") && accepted) this.#unread = [];
    if (code === 354) this.#reading = "content";
    else if (code === 334) this.#reading = "response";
    else if (command === "QUIT" && accepted) this.#reading = "nothing";
    else if (waits.has(command) && this.#reading === "waiting") this.#reading = "line";
  }

  /** The command that a reply answers. */
  #answered(): Asked {
    const command = this.#unanswered.shift() ?? "other";
    // LMTP says nothing to a message that was given in chunks and has no recipient (RFC 2033 §4.3).
    const silent = command === "message" && this.#lmtp && this.#transaction && this.#recipients === 0;
    if (!silent) return command;
    this.#transaction = false;
    return this.#unanswered.shift() ?? "other";
  }

  #clientText(line: Line): string {
    const text = printed(line);
    if (this.#reading === "response") return redact(text, "response");
    const shown = redact(text, this.#doubtful ? "doubtful" : "command");
    const verb = verbOf(text.trimStart());
    if (verb.startsWith("AUTH")) this.#doubtful = true;
    else if (verbs.has(verb)) this.#doubtful = false;
    return shown;
  }
}

export interface DialogueOptions {
  readonly lmtp: boolean;
  /** Give each line of content, not only the number of octets. */
  readonly showContent: boolean;
}

/** How the client's octets are to be read; `waiting`: only the server's reply will tell. */
type Reading = "line" | "response" | "content" | "chunk" | "waiting" | "nothing";

/** What a reply may be the answer to, as far as it matters here. `message`: the end of one. */
type Asked = "greeting" | "message" | "MAIL" | "RCPT" | Waits | Ends | "other";
type Waits = "DATA" | "AUTH" | "STARTTLS" | "QUIT";
type Ends = "MAIL" | "RSET" | "EHLO" | "HELO" | "LHLO" | "STARTTLS";

interface Chunk {
  readonly size: number;
  readonly last: boolean;
}

/** Commands after which the client has to wait, and this class does: what follows depends on the reply. */
const waits: ReadonlySet<string> = new Set<Waits>(["DATA", "AUTH", "STARTTLS", "QUIT"]);

/** Commands that, when accepted, end the transaction before. */
const ends: ReadonlySet<string> = new Set<Ends>(["MAIL", "RSET", "EHLO", "HELO", "LHLO", "STARTTLS"]);

const asked: ReadonlySet<string> = new Set([...waits, ...ends, "RCPT"]);

function printed(line: Line): string {
  const more = line.length - line.octets.length;
  return more === 0 ? visible(line.octets) : `${visible(line.octets)} [${more} octets more]`;
}

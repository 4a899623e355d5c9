import { hold } from "../finding.ts";
import { joined, latin1 } from "../input.ts";
import { holdCommands } from "./wire-lines.ts";

/** What was written as the content of a message. */
export interface Content {
  readonly lineEnds: "strict" | "normalize" | "space";
  readonly written: Uint8Array[];
  finished: boolean;
  /** Its end was sent. */
  arrived: boolean;
  /** Nothing of it is fetched from elsewhere. */
  pure: boolean;
}

/**
 * Reads what a client sends as a server would that is simple and slow, and compares the content that arrives with what
 * was written. It knows nothing of the code that sends.
 */
export class SentByClient {
  #commands: number[] = [];
  #line = "";
  /** Content behind DATA, as it was sent, until CRLF . CRLF; null: commands are read. */
  #data: string | null = null;
  /** Octets of a chunk that are still to come. */
  #chunk = 0;
  #last = false;
  #chunks: number[] = [];
  #content: Content | null = null;

  /** The session has asked for the content of a message. */
  content(content: Content | null): void {
    this.#content = content;
    this.#chunks = [];
    if (content !== null && this.#line === "DATA") this.#data = "\r\n";
  }

  send(octets: Uint8Array): void {
    for (const octet of octets) this.#octet(octet);
    if (this.#data === null && this.#chunk === 0) {
      hold(this.#commands.length === 0, "G12 a send that ends within a line", () => latin1(octets));
    }
  }

  /** The connection is over: nothing may be left that is half a command. */
  end(): void {
    hold(this.#commands.length === 0, "G12 half a command was sent");
  }

  #octet(octet: number): void {
    if (this.#data !== null) {
      this.#data += String.fromCharCode(octet);
      if (this.#data.endsWith("\r\n.\r\n")) this.#arrived(unstuffed(this.#data.slice(2, -3)), true);
      return;
    }
    if (this.#chunk > 0) {
      this.#chunks.push(octet);
      if (--this.#chunk === 0 && this.#last) this.#arrived(latin1(Uint8Array.from(this.#chunks)), false);
      return;
    }
    this.#commands.push(octet);
    if (octet !== 0x0a) return;
    const line = Uint8Array.from(this.#commands);
    holdCommands(line);
    this.#commands = [];
    this.#line = latin1(line).trimEnd();
    if (/^BURL .* LAST$/.test(this.#line)) this.#arrived("", false);
    const bdat = /^BDAT ([0-9]+)( LAST)?$/.exec(this.#line);
    if (bdat === null) return;
    this.#chunk = Number(bdat[1]);
    this.#last = bdat[2] !== undefined;
    if (this.#chunk === 0 && this.#last) this.#arrived(latin1(Uint8Array.from(this.#chunks)), false);
  }

  #arrived(content: string, byData: boolean): void {
    const said = this.#content;
    this.#data = null;
    this.#chunks = [];
    this.#content = null;
    this.#line = "";
    hold(said !== null, "content that nobody has written", () => content);
    hold(said.finished, "the end of content that was not finished", () => content);
    said.arrived = true;
    if (!said.pure) return;
    const expected = normalized(latin1(joined(said.written)), said.lineEnds, byData);
    // BINARYMIME goes as it is.
    const binary = latin1(joined(said.written));
    hold(
      content === expected || (!byData && content === binary),
      "other content than what was written",
      () => `${JSON.stringify(content)} for ${JSON.stringify(expected)}`,
    );
  }
}

/** Line by line: a dot in front of a line goes (RFC 5321 §4.5.2). */
function unstuffed(data: string): string {
  return data
    .split("\r\n")
    .map((line) => (line.startsWith(".") ? line.slice(1) : line))
    .join("\r\n");
}

/** Each CR and LF by itself becomes what the policy says; behind DATA the last line ends. */
function normalized(text: string, lineEnds: Content["lineEnds"], ends: boolean): string {
  let made = "";
  for (let at = 0; at < text.length; at++) {
    const letter = text[at] as string;
    if (letter === "\r" && text[at + 1] === "\n") {
      made += "\r\n";
      at++;
    } else if (letter === "\r" || letter === "\n") {
      made += lineEnds === "space" ? " " : lineEnds === "normalize" ? "\r\n" : letter;
    } else {
      made += letter;
    }
  }
  return ends && made !== "" && !made.endsWith("\r\n") ? `${made}\r\n` : made;
}

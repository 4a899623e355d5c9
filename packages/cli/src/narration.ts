import { type Reply, redactUrl, type ServerEvent } from "@sansmtp/core";
import type { Called, Recording } from "@sansmtp/testing";
import { Dialogue, type Said } from "./dialogue.ts";
import { visibleText } from "./visible.ts";

/** Something that happened in a recorded session, safe to print. */
export interface Told {
  /** What was said; what the application was asked and answered; what else happened to the session or came of it. */
  readonly event: Said["by"] | "question" | "answer" | "notice";
  /** Milliseconds since the session began. */
  readonly time: number;
  readonly line: string;
}

/** Tells a recorded session, call by call, in words. */
export class Narration {
  readonly #server: boolean;
  readonly #begin: number;
  readonly #dialogue: Dialogue;
  #time = 0;
  #told: Told[] = [];

  constructor({ side, config, now }: Recording) {
    this.#server = side === "server";
    this.#begin = now;
    const lmtp = config.protocol === "lmtp";
    this.#dialogue = new Dialogue({ lmtp, showContent: false }, (said) =>
      this.#tell(
        said.by,
        "line" in said ? said.line : `(${said.octets.toLocaleString("en-US")} octets of content)`,
      ),
    );
  }

  /** What is to be told of the next call. */
  next(called: Called): Told[] {
    this.#told = [];
    const time = called.with.at(-1);
    // Behind the first argument, or alone where there is nothing but the time, a number is the time.
    const timed = called.with.length > (alone.has(called.call) ? 0 : 1);
    if (timed && typeof time === "number")
      this.#time = Math.max(this.#time, microseconds(time - this.#begin));
    if (called.throws !== undefined)
      this.#tell("notice", `${called.call} throws: ${visibleText(called.throws)}`);
    else this.#happened(called);
    return this.#told;
  }

  /** What is to be told when nothing more was recorded. */
  end(): Told[] {
    this.#told = [];
    this.#dialogue.end();
    return this.#told;
  }

  #happened({ call, with: [first, second, third], gives }: Called): void {
    switch (call) {
      case "advance":
        return;
      case "receive":
        return this.#heard(first, !this.#server);
      case "poll":
        return gives === null ? undefined : this.#polled(gives as ServerEvent);
      case "connected":
        return this.#tell("notice", visibleText(`the client connects from ${first}`));
      case "answer":
        return this.#tell("answer", gives === false ? "too late" : answer(second));
      case "answerRecipient":
        return this.#tell("answer", `recipient ${Number(second) + 1}: ${answer(third)}`);
      default:
        return this.#tell("notice", sentences[call] ?? visibleText(call));
    }
  }

  #polled(event: ServerEvent): void {
    if (event.type === "send") return this.#heard(event.data, this.#server);
    // Content is told of by the dialogue.
    if (event.type === "body" && this.#server) return;
    if ("id" in event && this.#server) return this.#tell("question", visibleText(question(event)));
    if (event.type === "violation" && this.#server)
      return this.#tell("notice", visibleText(`broken rule ${event.rule}: ${event.detail}`));
    const { type, ...facts } = event as { type: string };
    this.#tell("notice", visibleText([type, ...Object.values(facts).filter(isWord)].join(" ")));
  }

  /** Octets of the server, or of the client. */
  #heard(octets: unknown, ofServer: boolean): void {
    if (!(octets instanceof Uint8Array)) return;
    if (ofServer) this.#dialogue.server(octets);
    else this.#dialogue.client(octets);
  }

  #tell(event: Told["event"], line: string): void {
    this.#told.push({ event, time: this.#time, line });
  }
}

type Question = Extract<ServerEvent, { id: number }>;

function question(event: Question): string {
  switch (event.type) {
    case "hello":
      return `hello: ${event.verb} ${event.name}`;
    case "auth":
      return `auth: ${event.mechanism}, step ${event.step}`;
    case "mail":
      return `mail: from <${event.from?.address ?? ""}>`;
    case "rcpt":
      return `rcpt: to <${event.to?.address}>`;
    case "message":
      return `message: ${event.content?.size.toLocaleString("en-US")} octets`;
    case "burl":
      return `burl: ${redactUrl(event.url)}${event.last ? ", the last" : ""}`;
    case "atrn":
      return `atrn: ${event.domains.join(" ")}`.trimEnd();
    case "command":
      return `command: ${event.verb} ${event.argument}`.trimEnd();
    default:
      return event.type;
  }
}

/** A reply, several, or none, which stands for the default. */
function answer(given: unknown): string {
  if (Array.isArray(given)) return given.map(answer).join("; ");
  if (typeof given !== "object" || given === null) return "the default";
  const { code, enhanced, lines } = given as Partial<Reply>;
  // Between 334 and its end there is a challenge.
  const text = code === 334 ? "***" : lines?.join(" / ");
  return visibleText([code, enhanced, text].filter(isWord).join(" "));
}

/** Rounded to what clocks can tell. */
function microseconds(time: number): number {
  return Math.round(time * 1000) / 1000;
}

function isWord(value: unknown): boolean {
  return (typeof value === "string" && value !== "") || typeof value === "number";
}

/** Calls that are given a time and nothing else; a single argument of another is none. */
const alone: ReadonlySet<string> = new Set([
  "advance",
  "receiveEnd",
  "lost",
  "close",
  "upgradeFailed",
  "upgraded",
]);

const sentences: Readonly<Record<string, string>> = {
  receiveEnd: "the peer has ended its side",
  lost: "the connection is lost",
  upgraded: "TLS has begun",
  upgradeFailed: "the TLS handshake has failed",
  shutdown: "the service ends",
};

import {
  type ClientAttributes,
  type ClientConfig,
  type ClientEvent,
  ClientSession,
  type ClientSnapshot,
  type Outcome,
  type OutgoingEnvelope,
} from "@sansmtp/core";
import { readOctets, showOctets } from "../dialogues/dialogue.ts";
import { sideBySide } from "../dialogues/show.ts";
import type { ClientDialogue, Input, Mode, Turn } from "./dialogue.ts";

/** A dialogue went another way than it is written. */
export class Mismatch extends Error {}

/** Inside other runtimes, and where branches and mutants are counted: every cut takes long, and octets go the same ways. */
const isQuick = process.env.SANSMTP_QUICK === "1";

/** Plays a dialogue in each of its ways. */
export function play(dialogue: ClientDialogue): void {
  for (const mode of dialogue.modes) {
    if (isQuick && mode === "cuts") continue;
    if (mode !== "cuts") playOnce(dialogue, mode, -1);
    else for (let cut = 1; cut < serverOctets(dialogue); cut++) playOnce(dialogue, mode, cut);
  }
}

function serverOctets({ turns }: ClientDialogue): number {
  return turns
    .flatMap(({ inputs }) => inputs)
    .reduce((sum, input) => sum + ("octets" in input ? input.octets.length : 0), 0);
}

function playOnce(dialogue: ClientDialogue, mode: Mode, cut: number): void {
  const player = new Player({ name: "client.example.net", ...dialogue.config } as ClientConfig);
  const named = new Set(
    dialogue.turns.flatMap((turn) => (turn.given ? [] : turn.events.map((event) => kindOf(event)))),
  );
  const expected: string[] = [];
  const actual: string[] = [];
  let heard = 0;
  for (const turn of dialogue.turns) {
    for (const input of turn.inputs) {
      expected.push(...showInput(input));
      actual.push(...showInput(input));
      if ("octets" in input) {
        for (const piece of pieces(input.octets, mode, cut - heard)) {
          if (mode === "restored") player.restore();
          player.hear(piece);
          if (mode !== "undrained") player.drain();
        }
        heard += input.octets.length;
      } else {
        if (mode === "restored") player.restore();
        if (mode === "pieces" && input.call.startsWith("write ")) player.writeOctets(input.call.slice(6));
        else player.call(input.call);
      }
      player.drain();
    }
    if (turn.inputs.length === 0) player.drain();
    const { says, events } = player.take();
    const getters = Object.keys(turn.getters);
    expected.push(...rows(turn.says), ...shownEvents(turn.events, turn, named), ...fields(turn.getters));
    actual.push(
      ...rows(says),
      ...shownEvents(events, turn, named),
      ...fields(Object.fromEntries(getters.map((name) => [name, player.getter(name)]))),
    );
    if (expected.join("\n") === actual.join("\n")) continue;
    const way = mode === "cuts" ? `cut behind octet ${cut} of the server` : `played in the way "${mode}"`;
    throw new Mismatch(
      `${dialogue.file}:${dialogue.line} ${dialogue.title}\n${way}\n\n${sideBySide(expected, actual)}\n`,
    );
  }
}

function pieces(octets: string, mode: Mode, cut: number): string[] {
  if (mode === "whole" || mode === "pieces") return [octets];
  if (mode === "cuts") {
    return cut > 0 && cut < octets.length ? [octets.slice(0, cut), octets.slice(cut)] : [octets];
  }
  return [...octets];
}

function shownEvents(events: readonly string[], turn: Turn, named: ReadonlySet<string>): string[] {
  return turn.given ? [] : events.filter((event) => named.has(kindOf(event))).map((event) => `* ${event}`);
}

function kindOf(event: string): string {
  return event.split(" ")[0]!;
}

function showInput(input: Input): string[] {
  return "octets" in input ? lines("S", input.octets) : [`> ${input.call}`];
}

function rows(says: readonly string[]): string[] {
  return says.flatMap((said) => (said.startsWith("-- ") ? [said] : lines("C", said)));
}

function lines(sign: "C" | "S", octets: string): string[] {
  return (octets.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((line) =>
    /^[\x20-\x7e]*\r\n$/.test(line)
      ? `${sign}: ${line.slice(0, -2)}`.trimEnd()
      : `${sign}> ${showOctets(line)}`,
  );
}

function fields(getters: Readonly<Record<string, string>>): string[] {
  return Object.entries(getters).map(([name, value]) => `% ${name}=${value}`);
}

/** An owner of a client session who does what dialogues say, and watches what must hold at all times. */
export class Player {
  session: ClientSession;
  readonly config: ClientConfig;
  now = 0;
  #says: string[] = [];
  #events: string[] = [];
  /** Everything that was to be sent, one character an octet. */
  sent = "";
  readonly polled: ClientEvent[] = [];
  #done = new Set<number>();
  #closed = false;

  constructor(config: ClientConfig) {
    this.config = config;
    this.session = new ClientSession(config);
  }

  hear(octets: string): void {
    this.session.receive(Buffer.from(octets, "latin1"), this.now);
  }

  restore(): void {
    const snapshot = JSON.parse(JSON.stringify(this.session.snapshot({ secrets: true }))) as ClientSnapshot;
    this.session = ClientSession.restore(this.config, snapshot);
  }

  writeOctets(text: string): void {
    for (const octet of readOctets(text)) {
      this.session.write(Buffer.from(octet, "latin1"));
      this.drain();
    }
  }

  call(text: string): void {
    const at = text.indexOf(" ");
    const [name, rest] = at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
    const { session, now } = this;
    const words = rest.split(" ");
    const secret = (word: string | undefined) =>
      word === undefined || word === "-" ? null : Buffer.from(readOctets(word), "latin1");
    const calls: Record<string, () => void> = {
      transaction: () => session.transaction(JSON.parse(rest) as OutgoingEnvelope),
      write: () => session.write(Buffer.from(readOctets(rest), "latin1")),
      finish: () => session.finish(),
      abandon: () => session.abandon(Number(rest)),
      auth: () => session.auth(words[0]!, secret(words[1])),
      respond: () => session.respond(secret(words[0])),
      xclient: () => session.xclient(JSON.parse(rest) as ClientAttributes),
      atrn: () => session.atrn(rest === "" ? [] : rest.split(",")),
      burl: () => session.burl(rest),
      starttls: () => session.startTls(),
      reset: () => session.reset(),
      noop: () => session.noop(),
      command: () => session.command(words[0]!, words.slice(1).join(" ")),
      quit: () => session.quit(),
      close: () => session.close(now),
      advance: () => {
        this.now += Number(rest);
        session.advance(this.now);
      },
      end: () => session.receiveEnd(now),
      lost: () => session.lost(now),
      upgraded: () => session.upgraded(now),
      upgradeFailed: () => session.upgradeFailed({ [rest]: true }, now),
    };
    const call = calls[name];
    if (call === undefined) throw new Error(`no such call: ${text}`);
    call();
  }

  drain(): void {
    for (;;) {
      const event = this.session.poll();
      if (event === null) break;
      this.#claim(!this.#closed, `${event.type} after close`);
      this.polled.push(event);
      if (event.type === "send") {
        this.#claim(event.data.length > 0, "an empty send");
        this.#say(Buffer.from(event.data).toString("latin1"));
      } else if (event.type === "upgrade") this.#says.push("-- upgrade");
      else if (event.type === "turn") {
        this.#closed = true;
        this.#says.push("-- turn");
      } else if (event.type === "close") {
        this.#closed = true;
        this.#says.push(event.broken ? "-- close broken" : "-- close");
      } else this.#events.push(showEvent(event));
      if (event.type === "done") {
        this.#claim(!this.#done.has(event.id), `transaction ${event.id} is done twice`);
        this.#done.add(event.id);
      }
    }
    const { waiting, wantsInput, deadline, deadlineReason } = this.session;
    this.#claim(waiting !== "nothing", "poll gave null, but waits for nothing");
    this.#claim((waiting === "closed") === this.#closed, `waiting is ${waiting}`);
    this.#claim((deadline === null) === (deadlineReason === null), "a deadline without a reason");
    if (waiting === "input") this.#claim(wantsInput, "waits for input and does not want it");
    if (waiting === "closed" || waiting === "tls") this.#claim(!wantsInput, `wants input while ${waiting}`);
  }

  take(): { says: string[]; events: string[] } {
    const taken = { says: this.#says, events: this.#events };
    this.#says = [];
    this.#events = [];
    return taken;
  }

  getter(name: string): string {
    const { session } = this;
    return String((session as unknown as Record<string, unknown>)[name]);
  }

  /** Everything at once, for tests in code: what is sent, and what happens. */
  hears(text: string): string {
    const before = this.sent.length;
    this.hear(text.replaceAll("\n", "\r\n"));
    this.drain();
    return this.sent.slice(before);
  }

  does(call: string): string {
    const before = this.sent.length;
    this.call(call);
    this.drain();
    return this.sent.slice(before);
  }

  /** The events of a type. */
  of<T extends ClientEvent["type"]>(type: T): Extract<ClientEvent, { type: T }>[] {
    return this.polled.filter((event) => event.type === type) as Extract<ClientEvent, { type: T }>[];
  }

  /** `status` of each recipient of the last transaction that is done. */
  get statuses(): string {
    return (this.of("done").at(-1)?.outcomes ?? []).map(({ status }) => status).join(" ");
  }

  /** The code of the failure; null: none. */
  get failed(): string | null {
    return this.of("failed")[0]?.failure.code ?? null;
  }

  get closed(): boolean {
    return this.#closed;
  }

  #say(octets: string): void {
    this.sent += octets;
    const last = this.#says.at(-1);
    if (last === undefined || last.startsWith("-- ")) this.#says.push(octets);
    else this.#says[this.#says.length - 1] = last + octets;
  }

  #claim(holds: boolean, what: string): void {
    if (!holds) throw new Error(`the session breaks its word: ${what}`);
  }
}

/** An event as dialogues tell of it. */
export function showEvent(event: ClientEvent): string {
  switch (event.type) {
    case "greeting":
      return `greeting ${event.reply.code}`;
    case "hello":
      return `hello ${event.verb}`;
    case "reply":
      return `reply ${event.verb} ${event.reply.code}`;
    case "challenge":
      return `challenge ${showOctets(Buffer.from(event.octets).toString("latin1"))}`.trimEnd();
    case "skipped":
      return `skipped ${event.verb} ${event.reason.code}`;
    case "recipient":
      return `recipient ${event.index} ${event.reply.code}`;
    case "body":
      return `body ${event.id}`;
    case "done":
      return `done ${event.id}: ${event.outcomes.map(showOutcome).join(", ")}${event.safeToRetry ? "; safe to retry" : ""}`;
    case "failed":
      return `failed ${event.failure.code}${event.reply === null ? "" : ` ${event.reply.code}`}`;
    default:
      return event.type;
  }
}

function showOutcome(outcome: Outcome): string {
  switch (outcome.status) {
    case "unknown":
      return `unknown ${outcome.reason}`;
    case "notTried":
      return `notTried ${outcome.reason.code}`;
    default:
      return `${outcome.status} ${outcome.reply.code}`;
  }
}

import { connect, type Socket } from "node:net";

/** What is sent at once, and how many replies are awaited before the next. */
export interface Group {
  /** One character an octet. */
  readonly octets: string;
  readonly replies: number;
  /** Where the octets are cut into writes. */
  readonly cuts?: readonly number[];
}

export interface Playing {
  /** The first group goes out before the server has said anything. */
  readonly early?: boolean;
  /** Milliseconds without a reply that is due, after which none is awaited. */
  readonly patience: number;
  /** Milliseconds to wait behind the last group for replies that are not due, and for the end of the connection. */
  readonly silence: number;
  /** It is waited so behind each group. */
  readonly listens?: boolean;
  /** The server is expected to close behind the last group. */
  readonly closes: boolean;
  /** Looks at what was said so far, and whether the server has closed; false: no more is to be said or heard. */
  readonly goesOn: (codes: readonly (readonly number[])[], closed: boolean) => boolean;
}

/** What a server said to a sequence. */
export interface Heard {
  /** The replies to each group, the greeting first. */
  readonly codes: readonly (readonly number[])[];
  /** Behind which group the server closed; null: it had not when all was said. */
  readonly closed: number | null;
  /** It was given up, and then replies came that were not due. */
  readonly more: boolean;
  /** All that it sent, for a transcript. */
  readonly lines: readonly (readonly string[])[];
}

/** Plays groups of octets to a server, the first of which stands for the greeting and has no octets. */
export async function play(port: number, groups: readonly Group[], playing: Playing): Promise<Heard> {
  const { early = false, patience, silence, listens = false, closes, goesOn } = playing;
  const ear = new Ear(connect({ port, host: "127.0.0.1", noDelay: true }));
  const codes: number[][] = [];
  const lines: string[][] = [];
  let closed: number | null = null;
  let more = false;
  for (const [at, group] of groups.entries()) {
    const last = at === groups.length - 1;
    const heard: number[] = [];
    codes.push(heard);
    lines.push([]);
    let stop = false;
    const listen = (): boolean => {
      heard.push(...ear.codes.splice(0));
      lines.at(-1)!.push(...ear.lines.splice(0));
      stop = !goesOn(codes, ear.closed);
      return stop;
    };
    if (early && at === 0) {
      await ear.connected();
      continue;
    }
    await ear.say(group);
    const due = group.replies + (early && at === 1 ? groups[0]!.replies : 0);
    await ear.until(() => listen() || heard.length >= due, patience);
    if (!stop && last && closes) await ear.until(() => listen(), patience);
    else if (!stop && (last || listens)) await ear.until(() => listen() || heard.length > due, silence);
    if (ear.closed) {
      listen();
      closed = at;
      break;
    }
    if (stop) {
      // Whether it closes behind what it has said, or says more.
      await ear.until(() => ear.codes.length > 0, silence);
      more = ear.codes.length > 0;
      if (ear.closed) closed = at;
      listen();
      break;
    }
  }
  ear.leave();
  return { codes, closed, more, lines };
}

/** The client's end: it hears replies, and knows when nothing more will come. */
class Ear {
  readonly #socket: Socket;
  #held = "";
  #wake: () => void = () => {};
  /** Codes of replies that are whole; NaN: a line that is no reply. */
  codes: number[] = [];
  lines: string[] = [];
  closed = false;
  #connected = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("latin1");
    socket.on("connect", () => {
      this.#connected = true;
      this.#wake();
    });
    socket.on("data", (text: string) => {
      this.#hear(text);
      this.#wake();
    });
    const end = (): void => {
      this.closed = true;
      this.#wake();
    };
    socket.on("end", end);
    socket.on("close", end);
    // Whoever is refused while it still writes is told so by a reset.
    socket.on("error", end);
  }

  #hear(text: string): void {
    this.#held += text;
    for (let end = this.#held.indexOf("\n"); end >= 0; end = this.#held.indexOf("\n")) {
      const line = this.#held.slice(0, end);
      this.#held = this.#held.slice(end + 1);
      this.lines.push(line.replace(/\r$/, ""));
      const reply = /^([2-5]\d\d)( |-|\r?$)/.exec(line);
      if (reply === null) this.codes.push(Number.NaN);
      else if (reply[2] !== "-") this.codes.push(Number(reply[1]));
    }
  }

  connected(): Promise<void> {
    return this.until(() => this.#connected, 5_000);
  }

  async say({ octets, cuts = [] }: Group): Promise<void> {
    let from = 0;
    for (const to of [...cuts, octets.length]) {
      if (this.closed) return;
      if (to <= from) continue;
      this.#socket.write(octets.slice(from, to), "latin1");
      from = to;
      if (to < octets.length) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Waits until something is so, the connection is closed, or nothing has come for a while. */
  until(so: () => boolean, patience: number): Promise<void> {
    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const look = (): void => {
        clearTimeout(timer);
        if (so() || this.closed) {
          this.#wake = () => {};
          resolve();
          return;
        }
        this.#wake = look;
        timer = setTimeout(() => {
          this.#wake = () => {};
          resolve();
        }, patience);
      };
      look();
    });
  }

  leave(): void {
    this.#socket.destroy();
  }
}

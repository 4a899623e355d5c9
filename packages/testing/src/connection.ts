import type { Millis } from "@sansmtp/core";
import { Clock } from "./clock.ts";
import type { End, Line } from "./end.ts";
import { type Fault, type Latency, pieceLatency, type Side, type Split } from "./faults.ts";
import { type Arrival, Link } from "./link.ts";
import { ScriptMismatch } from "./script.ts";
import { Transcript } from "./transcript.ts";

/** What lies between the two ends. */
export interface ConnectionOptions {
  readonly latency: Record<Side, Latency>;
  readonly split: Record<Side, Split | undefined>;
  readonly window: number;
  readonly faults: readonly Fault[];
  readonly tlsFails: Side | "both" | undefined;
  readonly until: Millis;
}

/** Two ends, a link in each direction, and the clock that they share. */
export class Connection {
  readonly transcript: Transcript = new Transcript();
  readonly #clock: Clock = new Clock();
  readonly #options: ConnectionOptions;
  readonly #links: Record<Side, Link>;
  readonly #inboxes: Record<Side, Arrival[]> = { client: [], server: [] };
  readonly #read: Record<Side, number> = { client: 0, server: 0 };
  readonly #closed: Record<Side, boolean> = { client: false, server: false };
  readonly #wantsTls: Record<Side, boolean> = { client: false, server: false };
  #ends: Record<Side, End> | null = null;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    const link = (from: Side): Link => {
      const way = { latency: options.latency[from], split: options.split[from], faults: options.faults };
      return new Link(from, this.#clock, way, (arrival) => {
        this.#inboxes[other(from)].push(arrival);
        this.#receive(other(from));
      });
    };
    this.#links = { client: link("client"), server: link("server") };
  }

  get now(): Millis {
    return this.#clock.now;
  }

  /** What each side has sent, and what the other has read of it. */
  octets(): Record<Side, { readonly sent: number; readonly read: number }> {
    return {
      client: { sent: this.#links.client.sent, read: this.#read.client },
      server: { sent: this.#links.server.sent, read: this.#read.server },
    };
  }

  /** The connection as one of its ends sees it. */
  line(side: Side): Line {
    const clock = this.#clock;
    const link = (): Link => this.#links[side];
    const { window } = this.#options;
    return {
      get now(): Millis {
        return clock.now;
      },
      get crowded(): boolean {
        return link().unread >= window;
      },
      send: (octets) => this.#links[side].send(octets),
      upgrade: () => this.#upgrade(side),
      close: () => {
        this.#closed[side] = true;
        this.#links[side].end();
      },
      at: (when, act) =>
        clock.at(when, () => {
          act();
          this.#turn(side);
        }),
      note: (text) => this.transcript.note(text, clock.now),
    };
  }

  /** Lets the ends talk until nothing more can happen. */
  run(client: End, server: End): void {
    this.#ends = { client, server };
    try {
      for (const side of ["server", "client"] as const) this.#links[side].open();
      for (const side of ["server", "client"] as const) this.#turn(side);
      while (this.#happen());
    } catch (error) {
      if (!(error instanceof ScriptMismatch)) throw error;
      throw new ScriptMismatch(`${error.message}\n\n${this.transcript.write()}`);
    }
  }

  /** The next thing happens, at its time; false: nothing does. */
  #happen(): boolean {
    const { next } = this.#clock;
    const [side, deadline] = this.#deadline();
    if (next !== null && (deadline === null || next <= deadline)) {
      if (next > this.#options.until) return false;
      this.#clock.keep();
      return true;
    }
    if (side === null || deadline === null || deadline > this.#options.until) return false;
    this.#clock.at(deadline, () => {
      const end = this.#end(side);
      end.advance(this.now);
      this.#turn(side);
      const after = this.#closed[side] ? null : end.deadline;
      if (after === deadline) throw new Error(`bug: the ${side}'s deadline passes and stays`);
    });
    this.#clock.keep();
    return true;
  }

  #deadline(): [Side | null, Millis | null] {
    let found: [Side | null, Millis | null] = [null, null];
    for (const side of ["client", "server"] as const) {
      const deadline = this.#closed[side] ? null : this.#end(side).deadline;
      if (deadline !== null && (found[1] === null || deadline < found[1])) found = [side, deadline];
    }
    return found;
  }

  #turn(side: Side): void {
    this.#end(side).turn();
    this.#receive(side);
  }

  /** Reads what has arrived, as far as the end wants it. */
  #receive(side: Side): void {
    const end = this.#end(side);
    const inbox = this.#inboxes[side];
    for (let arrival = inbox[0]; arrival !== undefined; arrival = inbox[0]) {
      if (arrival.kind === "cut") return this.#lose();
      if (this.#closed[side]) {
        inbox.shift();
        continue;
      }
      if (arrival.kind === "octets" && !end.upgrading && !end.wantsInput) return;
      inbox.shift();
      if (arrival.kind === "octets") this.#hear(side, arrival.octets);
      else if (arrival.kind === "end") end.receiveEnd(this.now);
      else this.#shutDown(end);
      end.turn();
      if (this.#options.window !== Number.POSITIVE_INFINITY) this.#end(other(side)).turn();
    }
  }

  #hear(side: Side, octets: Uint8Array): void {
    const end = this.#end(side);
    const from = other(side);
    this.#links[from].unread -= octets.length;
    this.#read[from] += octets.length;
    this.transcript.heard(from, octets, this.now);
    if (!end.upgrading) return end.receive(octets, this.now);
    this.transcript.note(`clear text in the place of the ${from}'s handshake`, this.now);
    end.upgradeFailed(true, this.now);
  }

  #shutDown(end: End): void {
    this.transcript.note("the service ends", this.now);
    end.shutdown(this.now);
  }

  /** The connection is gone, for both at once. */
  #lose(): void {
    this.transcript.note("the connection is cut", this.now);
    for (const side of ["server", "client"] as const) {
      this.#links[side].break();
      this.#inboxes[side].length = 0;
    }
    for (const side of ["server", "client"] as const) {
      if (this.#closed[side]) continue;
      this.#closed[side] = true;
      this.#end(side).lost(this.now);
      this.#end(side).turn();
    }
  }

  /** A handshake takes a round trip, when both want it. */
  #upgrade(side: Side): void {
    this.#wantsTls[side] = true;
    if (!this.#wantsTls.client || !this.#wantsTls.server) return;
    this.#wantsTls.client = false;
    this.#wantsTls.server = false;
    const { latency, tlsFails } = this.#options;
    const trip = pieceLatency(latency.client, 0) + pieceLatency(latency.server, 0);
    this.#clock.at(this.now + trip, () => {
      for (const each of ["server", "client"] as const) {
        const end = this.#end(each);
        if (this.#closed[each] || !end.upgrading) continue;
        const fails = tlsFails === each || tlsFails === "both";
        this.transcript.note(fails ? `${each}: the handshake fails` : `${each}: TLS is up`, this.now);
        if (fails) end.upgradeFailed(false, this.now);
        else end.upgraded(this.now);
      }
      for (const each of ["server", "client"] as const) this.#turn(each);
    });
  }

  #end(side: Side): End {
    if (this.#ends === null) throw new Error("bug: the ends are not joined yet");
    return this.#ends[side];
  }
}

function other(side: Side): Side {
  return side === "client" ? "server" : "client";
}

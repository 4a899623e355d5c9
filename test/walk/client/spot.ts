import type { ClientConfig, ClientEvent, ClientSession, ClientSnapshot } from "@sansmtp/core";
import { type Core, claim, octetsOf, textOf } from "../core.ts";
import { markOf, marksIn, unmarked } from "../marks.ts";
import { type Asked, Witness } from "./witness.ts";

/** A client session that stands still, everything said. */
export interface Spot {
  readonly frozen: ClientSnapshot;
  readonly key: string;
  readonly witness: Witness;
  readonly now: number;
  readonly marks: number;
  readonly deadline: number | null;
  readonly waiting: ClientSession["waiting"];
  readonly phase: ClientSession["phase"];
  readonly wantsBody: boolean;
  /** Operations that were not begun. */
  readonly queued: number;
  /** The transaction on the wire; null: none. */
  readonly transaction: number | null;
  /** Content was asked for, and is not finished. */
  readonly writes: boolean;
  readonly challenged: boolean;
  /** Part of a reply was received. */
  readonly half: boolean;
}

/** What the walk goes through: a core, how the client is configured, what the server offers, what is asked of it. */
export interface Ground {
  readonly core: Core;
  readonly config: ClientConfig;
  /** What a server announces: one of these. */
  readonly offers: readonly (readonly string[])[];
  /** What the caller asks for. */
  readonly work: readonly Work[];
  /** How many operations may be queued. */
  readonly queue: number;
}

export type Work =
  | "transaction"
  | "rich"
  | "nobody"
  | "noop"
  | "vrfy"
  | "reset"
  | "auth"
  | "plain"
  | "starttls"
  | "xclient"
  | "atrn"
  | "quit";

/** A client session that goes on from a spot. */
export class Turn {
  readonly ground: Ground;
  readonly session: ClientSession;
  readonly witness: Witness;
  now: number;
  marks: number;
  readonly events: ClientEvent[] = [];
  split: boolean;

  constructor(ground: Ground, from: Spot | null, split: boolean = false) {
    const { ClientSession } = ground.core;
    this.ground = ground;
    this.split = split;
    this.now = from?.now ?? 0;
    this.marks = from?.marks ?? 0;
    this.session =
      from === null ? new ClientSession(ground.config) : ClientSession.restore(ground.config, from.frozen);
    this.witness = from?.witness.copy() ?? new Witness(this.session.settings);
  }

  mark(): string {
    return markOf(this.marks++);
  }

  /** The server replies. */
  reply(code: number, lines: readonly string[] = [], text: string = "mx.example.com"): void {
    this.witness.hear(code, lines);
    const all = [text, ...lines];
    this.raw(all.map((line, at) => `${code}${at < all.length - 1 ? "-" : " "}${line}\r\n`).join(""));
  }

  /** Octets of the server that the account does not follow. */
  raw(octets: string): void {
    for (const piece of this.split ? octets : [octets]) {
      this.session.receive(octetsOf(piece), this.now);
      if (this.split) this.drain();
      if (this.session.waiting === "closed") return;
    }
  }

  /** The caller asks for something, under an id. */
  ask(id: number, asked: Asked): void {
    claim(!this.witness.asked.has(id), "an id twice");
    this.witness.asked = new Map([...this.witness.asked, [id, asked]]);
  }

  drain(): this {
    const { session, witness } = this;
    for (let event = session.poll(); event !== null; event = session.poll()) {
      this.events.push(event);
      const live = witness.live();
      witness.see(event, session);
      if (event.type === "close" || event.type === "turn")
        claim(
          session.waiting === "closed" && session.phase === "closed" && session.poll() === null,
          `${event.type}, and it goes on`,
        );
      if (event.type === "send" || event.type === "challenge") continue;
      const text = JSON.stringify(event);
      for (const mark of marksIn(text)) claim(live.has(mark), () => `${mark} is over, and told: ${text}`);
    }
    return this;
  }

  stop(): Spot {
    const { session, witness, now, marks } = this;
    witness.compare(session);
    const frozen = session.snapshot({ secrets: true });
    const text = shown(frozen);
    const live = witness.live();
    for (const mark of marksIn(text)) claim(live.has(mark), () => `${mark} is kept: ${text}`);
    const held = frozen.held as unknown as Held;
    const { transfer, challenged, operations } = held.state;
    return {
      frozen,
      key: `${unmarked(text)} ${witness.key()}`,
      witness,
      now,
      marks,
      deadline: session.deadline,
      waiting: session.waiting,
      phase: session.phase,
      wantsBody: session.wantsBody,
      queued: operations.length - (transfer === null ? 0 : 1),
      transaction: transfer?.id ?? null,
      writes: transfer?.stage === "body" && !transfer.finished,
      challenged: challenged !== null,
      half: (held.replies?.line.read ?? 0) > 0 || (held.replies?.said.length ?? 0) > 0,
    };
  }
}

/** A snapshot as text, without what only grows: times, ids, octets that were counted. */
export function shown({ held }: ClientSnapshot): string {
  return JSON.stringify(held, (key, value: unknown) => {
    if (typeof value === "number") {
      if (unbounded.includes(key)) return undefined;
      return bounded.includes(key) ? Math.min(value, 1) : value;
    }
    if (typeof value !== "object" || value === null) return value;
    // Content for the next chunk: none, some, or enough for it.
    if (key === "chunk" && "$octets" in value) {
      const content = decoded(value as { $octets: string });
      return `${Math.min(Math.ceil(content.length / chunkSize), 2)} ${marksIn(content)}`;
    }
    if (key === "held" && Array.isArray(value)) return String.fromCharCode(...(value as number[]));
    if (key === "octets" && Array.isArray(value)) return undefined;
    if (key === "said" && Array.isArray(value)) return value.length;
    if ("$octets" in value) return decoded(value as { $octets: string });
    return value;
  });
}

function decoded({ $octets }: { readonly $octets: string }): string {
  return Buffer.from($octets, "base64").toString("latin1");
}

/** Octets of a BDAT chunk, where there are any. */
export const chunkSize = 16;

const unbounded = ["now", "since", "heldAt", "id", "nextId", "transactions", "read", "octets"];
const bounded = ["line", "written", "bits", "size"];

/** All that was sent, and all that was told: what must not depend on the pieces (G2). */
export function transcript(events: readonly ClientEvent[]): {
  readonly sent: string;
  readonly told: readonly string[];
} {
  return {
    sent: events.map((event) => (event.type === "send" ? textOf(event.data) : "")).join(""),
    told: events.flatMap((event) => (event.type === "send" ? [] : [JSON.stringify(event)])),
  };
}

/** What is looked at of a snapshot. */
interface Held {
  readonly state: {
    readonly transfer: { readonly id: number; readonly stage: string; readonly finished: boolean } | null;
    readonly challenged: object | null;
    readonly operations: readonly object[];
  };
  readonly replies: { readonly line: { readonly read: number }; readonly said: readonly string[] } | null;
}

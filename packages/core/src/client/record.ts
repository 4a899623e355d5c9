import type { ClientAttributes } from "../syntax/attributes.ts";
import type { Capabilities } from "../syntax/capabilities.ts";
import { noCapabilities } from "../syntax/capabilities.ts";
import type { ReceivedReply } from "../syntax/replies.ts";
import type { Millis } from "../time.ts";
import type { ClientSettings, ClientTimer } from "./config.ts";
import type { Outcome } from "./outcome.ts";
import type { CheckedEnvelope, Plan } from "./plan.ts";

/**
 * How far the session is: TLS before the greeting; the greeting awaited; EHLO, LHLO or HELO said; STARTTLS said; the
 * handshake pending; XCLIENT said, and a new greeting awaited; at work; QUIT said; over.
 */
export type ClientPhase =
  | "greeting"
  | "hello"
  | "starttls"
  | "presenting"
  | "upgrading"
  | "ready"
  | "quitting"
  | "closing"
  | "closed";

/** What a client session waits for. */
export type ClientWaiting = "nothing" | "input" | "work" | "body" | "response" | "tls" | "closed";

/** A reply that is owed: replies are matched by order and by nothing else (RFC 2920 §3.1). */
export interface Expected {
  readonly kind:
    | "greeting"
    | "hello"
    | "starttls"
    | "auth"
    | "mail"
    | "rcpt"
    | "data"
    | "chunk"
    | "verdict"
    | "empty"
    | "reset"
    | "command"
    | "xclient"
    | "xforward"
    | "atrn"
    | "quit";
  /** What was said, for reports. */
  readonly verb: string;
  readonly id: number;
  /** For `rcpt`, the recipient; for `auth`, 1 when the initial response is still to be said, 2 when `*` was. */
  readonly index: number;
  readonly timer: ClientTimer;
}

/** Something to be done, in the order in which it was asked for. */
export type Operation =
  | { readonly kind: "transaction"; readonly id: number; readonly envelope: CheckedEnvelope }
  | { readonly kind: "starttls"; readonly id: number }
  | {
      readonly kind: "auth";
      readonly id: number;
      readonly mechanism: string;
      readonly initial: Uint8Array | null;
      readonly cleartext: boolean;
    }
  | {
      readonly kind: "command";
      readonly id: number;
      readonly verb: string;
      readonly line: string;
      /** The keyword without which it is not said; null: it needs none. */
      readonly needs: string | null;
    }
  | { readonly kind: "xclient"; readonly id: number; readonly attributes: ClientAttributes }
  | { readonly kind: "atrn"; readonly id: number; readonly domains: readonly string[] }
  | { readonly kind: "quit"; readonly id: number };

/**
 * The transaction under way. `envelope`: MAIL, RCPT and perhaps DATA are being said or answered; `body`: the content
 * is being sent; `verdict`: it was sent; `draining`: it has failed, and the replies to what was pipelined are read.
 */
export interface Transfer {
  readonly id: number;
  readonly plan: Plan;
  readonly outcomes: (Outcome | null)[];
  stage: "envelope" | "body" | "verdict" | "draining";
  mailSaid: boolean;
  mailAccepted: boolean;
  mailRefusal: ReceivedReply | null;
  /** How many XFORWARD commands were said. */
  forwarded: number;
  /** The next recipient to be named. */
  next: number;
  /** Recipients whose RCPT was accepted, in order. */
  readonly accepted: number[];
  dataSaid: boolean;
  /** The first reply that refused a chunk. */
  chunkRefusal: ReceivedReply | null;
  /** A URL that was given, and is said when it is known whether it is the last. */
  url: string | null;
  /** Chunks that are not answered yet. */
  chunksOut: number;
  /** The caller has finished. */
  finished: boolean;
  /** The octets that end the message are on their way: from here on it may be delivered. */
  lastSent: boolean;
  /** Verdicts read, where each recipient has one. */
  verdicts: number;
  /** PRDR: the server has announced a verdict for each. */
  each: boolean;
  /** What the server has to forget before the next transaction. */
  resetDue: boolean;
}

/** The state of a client session, but for octets on their way. */
export interface ClientState {
  phase: ClientPhase;
  now: Millis;
  /** When the wait for the reply that is owed first began. */
  since: Millis;
  /** When a piece of content was handed out whose taker has not polled since. */
  heldAt: Millis | null;
  expected: Expected[];
  operations: Operation[];
  transfer: Transfer | null;
  /** XCLIENT commands still to be said, each when the one before was accepted. */
  presenting: readonly string[];
  /** The AUTH exchange that waits for a response. */
  challenged: { readonly id: number; readonly mechanism: string } | null;
  capabilities: Capabilities;
  hello: "EHLO" | "HELO" | "LHLO" | null;
  tls: boolean;
  upgradeDue: boolean;
  greeted: boolean;
  authenticated: boolean;
  transactions: number;
  domains: string[];
  readyTold: boolean;
  /** A failure was told: what goes wrong behind it, while QUIT is answered, is none of its own. */
  failed: boolean;
  ended: boolean;
  closing: { readonly broken: boolean; readonly turned?: boolean } | null;
  waiting: ClientWaiting;
  nextId: number;
}

/** The state of a session whose connection was just made. */
export function newClientState({ tls }: ClientSettings, now: Millis): ClientState {
  const implicit = tls === "implicit";
  return {
    phase: implicit ? "upgrading" : "greeting",
    now,
    since: now,
    heldAt: null,
    expected: implicit ? [] : [greetingExpected],
    operations: [],
    transfer: null,
    presenting: [],
    challenged: null,
    capabilities: noCapabilities,
    hello: null,
    tls: false,
    upgradeDue: implicit,
    greeted: false,
    authenticated: false,
    transactions: 0,
    domains: [],
    readyTold: false,
    failed: false,
    ended: false,
    closing: null,
    waiting: "nothing",
    nextId: 1,
  };
}

/** The one reply that nothing was said for. */
export const greetingExpected: Expected = { kind: "greeting", verb: "", id: 0, index: 0, timer: "greeting" };

import type { Reply } from "../reply.ts";
import type { ClientAttributes, ForwardedAttributes } from "../syntax/attributes.ts";
import type { Fault } from "../syntax/fault.ts";
import { type MailParameters, noMailParameters } from "../syntax/parameters.ts";
import type { Path } from "../syntax/path.ts";
import type { Millis } from "../time.ts";
import type { ProxyHeader } from "../wire/proxy.ts";
import type { CloseReason, Question, Recipient, TlsInfo } from "./events.ts";
import { nothing } from "./queue.ts";
import type { ServerSettings } from "./settings.ts";
import type { Phase, Reader, Transaction } from "./state.ts";

/**
 * What the session waits for. `nothing`: call `poll`. `input`: octets from the peer, or the deadline. `answer`: a
 * question is open. `tls`: the outcome of the handshake. `closed`: it is over.
 */
export type Waiting = "nothing" | "input" | "answer" | "tls" | "closed";

/** The state of a session, but for octets on their way: plain data, so that a snapshot is a copy. */
export interface State {
  phase: Phase;
  reader: Reader;
  mail: Mail;
  /** The last EHLO, HELO or LHLO accepted. */
  hello: { readonly verb: "EHLO" | "HELO" | "LHLO"; readonly name: string } | null;
  tls: TlsInfo | null;
  /** The mechanism with which the client authenticated. */
  authenticated: string | null;
  /** AUTH was said and has not succeeded: what comes may be responses that were sent ahead, and are secret. */
  authTried: boolean;
  /** The AUTH exchange under way. */
  exchange: { readonly mechanism: string; step: number } | null;
  /** The BDAT chunk under way. */
  chunk: {
    readonly size: number;
    remaining: number;
    readonly last: boolean;
    readonly fault: Fault | null;
  } | null;
  proxy: ProxyHeader | null;
  /** The address of the other end of the connection. */
  peer: string | null;
  /** What XCLIENT has told. */
  xclient: ClientAttributes | null;
  /** Questions asked and not settled, in the order of their replies. */
  slots: Slot[];
  nextId: number;
  now: Millis;
  started: Millis;
  /** When the wait for the present command, response or block of content began. */
  since: Millis;
  /** When a `body` was handed out whose taker has not polled since: its time is not the client's. */
  heldAt: Millis | null;
  /** Octets of the present block of content. */
  block: number;
  /** The client has half-closed. */
  ended: boolean;
  shutdown: "no" | "idle" | "now";
  /** The handshake is to be announced: once the 220 has left, or what comes before the greeting is read. */
  upgradeDue: boolean;
  early: boolean;
  closing: CloseReason | null;
  /** What `poll` found last, unless something has happened since. */
  waiting: Waiting;
  /** A command line that was read and waits until open questions are settled. */
  held: { readonly line: Uint8Array; readonly octets: number } | null;
  errors: number;
  idleCommands: number;
  refusedRecipients: number;
  authFailures: number;
  transactions: number;
  /** Domains of recipients, where `limits.recipientDomains` bounds them: each as a key behind `@`, and their number. */
  domains: { readonly named: Record<string, true>; count: number } | null;
  /** The domains of an ATRN that was accepted. */
  turn: readonly string[] | null;
}

/** A transaction. Ending one puts a fresh value here (G10). */
export interface Mail {
  transaction: Transaction;
  readonly from: Path | null;
  readonly parameters: MailParameters;
  readonly recipients: Recipient[];
  /** RCPTs refused by the application; and before it has begun, MAILs that were refused. */
  refused: number;
  /** The content is refused, and that was told. */
  contentRefused: boolean;
  /** When the content began. */
  dataSince: Millis;
  /** What XFORWARD has told of this message, or of the next one. */
  readonly forwarded: ForwardedAttributes | null;
}

/** A question and what was answered. */
export interface Slot {
  readonly question: Question;
  answer: Reply | null;
  /** For a message under LMTP or PRDR: the replies of the recipients, null where not known yet. */
  readonly verdicts: (Reply | null)[] | null;
  /** PRDR: a verdict for each is given, and not one for all. */
  each: boolean;
  /** How many of them were said. */
  said: number;
}

/** The state of a session whose connection was just made. */
export function newState(settings: ServerSettings, now: Millis): State {
  const implicit = settings.tls === "implicit";
  return {
    phase: settings.proxy ? "proxy" : implicit ? "upgrading" : "greeting",
    reader: "line",
    mail: noMail(),
    hello: null,
    tls: null,
    authenticated: null,
    authTried: false,
    exchange: null,
    chunk: null,
    proxy: null,
    peer: null,
    xclient: null,
    slots: nothing,
    nextId: 1,
    now,
    started: now,
    since: now,
    heldAt: null,
    block: 0,
    ended: false,
    shutdown: "no",
    upgradeDue: implicit,
    early: false,
    closing: null,
    waiting: "nothing",
    held: null,
    errors: 0,
    idleCommands: 0,
    refusedRecipients: 0,
    authFailures: 0,
    transactions: 0,
    domains: null,
    turn: null,
  };
}

/** A transaction that has just begun. */
export function newMail(
  transaction: Transaction,
  from: Path | null,
  parameters: MailParameters,
  forwarded: ForwardedAttributes | null,
): Mail {
  return {
    transaction,
    from,
    parameters,
    recipients: [],
    refused: 0,
    contentRefused: false,
    dataSince: 0,
    forwarded,
  };
}

/** No transaction: what ends one puts this in its place. */
export function noMail(): Mail {
  return none;
}

/** What all sessions without a transaction have in common: so it is never changed. */
const none: Mail = Object.freeze({ ...newMail("none", null, noMailParameters, null), recipients: nothing });

/** The transaction of a session, to be changed: where there is none, its own in the place of what is common to all. */
export function ownMail(state: State): Mail {
  if (state.mail === none) state.mail = newMail("none", null, noMailParameters, null);
  return state.mail;
}

/**
 * What stays of XCLIENT when TLS begins, or when it tells of another client: where the connection comes from, and where
 * it goes to. That is the word of a proxy which is known by its address, as that of a PROXY header is, and no knowledge
 * obtained from the client (RFC 3207 §4.2). Without it the client behind would pass for the proxy, and be trusted as
 * that is.
 */
export function endsOf(told: ClientAttributes | null): ClientAttributes | null {
  const { name, addr, port, destaddr, destport } = told ?? {};
  const kept = Object.entries({ name, addr, port, destaddr, destport }).filter(
    ([, value]) => value !== undefined,
  );
  return kept.length === 0 ? null : Object.fromEntries(kept);
}

/** The client's address: what XCLIENT says, else the PROXY header, else the connection. */
export function clientAddress({ xclient, proxy, peer }: State): string | null {
  if (xclient?.addr !== undefined) return xclient.addr;
  return proxy?.source?.address ?? peer;
}

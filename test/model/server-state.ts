// The states of a server in the model, what is put in and what comes out.

/** What the model has to know of a configuration. */
export interface Settings {
  readonly name: string;
  readonly lmtp: boolean;
  readonly submission: boolean;
  readonly tls: "none" | "offered" | "required" | "implicit";
  readonly mechanisms: readonly {
    readonly name: string;
    readonly first: "client" | "server";
    readonly cleartext: boolean;
  }[];
  readonly authRequired: boolean;
  readonly enhanced: boolean;
  readonly chunking: boolean;
  readonly binarymime: boolean;
  readonly dsn: boolean;
  readonly help: boolean;
  readonly expn: boolean;
  readonly etrn: boolean;
  /** The begin of a URL that may be given to BURL; null: BURL is not offered. */
  readonly burl: string | null;
  /** What becomes of bare CR and LF in content. */
  readonly bare: "reject" | "normalize" | "space" | "keep";
  readonly limits: {
    readonly message: number;
    readonly commandLine: number;
    readonly authLine: number;
    readonly textLine: number;
    readonly recipients: number;
    readonly errors: number;
    readonly authFailures: number;
  };
}

/** A transaction: what MAIL and the accepted RCPTs said, and the content of the accepted chunks. */
export interface Transaction {
  readonly from: string | null;
  readonly parameters: Parameters;
  readonly recipients: readonly Recipient[];
  /** Who has refused some RCPT. */
  readonly refused: "nobody" | "core" | "application";
  /** Joined chunks as they came; null: no chunk was accepted. */
  readonly chunks: string | null;
  /** State `bdat-failed`. */
  readonly failed: boolean;
}

export interface Recipient {
  readonly to: string;
  readonly parameters: Parameters;
}

/** Parameters by keyword. */
export type Parameters = Readonly<Record<string, string>>;

/** The states of 11-state-tables §1, `greeted` standing for `mail` to `bdat-failed`, too: `transaction` tells. */
export interface State {
  readonly phase:
    | "connected"
    | "start"
    | "greeted"
    | "data"
    | "auth"
    | "tls"
    | "refused"
    | "insecure"
    | "closed";
  readonly hello: { readonly verb: string; readonly name: string } | null;
  readonly tlsActive: boolean;
  readonly authenticated: string | null;
  readonly transaction: Transaction | null;
  /** In `auth`. */
  readonly exchange: { readonly mechanism: string; readonly step: number } | null;
  /** Refusals that count against `limits.errors`; those that may; and failed AUTH exchanges. */
  readonly errors: number;
  readonly doubts: number;
  readonly authFailures: number;
}

/** Something whole that was taken off the octets. */
export type Item =
  | { readonly kind: "line"; readonly text: string; readonly tooLong: boolean; readonly ahead: boolean }
  | {
      readonly kind: "chunk";
      readonly size: number;
      readonly last: boolean;
      readonly octets: string;
      readonly tooLong: boolean;
    }
  | { readonly kind: "response"; readonly text: string; readonly tooLong: boolean }
  | { readonly kind: "content"; readonly octets: string }
  | { readonly kind: "connect"; readonly early: boolean };

/** What the application decides, whatever it is asked; see `codes`. */
export type Decision =
  | "accept"
  | "temporary"
  | "permanent"
  | "close"
  | "default"
  | "other"
  | readonly Verdict[];
/** A verdict for each recipient (LMTP), in turn. */
export type Verdict = "accept" | "temporary" | "permanent";

/** A question as the application must be asked it: what is compared. */
export type Asked = {
  readonly type: string;
  /** It may be left out. */
  readonly optional?: boolean;
} & Readonly<Record<string, unknown>>;

/** A reply as it has to be: one of these codes, with this enhanced code (null: none; left out: any that fits). */
export interface Expected {
  readonly codes: readonly number[];
  readonly enhanced?: string | null;
  /** Lines that the reply must have behind its first, and must not. */
  readonly lines?: { readonly all: readonly string[]; readonly none: readonly string[] };
}

export interface Step {
  readonly next: State;
  readonly replies: readonly Expected[];
  readonly asked: readonly Asked[];
  /** Why the transaction is over, where no verdict was asked for (`any`: for some reason); null: it is not. */
  readonly reset: string | null;
  readonly close: string | null;
  /** Whether the reply may, or must, be 421, and the end of the session, instead. */
  readonly abuse: "no" | "may" | "must";
}

export const initial: State = {
  phase: "connected",
  hello: null,
  tlsActive: false,
  authenticated: null,
  transaction: null,
  exchange: null,
  errors: 0,
  doubts: 0,
  authFailures: 0,
};

/** The codes with which the application answers, and what the default is (02-replies §5; message: 451, auth: 454). */
export const codes: Readonly<
  Record<string, Readonly<Record<Exclude<Decision, readonly Verdict[]>, number>>>
> = {
  connect: { accept: 220, temporary: 421, permanent: 554, other: 521, close: 421, default: 220 },
  hello: { accept: 250, temporary: 504, permanent: 550, other: 502, close: 421, default: 250 },
  starttls: { accept: 220, temporary: 454, permanent: 554, other: 454, close: 421, default: 220 },
  auth: { accept: 235, temporary: 454, permanent: 535, other: 334, close: 421, default: 454 },
  mail: { accept: 250, temporary: 451, permanent: 550, other: 553, close: 421, default: 250 },
  rcpt: { accept: 250, temporary: 450, permanent: 550, other: 251, close: 421, default: 250 },
  data: { accept: 354, temporary: 451, permanent: 554, other: 550, close: 421, default: 354 },
  message: { accept: 250, temporary: 452, permanent: 554, other: 550, close: 421, default: 451 },
  burl: { accept: 250, temporary: 451, permanent: 554, other: 552, close: 421, default: 451 },
  VRFY: { accept: 250, temporary: 252, permanent: 550, other: 551, close: 421, default: 252 },
  EXPN: { accept: 250, temporary: 252, permanent: 550, other: 504, close: 421, default: 252 },
  HELP: { accept: 211, temporary: 504, permanent: 502, other: 214, close: 421, default: 214 },
  ETRN: { accept: 250, temporary: 458, permanent: 459, other: 251, close: 421, default: 458 },
};

/** The code that a decision is, for this question. */
export function codeOf(
  settings: Settings,
  asked: { readonly type: string; readonly verb?: unknown },
  decision: Decision,
): number {
  // X-SUB-03: a submission server does not say 521.
  if (asked.type === "connect" && decision === "other" && settings.submission) return 554;
  const row = codes[asked.type === "command" ? String(asked.verb) : asked.type]!;
  return row[typeof decision === "string" ? decision : decision[0]!];
}

/** The connection has a handshake behind it: everything learned before is forgotten (T-TLS-05, T-TLS-06). */
export function upgraded(settings: Settings, state: State, sufficient: boolean): State {
  const greeted = settings.tls !== "implicit";
  return {
    ...initial,
    phase: sufficient ? (greeted ? "start" : "connected") : greeted ? "insecure" : "connected",
    tlsActive: true,
    errors: state.errors,
    doubts: state.doubts,
    authFailures: state.authFailures,
  };
}

/** The session is over, with what was open. */
export function end(): State {
  return { ...initial, phase: "closed" };
}

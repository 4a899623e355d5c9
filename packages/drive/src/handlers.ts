import type {
  AuthQuestion,
  CloseReason,
  CommandQuestion,
  ConnectQuestion,
  DataQuestion,
  Envelope,
  HelloQuestion,
  MailQuestion,
  RcptQuestion,
  Reply,
  ServerEvent,
  StartTlsQuestion,
} from "@sansmtp/core";
import type { Body } from "./body.ts";
import type { Connection } from "./connection.ts";

/** A decision: a reply, or undefined for the default. It may take its time. */
export type Answer = Reply | undefined | Promise<Reply | undefined> | Promise<void> | void;

/** The verdict on a message; under LMTP perhaps one for each recipient, in their order. */
export type Verdict = Reply | readonly (Reply | undefined)[] | undefined;

/**
 * The application. Each handler decides on one thing, at once or by a promise; what has no handler is decided by
 * default. A handler that throws gives the client a 4yz, and the error to `onError`.
 */
export interface Handlers {
  connect?(question: ConnectQuestion, connection: Connection): Answer;
  hello?(question: HelloQuestion, connection: Connection): Answer;
  starttls?(question: StartTlsQuestion, connection: Connection): Answer;
  /** Without it AUTH is answered 454. */
  auth?(question: AuthQuestion, connection: Connection): Answer;
  mail?(question: MailQuestion, connection: Connection): Answer;
  /** Without it every recipient is refused, 550 5.7.1: mail is relayed for nobody unless the application says so. */
  rcpt?(question: RcptQuestion, connection: Connection): Answer;
  data?(question: DataQuestion, connection: Connection): Answer;
  /**
   * Takes a message. It is called when the content begins; what it returns is the final reply, and the client has
   * no 250 before (RFC 5321 §6.1). What it leaves of the body is read and thrown away. Without it, or without a
   * reply, the answer is 451.
   */
  message?(message: Message, connection: Connection): Verdict | Promise<Verdict>;
  command?(question: CommandQuestion, connection: Connection): Answer;
  /** A handler has thrown, or has given what cannot be a reply. */
  onError?(error: unknown, connection: Connection): void;
  /** The session is over. */
  onClose?(reason: CloseReason, connection: Connection): void;
  /** Everything that happens, to watch and not to decide. */
  observe?: Observer;
}

/** A message that is arriving. */
export interface Message extends Envelope {
  /** Its content as it arrives, for one reader. It throws {@link MessageAborted} when the message comes to nothing. */
  readonly body: Body;
  /** Fires when the message comes to nothing, also while the verdict is being thought about. */
  readonly signal: AbortSignal;
  /** LMTP: gives the verdict for one recipient, from 0, as soon as it is known; what is returned is for the rest. */
  verdict(recipient: number, reply: Reply): void;
}

/** Watches a connection. What AUTH carries is secret: it passes here as it is. */
export interface Observer {
  /** Octets from the client, inside TLS as they were before it. */
  received?(octets: Uint8Array, connection: Connection): void;
  /** Octets for the client. */
  sent?(octets: Uint8Array, connection: Connection): void;
  /** What the session said to do, asked or noticed, before it is acted upon. */
  event?(event: ServerEvent, connection: Connection): void;
}

import type {
  AtrnQuestion,
  AuthQuestion,
  BurlQuestion,
  CommandQuestion,
  ConnectQuestion,
  Content,
  DataQuestion,
  Envelope,
  HelloQuestion,
  MailQuestion,
  Millis,
  RcptQuestion,
  Reply,
  Send,
  ServerEvent,
  ServerSession,
  ServerSettings,
  StartTlsQuestion,
  TlsInfo,
} from "@sansmtp/core";
import type { AuthDecision, Authentication, AuthenticationOptions } from "./authentication.ts";
import type { Client, ClientOptions } from "./client.ts";
import type { Closing, Connection } from "./connection.ts";

/** A reply, whose code is the decision; `undefined` gives the default, which each question carries as `reply`. */
export type Answer = Reply | undefined;

/** The verdict on a message; under LMTP there may be one for each recipient, in order. */
export type MessageAnswer = Answer | readonly Answer[];

/** Decides a question. One that throws gives a reply of 4yz to the client and its error to `onError`. */
export type Handler<Question, Decision = Answer> = (
  question: Question,
  connection: Connection,
) => Decision | Promise<Decision>;

/**
 * What an application decides, and what it wants to know. A question without handler gets its default answer, but
 * recipients are refused: to take mail for somebody is the application's word (RFC 5321 §7.9).
 */
export interface Handlers {
  readonly connect?: Handler<ConnectQuestion>;
  readonly hello?: Handler<HelloQuestion>;
  readonly starttls?: Handler<StartTlsQuestion>;
  /**
   * Decides who may log in, whatever the mechanism: it is told who wants to, and `verify` says whether that is true.
   * Where the configuration has no `mechanisms`, SCRAM-SHA-256 is listed, with channel binding if the transport gives
   * the data, and inside TLS PLAIN and LOGIN.
   */
  readonly authenticate?: Handler<Authentication, AuthDecision>;
  readonly authentication?: AuthenticationOptions;
  /** In the place of `authenticate`: every response as it comes, for mechanisms of one's own. */
  readonly auth?: Handler<AuthQuestion>;
  readonly mail?: Handler<MailQuestion>;
  readonly rcpt?: Handler<RcptQuestion>;
  readonly data?: Handler<DataQuestion>;
  /**
   * Takes a message. It is called when the first content is there, and what it returns is the final reply: with a
   * 250 the server has taken responsibility (RFC 5321 §6.1), so the message has to be safe by then. Content that it
   * leaves unread is read and thrown away. The default, also for `undefined`, is 451.
   */
  readonly message?: Handler<Message, MessageAnswer>;
  readonly command?: Handler<CommandQuestion>;
  /**
   * BURL (RFC 4468): fetches the content of a URL, which is put behind what `message` has of the body so far. A reply
   * refuses; the default is 451. Content that breaks off is refused, and the message with it.
   */
  readonly burl?: Handler<BurlQuestion, Answer | AsyncIterable<Uint8Array>>;
  /** ATRN (RFC 2645): 250 turns the roles. To be given together with `turn`. */
  readonly atrn?: Handler<AtrnQuestion>;
  /**
   * The roles have turned: the other side greets, and this side sends it its mail. When this returns without having
   * called `client` the connection is closed.
   */
  readonly turn?: (turned: Turned, connection: Connection) => void;
  /**
   * Something went wrong on this side: a handler threw, or gave a reply that cannot be; a hook threw. The client has
   * been told 4yz. Default: `console.error`. What this hook throws is lost.
   */
  readonly onError?: (error: unknown, connection: Connection) => void;
  /** A connection is over. */
  readonly onClose?: (closing: Closing, connection: Connection) => void;
  /** Watches the sessions. */
  readonly observe?: Observer;
  /**
   * Makes the session of a connection, in the place of `new ServerSession(settings, now)`: to have one that is
   * recorded. It must not throw.
   *
   * @param id the number that the connection will have
   */
  readonly session?: (settings: ServerSettings, now: Millis, id: number) => ServerSession;
}

/** A connection on which the roles have turned (RFC 2645). */
export interface Turned {
  /** The domains whose mail was asked for; none: all that the client may have. */
  readonly domains: readonly string[];
  /**
   * Begins the client's side. TLS stays as it is.
   *
   * @throws {UsageError} when the options cannot be, or it was begun already
   */
  client(options: Omit<ClientOptions, "tls">): Client;
}

/** Sees what happens and decides nothing. */
export interface Observer {
  /**
   * Octets from the client, as they were before TLS. In them is everything, AUTH responses and the URLs of BURL too: who
   * shows or stores them has to see to those.
   */
  readonly receive?: (octets: Uint8Array, connection: Connection) => void;
  /** Octets to the client, as they are before TLS. */
  readonly send?: (octets: Uint8Array, connection: Connection) => void;
  /**
   * What the session gave, before it is acted on. The response in an `auth` question is left out (null), and of the URL in
   * a `burl` question what comes behind the host.
   */
  readonly event?: (event: Exclude<ServerEvent, Send>, connection: Connection) => void;
  /** A handshake succeeded. */
  readonly secured?: (tls: TlsInfo, connection: Connection) => void;
}

/** A message on its way in. */
export interface Message extends Envelope {
  /**
   * The content, dots unstuffed, in order, in pieces of any size. It can be iterated once. The client is held back
   * as long as the pieces are not taken. When the message will not become whole the iteration throws
   * {@link MessageAborted}: an iteration that ends has given the whole message.
   */
  readonly body: AsyncIterable<Uint8Array>;
  /** What was seen in the content; null until it has come to its end. */
  readonly content: Content | null;
  /** Aborted, with a {@link MessageAborted}, when nobody waits for the verdict any more. */
  readonly signal: AbortSignal;
  /** The protocol word for the Received field: `ESMTPS`, `LMTPA`... (RFC 3848). */
  readonly protocol: string;
  /**
   * Under LMTP, the verdict for one recipient as soon as it is known (RFC 2033 §5). The value that the handler
   * returns is for those that have none by then.
   *
   * @param index the recipient's place in `recipients`, from 0
   * @returns false when it comes too late: the message was aborted, or this recipient has a verdict
   * @throws {UsageError} when the protocol is not LMTP or there is no such recipient
   */
  verdict(index: number, reply: Answer): boolean;
}

import type { AddresseeParameters, OutgoingParameters } from "../extensions/extension.ts";
import type { ForwardedAttributes } from "../syntax/attributes.ts";
import type { Capabilities } from "../syntax/capabilities.ts";
import type { Mailbox } from "../syntax/path.ts";
import type { ReceivedReply } from "../syntax/replies.ts";
import type { Failure, Outcome } from "./outcome.ts";

/** What `poll()` returns, in the order in which it is to be done or has happened. */
export type ClientEvent =
  /** Write these octets. Behind the last piece of a message they can mean delivery: write them once. */
  | { readonly type: "send"; readonly data: Uint8Array }
  /** Start the TLS handshake as client; then call `upgraded` or `upgradeFailed`. */
  | { readonly type: "upgrade" }
  /** Close the connection. No event follows. `broken`: nothing more can be delivered. */
  | { readonly type: "close"; readonly broken: boolean }
  /** The server has greeted. */
  | { readonly type: "greeting"; readonly reply: ReceivedReply }
  /** EHLO, HELO or LHLO was accepted. */
  | {
      readonly type: "hello";
      readonly verb: "EHLO" | "HELO" | "LHLO";
      readonly reply: ReceivedReply;
      readonly capabilities: Capabilities;
    }
  /** Nothing is queued: the session waits for something to do. */
  | { readonly type: "ready" }
  /** The reply to `startTls`, `auth`, `xclient`, `atrn`, `reset`, `noop` or `command`, or to XFORWARD: refusals, too, which are not failures. */
  | { readonly type: "reply"; readonly id: number; readonly verb: string; readonly reply: ReceivedReply }
  /** The server wants a response in an AUTH exchange: `respond`. The octets are secret. */
  | { readonly type: "challenge"; readonly id: number; readonly octets: Uint8Array }
  /** What was queued was not done. */
  | { readonly type: "skipped"; readonly id: number; readonly verb: string; readonly reason: Failure }
  /** The reply to the RCPT of a recipient, by its place in the envelope. Its outcome may still be worse. */
  | { readonly type: "recipient"; readonly id: number; readonly index: number; readonly reply: ReceivedReply }
  /**
   * ATRN was accepted: this session is over, and the connection stays open (RFC 2645 §5.2.2). Begin a server session on
   * it, which greets. No event follows.
   */
  | { readonly type: "turn" }
  /** The server takes the content: `write` it, then `finish`. */
  | { readonly type: "body"; readonly id: number }
  /** A transaction is over: what became of each recipient, in the order of the envelope. */
  | {
      readonly type: "done";
      readonly id: number;
      readonly outcomes: readonly Outcome[];
      readonly safeToRetry: boolean;
    }
  /** The session is over, and not by `quit`. */
  | { readonly type: "failed"; readonly failure: Failure; readonly reply: ReceivedReply | null };

/** A message to be sent: everything but its content. */
export interface OutgoingEnvelope extends OutgoingParameters {
  /** The sender; null for `<>`. A string is an address as it is typed. */
  readonly from: string | Mailbox | null;
  readonly to: readonly (string | Mailbox | Addressee)[];
  /** Octets of content, with CRLF line ends, if known: declared where SIZE is offered, and held against its limit. */
  readonly size?: number;
  /** What the content is. Default `7BIT`; the others need the server's consent. */
  readonly body?: "7BIT" | "8BITMIME" | "BINARYMIME";
  /** The header is in UTF-8 (RFC 6531). Addresses that are say so themselves. */
  readonly smtputf8?: boolean;
  /** Content is to be fetched by the server (RFC 4468): see `ClientSession.burl`. Needs the server's consent. */
  readonly burl?: boolean;
  /** Where the message came from, for the logs of a server that takes XFORWARD; others are not told. */
  readonly forwarded?: Partial<ForwardedAttributes>;
}

/** A recipient with parameters. */
export interface Addressee extends AddresseeParameters {
  readonly to: string | Mailbox;
}

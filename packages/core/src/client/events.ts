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
  /** The reply to `startTls`, `auth`, `reset`, `noop` or `command`: refusals, too, which are not failures. */
  | { readonly type: "reply"; readonly id: number; readonly verb: string; readonly reply: ReceivedReply }
  /** The server wants a response in an AUTH exchange: `respond`. The octets are secret. */
  | { readonly type: "challenge"; readonly id: number; readonly octets: Uint8Array }
  /** What was queued was not done. */
  | { readonly type: "skipped"; readonly id: number; readonly verb: string; readonly reason: Failure }
  /** The reply to the RCPT of a recipient, by its place in the envelope. Its outcome may still be worse. */
  | { readonly type: "recipient"; readonly id: number; readonly index: number; readonly reply: ReceivedReply }
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
export interface OutgoingEnvelope {
  /** The sender; null for `<>`. A string is an address as it is typed. */
  readonly from: string | Mailbox | null;
  readonly to: readonly (string | Mailbox | Addressee)[];
  /** Octets of content, with CRLF line ends, if known: declared where SIZE is offered, and held against its limit. */
  readonly size?: number;
  /** What the content is. Default `7BIT`; the others need the server's consent. */
  readonly body?: "7BIT" | "8BITMIME" | "BINARYMIME";
  /** The header is in UTF-8 (RFC 6531). Addresses that are say so themselves. */
  readonly smtputf8?: boolean;
  /** RFC 3461. */
  readonly ret?: "FULL" | "HDRS";
  /** RFC 3461, unencoded. */
  readonly envid?: string;
  /** The AUTH parameter (RFC 4954 §5): an address, or `<>`. */
  readonly auth?: string;
}

/** A recipient with parameters. */
export interface Addressee {
  readonly to: string | Mailbox;
  readonly notify?: readonly ("NEVER" | "SUCCESS" | "FAILURE" | "DELAY")[];
  /** RFC 3461: type and address, unencoded. */
  readonly orcpt?: { readonly type: string; readonly address: string };
}

/**
 * Runs sansmtp sessions on connections: the pump between a session and a transport, the handlers by which an
 * application decides, and what all connections of a server have in common.
 *
 * @module
 */
export { type AbortCause, MessageAborted } from "./body.ts";
export { Client, type ClientClosing, type ClientOptions } from "./client.ts";
export type { Credentials, Mechanism } from "./client-auth.ts";
export type { OutgoingBody, OutgoingStream } from "./client-body.ts";
export { ConnectError, PlainTextError } from "./client-error.ts";
export type { OutgoingMessage, Recipient, Sent } from "./client-message.ts";
export type { ClientNews, ClientObserver } from "./client-pump.ts";
export {
  type ClientTls,
  type ConnectChoices,
  chosenPort,
  chosenTls,
  openClient,
  readyClient,
} from "./connecting.ts";
export type { Closing, Connected, Connection, ConnectionFacts, Incoming } from "./connection.ts";
export type { Answer, Handler, Handlers, Message, MessageAnswer, Observer, Turned } from "./handlers.ts";
export { Pool, type PoolOptions } from "./pool.ts";
export { serve } from "./serve.ts";
export { type Admission, Service } from "./service.ts";
export type { Transport } from "./transport.ts";

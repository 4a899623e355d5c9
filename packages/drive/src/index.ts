/**
 * Runs sansmtp sessions on connections: the pump between a session and a transport, the handlers by which an
 * application decides, and what all connections of a server have in common.
 *
 * @module
 */
export { type AbortCause, MessageAborted } from "./body.ts";
export type { Closing, Connected, Connection, ConnectionFacts, Incoming } from "./connection.ts";
export type { Answer, Handler, Handlers, Message, MessageAnswer, Observer } from "./handlers.ts";
export { serve } from "./serve.ts";
export { type Admission, Service } from "./service.ts";
export type { Transport } from "./transport.ts";

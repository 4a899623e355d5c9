/**
 * The pump between an SMTP session and a connection: handlers in, replies out, for any transport and any runtime.
 *
 * @module
 */
export { Body, collect, MessageAborted } from "./body.ts";
export { Connection, type Ends } from "./connection.ts";
export type { Answer, Handlers, Message, Observer, Verdict } from "./handlers.ts";
export { type Admission, Service } from "./service.ts";
export type { Transport } from "./transport.ts";

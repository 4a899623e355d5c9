/**
 * SMTP and LMTP servers on the sockets of Node.
 *
 * @module
 */

export { type Reply, reply, UsageError } from "@sansmtp/core";
export { type Connection, collect, type Handlers, type Message, MessageAborted } from "@sansmtp/drive";
export { type Address, createServer, type Place, Server, type ServerOptions } from "./server.ts";
export { SocketTransport } from "./transport.ts";

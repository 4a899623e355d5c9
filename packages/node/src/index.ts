/**
 * SMTP and LMTP servers and clients on the sockets of Node. What a handler needs of the other packages is here, too.
 *
 * @module
 */
export * from "@sansmtp/drive/application";
export { capabilities } from "./capabilities.ts";
export { type ConnectOptions, connect, createPool, dialler } from "./connect.ts";
export { Handshakes } from "./handshakes.ts";
export { listenOn } from "./listen.ts";
export { createServer, type ServerOptions, serverBy } from "./server.ts";
export type { Quirks } from "./transport.ts";

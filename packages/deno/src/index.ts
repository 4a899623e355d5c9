/**
 * SMTP and LMTP servers and clients on the sockets of Deno. What a handler needs of the other packages is here, too.
 *
 * @module
 */
export * from "@sansmtp/drive/application";
export { capabilities } from "./capabilities.ts";
export { type ConnectOptions, connect, createPool } from "./connect.ts";
export { createServer, type ServerOptions } from "./server.ts";
export type { ClientTls, ServerTls } from "./tls.ts";

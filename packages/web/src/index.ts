/**
 * SMTP and LMTP clients and servers over web streams: in Workers, in browsers, wherever something is readable and
 * writable. What a handler needs of the other packages is here, too.
 *
 * @module
 */
export * from "@sansmtp/drive/application";
export { capabilities } from "./capabilities.ts";
export { type ConnectOptions, connect } from "./connect.ts";
export { type ServeOptions, serveStreams } from "./serve.ts";
export { socketStreams, type TcpConnect, type TcpSocket } from "./socket.ts";
export type { Streams } from "./streams.ts";
export { StreamTransport } from "./transport.ts";
export { type BinaryWebSocket, webSocketStreams } from "./websocket.ts";

/**
 * SMTP and LMTP clients and servers over web streams: in Workers, in browsers, wherever something is readable and
 * writable. What a handler needs of the other packages is here, too.
 *
 * @module
 */
export { challenge, type Failure, type Outcome, type Reply, reply, UsageError } from "@sansmtp/core";
export {
  type Answer,
  type Auth,
  type AuthDecision,
  type Authentication,
  type AuthenticationOptions,
  type Client,
  type ClientClosing,
  type ClientObserver,
  type Closing,
  ConnectError,
  type Connection,
  type Handlers,
  type Message,
  MessageAborted,
  type MessageAnswer,
  type Observer,
  type OutgoingBody,
  type OutgoingMessage,
  type Recipient,
  type Sent,
} from "@sansmtp/drive";
export { capabilities } from "./capabilities.ts";
export { type ConnectOptions, connect } from "./connect.ts";
export { type ServeOptions, serveStreams } from "./serve.ts";
export { socketStreams, type TcpConnect, type TcpSocket } from "./socket.ts";
export type { Streams } from "./streams.ts";
export { StreamTransport } from "./transport.ts";
export { type BinaryWebSocket, webSocketStreams } from "./websocket.ts";

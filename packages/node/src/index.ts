/**
 * SMTP and LMTP servers and clients on the sockets of Node. What a handler needs of the other packages is here, too.
 *
 * @module
 */
export { challenge, type Failure, type Outcome, type Reply, reply, UsageError } from "@sansmtp/core";
export {
  type Address,
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
  type ListenOptions,
  type Message,
  MessageAborted,
  type MessageAnswer,
  type Observer,
  type OutgoingBody,
  type OutgoingMessage,
  type Place,
  type Pool,
  type PoolOptions,
  type Recipient,
  type RuntimeCapabilities,
  type Sent,
  type Server,
} from "@sansmtp/drive";
export {
  type AuthPolicy,
  type ClientMechanism,
  type Credentials,
  deriveScramKeys,
  formatScramKeys,
  type Identity,
  parseScramKeys,
  type ScramKeys,
  type Stored,
} from "@sansmtp/sasl";
export { capabilities } from "./capabilities.ts";
export { type ConnectOptions, connect, createPool, dialler } from "./connect.ts";
export { Handshakes } from "./handshakes.ts";
export { listenOn } from "./listen.ts";
export { createServer, type ServerOptions, serverBy } from "./server.ts";
export type { Quirks } from "./transport.ts";

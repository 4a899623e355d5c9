/**
 * What an application needs besides an adapter, and finds in each of them: replies, and the names of what handlers, hooks
 * and clients are given.
 *
 * @module
 */
export { challenge, type Failure, type Outcome, type Reply, reply, UsageError } from "@sansmtp/core";
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
export type { AuthDecision, Authentication, AuthenticationOptions } from "./authentication.ts";
export { MessageAborted } from "./body.ts";
export type { RuntimeCapabilities } from "./capabilities.ts";
export type { Client, ClientClosing } from "./client.ts";
export type { Auth } from "./client-auth.ts";
export type { OutgoingBody } from "./client-body.ts";
export { ConnectError } from "./client-error.ts";
export type { OutgoingMessage, Recipient, Sent } from "./client-message.ts";
export type { ClientObserver } from "./client-pump.ts";
export type { Closing, Connection } from "./connection.ts";
export type { Answer, Handlers, Message, MessageAnswer, Observer } from "./handlers.ts";
export type { Pool, PoolOptions } from "./pool.ts";
export type { Address, ListenOptions, Place, Server } from "./server.ts";

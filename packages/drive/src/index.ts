/**
 * Runs sansmtp sessions on connections: the pump between a session and a transport, the handlers by which an
 * application decides, and what all connections of a server have in common.
 *
 * @module
 */
export { unlessAborted } from "./aborted.ts";
export { Alarm } from "./alarm.ts";
export {
  type AuthDecision,
  type Authentication,
  type AuthenticationOptions,
  defaultMechanisms,
  type Verifiable,
} from "./authentication.ts";
export { type AbortCause, MessageAborted } from "./body.ts";
export { type Capability, everything, type RuntimeCapabilities } from "./capabilities.ts";
export { Client, type ClientClosing, type ClientOptions } from "./client.ts";
export type { Auth } from "./client-auth.ts";
export type { OutgoingBody, OutgoingStream } from "./client-body.ts";
export { ConnectError, PlainTextError } from "./client-error.ts";
export type { OutgoingMessage, Recipient, Sent } from "./client-message.ts";
export type { ClientNews, ClientObserver } from "./client-pump.ts";
export {
  type ConnectOptions,
  connectBy,
  connectOver,
  type Dialled,
  type Dialler,
  dialled,
  type SecureConnectOptions,
  type Target,
} from "./connect.ts";
export type { Closing, Connected, Connection, ConnectionFacts, Ends, Incoming, Owner } from "./connection.ts";
export { endpointOf, endsOf } from "./endpoint.ts";
export type { Answer, Handler, Handlers, Message, MessageAnswer, Observer, Turned } from "./handlers.ts";
export { givenIn, refuse, refuseOthers } from "./options.ts";
export { Pool, type PoolOptions, poolBy } from "./pool.ts";
export type { Random } from "./random.ts";
export { type Agreed, type Secured, tlsInfo } from "./secured.ts";
export { serve } from "./serve.ts";
export {
  type Accept,
  type Address,
  type Listen,
  type Listener,
  type ListenOptions,
  type Place,
  type SecureServerOptions,
  Server,
  type ServerOptions,
  type Spot,
} from "./server.ts";
export { type Admission, Service } from "./service.ts";
export { AskedTransport, SocketTransport } from "./socket-transport.ts";
export { defaultTls, tlsOver } from "./tls-choice.ts";
export type { Transport } from "./transport.ts";

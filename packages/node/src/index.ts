/**
 * SMTP and LMTP servers on the sockets of Node. What a handler needs of the other packages is here, too.
 *
 * @module
 */
export { challenge, type Reply, reply, UsageError } from "@sansmtp/core";
export {
  type Answer,
  type Closing,
  type Connection,
  type Handlers,
  type Message,
  MessageAborted,
  type MessageAnswer,
  type Observer,
} from "@sansmtp/drive";
export {
  type Address,
  createServer,
  type ListenOptions,
  type Place,
  type Server,
  type ServerOptions,
} from "./server.ts";

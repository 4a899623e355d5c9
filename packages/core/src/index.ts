/**
 * SMTP and LMTP as a state machine that does no I/O: octets, time and the application's answers go in, reply
 * octets and events come out.
 *
 * @module
 */
export { challenge } from "./challenge.ts";
export {
  type ClientConfig,
  type ClientLimits,
  type ClientSettings,
  type ClientTimer,
  type ClientTimers,
  defaultClientLimits,
  defaultClientTimers,
} from "./client/config.ts";
export type { Addressee, ClientEvent, OutgoingEnvelope } from "./client/events.ts";
export {
  type Failure,
  type FailureCode,
  isSafeToRetry,
  type Outcome,
  type Reason,
} from "./client/outcome.ts";
export type { ClientPhase, ClientWaiting } from "./client/record.ts";
export { ClientSession } from "./client/session.ts";
export type { ClientSnapshot } from "./client/snapshot.ts";
export { UsageError } from "./errors.ts";
export { type Exchanged, exchange } from "./exchange.ts";
export { type BurlOptions, isAnnounced, redactUrl } from "./extensions/burl.ts";
export type { CustomExtension, CustomParameter, CustomVerb } from "./extensions/custom.ts";
export type { DeliverByOptions } from "./extensions/deliver-by.ts";
export type {
  AddresseeParameters,
  Extension,
  ExtensionName,
  Extensions,
  OutgoingParameters,
  Parameter,
  Service,
  Surroundings,
} from "./extensions/extension.ts";
export type { FutureReleaseOptions } from "./extensions/future-release.ts";
export type { PriorityOptions } from "./extensions/priority.ts";
export { defaultExtensions, registry } from "./extensions/registry.ts";
export type { SolicitOptions } from "./extensions/solicit.ts";
export type { TrustOptions } from "./extensions/trust.ts";
export { domainToAscii } from "./relay/alabel.ts";
export { nextStep, outcomeReply, type Step, type StepPolicy } from "./relay/attempts.ts";
export type { HeldEnvelope, HeldRecipient } from "./relay/envelope.ts";
export { type Expansion, expandAlias, expandList } from "./relay/expansion.ts";
export {
  HeaderReader,
  loopReply,
  mostHops,
  sameSolicitation,
  solicitationReply,
} from "./relay/header.ts";
export {
  isNotificationDue,
  type Notification,
  notification,
} from "./relay/notification.ts";
export {
  type NextHop,
  type Obstacle,
  type Passage,
  type PassedRecipient,
  passOn,
} from "./relay/pass.ts";
export { requestNotifications } from "./relay/request.ts";
export { type DeliveryAction, deliveryStatus, type Report, reportStatus } from "./relay/status.ts";
export {
  type DnsAnswer,
  type DnsQuestion,
  findRoute,
  groupByTargets,
  type MxRecord,
  type NoRoute,
  type Route,
  type RouteOptions,
  senderTakesNoMail,
  type Target,
} from "./relay/targets.ts";
export { type Reply, reply, replyClass } from "./reply.ts";
export * from "./server/config.ts";
export type * from "./server/events.ts";
export type { Waiting } from "./server/record.ts";
export { ServerSession } from "./server/session.ts";
export { type ServerSettings, settle } from "./server/settings.ts";
export type { ServerSnapshot } from "./server/snapshot.ts";
export {
  type ArgumentKind,
  customRule,
  type Objection,
  type Offer,
  objection,
  type Phase,
  type Reader,
  type Rule,
  rules,
  type Situation,
  type Transaction,
  type Verb,
} from "./server/state.ts";
export type { Attribute, ClientAttributes, ForwardedAttributes } from "./syntax/attributes.ts";
export { decodeBase64, encodeBase64 } from "./syntax/base64.ts";
export type { Capabilities, Limits } from "./syntax/capabilities.ts";
export { type Domain, formatDomain, parseDomain, sameDomain } from "./syntax/domain.ts";
export type { Json } from "./syntax/json.ts";
export {
  type DeliverBy,
  type MailParameters,
  noMailParameters,
  noRcptParameters,
  type OriginalRecipient,
  type RcptParameters,
  type RecipientValidSince,
  type Track,
} from "./syntax/parameters.ts";
export {
  formatMailbox,
  isLocal,
  type Lenient,
  type Mailbox,
  type Path,
  parseAddress,
  sameMailbox,
  strict,
} from "./syntax/path.ts";
export type { ReceivedReply, ReplyLimits } from "./syntax/replies.ts";
export {
  formatDate,
  type ReceivedFacts,
  receivedField,
  returnPathField,
  type TraceSession,
  traceProtocol,
} from "./syntax/trace.ts";
export { decodeXtext, encodeXtext } from "./syntax/xtext.ts";
export type { Millis } from "./time.ts";
export type { BarePolicy } from "./wire/dot.ts";
export { canonicalAddress, inNetworks, type Network, parseNetwork } from "./wire/network.ts";
export type { Endpoint, ProxyHeader, ProxyTls, Tlv } from "./wire/proxy.ts";
export { formatProxyHeader, type ProxyStatement } from "./wire/proxy-format.ts";
export type { Scanner } from "./wire/scan.ts";
export { ContentWriter, type LineEndPolicy, type WriterFault, type WriterOptions } from "./wire/stuff.ts";
export { decodeLossy, decodeUtf8, encodeUtf8 } from "./wire/utf8.ts";

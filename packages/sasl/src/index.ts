/**
 * SASL mechanisms (RFC 4422), client and server, as step machines without I/O: octets in, octets out. Nonces, time and
 * what is stored of a user are inputs.
 *
 * @module
 */
export { anonymousClient, anonymousServer } from "./anonymous.ts";
export {
  type AuthPolicy,
  type Choice,
  type ClientContext,
  type Credentials,
  checkCredentials,
  chooseMechanism,
} from "./choose.ts";
export type { ClientMechanism, StepMechanism } from "./client.ts";
export { sameOctets, sameSecret } from "./compare.ts";
export { cramMd5Client, cramMd5Server } from "./cram-md5.ts";
export { serverEndPoint } from "./end-point.ts";
export { serverExchange } from "./exchange.ts";
export { externalClient, externalServer } from "./external.ts";
export { isMechanism, type MechanismFacts, type MechanismName, mechanismFacts } from "./facts.ts";
export { loginClient, loginServer } from "./login.ts";
export { oauthBearerClient, oauthBearerServer } from "./oauthbearer.ts";
export { plainClient, plainServer } from "./plain.ts";
export { type Prepare, saslprep } from "./prep.ts";
export { type ScramClientOptions, scramClient } from "./scram-client.ts";
export {
  deriveScramKeys,
  formatScramKeys,
  parseScramKeys,
  type ScramHash,
  type ScramKeys,
} from "./scram-keys.ts";
export { type ScramVariant, scramServer } from "./scram-server.ts";
export type {
  Identity,
  OAuthServer,
  ServerContext,
  ServerExchange,
  ServerStep,
  Stored,
} from "./server.ts";
export { xoauth2Client, xoauth2Server } from "./xoauth2.ts";

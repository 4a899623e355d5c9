import { encodeBase64, UsageError } from "@sansmtp/core";
import { anonymousServer } from "./anonymous.ts";
import { cramMd5Server } from "./cram-md5.ts";
import { externalServer } from "./external.ts";
import { isMechanism, type MechanismName } from "./facts.ts";
import { loginServer } from "./login.ts";
import { oauthBearerServer } from "./oauthbearer.ts";
import { plainServer } from "./plain.ts";
import { type ScramVariant, scramServer } from "./scram-server.ts";
import type { ServerContext, ServerExchange } from "./server.ts";
import { xoauth2Server } from "./xoauth2.ts";

/**
 * The server's side of an exchange by a mechanism, which the client has named. Nothing that a client sends makes a call
 * throw.
 *
 * @throws {UsageError} when the mechanism is not one of `mechanismFacts`
 */
export function serverExchange(mechanism: string, context: ServerContext): ServerExchange {
  if (!isMechanism(mechanism)) throw new UsageError(`mechanism: ${JSON.stringify(mechanism)}`);
  return makers[mechanism](context);
}

/** A nonce of the length that SCRAM asks for (A-SCRAM-04): 18 octets. */
export function nonceOf(random: ServerContext["random"]): string {
  return encodeBase64(random(18));
}

const makers: Readonly<Record<MechanismName, (context: ServerContext) => ServerExchange>> = {
  EXTERNAL: externalServer,
  "SCRAM-SHA-256-PLUS": scram({ hash: "SHA-256", plus: true }),
  "SCRAM-SHA-256": scram({ hash: "SHA-256", plus: false }),
  "SCRAM-SHA-1-PLUS": scram({ hash: "SHA-1", plus: true }),
  "SCRAM-SHA-1": scram({ hash: "SHA-1", plus: false }),
  OAUTHBEARER: oauthBearerServer,
  XOAUTH2: xoauth2Server,
  "CRAM-MD5": (context) => cramMd5Server(challenge(context), context),
  PLAIN: plainServer,
  LOGIN: loginServer,
  ANONYMOUS: anonymousServer,
};

function scram(variant: ScramVariant): (context: ServerContext) => ServerExchange {
  return (context) => scramServer(variant, nonceOf(context.random), context);
}

/** `<random.time@host>` (RFC 2195 §2). */
function challenge({ random, now, host }: ServerContext): string {
  const digits = [...random(16)].map((octet) => octet.toString(16).padStart(2, "0")).join("");
  return `<${digits}.${Math.floor(now)}@${host}>`;
}

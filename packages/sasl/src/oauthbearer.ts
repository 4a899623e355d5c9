import { decodeUtf8, UsageError } from "@sansmtp/core";
import {
  assertToken,
  BearerServer,
  bearerClient,
  bearerIdentity,
  separator,
  tokenOf,
  unusableName,
} from "./bearer.ts";
import { assertText, type StepMechanism } from "./client.ts";
import { gs2Header, parseGs2 } from "./gs2.ts";
import {
  denied,
  emptyChallenge,
  malformed,
  type ServerContext,
  type ServerExchange,
  type ServerStep,
} from "./server.ts";

/**
 * OAUTHBEARER (RFC 7628), the client's side. For TLS only.
 *
 * @param options host, port: what the client has connected to
 * @throws {UsageError} when the token has not the form of one
 */
export function oauthBearerClient(options: {
  readonly user?: string;
  readonly token: string;
  readonly host?: string;
  readonly port?: number;
}): StepMechanism {
  const { user, token, host, port } = options;
  assertToken(token);
  if (user !== undefined) assertText("user", user);
  if (host !== undefined && !/^[^\s\x00-\x1f]+$/.test(host))
    throw new UsageError("host: not the name of one");
  const parts = [
    gs2Header("n", user ?? null),
    ...(host === undefined ? [] : [`host=${host}`]),
    ...(port === undefined ? [] : [`port=${port}`]),
    `auth=Bearer ${token}`,
  ];
  return bearerClient("OAUTHBEARER", parts.join(separator) + separator + separator, separator);
}

/** OAUTHBEARER, the server's side. */
export function oauthBearerServer(context: ServerContext): ServerExchange {
  return new OAuthBearerServer("OAUTHBEARER", context);
}

class OAuthBearerServer extends BearerServer {
  protected readonly invalid = "invalid_token";

  protected read(response: Uint8Array | null): ServerStep {
    if (response === null) return emptyChallenge;
    if (response.length === 1 && response[0] === 1)
      return denied("A-OAUTH-05", "nothing but the end was said");
    const gs2 = parseGs2(tolerated(decodeUtf8(response) ?? ""));
    const pairs = gs2 === null ? null : pairsOf(gs2.rest);
    if (gs2 === null || pairs === null)
      return malformed("A-OAUTH-01", "not a header and pairs of key and value");
    // Channel binding is not for this mechanism, as this server has it.
    if (typeof gs2.binding !== "string")
      return denied("A-OAUTH-01", "channel binding in a mechanism without it");
    const token = tokenOf(pairs.get("auth") ?? "");
    const port = pairs.get("port");
    if (token === null) return malformed("A-OAUTH-01", "there is no bearer token");
    if (port !== undefined && !/^[1-9][0-9]{0,4}$/.test(port))
      return malformed("A-OAUTH-01", "the port is no number");
    const { oauth = {} } = this.context;
    const elsewhere =
      differs(pairs.get("host")?.toLowerCase(), oauth.host?.toLowerCase()) ||
      differs(port, oauth.port?.toString());
    if (elsewhere)
      return this.refuse(denied("A-OAUTH-04", "the token is for another host or port"), "invalid_request");
    const identity = bearerIdentity(gs2.authzid ?? "", this.context);
    return identity === null ? unusableName : this.identified(identity, token);
  }

  protected complaint(status: string): Record<string, string> {
    const { scope, openidConfiguration } = this.context.oauth ?? {};
    return {
      status,
      ...(scope === undefined ? {} : { scope }),
      ...(openidConfiguration === undefined ? {} : { "openid-configuration": openidConfiguration }),
    };
  }
}

/** RFC 7628 §4.4 has an example with `n,user=name,`, which is against its own grammar. */
function tolerated(message: string): string {
  return message.replace(/^n,user=/, "n,a=");
}

/** Null when they are not ended as they should be; of a key that comes twice, too. */
function pairsOf(text: string): Map<string, string> | null {
  if (!text.startsWith(separator) || !text.endsWith(separator + separator)) return null;
  const found = text
    .slice(1, -2)
    .split(separator)
    .map((pair) => /^([A-Za-z]+)=([\t\n\r\x20-\x7e\x80-\u{10ffff}]*)$/u.exec(pair));
  const pairs = new Map<string, string>();
  for (const pair of found) {
    if (pair === null || pairs.has(pair[1])) return null;
    pairs.set(pair[1], pair[2]);
  }
  return pairs;
}

function differs(said: string | undefined, own: string | undefined): boolean {
  return said !== undefined && own !== undefined && said !== own;
}

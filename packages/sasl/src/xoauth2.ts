import { decodeUtf8 } from "@sansmtp/core";
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
import {
  emptyChallenge,
  malformed,
  type ServerContext,
  type ServerExchange,
  type ServerStep,
} from "./server.ts";

/**
 * XOAUTH2, which Google and Microsoft have in the place of OAUTHBEARER, the client's side. For TLS only.
 *
 * @throws {UsageError} when name or token cannot be said
 */
export function xoauth2Client({
  user,
  token,
}: {
  readonly user: string;
  readonly token: string;
}): StepMechanism {
  assertText("user", user);
  assertToken(token);
  if (user.includes(separator)) assertText("user", undefined);
  return bearerClient("XOAUTH2", `user=${user}${separator}auth=Bearer ${token}${separator}${separator}`, "");
}

/** XOAUTH2, the server's side. */
export function xoauth2Server(context: ServerContext): ServerExchange {
  return new XOAuth2Server("XOAUTH2", context);
}

class XOAuth2Server extends BearerServer {
  protected readonly invalid = "401";

  protected read(response: Uint8Array | null): ServerStep {
    if (response === null) return emptyChallenge;
    const [, user, auth] =
      /^user=([^\x00\x01]+)\x01auth=([^\x00\x01]+)\x01\x01$/.exec(decodeUtf8(response) ?? "") ?? [];
    const token = auth === undefined ? null : tokenOf(auth);
    if (token === null) return malformed("A-XOA-01", "not a user and a bearer token");
    const identity = bearerIdentity(user, this.context);
    return identity === null ? unusableName : this.identified(identity, token);
  }

  protected complaint(status: string): Record<string, string> {
    const scope = this.context.oauth?.scope;
    return { status, schemes: "Bearer", ...(scope === undefined ? {} : { scope }) };
  }
}

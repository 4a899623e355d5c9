import { decodeUtf8, encodeUtf8 } from "@sansmtp/core";
import { assertText, oneMessage, type StepMechanism } from "./client.ts";
import { identify } from "./identity.ts";
import {
  denied,
  Exchange,
  emptyChallenge,
  malformed,
  type ServerContext,
  type ServerExchange,
  type ServerStep,
  type Stored,
} from "./server.ts";
import { isAllowed } from "./stored.ts";

/**
 * EXTERNAL (RFC 4422 App. A), the client's side: the certificate has said who it is.
 *
 * @param authzid as whom to act; empty: as oneself
 * @throws {UsageError} when it holds NUL
 */
export function externalClient(authzid = ""): StepMechanism {
  assertText("external", authzid, "empty");
  return oneMessage("EXTERNAL", false, encodeUtf8(authzid));
}

/** EXTERNAL, the server's side: only for a client with a certificate. */
export function externalServer(context: ServerContext): ServerExchange {
  return new ExternalServer(context);
}

class ExternalServer extends Exchange {
  readonly #context: ServerContext;

  constructor(context: ServerContext) {
    super("EXTERNAL");
    this.#context = context;
  }

  protected respond(response: Uint8Array | null): ServerStep {
    if (response === null) return emptyChallenge;
    const { certificate } = this.#context;
    const authzid = decodeUtf8(response);
    if (authzid === null || authzid.includes("\0")) return malformed("A-EXT-01", "not a name in UTF-8");
    if (certificate === null) return denied("A-EXT-02", "the client has no certificate");
    const identity = identify("external", authzid, this.#context);
    if (identity === null) return denied("A-EXT-02", "the name cannot be prepared");
    return this.identified({ ...identity, user: certificate });
  }

  protected judge(stored: Stored): ServerStep {
    return this.conclude(isAllowed(stored));
  }
}

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
import { isRight } from "./stored.ts";

/**
 * PLAIN (RFC 4616), the client's side: name and password as they are. For TLS only.
 *
 * @throws {UsageError} when they are empty or hold NUL
 */
export function plainClient(options: {
  readonly user: string;
  readonly pass: string;
  readonly authzid?: string;
}): StepMechanism {
  const { user, pass, authzid = "" } = options;
  assertText("user", user);
  assertText("pass", pass);
  assertText("authzid", authzid, "empty");
  return oneMessage("PLAIN", true, encodeUtf8(`${authzid}\0${user}\0${pass}`));
}

/** PLAIN, the server's side. */
export function plainServer(context: ServerContext): ServerExchange {
  return new PlainServer(context);
}

class PlainServer extends Exchange {
  readonly #context: ServerContext;

  constructor(context: ServerContext) {
    super("PLAIN");
    this.#context = context;
  }

  protected respond(response: Uint8Array | null): ServerStep {
    if (response === null) return emptyChallenge;
    const parts = decodeUtf8(response)?.split("\0");
    if (parts?.length !== 3 || parts[1] === "" || parts[2] === "")
      return malformed("A-PLAIN-01", "not [authzid] NUL name NUL password");
    if (parts.some((part) => encodeUtf8(part).length > longest))
      return malformed("A-PLAIN-02", `a part of more than ${longest} octets`);
    const [authzid, user, password] = parts;
    const identity = identify(user, authzid, this.#context);
    if (identity === null) return denied("A-PLAIN-03", "the name cannot be prepared");
    return this.identified(identity, password);
  }

  protected judge(stored: Stored): ServerStep {
    return this.conclude(isRight(this.secret ?? "", stored, this.mechanism, this.#context));
  }
}

/** Octets of each part (RFC 4616 §2). */
const longest = 255;

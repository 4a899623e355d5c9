import { decodeUtf8, encodeUtf8 } from "@sansmtp/core";
import { assertText, type StepMechanism } from "./client.ts";
import { identify } from "./identity.ts";
import {
  denied,
  Exchange,
  malformed,
  type ServerContext,
  type ServerExchange,
  type ServerStep,
  type Stored,
} from "./server.ts";
import { isRight } from "./stored.ts";

/**
 * LOGIN, which no RFC has, the client's side. What the challenges say does not matter: the name is first, the password
 * second. For TLS only, and where PLAIN cannot be had.
 *
 * @throws {UsageError} when they are empty or hold NUL
 */
export function loginClient({ user, pass }: { readonly user: string; readonly pass: string }): StepMechanism {
  assertText("user", user);
  assertText("pass", pass);
  const responses = [user, pass];
  return {
    name: "LOGIN",
    cleartext: true,
    initial: null,
    get complete() {
      return responses.length === 0;
    },
    respond: () => {
      const next = responses.shift();
      return next === undefined ? null : encodeUtf8(next);
    },
  };
}

/** LOGIN, the server's side. A name that comes with the command counts as answer to the first challenge. */
export function loginServer(context: ServerContext): ServerExchange {
  return new LoginServer(context);
}

class LoginServer extends Exchange {
  readonly #context: ServerContext;
  #user: string | null = null;

  constructor(context: ServerContext) {
    super("LOGIN");
    this.#context = context;
  }

  protected respond(response: Uint8Array | null): ServerStep {
    if (response === null) return { type: "challenge", octets: encodeUtf8("Username:") };
    const text = decodeUtf8(response);
    if (text === null || text === "" || text.includes("\0"))
      return malformed("A-LOGIN-01", "neither a name nor a password");
    if (this.#user === null) {
      this.#user = text;
      return { type: "challenge", octets: encodeUtf8("Password:") };
    }
    const identity = identify(this.#user, null, this.#context);
    if (identity === null) return denied("A-LOGIN-01", "the name cannot be prepared");
    return this.identified(identity, text);
  }

  protected judge(stored: Stored): ServerStep {
    return this.conclude(isRight(this.secret ?? "", stored, this.mechanism, this.#context));
  }
}

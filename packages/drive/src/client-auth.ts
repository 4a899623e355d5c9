import type { ClientSession, Failure, ReceivedReply } from "@sansmtp/core";
import {
  type AuthPolicy,
  type ClientContext,
  type ClientMechanism,
  type Credentials,
  checkCredentials,
  chooseMechanism,
} from "@sansmtp/sasl";
import type { CommandJob } from "./client-jobs.ts";

/**
 * How a client authenticates: by credentials, for which the strongest mechanism is taken that the server offers and
 * the policy allows; or by a mechanism of one's own, or a function that makes one for each connection.
 */
export type Auth = (Credentials & AuthPolicy) | ClientMechanism | (() => ClientMechanism);

/** The client that is to be authenticated. */
export interface Authenticating {
  readonly session: ClientSession;
  /** What the choice depends on, as of now. */
  context(): Omit<ClientContext, "secure" | "tried">;
  /** AUTH was asked of the session. */
  asked(id: number, job: CommandJob): void;
  succeeded(): void;
  failed(failure: Failure, reply: ReceivedReply | null): void;
  /** A mechanism threw. */
  report(error: unknown): void;
  /** A call to the session that comes later, unless all is over by then. */
  later(call: () => void): void;
  /** Whether all is over: nobody waits for a response any more. */
  over(): boolean;
}

/** Authenticates a client, with a second mechanism if the first is refused. */
export class ClientAuthentication {
  readonly #auth: Auth;
  readonly #client: Authenticating;
  #mechanism: ClientMechanism | null = null;
  #gaveUp = false;

  constructor(auth: Auth, client: Authenticating) {
    this.#auth = auth;
    this.#client = client;
  }

  /** The server has said what it offers. */
  begin(): void {
    const auth = this.#auth;
    if (typeof auth === "function") return this.#try(auth());
    if (isMechanism(auth)) return this.#try(auth);
    const { mechanism, reason } = this.#choice(auth);
    if (mechanism !== null) return this.#try(mechanism);
    const detail =
      reason === "insecure"
        ? "every mechanism in question would show the credentials, since there is no TLS"
        : "the server offers no mechanism that fits the credentials";
    this.#client.failed(
      { code: reason === "insecure" ? "auth-in-the-clear" : "auth-not-offered", detail },
      null,
    );
  }

  /** The server has sent a challenge. */
  respond(challenge: Uint8Array): void {
    let response: Uint8Array | null | Promise<Uint8Array | null>;
    try {
      response = this.#response(challenge);
    } catch (error) {
      response = this.#threw(error);
    }
    if (!(response instanceof Promise)) return this.#say(response);
    response
      .catch((error: unknown) => this.#threw(error))
      .then((octets) => this.#client.later(() => this.#say(octets)));
  }

  /** What takes its time is done in steps, so that a server cannot hold up whatever else goes on in the process. */
  #response(challenge: Uint8Array): ReturnType<ClientMechanism["respond"]> {
    const mechanism = this.#mechanism;
    if (mechanism === null) return null;
    const steps = mechanism.respondInSteps?.(challenge);
    if (steps === undefined) return mechanism.respond(challenge);
    const { done, value } = steps.next();
    return done ? value : this.#goOn(steps);
  }

  async #goOn(steps: Generator<undefined, Uint8Array | null>): Promise<Uint8Array | null> {
    for (;;) {
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
      if (this.#client.over()) return null;
      const { done, value } = steps.next();
      if (done) return value;
    }
  }

  #choice(credentials: Credentials & AuthPolicy, tried?: string): ReturnType<typeof chooseMechanism> {
    const { session } = this.#client;
    const secure = session.secure || session.settings.allowInsecureAuth;
    const context = { ...this.#client.context(), secure, ...(tried === undefined ? {} : { tried }) };
    return chooseMechanism(session.capabilities.auth, credentials, context, credentials);
  }

  #try(mechanism: ClientMechanism, second = false): void {
    const { name, initial = null, cleartext } = mechanism;
    this.#mechanism = mechanism;
    const id = this.#client.session.auth(name, initial, cleartext === undefined ? {} : { cleartext });
    this.#client.asked(id, {
      kind: "command",
      replied: (reply) => this.#replied(mechanism, reply, second),
      skipped: (failure, reply) => this.#client.failed(failure, reply),
    });
  }

  #replied({ name, complete }: ClientMechanism, reply: ReceivedReply, second: boolean): void {
    const accepted = Math.trunc(reply.code / 100) === 2;
    if (accepted && complete !== false) return this.#client.succeeded();
    // RFC 4954 §6: 535 may be the mechanism's, not the password's. But who could not prove itself is told no more.
    const auth = this.#auth;
    const again = reply.code === 535 && !second && !this.#gaveUp;
    if (again && typeof auth !== "function" && !isMechanism(auth)) {
      const { mechanism } = this.#choice(auth, name);
      if (mechanism !== null) return this.#try(mechanism, true);
    }
    const detail = accepted
      ? "the server claims success before the authentication was complete"
      : this.#gaveUp
        ? "the server's part of the authentication is not right"
        : "the server does not accept the authentication";
    this.#client.failed({ code: "auth-refused", detail }, reply);
  }

  #say(response: Uint8Array | null): void {
    this.#gaveUp ||= response === null;
    this.#client.session.respond(response);
  }

  #threw(error: unknown): null {
    this.#client.report(error);
    return null;
  }
}

/** @throws {UsageError} naming what cannot be, and not saying what it is */
export function checkAuth(auth: Auth): void {
  if (typeof auth !== "function" && !isMechanism(auth)) checkCredentials(auth, auth);
}

function isMechanism(auth: Exclude<Auth, () => ClientMechanism>): auth is ClientMechanism {
  return "respond" in auth;
}

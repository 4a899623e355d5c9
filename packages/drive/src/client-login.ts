import type { ClientAttributes, Failure, ReceivedReply } from "@sansmtp/core";
import { type Auth, type Authenticating, ClientAuthentication } from "./client-auth.ts";

/** What is wanted before messages are sent. */
export interface Wanted {
  readonly auth?: Auth;
  readonly xclient?: ClientAttributes;
}

/** What comes between a session that is ready and a client that is: XCLIENT, then AUTH, as far as they are wanted. */
export class Login {
  readonly #wanted: Wanted;
  readonly #client: Authenticating;
  #presented = false;
  /** Null: none is wanted, or it has not begun. */
  #authenticates: ClientAuthentication | null = null;

  constructor(wanted: Wanted, client: Authenticating) {
    this.#wanted = wanted;
    this.#client = client;
  }

  /** The session is ready, which it says again after XCLIENT. */
  proceed(): void {
    const { auth, xclient } = this.#wanted;
    if (!this.#presented && xclient !== undefined) return this.#present(xclient);
    if (this.#authenticates !== null || auth === undefined) return this.#client.succeeded();
    this.#authenticates = new ClientAuthentication(auth, this.#client);
    this.#authenticates.begin();
  }

  /** The server has sent a challenge. */
  respond(challenge: Uint8Array): void {
    this.#authenticates?.respond(challenge);
  }

  #present(attributes: ClientAttributes): void {
    this.#presented = true;
    const refused: Failure = {
      code: "xclient-refused",
      detail: "the server does not take XCLIENT from here",
    };
    this.#client.asked(this.#client.session.xclient(attributes), {
      kind: "command",
      replied: (reply: ReceivedReply) => {
        if (Math.trunc(reply.code / 100) !== 2) this.#client.failed(refused, reply);
      },
      skipped: (failure, reply) => this.#client.failed(failure, reply),
    });
  }
}

import { type Capabilities, encodeUtf8, UsageError } from "@sansmtp/core";

/** A name and a password, for PLAIN (RFC 4616) or, where that is not offered, LOGIN. */
export interface Credentials {
  readonly user: string;
  readonly pass: string;
}

/** The client's side of a SASL mechanism (RFC 4422), for one exchange: where several may come, give a function. */
export interface Mechanism {
  /** As the server lists it: `PLAIN`, `XOAUTH2`. */
  readonly name: string;
  /** The initial response; null: the server speaks first. Default null. */
  readonly initial?: Uint8Array | null;
  /** An eavesdropper could use what is said: it is said inside TLS only. Default: for the mechanisms known as such. */
  readonly cleartext?: boolean;
  /** False: the exchange is not complete, and the server's success would be a lie (RFC 5802 §5). Default true. */
  readonly complete?: boolean;
  /** The response to a challenge; null gives up. */
  respond(challenge: Uint8Array): Uint8Array | null | Promise<Uint8Array | null>;
}

/** How to authenticate at a server that offers this. */
export function mechanismOf(
  auth: Credentials | Mechanism | (() => Mechanism),
  { auth: offered }: Capabilities,
): Mechanism {
  if (typeof auth === "function") return auth();
  if ("respond" in auth) return auth;
  return offered.includes("LOGIN") && !offered.includes("PLAIN") ? login(auth) : plain(auth);
}

/** @throws {UsageError} naming what cannot be (RFC 4616 §2), and not saying what it is */
export function checkCredentials(auth: Credentials | Mechanism | (() => Mechanism)): void {
  if (typeof auth === "function" || "respond" in auth) return;
  for (const [name, value] of Object.entries({ user: auth.user, pass: auth.pass })) {
    if (typeof value !== "string" || value === "" || value.includes("\0"))
      throw new UsageError(`auth.${name}: must be text, not empty, without NUL`);
  }
}

function plain({ user, pass }: Credentials): Mechanism {
  return { name: "PLAIN", cleartext: true, initial: encodeUtf8(`\0${user}\0${pass}`), respond: () => null };
}

/** What the challenges say does not matter: the name is first, the password second. */
function login({ user, pass }: Credentials): Mechanism {
  const responses = [user, pass];
  return {
    name: "LOGIN",
    cleartext: true,
    get complete() {
      return responses.length === 0;
    },
    respond: () => {
      const next = responses.shift();
      return next === undefined ? null : encodeUtf8(next);
    },
  };
}

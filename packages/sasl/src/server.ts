import { UsageError } from "@sansmtp/core";
import type { Prepare } from "./prep.ts";
import type { ScramKeys } from "./scram-keys.ts";

/** Who authenticates, and as whom. */
export interface Identity {
  /**
   * The name, prepared (RFC 4013). For EXTERNAL the subject of the client's certificate; for OAUTHBEARER the name that
   * the client gives, which may be empty, as it is the token that counts; for ANONYMOUS `anonymous`.
   */
  readonly user: string;
  /** As whom the user wants to act, prepared; null: as himself. */
  readonly authzid: string | null;
  /** What an anonymous client says about itself (RFC 4505): not to be trusted, control characters taken out. */
  readonly trace: string | null;
}

/**
 * What the application knows of a user:
 *
 * - `{ password }`: fits every mechanism with a password or a token;
 * - keys of SCRAM, of one hash or of several: they fit SCRAM, PLAIN and LOGIN;
 * - a function that is given the password or the token, for mechanisms that say it;
 * - `true`, for mechanisms that prove nothing here: EXTERNAL, where TLS did it, and ANONYMOUS;
 * - `null`: there is no such user. It looks to the client like a wrong password;
 * - `false`: the user may not.
 */
export type Stored =
  | { readonly password: string }
  | ScramKeys
  | readonly ScramKeys[]
  | ((secret: string) => boolean)
  | boolean
  | null;

/** What to do next in an exchange. */
export type ServerStep =
  /** Send it, and give the response to `receive`. */
  | { readonly type: "challenge"; readonly octets: Uint8Array }
  /** Find out about this user, and call `verify`. */
  | { readonly type: "identity"; readonly identity: Identity }
  /**
   * The client is who it says. `data`, if there is some, goes with the success: in SMTP as a last challenge, which the
   * client answers with an empty line (RFC 4954 §4).
   */
  | { readonly type: "success"; readonly identity: Identity; readonly data: Uint8Array | null }
  /** It is not, or has said what cannot be understood. Neither `detail` nor anything else has secrets in it. */
  | {
      readonly type: "failure";
      readonly reason: "malformed" | "denied";
      /** The requirement, as numbered in the catalogue: `A-PLAIN-01`. */
      readonly rule: string;
      readonly detail: string;
    };

/** What a server's side depends on. Nothing of it comes from the client's octets. */
export interface ServerContext {
  /** Random octets, so many, for nonces and challenges. */
  readonly random: (octets: number) => Uint8Array;
  /** Secret of the server, the same for a long time: it makes the salts of users that do not exist. */
  readonly secret: Uint8Array;
  /** What the challenge of CRAM-MD5 names: the server. */
  readonly host: string;
  /** The time, from any origin, in milliseconds: also for CRAM-MD5. */
  readonly now: number;
  /** Channel binding data by type (RFC 5056). */
  readonly bindings: Readonly<Record<string, Uint8Array>>;
  /** A -PLUS mechanism is listed: a client that thinks otherwise was deceived (RFC 5802 §6). */
  readonly plus: boolean;
  /** The subject of the client's certificate; null: none was verified. */
  readonly certificate: string | null;
  /** Rounds of SCRAM for users without keys. At least 4096. Default 4096 (RFC 7677 §4). */
  readonly iterations?: number;
  /**
   * What the application gives for users: what does not exist takes the time that they take. Default `keys`.
   */
  readonly unknownAs?: "keys" | "password";
  /** What is known of the server in the way of OAuth (RFC 7628). */
  readonly oauth?: OAuthServer;
  /** How names and passwords are prepared. Default {@link saslprep}. */
  readonly prepare?: Prepare;
}

/** What a server of bearer tokens may check, and say to clients whose token it does not take. */
export interface OAuthServer {
  /** What clients connect to. Left out: it is not checked. */
  readonly host?: string;
  readonly port?: number;
  /** The scope that a token must have. */
  readonly scope?: string;
  /** Where a client finds out how to get a token (RFC 8414). */
  readonly openidConfiguration?: string;
}

/** The server's side of one exchange. Made by `serverExchange`. */
export interface ServerExchange {
  /** As listed. */
  readonly mechanism: string;
  /** Who authenticates; null: not known yet. */
  readonly identity: Identity | null;
  /** The password or the token that the client has said; null: it was not said, as in SCRAM. */
  readonly secret: string | null;
  /**
   * The client's response; null: it has sent none, and the server speaks first.
   *
   * @throws {UsageError} when no response is due
   */
  receive(response: Uint8Array | null): ServerStep;
  /**
   * What the application knows of the user, after `identity`. SCRAM and CRAM-MD5 then go on with a challenge.
   *
   * @param mayAct whether the user may act as `authzid`; by default as himself only (RFC 4616 §2)
   * @throws {UsageError} when no identity was given, or the mechanism cannot do with what is given
   */
  verify(stored: Stored, mayAct?: boolean): ServerStep;
}

/** What all mechanisms have in common: which call is due, and who may act as whom. */
export abstract class Exchange implements ServerExchange {
  readonly mechanism: string;
  identity: Identity | null = null;
  secret: string | null = null;
  #due: "response" | "verdict" | "nothing" = "response";
  #mayAct = false;

  constructor(mechanism: string) {
    this.mechanism = mechanism;
  }

  receive(response: Uint8Array | null): ServerStep {
    if (this.#due !== "response") throw new UsageError(`${this.mechanism}: no response is due`);
    return this.#took(this.respond(response));
  }

  verify(stored: Stored, mayAct?: boolean): ServerStep {
    const { identity } = this;
    if (this.#due !== "verdict" || identity === null)
      throw new UsageError(`${this.mechanism}: no verdict is due`);
    this.#mayAct = mayAct ?? (identity.authzid === null || identity.authzid === identity.user);
    return this.#took(this.judge(stored));
  }

  protected abstract respond(response: Uint8Array | null): ServerStep;
  protected abstract judge(stored: Stored): ServerStep;

  /** The client has said who it is. */
  protected identified(identity: Identity, secret: string | null = null): ServerStep {
    this.identity = identity;
    this.secret = secret;
    return { type: "identity", identity };
  }

  /** The client has proved it, or not. */
  protected conclude(proved: boolean, data: Uint8Array | null = null): ServerStep {
    const identity = this.identity as Identity;
    if (!proved) return wrongCredentials;
    if (!this.#mayAct) return denied("A-PLAIN-04", "the user may not act as somebody else");
    return { type: "success", identity, data };
  }

  #took(step: ServerStep): ServerStep {
    this.#due = step.type === "challenge" ? "response" : step.type === "identity" ? "verdict" : "nothing";
    return step;
  }
}

/** A server speaks first, and says nothing (RFC 4954 §4). */
export const emptyChallenge: ServerStep = { type: "challenge", octets: new Uint8Array(0) };

/** The client's octets cannot be understood. */
export function malformed(rule: string, detail: string): ServerStep {
  return { type: "failure", reason: "malformed", rule, detail };
}

/** They can, and are not good enough. */
export function denied(rule: string, detail: string): ServerStep {
  return { type: "failure", reason: "denied", rule, detail };
}

/** The one failure of unknown users and wrong passwords. */
const wrongCredentials: ServerStep = denied("A-AUTH-13", "the credentials are not right");

/** The kind of thing that was stored does not fit the mechanism. */
export function unfit(mechanism: string, needs: string): never {
  throw new UsageError(`${mechanism}: to verify it, ${needs}`);
}

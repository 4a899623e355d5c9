import { encodeUtf8, UsageError } from "@sansmtp/core";
import type { StepMechanism } from "./client.ts";
import { sameSecret } from "./compare.ts";
import { saslprep } from "./prep.ts";
import {
  denied,
  Exchange,
  type Identity,
  type ServerContext,
  type ServerStep,
  type Stored,
  unfit,
} from "./server.ts";

// What OAUTHBEARER and XOAUTH2 have in common: a token, and a refusal that comes as a challenge.

/** The parts of both messages end so. */
export const separator = "\x01";

/**
 * The client's side. A challenge means that the token was not taken.
 *
 * @param farewell the answer to that challenge, behind which the server says so
 */
export function bearerClient(name: string, message: string, farewell: string): StepMechanism {
  let refused = false;
  return {
    name,
    cleartext: true,
    initial: encodeUtf8(message),
    get complete() {
      return !refused;
    },
    respond: () => {
      if (refused) return null;
      refused = true;
      return encodeUtf8(farewell);
    },
  };
}

/** @throws {UsageError} when it has not the form of a token (RFC 6750 §2.1), not saying what it is */
export function assertToken(token: unknown): void {
  if (typeof token !== "string" || !/^[A-Za-z0-9._~+/-]+=*$/.test(token))
    throw new UsageError("token: letters, digits and -._~+/ only, with = at the end");
}

/** The token of `Bearer token`; null: it is something else. */
export function tokenOf(value: string): string | null {
  return /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(value)?.[1] ?? null;
}

/** The name as the client gives it, prepared; null: it cannot be. Empty stays empty. */
export function bearerIdentity(user: string, context: ServerContext): Identity | null {
  const name = user === "" ? "" : (context.prepare ?? saslprep)(user, "query");
  return name === null || (name === "" && user !== "") ? null : { user: name, authzid: null, trace: null };
}

/** The server's side: the refusal is a challenge, whose answer does not matter (RFC 7628 §3.2.3). */
export abstract class BearerServer extends Exchange {
  protected readonly context: ServerContext;
  #refused: ServerStep | null = null;

  constructor(mechanism: string, context: ServerContext) {
    super(mechanism);
    this.context = context;
  }

  protected respond(response: Uint8Array | null): ServerStep {
    return this.#refused ?? this.read(response);
  }

  protected judge(stored: Stored): ServerStep {
    const step = this.conclude(takes(stored, this.secret ?? "", this.mechanism));
    return step.type === "failure" ? this.refuse(step, this.invalid) : step;
  }

  /** Says why in JSON, and fails when the client has answered. */
  protected refuse(failure: ServerStep, status: string): ServerStep {
    this.#refused = failure;
    return { type: "challenge", octets: encodeUtf8(JSON.stringify(this.complaint(status))) };
  }

  protected abstract readonly invalid: string;
  protected abstract read(response: Uint8Array | null): ServerStep;
  protected abstract complaint(status: string): Record<string, string>;
}

/** The name of a client that cannot be one. */
export const unusableName: ServerStep = denied("A-AUTH-16", "the name cannot be prepared");

function takes(stored: Stored, token: string, mechanism: string): boolean {
  if (typeof stored === "function") return stored(token) === true;
  if (stored === null || stored === false) return false;
  if (stored === true || !("password" in stored))
    return unfit(mechanism, "a function that looks at the token is needed, or the token itself");
  return stored.password !== "" && sameSecret(token, stored.password);
}

import { UsageError } from "@sansmtp/core";
import { anonymousClient } from "./anonymous.ts";
import { assertToken } from "./bearer.ts";
import { assertText, type StepMechanism } from "./client.ts";
import { cramMd5Client } from "./cram-md5.ts";
import { nonceOf } from "./exchange.ts";
import { externalClient } from "./external.ts";
import { bindingTypes, isMechanism, type MechanismName, mechanismFacts } from "./facts.ts";
import { loginClient } from "./login.ts";
import { oauthBearerClient } from "./oauthbearer.ts";
import { plainClient } from "./plain.ts";
import { type Prepare, saslprep } from "./prep.ts";
import { scramClient } from "./scram-client.ts";
import type { ScramHash } from "./scram-keys.ts";
import { xoauth2Client } from "./xoauth2.ts";

/** Who the client is, and how it can show that. */
export type Credentials =
  /** A name and a password; `authzid`: as whom to act. */
  | { readonly user: string; readonly pass: string; readonly authzid?: string }
  /** A name and an access token of OAuth 2.0. */
  | { readonly user: string; readonly token: string }
  /** The certificate that the client shows in TLS; the text is as whom to act, empty: as oneself. */
  | { readonly external: string }
  /** Nobody: an address or a word for the server's log, or empty. */
  | { readonly anonymous: string };

/** What the caller allows. */
export interface AuthPolicy {
  /** None but these. Their order does not matter: the strongest is taken. Default: all that fit the credentials. */
  readonly mechanisms?: readonly string[];
  /** Rounds of SCRAM that are too few to be safe. Default 4096. */
  readonly minIterations?: number;
  /** Rounds of SCRAM that take too long. Default 10,000,000: many seconds of work. */
  readonly maxIterations?: number;
  /** How names and passwords are prepared for SCRAM. Default {@link saslprep}. */
  readonly prepare?: Prepare;
}

/** What a client's choice depends on, beside what is offered. */
export interface ClientContext {
  /** Random octets, so many, for nonces. */
  readonly random: (octets: number) => Uint8Array;
  /** TLS is active, or the caller allows to do without: credentials may be shown to the server. */
  readonly secure: boolean;
  /** Channel binding data by type (RFC 5056). Default none. */
  readonly bindings?: Readonly<Record<string, Uint8Array>>;
  /** What the client has connected to, for OAUTHBEARER. */
  readonly host?: string;
  readonly port?: number;
  /** The mechanism that was tried already, and refused: of the weaker ones, one that says the password is taken. */
  readonly tried?: string;
}

/** A mechanism, or why there is none. */
export type Choice =
  | { readonly mechanism: StepMechanism; readonly reason: null }
  /** `not-offered`: the server has none that fits. `insecure`: it has, but that would show the credentials. */
  | { readonly mechanism: null; readonly reason: "not-offered" | "insecure" };

/**
 * The strongest mechanism that the server offers, the credentials fit and the policy allows (RFC 4954 §4). Where the
 * channel can be bound it is; after a refusal with channel binding nothing without it is tried, since to make a client
 * do that is what somebody in between would want.
 *
 * @throws {UsageError} when the credentials can never be said
 */
export function chooseMechanism(
  offered: readonly string[],
  credentials: Credentials,
  context: ClientContext,
  policy: AuthPolicy = {},
): Choice {
  checkCredentials(credentials, policy);
  const fitting = (Object.keys(mechanismFacts) as MechanismName[]).filter(
    (name) =>
      offered.includes(name) &&
      (policy.mechanisms?.includes(name) ?? true) &&
      fits(name, credentials, policy) &&
      binds(name, context) &&
      isAfter(name, context.tried),
  );
  const usable = fitting.filter((name) => context.secure || !mechanismFacts[name].cleartext);
  // What a server cannot verify by what it has stored it can by the password itself.
  const second =
    context.tried === undefined ? undefined : usable.find((name) => mechanismFacts[name].cleartext);
  const chosen = second ?? usable[0];
  if (chosen === undefined)
    return { mechanism: null, reason: fitting.length > 0 ? "insecure" : "not-offered" };
  return { mechanism: make(chosen, offered, credentials, context, policy), reason: null };
}

/** @throws {UsageError} naming what cannot be, and not saying what it is */
export function checkCredentials(credentials: Credentials, policy: AuthPolicy = {}): void {
  if ("external" in credentials) assertText("auth.external", credentials.external, "empty");
  else if ("anonymous" in credentials) anonymousClient(credentials.anonymous);
  else if ("token" in credentials) {
    assertText("auth.user", credentials.user);
    assertToken(credentials.token);
  } else {
    assertText("auth.user", credentials.user);
    assertText("auth.pass", credentials.pass);
    if (credentials.authzid !== undefined) assertText("auth.authzid", credentials.authzid);
  }
  for (const name of policy.mechanisms ?? [])
    if (!isMechanism(name))
      throw new UsageError(`mechanisms: ${JSON.stringify(name)} is not one that is known`);
}

function fits(name: MechanismName, credentials: Credentials, { prepare = saslprep }: AuthPolicy): boolean {
  if ("external" in credentials) return name === "EXTERNAL";
  if ("anonymous" in credentials) return name === "ANONYMOUS";
  if ("token" in credentials) return name === "OAUTHBEARER" || name === "XOAUTH2";
  const { user, pass, authzid } = credentials;
  if (isScram(name)) {
    const preparable = prepare(user, "query") && prepare(pass, "stored");
    return Boolean(preparable && (authzid === undefined || prepare(authzid, "query")));
  }
  // LOGIN and CRAM-MD5 know nobody but the user.
  return name === "PLAIN" || (authzid === undefined && (name === "LOGIN" || name === "CRAM-MD5"));
}

function binds(name: MechanismName, { bindings = {} }: ClientContext): boolean {
  return mechanismFacts[name].needs !== "channel-binding" || bindingOf(bindings) !== null;
}

function isAfter(name: MechanismName, tried: string | undefined): boolean {
  if (tried === undefined) return true;
  if (tried.endsWith("-PLUS") && !name.endsWith("-PLUS")) return false;
  const names = Object.keys(mechanismFacts);
  return names.indexOf(name) > names.indexOf(tried);
}

function isScram(name: MechanismName): boolean {
  return name.startsWith("SCRAM-");
}

function bindingOf(
  bindings: Readonly<Record<string, Uint8Array>>,
): { readonly type: string; readonly data: Uint8Array } | null {
  const type = bindingTypes.find((each) => Object.hasOwn(bindings, each));
  return type === undefined ? null : { type, data: bindings[type] };
}

function make(
  name: MechanismName,
  offered: readonly string[],
  credentials: Credentials,
  context: ClientContext,
  policy: AuthPolicy,
): StepMechanism {
  if ("external" in credentials) return externalClient(credentials.external);
  if ("anonymous" in credentials) return anonymousClient(credentials.anonymous);
  if ("token" in credentials) {
    const { host, port } = context;
    return name === "XOAUTH2"
      ? xoauth2Client(credentials)
      : oauthBearerClient({ ...credentials, host, port });
  }
  if (name === "PLAIN") return plainClient(credentials);
  if (name === "LOGIN") return loginClient(credentials);
  if (name === "CRAM-MD5") return cramMd5Client(credentials);
  const plus = name.endsWith("-PLUS");
  const hash: ScramHash = name.startsWith("SCRAM-SHA-256") ? "SHA-256" : "SHA-1";
  const binding = bindingOf(context.bindings ?? {});
  // With `y` a server that does list a -PLUS learns that somebody has taken it off the list (RFC 5802 §6).
  const listed = offered.some((each) => /^SCRAM-.*-PLUS$/.test(each));
  const { user, pass, authzid } = credentials;
  const { minIterations, maxIterations, prepare } = policy;
  return scramClient(
    { hash, plus },
    {
      user,
      pass,
      nonce: nonceOf(context.random),
      binding: plus && binding !== null ? binding : binding !== null && !listed ? "unlisted" : "none",
      ...(authzid === undefined ? {} : { authzid }),
      ...(minIterations === undefined ? {} : { minIterations }),
      ...(maxIterations === undefined ? {} : { maxIterations }),
      ...(prepare === undefined ? {} : { prepare }),
    },
  );
}

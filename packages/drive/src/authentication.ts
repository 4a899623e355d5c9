import {
  type AuthQuestion,
  challenge,
  type Reply,
  reply,
  replyClass,
  type ServerSession,
  UsageError,
} from "@sansmtp/core";
import {
  type Identity,
  isMechanism,
  type OAuthServer,
  type Prepare,
  type ServerExchange,
  type ServerStep,
  type Stored,
  serverExchange,
} from "@sansmtp/sasl";
import type { Answer, Handlers } from "./handlers.ts";
import { type Random, randomOf } from "./random.ts";

/** A client wants to authenticate, and the application knows who may. */
export interface Authentication {
  /** As the client has named it: `SCRAM-SHA-256`. */
  readonly mechanism: string;
  /** Who it says it is, and as whom it wants to act. */
  readonly identity: Identity;
  /**
   * Whether the client proves it, against what is stored of that user: `{ password }`, keys of SCRAM, a function that
   * is given the password or the token as the client has said it, `null` if there is no such user (to the client that
   * looks like a wrong password), `true` for EXTERNAL and ANONYMOUS, or `false`. See {@link Stored}.
   *
   * In SCRAM and CRAM-MD5 it resolves when the proof has come, or will not come any more.
   *
   * @param mayAct whether the user may act as `identity.authzid`. Default: as himself only
   * @throws {UsageError} (as a rejection) when that cannot verify this mechanism, or it is the second call
   */
  verify(stored: Verifiable, mayAct?: boolean): Promise<boolean>;
}

/** What `verify` takes: as {@link Stored}, but a function may take its time. */
export type Verifiable = Stored | ((secret: string) => boolean | Promise<boolean>);

/**
 * What the application says of it. Only a client whom `verify` has found right is let in: `true` or an identity for
 * another who was not is a mistake of the application, and 454. Who was right and is not wanted gets `false`, or a
 * reply of 4yz or 5yz. `undefined` is as `verify` says, and 535 if it was not called.
 */
export type AuthDecision = boolean | Partial<Identity> | Answer;

/** What mechanisms need beside what the application stores. */
export interface AuthenticationOptions {
  /** Random octets for nonces and challenges. Default: `crypto.getRandomValues` of the runtime. */
  readonly random?: Random;
  /**
   * 32 octets or more that nobody knows: they make the salts of users who do not exist. Default: random ones for this
   * process, so that those salts are others when it starts anew.
   */
  readonly secret?: Uint8Array;
  /** Rounds of SCRAM for users who are stored without keys, or do not exist: those that your keys have. Default 4096. */
  readonly iterations?: number;
  /** What is stored of most users: who does not exist takes as long. Default `keys`. */
  readonly unknownAs?: "keys" | "password";
  /** For OAUTHBEARER and XOAUTH2. */
  readonly oauth?: OAuthServer;
  /** How names and passwords are prepared (RFC 4013). */
  readonly prepare?: Prepare;
}

/** What is listed when the configuration does not say: what can be verified by a password or by keys of SHA-256. */
export const defaultMechanisms: readonly string[] = ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", "LOGIN"];

/** @throws {UsageError} when the handlers for AUTH contradict each other or what is configured */
export function checkAuthentication(
  handlers: Handlers,
  mechanisms: readonly { readonly name: string }[],
): void {
  if (handlers.authenticate === undefined) return;
  if (handlers.auth !== undefined) throw new UsageError("auth, authenticate: one of them decides, not both");
  for (const { name } of mechanisms)
    if (!isMechanism(name)) throw new UsageError(`mechanisms: authenticate does not know ${name}: use auth`);
  const { secret, random, iterations = 4096 } = handlers.authentication ?? {};
  if (secret !== undefined && secret.length < 32)
    throw new UsageError("authentication.secret: 32 octets or more");
  if (!(iterations >= 4096))
    throw new UsageError(`authentication.iterations: ${iterations}, must be at least 4096`);
  randomOf(random);
}

/** The AUTH exchanges of one connection: mechanisms on one side, the application on the other. */
export class Authentications {
  readonly #session: ServerSession;
  readonly #options: AuthenticationOptions;
  readonly #ask: (authentication: Authentication) => AuthDecision | Promise<AuthDecision>;
  readonly #now: () => number;
  #running: Running | null = null;

  constructor(
    session: ServerSession,
    options: AuthenticationOptions,
    now: () => number,
    ask: (authentication: Authentication) => AuthDecision | Promise<AuthDecision>,
  ) {
    this.#session = session;
    this.#options = options;
    this.#now = now;
    this.#ask = ask;
  }

  /** Who the last exchange was about, when it has succeeded. */
  get identity(): Identity | null {
    return this.#running?.identity ?? null;
  }

  /** The reply to what the client has said. */
  respond({ mechanism, response, step }: AuthQuestion): Promise<Reply> {
    if (step === 0) {
      this.abandon();
      this.#running = new Running(this.#exchange(mechanism), this.#ask);
    }
    if (this.#running === null) throw new Error("bug: a response without an exchange");
    return this.#running.respond(response);
  }

  /** The exchange, if there is one, will not go on. */
  abandon(): void {
    this.#running?.abandon();
    this.#running = null;
  }

  #exchange(mechanism: string): ServerExchange {
    const { settings, client } = this.#session;
    const { random, secret, ...rest } = this.#options;
    const octets = randomOf(random);
    processSecret ??= octets(32);
    const bindings = client.tls?.bindings ?? {};
    const bound = Object.keys(bindings).length > 0;
    return serverExchange(mechanism, {
      ...rest,
      random: octets,
      secret: secret ?? processSecret,
      host: settings.name,
      now: this.#now(),
      bindings,
      plus: bound && settings.mechanisms.some(({ name }) => name.endsWith("-PLUS")),
      certificate: client.tls?.peer ?? null,
    });
  }
}

/** One exchange. The mechanism, the client and the handler each take their turn, and the last decides. */
class Running {
  /** As the application has left it. */
  identity: Identity | null = null;
  readonly #exchange: ServerExchange;
  readonly #ask: (authentication: Authentication) => AuthDecision | Promise<AuthDecision>;
  /** The reply that the client waits for. */
  #reply: Settle<Reply> | null = null;
  /** The proof that the handler waits for. */
  #proof: Settle<boolean> | null = null;
  #verified: "not asked" | "asked" | Extract<ServerStep, { type: "success" | "failure" }> = "not asked";
  #decision: { readonly value: AuthDecision } | null = null;
  /** The data of the success was sent, and this is due when the client has answered with an empty line. */
  #success: Reply | null = null;
  /** Something of the application threw: it is told with the next reply. */
  #broken: { readonly error: unknown } | null = null;

  constructor(
    exchange: ServerExchange,
    ask: (authentication: Authentication) => AuthDecision | Promise<AuthDecision>,
  ) {
    this.#exchange = exchange;
    this.#ask = ask;
  }

  respond(response: Uint8Array | null): Promise<Reply> {
    return new Promise((resolve, reject) => {
      this.#reply = { resolve, reject };
      if (this.#broken !== null) return this.#fail(this.#broken.error);
      if (this.#success !== null) return this.#say(response?.length === 0 ? this.#success : malformed);
      this.#step(this.#exchange.receive(response));
    });
  }

  abandon(): void {
    this.#reply = null;
    this.#proof?.resolve(false);
    this.#proof = null;
  }

  #step(step: ServerStep): void {
    switch (step.type) {
      case "challenge":
        return this.#say(challenge(step.octets));
      case "identity":
        return this.#identified(step.identity);
      default:
        if (this.#verified === "not asked") return this.#say(refusalOf(step));
        this.#verified = step;
        this.#proof?.resolve(step.type === "success");
        this.#proof = null;
        return this.#conclude();
    }
  }

  #identified(identity: Identity): void {
    const { mechanism } = this.#exchange;
    const verify = (stored: Verifiable, mayAct?: boolean): Promise<boolean> => {
      const proof = this.#verify(stored, mayAct);
      // Whether the handler waits for it or not.
      proof.catch((error: unknown) => this.#fail(error));
      return proof;
    };
    this.identity = identity;
    Promise.resolve()
      .then(() => this.#ask({ mechanism, identity, verify }))
      .then(
        (value) => {
          this.#decision = { value };
          // To say so at once would tell that there is no such user.
          if (this.#verified === "not asked" && isRefusal(value)) this.#pretend();
          else this.#conclude();
        },
        (error: unknown) => this.#fail(error),
      )
      .catch((error: unknown) => this.#fail(error));
  }

  async #verify(stored: Verifiable, mayAct?: boolean): Promise<boolean> {
    if (this.#verified !== "not asked") throw new UsageError("verify: it was called before");
    this.#verified = "asked";
    const known = await this.#settled(stored);
    if (this.#reply === null) return false;
    const step = this.#exchange.verify(known, mayAct);
    const proof = new Promise<boolean>((resolve, reject) => {
      this.#proof = { resolve, reject };
    });
    this.#step(step);
    return proof;
  }

  /** A function that takes its time is asked first: the mechanisms know no promises. */
  async #settled(stored: Verifiable): Promise<Stored> {
    const { secret } = this.#exchange;
    if (typeof stored !== "function" || secret === null) return stored as Stored;
    const right = await stored(secret);
    return () => right;
  }

  /** The exchange goes on to its end with a user who does not exist. */
  #pretend(): void {
    this.#verified = "asked";
    this.#step(this.#exchange.verify(null));
  }

  /** When the handler has decided and the proof has come. */
  #conclude(): void {
    if (this.#decision === null || this.#verified === "asked" || this.#reply === null) return;
    const { value } = this.#decision;
    const verified = this.#verified;
    const proved = verified !== "not asked" && verified.type === "success";
    if (isReply(value) && replyClass(value) > 3) return this.#say(value);
    if (value === false) return this.#say(refused);
    if (!proved) {
      if (value === undefined && verified !== "not asked") return this.#say(refusalOf(verified));
      return this.#fail(new UsageError("authenticate: it lets somebody in whom verify has not found right"));
    }
    if (isReply(value) && value.code !== 235)
      return this.#fail(new UsageError(`authenticate: a reply of ${value.code}`));
    if (typeof value === "object" && !isReply(value)) this.identity = { ...verified.identity, ...value };
    const success = isReply(value) ? value : succeeded;
    if (verified.data === null) return this.#say(success);
    this.#success = success;
    this.#say(challenge(verified.data));
  }

  #say(answer: Reply): void {
    if (answer.code !== 334 && answer.code !== 235) this.identity = null;
    this.#reply?.resolve(answer);
    this.#reply = null;
  }

  #fail(error: unknown): void {
    this.#broken ??= { error };
    this.identity = null;
    this.#reply?.reject(error);
    this.#reply = null;
  }
}

interface Settle<T> {
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

function isReply(value: AuthDecision): value is Reply {
  return typeof value === "object" && "code" in value;
}

/** The handler did not ask for a proof, since it knows enough. */
function isRefusal(value: AuthDecision): boolean {
  return value === undefined || value === false;
}

function refusalOf(step: ServerStep): Reply {
  return step.type === "failure" && step.reason === "malformed" ? malformed : refused;
}

/** Of this process: a server that is given none. */
let processSecret: Uint8Array | null = null;

const succeeded = reply(235, "2.7.0", "Authentication successful");
const refused = reply(535, "5.7.8", "Authentication credentials invalid");
const malformed = reply(501, "5.5.2", "Malformed authentication response");

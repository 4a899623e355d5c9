import { decodeUtf8, encodeBase64, encodeUtf8, UsageError } from "@sansmtp/core";
import { assertText, type StepMechanism } from "./client.ts";
import { sameOctets } from "./compare.ts";
import { encodeName, type Gs2, gs2Header } from "./gs2.ts";
import { type Prepare, saslprep } from "./prep.ts";
import { digest, exclusiveOr, leastIterations, mac, saltedPasswordInSteps } from "./scram-keys.ts";
import { boundTo, isNonce, parseServerFinal, parseServerFirst } from "./scram-messages.ts";
import { type ScramVariant, scramName } from "./scram-server.ts";

/** What a client of SCRAM says, and what it puts up with. */
export interface ScramClientOptions {
  readonly user: string;
  readonly pass: string;
  /** As whom to act; default: as oneself. */
  readonly authzid?: string;
  /** The client's nonce, printable ASCII without a comma: 18 random octets in base64. Never used twice. */
  readonly nonce: string;
  /**
   * The channel: its type and data, for the -PLUS forms. `unlisted`: there is one, but the server lists no -PLUS.
   * `none`, the default: there is none.
   */
  readonly binding?: { readonly type: string; readonly data: Uint8Array } | "unlisted" | "none";
  /** The least rounds, so that nobody can make the proof cheap to guess by. Default 4096. */
  readonly minIterations?: number;
  /** The most rounds, so that nobody can make it dear to log in. Default 10,000,000: many seconds of work. */
  readonly maxIterations?: number;
  /** Default {@link saslprep}. */
  readonly prepare?: Prepare;
}

/**
 * SCRAM (RFC 5802, RFC 7677), the client's side. It is `complete` only when the server has proved that it knows the
 * password, too.
 *
 * @throws {UsageError} when name or password cannot be prepared, or binding and mechanism do not go together
 */
export function scramClient(variant: ScramVariant, options: ScramClientOptions): StepMechanism {
  return new ScramClient(variant, options);
}

class ScramClient implements StepMechanism {
  readonly name: string;
  readonly initial: Uint8Array;
  readonly cleartext = false;
  readonly #variant: ScramVariant;
  readonly #options: ScramClientOptions;
  readonly #pass: string;
  readonly #header: string;
  readonly #firstBare: string;
  #signature: Uint8Array | null = null;
  #stage: "first" | "final" | "complete" | "failed" = "first";

  constructor(variant: ScramVariant, options: ScramClientOptions) {
    const { user, pass, authzid, nonce, binding = "none", prepare = saslprep } = options;
    assertText("user", user);
    assertText("pass", pass);
    if (authzid !== undefined) assertText("authzid", authzid);
    if (!isNonce(nonce)) throw new UsageError("nonce: printable ASCII without comma");
    if ((typeof binding !== "string") !== variant.plus)
      throw new UsageError("binding: belongs to the -PLUS forms, and to those alone");
    const [name, other] = [prepare(user, "query"), authzid === undefined ? null : prepare(authzid, "query")];
    const password = prepare(pass, "stored");
    if (!name || !password || (authzid !== undefined && !other))
      throw new UsageError("user, pass or authzid: it cannot be prepared (RFC 4013)");
    this.name = scramName(variant);
    this.#variant = variant;
    this.#options = options;
    this.#pass = password;
    this.#header = gs2Header(flags(binding), other);
    this.#firstBare = `n=${encodeName(name)},r=${nonce}`;
    this.initial = encodeUtf8(this.#header + this.#firstBare);
  }

  get complete(): boolean {
    return this.#stage === "complete";
  }

  respond(challenge: Uint8Array): Uint8Array | null {
    const steps = this.respondInSteps(challenge);
    for (;;) {
      const { done, value } = steps.next();
      if (done) return value;
    }
  }

  *respondInSteps(challenge: Uint8Array): Generator<undefined, Uint8Array | null> {
    const text = decodeUtf8(challenge);
    const response =
      text === null ? null : this.#stage === "first" ? yield* this.#prove(text) : this.#believe(text);
    if (response === null) this.#stage = "failed";
    return response;
  }

  /** The answer to the server's first message: the proof. */
  *#prove(serverFirst: string): Generator<undefined, Uint8Array | null> {
    const {
      nonce,
      binding = "none",
      minIterations = leastIterations,
      maxIterations = 10_000_000,
    } = this.#options;
    const { hash } = this.#variant;
    const first = parseServerFirst(serverFirst);
    if (first === null || !first.nonce.startsWith(nonce) || first.nonce.length === nonce.length) return null;
    if (first.iterations < minIterations || first.iterations > maxIterations) return null;
    const salted = yield* saltedPasswordInSteps(hash, this.#pass, first.salt, first.iterations);
    const data = typeof binding === "string" ? null : binding.data;
    const withoutProof = `c=${encodeBase64(boundTo(this.#header, data))},r=${first.nonce}`;
    const signed = `${this.#firstBare},${serverFirst},${withoutProof}`;
    const key = mac(hash, salted, "Client Key");
    const proof = exclusiveOr(key, mac(hash, digest(hash, key), signed));
    this.#signature = mac(hash, mac(hash, salted, "Server Key"), signed);
    this.#stage = "final";
    return encodeUtf8(`${withoutProof},p=${encodeBase64(proof)}`);
  }

  /** The answer to the server's signature: nothing, if it is right. */
  #believe(serverFinal: string): Uint8Array | null {
    const signature = this.#stage === "final" ? parseServerFinal(serverFinal) : null;
    if (signature === null || !sameOctets(this.#signature as Uint8Array, signature)) return null;
    this.#stage = "complete";
    return new Uint8Array(0);
  }
}

function flags(binding: NonNullable<ScramClientOptions["binding"]>): Gs2["binding"] {
  if (typeof binding !== "string") return { type: binding.type };
  return binding === "unlisted" ? "y" : "n";
}

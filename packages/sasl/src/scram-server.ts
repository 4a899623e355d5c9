import { decodeUtf8, encodeBase64, encodeUtf8, UsageError } from "@sansmtp/core";
import { sameOctets } from "./compare.ts";
import { type Gs2, parseGs2 } from "./gs2.ts";
import { identify } from "./identity.ts";
import { digest, exclusiveOr, mac, type ScramHash, type ScramKeys } from "./scram-keys.ts";
import { boundTo, isNonce, parseClientFinal, parseClientFirst } from "./scram-messages.ts";
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
import { keysFor } from "./stored.ts";

/** Which mechanism of the family. */
export interface ScramVariant {
  readonly hash: ScramHash;
  /** With channel binding: the -PLUS form. */
  readonly plus: boolean;
}

/** `SCRAM-SHA-256-PLUS`. */
export function scramName({ hash, plus }: ScramVariant): string {
  return `SCRAM-${hash}${plus ? "-PLUS" : ""}`;
}

/**
 * SCRAM (RFC 5802, RFC 7677), the server's side. The signature goes with the success. On failure nothing of `e=` is
 * said: SMTP has a reply for that.
 *
 * @param nonce the server's part, printable ASCII without a comma: 18 random octets in base64. Never used twice
 */
export function scramServer(variant: ScramVariant, nonce: string, context: ServerContext): ServerExchange {
  if (!isNonce(nonce)) throw new UsageError("nonce: printable ASCII without comma");
  return new ScramServer(variant, nonce, context);
}

class ScramServer extends Exchange {
  readonly #variant: ScramVariant;
  readonly #ownNonce: string;
  readonly #context: ServerContext;
  #gs2: Gs2 | null = null;
  #nonce = "";
  #clientFirst = "";
  #serverFirst = "";
  #keys: ScramKeys | null = null;
  #known = false;

  constructor(variant: ScramVariant, nonce: string, context: ServerContext) {
    super(scramName(variant));
    this.#variant = variant;
    this.#ownNonce = nonce;
    this.#context = context;
  }

  protected respond(response: Uint8Array | null): ServerStep {
    if (this.#keys !== null) return this.#final(response ?? new Uint8Array(0), this.#keys);
    return response === null ? emptyChallenge : this.#first(response);
  }

  protected judge(stored: Stored): ServerStep {
    const user = this.identity?.user ?? "";
    const { keys, known } = keysFor(user, this.#variant.hash, stored, this.mechanism, this.#context);
    this.#keys = keys;
    this.#known = known;
    this.#serverFirst = `r=${this.#nonce},s=${encodeBase64(keys.salt)},i=${keys.iterations}`;
    return { type: "challenge", octets: encodeUtf8(this.#serverFirst) };
  }

  #first(octets: Uint8Array): ServerStep {
    const text = decodeUtf8(octets);
    if (text === null || !/^[nyp]/.test(text))
      return malformed("A-SCRAM-05", "the message does not begin with n, y or p");
    const gs2 = parseGs2(text);
    if (gs2 === null) return malformed("A-SCRAM-02", "the GS2 header is not one");
    const first = parseClientFirst(gs2.rest);
    if (first === null) return malformed("A-SCRAM-03", "the first message is not one of SCRAM");
    const objection = this.#objection(gs2);
    if (objection !== null) return denied("A-SCRAM-07", objection);
    const identity = identify(first.user, gs2.authzid, this.#context);
    if (identity === null) return denied("A-SCRAM-11", "the name cannot be prepared");
    this.#gs2 = gs2;
    this.#nonce = first.nonce + this.#ownNonce;
    this.#clientFirst = gs2.rest;
    return this.identified(identity);
  }

  /** What is wrong with the client's stand to channel binding; null: nothing (RFC 5802 §6). */
  #objection({ binding }: Gs2): string | null {
    const { bindings, plus } = this.#context;
    if (binding === "y" && plus) return "the client was made to believe that there is no channel binding";
    if (typeof binding === "string") return this.#variant.plus ? "channel binding is missing" : null;
    if (!this.#variant.plus) return "channel binding in a mechanism without it";
    return Object.hasOwn(bindings, binding.type) ? null : "unknown type of channel binding";
  }

  #final(octets: Uint8Array, keys: ScramKeys): ServerStep {
    const text = decodeUtf8(octets);
    const message = text === null ? null : parseClientFinal(text);
    if (message === null) return malformed("A-SCRAM-03", "the final message is not one of SCRAM");
    const { binding, header } = this.#gs2 as Gs2;
    const data = typeof binding === "string" ? null : this.#context.bindings[binding.type];
    if (!sameOctets(boundTo(header, data), message.binding))
      return denied("A-SCRAM-07", "the channel bindings differ");
    if (message.nonce !== this.#nonce) return denied("A-SCRAM-04", "the nonce is another");
    const signed = `${this.#clientFirst},${this.#serverFirst},${message.withoutProof}`;
    const signature = mac(keys.hash, keys.storedKey, signed);
    const key = exclusiveOr(signature, message.proof);
    const right =
      message.proof.length === signature.length && sameOctets(digest(keys.hash, key), keys.storedKey);
    const proved = right && this.#known;
    return this.conclude(proved, encodeUtf8(`v=${encodeBase64(mac(keys.hash, keys.serverKey, signed))}`));
  }
}

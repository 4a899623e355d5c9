import { hmac } from "@noble/hashes/hmac.js";
import { sha1 } from "@noble/hashes/legacy.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { decodeBase64, encodeBase64, encodeUtf8, UsageError } from "@sansmtp/core";
import { type Prepare, saslprep } from "./prep.ts";

/** The hashes that SCRAM is used with. */
export type ScramHash = "SHA-1" | "SHA-256";

/** What a server keeps of a password: enough to verify it, not enough to log in with it (RFC 5802 §3). */
export interface ScramKeys {
  readonly hash: ScramHash;
  readonly salt: Uint8Array;
  readonly iterations: number;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

/** The least rounds that a server uses and a client bears (RFC 7677 §4). */
export const leastIterations = 4096;

/**
 * The keys to be stored for a password. Give each user random octets of their own as salt, 16 for example.
 *
 * @param options iterations: default 4096; more cost a thief more, and each client as much
 * @throws {UsageError} when the password cannot be prepared, there is no salt, or the rounds are fewer than 4096
 */
export function deriveScramKeys(
  password: string,
  options: {
    readonly salt: Uint8Array;
    readonly hash?: ScramHash;
    readonly iterations?: number;
    readonly prepare?: Prepare;
  },
): ScramKeys {
  const { salt, hash = "SHA-256", iterations = leastIterations, prepare = saslprep } = options;
  const prepared = typeof password === "string" ? prepare(password, "stored") : null;
  if (prepared === null || prepared === "")
    throw new UsageError("password: it cannot be prepared (RFC 4013)");
  if (!(hash in hashes)) throw new UsageError(`hash: ${JSON.stringify(hash)}`);
  if (salt.length === 0) throw new UsageError("salt: there is none");
  if (!Number.isSafeInteger(iterations) || iterations < leastIterations)
    throw new UsageError(`iterations: ${iterations}, must be at least ${leastIterations}`);
  return keysOf(saltedPassword(hash, prepared, salt, iterations), hash, salt, iterations);
}

/** Keys as one line of text, to be stored: `SCRAM-SHA-256$4096:salt$storedKey:serverKey`, as PostgreSQL has it. */
export function formatScramKeys({ hash, salt, iterations, storedKey, serverKey }: ScramKeys): string {
  return `SCRAM-${hash}$${iterations}:${encodeBase64(salt)}$${encodeBase64(storedKey)}:${encodeBase64(serverKey)}`;
}

/** @throws {UsageError} when it is not what {@link formatScramKeys} gives; not saying what it is */
export function parseScramKeys(text: string): ScramKeys {
  const [, hash, rounds, ...encoded] =
    /^SCRAM-(SHA-1|SHA-256)\$([1-9][0-9]{0,9}):([^$:]+)\$([^$:]+):([^$:]+)$/.exec(text) ?? [];
  const [salt, storedKey, serverKey] = encoded.map(fromBase64);
  const length = hashes[hash as ScramHash]?.outputLen;
  if (!salt || !storedKey || !serverKey || storedKey.length !== length || serverKey.length !== length)
    throw new UsageError("not the stored keys of SCRAM");
  return { hash: hash as ScramHash, salt, iterations: Number(rounds), storedKey, serverKey };
}

/** SaltedPassword (RFC 5802 §3): what takes the time. */
export function saltedPassword(
  hash: ScramHash,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Uint8Array {
  const steps = saltedPasswordInSteps(hash, password, salt, iterations);
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/**
 * The same, with a rest after every so many rounds: Hi of RFC 5802 §2.2, which is PBKDF2 (RFC 8018 §5.2) with a single
 * block. Whoever asks for ten million rounds would hold up a process for many seconds otherwise.
 */
export function* saltedPasswordInSteps(
  hash: ScramHash,
  password: string,
  salt: Uint8Array,
  iterations: number,
): Generator<undefined, Uint8Array> {
  const keyed = hmac.create(hashes[hash], encodeUtf8(password));
  const firstBlock = Uint8Array.of(0, 0, 0, 1);
  const block = keyed.clone().update(salt).update(firstBlock).digest();
  const salted = block.slice();
  // One object for all rounds: a copy of the state behind the key.
  let again: typeof keyed | undefined;
  for (let round = 1; round < iterations; round++) {
    if (round % roundsOfStep === 0) yield;
    again = keyed._cloneInto(again);
    again.update(block).digestInto(block);
    for (let at = 0; at < salted.length; at++) salted[at] ^= block[at];
  }
  return salted;
}

/** About 20 ms on a machine of 2020; the rounds that servers ask for are mostly fewer. */
const roundsOfStep = 20_000;

/** StoredKey and ServerKey of a salted password. */
export function keysOf(salted: Uint8Array, hash: ScramHash, salt: Uint8Array, iterations: number): ScramKeys {
  const storedKey = digest(hash, mac(hash, salted, "Client Key"));
  return { hash, salt, iterations, storedKey, serverKey: mac(hash, salted, "Server Key") };
}

/** HMAC with the hash; a string stands for its UTF-8. */
export function mac(hash: ScramHash, key: Uint8Array, text: string | Uint8Array): Uint8Array {
  return hmac(hashes[hash], key, typeof text === "string" ? encodeUtf8(text) : text);
}

export function digest(hash: ScramHash, octets: Uint8Array): Uint8Array {
  return hashes[hash](octets);
}

/** Of octets of the same length: what makes a proof of a key, and a key of a proof. */
export function exclusiveOr(one: Uint8Array, other: Uint8Array): Uint8Array {
  return one.map((octet, at) => octet ^ other[at]);
}

/** Null when it is not base64. */
export function fromBase64(text: string): Uint8Array | null {
  const octets = encodeUtf8(text);
  return decodeBase64(octets, 0, octets.length);
}

const hashes = { "SHA-1": sha1, "SHA-256": sha256 } as const;

import { sameOctets, sameSecret } from "./compare.ts";
import { saslprep } from "./prep.ts";
import {
  digest,
  keysOf,
  leastIterations,
  mac,
  type ScramHash,
  type ScramKeys,
  saltedPassword,
} from "./scram-keys.ts";
import { type ServerContext, type Stored, unfit } from "./server.ts";

// What the application has stored, held against what the client says. A user who does not exist costs as much time.

/** Whether a password, or a token, that was said is the right one. */
export function isRight(secret: string, stored: Stored, mechanism: string, context: ServerContext): boolean {
  if (typeof stored === "function") return stored(secret) === true;
  if (stored === true)
    return unfit(mechanism, "a password, keys or a function are needed: true proves nothing");
  const given = (context.prepare ?? saslprep)(secret, "query");
  const usable = given !== null && given !== "";
  if (isPassword(stored)) return usable && sameSecret(given, passwordOf(stored, context) ?? "");
  const byPassword = stored === null && context.unknownAs === "password";
  if (stored === false || byPassword) {
    sameSecret(given ?? "", "");
    return false;
  }
  const keys = stored === null ? noKeys : [stored].flat()[0];
  if (keys === undefined) return unfit(mechanism, "there has to be a key in the list");
  const { hash, salt, iterations, storedKey } = keys;
  const rounds = stored === null ? (context.iterations ?? leastIterations) : iterations;
  const derived = keysOf(saltedPassword(hash, given ?? "", salt, rounds), hash, salt, rounds);
  return sameOctets(derived.storedKey, storedKey) && usable && stored !== null;
}

/** The keys for an exchange of SCRAM; of a user without any, such as nobody could tell from others (A-SCRAM-13). */
export function keysFor(
  user: string,
  hash: ScramHash,
  stored: Stored,
  mechanism: string,
  context: ServerContext,
): { readonly keys: ScramKeys; readonly known: boolean } {
  if (typeof stored === "function" || stored === true)
    return unfit(mechanism, "a password or keys are needed: the client never says its password");
  const kept = isKeys(stored) ? [stored].flat().find((keys) => keys.hash === hash) : undefined;
  if (kept !== undefined) return { keys: kept, known: true };
  const { iterations = leastIterations } = context;
  // Also for those with a password: another salt each time would give them away.
  const salt = mac("SHA-256", context.secret, `salt ${hash} ${user}`).subarray(0, saltLength);
  const password = isPassword(stored) ? passwordOf(stored, context) : null;
  if (password === null && context.unknownAs !== "password") {
    const nothing = digest(hash, salt);
    return { keys: { hash, salt, iterations, storedKey: nothing, serverKey: nothing }, known: false };
  }
  const salted = saltedPassword(hash, password ?? "", salt, iterations);
  return { keys: keysOf(salted, hash, salt, iterations), known: password !== null };
}

/** The password, as CRAM-MD5 needs it; null: the user is not known, or may not. */
export function plainPassword(stored: Stored, mechanism: string): string | null {
  if (isPassword(stored)) return stored.password;
  if (stored === null || stored === false) return null;
  return unfit(mechanism, "the password itself is needed");
}

/** Whether the application lets somebody in who has nothing to prove here. */
export function isAllowed(stored: Stored): boolean {
  return stored === true;
}

function isPassword(stored: Stored): stored is { readonly password: string } {
  return typeof stored === "object" && stored !== null && "password" in stored;
}

function isKeys(stored: Stored): stored is ScramKeys | readonly ScramKeys[] {
  return typeof stored === "object" && stored !== null && !("password" in stored);
}

function passwordOf(stored: { readonly password: string }, context: ServerContext): string | null {
  return (context.prepare ?? saslprep)(stored.password, "stored") || null;
}

/** As long as the salts that are usual. */
const saltLength = 16;

const noKeys: ScramKeys = {
  hash: "SHA-256",
  salt: new Uint8Array(saltLength),
  iterations: leastIterations,
  storedKey: new Uint8Array(32),
  serverKey: new Uint8Array(32),
};

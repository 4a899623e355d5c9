import { hmac } from "@noble/hashes/hmac.js";
import { md5 } from "@noble/hashes/legacy.js";
import { decodeUtf8, encodeUtf8, UsageError } from "@sansmtp/core";
import { assertText, type StepMechanism } from "./client.ts";
import { sameOctets } from "./compare.ts";
import { identify } from "./identity.ts";
import {
  denied,
  Exchange,
  malformed,
  type ServerContext,
  type ServerExchange,
  type ServerStep,
  type Stored,
} from "./server.ts";
import { plainPassword } from "./stored.ts";

/**
 * CRAM-MD5 (RFC 2195), the client's side.
 *
 * @throws {UsageError} when name or password are empty or hold NUL
 */
export function cramMd5Client({
  user,
  pass,
}: {
  readonly user: string;
  readonly pass: string;
}): StepMechanism {
  assertText("user", user);
  assertText("pass", pass);
  let complete = false;
  return {
    name: "CRAM-MD5",
    cleartext: false,
    initial: null,
    get complete() {
      return complete;
    },
    respond: (challenge) => {
      if (complete) return null;
      complete = true;
      return encodeUtf8(`${user} ${answerTo(challenge, pass)}`);
    },
  };
}

/**
 * CRAM-MD5, the server's side. It needs the password itself.
 *
 * @param challenge never used twice: `<random.time@host>`
 */
export function cramMd5Server(challenge: string, context: ServerContext): ServerExchange {
  if (!/^<[\x21-\x3b\x3d\x3f-\x7e]+@[\x21-\x3b\x3d\x3f-\x7e]+>$/.test(challenge))
    throw new UsageError("challenge: has the form of a Message-ID");
  return new CramMd5Server(encodeUtf8(challenge), context);
}

class CramMd5Server extends Exchange {
  readonly #context: ServerContext;
  readonly #challenge: Uint8Array;
  #answer = "";

  constructor(challenge: Uint8Array, context: ServerContext) {
    super("CRAM-MD5");
    this.#challenge = challenge;
    this.#context = context;
  }

  protected respond(response: Uint8Array | null): ServerStep {
    if (response === null) return { type: "challenge", octets: this.#challenge };
    const [, user, answer] = /^([^\0]+) ([0-9a-f]{32})$/s.exec(decodeUtf8(response) ?? "") ?? [];
    if (user === undefined) return malformed("A-CRAM-02", "not a name, a space and 32 lower-case digits");
    const identity = identify(user, null, this.#context);
    if (identity === null) return denied("A-CRAM-02", "the name cannot be prepared");
    this.#answer = answer;
    return this.identified(identity);
  }

  protected judge(stored: Stored): ServerStep {
    const password = plainPassword(stored, this.mechanism);
    const right = sameOctets(encodeUtf8(answerTo(this.#challenge, password ?? "")), encodeUtf8(this.#answer));
    return this.conclude(right && password !== null && password !== "");
  }
}

function answerTo(challenge: Uint8Array, password: string): string {
  return [...hmac(md5, encodeUtf8(password), challenge)]
    .map((octet) => octet.toString(16).padStart(2, "0"))
    .join("");
}

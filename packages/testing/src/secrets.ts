import { decodeBase64 } from "@sansmtp/core";
import type { Side } from "./faults.ts";
import { fromLatin1, latin1 } from "./octets.ts";

/**
 * Finds what is secret in a dialogue as it goes by: what follows the mechanism in AUTH, the responses of the client,
 * and the challenges (RFC 4954 §4); and what follows the host in the URL of BURL, since whoever has it gets the content
 * (RFC 4467 §3). Octets may come in any pieces. In doubt it is secret.
 */
export class SecretFinder {
  readonly #client = new Direction();
  readonly #server = new Direction();
  /** AUTH was said and not yet answered with anything but 334. */
  #exchange = false;
  /** The last reply was 334. */
  #challenged = false;
  /** Octets of a BDAT chunk that are to come. */
  #chunk = 0;
  /** Between 354 and the lone dot. */
  #content = false;

  /** For each of these octets, which come next from this side, whether it is secret. */
  mask(from: Side, octets: Uint8Array): boolean[] {
    return Array.from(octets, (octet) => (from === "client" ? this.#ofClient(octet) : this.#ofServer(octet)));
  }

  #ofClient(octet: number): boolean {
    if (this.#chunk > 0) {
      this.#chunk--;
      return false;
    }
    const { line } = this.#client;
    const response = !this.#content && (this.#exchange || this.#challenged);
    const ended = this.#client.take(octet);
    if (ended !== null) this.#clientLine(ended);
    if (octet === carriageReturn || octet === lineFeed) return false;
    if (response) return true;
    return !this.#content && (/^\s*AUTH\s+\S+\s+/i.test(line) || this.#isInUrl(line, octet));
  }

  /** Whether an octet that comes behind this line is in the second word, a URL, and there behind the host. */
  #isInUrl(line: string, octet: number): boolean {
    if (!/^\s*BURL\s/i.test(line) || octet === space || this.#client.words !== 2) return false;
    const begin = line + String.fromCharCode(octet);
    return /^\s*BURL\s+[a-z][a-z0-9+.-]*:(?:\/\/[^/?#]*[/?#].|\/?[^/])/i.test(begin);
  }

  #clientLine(line: string): void {
    if (this.#content) {
      this.#content = line !== ".";
      return;
    }
    this.#challenged = false;
    if (/^\s*AUTH\s/i.test(line)) this.#exchange = true;
    this.#chunk = Number(/^BDAT\s+(\d+)/i.exec(line)?.[1] ?? 0);
  }

  #ofServer(octet: number): boolean {
    const { line } = this.#server;
    const ended = this.#server.take(octet);
    if (ended !== null) {
      this.#challenged = line.startsWith("334");
      if (!this.#challenged) this.#exchange = false;
      if (line.startsWith("354")) this.#content = true;
    }
    return octet !== carriageReturn && octet !== lineFeed && /^334[ -]/.test(line);
  }
}

class Direction {
  /** The line so far: its begin is enough. */
  line = "";
  /** How many words it has. */
  words = 0;
  #inWord = false;

  /** The line that this octet ends; null: none. */
  take(octet: number): string | null {
    if (octet === lineFeed) {
      const { line } = this;
      this.line = "";
      this.words = 0;
      this.#inWord = false;
      return line.replace(/\r$/, "");
    }
    if (octet !== space && !this.#inWord) this.words++;
    this.#inWord = octet !== space;
    if (this.line.length < 600) this.line += String.fromCharCode(octet);
    return null;
  }
}

/**
 * Something that is no secret, in the place of base64 that is one: as long, as valid, and decoded to as many octets.
 * A session that reads it behaves as it did with the secret.
 */
export function placeholder(secret: Uint8Array): Uint8Array {
  const text = latin1(secret);
  if (text === "=" || text === "*") return secret;
  const valid = decodeBase64(secret, 0, secret.length) !== null;
  const zeros = fromLatin1(text.replace(/[A-Za-z0-9+/]/g, "A").replace(/[^A=]/g, "!"));
  const stillValid = decodeBase64(zeros, 0, zeros.length) !== null;
  if (valid || !stillValid) return zeros;
  // The secret was wrong in the bits that padding leaves over: this has to be, too.
  return fromLatin1(latin1(zeros).replace(/A(=*)$/, "B$1"));
}

const space = 0x20;
const carriageReturn = 0x0d;
const lineFeed = 0x0a;

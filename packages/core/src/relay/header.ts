/**
 * What a server may read of a message that it passes on, and nothing else (RFC 5321 §3.6.3): how many Received fields
 * it has, and the two fields that are part of an extension.
 */
import { type Reply, reply } from "../reply.ts";
import { lowerAscii } from "../syntax/domain.ts";

/**
 * Reads the header of a message as it streams by, in whatever pieces. It keeps a few octets, and looks at none behind
 * the header.
 */
export class HeaderReader {
  #received = 0;
  #ended = false;
  #place: Place = "start";
  /** The name of the field in hand, in lower case, as far as one that matters can go. */
  #name = "";
  /** The field whose value is kept. */
  #field: "tls-required" | "solicitation" | null = null;
  #tlsFields = 0;
  #tlsValue = "";
  #solicitations: string | null = null;

  /** Received fields so far: each host on the way has added one. */
  get received(): number {
    return this.#received;
  }

  /** The header is over. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Takes the next octets of the content. */
  take(octets: Uint8Array): void {
    for (let at = 0; at < octets.length && !this.#ended; at++) this.#step(octets[at]);
  }

  /**
   * The header says `TLS-Required: No`: the policies of the recipient's domain about TLS are not to stop the message
   * (RFC 8689 §3). False if it says anything else, or says it twice: then nothing is loosened.
   *
   * @param requireTls the REQUIRETLS parameter was given to MAIL: it wins (RFC 8689 §4.1)
   */
  tlsIsOptional(requireTls: boolean): boolean {
    return !requireTls && this.#tlsFields === 1 && lowerAscii(this.#tlsValue).trim() === "no";
  }

  /** The keywords of Solicitation fields (RFC 3865 §2.1); null if there is no such field. */
  get solicitation(): readonly string[] | null {
    return this.#solicitations === null ? null : this.#solicitations.split(",");
  }

  #step(octet: number): void {
    // CR is not counted as the content of a line.
    if (octet === CR) return;
    if (octet === LF) {
      this.#ended = this.#place === "start";
      this.#place = "start";
      return;
    }
    if (this.#place === "start") {
      const continued = isBlank(octet);
      this.#place = !continued ? "name" : this.#field === null ? "skipped" : "value";
      if (!continued) {
        this.#name = "";
        this.#field = null;
      }
    }
    if (this.#place === "value") return this.#keep(octet);
    if (this.#place !== "name") return;
    if (octet === COLON) this.#begin(this.#name.trimEnd());
    else if (this.#name.length < longestName) this.#name += lowerAscii(String.fromCharCode(octet));
    else this.#place = "skipped";
  }

  /** The name of a field is complete. */
  #begin(name: string): void {
    this.#place = "value";
    switch (name) {
      case "received":
        this.#received++;
        this.#place = "skipped";
        return;
      case "tls-required":
        this.#tlsFields++;
        this.#field = name;
        return;
      case "solicitation":
        this.#solicitations = this.#solicitations === null ? "" : `${this.#solicitations},`;
        this.#field = name;
        return;
      default:
        this.#place = "skipped";
    }
  }

  /** An octet of a value. Each value may grow by one more than can be right: what is cut off is no match by chance. */
  #keep(octet: number): void {
    const letter = isBlank(octet) ? " " : String.fromCharCode(octet);
    if (this.#field === "tls-required") {
      const more = letter !== " " || !/^$| $/.test(this.#tlsValue);
      if (more && this.#tlsValue.length <= "No ".length) this.#tlsValue += letter;
    } else if (letter !== " " && (this.#solicitations as string).length <= longestSolicitation) {
      this.#solicitations += letter;
    }
  }
}

/** `start`: at the begin of a line. `name`: in the name of a field. `value`: in a value that is kept. */
type Place = "start" | "name" | "value" | "skipped";

/** RFC 5321 §6.3 recommends 100 at least: mail that was forwarded and listed often is in no loop yet. */
export const mostHops = 100;

/**
 * The refusal of a message that goes round in a loop; null if it does not.
 *
 * @param received Received fields in its header, before this host has added its own
 * @param most how many are too many; default 100
 */
export function loopReply(received: number, most: number = mostHops): Reply | null {
  return received >= most ? tooManyHops : null;
}

const tooManyHops = reply(554, "5.4.6", "Too many hops, the message goes round in a loop");

/** Whether the SOLICIT parameter says what the Solicitation field says, in whatever order (RFC 3865 §2.4). */
export function sameSolicitation(
  parameter: readonly string[] | null,
  field: readonly string[] | null,
): boolean {
  const keywords = (list: readonly string[] | null): string => (list ?? []).map(lowerAscii).sort().join();
  return keywords(parameter) === keywords(field);
}

/** The refusal of a solicitation that a recipient does not want: it repeats the keywords (RFC 3865 §2.3). */
export function solicitationReply(keywords: readonly string[]): Reply {
  const safe = keywords.join(",").replace(/[^!-~]/g, "?");
  return reply(550, "5.7.1", `SOLICIT=${safe.slice(0, longestEcho)}`);
}

function isBlank(octet: number): boolean {
  return octet === SP || octet === HT;
}

/** Octets of a name that are looked at, with blanks behind it, which are obsolete and still read (RFC 5322 §4.5). */
const longestName = 32;
/** As long as the parameter may be (RFC 3865 §2.4). */
const longestSolicitation = 1000;
/** A reply line has 512 octets (RFC 5321 §4.5.3.1.5). */
const longestEcho = 480;
const HT = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const COLON = 0x3a;

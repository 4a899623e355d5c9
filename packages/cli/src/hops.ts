/**
 * Counts the Received fields in the header of a message, as it streams by: each relay on the way has added one,
 * so that a message with very many goes round in a loop (RFC 5321 §6.3). It reads nothing else of the header,
 * and keeps no octet of it.
 */
export class HopCounter {
  /** Received fields seen so far. */
  hops = 0;
  #state: State = "name";
  /** How much of `received` the current line has matched. */
  #matched = 0;

  /** Takes the next octets of the message, in whatever pieces they come. */
  take(octets: Uint8Array): void {
    for (let at = 0; at < octets.length && this.#state !== "body"; at++) this.#step(octets[at]!);
  }

  #step(octet: number): void {
    if (octet === LF) {
      // An empty line ends the header. CR is not counted as the content of a line.
      this.#state = this.#state === "name" && this.#matched === 0 ? "body" : "name";
      this.#matched = 0;
      return;
    }
    switch (this.#state) {
      case "name":
        if (octet === CR) return;
        if (this.#matched < received.length && (octet | 0x20) === received.charCodeAt(this.#matched)) {
          this.#matched++;
        } else if (this.#matched === received.length && octet === COLON) {
          this.hops++;
          this.#state = "rest";
        } else if (this.#matched < received.length || (octet !== SP && octet !== HT)) {
          // Blanks before the colon are obsolete, and still read (RFC 5322 §4.5).
          this.#state = "rest";
        }
        return;
      case "rest":
      case "body":
        return;
    }
  }
}

/** `name`: within the name of a field, maybe. `rest`: in a line that does not matter. `body`: the header is over. */
type State = "name" | "rest" | "body";

const received = "received";
const HT = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SP = 0x20;
const COLON = 0x3a;

/**
 * A server that says what a client wants to hear as soon as a line end arrives, and looks at as little as it can: the
 * first octet of a line, and in content the last five octets. What it costs is the sockets.
 */
export class Floor {
  static readonly greeting: Uint8Array = octets("220 floor.example.com ESMTP\r\n");
  /** The client has said QUIT, and the reply was given. */
  over = false;
  #content = false;
  /** The last octets of content, for the case that a piece is shorter than the end of data. */
  #before: Uint8Array = none;

  /** What to say to this; null: nothing yet. */
  reply(piece: Uint8Array): Uint8Array | null {
    if (!this.#content) return this.#commands(piece);
    if (!this.#ends(piece)) return null;
    this.#content = false;
    this.#before = none;
    return ok;
  }

  #commands(piece: Uint8Array): Uint8Array | null {
    if (piece[piece.length - 1] !== 10) return null;
    const first = piece[0];
    // One line, as most are.
    if (piece.indexOf(10) === piece.length - 1) {
      switch (first) {
        case letters.D:
          this.#content = true;
          return goOn;
        case letters.E:
          return hello;
        case letters.Q:
          this.over = true;
          return bye;
        default:
          return ok;
      }
    }
    let lines = 0;
    let last = 0;
    for (let at = 0; at < piece.length; at = piece.indexOf(10, at) + 1) {
      lines++;
      last = at;
    }
    if (piece[last] === letters.D) {
      this.#content = true;
      return (groups[lines] ??= octets(`${"250 2.0.0 OK\r\n".repeat(lines - 1)}354 Go on\r\n`));
    }
    return (runs[lines] ??= octets("250 2.0.0 OK\r\n".repeat(lines)));
  }

  #ends(piece: Uint8Array): boolean {
    const end = piece.length;
    if (end < 5) {
      const joined = Uint8Array.of(...this.#before.subarray(-5), ...piece);
      this.#before = joined;
      return joined.subarray(-5).join() === "13,10,46,13,10";
    }
    // A copy: Deno reads into the same buffer again.
    this.#before = piece.slice(-5);
    return (
      piece[end - 1] === 10 &&
      piece[end - 2] === 13 &&
      piece[end - 3] === 46 &&
      piece[end - 4] === 10 &&
      piece[end - 5] === 13
    );
  }
}

function octets(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

const none = new Uint8Array(0);
const letters = { D: 0x44, E: 0x45, Q: 0x51 } as const;
const ok = octets("250 2.0.0 OK\r\n");
const goOn = octets("354 Go on\r\n");
const bye = octets("221 2.0.0 Bye\r\n");
const hello = octets(
  "250-floor.example.com\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n",
);
const groups: Uint8Array[] = [];
const runs: Uint8Array[] = [];

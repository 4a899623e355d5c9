import type { Octets } from "./octets.ts";

/** Whose octets: those that the client, or the server, sends. */
export type Side = "client" | "server";

/**
 * A place in what a side sends: behind so many octets of it, or behind the first appearance of a text. Octets are
 * counted as the sessions see them, inside TLS too; what a fault injects does not count.
 */
export type Place = number | string;

/**
 * Something that goes wrong.
 *
 * - `cut`: what is sent up to this place arrives, then the connection is gone for both sides.
 * - `stall`: what is sent behind this place never arrives, and nobody is told.
 * - `inject`: octets that nobody sent arrive behind this place: garbage, half a reply, clear text behind STARTTLS.
 * - `shutdown`: when so much of the client's octets has arrived, the server's service ends: it says 421 and closes.
 */
export type Fault =
  | { readonly fault: "cut"; readonly from: Side; readonly after: Place }
  | { readonly fault: "stall"; readonly from: Side; readonly after: Place }
  | { readonly fault: "inject"; readonly from: Side; readonly after: Place; readonly octets: Octets }
  | { readonly fault: "shutdown"; readonly after: Place };

/**
 * The sizes of the pieces in which octets arrive: all of one size; a list, which begins anew at its end; or a function of the piece's number
 * in its direction, from 0. Left out, a piece is what was sent at once.
 */
export type Split = number | readonly number[] | ((piece: number) => number);

/** How long octets are under way; a function: of the piece's number in its direction. They never overtake others. */
export type Latency = number | ((piece: number) => number);

/** The size of a piece, at least 1. */
export function pieceSize(split: Split | undefined, piece: number): number {
  if (split === undefined) return Number.POSITIVE_INFINITY;
  const size =
    typeof split === "number"
      ? split
      : typeof split === "function"
        ? split(piece)
        : split[piece % split.length];
  return size === undefined || !(size >= 1) ? 1 : size;
}

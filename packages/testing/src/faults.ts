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
 * A number for each piece in which octets arrive, in its direction: always the same; a list, which begins anew at its
 * end; or a function of the piece's number, from 0.
 */
export type PerPiece = number | readonly number[] | ((piece: number) => number);

/** The sizes of the pieces, in octets. Left out, a piece is what was sent at once. */
export type Split = PerPiece;

/** How long the pieces are under way, in milliseconds. They never overtake one another. */
export type Latency = PerPiece;

/** The size of a piece, at least 1. */
export function pieceSize(split: Split | undefined, piece: number): number {
  return split === undefined ? Number.POSITIVE_INFINITY : Math.max(1, forPiece(split, piece));
}

/** How long a piece is under way. */
export function pieceLatency(latency: Latency, piece: number): number {
  return Math.max(0, forPiece(latency, piece));
}

function forPiece(given: PerPiece, piece: number): number {
  if (typeof given === "function") return given(piece);
  return typeof given === "number" ? given : (given[piece % given.length] ?? 0);
}

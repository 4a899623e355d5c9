import type { Equivalent } from "../equivalent.ts";

export const ofTop: readonly Equivalent[] = [
  {
    file: "reply.ts",
    original: "at < text.length",
    replacement: "at <= text.length",
    reason: "behind the end of a text charCodeAt gives NaN, which is no control and no half of a character",
  },
  {
    file: "simd.ts",
    original: "at < octets.length",
    replacement: "at <= octets.length",
    reason: "what is assigned behind the end of a Uint8Array goes nowhere",
  },
];

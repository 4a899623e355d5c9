import { each, type Rows } from "./rows.ts";

export const top: Rows = [
  [
    "reply.ts",
    "behind the end of a text charCodeAt gives NaN, which is no control and no half of a character",
    each("at < text.length", "at <= text.length"),
  ],
  [
    "simd.ts",
    "what is assigned behind the end of a Uint8Array goes nowhere",
    each("at < octets.length", "at <= octets.length"),
  ],
  [
    "simd.ts",
    "undefined is used as null is: the plain scanner does the work",
    each("{ return null; }", "{}"),
  ],
  ["simd.ts", "by the time of a trial it was made", each("shared === undefined", "false")],
];

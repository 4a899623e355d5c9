import type { Lenient } from "../../packages/core/src/syntax/path.ts";

/** All that a server can be lenient in. */
export const everyLeniency: Lenient = {
  dots: true,
  bareAddress: true,
  trailingDot: true,
  underscore: true,
  mixedQuoting: true,
  spaceAfterColon: true,
  helloName: true,
};

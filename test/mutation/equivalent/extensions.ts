import type { Equivalent } from "../equivalent.ts";

const noOptions = "true and false have no properties, so that none is what is read of them";

export const ofExtensions: readonly Equivalent[] = [
  {
    file: "extensions/deliver-by.ts",
    original: 'typeof options === "object"',
    replacement: "true",
    reason: noOptions,
  },
  {
    file: "extensions/priority.ts",
    original: 'typeof given === "object"',
    replacement: "true",
    reason: noOptions,
  },
  {
    file: "extensions/future-release.ts",
    original: "options === false",
    replacement: "false",
    reason:
      "false has no latest time, so that nothing is announced; and where it is off no parameters are checked",
  },
];

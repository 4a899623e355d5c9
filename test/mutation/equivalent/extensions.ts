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
  {
    file: "extensions/deliver-by.ts",
    original: '""',
    replacement: '"Stryker was here!"',
    reason: "where no word is announced something is read that is no number, whatever it is",
  },
  {
    file: "extensions/deliver-by.ts",
    original: "least === null",
    replacement: "false",
    reason: "a time to return is above 0, as which null counts",
  },
  {
    file: "extensions/future-release.ts",
    original: "false",
    replacement: "true",
    reason:
      "options are false, or they are an object: false has no latest time, and is never checked with parameters",
  },
  {
    file: "extensions/dsn.ts",
    original: "point < 0x7f",
    replacement: "point <= 0x7f",
    reason: "DEL is refused in every address, quoted or not: parseAddress sees to it behind",
  },
  {
    file: "extensions/dsn.ts",
    original: "semicolon < end",
    replacement: "semicolon <= end",
    reason: "behind a value is a blank, a CR or nothing, none of which is a semicolon or of an atom",
  },
  {
    file: "extensions/future-release.ts",
    original: "{ return null; }",
    replacement: "{}",
    reason: "what is no text is no time, null or not",
  },
  {
    file: "extensions/content.ts",
    original: "default: return null;",
    replacement: "default:",
    reason: "a parameter of which nothing is made is refused, null or not",
  },
  {
    file: "extensions/custom.ts",
    original: '"custom"',
    replacement: '""',
    reason: "it is looked for by the same name, and no extension has the empty one either",
  },
  ...["true", "digits.length >= 2"].map((replacement) => ({
    file: "extensions/dsn.ts",
    original: "digits.length > 2",
    replacement,
    reason: "what has two digits and begins with 0 is a control, which parseAddress refuses behind",
  })),
  {
    file: "extensions/dsn.ts",
    original: "raw === null",
    replacement: "false",
    reason: "octets that are not UTF-8 are no xtext and no address, so that there is none where this is null",
  },
];

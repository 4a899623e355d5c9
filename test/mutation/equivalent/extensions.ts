import { each, type Rows } from "./rows.ts";

export const extensions: Rows = [
  [
    "extensions/deliver-by.ts",
    "true and false have no properties, so that none is what is read of them",
    each('typeof options === "object"', "true"),
  ],
  [
    "extensions/priority.ts",
    "true and false have no properties, so that none is what is read of them",
    each('typeof given === "object"', "true"),
  ],
  [
    "extensions/future-release.ts",
    "false has no latest time, so that nothing is announced; and where it is off no parameters are checked",
    each("options === false", "false"),
  ],
  [
    "extensions/deliver-by.ts",
    "where no word is announced something is read that is no number, whatever it is",
    each('""', '"Stryker was here!"'),
  ],
  [
    "extensions/deliver-by.ts",
    "a time to return is above 0, as which null counts",
    each("least === null", "false"),
  ],
  [
    "extensions/future-release.ts",
    "options are false, or they are an object: false has no latest time, and is never checked with parameters",
    each("false", "true"),
  ],
  [
    "extensions/dsn.ts",
    "DEL is refused in every address, quoted or not: parseAddress sees to it behind",
    each("point < 0x7f", "point <= 0x7f"),
  ],
  [
    "extensions/dsn.ts",
    "behind a value is a blank, a CR or nothing, none of which is a semicolon or of an atom",
    each("semicolon < end", "semicolon <= end"),
  ],
  ["extensions/future-release.ts", "what is no text is no time, null or not", each("{ return null; }", "{}")],
  [
    "extensions/content.ts",
    "a parameter of which nothing is made is refused, null or not",
    each("default: return null;", "default:"),
  ],
  [
    "extensions/custom.ts",
    "it is looked for by the same name, and no extension has the empty one either",
    each('"custom"', '""'),
  ],
  [
    "extensions/dsn.ts",
    "what has two digits and begins with 0 is a control, which parseAddress refuses behind",
    each("digits.length > 2", "true", "digits.length >= 2"),
  ],
  [
    "extensions/dsn.ts",
    "octets that are not UTF-8 are no xtext and no address, so that there is none where this is null",
    each("raw === null", "false"),
  ],
  ["extensions/registry.ts", "it has neither parameters nor verbs", each("[]", '["Stryker was here"]')],
];

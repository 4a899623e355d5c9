import { each, type Rows } from "./rows.ts";

const narrowed = "it cannot be so there, as was found a line before: the check is for the types alone";

export const relay: Rows = [
  [
    "relay/alabel.ts",
    "a label of 63 letters that are not all ASCII has an A-label of more than 63 octets: null in both ways",
    each("points.length > 63", "false", "points.length >= 63"),
  ],
  [
    "relay/alabel.ts",
    "U+0080 is a control and no letter, so that no label has it",
    each("point < 0x80", "point <= 0x80"),
  ],
  ["relay/header.ts", "it is set anew where a field begins", each('""', '"Stryker was here!"')],
  [
    "relay/header.ts",
    "what is neither a name nor a value is passed over, whatever it is called",
    each('"skipped"', '""'),
  ],
  [
    "relay/header.ts",
    "with a blank within the value it is not the one that counts",
    each("/^$| $/", "/^$| /"),
  ],
  [
    "relay/notification.ts",
    narrowed,
    [...each("from === null", "false"), ...each("found.path === null", "false")],
  ],
  [
    "relay/notification.ts",
    "for the other side `<>` is a fault, and here it is one, too",
    each('"reverse"', '""'),
  ],
  ["relay/pass.ts", "where the time is in the way it is in the way of all", each('"reply"', '""')],
  [
    "relay/pass.ts",
    "what is to be returned has not come so far without time",
    each('by.mode === "notify"', "true"),
  ],
  ["relay/pass.ts", "what is no number is none, whichever text it is", each('""', '"Stryker was here!"')],
  [
    "relay/status.ts",
    "of null no pattern is found, and it is no text that has one",
    each("code !== null", "true"),
  ],
  [
    "relay/status.ts",
    "of as many lines as are kept all are: those before the last, and the last",
    each("lines.length <= mostLines", "lines.length < mostLines"),
  ],
  [
    "relay/status.ts",
    "the first word of all stands behind the name, where no line is broken",
    each("index > 0", "true", "index >= 0"),
  ],
  [
    "relay/targets.ts",
    "an answer is of the type that was looked for: the check is for the types alone",
    [...each('answer.type !== "mx"', "false"), ...each('answer.type === "addresses"', "true")],
  ],
  [
    "relay/header.ts",
    "what is longer than a value that counts is none, whatever follows: it bounds what is held",
    [
      ...each(
        'more && this.#tlsValue.length <= "No ".length',
        "true",
        'more || this.#tlsValue.length <= "No ".length',
      ),
      ...each('this.#tlsValue.length <= "No ".length', "true"),
    ],
  ],
  [
    "relay/targets.ts",
    "only lists of more than ten preferences could be taken for each other",
    each('"\\n"', '""'),
  ],
  [
    "relay/targets.ts",
    "what stands before or behind the brackets stays, and makes it no address",
    each("/^\\[(?:IPv6:)?(.*)\\]$/i", "/\\[(?:IPv6:)?(.*)\\]$/i", "/^\\[(?:IPv6:)?(.*)\\]/i"),
  ],
];

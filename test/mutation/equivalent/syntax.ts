import { each, type Rows } from "./rows.ts";

const detail = "it is in the detail of a fault alone, which is for people";
const unset = "what is undefined is not tolerated either";
const general = "a way that is quicker: the general one, which is taken instead, gives the same";
const narrowed = "it cannot be so there: the check is for the types alone";
const room = "it is room of which what is not used is cut off";
const noNumber = "what is no number is none, whichever text it is";

export const syntax: Rows = [
  [
    "syntax/attributes.ts",
    "of the two verbs one is named, and all else is the other",
    each('"XFORWARD"', '""'),
  ],
  [
    "syntax/attributes.ts",
    "the name before the value is one that is known, and none of those has a plus",
    each("equals + 1", "equals - 1"),
  ],
  ["syntax/attributes.ts", "xtext without a plus stands for itself", each("decoded === null", "true")],
  [
    "syntax/base64.ts",
    "behind the alphabet there is no letter, and no octet has no number",
    each("value < 64", "value <= 64"),
  ],
  [
    "syntax/base64.ts",
    "what is undefined is shifted as 0 is",
    [...each("left > 1", "true", "left >= 1"), ...each("left > 2", "true", "left >= 2")],
  ],
  [
    "syntax/capabilities.ts",
    `${noNumber}; and a text that is split has one word at least`,
    each('""', '"Stryker was here!"'),
  ],
  [
    "syntax/command.ts",
    general,
    [
      ...each("stop - start === 4 && commonVerbs.get(folded(octets, start))", "false"),
      ...each("stop - start", "stop + start"),
      ...each('"EHLO HELO LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY EXPN HELP BURL ETRN ATRN AUTH"', '""'),
      ...each("[folded(encodeUtf8(verb), 0), verb]", "[]"),
    ],
  ],
  [
    "syntax/command.ts",
    "both ways make the same text; which of them is a matter of what the runtime keeps in memory",
    [
      ...each("end - start > 255", "true", "false", "end - start >= 255", "end - start <= 255"),
      ...each("end - start", "end + start"),
    ],
  ],
  [
    "syntax/command.ts",
    `${detail}: rule, place and reply are decided behind it`,
    [
      ...each("at >= stop", "false", "at > stop"),
      ...each('"argument is missing"', '""'),
      ...each('"not a domain"', '""'),
    ],
  ],
  [
    "syntax/command.ts",
    "base64 that is not empty stands for one octet at least",
    each("initial.length > 0", "true", "initial.length >= 0"),
  ],
  [
    "syntax/command.ts",
    "behind a mark that is not part of the argument nothing is left of it, and nothing is no node",
    each("at < end", "true", "at <= end"),
  ],
  ["syntax/command.ts", unset, each("{ utf8: false, underscore: false, trailingDot: false }", "{}")],
  ["syntax/domain.ts", unset, each("{ utf8: false, underscore: false, trailingDot: false }", "{}")],
  ["syntax/domain.ts", "zeros are refused by one word alone", each('"decimal"', '""')],
  [
    "syntax/domain.ts",
    "what begins with a colon is neither an IPv4 address nor has it a tag",
    each("colon < 0", "colon <= 0"),
  ],
  [
    "syntax/octets.ts",
    "a text without letters in lower case is the same in upper case",
    [...each("at < end", "at <= end"), ...each("upper(octets[at]) !== octets[at]", "true")],
  ],
  [
    "syntax/parameters.ts",
    "the one parameter with equals signs, MTRK, has a grammar of its own for all of its value",
    each("octets[at] === 0x3d", "true"),
  ],
  [
    "syntax/path.ts",
    "at the end there is no address, with brackets or without, and no plain path is whole",
    each("at < end", "true", "at <= end"),
  ],
  [
    "syntax/path.ts",
    "which side it would be is in the reply of a fault, which is dropped",
    each('"reverse"', '""'),
  ],
  ["syntax/path.ts", narrowed, each("domain?.kind", "domain.kind")],
  [
    "syntax/path.ts",
    "0x80 begins no character, so that it is not the first octet of UTF-8",
    [...each("octets[at] < 0x80", "octets[at] <= 0x80"), ...each("octets[at] >= 0x80", "octets[at] > 0x80")],
  ],
  ["syntax/path.ts", "0 is before every path: no string ends there", each("at < 0", "at <= 0")],
  ["syntax/path.ts", room, each("end - start", "end + start")],
  ["syntax/path.ts", "who reads an address asks for UTF-8 in another way", each('"absent"', '""')],
  [
    "syntax/replies.ts",
    "what is one behind the last octet is undefined, which is neither CR nor LF",
    each("at < line.length", "at <= line.length"),
  ],
  ["syntax/replies.ts", "the first text has the code of the first text", each("index === 0", "false")],
  [
    "syntax/replies.ts",
    "behind an enhanced code there is a blank or nothing",
    each("line[at] === space || line[at] === tab", "true"),
  ],
  [
    "syntax/replies.ts",
    "the pattern decides, and nothing of more than nine octets fits it",
    [
      ...each(
        "line.length < text + 5 || line[text + 1] !== dot",
        "false",
        "line.length < text + 5 && line[text + 1] !== dot",
      ),
      ...each("line.length < text + 5", "false"),
      ...each("text + 5", "text - 5"),
      ...each("line[text + 1] !== dot", "false"),
      ...each("end < text + 12", "true", "end <= text + 12"),
    ],
  ],
  [
    "syntax/replies.ts",
    "a list is made of none, or an empty one in the place of an empty one: it costs time alone",
    [
      ...each("this.#said.length === 0", "false"),
      ...each("this.#said.length > 0", "true", "this.#said.length >= 0"),
      ...each("new Array<number>(octets.length - from)", "new Array()"),
    ],
  ],
  [
    "syntax/trace.ts",
    "who reads a path in brackets does not ask for these",
    [...each('"absent"', '""'), ...each("false", "true")],
  ],
  [
    "syntax/trace.ts",
    "of null no pattern is found, and it is no text that has one",
    each("cipher !== null", "true"),
  ],
  [
    "syntax/trace.ts",
    "a domain that was read has its dot taken off already",
    each('""', '"Stryker was here!"'),
  ],
  ["syntax/capabilities.ts", "it names none of the limits", each("[]", '["Stryker was here"]')],
  ["syntax/command.ts", "a parameter stands behind the path, and never at 0", each("high >= 0", "high > 0")],
  ["syntax/path.ts", "a local-part without quotes is the same without its quotes", each("false", "true")],
  ["syntax/xtext.ts", room, each("end - start", "end + start")],
  ["syntax/attributes.ts", "a domain that can be read is no longer", each("text.length <= 255", "true")],
  ["syntax/command.ts", "where nothing is left, it is at the end", each("where === at", "true")],
];

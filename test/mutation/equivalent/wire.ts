import { each, type Rows } from "./rows.ts";

const whoLooks =
  "it says who looks at the octets, the machine one by one or a scanner, which is a matter of speed: wire-short.test.ts holds both to one reference";
const moreAtATime =
  "it says how many octets are looked at together, which is a matter of speed: the steps for single octets give the same";
const lineByLine =
  "fewer lines are copied at once, which is a matter of speed: the walk takes each by itself";
const beyond = "what is one behind the last octet is undefined, which is none of those that are looked for";
const atEnd =
  "at the end of the range the offset that is returned is the end, whatever stands behind it, as the steps that follow would find, too";
const label = "it is in the detail of a fault alone, which is for people";
const speed = "a loop or a native copy, which is a matter of speed";
const cutOff =
  "what is read from behind the end of the text is cut off again: the same text from other widths";

export const wire: Rows = [
  [
    "wire/address.ts",
    "no longer text has groups that are short enough: it is null all the same, after one look at each of its characters",
    [...each("text.length > longestIpv4", "false"), ...each("text.length > longestIpv6", "false")],
  ],
  [
    "wire/dot.ts",
    "behind the end of the data the walk stops before its first step: nothing is read, counted or handed on",
    [...each('this.#place === "end"', "false"), ...each('"end"', '""')],
  ],
  [
    "wire/dot.ts",
    "behind a dot that is no end of data the next octet is met as in text",
    each("at + 1 >= end || chunk[at + 1] === CR", "true"),
  ],
  [
    "wire/dot.ts",
    "as many octets as the chunk still has are all of it",
    each("most < chunk.length - start", "most <= chunk.length - start"),
  ],
  [
    "wire/dot.ts",
    whoLooks,
    [
      ...each(
        "end - start < worthScanning",
        "true",
        "false",
        "end - start <= worthScanning",
        "end - start >= worthScanning",
      ),
      ...each("end - start", "end + start"),
      ...each("scanner === null", "true"),
    ],
  ],
  [
    "wire/dot.ts",
    "after a fault the walk finds the same end of the data as the search for it, and all that it counts is forgotten",
    [
      ...each("this.#fault !== null", "false"),
      ...each(
        "{\n            at = dots ? seekEnd(chunk, at, end) : end;\n            if (at === end) break;\n          }",
        "{}",
      ),
    ],
  ],
  [
    "wire/dot.ts",
    "a CR LF that is not passed over at once is read by the machine in its two steps",
    [
      ...each("octet === CR && isPlainEnd(chunk, at, end) && at - line <= maxLine", "false"),
      ...each("at - line <= maxLine", "at - line < maxLine"),
    ],
  ],
  [
    "wire/dot.ts",
    lineByLine,
    [
      ...each("splice.copied === 0", "true", "false", "splice.copied !== 0"),
      ...each(
        "at - this.#done > fewOctets",
        "true",
        "false",
        "at - this.#done >= fewOctets",
        "at - this.#done <= fewOctets",
      ),
      ...each("at - this.#done", "at + this.#done"),
      ...each("this.#fault !== null || splice.copied === 0", "true"),
      ...each("this.#fault !== null", "true"),
      ...each("behind > at", "true", "false", "behind >= at"),
      ...each("at + maxSize", "at - maxSize"),
      ...each(
        "{\n    if (at - this.#done > fewOctets) return at;\n    this.#emitTo(at);\n    if (this.#fault !== null || splice.copied === 0) return at;\n    const { maxSize, maxLine } = this.#options;\n    const copied = splice.copied;\n    const behind = splice.stuffedLines(at, Math.min(end, at + maxSize - this.#size), maxLine);\n    this.#size += splice.copied - copied;\n    this.#done = behind;\n    this.#lineStart = behind;\n    return behind;\n  }",
        "{}",
      ),
    ],
  ],
  [
    "wire/end.ts",
    "it goes on by fewer octets than it could, which is a matter of speed",
    [...each("octet > DOT", "false"), ...each("octet === CR", "true"), ...each("octet === DOT", "true")],
  ],
  [
    "wire/end.ts",
    "at the end it finds what it says when it has found nothing: the last four octets",
    each("at < end", "at <= end"),
  ],
  [
    "wire/line.ts",
    "behind the limit no CR LF is taken for the end of the line, and of a line that is not whole nothing is said",
    each("at < stop", "at <= stop"),
  ],
  [
    "wire/line.ts",
    beyond,
    [
      ...each("at < octets.length", "at <= octets.length"),
      ...each("at < chunk.length", "at <= chunk.length"),
    ],
  ],
  [
    "wire/line.ts",
    "of two octets, CR LF, none belong to the line: what is held is all of it in both ways",
    each("end - start < 2", "end - start <= 2"),
  ],
  ["wire/line.ts", "a view from 0 on is of the same octets", each("start === 0", "false")],
  [
    "wire/network.ts",
    "an IPv4 address has one text, so that what is parsed and written is what was given",
    each("parseIpv4(text) !== null", "false"),
  ],
  [
    "wire/output.ts",
    "where it just fits there is room for more sooner, and the same octets in it",
    each("to > this.#buffer.length", "to >= this.#buffer.length"),
  ],
  [
    "wire/output.ts",
    speed,
    each(
      "octets.length < worthNative",
      "true",
      "false",
      "octets.length <= worthNative",
      "octets.length >= worthNative",
    ),
  ],
  [
    "wire/output.ts",
    "what is written behind the last octet is not counted, and overwritten by the next",
    each("at < octets.length", "at <= octets.length"),
  ],
  [
    "wire/output.ts",
    "without a spare buffer each output has one of its own, which is a matter of speed",
    each("this.#buffer.length === ordinary", "false"),
  ],
  ["wire/plain.ts", "a scanner is asked for nothing before begin, which sets it", each("false", "true")],
  [
    "wire/plain.ts",
    moreAtATime,
    [
      ...each("end - from < worthWords", "true", "end - from <= worthWords"),
      ...each("from + 4", "from - 4"),
      ...each("at + 16 <= end", "false", "at + 16 < end", "at + 16 > end"),
      ...each("line + 4 <= end && words.getInt32(line) === emptyLines", "false"),
      ...each("line + 4 <= end", "false", "line + 4 < end"),
      ...each(
        "chunk[control + 1] < 14",
        "true",
        "false",
        "chunk[control + 1] <= 14",
        "chunk[control + 1] >= 14",
      ),
      ...each("control + 1", "control - 1"),
      ...each("line > behind", "line >= behind"),
    ],
  ],
  [
    "wire/plain.ts",
    "14 is no NUL, and has no high bit: it is passed over in both ways",
    each("octet >= 14", "octet > 14"),
  ],
  [
    "wire/plain.ts",
    atEnd,
    [...each("at >= end", "false", "at > end"), ...each("line >= end", "false", "line > end")],
  ],
  [
    "wire/plain.ts",
    "behind the last of the 16 there is none of them",
    each("line < behind", "line <= behind"),
  ],
  [
    "wire/proxy-format.ts",
    "source and destination are both null or none: all else was refused a line before",
    [
      ...each("source === null || destination === null", "source === null && destination === null"),
      ...each("destination === null", "false"),
    ],
  ],
  [
    "wire/proxy.ts",
    "octet by octet the same is found, after as many looks as octets",
    each("this.#size === 0", "true"),
  ],
  [
    "wire/proxy.ts",
    label,
    ["keyword", "family", "source", "destination", "source port", "destination port"].map(
      (name): [string, string] => [JSON.stringify(name), '""'],
    ),
  ],
  [
    "wire/proxy.ts",
    "a header has null wherever nothing is known",
    each("{ source: null, destination: null }", "{}"),
  ],
  [
    "wire/proxy.ts",
    "a length of which not both octets are there is read as 0 or more, and the field exceeds what holds it all the same",
    each("begin > octets.length", "false"),
  ],
  [
    "wire/proxy.ts",
    "of null no pattern is found, and null is what it is then",
    each("decoded === null", "false"),
  ],
  [
    "wire/reply-format.ts",
    "a line that fits is cut into one piece: itself",
    each("line.length * 3 > room", "true", "line.length * 3 >= room"),
  ],
  [
    "wire/reply-format.ts",
    "half a pair alone is in no reply: reply() refuses it",
    each("unit < 0xdc00", "unit <= 0xdc00"),
  ],
  [
    "wire/reply-format.ts",
    "no blank is looked for before the begin of the piece, where 1 is, too",
    each("-1", "+1"),
  ],
  ["wire/simd.ts", "a scanner is asked for nothing before begin, which sets it", each("true", "false")],
  [
    "wire/simd.ts",
    "what is set for the module is not read where the plain scanner looks",
    each("this.#isPlain", "false"),
  ],
  ["wire/simd.ts", "a view of all octets has the same octets", each("length === chunk.length", "false")],
  [
    "wire/splice.ts",
    "to append nothing, or to ask for room where there is enough, changes nothing",
    [
      ...each("this.#to > this.#from", "true", "this.#to >= this.#from"),
      ...each("this.#length === this.#copy.length", "true"),
      ...each("this.#length === 0", "false"),
      ...each(
        "this.#length + to - from > this.#copy.length",
        "true",
        "this.#length + to - from >= this.#copy.length",
      ),
      ...each("this.#length + to - from", "this.#length + to + from"),
      ...each("this.#length > 0", "true", "this.#length >= 0"),
    ],
  ],
  [
    "wire/splice.ts",
    "a line that does not fit is not taken over, whatever of it was copied",
    each("next < most", "true", "next <= most"),
  ],
  [
    "wire/splice.ts",
    lineByLine,
    [
      ...each("at + copy.length", "at - copy.length"),
      ...each("line + 2 < most && chunk[line] === DOT && chunk[line + 1] !== CR", "false"),
      ...each("line + 2 < most && chunk[line] === DOT", "false"),
      ...each("line + 2 < most", "true", "false", "line + 2 >= most", "line + 2 <= most"),
      ...each("line + 2", "line - 2"),
      ...each("chunk[line] === DOT", "chunk[line] !== DOT"),
      ...each("line + 1", "line - 1"),
      ...each("next += 1", "next -= 1"),
      ...each("next < most && (octet = chunk[next]) >= 14 && octet < 0x80", "false"),
      ...each("next < most", "next >= most"),
      ...each("(octet = chunk[next]) >= 14", "(octet = chunk[next]) > 14", "(octet = chunk[next]) < 14"),
      ...each("next + 2", "next - 2"),
      ...each("octet !== CR || chunk[end - 1] !== LF || end - line - 3 > maxLine", "true"),
      ...each("end - line - 3 > maxLine", "true", "end - line - 3 >= maxLine", "end - line - 3 <= maxLine"),
      ...each("end - line - 3", "end - line + 3"),
      ...each("end - line", "end + line"),
    ],
  ],
  [
    "wire/splice.ts",
    speed,
    [
      ...each(
        "to - from < worthNative",
        "true",
        "false",
        "to - from <= worthNative",
        "to - from >= worthNative",
      ),
      ...each("to - from", "to + from"),
    ],
  ],
  [
    "wire/splice.ts",
    "it is the room that is left, or a view of what is whole: what is handed on is the same",
    [
      ...each("left > someMore", "false", "left >= someMore"),
      ...each("left + someMore", "left - someMore"),
      ...each("this.#length === this.#copy.length", "false"),
      ...each("ratio > 1", "true", "ratio >= 1"),
    ],
  ],
  [
    "wire/splice.ts",
    "one more octet behind the last is not counted, and overwritten by the next",
    each("at < to", "at <= to"),
  ],
  [
    "wire/splice.ts",
    "room that just fits is only there of a chunk that was given up: another of the same octets",
    each("needed <= this.#copy.length", "needed < this.#copy.length"),
  ],
  [
    "wire/stuff.ts",
    whoLooks,
    [
      ...each("end < worthScanning", "true", "false", "end <= worthScanning", "end >= worthScanning"),
      ...each("scanner === null", "true"),
    ],
  ],
  [
    "wire/stuff.ts",
    "where octets were left out others were put in, so that it is not empty",
    each("this.#done === 0", "true"),
  ],
  [
    "wire/stuff.ts",
    "the first fault stands, and nothing else is returned",
    each("this.#fault === null", "true"),
  ],
  ["wire/stuff.ts", beyond, each("at < end", "at <= end")],
  [
    "wire/stuff.ts",
    "a CR LF that is not passed over at once is read by the machine in its two steps",
    [
      ...each("octet === CR && isPlainEnd(octets, at, end) && at - line <= maxLine", "false"),
      ...each("at - line <= maxLine", "at - line < maxLine"),
    ],
  ],
  [
    "wire/stuff.ts",
    "the last octet is text, and how far it has come is not looked at again",
    each("at === end", "false"),
  ],
  [
    "wire/stuff.ts",
    "nothing lies between only where something was put in before, so that a copy was begun",
    each("to <= from", "to < from"),
  ],
  ["wire/utf8.ts", beyond, each("at < text.length", "at <= text.length")],
  [
    "wire/utf8.ts",
    "ASCII alone is a way that is quicker: the general one gives the same",
    [
      ...each("unit >= 0x80", "true"),
      ...each("plain < end && octets[plain] < 0x80", "false"),
      ...each("plain >= end", "false", "plain > end"),
    ],
  ],
  [
    "wire/utf8.ts",
    "the two differ by a multiple of 2^22, and the bits that are kept of an octet are those below it",
    each("point - 0xd800", "point + 0xd800"),
  ],
  [
    "wire/utf8.ts",
    cutOff,
    [
      ...each("end - at > 16 && at + 32 <= octets.length", "false"),
      ...each("end - at > 16", "end - at >= 16"),
      ...each("at + 32 <= octets.length", "true", "at + 32 < octets.length", "at + 32 > octets.length"),
      ...each("at + 32", "at - 32"),
      ...each("end - at > 4 && at + 8 <= octets.length", "false"),
      ...each("end - at > 4", "end - at >= 4", "end - at <= 4"),
      ...each("at + 8 <= octets.length", "true", "at + 8 < octets.length", "at + 8 > octets.length"),
      ...each("at < end", "at <= end"),
      ...each("at === end", "false"),
    ],
  ],
  [
    "wire/utf8.ts",
    "no octet begins a sequence of none, so that none is found behind it",
    each("width === 0", "false"),
  ],
  [
    "wire/utf8.ts",
    "in how many pieces a text is made is a matter of speed, as long as they are of bounded length",
    each("piece.length === 4096", "true", "piece.length !== 4096"),
  ],
  ["wire/dot.ts", "at the end there is nothing left to be found", each("at === end", "false")],
  [
    "wire/line.ts",
    "a line that was begun goes on at the begin of a chunk; and what is held too much of it is cut off again",
    [...each("end - start < 2", "false"), ...each("end - start", "end + start")],
  ],
  [
    "wire/output.ts",
    "it says which buffer is used next, for the same octets",
    each("this.#buffer.length === ordinary", "true", "this.#buffer.length !== ordinary"),
  ],
  ["wire/plain.ts", moreAtATime, [...each("at - line", "at + line"), ...each("isLong", "true")]],
  [
    "wire/proxy-format.ts",
    "both ends are there or neither is: the check is for the types alone",
    each("source === null", "false"),
  ],
  [
    "wire/proxy.ts",
    "it is the room that is there for more",
    each(
      "Math.min(this.#size, Math.max(needed, 2 * this.#length))",
      "Math.max(this.#size, Math.max(needed, 2 * this.#length))",
    ),
  ],
  [
    "wire/simd.ts",
    "an octet at the end of a window is found again in the next",
    each("found >= windowEnd", "found > windowEnd"),
  ],
  ["wire/utf8.ts", cutOff, each("at + 8", "at - 8")],
];

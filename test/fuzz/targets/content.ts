import { ContentWriter } from "@sansmtp/core";
import { type BarePolicy, type ContentOptions, ContentReader } from "../../../packages/core/src/wire/dot.ts";
import { Input } from "../../../packages/core/src/wire/input.ts";
import { LineReader } from "../../../packages/core/src/wire/line.ts";
import { decode, referenceDecode } from "../../core/wire-reference.ts";
import { hold, same } from "../finding.ts";
import { Choices, cut, joined, latin1, octets } from "../input.ts";
import * as reference from "../reference.ts";
import type { Target } from "../target.ts";

const words = [
  "\r\n",
  "\r",
  "\n",
  ".",
  "\r\n.",
  "\r\n.\r\n",
  "\r\n..",
  "x",
  "\0",
  "\u00ff",
  "\n.\n",
  "\r\r\n",
  ".\r",
  "x".repeat(30),
].map(octets);

const policies: readonly BarePolicy[] = ["reject", "normalize", "space", "keep"];

interface Case {
  readonly options: ContentOptions;
  readonly seed: number;
  readonly limit: number;
  readonly data: Uint8Array;
}

/** Three octets of options, one for the cuts, then the data: by octets, or each octet a piece of it. */
function caseOf(input: Uint8Array): Case {
  const choices = new Choices(input);
  const [one, two, seed, shape] = [choices.octet(), choices.octet(), choices.octet(), choices.octet()];
  const rest = choices.rest();
  const data =
    (shape & 1) === 0 ? rest : joined(Array.from(rest, (octet) => words[octet % words.length] as Uint8Array));
  return {
    options: {
      dots: (one & 1) === 0,
      bareCr: policies[(one >> 1) & 3] as BarePolicy,
      bareLf: policies[(one >> 3) & 3] as BarePolicy,
      maxSize: (one & 32) === 0 ? Number.POSITIVE_INFINITY : two & 31,
      maxLine: (one & 64) === 0 ? Number.POSITIVE_INFINITY : 1 + (two >> 5) * (two >> 5),
    },
    seed,
    limit: 2 + (two % 40),
    data,
  };
}

/** What is read of content, by DATA and by BDAT, and what is written of it; and lines. */
export const content: Target = {
  name: "content",
  seeds: () =>
    [
      "Subject: x\r\n\r\nbody\r\n.\r\n",
      "..\r\n.a\r\n.\r\nQUIT",
      "a\rb\nc\r\n.\r\n",
      "\r\n.\n.\r\n",
      ".\r\n",
    ].flatMap((data) => [
      joined([Uint8Array.of(0, 0, 7, 0), octets(data)]),
      joined([Uint8Array.of(0x2a, 9, 7, 0), octets(data)]),
    ]),
  words,
  head: 4,
  grown: 4096,
  longest: 160,
  check(input) {
    const { options, seed, limit, data } = caseOf(input);
    const expected = JSON.stringify(referenceDecode(data, options, !options.dots));
    for (const pieces of [cut(data, 0), cut(data, 1), cut(data, 2 + seed)]) {
      const read = decode(pieces, options, { finished: !options.dots, resumed: pieces.length % 2 === 1 });
      same(JSON.stringify(read), expected, "content is read differently");
      readLines(pieces, data, limit);
    }
    write(data, seed, options);
  },
  plain(input) {
    const { options, seed, limit, data } = caseOf(input);
    const feed = new Input();
    const reader = new ContentReader(options);
    const linesFeed = new Input();
    const lines = new LineReader(limit);
    const writer = new ContentWriter({
      dots: options.dots,
      lineEnds: "normalize",
      maxLine: 998,
      binary: false,
    });
    for (const piece of cut(data, seed % 3)) {
      feed.push(piece);
      while (feed.length > 0 && !reader.ended) reader.read(feed);
      if (reader.ended) feed.drop();
      linesFeed.push(piece);
      while (lines.read(linesFeed) !== null);
      writer.write(piece);
    }
  },
};

/** Lines against the reference: those over the limit are told of, and the next begins where it should. */
function readLines(pieces: readonly Uint8Array[], data: Uint8Array, limit: number): void {
  const input = new Input();
  let reader = new LineReader(limit);
  const found: string[] = [];
  for (const [at, piece] of pieces.entries()) {
    input.push(piece);
    for (let line = reader.read(input); line !== null; line = reader.read(input)) {
      found.push(line === "too-long" ? `long ${reader.length}` : latin1(line));
    }
    hold(reader.snapshot().held.length <= limit, "G6 the line held is too long");
    if (at % 3 === 2) {
      const again = new LineReader(limit);
      again.restore(JSON.parse(JSON.stringify(reader.snapshot())));
      reader = again;
    }
  }
  const expected = reference
    .lines(data)
    .map((line) => (line.length + 2 > limit ? `long ${line.length + 2}` : latin1(Uint8Array.from(line))));
  same(JSON.stringify(found), JSON.stringify(expected), "lines are read differently");
}

/** What is written has to be the same in whatever pieces, and be read as what was given. */
function write(data: Uint8Array, seed: number, { dots, maxLine }: ContentOptions): void {
  for (const lineEnds of ["strict", "normalize", "space"] as const) {
    const options = { dots, lineEnds, maxLine, binary: false };
    const results = [0, 1, 2 + seed].map((how) => {
      let writer = new ContentWriter(options);
      const written: Uint8Array[] = [];
      for (const [at, piece] of cut(data, how).entries()) {
        const each = writer.write(piece);
        if (!(each instanceof Uint8Array)) return JSON.stringify(each);
        written.push(each);
        if (at % 3 === 2)
          writer = ContentWriter.restore(options, JSON.parse(JSON.stringify(writer.snapshot())));
      }
      const end = writer.finish();
      if (!(end instanceof Uint8Array)) return JSON.stringify(end);
      return `${writer.size} ${writer.eightBit} ${latin1(joined([...written, end]))}`;
    });
    for (const result of results)
      same(result, results[0] as string, "G2 content is written differently by pieces");
    const [whole] = results as [string];
    if (whole.startsWith("{")) continue;
    const wire = whole.slice(whole.indexOf(" ", whole.indexOf(" ") + 1) + 1);
    hold(!/[^\r]\n|^\n|\r(?!\n)/.test(wire), "G12 a bare CR or LF in content that is written", () => wire);
    if (!dots) continue;
    const read = referenceDecode(octets(wire), {
      dots: true,
      bareCr: "keep",
      bareLf: "keep",
      maxSize: 1e9,
      maxLine: 1e9,
    });
    hold(
      read.ended && read.consumed === wire.length,
      "content that is written ends too early, or not",
      () => wire,
    );
    const text = latin1(data);
    const plain =
      lineEnds === "space"
        ? text.replace(/\r(?!\n)|(?<!\r)\n/g, " ")
        : text.replace(/\r(?!\n)|(?<!\r)\n/g, "\r\n");
    const ended = plain === "" || plain.endsWith("\r\n") ? plain : `${plain}\r\n`;
    same(latin1(Uint8Array.from(read.content)), ended, "content that is written is read as something else");
    same(whole.split(" ")[0] as string, String(plain.length), "the size of what is written is another");
  }
}

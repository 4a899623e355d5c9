import { type Capabilities, reply } from "@sansmtp/core";
import { parseCapabilities } from "../../../packages/core/src/syntax/capabilities.ts";
import { isReplyFault, type ReceivedReply, ReplyReader } from "../../../packages/core/src/syntax/replies.ts";
import { Input } from "../../../packages/core/src/wire/input.ts";
import { formatReply } from "../../../packages/core/src/wire/reply-format.ts";
import { hold, same } from "../finding.ts";
import { Choices, cut, joined, latin1, octets } from "../input.ts";
import * as reference from "../reference.ts";
import type { Target } from "../target.ts";
import { clientWords } from "./client-words.ts";
import { holdReplies } from "./wire-lines.ts";

const words = clientWords.map(octets);
const limits = { line: 512, lines: 20, octets: 4000 };

function dataOf(input: Uint8Array): readonly [number, Uint8Array] {
  const choices = new Choices(input);
  const [seed, shape] = [choices.octet(), choices.octet()];
  const rest = choices.rest();
  if ((shape & 1) === 0) return [seed, rest];
  return [seed, joined(Array.from(rest, (octet) => words[octet % words.length] as Uint8Array))];
}

/** Replies as a client reads them, in any pieces, what they offer, and replies as a server writes them. */
export const replies: Target = {
  name: "replies",
  seeds: () => words.map((word) => joined([Uint8Array.of(7, 0), word])),
  words,
  head: 2,
  grown: 800,
  longest: 300,
  check(input) {
    const [seed, data] = dataOf(input);
    const whole = read(cut(data, 0));
    same(shown(read(cut(data, 1))), shown(whole), "G2 replies are read differently by pieces");
    same(shown(read(cut(data, 2 + seed))), shown(whole), "G2 replies are read differently by pieces");
    const expected = reference.replies(data);
    for (const [at, { code, octets: texts, enhanced, lines }] of whole.found.entries()) {
      const other = expected[at];
      hold(other !== undefined, "a reply where there is none", () => latin1(data));
      hold(other.code === code && other.texts.length === texts.length, "another reply than there is", () =>
        latin1(data),
      );
      const prefixes = other.texts.map((text, line) =>
        text.slice(0, text.length - (texts[line] as number[]).length),
      );
      hold(
        prefixes.every(
          (prefix, line) => prefix === "" || (enhanced !== null && prefix.trim() === enhanced) || line > 0,
        ),
        "text of a reply is lost",
        () => latin1(data),
      );
      for (const [line, text] of other.texts.entries())
        hold(
          text.endsWith(latin1(Uint8Array.from(texts[line] as number[]))),
          "another text of a reply",
          () => text,
        );
      hold(lines.length === texts.length, "lines of a reply");
      offer(whole.found[at] as ReceivedReply);
    }
    // A fault of size, or of one line, may come before what the reference finds.
    if (!whole.faulty)
      hold(whole.found.length === expected.length, "a reply is not found", () => latin1(data));
    print(whole.found);
  },
  plain(input) {
    const [seed, data] = dataOf(input);
    for (const { lines, code } of read(cut(data, seed % 3)).found)
      parseCapabilities({ code, enhanced: null, lines, octets: [] });
  },
};

interface Read {
  readonly found: ReceivedReply[];
  readonly faulty: boolean;
  readonly rule: string;
}

function read(pieces: readonly Uint8Array[]): Read {
  const input = new Input();
  let reader = new ReplyReader(limits);
  const found: ReceivedReply[] = [];
  for (const [at, piece] of pieces.entries()) {
    input.push(piece);
    for (let next = reader.read(input); next !== null; next = reader.read(input)) {
      if (isReplyFault(next)) return { found, faulty: true, rule: `${next.rule} ${latin1(next.octets)}` };
      found.push(next);
    }
    reader.begun();
    if (at % 5 === 4) {
      const again = new ReplyReader(limits);
      again.restore(JSON.parse(JSON.stringify(reader.snapshot())));
      reader = again;
    }
  }
  return { found, faulty: false, rule: "" };
}

function shown({ found, rule }: Read): string {
  return JSON.stringify([found, rule]);
}

/** What is offered agrees with what the lines say. */
function offer(received: ReceivedReply): void {
  const capabilities: Capabilities = parseCapabilities(received);
  const said = received.lines.slice(1).map(
    (line) =>
      line
        .trim()
        .toUpperCase()
        .split(/[ \t]+/)[0],
  );
  for (const [keyword, has] of [
    ["PIPELINING", capabilities.pipelining],
    ["CHUNKING", capabilities.chunking],
    ["STARTTLS", capabilities.starttls],
    ["DSN", capabilities.dsn],
  ] as const)
    hold(has === said.includes(keyword), `${keyword} is not offered as it is said`, () =>
      received.lines.join("|"),
    );
  hold(capabilities.size === null || capabilities.size > 0, "SIZE is no number of octets");
}

/** What was read can be said again, and is read as the same. */
function print(found: readonly ReceivedReply[]): void {
  for (const { code, enhanced, lines } of found) {
    if (code % 100 > 59 || lines.some((line) => /[\0-\x08\x0a-\x1f\x7f\ud800-\udfff]/.test(line))) continue;
    const said = enhanced === null ? reply(code, lines) : reply(code, enhanced, lines);
    const wire = formatReply(said.code, said.enhanced, said.lines);
    if (code !== 334) holdReplies(wire);
    const input = new Input();
    input.push(wire);
    const again = new ReplyReader({ line: 1e6, lines: 1e6, octets: 1e6 }).read(input);
    hold(again !== null && !isReplyFault(again), "a reply that was read cannot be read again", () =>
      latin1(wire),
    );
    same(`${again.code}`, `${code}`, "a reply comes back with another code");
    // Folding parts lines at blanks; and text that looks like an enhanced code is one when it stands first.
    const text = (each: readonly string[]): string => each.join("").replace(/[ \t]/g, "");
    const plain = text(lines);
    if (enhanced !== null || !/[245]\.\d+\.\d+/.test(plain)) {
      same(text(again.lines), plain, "a reply comes back with another text");
      same(String(again.enhanced), String(enhanced), "a reply comes back with another enhanced code");
    }
  }
}

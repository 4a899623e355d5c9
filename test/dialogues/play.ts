import type { ServerConfig } from "@sansmtp/core";
import { compare, isNamed, namedKinds } from "./compare.ts";
import { type Dialogue, type Expectation, type Mode, showOctets, type Turn } from "./dialogue.ts";
import { baseConfig, Player, type Way } from "./player.ts";
import { heading, shorten, sideBySide } from "./show.ts";

/**
 * Runs a dialogue in each of its modes.
 *
 * @throws {Mismatch} showing both sides, aligned
 */
export function play(dialogue: Dialogue): void {
  for (const mode of isQuick ? quickModes(dialogue) : dialogue.modes) {
    switch (mode) {
      case "cuts":
        dialogue.turns.forEach((turn, at) => {
          for (const cut of cuts(turn))
            playOnce(dialogue, { mode, pieces: (of, octets) => cutAt(octets, of === at ? cut : 0) });
        });
        break;
      case "octets":
      case "undrained":
        playOnce(dialogue, { mode, pieces: (_, octets) => [...octets], drain: mode === "octets" });
        break;
      case "one piece":
        if (dialogue.turns.every(canBeSentAhead)) {
          playOnce({ ...dialogue, turns: inOnePiece(dialogue.turns) }, { mode, pieces: whole });
        }
        break;
      case "restored":
        playOnce(dialogue, { mode, pieces: whole, restore: true });
        playOnce(dialogue, {
          mode,
          pieces: (_, octets) => inPieces(octets, Math.ceil(octets.length / 150)),
          restore: true,
        });
        break;
      default:
        playOnce(dialogue, { mode, pieces: whole });
    }
  }
}

/** A dialogue went otherwise than it is written. */
export class Mismatch extends Error {
  override readonly name = "Mismatch";
}

/** Inside other runtimes (test/runtimes/inside.test.ts) the ways that take long are left out: they say nothing of a runtime. */
const isQuick = process.env.SANSMTP_QUICK === "1";

function quickModes({ turns, modes }: Dialogue): readonly Mode[] {
  const length = turns.reduce(
    (sum, { input }) => sum + (input && "octets" in input ? input.octets.length : 0),
    0,
  );
  const quick = modes.filter((mode) => mode === "whole" || (length < 300 && /octets|restored/.test(mode)));
  return quick.length > 0 ? quick : modes;
}

const whole: Way["pieces"] = (_, octets) => [octets];

function cutAt(octets: string, at: number): string[] {
  return at === 0 ? [octets] : [octets.slice(0, at), octets.slice(at)];
}

function inPieces(octets: string, length: number): string[] {
  return Array.from({ length: Math.ceil(octets.length / length) }, (_, at) =>
    octets.slice(at * length, (at + 1) * length),
  );
}

/** Every place to cut, or, for long turns, the places about line ends and dots, and some others. */
function cuts(turn: Turn): number[] {
  if (turn.input === null || !("octets" in turn.input) || turn.given) return [];
  const { octets } = turn.input;
  const all = Array.from({ length: octets.length - 1 }, (_, at) => at + 1);
  if (all.length <= 300) return all;
  const step = Math.ceil(all.length / 40);
  const telling = all.filter((at) => /[\r\n.\0]/.test(octets.slice(at - 1, at + 1)));
  return [...telling.slice(0, 60), ...telling.slice(-40), ...all.filter((at) => at % step === 1)];
}

/** A client that never waits could say this turn too: nothing but its own octets, no TLS, and no change of roles. */
function canBeSentAhead({ input, expected }: Turn, at: number, turns: readonly Turn[]): boolean {
  const isLate = (item: Expectation) =>
    item.kind === "question" && item.answers.some((answer) => answer.startsWith("later"));
  if (expected.some(isLate)) return false;
  if (input === null) return expected.every((item) => item.kind !== "action");
  if ("happens" in input) return at === turns.length - 1 && /^(end|lost)$/.test(input.happens);
  return !/^(STARTTLS|ATRN( .*)?)\r\n/im.test(input.octets);
}

function inOnePiece(turns: readonly Turn[]): Turn[] {
  const [first, ...rest] = turns as [Turn, ...Turn[]];
  const given = rest.filter((turn) => turn.given);
  const said = rest.filter(({ input, given }) => input !== null && "octets" in input && !given);
  if (said.length === 0) return [...turns];
  const octets = said.map(({ input }) => (input as { octets: string }).octets).join("");
  const expected = said.flatMap((turn) => turn.expected.filter(({ kind }) => kind !== "getters"));
  return [
    first,
    ...given,
    { input: { octets }, expected, given: false },
    ...rest.filter((turn) => !turn.given && !said.includes(turn)),
  ];
}

function playOnce(dialogue: Dialogue, way: Way): void {
  const player = new Player({ ...baseConfig, ...dialogue.config } as ServerConfig, way, dialogue.from);
  const named = namedKinds(dialogue);
  const expected: string[][] = [];
  const actual: string[][] = [];
  for (const [at, turn] of dialogue.turns.entries()) {
    const items = player.take(turn, at).filter((item) => isNamed(item, turn.given ? new Set() : named));
    // What is asked in the begin that a dialogue borrows is answered as it says, and not looked at.
    const looked = turn.given ? turn.expected.filter(({ kind }) => kind !== "question") : turn.expected;
    const [wanted, got] = compare(looked, items, player.getters());
    expected.push(wanted);
    actual.push(got);
    if (wanted.join("\n") === got.join("\n")) continue;
    const withHeadings = (side: readonly string[][]) =>
      side.flatMap((rows, at) => [...heading(dialogue.turns[at] as Turn), ...rows]);
    throw new Mismatch(
      `${dialogue.file}:${dialogue.line} ${dialogue.title}\n${describe(way, player)}\n\n` +
        `${sideBySide(withHeadings(expected), withHeadings(actual))}\n`,
    );
  }
}

function describe(way: Way, player: Player): string {
  const pieces =
    player.pieces.length === 2
      ? `: ${player.pieces.map((piece) => shorten(showOctets(piece))).join(" | ")}`
      : "";
  return `played in the way "${way.mode}"${pieces}`;
}

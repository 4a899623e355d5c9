import type { Random } from "./random.ts";

/** Makes another input of one: a few changes, of all the kinds that have found something in other people's programs. */
export function mutate(
  input: Uint8Array,
  other: Uint8Array,
  words: readonly Uint8Array[],
  longest: number,
  random: Random,
): Uint8Array {
  let changed = input;
  for (let turns = 1 << random.below(4); turns > 0; turns--) changed = change(changed, other, words, random);
  return changed.length > longest ? changed.slice(0, longest) : changed;
}

function change(
  input: Uint8Array,
  other: Uint8Array,
  words: readonly Uint8Array[],
  random: Random,
): Uint8Array {
  const at = random.below(input.length + 1);
  const span = 1 + random.below(random.oneIn(4) ? 40 : 6);
  switch (random.below(words.length > 0 ? 14 : 11)) {
    case 0:
      return replaced(input, at, 1, [random.below(256)]);
    case 1:
      return replaced(input, at, 1, [(input[at] ?? 0) ^ (1 << random.below(8))]);
    case 2:
      return replaced(input, at, 1, [(input[at] ?? 0) + random.below(17) - 8]);
    case 3:
      return replaced(input, at, 1, [random.pick(telling)]);
    case 4:
      return replaced(input, at, span, []);
    case 5:
      return replaced(
        input,
        at,
        0,
        Array.from({ length: span }, () => random.below(256)),
      );
    case 6: {
      // Once more, in its place.
      const from = random.below(input.length + 1);
      return replaced(input, at, 0, input.subarray(from, from + span));
    }
    case 7: {
      // Many times more.
      const piece = input.subarray(at, at + 1 + random.below(4));
      const many: number[] = [];
      for (let count = 1 + random.below(random.oneIn(6) ? 120 : 12); count > 0; count--) many.push(...piece);
      return replaced(input, at, 0, many);
    }
    case 8: {
      // To another place.
      const piece = input.slice(at, at + span);
      const rest = replaced(input, at, span, []);
      return replaced(rest, random.below(rest.length + 1), 0, piece);
    }
    case 9: {
      const from = random.below(other.length + 1);
      return replaced(input, at, random.oneIn(2) ? span : 0, other.subarray(from, from + span * 2));
    }
    case 10: {
      const from = random.below(other.length + 1);
      return replaced(input, at, input.length, other.subarray(from));
    }
    case 11:
      return replaced(input, at, random.below(3), random.pick(words));
    case 12:
      return replaced(input, at, random.pick(words).length, random.pick(words));
    default:
      return replaced(input, at, 0, random.pick(words));
  }
}

/** `count` octets at `at` give way to others. */
function replaced(input: Uint8Array, at: number, count: number, by: ArrayLike<number>): Uint8Array {
  const start = Math.min(at, input.length);
  const end = Math.min(start + count, input.length);
  const made = new Uint8Array(start + by.length + input.length - end);
  made.set(input.subarray(0, start));
  made.set(by, start);
  made.set(input.subarray(end), start + by.length);
  return made;
}

/** CR, LF, SP, the dot, and the ends of ranges. */
const telling = [0, 1, 9, 10, 13, 32, 46, 48, 57, 60, 62, 64, 127, 128, 192, 224, 240, 255];

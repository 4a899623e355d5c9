import { printableJson } from "./journal.ts";

/**
 * Two values in JSON, one under the other, around the place from which they differ, and a mark below it.
 *
 * @param labels what stands before each; they are of one length
 */
export function firstDifference(one: string, other: string, labels: readonly [string, string]): string {
  // First of all: what stands aligned are the characters that are printed.
  const [a, b] = [printableJson(one), printableJson(other)];
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  const from = Math.max(0, at - before);
  const shown = (text: string): string =>
    `${from > 0 ? "…" : ""}${text.slice(from, at + behind)}${text.length > at + behind ? "…" : ""}`;
  const mark = " ".repeat(labels[0].length + (from > 0 ? 1 : 0) + at - from);
  return [labels[0] + shown(a), labels[1] + shown(b), `${mark}^`].join("\n");
}

/** Characters that are shown before the difference, and from it on: together they fit most terminals. */
const before = 50;
const behind = 40;

import { type Expectation, type Fields, type Item, showOctets, type Turn } from "./dialogue.ts";

export function rows(items: readonly (Item | Expectation)[]): string[] {
  return merged(items).flatMap((item): string[] => {
    switch (item.kind) {
      case "reply":
        return octetRows("S", item.octets);
      case "body":
        return octetRows("*", item.octets);
      case "any reply":
        return [`S* ${item.begin}`];
      case "question":
        return [`? ${[item.type, ...showFields(item.fields)].join(" ")}`];
      case "violation":
        return [`! ${[item.rule, ...showFields(item.fields)].join(" ")}`];
      case "reset":
        return [`~ ${item.cause}`];
      case "action":
        return [`-- ${item.what}`];
      default:
        return [];
    }
  });
}

function octetRows(sign: "C" | "S" | "*", octets: string): string[] {
  const [plain, raw] = sign === "*" ? ["*", "*>"] : [`${sign}:`, `${sign}>`];
  return (octets.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((line) =>
    /^[\x20-\x7e]*\r\n$/.test(line)
      ? `${plain} ${shorten(line.slice(0, -2))}`.trimEnd()
      : `${raw} ${shorten(showOctets(line))}`,
  );
}

/** A run of one octet is shown as its length, as a dialogue would write it. */
export function shorten(text: string): string {
  return text.replace(/([^\\])\1{39,}/g, (run, one) => `\\{${run.length}*${one}}`);
}

export function showFields(fields: Fields): string[] {
  return Object.entries(fields).map(
    ([name, value], at, all) => `${name}=${value}${at < all.length - 1 ? "," : ""}`,
  );
}

export function heading(turn: Turn): string[] {
  if (turn.input === null) return [];
  return "octets" in turn.input ? octetRows("C", turn.input.octets) : [`-- ${turn.input.happens}`];
}

/** Adjacent replies joined, and adjacent bodies. */
export function merged(items: readonly (Item | Expectation)[]): (Item | Expectation)[] {
  const result: (Item | Expectation)[] = [];
  for (const item of items) {
    const last = result.at(-1);
    if ((item.kind === "reply" || item.kind === "body") && last?.kind === item.kind) {
      result[result.length - 1] = { kind: item.kind, octets: last.octets + item.octets };
    } else result.push(item);
  }
  return result;
}

/** Two columns, lines that belong together side by side, a mark where they differ. */
export function sideBySide(expected: readonly string[], actual: readonly string[]): string {
  const width = Math.min(76, Math.max(8, ...expected.map((row) => row.length)));
  const line = (mark: string, left: string, right: string) =>
    `${mark} ${left.padEnd(width)}  |  ${right}`.trimEnd();
  const out = [line(" ", "EXPECTED", "ACTUAL")];
  for (const [left, right] of align(expected, actual)) {
    const mark = left === right ? " " : left === null ? "+" : right === null ? "-" : "!";
    out.push(line(mark, left ?? "", right ?? ""));
  }
  return out.join("\n");
}

/** Pairs the rows by a longest common subsequence. */
function align(left: readonly string[], right: readonly string[]): [string | null, string | null][] {
  const length: number[][] = Array.from({ length: left.length + 1 }, () =>
    new Array(right.length + 1).fill(0),
  );
  const at = (i: number, j: number) => length[i]?.[j] ?? 0;
  for (let i = left.length - 1; i >= 0; i--) {
    for (let j = right.length - 1; j >= 0; j--) {
      (length[i] as number[])[j] =
        left[i] === right[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const out: [string | null, string | null][] = [];
  let i = 0;
  let j = 0;
  while (i < left.length || j < right.length) {
    const a = left[i] ?? null;
    const b = right[j] ?? null;
    if (a !== null && a === b) {
      out.push([a, b]);
      i++;
      j++;
    } else if (b === null || (a !== null && at(i + 1, j) >= at(i, j + 1))) {
      out.push([a, null]);
      i++;
    } else {
      out.push([null, b]);
      j++;
    }
  }
  return join(out);
}

/** A row that is missing and a row that is too much, next to each other, are one row that differs. */
function join(pairs: readonly [string | null, string | null][]): [string | null, string | null][] {
  const out: [string | null, string | null][] = [];
  let from = 0;
  for (const pair of pairs) {
    const gap = out.findIndex(([left, right], at) => at >= from && left !== null && right === null);
    if (pair[0] === null && gap >= 0) {
      out[gap] = [out[gap]?.[0] ?? null, pair[1]];
      from = gap + 1;
    } else out.push(pair);
    if (pair[0] !== null && pair[1] !== null) from = out.length;
  }
  return out;
}

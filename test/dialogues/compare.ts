import type { Dialogue, Expectation, Fields, Item } from "./dialogue.ts";
import { merged, rows, showFields } from "./show.ts";

/** The kinds of notices and questions that a dialogue tells of. */
export function namedKinds({ turns, never }: Dialogue): ReadonlySet<string> {
  const named = turns.flatMap(({ expected }) => expected.map(kindOf));
  return new Set([...named, ...never]);
}

/** Whether an item is looked at. */
export function isNamed(item: Item, named: ReadonlySet<string>): boolean {
  return item.kind === "reply" || item.kind === "action" || named.has(kindOf(item));
}

function kindOf(item: Item | Expectation): string {
  return item.kind === "question" ? `question ${item.type}` : item.kind;
}

/**
 * Both sides of a turn as lines of a dialogue. Events and replies are compared apart, since a reply may leave
 * together with later ones; replies and actions are compared in their order.
 */
export function compare(
  wanted: readonly Expectation[],
  got: readonly Item[],
  getters: Fields,
): [string[], string[]] {
  const isReply = ({ kind }: { kind: string }) =>
    kind === "reply" || kind === "any reply" || kind === "action";
  const looks = wanted.filter((item) => item.kind === "getters");
  const questions = got.filter((item) => item.kind === "question");
  const violations = got.filter((item) => item.kind === "violation");
  const alikeQuestions = pairs(
    wanted.filter((item) => item.kind === "question"),
    questions,
    ({ type }) => type,
  );
  const alikeViolations = pairs(
    wanted.filter((item) => item.kind === "violation"),
    violations,
    ({ rule }) => rule,
  );
  const expected = [
    ...rows(wanted.filter((item) => !isReply(item) && item.kind !== "getters")),
    ...rows(wanted.filter(isReply)),
    ...looks.flatMap(({ fields }) => showFields(fields).map((field) => `% ${field}`)),
  ];
  const actual = [
    ...rows(
      got
        .filter((item) => !isReply(item))
        .map((item) => {
          const alike =
            item.kind === "question" ? alikeQuestions.get(item) : alikeViolations.get(item as never);
          return "fields" in item ? { ...item, fields: only(item.fields, alike?.fields) } : item;
        }),
    ),
    ...rows(likeWanted(got.filter(isReply), wanted.filter(isReply))),
    ...looks.flatMap(({ fields }) => showFields(only(getters, fields)).map((field) => `% ${field}`)),
  ];
  return [expected, actual];
}

/** The first expected with the first that came of the same sort, the second with the second. */
function pairs<A, B extends object>(
  wanted: readonly A[],
  got: readonly B[],
  sort: (of: A | B) => string,
): Map<B, A> {
  const left = [...wanted];
  const map = new Map<B, A>();
  for (const item of got) {
    const at = left.findIndex((one) => sort(one) === sort(item));
    if (at >= 0) map.set(item, left.splice(at, 1)[0] as A);
  }
  return map;
}

function only(fields: Fields, like: Fields | undefined): Fields {
  if (like === undefined) return fields;
  return Object.fromEntries(Object.keys(like).map((name) => [name, fields[name] ?? "(no such field)"]));
}

/** Whole replies in the place of lines where only their begin is expected. */
function likeWanted(got: readonly Item[], wanted: readonly Expectation[]): (Item | Expectation)[] {
  const lines = merged(got).flatMap((item): (Item | Expectation)[] =>
    item.kind === "reply"
      ? (item.octets.match(/[^\n]*\n|[^\n]+$/g) ?? []).map((octets) => ({ kind: "reply", octets }))
      : [item],
  );
  const result: (Item | Expectation)[] = [];
  const text = (item: Item | Expectation | undefined) => (item?.kind === "reply" ? item.octets : "");
  let at = 0;
  for (const item of merged(wanted)) {
    if (item.kind === "reply") {
      const count = item.octets.split("\n").length - 1;
      result.push(...lines.slice(at, at + count));
      at += count;
    } else if (item.kind === "any reply") {
      let end = at;
      const begins = (line: string, sign: string) =>
        line.startsWith(item.begin.replace(/^(\d{3}) ?/, `$1${sign}`));
      while (begins(text(lines[end]), "-")) end++;
      if (begins(text(lines[end]), " ")) {
        result.push(item);
        at = end + 1;
      } else {
        result.push(...lines.slice(at, at + 1));
        at++;
      }
    } else {
      result.push(...lines.slice(at, at + 1));
      at++;
    }
  }
  return [...result, ...lines.slice(at)];
}

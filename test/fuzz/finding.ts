/** What a target throws when the code under test has broken a guarantee. */
export class Finding extends Error {
  /** What is broken, in words that do not depend on the input: findings of one kind are the same. */
  readonly kind: string;

  constructor(kind: string, detail = "") {
    super(detail === "" ? kind : `${kind}: ${detail}`);
    this.name = "Finding";
    this.kind = kind;
  }
}

/** Throws unless it holds. */
export function hold(holds: boolean, kind: string, detail: () => string = () => ""): asserts holds {
  if (!holds) throw new Finding(kind, detail());
}

/** Throws unless both are the same text. */
export function same(one: string, other: string, kind: string): void {
  if (one === other) return;
  let at = 0;
  while (one[at] === other[at] && at < one.length) at++;
  const from = Math.max(0, at - 60);
  throw new Finding(
    kind,
    `at ${at}: …${one.slice(from, at + 100)}… against …${other.slice(from, at + 100)}…`,
  );
}

/** The kind of anything that was thrown: what threw, without what depends on the input. */
export function kindOf(thrown: unknown): string {
  if (thrown instanceof Finding) return thrown.kind;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const place = /\n\s+at (?:async )?([^\s(]+)/.exec(error.stack ?? "")?.[1] ?? "?";
  return `${error.name} in ${place}: ${error.message.replace(/\d+/g, "0").slice(0, 60)}`;
}

// Lists that are empty nearly always: what is empty is one value for all sessions, so that an idle one pays for none.

/** The empty list. */
export const nothing: never[] = Object.freeze([]) as never;

/** The list with one more behind the others: to be put where it was. */
export function added<T>(list: T[], value: T): T[] {
  if (list.length === 0) return [value];
  list.push(value);
  return list;
}

/** The list without its first: to be put where it was. */
export function rest<T>(list: T[]): T[] {
  if (list.length === 1) return nothing;
  list.shift();
  return list;
}

import type { Difference } from "./compare.ts";
import { bare } from "./known-bare.ts";
import { chunks } from "./known-chunks.ts";
import { commands } from "./known-commands.ts";
import { grammar } from "./known-grammar.ts";
import type { State } from "./ours.ts";

/** A kind of difference, and the requirement by which ours does what it does. */
export interface Row {
  /** What the client has said, in words. */
  readonly said: string;
  /** The kinds of unit; left out, any. */
  readonly kind?: readonly string[];
  readonly states?: readonly State[];
  /** Requirements, one of which our session has named as broken; null: none was. Left out, whatever it has named. */
  readonly rule?: readonly string[] | null;
  /** What the octets look like. */
  readonly octets?: RegExp;
  /** What may have left something behind, as `Difference` has it. */
  readonly after?: Difference["after"][number];
  readonly pace?: readonly Difference["pace"][];
  /** Our reply, as `Difference` has it. */
  readonly ours: RegExp;
  /** What each server replies instead. */
  readonly theirs: Readonly<Partial<Record<Rivals, RegExp>>>;
  /** Our reply, and that of these servers, in words. */
  readonly weSay: string;
  readonly theySay: string;
  /** The requirement that justifies ours. */
  readonly requirement: string;
  readonly because: string;
}

export type Rivals = "postfix" | "exim" | "opensmtpd" | "aiosmtpd" | "smtp-server";

/** Every difference that was found is in one of these; the first that fits explains it. */
export const known: readonly Row[] = [...bare, ...chunks, ...grammar, ...commands];

/** Names a row. */
export function keyOf({ requirement, said }: Row): string {
  return `${requirement} ${said}`;
}

/** The row that explains a difference; null: nothing does. */
export function explain(difference: Difference, rows: readonly Row[] = known): Row | null {
  return rows.find((row) => explains(row, difference)) ?? null;
}

function explains(row: Row, difference: Difference): boolean {
  const { kind, state, rules, octets, ours, theirs, pace, server } = difference;
  return (
    row.ours.test(ours) &&
    row.theirs[server as Rivals]?.test(theirs) === true &&
    (row.kind === undefined || row.kind.includes(kind)) &&
    (row.states === undefined || row.states.includes(state)) &&
    (row.rule === undefined ||
      (row.rule === null ? rules.length === 0 : row.rule.some((rule) => rules.includes(rule)))) &&
    (row.octets === undefined || row.octets.test(octets)) &&
    (row.after === undefined || difference.after.includes(row.after)) &&
    (row.pace === undefined || row.pace.includes(pace))
  );
}

import type { State, Unit } from "./ours.ts";
import { type Group, type Heard, play } from "./play.ts";

/** How the octets of a sequence are given to a server. */
export interface Delivery {
  /**
   * `lockstep`: each unit when the one before was answered. `groups`: as RFC 2920 §3.1 allows. `burst`: all at once.
   * `early`: all at once, and before the greeting.
   */
  readonly pace: "lockstep" | "groups" | "burst" | "early";
  /** Places, each below one, at which what is sent at once is cut into writes. */
  readonly cuts: readonly number[];
}

/** Where a server and ours differ. */
export interface Difference {
  readonly server: string;
  readonly kind: string;
  readonly state: State;
  readonly octets: string;
  readonly rules: readonly string[];
  /** First digits of the replies, `-` for none, with `closes` where the connection was closed. */
  readonly ours: string;
  readonly theirs: string;
  /**
   * What may have left something behind: a `BDAT` or `hello` that was refused, `chunks` that RSET has ended, or a MAIL with
   * a `size` that was refused.
   */
  readonly after: readonly ("BDAT" | "hello" | "chunks" | "size")[];
  /** `any` if it is there in lockstep, too. */
  readonly pace: Delivery["pace"] | "any";
  /** The number of the unit. */
  readonly at: number;
}

export interface Compared {
  readonly differences: readonly Difference[];
  /** How many units were compared: behind a difference after which the servers are not in the same state, none are. */
  readonly units: number;
  readonly heard: Heard;
}

export interface Facing {
  readonly server: string;
  readonly port: number;
  /** Milliseconds that a reply may take. */
  readonly patience: number;
  /** Milliseconds within which it closes, or says what nobody expects. */
  readonly silence: number;
  /** A difference is looked at in lockstep, with time for replies that nobody expects, even where it seems certain. */
  readonly thorough: boolean;
}

/** Plays a sequence to a server, and lays its replies beside ours. */
export async function compare(
  facing: Facing,
  units: readonly Unit[],
  { pace, cuts }: Delivery,
): Promise<Compared> {
  const groups = grouped(units, pace, cuts);
  const first = await meet(facing, units, groups, pace);
  if (first.certain && !(facing.thorough && first.differences.length > 0)) return first;
  // In lockstep, with time for replies that nobody expects, it is certain what a reply belongs to.
  const exact = await meet(facing, units, grouped(units, "lockstep", []), "any", true);
  if (exact.differences.some(({ diverges }) => diverges) || pace === "lockstep") return exact;
  return {
    ...first,
    differences: [...exact.differences, ...first.differences.filter(({ diverges }) => diverges)],
  };
}

interface Meeting extends Compared {
  readonly differences: readonly (Difference & { readonly diverges: boolean })[];
  /** It is known which reply belongs to which unit. */
  readonly certain: boolean;
}

async function meet(
  { server, port, patience, silence }: Facing,
  units: readonly Unit[],
  groups: readonly Group[],
  pace: Difference["pace"],
  listens = false,
): Promise<Meeting> {
  const exact = groups.length === units.length && pace !== "early";
  let differences: (Difference & { diverges: boolean })[] = [];
  let compared = 0;
  let certain = true;
  const judge = (codes: readonly (readonly number[])[], closed: boolean, complete: boolean): boolean => {
    const replies = exact ? codes : dealt(codes.flat(), units);
    differences = [];
    const after = new Set<Difference["after"][number]>();
    for (const [at, unit] of units.entries()) {
      const theirs = replies[at];
      if (theirs === undefined) return true;
      const lastHeard = at === replies.length - 1;
      // Not all that belongs to it may have come.
      if (lastHeard && !complete && theirs.length < unit.codes.length) return true;
      compared = at + 1;
      const theirClose = closed && lastHeard;
      const difference = {
        server,
        kind: unit.kind,
        state: unit.state,
        octets: unit.octets,
        rules: unit.rules,
        ours: shown(unit.codes, unit.closes),
        theirs: shown(theirs, theirClose),
        after: [...after],
        pace: exact ? ("any" as const) : pace,
        at,
      };
      // Whether it closes is seen when nothing more comes.
      if (!complete && difference.ours === `${difference.theirs} closes`) return true;
      const refused = unit.codes[0]! >= 400;
      if (unit.kind === "BDAT" && refused) after.add("BDAT");
      if (unit.kind === "EHLO" || unit.kind === "HELO") refused ? after.add("hello") : after.clear();
      if (unit.kind === "RSET" && !refused) after.delete("BDAT");
      if (unit.kind === "RSET" && unit.state === "bdat") after.add("chunks");
      if (unit.kind === "MAIL" && refused && /[ \t]SIZE=\d{8}/i.test(unit.octets)) after.add("size");
      if (difference.ours === difference.theirs) continue;
      const diverges = diverging(unit, theirs, theirClose);
      differences.push({ ...difference, diverges });
      if (diverges) return false;
    }
    return true;
  };
  const heard = await play(port, groups, {
    early: pace === "early",
    patience,
    silence,
    listens,
    closes: units.at(-1)!.closes,
    goesOn: (codes, closed) => judge(codes, closed, false),
  });
  judge(heard.codes, heard.closed !== null, true);
  const expected = units.reduce((sum, { codes }) => sum + codes.length, 0);
  const diverged = differences.some(({ diverges }) => diverges);
  // What is too much may be a late reply to the unit before.
  const ahead = heard.codes.some((codes, at) => codes.length > (groups[at]?.replies ?? 0));
  certain =
    listens ||
    (!diverged && heard.codes.flat().length === expected) ||
    (diverged && exact && !heard.more && !ahead && heard.closed === null);
  return { differences, units: compared, heard, certain };
}

/** Deals replies out to units, as many to each as it has of ours; what is too many goes to the last. */
function dealt(codes: readonly number[], units: readonly Unit[]): number[][] {
  const rest = [...codes];
  const dealing: number[][] = [];
  for (const [at, { codes: ours }] of units.entries()) {
    if (rest.length === 0 && ours.length > 0) {
      dealing.push([]);
      break;
    }
    dealing.push(rest.splice(0, at === units.length - 1 ? rest.length : ours.length));
  }
  return dealing;
}

function shown(codes: readonly number[], closes: boolean): string {
  const classes = codes.map((code) => (Number.isNaN(code) ? "?" : String(code)[0])).join("") || "-";
  return closes ? `${classes} closes` : classes;
}

/** Whether two servers that replied so are in different states. */
function diverging(
  { kind, state, codes, closes }: Unit,
  theirs: readonly number[],
  theirClose: boolean,
): boolean {
  if (codes.length !== theirs.length || closes !== theirClose) return true;
  const accepts = (all: readonly number[]): boolean => all.some((code) => code < 400);
  if (accepts(codes) === accepts(theirs)) return codes[0]! >= 300 !== theirs[0]! >= 300 && accepts(codes);
  switch (kind) {
    // Whatever they say to it, they stay where they are.
    case "NOOP":
    case "VRFY":
    case "EXPN":
    case "HELP":
    case "ETRN":
      return false;
    // Either way the transaction is over.
    case "content":
      return false;
    case "RSET":
      return state !== "start" && state !== "greeted";
    // There is another recipient, so that the next commands are legal for both.
    case "RCPT":
      return state !== "rcpt";
    default:
      return true;
  }
}

/** What is sent at once. */
export function grouped(units: readonly Unit[], pace: Delivery["pace"], cuts: readonly number[]): Group[] {
  const groups: { octets: string; replies: number }[] = [];
  let open = false;
  for (const [at, unit] of units.entries()) {
    const last = groups.at(-1);
    if (at === 0 || !open || last === undefined)
      groups.push({ octets: unit.octets, replies: unit.codes.length });
    else {
      last.octets += unit.octets;
      last.replies += unit.codes.length;
    }
    // Behind QUIT nobody listens; what is sent along with it has to do no harm.
    if (pace === "burst" || pace === "early") groups.at(-1)!.octets += unit.rest;
    if (at > 0) open = pace === "groups" ? goesOn(unit) : pace !== "lockstep";
  }
  return groups.map((group) => ({
    ...group,
    cuts: cuts.map((cut) => Math.floor(cut * group.octets.length)).sort((a, b) => a - b),
  }));
}

function goesOn({ kind }: Unit): boolean {
  return ["MAIL", "RCPT", "RSET", "BDAT", "content"].includes(kind);
}

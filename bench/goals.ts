import { median, type Row, ratio } from "./rows.ts";

/** What was promised, and how it is found in the rows of all benches. */
export interface Goal {
  readonly what: string;
  readonly limit: string;
  /** Null: the rows that it needs are not there. */
  judge(rows: readonly Row[]): Judged | null;
}

export interface Judged {
  readonly measured: string;
  readonly met: boolean;
}

type Place = readonly [bench: string, table: string, subject: string];

/** The row at a place; of a curve, at a point of it. */
function find(rows: readonly Row[], [bench, table, subject]: Place, at?: number): Row | undefined {
  return rows.find(
    (row) =>
      row.bench === bench &&
      row.table === table &&
      row.subject === subject &&
      (at === undefined || row.at === at),
  );
}

/** One subject's figure as a multiple of another's. @param least what takes as little as there can be: told beside it */
function multiple(
  what: string,
  of: Place,
  to: Place,
  sign: "<=" | "<" | ">=",
  limit: number,
  least?: Place,
): Goal {
  return {
    what,
    limit: `${signs[sign]} ${limit} x ${to[2]}`,
    judge(rows) {
      const row = find(rows, of);
      const base = find(rows, to);
      if (row === undefined || base === undefined) return null;
      const value = ratio(row, base);
      const floor = least === undefined ? undefined : find(rows, least);
      const beside = floor === undefined ? "" : ` (the floor: ${digits(ratio(floor, base))} x)`;
      return { measured: `${digits(value)} x${beside}`, met: holds(value, sign, limit) };
    },
  };
}

const signs = { "<=": "≤", "<": "<", ">=": "≥" } as const;

function holds(value: number, sign: keyof typeof signs, limit: number): boolean {
  return sign === "<=" ? value <= limit : sign === "<" ? value < limit : value >= limit;
}

function digits(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : value >= 0.1 ? 2 : 3);
}

const loads = ["4 KiB, a session each, 100 at once", "64 KiB, 10 kept open", "1 MiB, 4 kept open"] as const;
const keptOpen = "4 KiB, 10 kept open";

function serving(load: string, subject: string): Place {
  return ["server", load, subject];
}

/** Text as people write it, and as programs wrap it. */
const ordinary = ["76-character lines", "prose", "base64"];
const largest = "chunks of 65536";

/** The least of what a subject comes to, over inputs. */
function least(
  what: string,
  limit: string,
  values: (rows: readonly Row[]) => readonly { readonly name: string; readonly value: number }[],
  met: (value: number) => boolean,
  unit: string,
): Goal {
  return {
    what,
    limit,
    judge(rows) {
      const found = values(rows);
      if (found.length === 0) return null;
      const worst = found.reduce((a, b) => (b.value < a.value ? b : a));
      return { measured: `${digits(worst.value)} ${unit} (${worst.name})`, met: met(worst.value) };
    },
  };
}

/** Each input as a multiple of a peer's speed. */
function speeds(bench: string, subject: string, peer: string, wanted: (table: string) => boolean) {
  return (rows: readonly Row[]): { name: string; value: number }[] =>
    rows
      .filter((row) => row.bench === bench && row.subject === subject && wanted(row.table))
      .flatMap((row) => {
        const base = find(rows, [bench, row.table, peer]);
        return base === undefined ? [] : [{ name: row.table, value: ratio(row, base) }];
      });
}

const isOrdinary = (table: string): boolean => ordinary.some((name) => table === `${name}, ${largest}`);

export const goals: readonly Goal[] = [
  multiple(
    "Node server, processor time of a 4 KiB message, 10 connections kept open",
    serving(keptOpen, "sansmtp on Node"),
    serving(keptOpen, "floor on Node"),
    "<=",
    1.15,
  ),
  multiple(
    "Node server, processor time of a 4 KiB message, 10 connections kept open",
    serving(keptOpen, "sansmtp on Node"),
    serving(keptOpen, "smtp-server on Node"),
    "<=",
    0.55,
    serving(keptOpen, "floor on Node"),
  ),
  multiple(
    "Node server, processor time of a 4 KiB message, 10 connections kept open",
    serving(keptOpen, "sansmtp on Node"),
    serving(keptOpen, "smtp-sink"),
    "<",
    1,
  ),
  multiple(
    "Node server, processor time of a 4 KiB message, 10 connections kept open",
    serving(keptOpen, "sansmtp on Node"),
    serving(keptOpen, "go-smtp"),
    "<",
    1,
  ),
  ...loads.flatMap((load) => [
    multiple(
      `Node server, ${load}`,
      serving(load, "sansmtp on Node"),
      serving(load, "floor on Node"),
      "<=",
      1.2,
    ),
    multiple(
      `Node server, ${load}`,
      serving(load, "sansmtp on Node"),
      serving(load, "smtp-server on Node"),
      "<=",
      0.45,
      serving(load, "floor on Node"),
    ),
  ]),
  ...["Bun", "Deno"].flatMap((runtime) =>
    [keptOpen, ...loads].map((load) =>
      multiple(
        `${runtime} server, ${load}`,
        serving(load, `sansmtp on ${runtime}`),
        serving(load, `floor on ${runtime}`),
        "<=",
        1.2,
      ),
    ),
  ),
  multiple(
    "Client, processor time of a 4 KiB message, 10 connections",
    ["client", "4 KiB, 10 connections", "sansmtp pool"],
    ["client", "4 KiB, 10 connections", "floor on Node"],
    "<=",
    1.5,
  ),
  multiple(
    "Client, processor time of a 4 KiB message, 10 connections",
    ["client", "4 KiB, 10 connections", "sansmtp pool"],
    ["client", "4 KiB, 10 connections", "nodemailer pool"],
    "<=",
    0.2,
  ),
  {
    what: "In process, the core alone with SIMD, a dialogue of a 4 KiB message, session kept open",
    limit: "≤ 4 us",
    judge(rows) {
      const row = find(rows, ["session", "4 KiB message, pipelined", "sansmtp core, SIMD"]);
      if (row === undefined) return null;
      const value = median(row.samples);
      return { measured: `${digits(value)} us`, met: value <= 4 };
    },
  },
  multiple(
    "In process, the core alone with SIMD, a dialogue of a 4 KiB message, session kept open",
    ["session", "4 KiB message, pipelined", "sansmtp core, SIMD"],
    ["session", "4 KiB message, pipelined", "smtp-server behind a socket in memory"],
    "<=",
    0.08,
  ),
  least(
    "Decoding with all checks, 64 KiB chunks of ordinary text, plain",
    "≥ 3 x smtp-server",
    speeds("decode", "plain", "smtp-server", isOrdinary),
    (value) => value >= 3,
    "x",
  ),
  least(
    "Decoding with all checks, 64 KiB chunks of ordinary text, with SIMD",
    "≥ 10 x smtp-server",
    speeds("decode", "SIMD", "smtp-server", isOrdinary),
    (value) => value >= 10,
    "x",
  ),
  least(
    "Decoding, plain, 64 KiB chunks of any text",
    "≥ 0.15 GB/s",
    (rows) =>
      rows
        .filter(
          ({ bench, subject, table }) => bench === "decode" && subject === "plain" && table.endsWith(largest),
        )
        .map(({ table, samples }) => ({ name: table, value: median(samples) })),
    (value) => value >= 0.15,
    "GB/s",
  ),
  least(
    "Decoding, plain, 64 KiB chunks of any text",
    "nowhere slower than smtp-server",
    speeds("decode", "plain", "smtp-server", (table) => table.endsWith(largest)),
    (value) => value >= 1,
    "x",
  ),
  least(
    "Decoding, plain, any text in any chunks",
    "nowhere slower than smtp-server",
    speeds("decode", "plain", "smtp-server", () => true),
    (value) => value >= 1,
    "x",
  ),
  least(
    "Encoding 64 KiB chunks of ordinary text",
    "≥ 20 x nodemailer",
    speeds("encode", "SIMD", "nodemailer", isOrdinary),
    (value) => value >= 20,
    "x",
  ),
  least(
    "Encoding, any text in any chunks",
    "nowhere slower than nodemailer",
    speeds("encode", "SIMD", "nodemailer", () => true),
    (value) => value >= 1,
    "x",
  ),
  {
    what: "Heap of an idle session after EHLO, the core alone",
    limit: "≤ 600 octets",
    judge(rows) {
      const row = find(rows, ["session", "heap of an idle session, after EHLO", "sansmtp core"]);
      if (row === undefined) return null;
      const value = median(row.samples);
      return { measured: `${digits(value)} octets`, met: value <= 600 };
    },
  },
  {
    what: "Memory of an idle TCP connection, Node, 5,000 open",
    limit: "≤ floor + 1.5 KiB",
    judge(rows) {
      const table = "memory per idle connection, 5000 open";
      const row = find(rows, ["server", table, "sansmtp on Node"]);
      const floor = find(rows, ["server", table, "floor on Node"]);
      if (row === undefined || floor === undefined) return null;
      const above = (median(row.samples) - median(floor.samples)) / 1024;
      return { measured: `floor + ${digits(above)} KiB`, met: above <= 1.5 };
    },
  },
  ...["", ", TLS"].map(
    (suffix): Goal => ({
      what: `Node server, a message of 1 GiB${suffix}: the most memory, above that for one of 1 MiB`,
      limit: "≤ 8 MiB",
      judge(rows) {
        const at = (size: number): Row | undefined =>
          find(rows, ["scaling", `message size, peak memory${suffix}`, "sansmtp on Node"], size);
        const large = at(2 ** 30);
        const small = at(2 ** 20);
        if (large === undefined || small === undefined) return null;
        const value = median(large.samples.map((peak, round) => peak - small.samples[round]!));
        return { measured: value < 0 ? "less" : `${digits(value)} MiB`, met: value <= 8 };
      },
    }),
  ),
];

/** The goals that can be judged by these rows. */
export function judged(rows: readonly Row[]): (Judged & Pick<Goal, "what" | "limit">)[] {
  return goals.flatMap(({ what, limit, judge }) => {
    const found = judge(rows);
    return found === null ? [] : [{ what, limit, ...found }];
  });
}

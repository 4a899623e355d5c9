/** The page of results, and its plots, from the rows that were kept: the same rows give the same page. */
import { bounds } from "./bounds.ts";
import { goals } from "./goals.ts";
import type { Machine } from "./machine.ts";
import { curves, dots } from "./plots.ts";
import { baseOf, figure, type Missing, median, place, placesOf, quantile, type Row, ratio } from "./rows.ts";

/** What a bench came to, and when and where. */
export interface Recorded {
  readonly date: string;
  readonly command: string;
  readonly machine: Machine;
  readonly rows: readonly Row[];
  readonly missing: readonly Missing[];
}

/** By the bench. */
export type Figures = Readonly<Record<string, Recorded>>;

/** A part of the page: tables that are shown as one, and plotted as one. */
interface Section {
  readonly title: string;
  readonly text: string;
  readonly bench: string;
  readonly unit: RegExp;
  readonly table: RegExp;
  /** What of a table's name is a column; by default, all that the pattern does not have in brackets. */
  readonly down?: "subjects" | "tables";
  /** The file of the plot, without its end. */
  readonly plot?: string;
}

const sections: readonly Section[] = [
  {
    title: "Servers under load",
    text: `Processor time that the server's process spends on a message, microseconds; behind it, as a multiple of the floor
of its own runtime (for the others, of that on Node). The load is \`smtp-source\` of Postfix, which sends a command at a time;
where it says pipelined, a client that sends MAIL, RCPT and DATA together.`,
    bench: "server",
    unit: /^us CPU/,
    table: /^(?=.)/,
    plot: "server",
  },
  {
    title: "How many messages a second",
    text: `The same loads, by the clock. It says as much of the load as of the server: \`smtp-source\` ends near 27,000 messages a
second, and smtp-server waits a tenth of a second before it greets.`,
    bench: "server",
    unit: /^messages per second/,
    table: /, rate$/,
  },
  {
    title: "Idle connections",
    text: `What a connection holds after EHLO, octets: what all of them add to the process, by what it has in RAM (PSS), and by
the heap of the language with its buffers.`,
    bench: "server",
    unit: /^octets/,
    table: /^memory per idle connection, /,
    plot: "idle",
  },
  {
    title: "Where the time goes",
    text: `What the sampling profiler of each runtime finds in servers and in their floors under the same loads: microseconds of a
message by whose code was running, and behind it what part that is of all. The profiler costs something itself, and waiting is
left out. A third server on Node is the floor that spins before each reply, and does nothing else: a server that is not ahead
of its clients finds them asleep, and to wake them is most of what a write costs then. So what is above the floor is not all
the work of whoever is. 4 KiB, 10 connections kept open:`,
    bench: "profile",
    unit: /^us/,
    table: /^4 KiB, 10 kept open: /,
  },
  ...["4 KiB, a session each, 100 at once", "64 KiB, 10 kept open", "1 MiB, 4 kept open"].map(
    (load): Section => ({
      title: `Where the time goes: ${load}`,
      text: "The same.",
      bench: "profile",
      unit: /^us/,
      table: new RegExp(`^${load}: `),
    }),
  ),
  {
    title: "Where the time of clients goes",
    text: "The same, of clients against `smtp-sink` of Postfix, with 10 connections.",
    bench: "profile",
    unit: /^us/,
    table: /^clients, 4 KiB, 10 connections: /,
  },
  {
    title: "Where the time of the core goes",
    text: "The same, of sessions in process: a message of 4 KiB to two recipients, by the folders of the core.",
    bench: "profile",
    unit: /^us/,
    table: /^in process, 4 KiB message, pipelined: /,
  },
  {
    title: "What an idle connection holds",
    text: `Octets that Node has for each connection after EHLO: in RAM (PSS), of 5,000, with the young generation that V8 chooses and with
a small one, since it grows while connections are made and none of them holds it; on the heap; and of 1,000, what is on the heap:
objects by their constructors, closures by their functions. All below 24 octets is the rest.`,
    bench: "profile",
    unit: /^octets/,
    table: /^idle connection: /,
  },
  {
    title: "Clients",
    text: `Processor time that the client's process spends on a message, microseconds, against \`smtp-sink\` of Postfix; behind it,
as a multiple of the floor.`,
    bench: "client",
    unit: /^us CPU/,
    table: /^(?=.)/,
    plot: "client",
  },
  {
    title: "TLS",
    text: `Servers with TLS from the first octet; microseconds of processor time, and multiples of the floors of their runtimes.
In Deno ours is on the sockets of Node, which have a floor of their own.`,
    bench: "tls",
    unit: /^us CPU/,
    table: /, TLS$/,
    plot: "tls",
  },
  {
    title: "Sessions in process",
    text: "Processor time, microseconds; behind it, as a multiple of what canned replies behind the same socket take.",
    bench: "session",
    unit: /^us per/,
    table: /^(?=.)/,
    down: "tables",
    plot: "session",
  },
  {
    title: "Octets allocated",
    text: "On the heap and in buffers, for each message or command, from which garbage collection comes.",
    bench: "session",
    unit: /^octets per/,
    table: /^octets allocated: /,
    down: "tables",
  },
  {
    title: "Idle sessions",
    text: "Octets of heap and buffers that a session holds in process, by how far it has come.",
    bench: "session",
    unit: /^octets$/,
    table: /^heap of an idle session, /,
    down: "tables",
  },
  {
    title: "Decoding message data",
    text: `GB/s in chunks of 64 KiB, with every check (dots, end of data, bare CR, bare LF, NUL); behind it, as a multiple of smtp-server's stream,
which checks nothing but dots.`,
    bench: "decode",
    unit: /^GB\/s/,
    table: /, chunks of 65536$/,
    down: "tables",
    plot: "decode",
  },
  {
    title: "Decoding message data in chunks of 64 octets",
    text: "The same; such small pieces come from slow senders only.",
    bench: "decode",
    unit: /^GB\/s/,
    table: /, chunks of 64$/,
    down: "tables",
  },
  {
    title: "Encoding message data",
    text: "GB/s, in chunks of 64 KiB; behind it, as a multiple of nodemailer's stream.",
    bench: "encode",
    unit: /^GB\/s/,
    table: /, chunks of 65536$/,
    down: "tables",
    plot: "encode",
  },
];

const curveTexts: Readonly<
  Record<string, { readonly along: string; readonly linear?: true; readonly text: string }>
> = {
  "message size": { along: "octets of a message", text: "Over loopback, one connection." },
  "message size, TLS": { along: "octets of a message", text: "The same with TLS." },
  "message size, peak memory": {
    along: "octets of a message",
    linear: true,
    text: "The most that the process has had in RAM, above what it had before, when its heap had its size.",
  },
  "message size, peak memory, TLS": {
    along: "octets of a message",
    linear: true,
    text: "The same with TLS.",
  },
  "recipients, in process": {
    along: "recipients of a transaction",
    text: "Pipelined, a thousand at a time.",
  },
  "sessions, in process": { along: "sessions open", text: "All take turns." },
  connections: { along: "connections open", text: "Over loopback, all of them sending at once." },
  pipelining: { along: "commands at a time", text: "NOOP, over 10 connections." },
  processes: { along: "processes", text: "Sharing a port: by `cluster` of Node, elsewhere by `reusePort`." },
  "processes, rate": { along: "processes", text: "The load takes its part of the two cores." },
  "processes, work of the busiest": {
    along: "processes",
    linear: true,
    text: "Evenly spread it would be half of it.",
  },
};

export interface Page {
  readonly text: string;
  /** By file name. */
  readonly plots: ReadonlyMap<string, string>;
}

/** @param folder where the page finds the plots */
export function pageOf(figures: Figures, folder: string): Page {
  const rows = Object.values(figures).flatMap((recorded) => recorded.rows);
  const plots = new Map<string, string>();
  const parts = [intro(figures), goalsTable(rows)];
  for (const section of sections) {
    const found = rows.filter(
      ({ bench, unit, table }) =>
        bench === section.bench && section.unit.test(unit) && section.table.test(table),
    );
    if (found.length === 0) continue;
    const column = ({ table, unit }: Row): string => table.replace(section.table, "") || unit;
    parts.push(`## ${section.title}`, section.text);
    if (section.plot !== undefined) {
      const file = `${section.plot}.svg`;
      plots.set(file, dots(found, found[0]!.unit, column));
      parts.push(`![${section.title}](${folder}/${file})`);
    }
    parts.push(section.down === "tables" ? tablesDown(found, column) : subjectsDown(found, column));
  }
  const scaling = rows.filter(({ bench }) => bench === "scaling");
  if (scaling.length > 0) parts.push("## How costs grow");
  for (const table of new Set(scaling.map((row) => row.table))) {
    const found = scaling.filter((row) => row.table === table);
    const { along, text, linear = false } = curveTexts[table] ?? { along: "", text: "" };
    const { unit } = found[0]!;
    parts.push(`### ${capital(table)}, ${unit}`, text);
    if (placesOf(found).length > 2) {
      const file = `${table.replaceAll(/[^a-z]+/gi, "-").toLowerCase()}.svg`;
      plots.set(file, curves(found, unit, along, !linear));
      parts.push(`![${capital(table)}](${folder}/${file})`);
    }
    parts.push(curveTable(found));
  }
  return { text: `${parts.join("\n\n")}\n`, plots };
}

function intro(figures: Figures): string {
  const lines = [
    "# Performance",
    `What sansmtp costs beside others that do the same, and beside *floors*: servers and clients of the same runtime that say what
is expected as soon as a line end arrives, and look at nothing. The floor is the cost of the sockets; what is above it is
the cost of SMTP.`,
    `Read ratios within a table. All subjects of a table took turns, round by round, so that whatever else the machine was doing
slowed all of them alike; a figure is the median of the rounds, with half the distance of its quartiles behind ± where that is
5% or more, and a ratio is the median of the ratios of single rounds. Servers were on one core and their load on another.
Processor time is the system's own account of the whole process, threads included.`,
    "This page is generated: `pnpm bench --record` runs all benches and writes it, with its plots; `pnpm bench --draw` writes it anew from [the figures that were kept](performance/figures.json). [bench](../../bench) says how each is measured.",
  ];
  const runs = Object.entries(figures).map(
    ([bench, { date, command, machine }]) =>
      `| ${bench} | ${date.slice(0, 10)} | \`${command}\` | ${machine.processor}, ${machine.cores} cores, ${machine.memory}, ${machine.kernel} | ${machine.load} |`,
  );
  lines.push(
    ["| bench | date | command | machine | load before |", "|---|---|---|---|---|", ...runs].join("\n"),
  );
  const versions = Object.assign(
    {},
    ...Object.values(figures).map(({ machine }) => machine.versions),
  ) as Record<string, string>;
  lines.push(
    `Versions: ${Object.entries(versions)
      .map(([name, version]) => `${name} ${version}`)
      .join(", ")}.`,
  );
  const missing = Object.values(figures).flatMap((recorded) => recorded.missing);
  if (missing.length > 0) {
    const reasons = new Set(missing.map(({ subject, reason }) => `- ${subject}: ${reason.split("\n")[0]}`));
    lines.push(`What is not in the tables, and why:\n\n${[...reasons].join("\n")}`);
  }
  return lines.join("\n\n");
}

function goalsTable(rows: readonly Row[]): string {
  const found = goals.map((goal) => ({ ...goal, judged: goal.judge(rows) }));
  const lines = found.map(({ what, limit, judged }) => {
    const [measured, met] =
      judged === null ? ["not measured", ""] : [judged.measured, judged.met ? "yes" : "**no**"];
    return `| ${what} | ${limit} | ${measured} | ${met} |`;
  });
  const parts = ["## Goals", ["| goal | limit | measured | met |", "|---|---|---|---|", ...lines].join("\n")];
  const missed = found.filter(({ judged }) => judged?.met === false);
  const why = bounds.flatMap(({ of, text }) => {
    const kept = missed.filter(({ what, limit }) => of.test(`${what}: ${limit}`));
    if (kept.length === 0) return [];
    return [`- ${kept.map(({ what, limit }) => `*${what}, ${limit}*`).join("; ")}. ${text}`];
  });
  if (why.length > 0) parts.push("What keeps those that are not met, by the profiles below:", why.join("\n"));
  return parts.join("\n\n");
}

/** Subjects below one another, a column for each table. */
function subjectsDown(rows: readonly Row[], column: (row: Row) => string): string {
  const columns = [...new Set(rows.map(column))];
  const subjects = [...new Set(rows.map(({ subject }) => subject))];
  return grid("", columns, subjects, (subject, name) =>
    cell(
      rows.find((row) => row.subject === subject && column(row) === name),
      rows,
    ),
  );
}

/** Tables below one another, a column for each subject. */
function tablesDown(rows: readonly Row[], column: (row: Row) => string): string {
  const names = [...new Set(rows.map(column))];
  const subjects = [...new Set(rows.map(({ subject }) => subject))];
  return grid("", subjects, names, (name, subject) =>
    cell(
      rows.find((row) => row.subject === subject && column(row) === name),
      rows,
    ),
  );
}

function curveTable(rows: readonly Row[]): string {
  const places = placesOf(rows);
  const subjects = [...new Set(rows.map(({ subject }) => subject))];
  return grid("", places.map(place), subjects, (subject, name) => {
    const row = rows.find((each) => each.subject === subject && place(each.at ?? 0) === name);
    return row === undefined ? "" : figure(median(row.samples));
  });
}

function grid(
  corner: string,
  columns: readonly string[],
  lines: readonly string[],
  text: (line: string, column: string) => string,
): string {
  return [
    `| ${[corner, ...columns].join(" | ")} |`,
    `|---|${columns.map(() => "---:|").join("")}`,
    ...lines.map((line) => `| ${[line, ...columns.map((column) => text(line, column))].join(" | ")} |`),
  ].join("\n");
}

/** The median, how far it is spread, and what it is compared with. */
function cell(row: Row | undefined, rows: readonly Row[]): string {
  if (row === undefined || row.samples.length === 0) return "";
  const value = median(row.samples);
  if (value === 0) return "0";
  const spread = ((quantile(row.samples, 0.75) - quantile(row.samples, 0.25)) / 2 / value) * 100;
  const table = rows.filter((each) => each.table === row.table);
  const base = referenceOf(row, table);
  const compared = base === row ? "" : ` (${figure(ratio(row, base))} x)`;
  return `${figure(value)}${spread >= 5 ? ` ±${spread.toFixed(0)}%` : ""}${compared}`;
}

/** In what is given as speed the peer is what it is compared with. */
function referenceOf(row: Row, table: readonly Row[]): Row {
  const peer = table.find(
    ({ subject, unit }) => unit === "GB/s" && /^(smtp-server|nodemailer)$/.test(subject),
  );
  return peer ?? baseOf(row, table);
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

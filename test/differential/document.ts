import { readFileSync, writeFileSync } from "node:fs";
import { keyOf, known, type Rivals, type Row } from "./known.ts";

// DIFFERENCES.md: the tables as somebody reads them who asks why a server of ours replies otherwise.

export const page: URL = new URL("../../packages/core/DIFFERENCES.md", import.meta.url);

const names: Readonly<Record<Rivals, string>> = {
  postfix: "Postfix 3.7",
  exim: "Exim 4.96",
  opensmtpd: "OpenSMTPD 6.8",
  aiosmtpd: "aiosmtpd 1.4",
  "smtp-server": "smtp-server 3.21",
};

interface Ran {
  readonly sequences: number;
  readonly units: number;
  readonly differing: number;
  /** How often each row of the table was needed. */
  readonly rows: Readonly<Record<string, number>>;
}

type Runs = Readonly<Partial<Record<Rivals, Ran>>>;

const none: Ran = { sequences: 0, units: 0, differing: 0, rows: {} };

export function writeDocument(): void {
  writeFileSync(page, current());
}

/** The page as the tables give it. */
export function current(): string {
  const runs = JSON.parse(readFileSync(new URL("runs.json", import.meta.url), "utf8")) as Runs;
  const counts = (Object.keys(names) as Rivals[]).map((key) => {
    const { sequences, units, differing } = runs[key] ?? none;
    return `| ${names[key]} | ${number(sequences)} | ${number(units)} | ${number(differing)} |`;
  });
  const groups: readonly [string, readonly Row[]][] = [
    ["Lines and content", of((row) => /^(?:S-LINE|SEC-EOD|L-LEN-21|S-DATA-15)/.test(row.requirement))],
    ["BDAT", of((row) => row.requirement.startsWith("S-BDAT"))],
    [
      "Arguments",
      of((row) => /^(?:S-ADDR|S-PARM|X-|L-EXC|S-MAIL|S-RCPT|S-EHLO-(?:02|03|11))/.test(row.requirement)),
    ],
  ];
  const rest = known.filter((row) => !groups.some(([, rows]) => rows.includes(row)));
  return `# Where other servers reply otherwise

Sequences of commands, plausible ones and spoilt ones, were played to other servers and to ours, and the first digits of
all replies compared: [test/differential](../../test/differential) says how. This page is made from the table that explains
every difference; a difference that it does not explain fails a test. An ID is that of a requirement in
[test/spec](../../test/spec/README.md), by which ours does what it does.

| server | sequences | commands and contents compared | sequences with a difference |
|---|---|---|---|
${counts.join("\n")}

${[...groups, ["Commands", rest] as const].map(([title, rows]) => `## ${title}\n\n${table(rows, runs)}\n`).join("\n")}`;
}

function of(which: (row: Row) => boolean): readonly Row[] {
  return known.filter(which);
}

/** Rows that the runs have seen, and the servers with which. */
function table(rows: readonly Row[], runs: Runs): string {
  const lines = rows.flatMap((row) => {
    const seen = (Object.keys(names) as Rivals[]).filter((key) =>
      Object.hasOwn(runs[key]?.rows ?? {}, keyOf(row)),
    );
    if (seen.length === 0) return [];
    const servers = seen.map((key) => names[key].split(" ")[0]).join(", ");
    const cells = [row.said, row.weSay, `${servers}: ${row.theySay}`, row.requirement, row.because];
    return [`| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("<", "\\<")).join(" | ")} |`];
  });
  return ["| the client says | ours | theirs | requirement | why |", "|---|---|---|---|---|", ...lines].join(
    "\n",
  );
}

function number(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

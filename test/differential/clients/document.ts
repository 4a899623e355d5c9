import { readFileSync, writeFileSync } from "node:fs";
import { keyOf, known, type Row } from "./known.ts";

// CLIENT-DIFFERENCES.md: the table as somebody reads it who comes from another client.

export const page: URL = new URL("../../../packages/core/CLIENT-DIFFERENCES.md", import.meta.url);
export const runs: URL = new URL("runs.json", import.meta.url);

/** What came of the scripts that were played. */
export interface Ran {
  readonly scripts: number;
  readonly compared: number;
  readonly differing: number;
  /** How often each row of the table was needed. */
  readonly rows: Readonly<Record<string, number>>;
}

export function writeDocument(): void {
  writeFileSync(page, current());
}

/** The page as the table gives it. */
export function current(): string {
  const ran = JSON.parse(readFileSync(runs, "utf8")) as Ran;
  const seen = known.filter((row) => Object.hasOwn(ran.rows, keyOf(row)));
  const of = (which: RegExp): readonly Row[] => seen.filter(({ requirement }) => which.test(requirement));
  const groups: readonly (readonly [string, readonly Row[]])[] = [
    ["Replies", of(/^(?:R-|S-DATA-19)/)],
    ["Before the first message", of(/^(?:S-EHLO|A-|C-SES-03|C-SES-05|X-GEN|T-)/)],
    ["What a message is and needs", of(/^(?:S-8BIT|X-UTF8|S-DATA-2|C-TXN-01)/)],
  ];
  const rest = seen.filter((row) => !groups.some(([, rows]) => rows.includes(row)));
  return `# Where another client does otherwise

Scripted servers, good ones and odd ones, were set before nodemailer 10.6 and before ours, each with the same messages to be
sent: what both said, what the server got, and what both told their caller was laid side by side.
[test/differential](../../test/differential) says how. This page is made from the table that explains every difference; a
difference that it does not explain fails a test. An ID is that of a requirement in
[test/spec](../../test/spec/README.md), by which ours does what it does.

${number(ran.scripts)} scripts were played, and ${number(ran.compared)} commands, contents and outcomes compared;
${number(ran.differing)} scripts had a difference.

${[...groups, ["A message on its way", rest] as const].map(([title, rows]) => `## ${title}\n\n${table(rows, ran)}\n`).join("\n")}`;
}

function table(rows: readonly Row[], ran: Ran): string {
  const lines = rows.map((row) => {
    const cells = [
      row.said,
      row.weDo,
      row.theyDo,
      row.requirement,
      row.because,
      number(ran.rows[keyOf(row)]!),
    ];
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|").replaceAll("<", "\\<")).join(" | ")} |`;
  });
  return [
    "| what happens | ours | nodemailer | requirement | why | times |",
    "|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

function number(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

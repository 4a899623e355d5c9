import { readFileSync } from "node:fs";
import { Graphviz } from "@hpcc-js/wasm-graphviz";
import { type Objection, objection, type Rule, rules, type Situation, type Transaction } from "@sansmtp/core";
import {
  arrows,
  captions,
  identified,
  identifiedCaption,
  isInside,
  mermaid,
  type State,
} from "../../packages/cli/src/diagram.ts";

/** The page of the states, and the picture that it shows. */
export const page: URL = new URL("../../packages/core/STATES.md", import.meta.url);
export const picture: URL = new URL("../../packages/core/states.svg", import.meta.url);

/** What a walk has seen. */
export interface Figures {
  readonly states: number;
  readonly edges: number;
}

/** The page as it should be; the figures are those of the page unless others are given. */
export function current(figures?: ReadonlyMap<string, Figures>): string {
  let text = readFileSync(page, "utf8");
  text = put(text, "the table", commands());
  text = put(text, "the diagram", `\`\`\`mermaid\n${mermaid()}\`\`\`\n`);
  return figures === undefined ? text : put(text, "the walks", walks(figures));
}

/** How many states and edges the page tells of a walk. */
export function figureOf(side: "server" | "client", name: string): Figures | null {
  const row = readFileSync(page, "utf8")
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .find((cells) => cells[1] === side && cells[2] === name);
  if (row === undefined) return null;
  return { states: numberOf(row[3]!), edges: numberOf(row[4]!) };
}

/** The picture, drawn by Graphviz: the same text from the same diagram. */
export async function drawn(): Promise<string> {
  const graphviz = await Graphviz.load();
  return `${graphviz.dot(dot()).trimEnd()}\n`;
}

/** What stands between two marks of the page is made here. */
function put(text: string, what: string, made: string): string {
  const [begin, end] = [`<!-- ${what}, by \`pnpm states\` -->\n`, `<!-- end of ${what} -->`];
  const [before, rest] = text.split(begin) as [string, string | undefined];
  if (rest === undefined) throw new Error(`the page has no place for ${what}`);
  return before + begin + made + rest.slice(rest.indexOf(end));
}

const columns: readonly (readonly [State, Situation["phase"], Transaction])[] = [
  ["unidentified", "unidentified", "none"],
  ["ready", "ready", "none"],
  ["sender", "ready", "sender"],
  ["recipients", "ready", "recipients"],
  ["chunks", "ready", "chunks"],
  ["failed", "ready", "failed"],
];

/** A row for each verb: where it leads when it is accepted, or the code with which it is refused for its place. */
function commands(): string {
  const head = [
    "Verb",
    ...columns.map(([name]) => name),
    "after HELO",
    "before TLS",
    "before AUTH",
    "offered with",
  ];
  const yes = (is: boolean): string => (is ? "yes" : "");
  const rows = Object.entries(rules).map(([verb, rule]) => [
    verb,
    ...columns.map(([name, phase, transaction]) => cell(rule, name, phase, transaction)),
    yes(!rule.extended),
    yes(rule.beforeTls),
    yes(rule.beforeAuth),
    rule.offer === "always" ? "" : `\`${rule.offer}\``,
  ]);
  return table([head, head.map(() => "---"), ...rows]);
}

function cell(rule: Rule, name: State, phase: Situation["phase"], transaction: Transaction): string {
  const against = objection(rule, { ...everything, phase, transaction });
  if (against !== null) return codes[against];
  const { phase: then = phase, transaction: next = transaction } = rule.then;
  const to = then === "ready" && next !== "none" ? next : then;
  return to === name ? "=" : `→ ${to}`;
}

const codes: Readonly<Record<Objection, string>> = {
  "tls-required": "530",
  "auth-required": "530",
  "not-offered": "502",
  "not-trusted": "550",
  sequence: "503",
};

/** A client that may do everything, at a server that offers everything. */
const everything: Omit<Situation, "phase" | "transaction"> = {
  extended: true,
  tlsActive: false,
  tlsRequired: false,
  authenticated: false,
  authRequired: false,
  offers: (offer) => offer !== "never",
  trusts: () => true,
};

function walks(figures: ReadonlyMap<string, Figures>): string {
  const rows = [...figures].map(([name, { states, edges }]) => [
    ...name.split(": "),
    grouped(states),
    grouped(edges),
  ]);
  const sum = (key: keyof Figures): string =>
    grouped([...figures.values()].reduce((all, each) => all + each[key], 0));
  return table([
    ["Side", "Walk", "States", "Edges"],
    ["---", "---", "--:", "--:"],
    ...rows,
    ["", "all", sum("states"), sum("edges")],
  ]);
}

function table(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function grouped(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

function numberOf(text: string): number {
  return Number(text.replaceAll(",", ""));
}

/** The diagram as text for Graphviz. */
function dot(): string {
  // Blanks at both sides leave room where the reader's font is wider than Graphviz reckons.
  const padded = (text: string): string => text.replace(/(^|\\n)([^\\]*)/g, "$1   $2   ");
  const node = (name: State): string =>
    `${name} [label="${padded(`${name.toUpperCase()}\\n${wrapped(captions[name])}`)}"${name === "closed" ? ", peripheries=2" : ""}];`;
  const states = Object.keys(captions) as State[];
  const all = arrows();
  const edge = ({ from, to, label }: (typeof all)[number]): string => {
    const text = `label="${padded(label.replaceAll(", ", ",\\n"))}"`;
    return from === "identified"
      ? `ready -> ${to} [${text}, ltail=cluster_identified];`
      : `${from} -> ${to} [${text}];`;
  };
  return `digraph states {
  compound=true; rankdir=TB; nodesep=0.55; ranksep=0.6; fontname="Helvetica,Arial,sans-serif"; bgcolor="white";
  node [shape=box, style="rounded,filled", fillcolor="#f4f6fa", color="#4a5a78", fontname="Helvetica,Arial,sans-serif", fontsize=11, margin="0.2,0.09"];
  edge [color="#4a5a78", fontname="Helvetica,Arial,sans-serif", fontsize=10, arrowsize=0.7];
  begin [shape=circle, label="", width=0.18, fillcolor="#4a5a78"];
  begin -> greeting [label="   connected   "];
  begin -> proxy [label="   behind a proxy   "];
  ${states
    .filter((name) => !identified.includes(name))
    .map(node)
    .join("\n  ")}
  subgraph cluster_identified {
    label="   ${identifiedCaption}"; labeljust=l; style="rounded,filled"; fillcolor="#fbfaf4"; color="#a89a6c"; fontsize=12;
    ${identified.map(node).join("\n    ")}
    ${all.filter(isInside).map(edge).join("\n    ")}
  }
  ${all
    .filter((each) => !isInside(each))
    .map(edge)
    .join("\n  ")}
}
`;
}

function wrapped(text: string): string {
  return text.length < 34 ? text : text.replace(/(.{12,30}) /g, "$1\\n");
}

import * as Plot from "@observablehq/plot";
import { parseHTML } from "linkedom";
import { median, quantile, type Row } from "./rows.ts";

// The same rows give the same octets: nothing is measured on a screen, and nothing is numbered by chance.

const { document } = parseHTML("<html><body></body></html>");

/** Whose figure it is, by colour. */
function kind({ subject }: Row): string {
  if (/floor|canned|copy/.test(subject)) return "floor";
  return /sansmtp|plain|SIMD/.test(subject) ? "sansmtp" : "peer";
}

const color = {
  domain: ["sansmtp", "floor", "peer"],
  range: ["#c2410c", "#9ca3af", "#1d4ed8"],
  legend: false,
};

/** A dot for each subject, and a line from quartile to quartile; a panel for each table; the axis is logarithmic. */
export function dots(rows: readonly Row[], label: string, panel: (row: Row) => string): string {
  const data = rows.map((row) => ({
    subject: row.subject,
    panel: panel(row),
    kind: kind(row),
    median: median(row.samples),
    low: quantile(row.samples, 0.25),
    high: quantile(row.samples, 0.75),
  }));
  const shown = data.filter(({ low }) => low > 0);
  const subjects = [...new Set(shown.map(({ subject }) => subject))];
  const panels = [...new Set(shown.map((each) => each.panel))];
  return svg({
    width: 820,
    height: 40 + panels.length * (subjects.length * 15 + 24),
    marginLeft: 250,
    marginRight: 280,
    x: { type: "log", label, grid: true, tickFormat: "~g" },
    y: { domain: subjects, label: null },
    fy: { domain: panels, label: null },
    color,
    marks: [
      Plot.ruleY(shown, {
        fy: "panel",
        y: "subject",
        x1: "low",
        x2: "high",
        stroke: "kind",
        strokeWidth: 3,
        strokeOpacity: 0.5,
      }),
      Plot.dot(shown, { fy: "panel", y: "subject", x: "median", fill: "kind", r: 3.5 }),
    ],
  });
}

/** A line for each subject, both axes logarithmic. */
export function curves(rows: readonly Row[], label: string, along: string, logarithmic = true): string {
  const data = rows
    .map((row) => ({ subject: row.subject, at: row.at ?? 0, median: median(row.samples) }))
    .filter((each) => !logarithmic || each.median > 0);
  const subjects = [...new Set(data.map(({ subject }) => subject))];
  const last = subjects.map((subject) => data.filter((each) => each.subject === subject).at(-1)!);
  const shift = apart(
    last.map((each) => each.median),
    data.map((each) => each.median),
    logarithmic,
  );
  return svg({
    width: 760,
    height: 320,
    marginLeft: 60,
    marginRight: 270,
    x: { type: "log", label: along, tickFormat: "~s", grid: true },
    y: { type: logarithmic ? "log" : "linear", label, tickFormat: logarithmic ? "~g" : "~s", grid: true },
    color: { domain: subjects, scheme: "Tableau10" },
    marks: [
      Plot.lineY(data, { x: "at", y: "median", stroke: "subject", marker: "circle" }),
      ...last.map((each, index) =>
        Plot.text([each], {
          ...{ x: "at", y: "median", text: "subject", fill: "subject" },
          ...{ textAnchor: "start", dx: 8, dy: shift[index]! },
        }),
      ),
    ],
  });
}

/** By how much each name has to move so that none is written over another, in pixels. */
function apart(ends: readonly number[], all: readonly number[], logarithmic: boolean): number[] {
  const scale = (value: number): number => (logarithmic ? Math.log(value) : value);
  const [low, high] = [Math.min(...all.map(scale)), Math.max(...all.map(scale))];
  const plain = ends.map((value) => ((high - scale(value)) / (high - low || 1)) * plotHeight);
  const order = plain.map((_, index) => index).sort((a, b) => plain[a]! - plain[b]!);
  const moved = [...plain];
  for (const [rank, index] of order.entries())
    if (rank > 0) moved[index] = Math.max(moved[index]!, moved[order[rank - 1]!]! + lineHeight);
  const over = Math.max(0, moved[order.at(-1)!]! - plotHeight);
  for (const index of order) moved[index]! -= over;
  for (const [rank, index] of [...order].reverse().entries())
    if (rank > 0) moved[index] = Math.min(moved[index]!, moved[order[order.length - rank]!]! - lineHeight);
  return moved.map((value, index) => value - plain[index]!);
}

/** Of curves, between the margins. */
const plotHeight = 270;
const lineHeight = 12;

function svg(options: Plot.PlotOptions): string {
  const style = "font-family: system-ui, sans-serif; font-size: 11px; background: white; color: black;";
  const drawn = Plot.plot({ ...options, document: document as never });
  drawn.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  drawn.setAttribute("style", style);
  return `${drawn.outerHTML}\n`;
}

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { bounds } from "../../bench/bounds.ts";
import { goals, judged } from "../../bench/goals.ts";
import { pageOf, type Recorded } from "../../bench/page.ts";
import { kept } from "../../bench/record.ts";
import { figure, quantile, type Row, ratio } from "../../bench/rows.ts";

const table = "4 KiB, 10 kept open";
const floor = row("floor on Node", [100, 50, 80]);
const ours = row("sansmtp on Node", [110, 60, 88]);
const recorded: Recorded = {
  date: "2026-01-02T03:04:05.000Z",
  command: "pnpm bench server",
  machine: {
    processor: "P",
    cores: 2,
    memory: "4 GiB",
    kernel: "Linux 6",
    load: 0.1,
    versions: { Node: "20.1.2" },
  },
  rows: [floor, ours, row("smtp-sink", [100, 100, 100])],
  missing: [{ bench: "server", subject: "Haraka", reason: "npm cannot\nat all" }],
};

describe("figures", () => {
  it("are compared round by round", () => {
    // 1.1, 1.2, 1.1: whatever slows a round slows both.
    expect(ratio(ours, floor)).toBeCloseTo(1.1);
    expect(quantile([4, 1, 3, 2], 0.25)).toBeCloseTo(1.75);
  });

  it("have three digits that count", () => {
    expect([12_345, 99.96, 1.234, 0.0456, 0.00123, 0, -2.5].map(figure)).toEqual([
      "12,345",
      "100.0",
      "1.23",
      "0.046",
      "0.0012",
      "0",
      "-2.50",
    ]);
  });
});

describe("goals", () => {
  it("are met or not by the figures, and not judged without them", () => {
    const found = judged(recorded.rows);
    expect(found.map(({ limit, measured, met }) => [limit, measured, met])).toEqual([
      ["≤ 1.15 x floor on Node", "1.10 x", true],
      ["< 1 x smtp-sink", "0.88 x", true],
    ]);
    const slower = judged([floor, row("sansmtp on Node", [116, 58, 93])]);
    expect(slower).toMatchObject([{ met: false }]);
    expect(goals.length).toBeGreaterThan(25);
  });
});

describe("a goal that is not met", () => {
  const rows = Object.values(kept()).flatMap((recorded) => recorded.rows);
  const missed = judged(rows).filter(({ met }) => !met);

  it.each(missed)("has what keeps it from that on the page: $what, $limit", ({ what, limit }) => {
    const found = bounds.filter(({ of }) => of.test(`${what}: ${limit}`));
    expect(found).toHaveLength(1);
    const page = readFileSync(at("PERFORMANCE.md"), "utf8");
    const headings = [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!));
    for (const [, anchor] of found[0]!.text.matchAll(/\]\(#([^)]*)\)/g)) expect(headings).toContain(anchor);
  });
});

describe("the page of results", () => {
  it("has a table with medians, spread and ratios, the goals, and what is missing", () => {
    const { text } = pageOf({ server: recorded }, "performance");
    expect(text).toContain("| sansmtp on Node | 88.0 ±14% (1.10 x) |");
    expect(text).toContain("| smtp-sink | 100 (1.25 x) |");
    expect(text).toContain("| ≤ 1.15 x floor on Node | 1.10 x | yes |");
    expect(text).toContain("- Haraka: npm cannot\n");
    expect(text).toContain("Node 20.1.2");
  });

  it("has plots that come out the same each time", () => {
    const [first, second] = [0, 1].map(() => pageOf({ server: recorded }, "performance").plots);
    expect([...first!.keys()]).toEqual(["server.svg"]);
    expect(first).toEqual(second);
    expect(first!.get("server.svg")).toMatch(/^<svg .*sansmtp on Node.*<\/svg>\n$/s);
  });

  it("is what the figures that were kept give, with its plots", () => {
    const figures = kept();
    // Both are there, or neither.
    expect(existsSync(at("PERFORMANCE.md"))).toBe(Object.keys(figures).length > 0);
    if (!existsSync(at("PERFORMANCE.md"))) return;
    const { text, plots } = pageOf(figures, "performance");
    expect(readFileSync(at("PERFORMANCE.md"), "utf8")).toBe(text);
    for (const [name, plot] of plots) expect(readFileSync(at(`performance/${name}`), "utf8")).toBe(plot);
  });
});

function at(path: string): string {
  return fileURLToPath(new URL(`../../packages/core/${path}`, import.meta.url));
}

/** As GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, "")
    .replaceAll(" ", "-");
}

function row(subject: string, samples: readonly number[]): Row {
  return { bench: "server", table, subject, unit: "us CPU per message", samples };
}

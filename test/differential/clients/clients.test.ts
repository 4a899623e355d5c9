import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { truths } from "./compare.ts";
import { Contest, kindOf } from "./contest.ts";
import { current, page } from "./document.ts";
import { keyOf, known } from "./known.ts";
import type { Script } from "./script.ts";

// The short run: the same scripts each time. `pnpm differential --clients` is the long one.

const scripts = 250;

test(`C-TXN-07 differences from nodemailer are all explained, and nothing is called unsent that arrived: ${scripts} scripts`, async () => {
  const contest = await Contest.open(24);
  const unexplained = new Map<string, Script>();
  const lies: string[] = [];
  let compared = 0;
  let differing = 0;
  try {
    await contest.meet({ seed: 20261126, scripts }, (script, played, open) => {
      compared += played.compared;
      if (played.differences.length > 0) differing++;
      for (const difference of open) unexplained.set(kindOf(difference), script);
      // Behind a reply too many nobody can know which one was the verdict (R-FMT-16).
      if (Object.values(script.fates).some(({ doing }) => doing === "reply, reply")) return;
      for (const { verdict, promised } of truths(played.ours))
        if (promised ? verdict !== "accepted" && verdict !== "unknown" : verdict === "accepted")
          lies.push(`${promised ? "promised" : "not promised"}, told ${verdict}: ${JSON.stringify(script)}`);
    });
    console.log(
      `nodemailer: ${scripts} scripts, ${compared} things compared, ${differing} with a difference`,
    );
    const found: string[] = [];
    for (const [kind, script] of [...unexplained].slice(0, 3))
      found.push(`${kind}\n${await contest.transcript(await contest.shrink(script, kind, 20))}`);
    expect(found.join("\n\n")).toBe("");
    expect(lies).toEqual([]);
  } finally {
    contest.close();
  }
  expect(compared).toBeGreaterThan(10 * scripts);
  expect(differing).toBeGreaterThan(scripts / 4);
}, 60_000);

test("CLIENT-DIFFERENCES.md is as the table gives it: `pnpm differential document` writes it", () => {
  expect(readFileSync(page, "utf8")).toBe(current());
});

test("each row of the table of clients names a requirement of the catalogue, and no two have one name", () => {
  const folder = new URL("../../spec/", import.meta.url);
  const catalogue = readdirSync(folder)
    .filter((name) => name.endsWith(".md"))
    .map((name) => readFileSync(new URL(name, folder), "utf8"))
    .join("\n");
  expect(known.filter(({ requirement }) => !catalogue.includes(`| ${requirement} |`)).map(keyOf)).toEqual([]);
  expect(new Set(known.map(keyOf)).size).toBe(known.length);
});

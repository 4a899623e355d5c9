import { describe, expect, it } from "vitest";
import { bundle, measure, table } from "./size.ts";

/**
 * The most that an application pays for the core, in octets, minified and then compressed: about a tenth over what it was
 * when this was written. Both sides share the grammar and the registry of extensions: in each is well over a third of all.
 * Raise a number when what was added is worth it.
 */
const budget = {
  server: { minified: 113_000, gzipped: 39_500 },
  client: { minified: 88_000, gzipped: 30_500 },
  all: { minified: 181_000, gzipped: 63_000 },
};

it.each(measure())("$name is within the budget: $minified octets, $gzipped gzipped", (size) => {
  const { minified, gzipped } = budget[size.name];
  expect(size.minified, table([size])).toBeLessThan(minified);
  expect(size.gzipped, table([size])).toBeLessThan(gzipped);
});

describe.each([
  { side: "server", other: "client", marker: "the content did not leave in time" },
  { side: "client", other: "server", marker: "Bad sequence of commands" },
] as const)("an application with the $side", ({ side, other, marker }) => {
  it(`has no file of the ${other} in its bundle`, () => {
    const { files } = bundle(side, { fromSource: true });
    const of = (folder: string) => files.filter((path) => path.includes(`core/src/${folder}/`));
    expect(of(side).length).toBeGreaterThan(5);
    expect(of(other)).toEqual([]);
  });

  it(`has nothing that only the ${other} says, in what npm has`, () => {
    const says = (name: "server" | "client") => bundle(name).text.includes(marker);
    expect(says(other)).toBe(true);
    expect(says(side)).toBe(false);
  });
});

import { describe, expect, it } from "vitest";
import { cover, parseRequirements, type Scope, table } from "./coverage.ts";

// Ids that the catalogue lacks stand in the data here and in no test's name, where they would be faults.
const catalogue = `
# A file

| ID | Level | Side | Requirement | Source |
|---|---|---|---|---|
| S-ONE-01 | MUST | server | Say \`220\`. | 5321 |
| S-ONE-02 | sec | both | Keep quiet. | project |
| S-TWO-01 | SHOULD | server | Be kind. | 5321 |
| X-ONE-01 | MUST | client | Wait. | 5321 |

| ID | Level | Side | Item | Value | Source |
|---|---|---|---|---|---|
| L-LEN-99 | MUST | both | path | 256 | 5321 |

| Reply | Meaning |
|---|---|
| 250 | S-ONE-01 in prose is no row |
`;
const requirements = parseRequirements("a.md", catalogue);
const scope: Scope = {
  enforce: true,
  families: ["S", "L-LEN"],
  sides: ["server", "both"],
  levels: ["MUST", "sec"],
  exceptions: {},
};

describe("the catalogue", () => {
  it("is its table rows, with all cells between side and source as text", () => {
    expect(requirements.map(({ id }) => id)).toEqual([
      "S-ONE-01",
      "S-ONE-02",
      "S-TWO-01",
      "X-ONE-01",
      "L-LEN-99",
    ]);
    expect(requirements[1]).toEqual({
      id: "S-ONE-02",
      level: "sec",
      side: "both",
      text: "Keep quiet.",
      file: "a.md",
    });
    expect(requirements[4].text).toBe("path | 256");
  });
});

describe("coverage", () => {
  const missing = (tests: string[], of = scope): string[] =>
    cover(requirements, tests, of).missing.map(({ id }) => id);
  const faults = (tests: string[], of = scope): readonly string[] => cover(requirements, tests, of).faults;

  it("finds ids anywhere in a full name, and several of them", () => {
    expect(missing([])).toEqual(["S-ONE-01", "S-ONE-02", "L-LEN-99"]);
    expect(missing(["lines > S-ONE-01 S-ONE-02 (L-LEN-99) greet"])).toEqual([]);
  });

  it("does not take a longer word for an id", () => {
    expect(missing(["XS-ONE-01 S-ONE-011 S-ONE-02x"])).toEqual(["S-ONE-01", "S-ONE-02", "L-LEN-99"]);
    expect(faults(["CVE-2023-51 SCRAM-SHA-256 UTF-8"])).toEqual([]);
  });

  it("asks for the families, sides and levels of the scope alone", () => {
    expect(missing([], { ...scope, families: ["X"], sides: ["client"] })).toEqual(["X-ONE-01"]);
    expect(missing([], { ...scope, families: ["L"], levels: ["SHOULD"] })).toEqual([]);
  });

  it("refuses an id that the catalogue does not have, and says where it stands", () => {
    expect(faults(["S-ONE-07 nothing"])).toEqual([
      "S-ONE-07 is not in the catalogue, but in: S-ONE-07 nothing",
    ]);
  });

  it("refuses an id given twice", () => {
    expect(cover([...requirements, requirements[0]], [], scope).faults).toEqual([
      "S-ONE-01 stands twice in the catalogue",
    ]);
  });

  it("excepts a row with a reason, as long as no test proves it and the scope asks for it", () => {
    const excepted = { ...scope, exceptions: { "S-ONE-01": "a matter of deployment" } };
    expect(missing([], excepted)).toEqual(["S-ONE-02", "L-LEN-99"]);
    expect(faults([], excepted)).toEqual([]);
    expect(faults(["S-ONE-01"], excepted)).toEqual(["S-ONE-01 is excepted, but a test proves it"]);
    expect(faults([], { ...scope, exceptions: { "S-TWO-01": "x" } })).toEqual([
      "S-TWO-01 is excepted, but not in scope",
    ]);
  });

  it("counts what is proven, by file, side and level", () => {
    expect(table(cover(requirements, ["S-ONE-01"], scope))).toBe(
      [
        "              MUST  MUST NOT  sec  SHOULD  SHOULD NOT  MAY",
        "a.md  server  1/1   ·         ·    0/1     ·           ·",
        "a.md  both    0/1   ·         0/1  ·       ·           ·",
        "a.md  client  0/1   ·         ·    ·       ·           ·",
      ].join("\n"),
    );
  });
});

import { describe, expect, it } from "vitest";
import { cover, isShort, parseRequirements, type Scope, type Share, showShare, table } from "./coverage.ts";

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
  levels: ["MUST", "sec"],
  shares: {},
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

  it("asks for the families and levels of the scope alone, on any side, and says which families it leaves", () => {
    expect(missing([], { ...scope, families: ["X"] })).toEqual(["X-ONE-01"]);
    expect(cover(requirements, [], scope).outside).toEqual(["X-ONE"]);
    expect(cover(requirements, [], { ...scope, families: ["X-ONE", "L"] }).outside).toEqual(["S-ONE"]);
    expect(cover(requirements, [], { ...scope, families: ["S", "X", "L"] }).outside).toEqual([]);
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

  describe("shares", () => {
    const should = { ...scope, families: ["S"], levels: ["SHOULD", "SHOULD NOT"] };
    const four = ["S-ONE-01", "S-ONE-02", "S-TWO-01", "S-TWO-02"].map((id, at) => ({
      ...requirements[0],
      id,
      level: at < 3 ? "SHOULD" : "SHOULD NOT",
    }));
    const share = (tests: string[], of: Scope): Share => cover(four, tests, of).shares[0];

    it("count a level together with its prohibition, proven rows and excepted ones", () => {
      const excepted = { ...should, shares: { SHOULD: 0.5 }, exceptions: { "S-TWO-02": "x" } };
      expect(cover(four, ["S-ONE-01", "S-TWO-01"], excepted).shares).toEqual([
        { level: "SHOULD", proven: 2, excepted: 1, all: 4, least: 0.5 },
      ]);
      expect(cover(requirements, ["S-ONE-02"], scope).shares).toEqual([
        { level: "MUST", proven: 0, excepted: 0, all: 2, least: 0 },
        { level: "sec", proven: 1, excepted: 0, all: 1, least: 0 },
      ]);
    });

    it("are short below their part, whatever is excepted, and not at it", () => {
      const half = {
        ...should,
        shares: { SHOULD: 0.5 },
        exceptions: { "S-ONE-02": "x", "S-TWO-01": "x", "S-TWO-02": "x" },
      };
      expect(cover(four, ["S-ONE-01"], half).missing).toEqual([]);
      expect(isShort(share(["S-ONE-01"], half))).toBe(true);
      expect(isShort(share(["S-ONE-01", "S-TWO-02"], { ...half, exceptions: {} }))).toBe(false);
      expect(isShort(share([], { ...should, exceptions: half.exceptions }))).toBe(false);
      expect(isShort(share([], { ...half, families: ["X"] }))).toBe(false);
    });

    it("leave none of their rows unnamed: those that are not proven are excepted", () => {
      const most = { ...should, shares: { SHOULD: 0.75 } };
      const three = ["S-ONE-01 S-ONE-02 S-TWO-01"];
      expect(isShort(share(three, most))).toBe(false);
      expect(cover(four, three, most).missing.map(({ id }) => id)).toEqual(["S-TWO-02"]);
    });

    it("refuse a level that is not in scope", () => {
      expect(faults([], { ...scope, shares: { SHOULD: 0.9 } })).toEqual([
        "a share of SHOULD is asked for, but it is not in scope",
      ]);
    });

    it("read as a sentence, and never look better than they are", () => {
      expect(showShare({ level: "SHOULD", proven: 899, excepted: 101, all: 1000, least: 0.9 })).toBe(
        "SHOULD: 899 of 1000 proven (89%, at least 90%), 101 excepted",
      );
      expect(showShare({ level: "sec", proven: 0, excepted: 0, all: 0, least: 0 })).toBe(
        "sec: 0 of 0 proven (100%), 0 excepted",
      );
    });
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

import { mkdirSync, writeFileSync } from "node:fs";
import { transformSync } from "esbuild";
import { expect, test } from "vitest";
import { cache } from "./bundle.ts";
import { counts, long } from "./counts.ts";
import { Engine, type Found } from "./engine.ts";
import { instrument } from "./instrument.ts";
import { run } from "./job.ts";
import type { Target } from "./target.ts";

/** What is to be found in code of a few lines, within so many executions of the fuzzer. */
const defects: readonly (readonly [what: string, source: string, kind: RegExp, executions: number])[] = [
  [
    "a throw behind four octets",
    `function toy(octets: Uint8Array): void {
      for (let at = 0; at < octets.length; at++) {
        if (octets[at] !== 0x42) continue;
        if (octets[at + 1] === 0x44) {
          if (octets[at + 2] === 0x41 && octets[at + 3] === 0x54) throw new RangeError("found");
        }
      }
    }`,
    /RangeError in .*: found/,
    60_000,
  ],
  [
    "a throw at a depth that is reached step by step",
    `function toy(octets: Uint8Array): void {
      let depth = 0;
      for (const octet of octets) {
        switch (octet & 3) {
          case 0: depth++; break;
          case 1: depth = depth > 5 ? depth : 0; break;
          default: depth = Math.max(0, depth - 1);
        }
        depth > 9 && octet === 0xc1 ? deep() : depth;
      }
    }
    const deep = (): never => { throw new TypeError("deep"); };`,
    /TypeError in .*: deep/,
    60_000,
  ],
  [
    "a loop in a loop",
    `function toy(octets: Uint8Array): void {
      let quotes = 0;
      for (let at = 0; at < octets.length; at++) {
        if (octets[at] !== 0x22) continue;
        for (let back = 0; back < at; back++) if (octets[back] === 0x22) quotes++;
      }
    }`,
    /^G6 superlinear/,
    20_000,
  ],
  [
    "copies of all that came before, made by native code",
    `function toy(octets: Uint8Array): void {
      let held: number[] = [];
      for (const octet of octets) if (octet !== 0x0a) held = [...held, octet]; else held = [];
    }`,
    /^G6 superlinear/,
    20_000,
  ],
];

for (const [what, source, kind, executions] of defects) {
  test(`the fuzzer finds ${what}`, () => {
    const found: Found[] = [];
    const engine = fuzz(source, 5, (each) => found.push(each));
    while (engine.executions < executions && found.length === 0) engine.step();
    expect(found.map((each) => each.kind)).toEqual([expect.stringMatching(kind)]);
  });
}

test("the fuzzer finds nothing where there is nothing, and reaches all of it", () => {
  const source = `function toy(octets: Uint8Array): number {
    let words = 0;
    for (const octet of octets) if (octet === 0x20 || octet === 0x09) words++;
    return octets.length > 3 ? words : -words;
  }`;
  const found: Found[] = [];
  const engine = fuzz(source, 1, (each) => found.push(each));
  while (engine.executions < 3000) engine.step();
  expect(found).toEqual([]);
  // The function, the loop, both ways of the condition, its second part, both results.
  expect(engine.reached).toBe(7);
});

test("the same seed gives the same run", () => {
  const [, source] = defects[1] as (typeof defects)[number];
  const runs = [7, 7, 8].map((seed) => {
    const found: Found[] = [];
    const engine = fuzz(source, seed, (each) => found.push(each));
    while (engine.executions < 2000) engine.step();
    return JSON.stringify([
      engine.corpus.map((input) => [...input]),
      found.map(({ execution }) => execution),
    ]);
  });
  expect(runs[1]).toBe(runs[0]);
  expect(runs[2]).not.toBe(runs[0]);
});

test("instrumented code does what it did", () => {
  const source = `function toy(given: number[]): unknown {
    const list = given ?? [];
    const twice = list.map((each) => each * 2), object = (each: number) => ({ each });
    let text = "";
    for (const each of [...twice].slice(1)) text += each > 4 ? "a" : each === 4 ? "b" : "c";
    do text += "."; while (text.length < 6);
    if (text.includes("x")) return null; else if (text.length > 100) { return undefined; }
    switch (text[0]) { case "a": case "b": text += "!"; break; default: { text += "?"; } }
    label: for (let at = 0; at < 3; at++) { for (;;) { if (at === 1) break label; continue label; } }
    class Kept { #held = 1; static made = 0; get held() { return this.#held; } constructor() { Kept.made++; } }
    text ||= "never"; let gone: string | null = null; gone ??= text?.toUpperCase();
    return [text, gone, object(1), new Kept().held, Kept.made, typeof list === "object" && list.length];
  }`;
  const plain = evaluate(transformSync(source, { loader: "ts" }).code);
  const { code } = instrument(source, "toy.ts", 1);
  const instrumented = evaluate(transformSync(code, { loader: "ts" }).code);
  for (const given of [[], [1], [1, 2, 3], [3, 2, 1, 0]]) expect(instrumented(given)).toEqual(plain(given));
});

test("an input that does not come to an end is kept, and ended", async () => {
  mkdirSync(cache, { recursive: true });
  const path = `${cache}hanging.mjs`;
  writeFileSync(
    path,
    `import { workerData } from "node:worker_threads";
    const beats = new Int32Array(workerData.shared, 0, 2);
    new Uint8Array(workerData.shared, 8).set([1, 2, 3]);
    beats[1] = 3;
    beats[0] = 1;
    for (;;);`,
  );
  const found: Found[] = [];
  const job = { target: "", seed: 1, inputs: [], fuzz: true, milliseconds: 0 };
  const { hung } = await run({ path, branches: [] }, job, { found: (each) => found.push(each) }, 300);
  expect(hung).toEqual(Uint8Array.of(1, 2, 3));
  expect(found.map(({ kind }) => kind)).toEqual(["G6 hang"]);
});

function fuzz(source: string, seed: number, found: (found: Found) => void): Engine {
  const { code, branches } = instrument(source, "toy.ts", 1);
  const toy = evaluate(transformSync(code, { loader: "ts" }).code);
  const target: Target = {
    name: "toy",
    seeds: () => [],
    longest: 200,
    check: (input) => void toy(input),
    plain: (input) => void toy(input),
  };
  const engine = new Engine(target, ["work", ...branches], seed, { found });
  engine.add(Uint8Array.of(1, 2, 3));
  return engine;
}

function evaluate(code: string): (given: unknown) => unknown {
  return new Function("$c", "$l", `${code}; return toy;`)(counts, long);
}

import { expect, test } from "vitest";
import { Input } from "../../packages/core/src/wire/input.ts";
import { characters, octets } from "./wire-reference.ts";

test("chunks are read in order, as they were given, from one cursor", () => {
  const input = new Input();
  const [first, second] = [octets("abc"), octets("de")];
  expect([input.length, input.chunk, input.at]).toEqual([0, null, 0]);
  input.push(first);
  input.push(octets(""));
  input.push(second);
  expect(input.chunk).toBe(first);
  input.skip(2);
  expect([input.length, input.at]).toEqual([3, 2]);
  expect(characters(input.octets())).toBe("cde");
  input.skip(1);
  expect(input.chunk).toBe(second);
  expect([input.length, input.at]).toEqual([2, 0]);
  input.skip(0);
  input.skip(2);
  expect([input.length, input.chunk, input.at]).toEqual([0, null, 0]);
  input.push(first);
  expect(input.chunk).toBe(first);
  expect(characters(input.octets())).toBe("abc");
});

test("skipping beyond the chunk is a bug, and changes nothing", () => {
  const input = new Input();
  expect(() => input.skip(1)).toThrow("bug:");
  input.push(octets("ab"));
  input.push(octets("c"));
  expect(() => input.skip(3)).toThrow("bug:");
  expect(characters(input.octets())).toBe("abc");
});

test("dropping forgets everything", () => {
  const input = new Input();
  input.push(octets("abc"));
  input.push(octets("d"));
  input.skip(1);
  input.drop();
  expect([input.length, input.charge, input.chunk, input.at]).toEqual([0, 0, null, 0]);
  input.push(octets("e"));
  expect(characters(input.octets())).toBe("e");
});

test("the copy for a snapshot is a copy", () => {
  const input = new Input();
  const chunk = octets("ab");
  input.push(chunk);
  input.octets().fill(0);
  expect(chunk).toEqual(octets("ab"));
});

test("G6 tiny reads are paid for: octet by octet costs a hundred times what the bulk costs", () => {
  const [tiny, bulk] = [new Input(), new Input()];
  for (let octet = 0; octet < 1000; octet += 1) tiny.push(octets("a"));
  bulk.push(new Uint8Array(1000));
  expect(tiny.length).toBe(bulk.length);
  expect(tiny.charge).toBeGreaterThan(100 * bulk.charge);
  while (tiny.length > 0) tiny.skip(1);
  expect(tiny.charge).toBe(0);
});

test("a million chunks are taken in and read in one step each", () => {
  const input = new Input();
  const octet = octets("a");
  for (let chunk = 0; chunk < 1_000_000; chunk += 1) input.push(octet);
  for (let chunk = 0; chunk < 1_000_000; chunk += 1) input.skip(1);
  expect(input.length).toBe(0);
}, 20_000);

/**
 * How fast message data is decoded, with every check, in GB/s: one row per kind of text, one column per chunk
 * size. Medians of rounds in which all kinds take turns, so that a busy machine slows all of them alike.
 */
import { ContentReader } from "../packages/core/src/wire/dot.ts";
import { Input } from "../packages/core/src/wire/input.ts";

const messageSize = 4 << 20;
const chunkSizes = [65_536, 1024, 64];
const rounds = 9;

/** Prints the table. */
export function run(): void {
  const runs = Object.entries(texts).flatMap(([name, text]) => {
    const data = message(text);
    return chunkSizes.map((size) => ({
      name,
      size,
      length: data.length,
      chunks: cut(data, size),
      speeds: [] as number[],
    }));
  });
  for (let round = -2; round < rounds; round += 1) {
    for (const { chunks, length, speeds } of runs) {
      const nanoseconds = time(chunks);
      if (round >= 0) speeds.push(length / nanoseconds);
    }
  }
  console.log(
    `${"decode, GB/s".padEnd(24)}${chunkSizes.map((size) => `${size} octets`.padStart(14)).join("")}`,
  );
  for (const name of Object.keys(texts)) {
    const speeds = runs
      .filter((one) => one.name === name)
      .map((one) => median(one.speeds).toFixed(2).padStart(14));
    console.log(`${name.padEnd(24)}${speeds.join("")}`);
  }
}

/** Each is repeated to the size of the message. Dots at the begin of lines are stuffed already. */
const texts: Record<string, string> = {
  "76-character lines": `${"The quick brown fox jumps over the lazy dog, and the dog does not mind it..".padEnd(76, "x")}\r\n`,
  prose: [
    "It was late when the letter came, and nobody had lit a lamp.",
    "She read it by the window:",
    "",
    "\tCome when you can, it said, and bring the map. There is no hurry, or rather",
    "\tthere is, but none that you could help.",
    "",
    "Then she folded it twice and went to look for her boots.",
    "",
  ].join("\r\n"),
  base64: `${"UmVhZGluZyBvY3RldHMgaXMgYWxsIHRoZXJlIGlzIHRvIGl0IGFuZCBtb3JlIGlzIG5vdCB0aGVy".slice(0, 76)}\r\n`,
  "8-bit prose": `${"Größere Bäume stehen dort, wo früher Äcker waren; so heißt es."}\r\n`,
  "a dot in 100 lines": `${`${"x".repeat(76)}\r\n`.repeat(99)}..${"x".repeat(75)}\r\n`,
  "a dot in each line": `..${"x".repeat(74)}\r\n`,
  "lone dots": "..\r\n",
  "empty lines": "\r\n",
  tabs: "a\tb\tc\td\r\n",
};

function message(text: string): Uint8Array {
  const octets = new TextEncoder().encode(text);
  const times = Math.floor(messageSize / octets.length);
  const data = new Uint8Array(octets.length * times + 3);
  for (let copy = 0; copy < times; copy += 1) data.set(octets, copy * octets.length);
  data.set([0x2e, 0x0d, 0x0a], octets.length * times);
  return data;
}

function cut(data: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < data.length; at += size) chunks.push(data.subarray(at, at + size));
  return chunks;
}

function time(chunks: readonly Uint8Array[]): number {
  const input = new Input();
  const reader = new ContentReader({
    dots: true,
    bareCr: "reject",
    bareLf: "reject",
    maxSize: Infinity,
    maxLine: 1000,
  });
  let size = 0;
  const start = process.hrtime.bigint();
  for (const chunk of chunks) {
    input.push(chunk);
    const content = reader.read(input);
    if (content !== null) size += content.length;
  }
  const end = process.hrtime.bigint();
  if (!reader.ended || reader.fault !== null || size !== reader.size) throw new Error("decoded wrongly");
  return Number(end - start);
}

function median(numbers: number[]): number {
  return numbers.sort((a, b) => a - b)[numbers.length >> 1];
}

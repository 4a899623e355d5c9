// Assembles simd.wat into simd-module.ts: pnpm simd
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import wabt from "wabt";

const wire = new URL("../../packages/core/src/wire/", import.meta.url);

/** The source of the file that has the octets of the module. */
export async function assemble(): Promise<string> {
  const source = readFileSync(new URL("simd.wat", wire), "utf8");
  const parsed = (await wabt()).parseWat("simd.wat", source, { simd: true });
  const { buffer } = parsed.toBinary({});
  parsed.destroy();
  const lines = Buffer.from(buffer)
    .toString("hex")
    .match(/.{1,96}/g);
  const text = (lines ?? []).map((line) => `  "${line}"`).join(" +\n");
  return `/** simd.wat, assembled by \`pnpm simd\`: ${buffer.length} octets, in hexadecimal. */\nexport const simdModule: string =\n${text};\n`;
}

export const assembled: string = fileURLToPath(new URL("simd-module.ts", wire));

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(assembled, await assemble());

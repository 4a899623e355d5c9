/**
 * How fast content is written: dots stuffed, bare CR and LF made CR LF, 8-bit and the length of lines seen. The reference is
 * the stream of nodemailer, which stuffs dots and makes bare CR and LF CR LF.
 */

import { type Scanner, simd } from "@sansmtp/core/simd";
import DataStream from "nodemailer/lib/smtp-connection/data-stream";
import { ContentWriter } from "../packages/core/src/wire/stuff.ts";
import { type Contender, chunkSizes, cut, race, repeated } from "./rounds.ts";
import type { Findings, Plan } from "./rows.ts";
import { texts } from "./texts.ts";

export async function run(plan: Plan): Promise<Findings> {
  const scanner = simd();
  const contenders = chunkSizes.flatMap(([size, length]) =>
    Object.entries(texts).flatMap(([name, text]) => {
      const data = repeated(text, length);
      const chunks = cut(data, size);
      const subjects: Record<string, Contender["pass"]> = {
        nodemailer: () => stream(chunks),
        plain: () => encode(chunks, null),
        SIMD: () => encode(chunks, scanner),
        copy: () => copy(chunks),
      };
      return Object.entries(subjects).map(
        ([subject, pass]): Contender => ({
          table: `${name}, chunks of ${size}`,
          subject,
          octets: data.length,
          pass,
        }),
      );
    }),
  );
  const missing =
    scanner === null ? [{ bench: "encode", subject: "SIMD", reason: "no WebAssembly here" }] : [];
  return { rows: await race("encode", contenders, plan), missing };
}

function encode(chunks: readonly Buffer[], scanner: Scanner | null): void {
  const writer = new ContentWriter({
    dots: true,
    lineEnds: "normalize",
    maxLine: 1e6,
    binary: false,
    scanner,
  });
  let size = 0;
  for (const chunk of chunks) size += length(writer.write(chunk));
  size += length(writer.finish());
  if (size < writer.size) throw new Error("written wrongly");
}

function length(written: ReturnType<ContentWriter["write"]>): number {
  if (!(written instanceof Uint8Array)) throw new Error(written.fault);
  return written.length;
}

function stream(chunks: readonly Buffer[]): Promise<void> {
  return new Promise((resolve) => {
    const stream = new DataStream();
    stream.on("data", () => {});
    stream.on("end", () => resolve());
    let at = 0;
    const write = (): void => {
      while (at < chunks.length) {
        const more = stream.write(chunks[at]!);
        at += 1;
        if (!more) {
          stream.once("drain", write);
          return;
        }
      }
      stream.end();
    };
    write();
  });
}

const target = new Uint8Array(65_536);

function copy(chunks: readonly Buffer[]): void {
  for (const chunk of chunks) target.set(chunk);
}

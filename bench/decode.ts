/**
 * How fast message data is decoded, with every check: dots, end of data, bare CR and LF, NUL, 8-bit, the length of lines.
 * Bare CR and LF are refused as by default, after which only the end is looked for; and kept, as smtp-server has it.
 *
 * The reference is the stream of smtp-server, which removes dots and finds the end, and checks nothing else.
 */
import { type Scanner, simd } from "@sansmtp/core/simd";
import { SMTPStream } from "smtp-server/lib/smtp-stream.js";
import { type BarePolicy, ContentReader } from "../packages/core/src/wire/dot.ts";
import { Input } from "../packages/core/src/wire/input.ts";
import { type Contender, chunkSizes, cut, race, repeated } from "./rounds.ts";
import type { Findings, Plan } from "./rows.ts";
import { texts } from "./texts.ts";

export async function run(plan: Plan): Promise<Findings> {
  const scanner = simd();
  const contenders = chunkSizes.flatMap(([size, length]) =>
    Object.entries(texts).flatMap(([name, text]) => {
      const data = message(text, length);
      const chunks = cut(data, size);
      const subjects: Record<string, Contender["pass"]> = {
        "smtp-server": () => stream(chunks),
        plain: () => decode(chunks, "reject", null),
        SIMD: () => decode(chunks, "reject", scanner),
        copy: () => copy(chunks),
      };
      if (/CR|LF/.test(name)) {
        subjects["plain, bare ones kept"] = () => decode(chunks, "keep", null);
        subjects["SIMD, bare ones kept"] = () => decode(chunks, "keep", scanner);
      }
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
    scanner === null ? [{ bench: "decode", subject: "SIMD", reason: "no WebAssembly here" }] : [];
  return { rows: await race("decode", contenders, plan), missing };
}

/** Data with its dots stuffed and its end. */
function message(text: string, octets: number): Buffer {
  const body = repeated(text.replace(/^\./gm, ".."), octets).toString("latin1");
  return Buffer.from(`${body}${body.endsWith("\r\n") ? "" : "\r\n"}.\r\n`, "latin1");
}

function decode(chunks: readonly Buffer[], bare: BarePolicy, scanner: Scanner | null): void {
  const options = { dots: true, bareCr: bare, bareLf: bare, maxSize: Infinity, maxLine: 1e6, scanner };
  const input = new Input();
  const reader = new ContentReader(options);
  let size = 0;
  for (const chunk of chunks) {
    input.push(chunk);
    const content = reader.read(input);
    if (content !== null) size += content.length;
  }
  if (!reader.ended || (reader.fault === null && size !== reader.size)) throw new Error("decoded wrongly");
}

function stream(chunks: readonly Buffer[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const stream = new SMTPStream();
    const content = stream.startDataMode();
    let size = 0;
    content.on("data", (octets: Buffer) => {
      size += octets.length;
    });
    content.on("end", () => (size > 0 ? resolve() : reject(new Error("decoded wrongly"))));
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
    };
    write();
  });
}

const target = new Uint8Array(65_536);

function copy(chunks: readonly Buffer[]): void {
  for (const chunk of chunks) target.set(chunk);
}

/**
 * How fast message data is decoded, with every check: dots, end of data, bare CR and LF, NUL, 8-bit, the length of lines.
 * Bare CR and LF are refused as by default, after which only the end is looked for, and kept, as smtp-server has it.
 *
 * The reference is the stream of smtp-server, which removes dots and finds the end, and checks nothing else.
 */
import { type Scanner, simd } from "@sansmtp/core/simd";
import { SMTPStream } from "smtp-server/lib/smtp-stream.js";
import { type BarePolicy, ContentReader } from "../packages/core/src/wire/dot.ts";
import { Input } from "../packages/core/src/wire/input.ts";
import { type Contender, cut, type Row, race, repeated, report } from "./rounds.ts";
import { texts } from "./texts.ts";

const chunkSizes = [65_536, 4096, 1024, 64, 1];
const rounds = 7;

/** Prints the tables. */
export async function run(sizes: readonly number[] = chunkSizes): Promise<Row[]> {
  const contenders = sizes.flatMap((chunk) =>
    Object.entries(texts).flatMap(([name, text]) => {
      const chunks = cut(message(text, octetsBy[chunk]!), chunk);
      const octets = chunks.reduce((sum, { length }) => sum + length, 0);
      const subject = (subject: string, pass: Contender["pass"]): Contender => ({
        case: name,
        chunk,
        subject,
        octets,
        pass,
      });
      const scanner = simd();
      const stray = /^\r(?!\n)|[^\r]\n|\r$|^\n/.test(text);
      return [
        subject("plain", () => decode(chunks, "reject", null)),
        ...(scanner === null ? [] : [subject("SIMD", () => decode(chunks, "reject", scanner))]),
        ...(stray ? [subject("plain, kept", () => decode(chunks, "keep", null))] : []),
        ...(stray && scanner !== null ? [subject("SIMD, kept", () => decode(chunks, "keep", scanner))] : []),
        subject("smtp-server", () => stream(chunks)),
        subject("copy", () => copy(chunks)),
      ];
    }),
  );
  return report("decode", contenders, await race(contenders, rounds, 4), "smtp-server");
}

/** Octets of a message, by the size of its chunks. */
const octetsBy: Readonly<Record<number, number>> = {
  65536: 1 << 18,
  4096: 1 << 17,
  1024: 1 << 16,
  64: 1 << 14,
  1: 1 << 11,
};

/** Data with its dots stuffed and its end. */
function message(text: string, octets: number): Buffer {
  const stuffed = text.replace(/^\./gm, "..");
  const body = repeated(stuffed, octets).toString("latin1");
  return Buffer.from(`${body}${body.endsWith("\r\n") ? "" : "\r\n"}.\r\n`, "latin1");
}

function decode(chunks: readonly Buffer[], bare: BarePolicy, scanner: Scanner | null): void {
  const input = new Input();
  const reader = new ContentReader({
    dots: true,
    bareCr: bare,
    bareLf: bare,
    maxSize: Infinity,
    maxLine: 1e6,
    scanner,
  });
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
    const write = () => {
      while (at < chunks.length) if (!stream.write(chunks[at++]!)) return stream.once("drain", write);
      return undefined;
    };
    write();
  });
}

const target = new Uint8Array(65_536);
function copy(chunks: readonly Buffer[]): void {
  for (const chunk of chunks) target.set(chunk);
}

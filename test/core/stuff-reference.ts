import { ContentWriter, type WriterOptions } from "../../packages/core/src/wire/stuff.ts";

/** What goes on the wire, by regular expressions; or the fault. */
export function referenceWrite(content: string, { dots, lineEnds, maxLine }: WriterOptions): object {
  const stray = /\r(?!\n)|(?<!\r)\n/g;
  let fault: { fault: string; at: number } | null = null;
  if (lineEnds === "strict") {
    const found = stray.exec(content);
    if (found !== null)
      fault = { fault: found[0] === "\r" ? "content-bare-cr" : "content-bare-lf", at: found.index };
  }
  let start = 0;
  for (const { 0: end, index } of content.matchAll(lineEnds === "space" ? /\r\n|$/g : /\r\n|\r|\n|$/g)) {
    if (fault !== null && start >= fault.at) break;
    if (index - start > maxLine) {
      if (fault === null || start + maxLine < fault.at)
        fault = { fault: "content-long-line", at: start + maxLine };
      break;
    }
    start = index + end.length;
  }
  if (fault !== null) return { fault };
  const text = lineEnds === "strict" ? content : content.replace(stray, lineEnds === "space" ? " " : "\r\n");
  const size = text.length;
  const eightBit = /[\x80-\xff]/.test(text);
  if (!dots) return { wire: text, size, eightBit };
  const stuffed = text.replace(/(^|\r\n)\./g, "$1..");
  const wire = `${stuffed}${stuffed === "" || stuffed.endsWith("\r\n") ? "" : "\r\n"}.\r\n`;
  return { wire, size, eightBit };
}

/** What a writer makes of content in pieces; with `resumed` it is put into a snapshot and taken out between them. */
export function write(pieces: readonly Uint8Array[], options: WriterOptions, resumed: boolean): object {
  let writer = new ContentWriter(options);
  const wire: string[] = [];
  for (const piece of [...pieces, null]) {
    if (resumed) writer = ContentWriter.restore(options, JSON.parse(JSON.stringify(writer.snapshot())));
    const written = piece === null ? writer.finish() : writer.write(piece);
    if (!(written instanceof Uint8Array)) return { fault: written };
    wire.push(Buffer.from(written).toString("latin1"));
  }
  return { wire: wire.join(""), size: writer.size, eightBit: writer.eightBit };
}

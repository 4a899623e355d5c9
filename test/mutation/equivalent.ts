import { client } from "./equivalent/client.ts";
import { extensions } from "./equivalent/extensions.ts";
import { relay } from "./equivalent/relay.ts";
import { server } from "./equivalent/server.ts";
import { syntax } from "./equivalent/syntax.ts";
import { top } from "./equivalent/top.ts";
import { wire } from "./equivalent/wire.ts";
import type { Named } from "./record.ts";

const reasons: ReadonlyMap<string, string> = new Map(
  [client, extensions, relay, server, syntax, top, wire].flatMap((rows) =>
    rows.flatMap(([file, reason, mutants]) =>
      mutants.map(([original, replacement]) => [nameOf({ file, original, replacement }), reason] as const),
    ),
  ),
);

/** Why a mutant is equivalent; null: it is not known to be. */
export function reasonFor(mutant: Named): string | null {
  return reasons.get(nameOf(mutant)) ?? null;
}

/** How its source is broken into lines does not matter. */
function nameOf({ file, original, replacement }: Pick<Named, "file" | "original" | "replacement">): string {
  return JSON.stringify([file, inOneLine(original), inOneLine(replacement)]);
}

function inOneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}

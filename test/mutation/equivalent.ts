import { client } from "./equivalent/client.ts";
import { relay } from "./equivalent/relay.ts";
import { syntax } from "./equivalent/syntax.ts";
import { wire } from "./equivalent/wire.ts";
import type { Named } from "./record.ts";

const reasons: ReadonlyMap<string, string> = new Map(
  [client, relay, syntax, wire].flatMap((rows) =>
    rows.flatMap(([file, reason, mutants]) =>
      mutants.map(([original, replacement]) => [nameOf({ file, original, replacement }), reason] as const),
    ),
  ),
);

/** Why a mutant is equivalent; null: it is not known to be. */
export function reasonFor(mutant: Named): string | null {
  return reasons.get(nameOf(mutant)) ?? null;
}

function nameOf({ file, original, replacement }: Pick<Named, "file" | "original" | "replacement">): string {
  return JSON.stringify([file, original, replacement]);
}

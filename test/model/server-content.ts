import type { Settings, Transaction } from "./server-state.ts";
import type { Fault } from "./server-syntax.ts";

// Content, and what is wrong with it.

/** Stands in chunks where content was fetched: no octet. */
export const fetched = "\u0100";

/** What the content is, as the application gets it, and what is wrong with it. */
export function judge(
  settings: Settings,
  { parameters }: Transaction,
  octets: string,
  dots: boolean,
  whole: boolean,
): { faults: Fault[]; seen: Record<string, unknown> } {
  const faults: Fault[] = [];
  const binary = parameters.BODY === "BINARYMIME";
  // A CR at the end of a chunk may be half a CRLF (S-BDAT-15).
  const seenSoFar = whole ? octets : octets.replace(/\r$/, "");
  const lines = seenSoFar.split("\r\n").map((each) => (dots && each.startsWith(".") ? each.slice(1) : each));
  const bareCr = lines.join("").split("\r").length - 1;
  const bareLf = lines.join("").split("\n").length - 1;
  const replacement = { reject: null, keep: null, normalize: "\r\n", space: " " }[settings.bare];
  const kept = lines.map((each) =>
    replacement === null || binary ? each : each.replace(/[\r\n]/g, replacement),
  );
  const body = kept.join("\r\n").replaceAll(fetched, "");
  if (body.length > settings.limits.message) faults.push([552, "5.3.4"]);
  if (!binary && settings.bare === "reject" && bareCr + bareLf > 0) faults.push([550, "5.5.2"]);
  if (!binary && lines.some((each) => each.replaceAll(fetched, "").length > settings.limits.textLine))
    faults.push([554, "5.6.0"]);
  const seen = { body, size: body.length, bareCr, bareLf, eightBit: /[\x80-\xFF]/.test(body) };
  return { faults, seen };
}

import { UsageError } from "../errors.ts";
import { reply } from "../reply.ts";
import type { DeliverBy, MailParameters, Value } from "../syntax/parameters.ts";
import type { Extension } from "./extension.ts";
import { mostSeconds, oneOf, seconds, text } from "./values.ts";

/** How DELIVERBY is offered. */
export interface DeliverByOptions {
  /** The shortest time to return that is taken, in seconds, 1 to 999,999,999; left out: none is announced. */
  readonly minimum?: number;
}

/** DELIVERBY (RFC 2852): a message that cannot be delivered in time comes back, or its sender is told. */
export const deliverBy: Extension = {
  name: "deliverby",
  keyword: "DELIVERBY",
  source: "RFC 2852",
  purpose: "a time by which a message is to be delivered",
  announce: ({ extensions }) => String(minimum(extensions.deliverby) ?? ""),
  mail: { BY: { read: (given) => given && readBy(given), write: ({ by }) => writeBy(by) } },
  check: ({ by }, _sender, { extensions }) => {
    const least = minimum(extensions.deliverby);
    if (by?.mode !== "return" || least === null || by.seconds >= least) return null;
    return {
      rule: "X-DBY-03",
      detail: `to be returned after ${by.seconds} seconds, and the least is ${least}`,
      reply: reply(555, "5.5.4", `Time to deliver must be at least ${least} seconds`),
    };
  },
  unfit: ({ by }, [least]) => {
    const known = /^[0-9]{1,9}(,|$)/.test(least ?? "") ? Number.parseInt(least, 10) : 0;
    return by?.mode === "return" && by.seconds < known ? `the server wants at least ${known} seconds` : null;
  },
};

function minimum(options: boolean | DeliverByOptions): number | null {
  return typeof options === "object" ? (options.minimum ?? null) : null;
}

/** `[+|-]1*9DIGIT;(N|R)[T]` (RFC 2852 §4). */
function readBy(given: Value): Partial<MailParameters> | null {
  const found = /^([+-]?[0-9]{1,9});([NR])(T?)$/i.exec(text(given));
  if (found === null) return null;
  const mode = found[2].toUpperCase() === "R" ? "return" : "notify";
  // "+0" and "-0" are the same time.
  const seconds = Number(found[1]) || 0;
  if (mode === "return" && seconds <= 0) return null;
  return { by: { seconds, mode, trace: found[3] !== "" } };
}

function writeBy(by: DeliverBy | undefined): string | null {
  if (by === undefined) return null;
  oneOf("by.mode", by.mode, ["return", "notify"]);
  seconds("by.seconds", by.seconds, by.mode === "return" ? 1 : -mostSeconds);
  return `${by.seconds};${by.mode === "return" ? "R" : "N"}${by.trace ? "T" : ""}`;
}

/** @throws {UsageError} for options that cannot be */
export function checkDeliverBy(options: boolean | DeliverByOptions): void {
  const least = minimum(options);
  if (least !== null && !(Number.isInteger(least) && least >= 1 && least <= mostSeconds))
    throw new UsageError(`extensions.deliverby.minimum: ${least}, must be 1 to ${mostSeconds} seconds`);
}

import { UsageError } from "../errors.ts";
import type { RcptParameters, RecipientValidSince, Value } from "../syntax/parameters.ts";
import type { Extension } from "./extension.ts";
import { isDateTime, oneOf, text } from "./values.ts";

/** RRVS (RFC 7293): a mailbox that has changed hands since does not get the message. */
export const rrvs: Extension = {
  name: "rrvs",
  keyword: "RRVS",
  source: "RFC 7293",
  purpose: "a mailbox that has changed its owner does not get the message",
  rcpt: { RRVS: { read: (given) => given && readRrvs(given), write: ({ rrvs }) => writeRrvs(rrvs) } },
};

/** `date-time[;C|;R]`; without a letter it is R (RFC 7293 §3.2). */
function readRrvs(given: Value): Partial<RcptParameters> | null {
  const [since, letter = "R", more] = text(given).split(";");
  const action = letter.toUpperCase() === "C" ? "continue" : letter.toUpperCase() === "R" ? "reject" : null;
  if (action === null || more !== undefined || !isDateTime(since)) return null;
  return { rrvs: { since, action } };
}

function writeRrvs(rrvs: RecipientValidSince | undefined): string | null {
  if (rrvs === undefined) return null;
  if (!isDateTime(rrvs.since))
    throw new UsageError(`rrvs.since: not an RFC 3339 time: ${JSON.stringify(rrvs.since)}`);
  return `${rrvs.since};${oneOf("rrvs.action", rrvs.action, ["continue", "reject"]) === "continue" ? "C" : "R"}`;
}

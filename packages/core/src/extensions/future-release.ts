import { UsageError } from "../errors.ts";
import { reply } from "../reply.ts";
import type { MailParameters, Refusal, Value } from "../syntax/parameters.ts";
import type { Extension } from "./extension.ts";
import { isDateTime, seconds, text } from "./values.ts";

/** How FUTURERELEASE is offered. */
export interface FutureReleaseOptions {
  /** The longest time for which a message is held, in seconds, 1 to 999,999,999. */
  readonly maximumInterval: number;
  /**
   * The latest time until which a message is held: an RFC 3339 date-time in UTC, or a function that gives it, for a
   * server that runs for long. The session has no clock of its own. As long as the function gives none, or throws, the
   * extension is not offered.
   */
  readonly maximumTime: string | (() => string);
}

/** FUTURERELEASE (RFC 4865): a message is kept for some time before it is sent on. On submission only. */
export const futureRelease: Extension = {
  name: "futurerelease",
  keyword: "FUTURERELEASE",
  source: "RFC 4865",
  purpose: "a message is sent on later",
  services: ["submission"],
  announce: ({ extensions }) => {
    const options = extensions.futurerelease;
    if (options === false) return null;
    const time = latest(options);
    return time === null ? null : `${options.maximumInterval} ${time}`;
  },
  mail: {
    HOLDFOR: {
      read: (given) => given && readFor(given),
      write: ({ holdFor }) => (holdFor === undefined ? null : String(seconds("holdFor", holdFor, 1))),
    },
    HOLDUNTIL: {
      read: (given) => given && readUntil(given),
      write: ({ holdUntil }) => writeUntil(holdUntil),
    },
  },
  check: (mail, sender, { extensions }) => {
    const { holdFor, holdUntil, by } = mail;
    const options = extensions.futurerelease;
    if (options === false || (holdFor === null && holdUntil === null)) return null;
    const time = latest(options);
    if (holdFor !== null && holdUntil !== null) return refusal("X-FUT-02", "both HOLDFOR and HOLDUNTIL");
    if ((holdFor ?? 0) > options.maximumInterval)
      return refusal("X-FUT-02", `held for more than ${options.maximumInterval} seconds`);
    if (holdUntil !== null && time !== null && later(holdUntil, time))
      return refusal("X-FUT-02", `held until later than ${time}`);
    if (!sender) return refusal("X-FUT-03", "a notification is not held back");
    // HOLDUNTIL cannot be compared with it, without a clock: that is the application's.
    if (by !== null && holdFor !== null && holdFor > by.seconds)
      return refusal("X-FUT-03", "released after it has to be delivered");
    return null;
  },
  unfit: ({ holdFor, holdUntil }, [interval, time]) => {
    if ((holdFor ?? 0) > Number(interval)) return `the server holds for ${interval} seconds at most`;
    if (holdUntil !== undefined && time !== undefined && later(holdUntil, time))
      return `the server holds until ${time} at most`;
    return null;
  },
};

/** @throws {UsageError} for options that cannot be */
export function checkFutureRelease(options: false | FutureReleaseOptions): void {
  if (options === false) return;
  seconds("extensions.futurerelease.maximumInterval", options.maximumInterval, 1);
  if (latest(options) === null)
    throw new UsageError("extensions.futurerelease.maximumTime: not an RFC 3339 time in UTC");
}

/** Null: the application's function gives no time, and the extension is not offered for now. */
function latest({ maximumTime }: FutureReleaseOptions): string | null {
  const time = typeof maximumTime === "function" ? called(maximumTime) : maximumTime;
  return typeof time === "string" && isDateTime(time, { utc: true }) ? time : null;
}

/** It is called in the middle of a command, where nothing may be thrown (G1). */
function called(give: () => unknown): unknown {
  try {
    return give();
  } catch {
    return null;
  }
}

function readFor(given: Value): Partial<MailParameters> | null {
  const digits = text(given);
  const holdFor = /^[0-9]{1,9}$/.test(digits) ? Number(digits) : 0;
  return holdFor >= 1 ? { holdFor } : null;
}

function readUntil(given: Value): Partial<MailParameters> | null {
  const holdUntil = text(given);
  return isDateTime(holdUntil, { utc: true, fractions: true }) ? { holdUntil } : null;
}

function writeUntil(given: string | undefined): string | null {
  if (given === undefined) return null;
  if (!isDateTime(given, { utc: true, fractions: true }))
    throw new UsageError(`holdUntil: not an RFC 3339 time in UTC: ${JSON.stringify(given)}`);
  return given;
}

/** In UTC and of one form, times are in the order of their text, up to a fraction of a second. */
function later(one: string, other: string): boolean {
  const [a, b] = [one, other].map((time) => time.toUpperCase().replace("Z", ""));
  return a > b;
}

function refusal(rule: string, detail: string): Refusal {
  return { rule, detail, reply: badRelease };
}

const badRelease = reply(501, "5.5.4", "Bad release time");

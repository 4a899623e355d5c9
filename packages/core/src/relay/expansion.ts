/**
 * What goes with a message when one recipient becomes others (RFC 5321 §3.9, RFC 3461 §5.2.7). Its header stays as
 * it is in any case.
 */
import { noRcptParameters } from "../syntax/parameters.ts";
import type { SentMail, SentRcpt } from "./parameters.ts";
import type { DeliveryAction } from "./status.ts";

/** How a message goes on to those behind an address. */
export interface Expansion {
  /** The sender from here on; null for `<>`. */
  readonly from: string | null;
  readonly mail: SentMail;
  /** For each of the new recipients. */
  readonly rcpt: SentRcpt;
  /**
   * What is to be reported of the address itself, to a sender who wants to know of success; null: nothing, whoever
   * comes behind it will.
   */
  readonly action: Extract<DeliveryAction, "delivered" | "expanded"> | null;
}

/**
 * A mailing list: the message has arrived, and a new one goes to the members. Its failures go to who runs the list,
 * and nothing is left of what the sender had asked for in notifications, times and tracking (RFC 3461 §5.2.7.4).
 *
 * @param owner the address of who runs the list, which becomes the sender
 */
export function expandList(owner: string | null, mail: SentMail): Expansion {
  return {
    from: owner,
    mail: { ...mail, ret: null, envid: null, auth: null, by: null, track: null },
    rcpt: noRcptParameters,
    action: "delivered",
  };
}

/**
 * An alias: the sender stays, and with a single address behind it so does all that was asked for. With several, the
 * sender who wants to know of success is told `expanded`, and not of each (RFC 3461 §5.2.7.3).
 *
 * @param members how many addresses are behind it
 */
export function expandAlias(from: string | null, mail: SentMail, rcpt: SentRcpt, members: number): Expansion {
  const { notify } = rcpt;
  if (members === 1 || !notify?.includes("SUCCESS")) return { from, mail, rcpt, action: null };
  const others = notify.filter((event) => event !== "SUCCESS");
  return {
    from,
    mail,
    rcpt: { ...rcpt, notify: others.length === 0 ? ["NEVER"] : others },
    action: "expanded",
  };
}

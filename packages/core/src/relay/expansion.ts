/**
 * What goes with a message when one recipient becomes others (RFC 5321 §3.9, RFC 3461 §5.2.7). Its header stays as
 * it is in any case.
 */
import { noMailParameters, noRcptParameters, type RcptParameters } from "../syntax/parameters.ts";
import type { HeldEnvelope, HeldRecipient } from "./envelope.ts";
import type { DeliveryAction } from "./status.ts";

/** How a message goes on to those behind an address. */
export interface Expansion {
  readonly envelope: HeldEnvelope;
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
 * @param owner the address of who runs the list, which becomes the sender; null: failures are told to nobody
 */
export function expandList(
  envelope: HeldEnvelope,
  owner: string | null,
  members: readonly string[],
): Expansion {
  const { body, smtputf8, priority, requireTls, solicit } = envelope.parameters;
  return {
    envelope: {
      from: owner === null ? null : { address: owner },
      parameters: { ...noMailParameters, body, smtputf8, priority, requireTls, solicit },
      recipients: toEach(members, noRcptParameters),
    },
    action: "delivered",
  };
}

/**
 * An alias: the sender stays, and with a single address behind it so does all that was asked for. With several, the
 * sender who wants to know of success is told `expanded`, and not of each (RFC 3461 §5.2.7.3).
 */
export function expandAlias(
  envelope: HeldEnvelope,
  alias: HeldRecipient,
  members: readonly string[],
): Expansion {
  const { parameters } = alias;
  const { notify } = parameters;
  const to = (own: RcptParameters): HeldEnvelope => ({ ...envelope, recipients: toEach(members, own) });
  if (members.length === 1 || !notify?.includes("SUCCESS")) return { envelope: to(parameters), action: null };
  const others = notify.filter((event) => event !== "SUCCESS");
  const silent = { ...parameters, notify: others.length === 0 ? (["NEVER"] as const) : others };
  return { envelope: to(silent), action: "expanded" };
}

function toEach(members: readonly string[], parameters: RcptParameters): HeldRecipient[] {
  return members.map((address) => ({ to: { address }, parameters }));
}

import type { Addressee, OutgoingEnvelope } from "../client/events.ts";
import { UsageError } from "../errors.ts";

/**
 * The DSN parameters of a message that begins its way here (RFC 3461 §4.2, §5.4): each recipient is named as the
 * original one, whatever it becomes on the way.
 *
 * @param options when to be told, what is to come back, and the name under which the sender keeps the message
 * @throws {UsageError} for an `envid` of more than 38 characters: longer ones do not come back whole everywhere
 */
export function requestNotifications(
  to: readonly string[],
  options: {
    readonly notify?: Addressee["notify"];
    readonly ret?: OutgoingEnvelope["ret"];
    readonly envid?: string;
  } = {},
): Pick<OutgoingEnvelope, "to" | "ret" | "envid"> {
  const { notify, ret, envid } = options;
  if (envid !== undefined && envid.length > longestEnvid)
    throw new UsageError(`envid: more than ${longestEnvid} characters (RFC 3461 §5.4)`);
  return {
    to: to.map((address) => ({
      to: address,
      ...(notify !== undefined && { notify }),
      orcpt: { type: /[^\x00-\x7f]/.test(address) ? "utf-8" : "rfc822", address },
    })),
    ...(ret !== undefined && { ret }),
    ...(envid !== undefined && { envid }),
  };
}

const longestEnvid = 38;

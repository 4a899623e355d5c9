import { isLocal, type Mailbox, type Reply, reply, sameMailbox } from "@sansmtp/core";

/**
 * Decides on a recipient; `undefined` accepts it.
 *
 * @param accepted domains for which mail is taken; empty: any, which suits a server that passes nothing on
 * @param rejected addresses that do not exist
 */
export function judge(
  to: Mailbox,
  accepted: readonly string[],
  rejected: readonly Mailbox[],
): Reply | undefined {
  if (rejected.some((mailbox) => sameMailbox(mailbox, to))) return noSuchUser;
  if (accepted.length > 0 && !isLocal(to, accepted)) return noRelay;
  return undefined;
}

const noSuchUser = reply(550, "5.1.1", "No such user here");
const noRelay = reply(550, "5.7.1", "Relaying denied");

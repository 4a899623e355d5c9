/**
 * Notifications about a message that was taken (RFC 3461 §5.2, §6; RFC 5321 §3.6.3, §6.1): who is told of what, and
 * what a message builder needs to say it.
 */
import { UsageError } from "../errors.ts";
import { isFault } from "../syntax/fault.ts";
import { noMailParameters, noRcptParameters, type RcptParameters } from "../syntax/parameters.ts";
import { parsePath, type SyntaxOptions, strict } from "../syntax/path.ts";
import { encodeUtf8 } from "../wire/utf8.ts";
import type { SentMail, SentRcpt } from "./parameters.ts";
import { type DeliveryAction, deliveryStatus, type RecipientReport } from "./status.ts";

/** A message that was taken: what its notifications depend on. */
export interface Notifiable {
  /** The reverse-path, with or without angle brackets; null, empty or `<>`: nobody is told of anything. */
  readonly from: string | null;
  readonly mail: SentMail;
}

/** What became of a recipient, and when its sender wants to be told. */
export interface Report extends RecipientReport {
  readonly notify: RcptParameters["notify"];
}

/** A notification, to be made a message of. */
export interface Notification {
  /** The reverse-path is `<>`: nobody answers it (RFC 5321 §6.1). */
  readonly from: null;
  /** The one recipient: who has sent the message. Never what its header says. */
  readonly to: string;
  /** The parameters with which it is sent, as if they had been received: `passOn` gives them to the next hop. */
  readonly mail: SentMail;
  readonly rcpt: SentRcpt;
  /** The content type of the whole, without its boundary (RFC 6522). A text for people is its first part. */
  readonly contentType: "multipart/report; report-type=delivery-status";
  /** The second part, for programs. */
  readonly status: { readonly contentType: "message/delivery-status"; readonly text: string };
  /** The third part: the whole message as it was received, or its header alone. */
  readonly original: {
    readonly contentType:
      | "message/rfc822"
      | "message/global"
      | "text/rfc822-headers"
      | "message/global-headers";
    readonly whole: boolean;
  };
  /** What it tells: those of the reports of which the sender wants to know. */
  readonly reports: readonly Report[];
}

/**
 * Whether a sender is to be told (RFC 3461 §5.2). Never the null sender: it stands for a notification, and none is
 * made of another (RFC 5321 §6.1).
 *
 * @param traced BY was given with `T`: whoever relays the message tells so, even if nobody asked for success
 *   (RFC 2852 §3)
 */
export function isNotificationDue(
  action: DeliveryAction,
  from: string | null,
  notify: RcptParameters["notify"],
  traced = false,
): boolean {
  if (from === null || from === "" || from === "<>") return false;
  if (notify?.includes("NEVER")) return false;
  switch (action) {
    case "failed":
      return notify === null || notify.includes("FAILURE");
    case "delayed":
      return notify === null || notify.includes("DELAY");
    case "relayed":
      return traced || (notify?.includes("SUCCESS") ?? false);
    default:
      return notify?.includes("SUCCESS") ?? false;
  }
}

/**
 * One notification for all recipients of a message of which its sender wants to be told now; null if of none.
 *
 * The content comes back only where the sender has asked for it with RET=FULL, something has failed, and the message
 * may be seen by whoever sees the notification (RFC 3461 §6.2, RFC 8689 §5).
 *
 * @param reporter the name of this host, or its address literal
 * @throws {UsageError} when `from` is no reverse-path, or `reporter` no domain
 */
export function notification(
  message: Notifiable,
  reports: readonly Report[],
  reporter: string,
): Notification | null {
  const { mail } = message;
  const traced = mail.by?.trace ?? false;
  const due = reports.filter(({ action, notify }) => isNotificationDue(action, message.from, notify, traced));
  const to = message.from === null ? null : reversePath(message.from);
  if (to === null || due.length === 0) return null;
  const failed = due.some(({ action }) => action === "failed");
  const whole = mail.ret === "FULL" && failed && !mail.requireTls;
  const utf8 = mail.smtputf8;
  return {
    from: null,
    to,
    mail: {
      ...noMailParameters,
      smtputf8: utf8 || /[^\x00-\x7f]/.test(to),
      requireTls: mail.requireTls ?? false,
      priority: mail.priority ?? null,
    },
    rcpt: { ...noRcptParameters, notify: ["NEVER"] },
    contentType: "multipart/report; report-type=delivery-status",
    status: { contentType: "message/delivery-status", text: deliveryStatus(reporter, mail.envid, due) },
    original: { contentType: originalType(whole, utf8), whole },
    reports: due,
  };
}

function originalType(whole: boolean, utf8: boolean): Notification["original"]["contentType"] {
  if (utf8) return whole ? "message/global" : "message/global-headers";
  return whole ? "message/rfc822" : "text/rfc822-headers";
}

/** The address of a reverse-path, without the route on which the message came (RFC 5321 §3.6.3); null for `<>`. */
function reversePath(text: string): string | null {
  const octets = encodeUtf8(text.startsWith("<") ? text : `<${text}>`);
  const found = parsePath(octets, 0, octets.length, "reverse", anyPath);
  if (isFault(found) || found.end !== octets.length)
    throw new UsageError(`from: ${JSON.stringify(text)} is no reverse-path`);
  return found.path?.address ?? null;
}

/** Whatever a session can have accepted. */
const anyPath: SyntaxOptions = {
  utf8: "allowed",
  lenient: { ...strict, dots: true, trailingDot: true, underscore: true, mixedQuoting: true },
  limits: { localPart: 640, domain: 640, path: 640 },
};

/**
 * Notifications about a message that was taken (RFC 3461 §5.2, §6; RFC 5321 §3.6.3, §6.1): who is told of what, and
 * what a message builder needs to say it.
 */
import { UsageError } from "../errors.ts";
import { isFault } from "../syntax/fault.ts";
import { noMailParameters, noRcptParameters } from "../syntax/parameters.ts";
import { parsePath, type SyntaxOptions, strict } from "../syntax/path.ts";
import { encodeUtf8 } from "../wire/utf8.ts";
import type { HeldEnvelope, HeldRecipient } from "./envelope.ts";
import { type DeliveryAction, deliveryStatus, type Report } from "./status.ts";

/** A notification, to be made a message of. */
export interface Notification {
  /**
   * From `<>`, so that nobody answers it (RFC 5321 §6.1), to who has sent the message, whatever its header says. Its
   * parameters stand as if they had been received: `passOn` gives them to the next hop.
   */
  readonly envelope: HeldEnvelope;
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
 * Whether the sender is to be told of what became of a recipient (RFC 3461 §5.2). Never the null sender: it stands
 * for a notification, and none is made of another (RFC 5321 §6.1). Where BY was given with `T` who relays the message
 * tells so, even if nobody asked for success (RFC 2852 §3).
 */
export function isNotificationDue(
  action: DeliveryAction,
  { from, parameters }: HeldEnvelope,
  recipient: HeldRecipient,
): boolean {
  if (from === null || from.address === "" || from.address === "<>") return false;
  const { notify } = recipient.parameters;
  if (notify?.includes("NEVER")) return false;
  switch (action) {
    case "failed":
      return notify === null || notify.includes("FAILURE");
    case "delayed":
      return notify === null || notify.includes("DELAY");
    case "relayed":
      return parameters.by?.trace || (notify?.includes("SUCCESS") ?? false);
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
 * @throws {UsageError} when the sender is no reverse-path, or `reporter` no domain
 */
export function notification(
  envelope: HeldEnvelope,
  reports: readonly Report[],
  reporter: string,
): Notification | null {
  const { from, parameters } = envelope;
  const due = reports.filter(({ action, recipient }) => isNotificationDue(action, envelope, recipient));
  if (from === null || due.length === 0) return null;
  const address = mailboxOf(from.address);
  const { smtputf8, requireTls, priority } = parameters;
  const failed = due.some(({ action }) => action === "failed");
  const whole = parameters.ret === "FULL" && failed && !requireTls;
  const utf8 = smtputf8 || /[^\x00-\x7f]/.test(address);
  return {
    envelope: {
      from: null,
      parameters: { ...noMailParameters, smtputf8: utf8, requireTls, priority },
      recipients: [{ to: { address }, parameters: { ...noRcptParameters, notify: ["NEVER"] } }],
    },
    contentType: "multipart/report; report-type=delivery-status",
    status: { contentType: "message/delivery-status", text: deliveryStatus(reporter, parameters.envid, due) },
    original: { contentType: originalType(whole, smtputf8), whole },
    reports: due,
  };
}

function originalType(whole: boolean, utf8: boolean): Notification["original"]["contentType"] {
  if (utf8) return whole ? "message/global" : "message/global-headers";
  return whole ? "message/rfc822" : "text/rfc822-headers";
}

/** The address of a reverse-path, without the route on which the message came (RFC 5321 §3.6.3). */
function mailboxOf(text: string): string {
  const octets = encodeUtf8(text.startsWith("<") ? text : `<${text}>`);
  const found = parsePath(octets, 0, octets.length, "reverse", anyPath);
  if (isFault(found) || found.end !== octets.length || found.path === null)
    throw new UsageError(`from: ${JSON.stringify(text)} is no reverse-path`);
  return found.path.address;
}

/** Whatever a session can have accepted. */
const anyPath: SyntaxOptions = {
  utf8: "allowed",
  lenient: { ...strict, dots: true, trailingDot: true, underscore: true, mixedQuoting: true },
  limits: { localPart: 640, domain: 640, path: 640 },
};

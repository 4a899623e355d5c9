/**
 * What goes with a message to the next hop, and what does not (RFC 5321 §2.2.3): each extension says in its own words
 * what a relay does where the next host lacks it. It is all here, in one function without memory.
 */
import type { Addressee, OutgoingEnvelope } from "../client/events.ts";
import { type Reply, reply } from "../reply.ts";
import { type Capabilities, wordsOf } from "../syntax/capabilities.ts";
import type { DeliverBy, MailParameters, RcptParameters, Track } from "../syntax/parameters.ts";
import type { HeldEnvelope, HeldRecipient } from "./envelope.ts";
import { isNotificationDue } from "./notification.ts";

/** The next host, as the session with it has shown it. */
export interface NextHop {
  /** Of its last EHLO. */
  readonly capabilities: Capabilities;
  /** AUTH has succeeded. */
  readonly authenticated: boolean;
  /** The connection is inside TLS. */
  readonly tls: boolean;
  /**
   * The name of the host is sure, by DNSSEC or MTA-STS, and its certificate was verified for that name, by PKIX or
   * DANE. Only REQUIRETLS asks for it (RFC 8689 §4.2.1).
   */
  readonly verified: boolean;
}

/** What to do with a message at this hop. */
export interface Passage {
  /** For the client, with those who can go this way; null: nobody can. Size and content are the caller's. */
  readonly envelope: OutgoingEnvelope | null;
  /** In the order of the envelope that came. */
  readonly recipients: readonly PassedRecipient[];
}

/** What becomes of one recipient at this hop. */
export interface PassedRecipient {
  /** Its place in the envelope; null: it does not go this way. */
  readonly index: number | null;
  /** Why it does not; null: it does. */
  readonly obstacle: Obstacle | null;
  /** The sender is to be told `relayed` once the host has accepted the recipient, with this code; null: not. */
  readonly relayed: string | null;
  /** The sender is to be told `delayed` now, with this code, if that was not done yet; null: not. */
  readonly delayed: string | null;
}

/** Why something does not go this way. */
export interface Obstacle {
  /** For the notification, if no other way is found. */
  readonly reply: Reply;
  /** Another host may do: try the next target before giving up. */
  readonly elsewhere: boolean;
}

/**
 * What is sent of a message to the next hop (RFC 3461 §5.2, RFC 2852 §4, RFC 6710 §4.3, RFC 8689 §4.2.1, RFC 7293 §3,
 * RFC 3865 §2.4, RFC 3885 §3, RFC 4954 §5). Parameters go on as they came, or not at all, but for times, from which
 * the time held is taken. HOLDFOR and HOLDUNTIL were for this host.
 *
 * @param seconds for how long the message has been here
 */
export function passOn(envelope: HeldEnvelope, seconds: number, hop: NextHop): Passage {
  const { from, parameters, recipients } = envelope;
  // A clock that was set back gives no time.
  const held = Math.max(seconds, 0);
  const by = passBy(parameters.by, held, hop);
  const whole = ("reply" in by ? by : null) ?? lackOfTls(envelope, hop);
  const obstacles = recipients.map((recipient) => whole ?? lackOfRrvs(recipient.parameters, hop));
  const going = recipients.filter((_, at) => obstacles[at] === null);
  // Where the next host speaks DSN it tells of success itself; a trace is told of by each.
  const telling = !hop.capabilities.dsn || parameters.by?.trace;
  // RFC 3886 §3.3.4 has a code for it.
  const relayed = parameters.track !== null && !offers(hop, "MTRK") ? "2.1.9" : "2.0.0";
  const late = "late" in by && by.late;
  let place = 0;
  return {
    envelope:
      "reply" in by || going.length === 0
        ? null
        : {
            from: from?.address ?? null,
            to: addressees(going, hop),
            ...mailParameters(parameters, by.by, held, hop),
          },
    recipients: obstacles.map((obstacle, at): PassedRecipient => {
      if (obstacle !== null) return { index: null, obstacle, relayed: null, delayed: null };
      const due = (action: "relayed" | "delayed"): boolean =>
        isNotificationDue(action, envelope, recipients[at]);
      return {
        index: place++,
        obstacle,
        relayed: telling && due("relayed") ? relayed : null,
        delayed: late && due("delayed") ? "4.4.7" : null,
      };
    }),
  };
}

function addressees(going: readonly HeldRecipient[], hop: NextHop): Addressee[] {
  const { dsn } = hop.capabilities;
  return going.map(({ to, parameters: { notify, orcpt, rrvs } }) => ({
    to: to.address,
    ...(dsn && notify !== null && { notify }),
    ...(dsn && orcpt !== null && { orcpt }),
    ...(rrvs !== null && offers(hop, "RRVS") && { rrvs }),
  }));
}

function mailParameters(
  mail: MailParameters,
  by: DeliverBy | null,
  held: number,
  hop: NextHop,
): Omit<OutgoingEnvelope, "from" | "to"> {
  const { dsn, auth } = hop.capabilities;
  const envid = dsn ? mail.envid : null;
  // What is tracked is asked for by its ENVID.
  const track = envid === null ? null : passTrack(mail.track, held, hop);
  return {
    ...(mail.body !== null && { body: mail.body }),
    ...(mail.smtputf8 && { smtputf8: true }),
    ...(dsn && mail.ret !== null && { ret: mail.ret }),
    ...(envid !== null && { envid: { raw: envid } }),
    // RFC 4954 §5: to whom we are known we vouch for the sender, or say that we do not.
    ...(hop.authenticated && auth.length > 0 && { auth: mail.auth ?? "<>" }),
    ...(by !== null && { by }),
    ...(mail.priority !== null && offers(hop, "MT-PRIORITY") && { priority: mail.priority }),
    ...(mail.requireTls && requiresTls(hop) && { requireTls: true }),
    ...(mail.solicit !== null && offers(hop, "NO-SOLICITING") && { solicit: mail.solicit }),
    ...(track !== null && { track }),
  };
}

/** RFC 2852 §4: less time at each hop; what has to come back in time does not go where nobody would see to it. */
function passBy(
  by: DeliverBy | null,
  held: number,
  hop: NextHop,
): { readonly by: typeof by; readonly late: boolean } | Obstacle {
  if (by === null) return { by: null, late: false };
  const seconds = Math.max(Math.floor(by.seconds - held), -mostSeconds);
  const least = leastTime(hop);
  if (by.mode === "return") {
    if (seconds <= 0) return { reply: expired, elsewhere: false };
    if (least === null || seconds < least) return { reply: untimely, elsewhere: true };
  }
  // Whose time had passed before was told of by a host before.
  const late = by.mode === "notify" && by.seconds > 0 && seconds <= 0;
  return { by: least === null ? null : { ...by, seconds }, late };
}

/** The shortest time that the next host promises to keep to, in seconds; null: it promises nothing. */
function leastTime(hop: NextHop): number | null {
  const words = wordsOf(hop.capabilities, "DELIVERBY");
  if (words === null) return null;
  // Further items may follow behind a comma (RFC 2852 §3).
  return Number(/^[0-9]{1,9}(?=,|$)/.exec(words[0] ?? "")?.[0] ?? 0);
}

/** RFC 8689 §4.2.1. A notification goes on without it: nobody would be told of its loss (§5). */
function lackOfTls({ from, parameters }: HeldEnvelope, hop: NextHop): Obstacle | null {
  if (!parameters.requireTls || from === null || requiresTls(hop)) return null;
  return { reply: hop.tls && hop.verified ? requireTlsMissing : tlsMissing, elsewhere: true };
}

function requiresTls(hop: NextHop): boolean {
  return hop.tls && hop.verified && offers(hop, "REQUIRETLS");
}

/** RFC 7293 §5.2: who insists on the owner of a mailbox does not want it sent where nobody would look. */
function lackOfRrvs({ rrvs }: RcptParameters, hop: NextHop): Obstacle | null {
  return rrvs?.action === "reject" && !offers(hop, "RRVS") ? { reply: rrvsMissing, elsewhere: true } : null;
}

/** RFC 3885 §3: less time at each hop, and no parameter when there is none left. */
function passTrack(track: Track | null, held: number, hop: NextHop): Track | null {
  if (track === null || !offers(hop, "MTRK")) return null;
  if (track.timeout === null) return track;
  const timeout = Math.floor(track.timeout - held);
  return timeout <= 0 ? null : { ...track, timeout };
}

function offers({ capabilities }: NextHop, keyword: string): boolean {
  return wordsOf(capabilities, keyword) !== null;
}

const expired = reply(550, "5.4.7", "Delivery time expired");
const untimely = reply(550, "5.4.7", "The next host does not promise to deliver in time");
const tlsMissing = reply(550, "5.7.10", "REQUIRETLS: no verified TLS with the next host");
const requireTlsMissing = reply(550, "5.7.30", "REQUIRETLS is not supported by the next host");
const rrvsMissing = reply(550, "5.7.19", "RRVS is not supported by the next host");
/** What BY can say (RFC 2852 §4). */
const mostSeconds = 999_999_999;

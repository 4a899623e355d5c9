import type { Difference } from "./compare.ts";
import type { Doing, Fate } from "./script.ts";

/** A kind of difference from nodemailer, and the requirement by which ours does what it does. */
export interface Row {
  /** What happens, in words. */
  readonly said: string;
  readonly fits: (difference: Difference) => boolean;
  /** What our client does, and what nodemailer does, in words. */
  readonly weDo: string;
  readonly theyDo: string;
  readonly requirement: string;
  readonly because: string;
}

/** Something unusual was done to one of the clients at such a place, before or where they differ. */
function met({ played, message }: Difference, place: RegExp, what: (fate: Fate) => boolean): boolean {
  return [...played.ours.seen.odd, ...played.theirs.seen.odd].some(({ slot, fate }) => {
    const number = /^[^ ]+ (\d)/.exec(slot)?.[1];
    const before = number === undefined || message < 0 || Number(number) <= message;
    return before && place.test(slot) && what(fate);
  });
}

const does =
  (...doing: readonly Doing[]) =>
  (fate: Fate): boolean =>
    doing.includes(fate.doing);

const digit =
  (...digits: readonly number[]) =>
  (fate: Fate): boolean =>
    digits.includes(Math.trunc(fate.code / 100));

/** What ours has told of the session, or of any message up to this one. */
function weTold({ played: { ours }, message }: Difference, what: RegExp): boolean {
  const messages = ours.told.messages.slice(0, message < 0 ? undefined : message + 1);
  return what.test(ours.told.why) || messages.some(({ whys }) => whys.some((why) => what.test(why)));
}

/** What ours has told of this message alone. */
function weToldOfIt({ played: { ours }, message }: Difference, what: RegExp): boolean {
  const asked = message < 0 ? ours.told.messages : ours.told.messages.slice(message, message + 1);
  return asked.some(({ whys }) => whys.some((why) => what.test(why)));
}

function theyTold({ played: { theirs }, message }: Difference, what: RegExp): boolean {
  const messages = theirs.told.messages.slice(0, message < 0 ? undefined : message + 1);
  return what.test(theirs.told.why) || messages.some(({ whys }) => whys.some((why) => what.test(why)));
}

/** Every difference that was found is in one of these; the first that fits explains it. */
export const known: readonly Row[] = [
  // Replies that are none.
  {
    said: "a line that is no reply, a code that is none, or an empty line before a reply",
    fits: (d) =>
      met(d, /./, does("garbage", "no code", "blank")) &&
      (weTold(d, /reply-syntax|not-smtp/) || weAreOver(d)),
    weDo: "the connection ends; what was sent whole is `unknown`, the rest can be sent again",
    theyDo: "takes the line for a refusal, or for the reply to the next command; passes over empty lines",
    requirement: "R-FMT-10",
    because:
      "Who says such a thing is out of step, or no SMTP server: nothing that follows can be relied on.",
  },
  {
    said: "a reply whose lines have several codes",
    fits: (d) => met(d, /./, does("mixed")) && (weTold(d, /reply-syntax|not-smtp/) || weAreOver(d)),
    weDo: "the connection ends; what was sent whole is `unknown`",
    theyDo: "the code of the first line counts",
    requirement: "R-FMT-11",
    because: "Which of them is meant cannot be known (RFC 5321 §4.2.1).",
  },
  {
    said: "lines of a reply that end in LF alone",
    fits: (d) =>
      met(d, /./, does("bare LF")) &&
      (weTold(d, /reply-syntax|not-smtp|timeout|no-greeting/) || weAreOver(d)),
    weDo: "the connection ends, or the rest of the line is waited for",
    theyDo: "takes them for lines",
    requirement: "R-FMT-14",
    because: "CRLF alone ends a line (RFC 5321 §2.3.8): elsewhere replies could be smuggled.",
  },
  {
    said: "a second reply where one was due",
    fits: (d) => met(d, /./, does("reply, reply")),
    weDo: "it counts for the next command, or the connection ends: `reply-unsolicited`",
    theyDo: "the same, at other moments",
    requirement: "R-FMT-16",
    because:
      "Replies are matched by their order alone; when nothing is asked, one too many ends the session.",
  },
  {
    said: "3yz to MAIL, RCPT, RSET, EHLO or STARTTLS, or as greeting",
    fits: (d) =>
      met(d, /^(?:MAIL|RCPT|EHLO|HELO|STARTTLS|RSET|greeting)/, digit(3)) &&
      (weTold(d, /reply-unexpected/) || weAreOver(d)),
    weDo: "the connection ends, and what was not sent can be sent again",
    theyDo: "takes it for a refusal of that command alone; goes on with HELO",
    requirement: "R-FMT-09",
    because: "3yz says that more is waited for (RFC 5321 §4.2.1), and there is nothing more to say.",
  },
  {
    said: "421 without text",
    fits: (d) => d.kind === "open" && met(d, /./, ({ code, bald }) => code === 421 && bald),
    weDo: "the connection is over",
    theyDo: "takes it for the refusal of that command alone",
    requirement: "R-FMT-07",
    because: "Three digits and CRLF are a whole reply (RFC 5321 §4.2).",
  },
  {
    said: "2yz to DATA",
    fits: (d) =>
      met(d, /^DATA/, digit(2)) &&
      (weTold(d, /reply-unexpected/) || weAreOver(d) || theirContentInTheOpen(d)),
    weDo: "no content is sent, the connection ends",
    theyDo: "sends the content, which the server reads as commands",
    requirement: "S-DATA-19",
    because: "Content is sent behind 354 alone: elsewhere its lines are commands (RFC 5321 §3.3).",
  },

  // What a message needs and the server has not.
  {
    said: "8-bit content, to a server without 8BITMIME",
    fits: (d) => weToldOfIt(d, /8bitmime-missing/),
    weDo: "nothing is sent: `8bitmime-missing`",
    theyDo: "sends it",
    requirement: "S-8BIT-04",
    because: "The server has not said that octets above 0x7F survive (RFC 6152 §3).",
  },
  {
    said: "an address in UTF-8, to a server without SMTPUTF8",
    fits: (d) => weToldOfIt(d, /smtputf8-missing/),
    weDo: "this recipient, or with the sender all, is not tried: `smtputf8-missing`",
    theyDo: "sends it, without the parameter",
    requirement: "X-UTF8-10",
    because: "The server has not said that it takes such addresses (RFC 6531 §3.2).",
  },
  {
    said: "RET, ENVID or NOTIFY, to a server without DSN",
    fits: (d) => weToldOfIt(d, /dsn-missing/),
    weDo: "nothing is sent: `dsn-missing`",
    theyDo: "leaves them out, and tells nobody",
    requirement: "C-TXN-01",
    because: "Who asks to be told of the delivery would wait in vain; the caller can send it without.",
  },
  {
    said: "content with CR or LF alone in it",
    fits: (d) => weToldOfIt(d, /content-bare-/),
    weDo: "the message is not sent, or broken off; `lineEnds` says otherwise",
    theyDo: "makes CRLF of it",
    requirement: "S-DATA-21",
    because: "It is what a smuggled message looks like; whether it is a line end, the caller knows.",
  },
  {
    said: "content with a line of more than 998 octets",
    fits: (d) => weToldOfIt(d, /content-long-line/),
    weDo: "the message is not sent; `limits.textLine` says otherwise",
    theyDo: "sends it",
    requirement: "S-DATA-22",
    because: "A server on the way may cut it (RFC 5321 §4.5.3.1.6).",
  },
  {
    said: "words behind the name in the first line of the EHLO reply",
    fits: (d) => /SIZE/.test(d.script.welcome) && theyTold(d, /Message size larger/),
    weDo: "they are no extensions",
    theyDo: "takes them for extensions: `SIZE 10` keeps larger messages from being sent",
    requirement: "C-SES-05",
    because: "The first line has the server's name, and greets (RFC 5321 §4.1.1.1).",
  },
  {
    said: "words behind the name in the first line of the EHLO reply, or behind another keyword, that look like keywords",
    fits: (d) => d.kind === "parameter" && d.ours === "" && !offered(d, d.theirs),
    weDo: "they are no extensions",
    theyDo: "takes them for extensions, and says their parameters",
    requirement: "X-GEN-02",
    because: "A keyword stands at the begin of a line (RFC 5321 §4.1.1.1).",
  },

  // Before the first message.
  {
    said: "credentials are given, and no mechanism is offered that both know",
    fits: (d) => /auth-not-offered/.test(d.played.ours.told.why),
    weDo: "the connection ends: `auth-not-offered`",
    theyDo: "sends without authentication, or says PLAIN all the same",
    requirement: "C-TXN-01",
    because: "Mail that was meant to be authenticated would go as anybody's.",
  },
  {
    said: "several mechanisms of AUTH are offered, without TLS",
    fits: (d) => d.kind === "setup" && /^AUTH/.test(d.ours) && /^AUTH/.test(d.theirs),
    weDo: "CRAM-MD5 before PLAIN and LOGIN",
    theyDo: "PLAIN first",
    requirement: "A-AUTH-26",
    because: "The strongest first: PLAIN shows the password to whoever listens.",
  },
  {
    said: "STARTTLS is refused where TLS is but wished for, and AUTH is offered",
    fits: (d) =>
      d.kind === "setup" && /^AUTH/.test(d.ours) && d.theirs === "" && met(d, /^STARTTLS/, digit(4, 5)),
    weDo: "AUTH in the clear, because `allowInsecureAuth` allows it",
    theyDo: "goes on without authentication",
    requirement: "A-AUTH-25",
    because: "The caller has allowed it; without that, nothing is sent.",
  },
  {
    said: "TLS is required and not offered",
    fits: (d) => /tls-not-offered/.test(d.played.ours.told.why),
    weDo: "QUIT, and nothing is sent: `tls-not-offered`",
    theyDo: "says STARTTLS, which nobody has offered; if that works, it goes on",
    requirement: "X-GEN-02",
    because: "What EHLO does not list is not used. Either way nothing is sent in the clear.",
  },
  {
    said: "4yz to EHLO",
    fits: (d) => met(d, /^EHLO/, digit(4)) && /^hello-refused 4/.test(d.played.ours.told.why),
    weDo: "QUIT; it can be tried again later",
    theyDo: "HELO",
    requirement: "S-EHLO-15",
    because: "5yz says that EHLO is not known, 4yz that the server cannot now (RFC 5321 §3.2).",
  },
  {
    said: "EHLO is refused inside TLS, which is required",
    fits: (d) => /^hello-refused 5/.test(d.played.ours.told.why) && d.script.tls === "required",
    weDo: "QUIT: `hello-refused`",
    theyDo: "HELO",
    requirement: "S-EHLO-16",
    because: "No HELO where an extension is demanded.",
  },
  {
    said: "another 2yz than 220 as greeting, or than 235 behind CRAM-MD5",
    fits: (d) => met(d, /^(?:greeting|AUTH)/, digit(2)) && theyTold(d, /EPROTOCOL CONN 2|CRAM-MD5 2/),
    weDo: "goes on",
    theyDo: "gives up",
    requirement: "R-FMT-09",
    because: "A code that is not known counts by its first digit (RFC 5321 §4.3.2).",
  },
  {
    said: "a greeting, EHLO, LHLO or HELO that is refused",
    fits: (d) => d.kind === "end" && d.ours === "QUIT" && /-refused/.test(d.played.ours.told.why),
    weDo: "QUIT, then the end",
    theyDo: "the end",
    requirement: "C-SES-03",
    because: "The last command is QUIT, also after errors (RFC 5321 §3.1, §4.1.1.10).",
  },

  // A message.
  {
    said: "354 to DATA sent ahead, where the sender or every recipient was refused",
    fits: (d) => met(d, /^(?:MAIL|RCPT)/, digit(4, 5)) && (emptied(d) || (d.kind === "open" && left(d))),
    weDo: "an empty message for nobody, and the session goes on",
    theyDo: "the same where recipients were refused; ends the connection where it was the sender",
    requirement: "C-TXN-04",
    because: "The server waits for content; nobody can get it (RFC 2920 §3.1).",
  },
  {
    said: "PIPELINING is a part of another keyword, or stands in the first line of the EHLO reply",
    fits: (d) =>
      !offered(d, "PIPELINING") && /PIPELINING/.test(everything(d)) && met(d, /^(?:MAIL|RCPT)/, () => true),
    weDo: "one command at a time",
    theyDo: "sends the envelope and DATA ahead of the replies",
    requirement: "X-PIPE-01",
    because: "The server has not said that it reads on (RFC 2920 §3.1).",
  },
  {
    said: "a command is refused, and the connection ends right behind that",
    fits: (d) =>
      met(d, /./, does("reply, end")) &&
      (d.kind === "open" || d.kind === "tried" || (/^\d/.test(d.why.ours) && /CONN|API/.test(d.why.theirs))),
    weDo: "the refusal stands",
    theyDo: "may tell of the end of the connection alone, which is not `permanent`",
    requirement: "C-SES-06",
    because: "Results that were received stand, whatever comes behind them.",
  },
  {
    said: "no recipient, or DATA, is accepted in a transaction that was begun",
    fits: (d) => (d.kind === "says" && d.ours === "RSET") || refusedWithin(d),
    weDo: "RSET",
    theyDo:
      "leaves the transaction open, and says MAIL within it, which a server may refuse: RSET is left to the caller",
    requirement: "S-MAIL-12",
    because: "MAIL within a transaction is out of order (RFC 5321 §4.1.4).",
  },
  {
    said: "RSET, which had to be said, is refused, or the connection ends there",
    fits: (d) =>
      met(d, /^RSET/, () => true) && (weTold(d, /^notTried/) || d.kind === "end" || d.kind === "open"),
    weDo: "the connection ends, if it can with QUIT; what waits can be sent again",
    theyDo: "has not said RSET, and goes on in the same transaction",
    requirement: "S-MAIL-12",
    because: "A server that cannot forget a transaction cannot be given another.",
  },
  {
    said: "421 to STARTTLS, where TLS is but wished for",
    fits: (d) => met(d, /^STARTTLS/, ({ code }) => code === 421),
    weDo: "the connection is over: `closed-by-server`",
    theyDo: "calls itself connected, and fails at the first message",
    requirement: "R-FMT-17",
    because: "421 ends the connection, whatever it replies to (RFC 5321 §3.8).",
  },
  {
    said: "the server offers CHUNKING",
    fits: (d) =>
      chunked(d) && ((d.kind === "says" && /DATA/.test(d.theirs)) || met(d, /^(?:DATA|chunk)/, () => true)),
    weDo: 'BDAT, when a recipient was accepted; `chunking: "avoid"` says otherwise',
    theyDo: "DATA, ahead of the replies to RCPT",
    requirement: "S-BDAT-17",
    because: "Octets are counted: there is no end of data to look for, or to be smuggled past.",
  },
  {
    said: "552 to a recipient, behind others that were accepted",
    fits: (d) =>
      d.kind === "tells" &&
      d.why.ours === "552" &&
      d.ours === "temporary" &&
      /RCPT TO 552/.test(d.why.theirs),
    weDo: "`deferred`",
    theyDo: "`permanent`",
    requirement: "L-EXC-07",
    because: "Of old it means that there are too many (RFC 5321 §4.5.3.1.10).",
  },
  {
    said: "503 to any command",
    fits: (d) =>
      d.ours === "refused" && d.theirs === "temporary" && /503/.test(d.why.ours) && /503/.test(d.why.theirs),
    weDo: "`refused`",
    theyDo: "not `permanent`",
    requirement: "R-FMT-09",
    because: "5yz is permanent, by its first digit.",
  },
  {
    said: "the sender or a recipient is refused, and then the message fails for all of them, or the connection",
    fits: (d) =>
      d.kind === "tells" &&
      /^\d/.test(d.why.ours) &&
      refusedAlone(d) &&
      /DATA|CONN|API|MAIL/.test(d.why.theirs),
    weDo: "what was said of it stands",
    theyDo: "one error for all recipients",
    requirement: "C-TXN-03",
    because:
      "The reply to each RCPT counts for itself (RFC 5321 §4.2.1); who is refused need not be tried again.",
  },
  {
    said: "under LMTP, the connection fails behind the verdict on some of the recipients",
    fits: (d) =>
      d.kind === "tells" &&
      d.script.protocol === "lmtp" &&
      /^\d/.test(d.why.ours) &&
      /CONN|API|DATA/.test(d.why.theirs),
    weDo: "the verdicts that came stand",
    theyDo: "one error for all recipients: who has the message gets it once more",
    requirement: "M-LMTP-20",
    because: "A failure does not change results that were received (RFC 2033 §5).",
  },
  {
    said: "the end of the connection, 421 or silence, behind the whole message and before its verdict",
    fits: (d) =>
      (d.kind === "tells" || d.kind === "open") && weToldOfIt(d, /^(?:ended|lost|timeout|closed-by-server)/),
    weDo: "`unknown`, not safe to be tried again",
    theyDo: "an error that is not `permanent`, as before the message was sent",
    requirement: "L-TIME-18",
    because: "The message may have been accepted, and come twice when it is sent again (RFC 1047).",
  },
  {
    said: "3yz to the end of the data",
    fits: (d) => weTold(d, /^reply-unexpected/) && met(d, /^\./, digit(3)),
    weDo: "the connection ends; `unknown`",
    theyDo: "a refusal that is not `permanent`; the session goes on",
    requirement: "R-FMT-09",
    because: "The server waits for something: it has neither taken nor refused the message.",
  },
];

/** An extension by whose keyword a parameter is said was offered. */
function offered(d: Difference, parameter: string): boolean {
  const name = parameter.split("=")[0]!;
  const keyword = { BODY: "8BITMIME", RET: "DSN", ENVID: "DSN", NOTIFY: "DSN" }[name] ?? name;
  const inside = d.played.theirs.seen.said.some(({ slot }) => slot === "EHLO inside");
  const list = inside ? d.script.offersInside : d.script.offers;
  return list.some((line) => line.split(" ")[0]!.toUpperCase() === keyword);
}

/** Ours has sent an empty message in the place of this one. */
function emptied({ played, message }: Difference): boolean {
  return [played.ours, played.theirs].some(({ seen }) =>
    seen.said.some(({ slot, text }) => text === "nothing" && (message < 0 || slot === `. ${message}`)),
  );
}

/** Nodemailer has closed when it was told to send content that nobody gets. */
function left({ played: { theirs }, message }: Difference): boolean {
  const { said } = theirs.seen;
  return said.at(-1)?.slot === `DATA ${message}`;
}

function everything({ script: { welcome, offers, offersInside } }: Difference): string {
  return [welcome, ...offers, ...offersInside].join("\n");
}

/** Ours sends messages by BDAT. */
function chunked({ script, played }: Difference): boolean {
  if (script.chunking === "avoid") return false;
  const inside = played.ours.seen.said.some(({ slot }) => slot === "EHLO inside");
  return (inside ? script.offersInside : script.offers).includes("CHUNKING");
}

/** Its RCPT has been refused, or the MAIL before it. */
function refusedAlone({ played, message, recipient }: Difference): boolean {
  return played.ours.seen.odd.some(
    ({ slot, fate }) =>
      [`MAIL ${message}`, `RCPT ${message} ${recipient}`].includes(slot) && fate.code >= 400,
  );
}

/** Nodemailer's MAIL is out of order, and that of ours is not. */
function refusedWithin({ played: { ours, theirs }, message }: Difference): boolean {
  const refused = ({ seen }: Difference["played"]["ours"]): boolean =>
    seen.odd.some(({ slot, fate }) => slot === `MAIL ${message}` && fate.code === 503);
  return refused(theirs) && !refused(ours);
}

/** Ours has ended the connection behind this message. */
function weAreOver({ kind, ours }: Difference): boolean {
  return kind === "open" && ours === "over";
}

/** Nodemailer has said content where commands are read. */
function theirContentInTheOpen({ played }: Difference): boolean {
  return played.theirs.seen.said.some(({ slot }) => slot === "other");
}

/** Names a row. */
export function keyOf({ requirement, said }: Row): string {
  return `${requirement} ${said}`;
}

/** The row that explains a difference; null: nothing does. */
export function explain(difference: Difference, rows: readonly Row[] = known): Row | null {
  return rows.find(({ fits }) => fits(difference)) ?? null;
}

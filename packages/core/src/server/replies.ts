import { CheckedReply, type Reply, reply } from "../reply.ts";
import type { ServerSettings } from "./settings.ts";

// The replies that the server gives by itself (RFC 5321 §4.2.2, §4.3.2; RFC 3463).

export const ok: Reply = reply(250, "2.0.0", "OK");
/** To EHLO, HELO and LHLO: the name alone, and what is offered. */
export const welcome: Reply = reply(250, "");
export const senderOk: Reply = reply(250, "2.1.0", "Sender ok");
export const recipientOk: Reply = reply(250, "2.1.5", "Recipient ok");
export const startMail: Reply = reply(354, "Start mail input; end with <CRLF>.<CRLF>");
export const cannotVerify: Reply = reply(
  252,
  "2.0.0",
  "Cannot VRFY user, but will accept message and attempt delivery",
);
export const cannotExpand: Reply = reply(
  252,
  "2.0.0",
  "Cannot expand, but will accept message and attempt delivery",
);
export const cannotQueue: Reply = reply(458, "4.3.0", "Unable to queue messages for node");
export const atrnRefused: Reply = reply(450, "4.7.0", "ATRN request refused");
export const notTrusted: Reply = reply(550, "5.7.0", "You are not authorized to say this");
export const burlOutOfOrder: Reply = reply(503, "5.5.0", "No valid recipients");
export const urlNotTrusted: Reply = reply(554, "5.7.14", "No trust relationship with that server");
export const cannotFetch: Reply = reply(451, "4.4.1", "Cannot fetch that now");
export const senderIncomplete: Reply = reply(554, "5.1.8", "Sender's domain must be complete");
export const recipientIncomplete: Reply = reply(554, "5.1.2", "Recipient's domain must be complete");
export const tooManyDomains: Reply = reply(452, "4.5.3", "Too many domains in this session");
export const contentAnalysis: Reply = reply(353, "Content analysis has started");
export const takenByNobodyNow: Reply = reply(450, "4.2.0", "No recipient takes it now");
export const takenByNobody: Reply = reply(550, "5.2.0", "No recipient takes it");
export const localError: Reply = reply(451, "4.3.0", "Local error in processing");
export const unknownCommand: Reply = reply(500, "5.5.2", "Command not recognized");
export const unknownHello: Reply = reply(500, "Command not recognized");
export const lineTooLong: Reply = reply(500, "5.5.2", "Line too long");
export const notImplemented: Reply = reply(502, "5.5.1", "Command not implemented");
export const badSequence: Reply = reply(503, "5.5.1", "Bad sequence of commands");
export const noSuchHelp: Reply = reply(504, "5.5.4", "No help for that");
export const tlsRequired: Reply = reply(530, "5.7.0", "Must issue a STARTTLS command first");
export const startTls: Reply = reply(220, "2.0.0", "Ready to start TLS");
export const insecure: Reply = reply(554, "5.7.0", "Command refused due to lack of security");
export const authRequired: Reply = reply(530, "5.7.0", "Authentication required");
export const authUnavailable: Reply = reply(454, "4.7.0", "Temporary authentication failure");
export const authCancelled: Reply = reply(501, "5.7.0", "Authentication cancelled");
export const authUndecodable: Reply = reply(501, "5.5.2", "Cannot decode response");
export const authTooLong: Reply = reply(500, "5.5.6", "Authentication exchange line is too long");
export const authUnknown: Reply = reply(504, "5.5.4", "Unrecognized authentication type");
export const authNoInitial: Reply = reply(501, "5.7.0", "Initial response not allowed with this mechanism");
export const authEmptyChallenge: Reply = reply(334, "");
export const messageTooBig: Reply = reply(552, "5.3.4", "Message too big");
export const declaredTooBig: Reply = reply(552, "5.3.4", "Message size exceeds fixed maximum message size");
export const tooManyRecipients: Reply = reply(452, "4.5.3", "Too many recipients");
export const noRecipients: Reply = reply(554, "5.5.1", "No valid recipients");
export const bareLf: Reply = reply(550, "5.5.2", "Bare LF received");
export const bareCr: Reply = reply(550, "5.5.2", "Bare CR received");
export const textLineTooLong: Reply = reply(554, "5.6.0", "Line too long");
export const synchronization: Reply = reply(554, "5.5.0", "Protocol synchronization error");

/** The greeting, which the application may replace. */
export const greeting: (settings: ServerSettings) => Reply = once(({ banner }) => reply(220, banner));

/** `221 2.0.0 mx.example.com closing`. */
export const closing: (settings: ServerSettings) => Reply = once(({ name }) =>
  reply(221, "2.0.0", `${name} closing`),
);

/** What each session says in the same words is made once for a configuration. */
/* @__NO_SIDE_EFFECTS__ */
function once(make: (settings: ServerSettings) => Reply): (settings: ServerSettings) => Reply {
  const made = new WeakMap<ServerSettings, Reply>();
  return (settings) => {
    const known = made.get(settings) ?? make(settings);
    made.set(settings, known);
    return known;
  };
}

/** The reply with the name of the server before its text: the first word of 220, 221 and 421 (RFC 5321 §4.2). */
export function withName(name: string, said: Reply): Reply {
  const known = named.get(said);
  if (known?.name === name) return known.said;
  const [first, ...more] = said.lines;
  const lines =
    first === name || first.startsWith(`${name} `) ? said.lines : [`${name} ${first}`.trimEnd(), ...more];
  const whole = new CheckedReply({ code: said.code, enhanced: said.enhanced, lines });
  named.set(said, { name, said: whole });
  return whole;
}

const named: WeakMap<Reply, { readonly name: string; readonly said: Reply }> = /* @__PURE__ */ new WeakMap();

/** The reply at a time when the service ends or cannot be had (RFC 5321 §3.8). */
export function unavailable(name: string): Reply {
  return reply(421, "4.3.2", `${name} Service not available, closing transmission channel`);
}

export function timedOut(name: string): Reply {
  return reply(421, "4.4.2", `${name} Timeout, closing transmission channel`);
}

/** 421 that ends the session of a client that does too much of something. */
export function abused(name: string, what: string): Reply {
  return reply(421, "4.7.0", `${name} ${what}`);
}

export function octetsReceived(octets: number): Reply {
  return reply(250, "2.0.0", `${octets} octets received`);
}

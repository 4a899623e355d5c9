import { type Reply, reply } from "../reply.ts";

/** The replies that the server gives by itself (RFC 5321 §4.2.2, §4.3.2; RFC 3463). */
export const replies = {
  ok: reply(250, "2.0.0", "OK"),
  senderOk: reply(250, "2.1.0", "Sender ok"),
  recipientOk: reply(250, "2.1.5", "Recipient ok"),
  startMail: reply(354, "Start mail input; end with <CRLF>.<CRLF>"),
  cannotVerify: reply(252, "2.0.0", "Cannot VRFY user, but will accept message and attempt delivery"),
  cannotExpand: reply(252, "2.0.0", "Cannot expand, but will accept message and attempt delivery"),
  cannotQueue: reply(458, "4.3.0", "Unable to queue messages for node"),
  localError: reply(451, "4.3.0", "Local error in processing"),
  unknownCommand: reply(500, "5.5.2", "Command not recognized"),
  unknownHello: reply(500, "Command not recognized"),
  lineTooLong: reply(500, "5.5.2", "Line too long"),
  notImplemented: reply(502, "5.5.1", "Command not implemented"),
  badSequence: reply(503, "5.5.1", "Bad sequence of commands"),
  noSuchHelp: reply(504, "5.5.4", "No help for that"),
  tlsRequired: reply(530, "5.7.0", "Must issue a STARTTLS command first"),
  startTls: reply(220, "2.0.0", "Ready to start TLS"),
  insecure: reply(554, "5.7.0", "Command refused due to lack of security"),
  authRequired: reply(530, "5.7.0", "Authentication required"),
  authUnavailable: reply(454, "4.7.0", "Temporary authentication failure"),
  authCancelled: reply(501, "5.7.0", "Authentication cancelled"),
  authUndecodable: reply(501, "5.5.2", "Cannot decode response"),
  authTooLong: reply(500, "5.5.6", "Authentication exchange line is too long"),
  authUnknown: reply(504, "5.5.4", "Unrecognized authentication type"),
  authNoInitial: reply(501, "5.7.0", "Initial response not allowed with this mechanism"),
  authEmptyChallenge: reply(334, ""),
  messageTooBig: reply(552, "5.3.4", "Message too big"),
  declaredTooBig: reply(552, "5.3.4", "Message size exceeds fixed maximum message size"),
  tooManyRecipients: reply(452, "4.5.3", "Too many recipients"),
  noRecipients: reply(554, "5.5.1", "No valid recipients"),
  bareLf: reply(550, "5.5.2", "Bare LF received"),
  bareCr: reply(550, "5.5.2", "Bare CR received"),
  textLineTooLong: reply(554, "5.6.0", "Line too long"),
  synchronization: reply(554, "5.5.0", "Protocol synchronization error"),
} as const satisfies Record<string, Reply>;

/** `221 2.0.0 mx.example.com closing`. */
export function closing(name: string): Reply {
  return reply(221, "2.0.0", `${name} closing`);
}

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

export function syntax(of: string): Reply {
  return reply(501, "5.5.4", `Syntax: ${of}`);
}

export function octetsReceived(octets: number): Reply {
  return reply(250, "2.0.0", `${octets} octets received`);
}

import type { Extension } from "./extension.ts";

// Extensions that change how the session runs, and add no parameter.

/** PIPELINING (RFC 2920). */
export const pipelining: Extension = {
  name: "pipelining",
  keyword: "PIPELINING",
  source: "RFC 2920",
  purpose: "commands are sent without waiting for each reply",
};

/** ENHANCEDSTATUSCODES (RFC 2034). */
export const enhancedStatusCodes: Extension = {
  name: "enhancedStatusCodes",
  keyword: "ENHANCEDSTATUSCODES",
  source: "RFC 2034",
  purpose: "replies carry a code of three numbers",
};

/** LIMITS (RFC 9422). */
export const limits: Extension = {
  name: "limits",
  keyword: "LIMITS",
  source: "RFC 9422",
  purpose: "how many messages, recipients and domains are taken",
  announce: ({ limits }) => {
    const words = [
      limit("MAILMAX", limits.transactions),
      limit("RCPTMAX", limits.recipients),
      limit("RCPTDOMAINMAX", limits.recipientDomains),
    ].filter((word) => word !== null);
    return words.length === 0 ? null : words.join(" ");
  },
};

/** ETRN (RFC 1985). */
export const etrn: Extension = {
  name: "etrn",
  keyword: "ETRN",
  source: "RFC 1985",
  purpose: "the client asks for its mail to be sent",
  services: ["relay", "on-demand"],
  verbs: ["ETRN"],
};

/** ATRN (RFC 2645). */
export const atrn: Extension = {
  name: "atrn",
  keyword: "ATRN",
  source: "RFC 2645",
  purpose: "client and server change places, and the client is given its mail",
  needs: ["auth"],
  services: ["on-demand"],
  verbs: ["ATRN"],
};

/** VRFY (RFC 5321 §3.5). */
export const vrfy: Extension = {
  name: "vrfy",
  keyword: "VRFY",
  source: "RFC 5321",
  purpose: "whether an address is known",
};

/** EXPN (RFC 5321 §3.5). */
export const expn: Extension = {
  name: "expn",
  keyword: "EXPN",
  source: "RFC 5321",
  purpose: "who is on a mailing list",
  verbs: ["EXPN"],
};

/** HELP (RFC 5321 §4.1.1.8). */
export const help: Extension = {
  name: "help",
  keyword: "HELP",
  source: "RFC 5321",
  purpose: "what commands there are",
  verbs: ["HELP"],
};

/** One to six digits, none of them leading zeros; what is more than that is not a limit (RFC 9422 §4). None is 0. */
function limit(name: string, value: number): string | null {
  return value <= 999_999 ? `${name}=${value}` : null;
}

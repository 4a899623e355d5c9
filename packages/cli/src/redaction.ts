import { redactUrl } from "@sansmtp/core";

/**
 * A line of a client without the secrets that it may hold.
 *
 * @param text the line without CRLF, made visible
 * @param place `response`: within an AUTH exchange. `doubtful`: after an AUTH, where a client that did not mind
 *   the reply may still be sending passwords: all but known commands is hidden. `command`: elsewhere
 */
export function redact(text: string, place: "command" | "doubtful" | "response"): string {
  // To cancel (RFC 4954 §4) is no secret, nor is an empty response.
  if (place === "response") return text === "*" || text === "" ? text : hidden;
  const burl = /^([\t ]*BURL +)([^ ]+)(.*)$/isu.exec(text);
  if (burl !== null) return `${burl[1]}${redactUrl(burl[2])}${burl[3]}`;
  const auth = /^([\t ]*AUTH)(?: +([^ ]*))?(.*)$/isu.exec(text.replace(escapes, " "));
  if (auth === null) return place === "doubtful" && !verbs.has(verbOf(text)) ? hidden : text;
  const [, verb = "", mechanism, rest = ""] = auth;
  if (mechanism === undefined) return rest === "" ? verb : `${verb} ${hidden}`;
  // In the place of the mechanism there may be a response. Names are short (RFC 4422 §3.1) and of one case.
  if (!/^(?:[A-Z0-9_-]{1,20}|[a-z0-9_-]{1,20})$/.test(mechanism)) return `${verb} ${hidden}`;
  const initial = rest.trim();
  const shown = initial === "" || initial === "=" ? initial : hidden;
  return shown === "" ? `${verb} ${mechanism}` : `${verb} ${mechanism} ${shown}`;
}

/** The verb of a command line: all up to the first space, in upper case (RFC 5321 §2.4). */
export function verbOf(text: string): string {
  const end = text.indexOf(" ");
  return (end < 0 ? text : text.slice(0, end)).toUpperCase();
}

/** The verbs that a client may mean as such. */
export const verbs: ReadonlySet<string> = new Set(
  "EHLO HELO LHLO MAIL RCPT DATA BDAT RSET NOOP QUIT VRFY EXPN HELP ETRN STARTTLS AUTH".split(" "),
);

const hidden = "***";

/** Controls, as `visible` writes them: between AUTH and a password one does as well as a space. */
const escapes = /\\(?:t|x[0-9A-F]{2}|u\{[0-9A-F]+\})/g;

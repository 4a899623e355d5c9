import type { Failure } from "./outcome.ts";
import { failure } from "./plan.ts";

/** Whose door it is, by the first octets that came in place of a greeting; null: it does not show. */
export function wrongDoor(octets: Uint8Array): Failure | null {
  // A TLS record: alert or handshake, of any version 3 (RFC 8446 §5.1).
  if ((octets[0] === 0x15 || octets[0] === 0x16) && octets[1] === 0x03) {
    return failure("tls-on-plain-port", "the server speaks TLS from the start: connect with implicit TLS");
  }
  for (const [begin, code, detail] of doors) {
    if (
      octets.length >= begin.length &&
      [...begin].every((letter, at) => octets[at] === letter.charCodeAt(0))
    ) {
      return failure(code, detail);
    }
  }
  return null;
}

const doors = [
  ["HTTP/", "http", "this is a web server, not a mail server"],
  ["* OK", "imap", "this is an IMAP server: mail is fetched there, not sent"],
  ["* PREAUTH", "imap", "this is an IMAP server: mail is fetched there, not sent"],
  ["* BYE", "imap", "this is an IMAP server: mail is fetched there, not sent"],
  ["+OK", "pop3", "this is a POP3 server: mail is fetched there, not sent"],
  ["SSH-", "ssh", "this is an SSH server"],
] as const;

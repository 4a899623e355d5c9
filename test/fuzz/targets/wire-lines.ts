import { hold } from "../finding.ts";
import { latin1 } from "../input.ts";

/**
 * Octets that a server has sent, looked at octet by octet: reply lines that end in CRLF, and nothing else (RFC 5321
 * §4.2, §2.3.8; G12). It knows nothing of the code that made them.
 */
export function holdReplies(sent: Uint8Array): number {
  let replies = 0;
  let start = 0;
  let code = "";
  for (let at = 0; at < sent.length; at++) {
    const octet = sent[at];
    hold(octet !== 0, "G12 NUL in what was sent", () => latin1(sent));
    if (octet === 0x0a) hold(sent[at - 1] === 0x0d, "G12 bare LF in what was sent", () => latin1(sent));
    if (octet === 0x0d) hold(sent[at + 1] === 0x0a, "G12 bare CR in what was sent", () => latin1(sent));
    if (octet !== 0x0a) continue;
    const line = latin1(sent.subarray(start, at - 1));
    hold(/^[2-5][0-5][0-9][ -]/.test(line), "G12 not a reply line", () => line);
    hold(
      line.length <= 510 || line.startsWith("334"),
      "G12 a reply line of more than 512 octets",
      () => line,
    );
    if (code !== "") hold(line.slice(0, 3) === code, "G12 two codes in a reply", () => latin1(sent));
    code = line[3] === "-" ? line.slice(0, 3) : "";
    if (code === "") replies++;
    start = at + 1;
  }
  hold(start === sent.length, "G12 what was sent does not end in CRLF", () => latin1(sent));
  hold(code === "", "G12 a reply without its last line", () => latin1(sent));
  return replies;
}

/** Octets that a client has sent outside of content: command lines that end in CRLF, printable but for UTF-8. */
export function holdCommands(sent: Uint8Array): void {
  let start = 0;
  for (let at = 0; at < sent.length; at++) {
    const octet = sent[at];
    if (octet === 0x0d) {
      hold(sent[at + 1] === 0x0a, "G12 bare CR in a command", () => latin1(sent));
      at++;
      start = at + 1;
      continue;
    }
    hold(octet >= 0x20 && octet !== 0x7f, "G12 control octet in a command", () => latin1(sent));
  }
  hold(start === sent.length, "G12 a command without CRLF", () => latin1(sent));
}

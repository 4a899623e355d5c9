/** With every field that a client would add if it were missing, so that nobody has a reason to touch the message. */
const header = [
  "Date: Mon, 23 Nov 2026 16:11:00 +0100",
  "From: Alice <a@example.net>",
  "To: Bob <b@example.com>",
  "Message-ID: <1@client.example.net>",
  "MIME-Version: 1.0",
];

/** A few lines, one of them with a dot. */
export const short: Buffer = message([...header, "Subject: short", "", "Hello,", ".", "..and goodbye."]);

/** Every octet from 0x80 on, and text in UTF-8. */
export const eightBit: Buffer = message([
  ...header,
  "Content-Type: text/plain; charset=utf-8",
  "Content-Transfer-Encoding: 8bit",
  "Subject: eight bits",
  "",
  latin1("Grüße, δοκιμή, 試験"),
  String.fromCharCode(...Array.from({ length: 0x80 }, (_, at) => 0x80 + at)),
]);

/** A header in UTF-8 (RFC 6532). */
export const utf8: Buffer = message([
  "Date: Mon, 23 Nov 2026 16:11:00 +0100",
  latin1("From: Jürgen <jürgen@example.net>"),
  latin1("To: <δοκιμή@παράδειγμα.example>"),
  "Message-ID: <2@client.example.net>",
  "MIME-Version: 1.0",
  "Content-Type: text/plain; charset=utf-8",
  "Content-Transfer-Encoding: 8bit",
  latin1("Subject: Grüße"),
  "",
  latin1("Grüße, δοκιμή, 試験"),
]);

/**
 * 20 MB of what is most easily damaged: dots, lines as long as they may be, blanks at their ends, lines that look
 * like commands, control octets, and empty lines to the very end.
 */
export function large(): Buffer {
  return (made ??= makeLarge());
}

let made: Buffer | undefined;

function makeLarge(): Buffer {
  const lines = [...header, "Subject: large", ""];
  let octets = 0;
  // The same message each time.
  let random = 1;
  const next = (below: number): number => {
    random = (Math.imul(random, 1_103_515_245) + 12_345) >>> 0;
    return (random >>> 8) % below;
  };
  while (octets < 20 * 1024 * 1024) {
    const line =
      next(10) === 0
        ? awkward[next(awkward.length)]!
        : filler.slice(0, next(20) === 0 ? next(998) : 20 + next(60));
    lines.push(line);
    octets += line.length + 2;
  }
  return message([...lines, ".", "", ".", "", "", ""]);
}

const filler = "The quick brown fox jumps over the lazy dog. ".repeat(30);
const controls = [...Array(32).keys(), 127].filter((octet) => ![0, 10, 13].includes(octet));
const awkward = [
  "",
  ".",
  "..",
  "...",
  ".a",
  ". ",
  ".\t",
  " .",
  "a.",
  ".QUIT",
  "QUIT",
  "RSET",
  "MAIL FROM:<c@example.net>",
  "From here it is not an envelope",
  ">From",
  "ends in blanks \t ",
  "\t",
  String.fromCharCode(...controls),
  // RFC 5321 §4.5.3.1.6: 998 octets without CRLF, a stuffed dot not counted.
  "x".repeat(998),
  `.${"x".repeat(997)}`,
  ".".repeat(998),
];

function message(lines: readonly string[]): Buffer {
  return Buffer.from(`${lines.join("\r\n")}\r\n`, "latin1");
}

/** Text as its octets in UTF-8, one character for each. */
function latin1(text: string): string {
  return Buffer.from(text).toString("latin1");
}

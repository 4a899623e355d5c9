import { describe, expect, it } from "vitest";
import { Dialogue, type Said } from "../../packages/cli/src/dialogue.ts";
import { redact } from "../../packages/cli/src/redaction.ts";

/**
 * Octets of both sides in the order in which they were sent: `>` by the client, `<` by the server. What is said of
 * them has to be the same when they come one by one.
 */
type Exchange = readonly string[];

describe("a dialogue is shown line by line", () => {
  it("a plain session, content as a number", () => {
    const exchange: Exchange = [
      "<220 mx.example.com ESMTP\r\n",
      ">HELO client.example.net\r\n",
      "<250 mx.example.com\r\n",
      ">MAIL FROM:<a@example.net>\r\n",
      "<250 2.1.0 Sender ok\r\n",
      ">RCPT TO:<b@example.com>\r\n",
      "<250 2.1.5 Recipient ok\r\n",
      ">DATA\r\n",
      "<354 go\r\n",
      ">Subject: x\r\n\r\n..leading dot\r\nQUIT\r\n.\r\n",
      "<250 2.0.0 OK\r\n",
      ">QUIT\r\n",
      "<221 2.0.0 bye\r\n",
    ];
    expect(shown(exchange)).toEqual([
      "S: 220 mx.example.com ESMTP",
      "C: HELO client.example.net",
      "S: 250 mx.example.com",
      "C: MAIL FROM:<a@example.net>",
      "S: 250 2.1.0 Sender ok",
      "C: RCPT TO:<b@example.com>",
      "S: 250 2.1.5 Recipient ok",
      "C: DATA",
      "S: 354 go",
      "C: (34 octets)",
      "S: 250 2.0.0 OK",
      "C: QUIT",
      "S: 221 2.0.0 bye",
    ]);
    expect(shown(exchange, { showContent: true }).slice(9, 15)).toEqual([
      "C| Subject: x",
      "C| ",
      "C| .leading dot",
      "C| QUIT",
      "C: (34 octets)",
      "S: 250 2.0.0 OK",
    ]);
  });

  it("a pipelined group, and a message that follows before its 354 was seen", () => {
    expect(
      shown([
        "<220 mx ESMTP\r\n",
        ">EHLO c\r\n",
        "<250-mx\r\n250-PIPELINING\r\n250 SIZE 1000\r\n",
        ">MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<x@b>\r\nDATA\r\nS: x\r\n\r\nMAIL\r\n.\r\nQUIT\r\n",
        "<250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n",
        "<250 queued\r\n221 bye\r\n",
      ]),
    ).toEqual([
      "S: 220 mx ESMTP",
      "C: EHLO c",
      "S: 250-mx",
      "S: 250-PIPELINING",
      "S: 250 SIZE 1000",
      "C: MAIL FROM:<>",
      "C: RCPT TO:<a@b>",
      "C: RCPT TO:<x@b>",
      "C: DATA",
      "S: 250 ok",
      "S: 250 ok",
      "S: 550 no",
      "S: 354 go",
      "C: (14 octets)",
      "C: QUIT",
      "S: 250 queued",
      "S: 221 bye",
    ]);
  });

  it("what follows a refused DATA or QUIT are commands", () => {
    expect(
      shown([
        "<220 mx\r\n",
        ">DATA\r\nNOOP\r\nQUIT x\r\nRSET\r\n",
        "<503 bad\r\n250 ok\r\n501 no\r\n250 ok\r\n",
      ]),
    ).toEqual([
      "S: 220 mx",
      "C: DATA",
      "S: 503 bad",
      "C: NOOP",
      "C: QUIT x",
      "S: 250 ok",
      "S: 501 no",
      "C: RSET",
      "S: 250 ok",
    ]);
  });

  it("chunks, whose octets are no commands whatever they hold", () => {
    expect(
      shown([
        "<220 mx\r\n",
        ">EHLO c\r\n",
        "<250 mx\r\n",
        ">MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nBDAT 6\r\nQUIT\r\nbdat 0\r\nBDAT 4  last \r\n.\r\n.NOOP\r\n",
        "<250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n",
      ]),
    ).toEqual([
      "S: 220 mx",
      "C: EHLO c",
      "S: 250 mx",
      "C: MAIL FROM:<>",
      "C: RCPT TO:<a@b>",
      "C: BDAT 6",
      "C: (6 octets)",
      "C: bdat 0",
      "C: (0 octets)",
      "C: BDAT 4  last ",
      "C: (4 octets)",
      "C: NOOP",
      ...Array.from({ length: 6 }, () => "S: 250 ok"),
    ]);
  });

  it("a line of content that lies in two chunks, and an end without CRLF", () => {
    expect(
      shown(["<220 mx\r\n", ">BDAT 5\r\na\r\nbcBDAT 3 LAST\r\ndefQUIT\r\n"], { showContent: true }),
    ).toEqual([
      "S: 220 mx",
      "C: BDAT 5",
      "C| a",
      "C: (5 octets)",
      "C: BDAT 3 LAST",
      "C| bcdef [no CRLF]",
      "C: (3 octets)",
      "C: QUIT",
    ]);
  });

  it("LMTP: a verdict for each recipient, none for a chunked message without", () => {
    expect(
      shown(
        [
          "<220 mx LMTP\r\n",
          ">LHLO c\r\n",
          "<250 mx\r\n",
          ">MAIL FROM:<>\r\nRCPT TO:<a@b>\r\nRCPT TO:<x@b>\r\nRCPT TO:<c@b>\r\nDATA\r\n",
          "<250 ok\r\n250 ok\r\n550 no\r\n250 ok\r\n354 go\r\n",
          ">x\r\n.\r\nDATA\r\n",
          "<250 for a\r\n452 for c\r\n503 no\r\n",
          ">MAIL FROM:<>\r\nRCPT TO:<x@b>\r\nBDAT 1 LAST\r\nxDATA\r\nNOOP\r\n",
          "<250 ok\r\n550 no\r\n503 no\r\n250 ok\r\n",
        ],
        { lmtp: true },
      ).slice(13),
    ).toEqual([
      "C: (3 octets)",
      "C: DATA",
      "S: 250 for a",
      "S: 452 for c",
      "S: 503 no",
      "C: MAIL FROM:<>",
      "C: RCPT TO:<x@b>",
      "C: BDAT 1 LAST",
      "C: (1 octets)",
      "C: DATA",
      "S: 250 ok",
      "S: 550 no",
      "S: 503 no",
      "C: NOOP",
      "S: 250 ok",
    ]);
  });

  it("what came in clear behind STARTTLS is not shown as said inside TLS", () => {
    expect(
      shown([
        "<220 mx\r\n",
        ">STARTTLS\r\nMAIL FROM:<evil@x>\r\n",
        "<220 go\r\n",
        ">EHLO c\r\n",
        "<250 mx\r\n",
      ]),
    ).toEqual(["S: 220 mx", "C: STARTTLS", "S: 220 go", "C: EHLO c", "S: 250 mx"]);
  });

  it("the end of a connection in the middle of a line, or of a message", () => {
    expect(shown(["<220 mx\r\n", ">NOO"])).toEqual(["S: 220 mx", "C: NOO [no CRLF]"]);
    expect(shown(["<220 mx\r\n", ">DATA\r\n", "<354 go\r\n", ">abc\r\nde"])).toEqual([
      "S: 220 mx",
      "C: DATA",
      "S: 354 go",
      "C: (5 octets)",
    ]);
  });
});

describe("SEC-TRU-07 no line of a client can look like another", () => {
  it("controls are made visible, also where CR or LF stand alone", () => {
    expect(
      shown(["<220 mx\r\n", ">NOOP \x1b[2K\r[1] S: 250 ok\nC: x\u009b\u2028\r\n", "<500 no\r\n"])[1],
    ).toBe("C: NOOP \\x1B[2K\\x0D[1] S: 250 ok\\x0AC: x\\u{9B}\\u{2028}");
  });

  it("content, too", () => {
    const exchange = ["<220 mx\r\n", ">DATA\r\n", "<354 go\r\n", ">\x1b]0;x\x07\n.\n\r\n.\r\n"];
    expect(shown(exchange, { showContent: true })[3]).toBe("C| \\x1B]0;x\\x07\\x0A.\\x0A");
  });

  it("a very long line is cut, between characters", () => {
    expect(shown(["<220 mx\r\n", `>${"x".repeat(1_000_000)}\r\nNOOP\r\n`]).slice(1)).toEqual([
      `C: ${"x".repeat(1000)} [999000 octets more]`,
      "C: NOOP",
    ]);
    expect(shown(["<220 mx\r\n", `>${"x".repeat(998)}\u4f8b\r\n`])[1]).toBe(
      `C: ${"x".repeat(998)} [3 octets more]`,
    );
    expect(shown(["<220 mx\r\n", `>${"\u4f8b".repeat(334)}`])[1]).toMatch(
      /^C: (\u4f8b){333} \[3 octets more\]/,
    );
  });
});

describe("G13 what belongs to AUTH is not shown", () => {
  const secret = "dGVzdAB0ZXN0ADEyMzQ=";

  it.each([
    ["AUTH PLAIN", "AUTH PLAIN"],
    [`AUTH PLAIN ${secret}`, "AUTH PLAIN ***"],
    [`auth plain ${secret}`, "auth plain ***"],
    [`AUTH  PLAIN   ${secret} ${secret}`, "AUTH PLAIN ***"],
    ["AUTH SCRAM-SHA-256-PLUS =", "AUTH SCRAM-SHA-256-PLUS ="],
    [`AUTH ${secret}`, "AUTH ***"],
    [`AUTH  ${secret}`, "AUTH ***"],
    [`AUTH\\tPLAIN\\t${secret}`, "AUTH PLAIN ***"],
    [`\\tAUTH PLAIN ${secret}`, " AUTH PLAIN ***"],
    [` AUTH PLAIN ${secret}`, " AUTH PLAIN ***"],
    [`AUTH\\x00PLAIN ${secret}`, "AUTH PLAIN ***"],
    [`AUTH=PLAIN ${secret}`, "AUTH ***"],
    [`AUTHPLAIN ${secret}`, "AUTH ***"],
    ["MAIL FROM:<a@b> AUTH=<>", "MAIL FROM:<a@b> AUTH=<>"],
    ["AUTH", "AUTH"],
    [
      `BURL imap://imap.example.com/a;urlauth=b:internal:${secret} LAST`,
      "BURL imap://imap.example.com/*** LAST",
    ],
    [`burl  imap://me:${secret}@imap.example.com/a`, "burl  imap://me:***@imap.example.com/***"],
    [`BURL ${secret}`, "BURL ***"],
  ])("%s", (said, shown) => {
    expect(redact(said, "command")).toBe(shown);
  });

  it("an exchange", () => {
    expect(
      shown([
        "<220 mx\r\n",
        ">AUTH LOGIN\r\n",
        "<334 VXNlcm5hbWU6\r\n",
        ">dXNlcg==\r\n",
        "<334 \r\n",
        ">MAIL\r\n",
        "<235 ok\r\n",
        ">MAIL FROM:<a@b>\r\n",
        "<250 ok\r\n",
        ">AUTH PLAIN\r\n",
        "<334 \r\n",
        ">*\r\n",
        "<501 cancelled\r\n",
      ]),
    ).toEqual([
      "S: 220 mx",
      "C: AUTH LOGIN",
      "S: 334 ***",
      "C: ***",
      "S: 334 ",
      "C: ***",
      "S: 235 ok",
      "C: MAIL FROM:<a@b>",
      "S: 250 ok",
      "C: AUTH PLAIN",
      "S: 334 ",
      "C: *",
      "S: 501 cancelled",
    ]);
  });

  it("responses of a client that does not wait for the challenge, or does not mind a refusal", () => {
    expect(
      shown([
        "<220 mx\r\n",
        ">AUTH LOGIN\r\ndXNlcg==\r\nc2VjcmV0\r\nRSET\r\nhello\r\n",
        "<502 no\r\n",
        "<500 what\r\n500 what\r\n250 ok\r\n500 what\r\n",
      ]),
    ).toEqual([
      "S: 220 mx",
      "C: AUTH LOGIN",
      "S: 502 no",
      "C: ***",
      "C: ***",
      "C: RSET",
      "C: hello",
      "S: 500 what",
      "S: 500 what",
      "S: 250 ok",
      "S: 500 what",
    ]);
  });

  it("an AUTH line that was begun, or is too long", () => {
    expect(shown(["<220 mx\r\n", `>AUTH PLAIN ${secret}`])[1]).toBe("C: AUTH PLAIN *** [no CRLF]");
    expect(shown(["<220 mx\r\n", `>AUTH PLAIN ${secret.repeat(1000)}\r\n`])[1]).toBe("C: AUTH PLAIN ***");
  });

  it("also when the replies are not those that were expected", () => {
    expect(
      shown(["<220 mx\r\n", ">NOOP\r\nAUTH LOGIN\r\n", "<250 ok\r\n250 too many\r\n", `>${secret}\r\n`])[5],
    ).toBe("C: ***");
  });
});

function shown(exchange: Exchange, options: { lmtp?: boolean; showContent?: boolean } = {}): string[] {
  const whole = follow(exchange, options, (octets) => [octets]);
  // A reply of several lines in pieces may let the client's next line through between them: only its own are cut.
  const pieces = follow(exchange, options, (octets, by) => (by === ">" ? each(octets) : [octets]));
  expect(pieces).toEqual(whole);
  return whole;
}

function follow(
  exchange: Exchange,
  options: { lmtp?: boolean; showContent?: boolean },
  cut: (octets: Uint8Array, by: string) => Uint8Array[],
): string[] {
  const lines: string[] = [];
  const dialogue = new Dialogue(
    { lmtp: options.lmtp ?? false, showContent: options.showContent ?? false },
    (said) => {
      lines.push(line(said));
    },
  );
  for (const step of exchange) {
    for (const octets of cut(new TextEncoder().encode(step.slice(1)), step[0]!)) {
      if (step.startsWith(">")) dialogue.client(octets);
      else dialogue.server(octets);
    }
  }
  dialogue.end();
  return lines;
}

function each(octets: Uint8Array): Uint8Array[] {
  return Array.from(octets, (octet) => Uint8Array.of(octet));
}

function line(said: Said): string {
  if ("octets" in said) return `C: (${said.octets} octets)`;
  return `${{ client: "C:", server: "S:", content: "C|" }[said.by]} ${said.line}`;
}

import { octets } from "../input.ts";
import { otherSteps } from "./server-script.ts";
import { serverWords } from "./server-words.ts";

/** An input that says these words: each an octet, or octets as they are where there is no such word; or other steps. */
export function spelled(head: readonly number[], words: readonly (string | readonly number[])[]): Uint8Array {
  const input = [...head];
  for (const word of words) {
    if (typeof word !== "string") {
      input.push(...word);
      continue;
    }
    const at = serverWords.indexOf(word);
    if (at >= 0 && at < otherSteps) input.push(at);
    else input.push(otherSteps + 4, word.length, ...octets(word));
  }
  return Uint8Array.from(input);
}

const [arrive, decision, answer, connected, upgraded] = [0, 9, 12, 18, 19].map(
  (step) => otherSteps + step,
) as [number, number, number, number, number];
const [refuse, later, each] = [1, 6, 7];

const envelope = [
  "EHLO a.example\r\n",
  "MAIL FROM:<a@example.net>\r\n",
  "RCPT TO:<b@example.com>\r\n",
  "RCPT TO:<c@example.org>\r\n",
];
const plain = [0, 0, 0] as const;
const lmtp = [1, 0, 0] as const;
const submission = [2, 0, 0] as const;
const onDemand = [4, 0, 0] as const;
const tls = [8, 0, 0] as const;

/** What is configured, and what happens. */
export const conversations: readonly (readonly [readonly number[], ...(string | readonly number[])[]])[] = [
  [plain, ...envelope, "DATA\r\n", "Subject: x\r\n\r\nbody\r\n", ".\r\n", "QUIT\r\n"],
  [plain, ...envelope, "BDAT 3\r\nabc", "BDAT 3 LAST\r\n\r\n.", "RSET\r\n"],
  [plain, "EHLO a.example\r\n", "AUTH PLAIN AGEAYg==\r\n", "MAIL FROM:<a@example.net> ", "SIZE=10", "\r\n"],
  [plain, "EHLO a.example\r\n", "AUTH CRAM-MD5\r\n", "AAAA\r\n", "VRFY a@example.com\r\n", "HELP\r\n"],
  [
    plain,
    [connected, 0],
    "XCLIENT ADDR=192.0.2.9 NAME=c.example\r\n",
    "EHLO a.example\r\n",
    "XFORWARD IDENT=x PORT=25\r\n",
  ],
  [
    plain,
    [connected, 0],
    "EHLO a.example\r\n",
    "XFORWARD IDENT=x PORT=25\r\n",
    ...envelope.slice(1),
    "DATA\r\n",
  ],
  [
    plain,
    "EHLO a.example\r\n",
    "MAIL FROM:<a@example.net> PRDR\r\n",
    ...envelope.slice(2),
    [decision, 0, decision, 0, decision, 0, decision, 0, decision, 0, decision, 0, decision, each],
    "DATA\r\n",
    ".\r\n",
  ],
  [plain, ...envelope, [decision, refuse, decision, later], "DATA\r\n", ".\r\n", [arrive, answer, 0]],
  [lmtp, "LHLO a.example\r\n", ...envelope.slice(1), "DATA\r\n", "..\r\n.x\r\n", ".\r\n"],
  [lmtp, "LHLO a.example\r\n", ...envelope.slice(1), [decision, each], "BDAT 3\r\nabc", "BDAT 0 LAST\r\n"],
  [tls, "EHLO a.example\r\n", "STARTTLS\r\n", [arrive, upgraded], "EHLO a.example\r\n"],
  [submission, ...envelope, "BURL imap://a.example/x\r\n", "BDAT 0 LAST\r\n"],
  [submission, ...envelope, "BURL imap://a.example/x LAST\r\n", "RSET\r\n"],
  [submission, "EHLO a.example\r\n", "MAIL FROM:<a@example.net> ", "HOLDFOR=60", "\r\n"],
  [
    onDemand,
    "EHLO a.example\r\n",
    "AUTH CRAM-MD5\r\n",
    [arrive],
    "AAAA\r\n",
    [arrive],
    "ATRN a.example,b.example\r\n",
  ],
  ...[
    [
      "MAIL FROM:<a@example.net> ",
      "BY=60;R",
      " ",
      "MT-PRIORITY=3",
      " ",
      "RET=FULL",
      " ",
      "ENVID=a+2Bb",
      "\r\n",
    ],
    [
      "MAIL FROM:<a@example.net> ",
      "SOLICIT=org.example:ADV",
      " ",
      "AUTH=a+40example.net",
      " ",
      "XSIZE=1",
      "\r\n",
    ],
    ["MAIL FROM:<a@example.net> ", "ENVID=a+2Bb", " ", "MTRK=YWJj:60", " ", "SMTPUTF8", "\r\n"],
    [
      envelope[1] as string,
      "RCPT TO:<b@example.com> ",
      "NOTIFY=NEVER",
      " ",
      "ORCPT=rfc822;a+40b.example",
      "\r\n",
    ],
    [envelope[1] as string, "RCPT TO:<b@example.com> ", "RRVS=2014-04-03T23:01:00Z;C", "\r\n"],
  ].map((lines): (typeof conversations)[number] => [plain, "EHLO a.example\r\n", ...lines]),
];

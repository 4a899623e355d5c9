import { describe, expect, test, vi } from "vitest";
import { Client, codesOf, ehlo, mail, rcpt } from "../dialogues/client.ts";

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

/** What must not end the data: the list of the catalogue, and its two stuffed and spaced neighbours. */
const variants = [
  "\n.\n",
  "\r\n.\n",
  "\n.\r\n",
  "\r\n.\r",
  "\n.\r",
  "\r.\r\n",
  "\r.\n",
  "\r.\r",
  "\r\n.\r\r\n",
  "\r\r\n.\r\r\n",
  "\r\n\0.\r\n",
  "\r\n.\0\r\n",
  "\n.\r\r\n",
  "\r\n. \r\n",
  "\r\n..\r\n",
  "\r\n.\r\0\n",
  "\r\n.\x85",
  "\x85.\x85",
  "\xE2\x80\xA8.\xE2\x80\xA8",
  "\x0B.\x0B",
  "\x0C.\x0C",
  "\n\r.\n\r",
  "\r\n .\r\n",
  "\r\n.\t\r\n",
];

const policies = ["reject", "normalize", "space", "keep"] as const;

/** A second transaction, hidden in the data of the first. */
const forged = "MAIL FROM:<evil@example.net>\r\nRCPT TO:<b@example.com>\r\nDATA\r\nSubject: forged\r\n";

describe.each(policies)("%s", (policy) => {
  test.each(variants.map((octets) => [JSON.stringify(octets), octets]))(
    `SEC-EOD-01 SEC-EOD-02 SEC-EOD-03 SEC-EOD-09 S-DATA-02 S-DATA-03 under ${policy} %s does not end the data`,
    (_, variant) => {
      const content = `Subject: x\r\n\r\na${variant}${forged}`;
      const whole = take(content, policy, [0]);
      expect(whole.messages).toBe(whole.refused ? 0 : 1);
      expect(whole.refused).toBe(policy === "reject" && hasBare(variant));
      expect(whole.codes).toBe(whole.refused ? "550 250" : "250 250");
      if (policy === "keep") expect(whole.content).toBe(unstuffed(content));
      if (policy !== "keep" && policy !== "reject") expect(hasBare(whole.content)).toBe(false);
      const octets = `${content}.\r\nNOOP\r\n`;
      for (let at = 1; at < octets.length; at++) expect(take(content, policy, [at])).toEqual(whole);
      expect(take(content, policy, "every")).toEqual(whole);
      for (let at = 10; at < 24; at++) {
        for (let then = at + 1; then < 25; then++) expect(take(content, policy, [at, then])).toEqual(whole);
      }
    },
  );
});

test("SEC-EOD-07 SEC-EOD-02 BDAT goes by the same policy, however the chunks are cut", () => {
  const content = "a\nb\rc\r\nd\r\n";
  for (const policy of policies) {
    const byData = take(content, policy, [0]);
    for (let at = 0; at <= content.length; at++) {
      const client = new Client({ bareCr: policy, bareLf: policy });
      client.say(ehlo + mail + rcpt);
      const chunks = `BDAT ${at}\r\n${content.slice(0, at)}BDAT ${content.length - at} LAST\r\n${content.slice(at)}`;
      const codes = codesOf(client.say(chunks));
      // The LF is known to be bare as soon as it is there: then it is its chunk that fails.
      expect(codes).toBe(policy !== "reject" ? "250 250" : at < 2 ? "250 550" : "550 503");
      if (policy !== "reject") expect(client.content).toBe(byData.content);
      expect(client.of("message")[0]?.content).toEqual(byData.seen);
    }
  }
});

function take(content: string, policy: (typeof policies)[number], cuts: readonly number[] | "every") {
  const client = new Client({ bareCr: policy, bareLf: policy });
  client.say(`${ehlo}${mail}${rcpt}DATA\r\n`);
  const octets = `${content}.\r\nNOOP\r\n`;
  const places = cuts === "every" ? [...octets].map((_, at) => at) : [0, ...cuts];
  const said = client.say(
    octets,
    places.map((at, index) => octets.slice(at, places[index + 1] ?? octets.length)),
  );
  return {
    codes: codesOf(said),
    messages: client.of("message").length,
    refused: client.of("reset").some(({ cause }) => cause === "refused"),
    content: policy === "reject" ? "" : client.content,
    seen: client.of("message")[0]?.content,
    senders: client.of("mail").length,
    transaction: client.session.transaction,
  };
}

function hasBare(octets: string): boolean {
  return /\r(?!\n)|(?<!\r)\n/.test(octets);
}

/** Dots are removed behind CRLF and nowhere else. */
function unstuffed(octets: string): string {
  return `\r\n${octets}`.replace(/\r\n\./g, "\r\n").slice(2);
}

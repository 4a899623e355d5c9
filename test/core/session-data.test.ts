import { expect, test, vi } from "vitest";
import { Client, codesOf, ehlo, mail, rcpt } from "../dialogues/client.ts";

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

/** The alphabet that decides over the end of data: every string of it up to seven octets. */
const alphabet = ["a", ".", "\r", "\n"];

function* strings(length: number): Generator<string> {
  if (length === 0) yield "";
  else for (const begin of strings(length - 1)) for (const octet of alphabet) yield begin + octet;
}

/** What is content and what is left, from the definition alone: the data ends at the first CRLF . CRLF. */
function oracle(octets: string): { content: string; ended: boolean; rest: string } {
  const all = `\r\n${octets}`;
  const end = all.indexOf("\r\n.\r\n");
  const content = end < 0 ? all : all.slice(0, end + 2);
  const unstuffed = content.replace(/\r\n\./g, "\r\n").slice(2);
  return { content: unstuffed, ended: end >= 0, rest: end < 0 ? "" : all.slice(end + 5) };
}

function take(octets: string, pieces: readonly string[]) {
  const client = new Client({ bareCr: "keep", bareLf: "keep" });
  client.say(`${ehlo}${mail}${rcpt}DATA\r\n`);
  const said = client.say(octets, pieces);
  const content = client.of("message")[0]?.content;
  const { transaction } = client.session;
  return {
    codes: codesOf(said),
    messages: client.of("message").length,
    body: client.content,
    content,
    transaction,
  };
}

test.each([0, 1, 2, 3, 4, 5, 6, 7])(
  "S-DATA-02 S-DATA-03 S-DATA-04 S-DOT-02 S-DOT-03 S-DOT-05 every string of a, dot, CR and LF, %d octets long, whole, in octets and at every cut",
  (length) => {
    for (const octets of strings(length)) {
      const { content, ended } = oracle(octets);
      const whole = take(octets, [octets]);
      const place = JSON.stringify(octets);
      expect([place, whole.messages]).toEqual([place, ended ? 1 : 0]);
      if (ended) expect([place, whole.body, whole.content?.size]).toEqual([place, content, content.length]);
      else expect([place, content.startsWith(whole.body)]).toEqual([place, true]);
      expect([place, take(octets, [...octets])]).toEqual([place, whole]);
      for (let cut = 1; cut < octets.length; cut++) {
        const said = take(octets, [octets.slice(0, cut), octets.slice(cut)]);
        if (JSON.stringify(said) !== JSON.stringify(whole))
          expect([place, cut, said]).toEqual([place, cut, whole]);
      }
    }
  },
);

test("S-DATA-01 X-PIPE-13 what follows the end of the data is read as commands, for every string of the alphabet", () => {
  for (const octets of strings(5)) {
    const { ended, rest } = oracle(octets);
    if (!ended) continue;
    const client = new Client({ bareCr: "keep", bareLf: "keep" });
    client.say(`${ehlo}${mail}${rcpt}DATA\r\n`);
    const lines = `${rest}\r\nNOOP\r\n`.split("\r\n").slice(0, -1);
    const expected = lines.map((line) => (line === "NOOP" ? "250" : "500"));
    expect([octets, codesOf(client.say(`${octets}\r\nNOOP\r\n`))]).toEqual([
      octets,
      ["250", ...expected].join(" "),
    ]);
  }
});

test("S-DATA-13 S-8BIT-02 S-8BIT-03 S-DATA-16 every octet goes through DATA and BDAT unchanged", () => {
  const all = Array.from({ length: 256 }, (_, octet) => String.fromCharCode(octet)).join("");
  const text = all.replace(/[\r\n]/g, "");
  const content = `${text}\r\n${text.repeat(3)}\r\n${text}\r\n`;
  for (const body of ["", " BODY=8BITMIME", " BODY=7BIT"]) {
    const client = new Client();
    client.say(`${ehlo}MAIL FROM:<a@example.net>${body}\r\n${rcpt}DATA\r\n`);
    client.say(`${content}.\r\n`);
    expect(client.content).toBe(content);
    expect(client.of("message")[0]?.content).toMatchObject({ size: content.length, eightBit: true });
  }
  const client = new Client({ extensions: { binarymime: true } });
  client.say(`${ehlo}MAIL FROM:<a@example.net> BODY=BINARYMIME\r\n${rcpt}`);
  client.say(`BDAT ${all.length}\r\n${all}BDAT ${all.length} LAST\r\n${all}`);
  expect(client.content).toBe(all + all);
});

test("L-LEN-06 S-8BIT-03 S-DATA-15 a line of 1000 octets is taken at the smallest limit, its stuffed dot apart", () => {
  const client = new Client({ limits: { textLine: 998 } });
  client.say(`${ehlo}${mail}${rcpt}DATA\r\n`);
  expect(codesOf(client.say(`${"\xFF".repeat(998)}\r\n..${"x".repeat(997)}\r\n.\r\n`))).toBe("250");
  expect(client.content).toBe(`${"\xFF".repeat(998)}\r\n.${"x".repeat(997)}\r\n`);
});

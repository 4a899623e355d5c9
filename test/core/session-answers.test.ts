import { type Reply, reply, UsageError } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { chosenAnswer, inAscii } from "../../packages/core/src/server/answers.ts";
import type { Question } from "../dialogues/client.ts";

/** A question as far as an answer to it is judged. */
function question(type: Question["type"], verb = "VRFY"): Question {
  return { type, id: 1, reply: reply(451, "4.3.0", "Default"), verb } as never;
}

function isTaken(
  asked: Question,
  given: Reply,
  service: "relay" | "submission" | "on-demand" = "relay",
): boolean {
  try {
    chosenAnswer(asked, given, service);
    return true;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

/** What 2yz and 3yz each question can be answered with: all else says another thing than it asks. */
const positive: Readonly<Record<Question["type"], (code: number) => boolean>> = {
  connect: (code) => code === 220,
  hello: (code) => ordinary(code),
  starttls: (code) => code === 220,
  auth: (code) => code === 235 || code === 334,
  mail: (code) => ordinary(code),
  rcpt: (code) => ordinary(code),
  data: (code) => code === 354,
  message: (code) => ordinary(code),
  burl: (code) => ordinary(code),
  atrn: (code) => code === 250,
  command: (code) => ordinary(code),
};
const ordinary = (code: number) => code >= 210 && code < 260 && ![220, 221, 235].includes(code);

describe("the code of an answer", () => {
  test.each(Object.keys(positive) as Question["type"][])(
    "G9 R-CODE-01 accepts a %s with what accepts it, and refuses with any 4yz and 5yz",
    (type) => {
      for (const hundred of [200, 300, 400, 500]) {
        for (let code = hundred; code < hundred + 60; code++) {
          const fits = hundred >= 400 || positive[type](code);
          // A HELP, so that no mailbox has to be named.
          const taken = isTaken(question(type, "HELP"), reply(code, "AAAA"));
          expect([type, code, taken]).toEqual([type, code, fits]);
        }
      }
    },
  );

  test("S-SES-05 X-SUB-03 521 is no greeting of a submission server, and no harm elsewhere", () => {
    const no = reply(521, "No mail here");
    expect(isTaken(question("connect"), no)).toBe(true);
    expect(isTaken(question("connect"), no, "on-demand")).toBe(true);
    expect(isTaken(question("connect"), no, "submission")).toBe(false);
    expect(isTaken(question("connect"), reply(520, "No"), "submission")).toBe(true);
    expect(isTaken(question("mail"), no, "submission")).toBe(true);
  });

  test("G7 the default is taken as it is, and so is an equal one", () => {
    const asked = question("mail");
    expect(chosenAnswer(asked, undefined, "relay")).toBe(asked.reply);
    expect(chosenAnswer(asked, asked.reply, "relay")).toBe(asked.reply);
    const given = reply(550, "5.7.1", "No");
    expect(chosenAnswer(asked, given, "relay")).toBe(given);
    expect(chosenAnswer(asked, { code: 550, enhanced: null, lines: ["No"] }, "relay")).toEqual(
      reply(550, "No"),
    );
  });
});

describe("the text of an answer", () => {
  test("S-EHLO-04 G12 to EHLO that accepts is one line, which fits behind the longest name; one that refuses may be long", () => {
    const hello = question("hello");
    expect(isTaken(hello, reply(250, "x".repeat(250)))).toBe(true);
    expect(isTaken(hello, reply(250, "x".repeat(251)))).toBe(false);
    expect(isTaken(hello, reply(250, ["a", "b"]))).toBe(false);
    expect(isTaken(hello, reply(550, ["a", "x".repeat(251)]))).toBe(true);
    expect(isTaken(question("mail"), reply(250, ["a", "x".repeat(251)]))).toBe(true);
  });

  test("A-AUTH-10 L-LEN-10 of a 334 is base64 in one line, of 12,288 octets with `334 ` and CRLF", () => {
    const auth = question("auth");
    for (const fits of ["", "AAAA", "AA==", "AAA=", "a+/9", "A".repeat(12_282)])
      expect([fits.length, isTaken(auth, reply(334, fits))]).toEqual([fits.length, true]);
    for (const wrong of ["AAAA ", " AAAA", "A-_A", "===", "AAAA===", "A=AA", "A".repeat(12_283)])
      expect([wrong.slice(0, 9), isTaken(auth, reply(334, wrong))]).toEqual([wrong.slice(0, 9), false]);
    expect(isTaken(auth, reply(334, ["AAAA", "AAAA"]))).toBe(false);
    expect(isTaken(auth, reply(535, ["not base64", "A".repeat(12_283)]))).toBe(true);
    expect(isTaken(auth, reply(235, "x".repeat(12_283)))).toBe(true);
  });

  test("S-VRFY-03 S-EXPN-02 of a 250 to VRFY and EXPN names a mailbox in each line, and of no other reply", () => {
    const good = [
      "b@example.com",
      "<b@example.com>",
      "B C <b@example.com>",
      "<x> <b@example.com>",
      "ü@example.com",
    ];
    const bad = [
      "",
      "b",
      "<b@example.com",
      "b@example.com>",
      "x b@example.com",
      "<b@example.com> x",
      "B <b>",
    ];
    for (const verb of ["VRFY", "EXPN"]) {
      const asked = question("command", verb);
      for (const line of good) expect([line, isTaken(asked, reply(250, line))]).toEqual([line, true]);
      for (const line of bad) expect([line, isTaken(asked, reply(250, line))]).toEqual([line, false]);
      expect(isTaken(asked, reply(250, ["b@example.com", "c@example.com"]))).toBe(true);
      expect(isTaken(asked, reply(250, ["b@example.com", "c"]))).toBe(false);
      for (const code of [251, 252, 451, 550]) expect(isTaken(asked, reply(code, "b"))).toBe(true);
    }
    expect(isTaken(question("command", "HELP"), reply(250, "b"))).toBe(true);
    expect(isTaken(question("mail", "VRFY"), reply(250, "b"))).toBe(true);
  });

  test("X-UTF8-06 is ASCII but where an address may stand in it", () => {
    const where: [Question, readonly number[]][] = [
      [question("rcpt"), [251, 551]],
      [question("command", "VRFY"), [250, 251, 252, 451, 551]],
      [question("command", "EXPN"), [250, 251, 252, 451, 551]],
      [question("command", "HELP"), []],
      [question("mail"), []],
      [question("message"), []],
      [question("hello"), []],
    ];
    for (const [asked, codes] of where) {
      for (const code of [250, 251, 252, 451, 551]) {
        const taken = isTaken(asked, reply(code, "ü <ü@example.com>"));
        expect([asked.type, code, taken]).toEqual([asked.type, code, codes.includes(code)]);
        expect(isTaken(asked, reply(code, "~\t<b@example.com>"))).toBe(true);
      }
    }
  });

  test("X-UTF8-06 X-UTF8-07 is another where the client has not asked for UTF-8, and the decision is the same", () => {
    const rcpt = question("rcpt");
    const vrfy = question("command");
    const said = (asked: Question, given: Reply) => inAscii(asked, given);
    expect(said(rcpt, reply(251, "2.1.5", "ü@example.com"))).toEqual(reply(250, "2.1.5", "Recipient ok"));
    expect(said(rcpt, reply(551, "5.1.6", "ü@example.com"))).toEqual(
      reply(550, "5.1.6", "Mailbox has moved"),
    );
    expect(said(vrfy, reply(250, "2.0.0", "ü@example.com"))).toEqual(
      reply(252, "2.6.8", "UTF-8 is needed to show that"),
    );
    expect(said(vrfy, reply(550, "5.1.1", "ü@example.com"))).toEqual(
      reply(550, "5.6.8", "UTF-8 is needed to show that"),
    );
    for (const [asked, code] of [
      [rcpt, 251],
      [vrfy, 550],
    ] as const) {
      const ascii = reply(code, "b@example.com");
      expect(said(asked, ascii)).toBe(ascii);
    }
  });
});

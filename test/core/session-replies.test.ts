import { readFileSync } from "node:fs";
import { reply, replyClass, type ServerConfig, settle, UsageError } from "@sansmtp/core";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { accept, Client, codesOf, ehlo, mail, rcpt } from "../dialogues/client.ts";
import { configs, decideByQuestion, traffic } from "../properties/traffic.ts";

// A busy machine takes its time.
vi.setConfig({ testTimeout: 60_000 });

const catalogue = readFileSync(new URL("../spec/02-replies-and-status-codes.md", import.meta.url), "utf8");

/** The registered enhanced codes with their classes, from the table of the catalogue: `X.1.1 | 5 (4)`. */
const registered = new Set(
  [...catalogue.matchAll(/^\| X\.(\d+\.\d+) \| ([245 ()]+) \|/gm)].flatMap(([, detail, classes]) =>
    (classes as string).match(/\d/g)!.map((digit) => `${digit}.${detail}`),
  ),
);

/** The codes that each command may get, from the table of the catalogue. */
const perCommand = new Map(
  [...catalogue.matchAll(/^\| ([A-Z, ()a-z]+) \| ([IS].*?) \| (.*?) \|$/gm)].flatMap(
    ([, commands, good, bad]) => {
      const codes = new Set(`${good} ${bad} 421 500 501`.match(/\d{3}/g));
      return (commands as string).split(", ").map((command): [string, Set<string>] => [command, codes]);
    },
  ),
);

describe("what the session says by itself", () => {
  test("R-FMT-01 R-FMT-02 R-ENH-02 R-ENH-03 whatever is said to it, its replies are well-formed", () => {
    // The client watches every line: digits, hyphens, length, one code and one enhanced code in a reply.
    fc.assert(
      fc.property(configs, traffic, (config, octets) => {
        const client = new Client(config, decideByQuestion);
        client.say(octets);
        expect(client.sent.endsWith("\r\n")).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("R-ENH-01 R-ENH-04 R-ENH-08 2yz, 4yz and 5yz carry an enhanced code, but for the greeting and replies to EHLO, HELO, LHLO", () => {
    for (const hello of ["EHLO", "HELO"]) {
      const client = new Client({
        extensions: { expn: true, etrn: true },
        mechanisms: ["SCRAM-SHA-1"],
        tls: "offered",
        limits: { errors: 1000 },
      });
      expect(client.sent).toBe("220 mx.example.com ESMTP\r\n");
      for (const line of [`${hello}`, `${hello} a_b`, `${hello} a.example`, "LHLO a.example"]) {
        expect([line, hasEnhanced(client.say(`${line}\r\n`), "none")]).toEqual([line, true]);
      }
      for (const line of [
        "NOOP",
        "RSET",
        "HELP",
        "HELP FOO",
        "VRFY x",
        "EXPN x",
        "ETRN x",
        "TURN",
        "FOO",
        "",
        "NOOP\0",
        `NOOP ${"x".repeat(5000)}`,
        "RCPT TO:<b@example.com>",
        "BDAT 0 LAST",
        "AUTH",
        "AUTH FOO",
        "AUTH SCRAM-SHA-1 !",
        "MAIL FROM:<a@>",
        "MAIL FROM:<a@example.net> FOO",
        "MAIL FROM:<a@example.net>",
        "RCPT TO:<>",
        "DATA",
        "RCPT TO:<b@example.com>",
        "AUTH SCRAM-SHA-1 AAAA",
        "STARTTLS",
        "BDAT 0 LAST",
        "DATA x",
        "RSET",
        "AUTH SCRAM-SHA-1 AAAA",
        "STARTTLS x",
        "STARTTLS",
      ]) {
        const said = client.say(`${line}\r\n`);
        expect([line, said, hasEnhanced(said, "all")]).toEqual([line, said, true]);
        if (client.session.waiting === "tls") client.tlsUp();
      }
      client.say(`${hello} a.example\r\n${mail}${rcpt}`);
      expect(client.say("DATA\r\n")).toMatch(/^354 [A-Z]/);
      expect(hasEnhanced(client.say(".\r\n"), "all")).toBe(true);
      expect(hasEnhanced(client.say("QUIT\r\n"), "all")).toBe(true);
    }
  });

  test("R-ENH-05 R-ENH-02 only registered enhanced codes are sent, and their class is that of the reply", () => {
    expect(registered.size).toBeGreaterThan(90);
    const seen = new Set<string>();
    const look = (sent: string) => {
      for (const [, code, enhanced] of sent.matchAll(/^(\d{3})[ -](\d\.\d+\.\d+)(?= |\r)/gm)) {
        expect((enhanced as string)[0]).toBe((code as string)[0]);
        seen.add(enhanced as string);
      }
    };
    fc.assert(
      fc.property(configs, traffic, (config, octets) => {
        const client = new Client(config, decideByQuestion);
        client.say(octets);
        client.wait(300_000);
        look(client.sent);
      }),
      { numRuns: 500 },
    );
    expect([...seen].filter((enhanced) => !registered.has(enhanced))).toEqual([]);
    expect(seen.size).toBeGreaterThan(12);
  });

  test("R-CODE-01 R-CODE-03 for each command only the codes of the table are sent", () => {
    expect(perCommand.size).toBeGreaterThan(18);
    const lines = [
      "EHLO a.example",
      "EHLO",
      "HELO a.example",
      "MAIL FROM:<a@example.net>",
      "MAIL FROM:<a@example.net> SIZE=99999999999",
      "MAIL FROM:<x",
      "MAIL FROM:<a@example.net> FOO",
      "RCPT TO:<b@example.com>",
      "RCPT TO:<b@example.com> FOO",
      "RCPT TO:<>",
      "DATA",
      "DATA x",
      "RSET",
      "RSET x",
      "VRFY x",
      "VRFY",
      "EXPN x",
      "HELP",
      "HELP x",
      "NOOP",
      "ETRN x",
      "ETRN",
      "STARTTLS x",
      "AUTH",
      "AUTH X",
      "AUTH PLAIN",
      "BDAT 0",
      "BDAT 0 LAST",
    ];
    const settings: Partial<ServerConfig>[] = [
      { extensions: { expn: true, etrn: true }, mechanisms: ["PLAIN"], tls: "offered" },
      { extensions: { help: false } },
      { tls: "required" },
      { mechanisms: ["PLAIN"], authRequired: true },
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...settings),
        fc.array(fc.constantFrom(...lines), { maxLength: 30 }),
        (config, said) => {
          const client = new Client({ ...config, limits: { errors: 1000, idleCommands: 1000 } });
          for (const line of said) {
            const verb = line.split(" ")[0] as string;
            const code = codesOf(client.say(`${line}\r\n`));
            if (client.session.reader === "dots") client.say(".\r\n");
            // 530 where TLS or AUTH is demanded first belongs to every command (RFC 3207 §4, RFC 4954 §6), and 502 to
            // whatever is not offered (RFC 5321 §4.2.4).
            if (code !== "530" && code !== "502")
              expect([line, code, perCommand.get(verb)?.has(code)]).toEqual([line, code, true]);
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  test("R-CODE-02 4yz is said where the same command may succeed later, 5yz where it cannot", () => {
    const full = new Client({ limits: { recipients: 100 } });
    full.say(ehlo + mail);
    expect(full.say(rcpt.repeat(101))).toMatch(/452 4\.5\.3 [^\r]*\r\n$/);
    const silent = new Client({}, (question) => (question.type === "message" ? undefined : accept(question)));
    silent.say(`${ehlo}${mail}${rcpt}DATA\r\n`);
    expect(silent.say(".\r\n")).toMatch(/^451 4\.3\.0 /);
    const shut = new Client({ mechanisms: ["SCRAM-SHA-1"] }, () => undefined);
    shut.say(ehlo);
    expect(shut.say("AUTH SCRAM-SHA-1 AAAA\r\n")).toMatch(/^454 4\.7\.0 /);
    expect(shut.say("MAIL FROM:<a@example.net> SIZE=99999999999\r\n")).toMatch(/^552 5\.3\.4 /);
    shut.session.shutdown("now");
    shut.drain();
    expect(shut.sent).toMatch(/421 4\.3\.2 [^\r]*\r\n$/);
  });

  test("R-FMT-06 S-LINE-09 what the client said is repeated without controls, if it is repeated at all", () => {
    const odd = ["\x1b[31m", "\x7f", "\xff", "\xc2\x85", "\t", "\0", "\r", "\n"];
    for (const what of odd) {
      for (const line of [
        `${what}`,
        `FOO${what}`,
        `EHLO a${what}b`,
        `HELP ${what}`,
        `VRFY ${what}x`,
        `MAIL FROM:<${what}@example.net>`,
        `NOOP ${what}`,
        `AUTH ${what}`,
        `BDAT ${what}`,
      ]) {
        const client = new Client({ mechanisms: ["PLAIN"] });
        client.say(ehlo);
        expect(client.say(`${line}\r\n`)).toMatch(/^(?:[\x20-\x7e]*\r\n)+$/);
      }
    }
  });
});

describe("what the application says", () => {
  const bad = ["\r\n250 forged", "a\rb", "a\nb", "a\0b", "a\x1bb", "a\x7fb", "\ud800", "\udc00x", "a\x08"];

  test("R-FMT-05 SEC-INJ-02 G12 a reply with a control octet in it is not made", () => {
    for (const text of bad) {
      expect(() => reply(250, text)).toThrow(UsageError);
      expect(() => reply(550, "5.1.1", text)).toThrow(UsageError);
      expect(() => reply(550, "5.1.1", ["fine", text])).toThrow(UsageError);
    }
    expect(() => reply(250, [])).toThrow(UsageError);
    expect(reply(250, "a\tb").lines).toEqual(["a\tb"]);
  });

  test("R-FMT-05 SEC-INJ-02 G9 G12 nor is it taken as a plain object, and the question stays open", () => {
    for (const text of bad) {
      const client = new Client({}, (question) => (question.type === "mail" ? "later" : undefined));
      client.say(ehlo + mail);
      const { id } = client.open[0]!;
      const { snapshot } = client.session;
      const before = JSON.stringify(snapshot.call(client.session, { secrets: true }));
      for (const forged of [
        { code: 250, enhanced: "2.1.0", lines: [text] },
        { code: 250, enhanced: text, lines: ["x"] },
        { code: 250, enhanced: "2.1.0", lines: [] },
        { code: 2500, enhanced: null, lines: ["x"] },
        { code: 250.5, enhanced: null, lines: ["x"] },
        { code: Number.NaN, enhanced: null, lines: ["x"] },
      ]) {
        expect(() => client.session.answer(id, forged)).toThrow(UsageError);
      }
      expect(JSON.stringify(client.session.snapshot({ secrets: true }))).toBe(before);
      expect(client.answer(client.open.shift(), undefined)).toBe("250 2.1.0 Sender ok\r\n");
    }
  });

  test("R-FMT-01 R-ENH-02 codes and enhanced codes that do not exist are refused", () => {
    for (const code of [0, 99, 100, 199, 600, 650, 260, 299, 599, 2.5, -250, Number.POSITIVE_INFINITY]) {
      expect(() => reply(code, "x")).toThrow(UsageError);
    }
    for (const enhanced of [
      "5.1",
      "5.1.1.1",
      "5.01.1",
      "5.1.01",
      "5.1.1000",
      "4.1.1",
      "2.1.1",
      "5. 1.1",
      "5.1.1 ",
      "x.1.1",
      "5.-1.1",
      "",
    ]) {
      expect(() => reply(550, enhanced, "x")).toThrow(UsageError);
    }
    for (const enhanced of ["5.0.0", "5.1.1", "5.7.999"])
      expect(reply(550, enhanced, "x").enhanced).toBe(enhanced);
    expect([200, 354, 421, 559].map((code) => replyClass(reply(code, "x")))).toEqual([2, 3, 4, 5]);
  });

  test("R-FMT-04 a reply of any text is sent in lines of at most 512 octets, and nothing of it is lost", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "word ", " ", "x".repeat(100)), maxLength: 60 });
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 5 }), (lines) => {
        const client = new Client({}, (question) =>
          question.type === "rcpt" ? reply(550, "5.7.1", lines) : accept(question),
        );
        client.say(ehlo + mail);
        const said = client.say(rcpt);
        const sent = said.split("\r\n").slice(0, -1);
        for (const line of sent) expect(line.length).toBeLessThanOrEqual(510);
        expect(
          sent
            .map((line) => line.slice(4 + "5.7.1 ".length))
            .join("")
            .replaceAll(" ", ""),
        ).toBe(lines.join("").replaceAll(" ", ""));
      }),
    );
  });

  test("X-UTF8-06 SEC-INJ-02 text that is not ASCII is refused where it may not stand", () => {
    const client = new Client({ extensions: { smtputf8: true } }, (question) =>
      question.type === "mail" ? "later" : accept(question),
    );
    client.say(`${ehlo}MAIL FROM:<a@example.net> SMTPUTF8\r\n`);
    expect(() => client.session.answer(client.open[0]!.id, reply(250, "2.1.0", "Grüß Gott"))).toThrow(
      UsageError,
    );
    expect(client.answer(client.open.shift(), undefined)).toMatch(/^250 /);
  });

  test("X-UTF8-06 S-LINE-19 a long reply in UTF-8 is cut between characters", () => {
    const text = `<${"ü".repeat(700)}@example.com>`;
    const client = new Client({ extensions: { smtputf8: true } }, (question) =>
      question.type === "rcpt" ? reply(251, "2.1.5", text) : accept(question),
    );
    client.say(`${ehlo}MAIL FROM:<a@example.net> SMTPUTF8\r\n`);
    const sent = Buffer.from(client.say(rcpt), "latin1").toString("utf8").split("\r\n").slice(0, -1);
    expect(sent.map((line) => line.slice(10)).join("")).toBe(text);
    expect(sent.join("")).not.toContain("\ufffd");
  });
});

describe("what the configuration says", () => {
  test("SEC-INJ-02 S-EHLO-06 nothing that breaks a line, and no keyword that is none, gets into greeting and EHLO reply", () => {
    const refused: Partial<ServerConfig>[] = [
      { name: "" },
      { name: "mx.example.com\r\n250 x" },
      { name: "mx_1.example.com" },
      { name: "mx.exämple.com" },
      { banner: "a\r\nb" },
      { banner: ["fine", "a\nb"] },
      { banner: "Grüß Gott" },
      { banner: [] },
      { custom: [{ keyword: null, verbs: [{ verb: "X-Y" }] }] },
      { custom: [{ keyword: null, verbs: [{ verb: "xfoo" }] }] },
      { custom: [{ keyword: "X\r\nY" }] },
      { custom: [{ keyword: "XFOO", announce: "X\r\nY" }] },
      { custom: [{ keyword: "-X" }] },
      { custom: [{ keyword: "XFOO", announce: "X  Y" }] },
      { custom: [{ keyword: "" }] },
      { custom: [{ keyword: "SIZE" }] },
      { mechanisms: ["A B"] },
    ];
    for (const config of refused) {
      expect(() => settle({ name: "mx.example.com", ...config }), JSON.stringify(config)).toThrow(UsageError);
    }
  });

  test("X-UTF8-01 S-BIN-01 R-ENH-07 M-LMTP-09 extensions that need others are refused without them", () => {
    for (const config of [
      { extensions: { smtputf8: true, "8bitmime": false } },
      { extensions: { binarymime: true, chunking: false } },
      { protocol: "lmtp", extensions: { pipelining: false } },
      { protocol: "lmtp", extensions: { enhancedStatusCodes: false } },
      { authRequired: true },
    ] as const) {
      expect(() => settle({ name: "mx.example.com", ...config })).toThrow(UsageError);
    }
  });

  test("S-EHLO-04 S-EHLO-06 S-EHLO-07 X-GEN-01 X-SIZE-04 what is listed is answered, and what is offered is listed", () => {
    const names = [
      "pipelining",
      "size",
      "8bitmime",
      "enhancedStatusCodes",
      "chunking",
      "help",
      "vrfy",
      "expn",
      "etrn",
      "dsn",
    ] as const;
    const extensions = fc.record(
      Object.fromEntries(names.map((name) => [name, fc.boolean()])) as Record<
        (typeof names)[number],
        fc.Arbitrary<boolean>
      >,
    );
    const verbs = { help: "HELP", expn: "EXPN x", etrn: "ETRN x", chunking: "BDAT 0" } as const;
    fc.assert(
      fc.property(extensions, fc.constantFrom("none", "offered"), fc.boolean(), (on, tls, auth) => {
        const client = new Client({ extensions: on, tls, mechanisms: auth ? ["SCRAM-SHA-1"] : [] });
        const lines = client.say(ehlo).split("\r\n").slice(0, -1);
        expect(lines.every((line, at) => line.startsWith(at === lines.length - 1 ? "250 " : "250-"))).toBe(
          true,
        );
        expect(lines[0]?.slice(4)).toBe("mx.example.com");
        const listed = lines.slice(1).map((line) => line.slice(4));
        for (const line of listed) expect(line).toMatch(/^[A-Za-z0-9][A-Za-z0-9-]*(?: [\x21-\x7e]+)*$/);
        const keywords = new Set(listed.map((line) => line.split(" ")[0]?.toLowerCase()));
        for (const name of names) expect([name, keywords.has(name.toLowerCase())]).toEqual([name, on[name]]);
        expect(keywords.has("starttls")).toBe(tls === "offered");
        expect(keywords.has("auth")).toBe(auth);
        if (on.size) expect(listed).toContain("SIZE 26214400");
        for (const [name, line] of Object.entries(verbs)) {
          const code = client.codes(line);
          expect([name, code === "502"]).toEqual([name, !on[name as keyof typeof verbs]]);
          expect(code).not.toBe("500");
        }
        for (const line of ["VRFY x", "STARTTLS x", "AUTH X"]) {
          const code = client.codes(line);
          expect(code).not.toBe("500");
          expect([line, code === "502"]).toEqual([
            line,
            (line.startsWith("S") && tls === "none") || (line.startsWith("A") && !auth),
          ]);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("X-ETRN-05 ETRN cannot be offered for submission", () => {
    const offering = (service: "relay" | "submission"): ServerConfig => ({
      name: "mx.example.com",
      service,
      mechanisms: ["PLAIN"],
      extensions: { etrn: true },
    });
    expect(() => settle(offering("submission"))).toThrow(UsageError);
    expect(() => settle(offering("relay"))).not.toThrow();
  });

  test("X-GEN-01 ETRN, DSN, SMTPUTF8, BINARYMIME and EXPN are off until they are turned on", () => {
    const client = new Client();
    expect(client.say(ehlo)).not.toMatch(/ETRN|DSN|SMTPUTF8|BINARYMIME|EXPN|AUTH|STARTTLS/);
    expect(client.codes("ETRN x", "EXPN x")).toBe("502 502");
  });
});

/** Whether all lines, or none, of what was said begin their text with an enhanced code. */
function hasEnhanced(said: string, which: "all" | "none"): boolean {
  const lines = said.split("\r\n").slice(0, -1);
  return (
    lines.length > 0 &&
    lines.every((line) => /^[245]\d\d[ -][245]\.\d{1,3}\.\d{1,3} /.test(line) === (which === "all"))
  );
}

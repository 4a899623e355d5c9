import { reply, ServerSession, settle, UsageError } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { CheckedReply } from "../../packages/core/src/reply.ts";
import { fromJson, toJson } from "../../packages/core/src/syntax/json.ts";
import { accept, Client, codesOf, ehlo } from "../dialogues/client.ts";
import { tls } from "../dialogues/player.ts";

describe("a reply", () => {
  test("G12 text with half a character is none, whole ones are", () => {
    const halves = [
      "\ud800",
      "\udbff",
      "\udc00",
      "\udfff",
      "\ud800\udbff",
      "\ud800\ue000",
      "\udc00\udc00",
      "\udfff\udfff",
    ];
    for (const text of [
      ...halves,
      "\ud83d",
      "\ude00",
      "\ude00\ud83d",
      "\ud83d\ud83d\ude00",
      "a\ud83d b",
      "\ud800\udc00\udc00",
    ]) {
      expect(() => reply(250, text)).toThrow(UsageError);
    }
    const whole = [
      "\ud800\udc00",
      "\ud800\udfff",
      "\udbff\udc00",
      "\udbff\udfff",
      "\ud800\udc00\ud800\udc00",
    ];
    for (const text of [...whole, "😀", "a😀😀b", "\ue000", "\ud7ff"])
      expect(reply(250, text).lines).toEqual([text]);
  });

  test("R-ENH-02 G9 the enhanced code of a reply that came as an object is a string, of its class", () => {
    for (const enhanced of [5, {}, ["2.0.0"], undefined, "5.0.0", "2.0", "2.01.0", "2.0.1000"]) {
      expect(() => CheckedReply.of({ code: 250, enhanced: enhanced as never, lines: ["x"] })).toThrow(
        UsageError,
      );
    }
    expect(CheckedReply.of({ code: 250, enhanced: "2.10.999", lines: ["x"] }).enhanced).toBe("2.10.999");
  });

  test("R-ENH-02 G12 an enhanced code has nothing before it or behind it", () => {
    for (const enhanced of ["4.5.1.1", " 5.1.1", "55.1.1", "x5.1.1", "5.1.1\n", "5.1.1.", "5.1.1x"])
      expect(() => reply(550, enhanced, "x")).toThrow(UsageError);
    for (const enhanced of ["5.0.0", "5.9.9", "5.10.10", "5.999.999"])
      expect(reply(550, enhanced, "x").code).toBe(550);
  });

  test("X-UTF8-06 is ASCII if all of its lines are", () => {
    for (const [lines, ascii] of [
      [["a", "b"], true],
      [["a", "ü"], false],
      [["ü", "a"], false],
      [["\t ~"], true],
      [[""], true],
    ] as const)
      expect(CheckedReply.of(reply(250, lines)).ascii).toBe(ascii);
  });

  test("G9 an error of the caller has a name of its own", () => {
    const error = new UsageError("x");
    expect([error.name, String(error), error instanceof Error]).toEqual([
      "UsageError",
      "UsageError: x",
      true,
    ]);
  });

  test("R-FMT-01 a code alone is a reply without text", () => {
    expect(reply(250)).toEqual({ code: 250, enhanced: null, lines: [""] });
    const client = new Client({ custom: [{ keyword: null, verbs: [{ verb: "XSTAT" }] }] }, (question) =>
      question.type === "command" ? reply(250) : undefined,
    );
    client.say(ehlo);
    expect(client.say("XSTAT\r\n")).toBe("250 2.0.0 \r\n");
  });

  test("X-UTF8-06 R-FMT-04 text in UTF-8 leaves as UTF-8, folded at blanks and never within a character", () => {
    const said = (name: string): string[] => {
      const client = new Client({ extensions: { smtputf8: true } }, (question) =>
        question.type === "command" ? reply(250, "2.0.0", `${name} <b@example.com>`) : undefined,
      );
      client.say(ehlo);
      const octets = Buffer.from(client.say("VRFY b SMTPUTF8\r\n"), "latin1");
      const lines = octets.toString().split("\r\n");
      expect(lines.pop()).toBe("");
      for (const line of lines) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(510);
      return lines.map((line) => line.slice("250 2.0.0 ".length));
    };
    const words = "é ж 한 😀";
    expect(said(words)).toEqual([`${words} <b@example.com>`]);
    const long = Array.from({ length: 60 }, () => words).join(" ");
    expect(said(long).length).toBeGreaterThan(1);
    expect(said(long).join(" ")).toBe(`${long} <b@example.com>`);
    // Without a blank, wherever the limit falls in a character.
    for (let lead = 0; lead < 4; lead++) {
      const whole = "x".repeat(lead) + "😀é한".repeat(80);
      expect(
        said(whole)
          .join("")
          .replace(/ ?<b@example.com>$/, ""),
      ).toBe(whole);
    }
  });

  test("S-EHLO-04 G12 an answer to EHLO has one line: more would be extensions", () => {
    const session = new ServerSession({ name: "mx.example.com" });
    session.receive(Buffer.from(ehlo));
    for (let event = session.poll(); event !== null; event = session.poll()) {
      if (!("id" in event)) continue;
      if (event.type === "hello") {
        const { id } = event;
        expect(() => session.answer(id, reply(250, ["mx.example.com", "SIZE 0"]))).toThrow(UsageError);
      }
      session.answer(event.id, undefined);
    }
  });
});

describe("what is told apart", () => {
  test("S-8BIT-06 S-LINE-09 the argument of a verb of the application's own has 7 bits", () => {
    const client = new Client({ custom: [{ keyword: null, verbs: [{ verb: "XSTAT" }] }] }, (question) =>
      question.type === "command" ? reply(250, "2.0.0", "42") : undefined,
    );
    client.say(ehlo);
    expect(client.codes("XSTAT caf\xe9")).toBe("500");
    expect(client.of("violation").map(({ rule }) => rule)).toEqual(["S-LINE-09"]);
    expect(client.codes("XSTAT cafe")).toBe("250");
    expect(client.of("command")).toHaveLength(1);
  });

  test("X-LIM-01 S-RCPT-03 Postmaster without a domain is of no domain but one", () => {
    const client = new Client({ limits: { recipientDomains: 2 } });
    client.say(ehlo);
    const rcpt = (to: string) => client.codes(`RCPT TO:<${to}>`);
    client.codes("MAIL FROM:<a@example.net>");
    expect([rcpt("Postmaster"), rcpt("postmaster"), rcpt("b@example.com"), rcpt("POSTMASTER")]).toEqual([
      "250",
      "250",
      "250",
      "250",
    ]);
    expect(rcpt("b@example.org")).toMatch(/^4/);
  });

  test("X-GEN-02 a verb of the application's own without a keyword is announced nowhere", () => {
    const plain = new Client({});
    const own = new Client({ custom: [{ keyword: null, verbs: [{ verb: "XSTAT" }] }] });
    expect(own.say(ehlo)).toBe(plain.say(ehlo));
  });

  test("X-UTF8-02 S-LINE-09 UTF-8 in a parameter needs SMTPUTF8 on the same command", () => {
    const client = new Client({
      extensions: { smtputf8: true },
      custom: [{ keyword: "XNOTE", mail: [{ keyword: "XNOTE" }] }],
    });
    client.say(ehlo);
    const note = Buffer.from("XNOTE=caf\u00e9").toString("latin1");
    expect(client.codes(`MAIL FROM:<a@example.net> ${note}`)).toBe("501");
    expect(client.of("violation").at(-1)?.rule).toBe("S-LINE-09");
    expect(client.codes(`MAIL FROM:<a@example.net> ${note} SMTPUTF8`)).toBe("250");
    expect(client.of("mail").map(({ parameters }) => parameters.other)).toEqual([{ XNOTE: "caf\u00e9" }]);
  });

  test.each([
    ["BURL imap://mail.example.com/x LASTLY", "501"],
    ["BURL imap://mail.example.com/x LAST more", "501"],
    ["BURL imap://mail.example.com/x more", "501"],
    ["BURL imap://mail.example.com/x last", "250"],
  ])("X-BURL-02 %s is %s", (line, code) => {
    const client = new Client(
      {
        service: "submission",
        authRequired: false,
        mechanisms: ["SCRAM-SHA-256"],
        extensions: { burl: { urls: ["imap"] } },
      },
      (question) =>
        question.type === "burl" || question.type === "message" ? reply(250, "2.0.0", "OK") : undefined,
    );
    client.say(ehlo);
    client.codes("MAIL FROM:<a@example.net>", "RCPT TO:<b@example.com>");
    expect(client.codes(line).split(" ")[0]).toBe(code);
  });

  test("X-XCL-02 the protocol of a client may be unavailable", () => {
    const trusting = { extensions: { xclient: { trusted: ["192.0.2.1"] } } };
    const session = new ServerSession({ name: "mx.example.com", ...trusting });
    session.connected("192.0.2.1");
    const said: string[] = [];
    const drain = () => {
      for (let event = session.poll(); event !== null; event = session.poll()) {
        if (event.type === "send") said.push(Buffer.from(event.data).toString());
        if ("id" in event) session.answer(event.id, undefined);
      }
    };
    drain();
    session.receive(Buffer.from(`${ehlo}XCLIENT PROTO=[UNAVAILABLE] ADDR=192.0.2.9\r\n`));
    drain();
    expect(said.at(-1)).toMatch(/^220 /);
    expect(session.client).toMatchObject({ address: "192.0.2.9", xclient: { proto: null } });
  });

  test("A-AUTH-01 a submission server without mechanisms is none", () => {
    for (const authRequired of [true, false])
      expect(() => settle({ name: "mx.example.com", service: "submission", authRequired })).toThrow(
        UsageError,
      );
    expect(settle({ name: "mx.example.com", service: "submission", mechanisms: ["PLAIN"] }).service).toBe(
      "submission",
    );
  });
});

describe("a connection that is lost or ends early", () => {
  const behind = (session: ServerSession): string[] => {
    const said: string[] = [];
    for (let event = session.poll(); event !== null; event = session.poll()) {
      if (event.type === "send") said.push(Buffer.from(event.data).toString().slice(0, 3));
      else if (event.type === "close") said.push(`close ${event.reason}`);
      else said.push(event.type);
      if ("id" in event) session.answer(event.id, event.type === "connect" ? reply(554, "no") : undefined);
    }
    return said;
  };

  test("T-TLS-03 in the handshake it is a handshake that failed, and nothing is said in the clear", () => {
    const session = new ServerSession({ name: "mx.example.com", tls: "implicit" });
    expect(behind(session)).toEqual(["upgrade"]);
    session.receiveEnd();
    expect(behind(session)).toEqual(["close tls"]);
  });

  test("S-SES-11 in the handshake, and before the header of a proxy, nothing is said of a service that ends", () => {
    for (const config of [{ tls: "implicit" }, { proxy: true }] as const) {
      const session = new ServerSession({ name: "mx.example.com", ...config });
      behind(session);
      session.shutdown("now");
      expect(behind(session)).toEqual(["close shutdown"]);
    }
  });

  test("S-SES-04 S-BDAT-12 behind a greeting of 554 BDAT that cannot be read ends the session", () => {
    const session = new ServerSession({ name: "mx.example.com" });
    expect(behind(session)).toEqual(["connect", "554"]);
    session.receive(Buffer.from("BDAT x\r\nBDAT 3\r\nabcNOOP\r\nQUIT\r\n"));
    const said = behind(session);
    expect(said.filter((each) => /^\d/.test(each) || each.startsWith("close"))).toEqual([
      "421",
      "close protocol",
    ]);
  });
});

describe("answers", () => {
  test("R-CODE-01 G9 MAIL is answered with no code that means something else: a greeting, a farewell, AUTH, or nothing", () => {
    const client = new Client({}, (question) => (question.type === "mail" ? "later" : accept(question)));
    client.say(`${ehlo}MAIL FROM:<a@example.net>\r\n`);
    const [mail] = client.open;
    if (mail === undefined) throw new Error("MAIL is not asked about");
    for (const code of [200, 209, 220, 221, 235, 334, 354])
      expect(() => client.session.answer(mail.id, reply(code, "x"))).toThrow(UsageError);
    expect(client.answer(mail, reply(210, "x"))).toBe("210 2.0.0 x\r\n");
  });

  test("G9 DATA is answered with 354 or a refusal, with nothing else", () => {
    const client = new Client({}, (question) => (question.type === "data" ? "later" : accept(question)));
    client.say(`${ehlo}MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n`);
    const [data] = client.open;
    if (data === undefined) throw new Error("DATA is not asked about");
    for (const code of [211, 250, 334])
      expect(() => client.session.answer(data.id, reply(code, "x"))).toThrow(UsageError);
    expect(client.answer(data, reply(354, "go"))).toBe("354 go\r\n");
  });

  test("T-TLS-07 TLS that is not enough, from the start, leaves nothing to say but QUIT", () => {
    const session = new ServerSession({ name: "mx.example.com", tls: "implicit" });
    const said: string[] = [];
    const drain = () => {
      for (let event = session.poll(); event !== null; event = session.poll()) {
        if (event.type === "send") said.push(Buffer.from(event.data).toString());
        if ("id" in event) session.answer(event.id, undefined);
      }
    };
    drain();
    session.upgraded({ ...tls(false) });
    drain();
    session.receive(Buffer.from(`${ehlo}QUIT\r\n`));
    drain();
    expect(codesOf(said.join(""))).toBe("220 554 221");
  });

  test("X-PIPE-07 S-LINE-16 what is no recipient waits for the recipients before it, and is answered behind them", () => {
    const client = new Client({ concurrentRecipients: 3 }, (question) =>
      question.type === "rcpt" ? "later" : accept(question),
    );
    client.say(`${ehlo}MAIL FROM:<a@example.net>\r\n`);
    expect(client.say("RCPT TO:<b@example.com>\r\nNOOP\r\nRCPT TO:<c@example.com>\r\n")).toBe("");
    expect(client.open).toHaveLength(1);
    expect(codesOf(client.answer(client.open[0], reply(550, "5.1.1", "no")))).toBe("550 250");
    expect(client.open).toHaveLength(2);
    expect(client.say("DATA\r\n")).toBe("");
    expect(codesOf(client.answer(client.open[1], undefined))).toBe("250 354");
    // Nothing is asked ahead where content is awaited.
    expect(client.say("RCPT TO:<d@example.com>\r\n.\r\n")).toMatch(/^250 /);
    expect(client.open).toHaveLength(2);
  });

  test("X-PIPE-07 G9 an answer that waits for those before it is given once", () => {
    const client = new Client({ concurrentRecipients: 3 }, (question) =>
      question.type === "rcpt" ? "later" : accept(question),
    );
    client.say(`${ehlo}MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\nRCPT TO:<c@example.com>\r\n`);
    const [first, second] = client.open;
    if (first === undefined || second === undefined) throw new Error("two recipients are not open at a time");
    expect(client.answer(second, undefined)).toBe("");
    expect(client.session.answer(second.id, reply(550, "5.1.1", "no"))).toBe(false);
    expect(codesOf(client.answer(first, reply(550, "5.1.1", "no")))).toBe("550 250");
  });

  test("X-PIPE-07 a recipient that cannot be read is refused in its place", () => {
    const client = new Client({ concurrentRecipients: 3 }, (question) =>
      question.type === "rcpt" ? "later" : accept(question),
    );
    client.say(`${ehlo}MAIL FROM:<a@example.net>\r\n`);
    expect(client.say("RCPT TO:<b@example.com>\r\nRCPT TO:b@\r\n")).toBe("");
    expect(codesOf(client.answer(client.open[0], undefined))).toMatch(/^250 501$/);
  });
});

describe("a snapshot", () => {
  test("G9 G13 that is of another version, or redacted, is not restored", () => {
    const config = { name: "mx.example.com" };
    const snapshot = new ServerSession(config).snapshot();
    for (const wrong of [{ ...snapshot, version: 2 }, {}, null, undefined, { ...snapshot, redacted: true }])
      expect(() => ServerSession.restore(config, wrong as never)).toThrow(UsageError);
    expect(ServerSession.restore(config, snapshot).snapshot()).toEqual(snapshot);
  });

  test("G9 with octets that are none is damaged", () => {
    for (const damaged of ["%", "AA=A", "A", "é"]) {
      expect(() => fromJson({ a: [{ $octets: damaged }] })).toThrow(UsageError);
    }
    const value = { a: [new Uint8Array([1, 2]), Number.POSITIVE_INFINITY, null, "x", 1, false] };
    expect(fromJson(JSON.parse(JSON.stringify(toJson(value))))).toEqual(value);
  });
});

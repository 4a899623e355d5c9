import {
  defaultLimits,
  defaultTimers,
  type ServerConfig,
  type ServerLimits,
  type ServerTimers,
  settle,
  UsageError,
} from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { accept, Client, codesOf, ehlo, mail, rcpt } from "../dialogues/client.ts";
import { heldBy } from "../dialogues/held.ts";

test("L-TIME-15 a client of on-demand relay may be silent for 10 minutes by default", () => {
  const service = { service: "on-demand", mechanisms: ["CRAM-MD5"] } as const;
  const client = new Client(service);
  client.say(ehlo);
  expect(client.wait(599_999)).toBe("");
  expect(codesOf(client.wait(1))).toBe("421");
  expect(settle({ name: "mx.example.com", ...service, timers: { command: 700_000 } }).timers.command).toBe(
    700_000,
  );
});

/** One test for each name in `ServerTimers`: the list below must be complete. */
const timers: Record<keyof ServerTimers, () => void> = {
  proxy() {
    const client = new Client({ proxy: true, timers: { proxy: 3000 } });
    expect([client.session.deadline, client.session.deadlineReason]).toEqual([3000, "proxy"]);
    client.say("PROXY TCP4 192.0.2.1 ");
    client.wait(2999);
    expect(client.closed).toBeNull();
    expect(client.wait(1)).toBe("");
    expect(client.closed).not.toBeNull();
    expect(client.sent).toBe("");
  },

  greetingDelay() {
    const client = new Client({ timers: { greetingDelay: 500 } });
    expect([client.sent, client.session.deadline, client.session.deadlineReason]).toEqual([
      "",
      500,
      "greetingDelay",
    ]);
    expect(client.wait(499)).toBe("");
    expect(codesOf(client.wait(1))).toBe("220");
    expect(client.session.deadlineReason).toBe("command");
  },

  command() {
    const client = new Client({ timers: { command: 1000 } });
    expect([client.session.deadline, client.session.deadlineReason]).toEqual([1000, "command"]);
    client.wait(900);
    client.say("NO");
    expect(client.session.deadline).toBe(1000);
    client.say("OP\r\n");
    expect(client.session.deadline).toBe(1900);
    for (let time = 0; time < 9; time++) {
      client.wait(100);
      client.say("x");
      expect(client.session.deadline).toBe(1900);
    }
    expect(client.wait(99)).toBe("");
    expect(client.wait(1)).toBe("421 4.4.2 mx.example.com Timeout, closing transmission channel\r\n");
    expect(client.closed).toBe("timeout");
  },

  dataBlock() {
    for (const begin of ["DATA\r\n", "BDAT 100000\r\n"]) {
      const client = new Client({ timers: { dataBlock: 1000 }, limits: { dataBlock: 100 } });
      client.say(ehlo + mail + rcpt + begin);
      expect([client.session.deadline, client.session.deadlineReason]).toEqual([1000, "dataBlock"]);
      client.wait(900);
      client.say("x".repeat(99));
      expect(client.session.deadline).toBe(1000);
      client.say("x");
      expect(client.session.deadline).toBe(1900);
      client.wait(999);
      expect(client.closed).toBeNull();
      expect(client.wait(1)).toMatch(/^421 4\.4\.2 /);
      expect(client.closed).toBe("timeout");
      expect(client.of("reset").at(-1)?.cause).toBe("timeout");
      expect(client.of("message")).toEqual([]);
    }
  },

  data() {
    const client = new Client({ timers: { data: 5000, dataBlock: 1000 }, limits: { dataBlock: 10 } });
    client.say(`${ehlo}${mail}${rcpt}DATA\r\n`);
    for (let time = 0; time < 5; time++) {
      client.say("x".repeat(10));
      client.wait(time < 4 ? 990 : 1);
    }
    expect([client.session.deadline, client.session.deadlineReason]).toEqual([4960, "dataBlock"]);
    client.wait(900);
    client.say("x".repeat(10));
    expect([client.session.deadline, client.session.deadlineReason]).toEqual([5000, "data"]);
    client.wait(5000 - client.now);
    expect([client.closed, client.of("reset").at(-1)?.cause]).toEqual(["timeout", "timeout"]);
  },

  tls() {
    for (const config of [{ tls: "implicit" }, { tls: "offered" }] as const) {
      const client = new Client({ ...config, timers: { tls: 700 } });
      if (config.tls === "offered") client.say(`${ehlo}STARTTLS\r\n`);
      expect([client.session.deadline, client.session.deadlineReason]).toEqual([700, "tls"]);
      const before = client.sent;
      client.wait(700);
      expect(client.closed).toBe("timeout");
      expect(client.sent).toBe(before);
    }
  },

  session() {
    const client = new Client({ timers: { session: 10_000, command: 4000 } });
    for (let time = 0; time < 3; time++) {
      client.wait(3000);
      expect(client.codes("NOOP")).toBe("250");
    }
    expect([client.session.deadline, client.session.deadlineReason]).toEqual([10_000, "session"]);
    expect(client.wait(1000)).toMatch(/^421 4\.4\.2 /);
    expect(client.closed).toBe("timeout");
    const busy = new Client({ timers: { session: 10_000 } });
    busy.session.receive(Buffer.from("NOOP\r\nNOOP\r\n"), 10_000);
    expect(codesOf(busy.say(""))).toBe("421");
  },
};

/** What each timer proves besides. */
const timerIds: Readonly<Record<keyof ServerTimers, string>> = {
  proxy: "L-TIME-14",
  greetingDelay: "S-SES-01",
  command: "L-TIME-12",
  dataBlock: "L-TIME-11 L-TIME-12",
  data: "SEC-DOS-04",
  tls: "L-TIME-13",
  session: "SEC-DOS-04",
};

describe("timers", () => {
  test.each(
    Object.entries(timers).map(
      ([name, timer]) => [timerIds[name as keyof ServerTimers], name, timer] as const,
    ),
  )("L-TIME-17 %s the timer %s", (_ids, _name, timer) => timer());

  test("L-TIME-10 L-TIME-11 L-TIME-13 L-TIME-14 the defaults", () => {
    expect(defaultTimers).toMatchObject({ command: 300_000, dataBlock: 300_000, tls: 60_000, proxy: 5_000 });
    const client = new Client();
    client.say(ehlo);
    expect(client.session.deadline).toBe(300_000);
    client.say(`${mail}${rcpt}DATA\r\n`);
    expect([client.session.deadline, client.session.deadlineReason]).toEqual([300_000, "dataBlock"]);
  });

  test("L-TIME-17 every timer has its test, and each can be turned off", () => {
    expect(Object.keys(timers).sort()).toEqual(Object.keys(defaultTimers).sort());
    const never = Object.fromEntries(
      Object.keys(defaultTimers).map((name) => [name, Number.POSITIVE_INFINITY]),
    );
    const client = new Client({ timers: { ...never, greetingDelay: 0 } });
    client.say(`${ehlo}${mail}${rcpt}DATA\r\n`);
    expect([client.session.deadline, client.session.deadlineReason]).toEqual([null, null]);
    client.wait(1e12);
    expect(client.closed).toBeNull();
  });

  test("L-TIME-17 the core is told the time: without it none passes, a late call does no harm, and it never runs backwards", () => {
    const client = new Client();
    client.session.receive(Buffer.from(ehlo));
    client.drain();
    expect(client.session.deadline).toBe(300_000);
    client.wait(1000);
    client.session.advance(5);
    client.say("NOOP\r\n");
    expect(client.session.deadline).toBe(301_000);
    const late = new Client();
    late.wait(1e9);
    expect([codesOf(late.sent), late.closed]).toEqual(["220 421", "timeout"]);
  });

  test("L-TIME-10 L-TIME-17 no deadline runs against the client while the application decides", () => {
    const client = new Client();
    client.decide = (question) =>
      question.type === "mail" || question.type === "message" ? "later" : accept(question);
    client.say(ehlo + mail);
    expect([client.session.waiting, client.session.deadline]).toEqual(["answer", null]);
    client.wait(1e7);
    expect(client.answer(client.open.shift(), undefined)).toBe("250 2.1.0 Sender ok\r\n");
    expect(client.session.deadline).toBe(1e7 + 300_000);
    client.say(`${rcpt}DATA\r\n.\r\n`);
    client.wait(1e7);
    expect(codesOf(client.answer(client.open.shift(), undefined))).toBe("451");
  });

  test("L-TIME-11 L-TIME-17 nor while it holds a piece of content", () => {
    const client = new Client({ timers: { dataBlock: 1000, data: 3000 } });
    client.say(`${ehlo}${mail}${rcpt}DATA\r\n`);
    const { session } = client;
    session.receive(Buffer.from("x\r\n"), 100);
    expect(session.poll()?.type).toBe("body");
    expect(session.deadline).toBeNull();
    session.advance(50_100);
    expect(session.poll()).toBeNull();
    expect([session.deadline, session.deadlineReason]).toEqual([51_000, "dataBlock"]);
    session.receive(Buffer.from("x".repeat(4096)), 50_900);
    expect(session.poll()?.type).toBe("body");
    session.advance(60_900);
    expect(session.poll()).toBeNull();
    session.receive(Buffer.from("x".repeat(4096)), 61_800);
    expect(session.poll()?.type).toBe("body");
    expect(session.poll()).toBeNull();
    session.receive(Buffer.from("x".repeat(4096)), 62_700);
    expect(session.poll()?.type).toBe("body");
    expect(session.poll()).toBeNull();
    expect([session.deadline, session.deadlineReason]).toEqual([63_000, "data"]);
  });

  test("SEC-DOS-04 M-LMTP-15 S-SES-12 the end of the session cancels a verdict that is still open, with one 421", () => {
    const client = new Client({ protocol: "lmtp", timers: { session: 1000 } });
    client.decide = (question) => (question.type === "message" ? "later" : accept(question));
    client.say(`LHLO a.example\r\n${mail}${rcpt}${rcpt}DATA\r\n.\r\n`);
    const { id } = client.open[0]!;
    client.session.answerRecipient(id, 0, undefined);
    client.drain();
    expect(codesOf(client.wait(1000))).toBe("421");
    expect(client.closed).toBe("timeout");
    expect(client.session.answer(id, undefined)).toBe(false);
    expect(client.session.answerRecipient(id, 1, undefined)).toBe(false);
  });
});

/** One test for each name in `ServerLimits`. */
const limits: Record<keyof ServerLimits, () => void> = {
  message() {
    const client = new Client({ limits: { message: 65_536 } });
    expect(client.say(ehlo)).toContain("250-SIZE 65536\r\n");
    expect(client.codes("MAIL FROM:<a@example.net> SIZE=65537", "MAIL FROM:<a@example.net> SIZE=65536")).toBe(
      "552 250",
    );
    client.say(`${rcpt}DATA\r\n`);
    expect(codesOf(client.say(`${"x".repeat(65_534)}\r\n.\r\n`))).toBe("250");
    for (const [octets, code] of [
      [65_536, "250"],
      [65_537, "552"],
    ] as const) {
      client.say(mail + rcpt);
      expect(
        codesOf(
          client.say(
            `BDAT 40000\r\n${"x".repeat(40_000)}BDAT ${octets - 40_000} LAST\r\n${"x".repeat(octets - 40_000)}`,
          ),
        ),
      ).toBe(`250 ${code}`);
    }
  },

  commandLine() {
    const client = new Client({ limits: { commandLine: 600 } });
    expect(codesOf(client.say(`NOOP ${"x".repeat(593)}\r\nNOOP ${"x".repeat(594)}\r\n`))).toBe("250 500");
    // Where AUTH may have longer lines, the others may not.
    const auth = new Client({ mechanisms: ["SCRAM-SHA-1"], limits: { commandLine: 600 } });
    expect(codesOf(auth.say(`NOOP ${"x".repeat(593)}\r\nNOOP ${"x".repeat(594)}\r\n`))).toBe("250 500");
    expect(auth.sent).toMatch(/500 5\.5\.2 Line too long\r\n$/);
  },

  authLine() {
    const client = new Client({ mechanisms: ["SCRAM-SHA-1"], limits: { authLine: 12_292 } });
    client.say(ehlo);
    expect(codesOf(client.say(`AUTH SCRAM-SHA-1\r\n${"A".repeat(12_289)}\r\n`))).toBe("334 501");
    expect(codesOf(client.say(`AUTH SCRAM-SHA-1\r\n${"A".repeat(12_291)}\r\n`))).toBe("334 500");
    expect(codesOf(client.say(`AUTH SCRAM-SHA-1\r\n${"A".repeat(12_288)}\r\n`))).toBe("334 235");
  },

  textLine() {
    const client = new Client({ limits: { textLine: 1000 } });
    client.say(ehlo);
    for (const [line, code] of [
      ["x".repeat(1000), "250"],
      ["x".repeat(1001), "554"],
      [`..${"x".repeat(999)}`, "250"],
      [`..${"x".repeat(1000)}`, "554"],
    ] as const) {
      expect(codesOf(client.say(`${mail}${rcpt}DATA\r\n${line}\r\n.\r\n`))).toBe(`250 250 354 ${code}`);
    }
    expect(
      codesOf(client.say(`${mail}${rcpt}BDAT 600\r\n${"x".repeat(600)}BDAT 400 LAST\r\n${"x".repeat(400)}`)),
    ).toBe("250 250 250 250");
    expect(
      codesOf(client.say(`${mail}${rcpt}BDAT 600\r\n${"x".repeat(600)}BDAT 401 LAST\r\n${"x".repeat(401)}`)),
    ).toBe("250 250 250 554");
  },

  recipients() {
    const client = new Client({ limits: { recipients: 150 } });
    client.say(ehlo + mail);
    expect(codesOf(client.say(rcpt.repeat(152)))).toBe([...Array(150).fill("250"), "452", "452"].join(" "));
    client.codes("DATA", ".");
    expect(client.of("message")[0]?.envelope.recipients.length).toBe(150);
    // Those that are asked at the same time may all be accepted: they count, too.
    const many = new Client({ limits: { recipients: 100 }, concurrentRecipients: 30 }, (question) =>
      question.type === "rcpt" ? "later" : accept(question),
    );
    many.say(ehlo + mail + rcpt.repeat(105));
    while (many.open.length > 0) many.answer(many.open.shift(), undefined);
    expect(codesOf(many.sent)).toBe(`220 250 250 ${Array(100).fill("250").join(" ")} 452 452 452 452 452`);
  },

  recipientDomains() {
    const client = new Client({ limits: { recipientDomains: 2 } });
    client.say(ehlo + mail);
    const to = (domain: string) => `RCPT TO:<b@${domain}>`;
    expect(client.codes(to("one.example"), to("two.example"), to("three.example"), to("ONE.example"))).toBe(
      "250 250 452 250",
    );
    expect(client.codes("RSET", mail.trim(), to("three.example"), to("two.example"))).toBe("250 250 452 250");
  },

  parameters() {
    // A parameter that is unknown or repeated is refused at once: no more are ever held than there are known.
    const client = new Client({
      extensions: { dsn: true, smtputf8: true },
      mechanisms: ["SCRAM-SHA-1"],
      limits: { parameters: 8 },
    });
    client.say(ehlo);
    expect(client.codes("MAIL FROM:<a@example.net> SIZE=1 BODY=7BIT SMTPUTF8 RET=FULL ENVID=a AUTH=<>")).toBe(
      "250",
    );
    client.codes("RSET");
    expect(client.codes(`MAIL FROM:<a@example.net>${" SIZE=1".repeat(500)}`)).toBe("501");
    expect(client.codes(`MAIL FROM:<a@example.net>${" A=1".repeat(900)}`)).toBe("555");
  },

  localPart() {
    const client = new Client({ limits: { localPart: 70 } });
    client.say(ehlo + mail);
    expect(client.codes(`RCPT TO:<${"x".repeat(70)}@example.com>`)).toBe("250");
    expect(client.say(`RCPT TO:<${"x".repeat(71)}@example.com>\r\n`)).toMatch(/^501 5\.1\.3 /);
  },

  domain() {
    const label = `${"d".repeat(49)}.`;
    const client = new Client({ limits: { domain: 260, path: 400 } });
    client.say(ehlo + mail);
    expect(client.codes(`RCPT TO:<b@${label.repeat(5)}${"e".repeat(10)}>`)).toBe("250");
    expect(client.say(`RCPT TO:<b@${label.repeat(5)}${"e".repeat(11)}>\r\n`)).toMatch(/^501 5\.1\.3 /);
    expect(
      client.codes(`RCPT TO:<b@${"d".repeat(63)}.example>`, `RCPT TO:<b@${"d".repeat(64)}.example>`),
    ).toBe("250 501");
  },

  path() {
    const client = new Client({ limits: { path: 300 } });
    client.say(ehlo + mail);
    const route = `@${"r".repeat(60)}.example,`.repeat(4);
    const path = (octets: number) =>
      `<${route.slice(0, -1)}:${"x".repeat(octets - route.length - 14)}@example.com>`;
    expect(path(300).length).toBe(300);
    expect(client.codes(`RCPT TO:${path(300)}`)).toBe("250");
    expect(client.say(`RCPT TO:${path(301)}\r\n`)).toMatch(/^501 5\.1\.3 /);
  },

  unread() {
    const client = new Client({ limits: { unread: 1024 } });
    client.decide = (question) => (question.type === "hello" ? "later" : accept(question));
    client.say(ehlo);
    client.say("x".repeat(500));
    expect([client.session.waiting, client.session.wantsInput]).toEqual(["answer", true]);
    client.say("x".repeat(600));
    expect(client.session.wantsInput).toBe(false);
    client.answer(client.open.shift(), undefined);
    expect(client.session.wantsInput).toBe(true);
    client.decide = () => "later";
    client.say("\r\nVRFY x\r\n");
    const many = () => {
      for (let count = 0; count < 10_000; count++) client.session.receive(Buffer.from("x"));
    };
    expect(many).toThrow(UsageError);
    expect(heldBy(client.session)).toBeLessThan(20_000);
  },

  errors() {
    const client = new Client({ limits: { errors: 5 } });
    expect(client.codes("FOO", "MAIL", "DATA", "EHLO", "RSET x")).toBe("500 503 503 501 501");
    expect(client.codes("NOOP")).toBe("250");
    expect(client.say("FOO\r\nNOOP\r\n")).toMatch(/^421 4\.7\.0 .*\r\n$/);
    expect(client.closed).toBe("abuse");
  },

  idleCommands() {
    for (const line of [
      "NOOP",
      "RSET",
      "VRFY x",
      "EXPN x",
      "HELP",
      "EHLO a.example",
      "HELO a.example",
      "ETRN x",
    ]) {
      const client = new Client({ extensions: { expn: true, etrn: true }, limits: { idleCommands: 5 } });
      client.codes("EHLO a.example");
      for (let time = 0; time < 4; time++) expect(client.codes(line)).toMatch(/^(2|458)/);
      expect([line, client.say(`${line}\r\n`).slice(0, 9)]).toEqual([line, "421 4.7.0"]);
      expect(client.closed).toBe("abuse");
    }
  },

  refusedRecipients() {
    const client = new Client({ limits: { refusedRecipients: 3 } }, (question) =>
      question.type === "rcpt" ? { code: 550, enhanced: "5.1.1", lines: ["No"] } : accept(question),
    );
    client.say(ehlo + mail);
    expect(codesOf(client.say(rcpt.repeat(2)))).toBe("550 550");
    client.say(`RSET\r\n${mail}`);
    expect(codesOf(client.say(rcpt.repeat(4)))).toMatch(/^550( 550)? 421$/);
    expect(client.closed).toBe("abuse");
  },

  authFailures() {
    const client = new Client({ mechanisms: ["SCRAM-SHA-1"], limits: { authFailures: 4 } }, (question) =>
      question.type === "auth" ? { code: 535, enhanced: "5.7.8", lines: ["No"] } : accept(question),
    );
    client.say(ehlo);
    const line = "AUTH SCRAM-SHA-1 AAAA";
    expect(client.codes(line, line, line, line)).toBe("535 535 535 535");
    expect(client.codes("NOOP")).toBe("250");
    expect(client.codes(line)).toBe("421");
    expect(client.closed).toBe("abuse");
  },

  transactions() {
    const client = new Client({ limits: { transactions: 3 } });
    client.say(ehlo);
    for (let time = 0; time < 3; time++)
      expect(codesOf(client.say(`${mail}${rcpt}DATA\r\n.\r\n`))).toBe("250 250 354 250");
    expect(client.say(mail)).toMatch(/^421 4\.7\.0 /);
    expect(client.closed).toBe("abuse");
  },

  dataBlock: timers.dataBlock,
};

/** Below these a server would not conform. */
const least: [ids: string, name: keyof ServerLimits, octets: number][] = [
  ["L-LEN-07 S-SIZE-01", "message", 65_536],
  ["L-LEN-04", "commandLine", 512],
  ["L-LEN-10", "authLine", 12_288],
  ["L-LEN-06", "textLine", 998],
  ["L-LEN-08 S-RCPT-09", "recipients", 100],
  ["L-LEN-01", "localPart", 64],
  ["L-LEN-02", "domain", 255],
  ["L-LEN-03", "path", 256],
  ["SEC-DOS-01", "authFailures", 3],
];

describe("limits", () => {
  test.each(Object.entries(limits))("L-LEN-23 SEC-DOS-01 the limit %s", (_, limit) => limit());

  test("L-LEN-23 every limit has its test", () => {
    expect(Object.keys(limits).sort()).toEqual(Object.keys(defaultLimits).sort());
  });

  test.each(least)(
    "%s the limit %s may not be set below what every server has to take: %i",
    (_, name, octets) => {
      const settings = (value: number): ServerConfig => ({
        name: "mx.example.com",
        limits: { [name]: value },
      });
      expect(() => settle(settings(octets))).not.toThrow();
      expect(() => settle(settings(octets - 1))).toThrow(UsageError);
      expect(() => settle(settings(Number.NaN))).toThrow(UsageError);
      expect(defaultLimits[name]).toBeGreaterThanOrEqual(octets);
    },
  );

  test("S-SIZE-01 L-LEN-07 a limit of 0 is no limit, and is offered as such", () => {
    const client = new Client({ limits: { message: 0 } });
    expect(client.say(ehlo)).toContain("250-SIZE 0\r\n");
    expect(client.codes("MAIL FROM:<a@example.net> SIZE=999999999999")).toBe("250");
  });

  test("S-SIZE-05 SEC-DOS-01 memory does not grow with the message: content goes out as it comes in", () => {
    for (const begin of ["DATA\r\n", "BDAT 16777216\r\n", "BDAT 99999999999\r\n"]) {
      const client = new Client();
      client.say(ehlo + mail + rcpt + begin);
      const piece = Buffer.from(`${"x".repeat(1022)}\r\n`.repeat(64));
      let out = 0;
      for (let count = 0; count < 200; count++) {
        client.session.receive(piece);
        for (let event = client.session.poll(); event !== null; event = client.session.poll()) {
          if (event.type === "body") out += event.data.length;
        }
        expect(heldBy(client.session)).toBeLessThan(10_000);
      }
      expect(out).toBe(200 * piece.length);
    }
  });

  test("SEC-DOS-01 L-LEN-23 tiny reads are charged for", () => {
    const client = new Client({ limits: { unread: 1024 } });
    client.decide = () => "later";
    client.say(ehlo);
    let reads = 0;
    for (; client.session.wantsInput; reads++) client.session.receive(Buffer.from("x"));
    expect(reads).toBeLessThan(512);
  });

  test("L-LEN-15 L-LEN-11 PLAIN with 255 octets for each part fits, at once and later", () => {
    const response = ["z", "c", "p"].map((octet) => octet.repeat(255)).join("\0");
    const encoded = Buffer.from(response).toString("base64");
    for (const lines of [[`AUTH PLAIN ${encoded}`], ["AUTH PLAIN", encoded]]) {
      const client = new Client({ tls: "implicit", mechanisms: ["PLAIN"] });
      client.tlsUp();
      client.say(ehlo);
      expect(client.codes(...lines)).toMatch(/235$/);
      expect(Buffer.from(client.of("auth").at(-1)?.response ?? []).toString()).toBe(response);
    }
  });

  test("L-LEN-16 mechanism names have 1 to 20 of the characters A-Z 0-9 - _", () => {
    for (const name of ["X", "A-B_9", "ABCDEFGHIJKLMNOPQRST"]) {
      const client = new Client({ mechanisms: [{ name, first: "client", cleartext: false }] });
      expect(client.say(ehlo)).toContain(`250-AUTH ${name}\r\n`);
      expect(client.codes(`AUTH ${name.toLowerCase()} AAAA`)).toBe("235");
    }
    for (const name of ["", "plain", "A B", "ABCDEFGHIJKLMNOPQRSTU", "A.B", "Ä", "A\r\nB"]) {
      expect(() =>
        settle({ name: "mx.example.com", mechanisms: [{ name, first: "client", cleartext: false }] }),
      ).toThrow(UsageError);
    }
    const client = new Client({ mechanisms: ["PLAIN"] });
    client.say(ehlo);
    for (const line of ["AUTH ABCDEFGHIJKLMNOPQRSTU", "AUTH A.B", "AUTH =", "AUTH *"])
      expect(client.codes(line)).toMatch(/^50[14]$/);
  });

  test("L-LEN-17 X-SIZE-02 SIZE has 1 to 20 digits", () => {
    const client = new Client({ limits: { message: 0 } });
    client.say(ehlo);
    expect(client.codes(`MAIL FROM:<a@example.net> SIZE=${"0".repeat(19)}1`)).toBe("250");
    client.codes("RSET");
    expect(client.codes(`MAIL FROM:<a@example.net> SIZE=${"0".repeat(20)}1`)).toBe("501");
  });

  test("L-LEN-21 L-LEN-14 MAIL and RCPT take 512 octets and every increment of the extensions listed", () => {
    const client = new Client({
      extensions: { dsn: true, smtputf8: true, binarymime: true },
      mechanisms: ["SCRAM-SHA-1"],
    });
    client.say(ehlo);
    const full = (line: string, octets: number) => `${line}${" ".repeat(octets - line.length - 2)}\r\n`;
    const increments = { mail: 26 + 17 + 16 + 500 + 115 + 10, rcpt: 530 };
    expect(
      codesOf(
        client.say(
          full(
            `MAIL FROM:<a@example.net> SIZE=1 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=${"e".repeat(100)} AUTH=<>`,
            512 + increments.mail,
          ),
        ),
      ),
    ).toBe("250");
    expect(
      codesOf(
        client.say(full("RCPT TO:<b@example.com> NOTIFY=SUCCESS,FAILURE,DELAY", 512 + increments.rcpt)),
      ),
    ).toBe("250");
  });

  test("X-UTF8-13 X-UTF8-14 lines and addresses are counted in octets of UTF-8, not in characters", () => {
    const client = new Client({ extensions: { smtputf8: true }, limits: { textLine: 998 } });
    client.say(ehlo);
    for (const [pairs, code] of [
      [499, "250"],
      [500, "554"],
    ] as const) {
      client.say(`MAIL FROM:<a@example.net> SMTPUTF8\r\n${rcpt}DATA\r\n`);
      expect(codesOf(client.say(`${"\xC3\xBC".repeat(pairs)}\r\n.\r\n`))).toBe(code);
    }
    client.say("MAIL FROM:<a@example.net> SMTPUTF8\r\n");
    expect(
      client.codes(
        `RCPT TO:<${"\xC3\xBC".repeat(32)}@example.com>`,
        `RCPT TO:<${"\xC3\xBC".repeat(33)}@example.com>`,
      ),
    ).toBe("250 501");
    expect(
      client.codes(
        `RCPT TO:<b@${"\xC3\xBC".repeat(31)}.example>`,
        `RCPT TO:<b@${"\xC3\xBC".repeat(32)}.example>`,
      ),
    ).toBe("250 501");
  });
});

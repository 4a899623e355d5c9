import { reply, type ServerConfig, ServerSession, type ServerSnapshot } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { sameMailbox } from "../../packages/core/src/syntax/path.ts";
import { accept, Client, codesOf, ehlo } from "../dialogues/client.ts";

const forwarding: Partial<ServerConfig> = { extensions: { xforward: { trusted: ["192.0.2.1"] } } };

describe("the rule that a client breaks", () => {
  test.each<[string, string, Partial<ServerConfig>, string, string]>([
    [
      "A-AUTH-15",
      "530",
      { mechanisms: ["SCRAM-SHA-256"], authRequired: true },
      `${ehlo}`,
      "MAIL FROM:<a@example.net>",
    ],
    ["S-LINE-14", "502", {}, ehlo, "ETRN example.com"],
    [
      "X-BURL-02",
      "501",
      {
        service: "submission",
        authRequired: false,
        mechanisms: ["PLAIN"],
        extensions: { burl: { urls: ["imap"] } },
      },
      `${ehlo}MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\n`,
      "BURL //x",
    ],
    [
      "X-FUT-02",
      "501",
      {
        service: "submission",
        authRequired: false,
        mechanisms: ["PLAIN"],
        extensions: { futurerelease: { maximumInterval: 60, maximumTime: "2027-01-01T00:00:00Z" } },
      },
      ehlo,
      "MAIL FROM:<a@example.net> HOLDFOR=61",
    ],
    [
      "X-FUT-02",
      "501",
      {
        service: "submission",
        authRequired: false,
        mechanisms: ["PLAIN"],
        extensions: { futurerelease: { maximumInterval: 60, maximumTime: "2027-01-01T00:00:00Z" } },
      },
      ehlo,
      "MAIL FROM:<a@example.net> HOLDUNTIL=2027-01-01T00:00:01Z",
    ],
    ["S-LINE-13", "500", {}, ehlo, "WHAT"],
    ["S-SEQ-01", "503", {}, ehlo, "RCPT TO:<b@example.com>"],
  ])("%s is told of with it, and answered %s", (rule, code, config, before, line) => {
    const client = new Client(config);
    client.say(before);
    expect(client.codes(line)).toBe(code);
    const told = client.of("violation").map((violation) => violation.rule);
    expect(told).toHaveLength(1);
    if (rule !== "S-LINE-13" && rule !== "S-SEQ-01") expect(told).toEqual([rule]);
    else expect(told[0]).toMatch(/^S-/);
  });

  test("X-XFW-04 what could be read as something else in a header", () => {
    const session = new ServerSession({ name: "mx.example.com", ...forwarding });
    session.connected("192.0.2.1");
    const rules: string[] = [];
    let sent = "";
    const drain = () => {
      for (let event = session.poll(); event !== null; event = session.poll()) {
        if (event.type === "send") sent += Buffer.from(event.data).toString();
        if (event.type === "violation") rules.push(event.rule);
        if ("id" in event) session.answer(event.id, undefined);
      }
    };
    drain();
    session.receive(Buffer.from(`${ehlo}XFORWARD NAME=a+0Ab\r\n`));
    drain();
    expect([codesOf(sent).split(" ").at(-1), rules]).toEqual(["501", ["X-XFW-04"]]);
  });
});

describe("the end of the service", () => {
  const mail = "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\n";

  test("S-SES-11 waits for the message under way where it is to be idle, and not where it is to be now", () => {
    const patient = new Client();
    patient.say(`${ehlo}${mail}DATA\r\n`);
    patient.session.shutdown();
    patient.drain();
    expect(patient.session.waiting).toBe("input");
    expect(codesOf(patient.say("hi\r\n.\r\n"))).toBe("250 421");
    expect(patient.session.waiting).toBe("closed");
    const other = new Client();
    const before = codesOf(other.say(`${ehlo}${mail}DATA\r\n`));
    expect(before).toMatch(/354$/);
    other.session.shutdown("now");
    const sent = other.sent.length;
    other.drain();
    expect(codesOf(other.sent.slice(sent))).toBe("421");
    expect(other.session.waiting).toBe("closed");
    expect(other.of("reset").map(({ cause }) => cause)).toHaveLength(1);
  });

  test("S-SES-11 idle is not less than now: what was to be at once stays so", () => {
    const client = new Client();
    client.say(`${ehlo}${mail}`);
    client.session.shutdown("now");
    client.session.shutdown("idle");
    client.drain();
    expect(client.session.waiting).toBe("closed");
  });
});

describe("a redacted snapshot of a server", () => {
  const heldIn = (snapshot: ServerSnapshot) => snapshot.held as unknown as Record<string, unknown>;

  test("G13 leaves out what belongs to AUTH, and tells of all else", () => {
    const client = new Client({ mechanisms: ["SCRAM-SHA-256"] }, (question) =>
      question.type === "auth" ? "later" : accept(question),
    );
    client.say(ehlo);
    expect(client.session.snapshot().redacted).toBe(false);
    const secret = Buffer.from("n,,n=user,r=secret").toString("base64");
    client.say(`AUTH SCRAM-SHA-256 ${secret}\r\n`);
    const snapshot = client.session.snapshot();
    expect(snapshot).toMatchObject({ version: 1, redacted: true });
    const text = JSON.stringify(snapshot);
    expect(text).not.toContain(secret);
    expect(text).not.toContain("r=secret");
    expect(heldIn(snapshot).state).toMatchObject({ phase: "ready" });
    expect(client.session.snapshot({ secrets: true }).redacted).toBe(false);
  });
});

describe("mailboxes", () => {
  test("S-ADDR-04 Postmaster without a domain is the same in any letters, and no other mailbox", () => {
    const at = (local: string, domain: string | null = null) =>
      ({ local, domain: domain === null ? null : { kind: "name", text: domain } }) as never;
    expect(sameMailbox(at("Postmaster"), at("POSTMASTER"))).toBe(true);
    expect(sameMailbox(at("Postmaster"), at("other"))).toBe(false);
    expect(sameMailbox(at("Postmaster"), at("Postmaster", "example.com"))).toBe(false);
    expect(sameMailbox(at("a", "example.com"), at("a", "EXAMPLE.com"))).toBe(true);
    expect(sameMailbox(at("a", "example.com"), at("A", "example.com"))).toBe(false);
  });
});

describe("VRFY", () => {
  test.each(["B <b@example.com>", "b@example.com", "<b@example.com>"])(
    "G9 may be answered with %j",
    (line) => {
      const client = new Client({}, (question) =>
        question.type === "command" ? reply(250, "2.0.0", line) : accept(question),
      );
      client.say(ehlo);
      expect(client.say("VRFY b\r\n")).toBe(`250 2.0.0 ${line}\r\n`);
    },
  );

  test.each([
    "B <b@example.com",
    "b@example.com>",
    "B b@example.com",
    "B <> b@example.com",
    "<b@example.com> B",
  ])("G9 may not be answered with %j", (line) => {
    const client = new Client({}, (question) => (question.type === "command" ? "later" : accept(question)));
    client.say(`${ehlo}VRFY b\r\n`);
    const [asked] = client.open;
    expect(() => client.session.answer(asked?.id ?? -1, reply(250, "2.0.0", line))).toThrow();
    expect(client.answer(asked, undefined)).toMatch(/^252 /);
  });
});

import {
  ClientSession,
  exchange,
  type HeldEnvelope,
  type Notification,
  nextStep,
  noMailParameters,
  noRcptParameters,
  notification,
  type Outcome,
  outcomeReply,
  passOn,
  type Question,
  type Reply,
  type Report,
  receivedField,
  reply,
  ServerSession,
  UsageError,
} from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { hop } from "./hop.ts";

// A relay made of the helpers and of two sessions: what comes in, what goes out, and what the sender is told.

const received = receivedField({
  from: { hello: "a.example", host: null, address: "192.0.2.1" },
  by: "relay.example",
  protocol: "ESMTP",
  id: null,
  for: null,
  tls: null,
  now: 0,
  offset: 0,
  utf8: false,
});

test("H-RPT-02 H-RCV-01 H-FIX-01 H-LOOP-02 what a relay sends is its Received field, and the content as it came", () => {
  const content =
    "Return-Path: <someone@else.example>\r\nReceived: oddly\r\nsubject:x\r\n\r\nno date, no id\r\n..\r\n";
  const { message, body } = receive("MAIL FROM:<a@a.example>", ["RCPT TO:<b@d.example>"], content);
  const { said } = send(message, received + body, []);
  expect(said).toContain(`DATA\r\n${received}Return-Path: <someone@else.example>\r\nReceived: oddly\r\n`);
  expect(said).toContain(`${received}${content.replace("\r\n..\r\n", "\r\n...\r\n.\r\n")}`);
  expect(said.match(/return-path/gi)).toHaveLength(1);
});

describe("X-DSN-07 a message that asked for notifications", () => {
  const mail = "MAIL FROM:<a@a.example> RET=FULL ENVID=QQ+2B1";
  const all = [
    "RCPT TO:<success@d.example> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Su+2BX@d.example",
    "RCPT TO:<failure@d.example>",
    "RCPT TO:<never@d.example> NOTIFY=NEVER",
  ];

  test("X-DSN-08 goes to a host with DSN as it came", () => {
    const { message, body } = receive(mail, all, "x\r\n");
    const { said, told } = send(message, body, ["DSN"]);
    expect(said).toContain(`${mail}\r\n`);
    for (const line of all) expect(said).toContain(`${line}\r\n`);
    expect(told).toBeNull();
  });

  test("X-DSN-08 X-DSN-05 X-DSN-03 as it came is octet for octet, needless encoding and odd types, too", () => {
    const odd = "MAIL FROM:<a@a.example> ENVID=+51Q1";
    const lines = [
      "RCPT TO:<1@d.example> ORCPT=rfc822;B+6Fb@d.example",
      "RCPT TO:<2@d.example> ORCPT=x_400;+2FC+3DDE",
      "RCPT TO:<3@d.example> ORCPT=utf-8;j\\x{FC}rgen@d.example",
    ];
    const { message, body } = receive(odd, lines, "x\r\n");
    const { said } = send(message, body, ["DSN"]);
    for (const line of [odd, ...lines]) expect(said).toContain(`${line}\r\n`);
  });

  test("X-DSN-15 an ORCPT in UTF-8 goes on in its form for all servers", () => {
    const { message, body } = receive(mail, all.slice(0, 1), "x\r\n");
    const orcpt = { type: "utf-8", address: "jürgen@d.example", raw: "utf-8;jürgen@d.example" };
    const recipients = message.recipients.map(({ to }) => ({
      to,
      parameters: { ...noRcptParameters, orcpt },
    }));
    const { said } = send({ ...message, recipients }, body, ["DSN"]);
    expect(said).toContain("RCPT TO:<success@d.example> ORCPT=utf-8;j\\x{FC}rgen@d.example\r\n");
  });

  test("SEC-INJ-01 what is said to be as it came has to be what a session takes", () => {
    const session = new ClientSession({ name: "relay.example" });
    const say = (envid: string, raw = "rfc822;b@d.example") => {
      const orcpt = { type: "rfc822", address: "b@d.example", raw };
      return session.transaction({ from: null, to: [{ to: "b@d.example", orcpt }], envid: { raw: envid } });
    };
    for (const envid of ["", "a b", "a\r\nRSET", "a=b", "a+0Db", "a+", "ü", "x".repeat(101)])
      expect(() => say(envid)).toThrow(UsageError);
    expect(() => say("a+20b")).not.toThrow();
  });

  test.each([
    "rfc822;b@d.example\r\nRSET",
    "rfc822;c@d.example",
    "b@d.example",
    "rfc822;b@d.example NOTIFY=NEVER",
    "rfc822;b@d.example=",
    "",
  ])("SEC-INJ-01 an ORCPT that does not say the same is not believed: %j", (raw) => {
    const { message, body } = receive(mail, all.slice(0, 1), "x\r\n");
    const orcpt = { type: "rfc822", address: "b@d.example", raw };
    const recipients = message.recipients.map(({ to }) => ({
      to,
      parameters: { ...noRcptParameters, orcpt },
    }));
    const { said } = send({ ...message, recipients }, body, ["DSN"]);
    expect(said).toContain("RCPT TO:<success@d.example> ORCPT=rfc822;b@d.example\r\n");
    expect(said).not.toContain("RSET");
  });

  test("X-DSN-09 goes to a host without DSN bare, and the sender is told what that host will not tell", () => {
    const { message, body } = receive(mail, all, "x\r\n");
    const { said, told } = send(message, body, [], ["250 2.1.5 ok", "550 5.1.1 no", "550 5.1.1 no"]);
    expect(said).toContain("MAIL FROM:<a@a.example>\r\n");
    expect(said).toContain("RCPT TO:<success@d.example>\r\n");
    expect(told?.envelope.recipients[0].to.address).toBe("a@a.example");
    expect(told?.original).toEqual({ contentType: "message/rfc822", whole: true });
    expect(told?.status.text).toBe(
      [
        "Original-Envelope-Id: QQ+1",
        "Reporting-MTA: dns; relay.example",
        "",
        "Original-Recipient: rfc822; Su+X@d.example",
        "Final-Recipient: rfc822; success@d.example",
        "Action: relayed",
        "Status: 2.0.0",
        "Remote-MTA: dns; mx.d.example",
        "",
        "Final-Recipient: rfc822; failure@d.example",
        "Action: failed",
        "Status: 5.1.1",
        "Remote-MTA: dns; mx.d.example",
        "Diagnostic-Code: smtp; 550 5.1.1 no",
        "",
      ].join("\r\n"),
    );
  });

  test("X-DSN-12 and the notification goes from <>, with NOTIFY=NEVER at most, and is told of to nobody", () => {
    const { message, body } = receive(mail, all, "x\r\n");
    const { told } = send(message, body, [], ["550 5.1.1 no", "550 5.1.1 no", "550 5.1.1 no"]);
    const { said, told: second } = send(envelopeOf(told), "x\r\n", ["DSN"], ["550 5.1.1 no"]);
    expect(said).toContain("MAIL FROM:<>\r\nRCPT TO:<a@a.example> NOTIFY=NEVER\r\n");
    expect(second).toBeNull();
    expect(send(envelopeOf(told), "x\r\n", []).said).toContain("MAIL FROM:<>\r\nRCPT TO:<a@a.example>\r\n");
  });
});

test("X-DBY-05 X-PRI-05 X-MTRK-02 X-RRVS-03 X-NOSOL-02 what is to go on is what the client says", () => {
  const since = "2014-04-03T23:01:00Z";
  const envelope: HeldEnvelope = {
    from: { address: "a@a.example" },
    parameters: {
      ...noMailParameters,
      envid: "1@a.example",
      by: { seconds: 120, mode: "return", trace: true },
      priority: -3,
      solicit: ["org.example:ADV"],
      track: { certifier: "dGVzdA==", timeout: 100 },
      holdFor: 60,
    },
    recipients: [
      {
        to: { address: "b@d.example" },
        parameters: { ...noRcptParameters, rrvs: { since, action: "reject" } },
      },
    ],
  };
  const offers = [
    "DSN",
    "DELIVERBY 60",
    "MT-PRIORITY",
    "NO-SOLICITING",
    "MTRK",
    "RRVS",
    "FUTURERELEASE 99 2030-01-01T00:00:00Z",
  ];
  const { said } = send(envelope, "x\r\n", offers, undefined, 30);
  const mail = /^MAIL .*$/m.exec(said)?.[0].trim().split(" ").slice(1).sort();
  expect(mail).toEqual([
    "BY=90;RT",
    "ENVID=1@a.example",
    "FROM:<a@a.example>",
    "MT-PRIORITY=-3",
    "MTRK=dGVzdA==:70",
    "SOLICIT=org.example:ADV",
  ]);
  expect(said).toContain(`RCPT TO:<b@d.example> RRVS=${since};R\r\n`);
});

function envelopeOf(told: Notification | null): HeldEnvelope {
  if (told === null) throw new Error("no notification");
  return told.envelope;
}

/** A session with DSN takes a message. */
function receive(
  mail: string,
  rcpt: readonly string[],
  content: string,
): { message: HeldEnvelope; body: string } {
  const session = new ServerSession({ name: "relay.example", extensions: { dsn: true } });
  let message: HeldEnvelope | null = null;
  let body = "";
  const decide = (question: Question): Reply | undefined => {
    if (question.type !== "message") return undefined;
    message = question.envelope;
    return reply(250, "2.0.0", "Taken");
  };
  exchange(session);
  for (const line of ["EHLO a.example", mail, ...rcpt, "DATA", `${content.replace(/^\./gm, "..")}.`]) {
    const { events } = exchange(session, `${line}\r\n`, decide);
    for (const event of events) if (event.type === "body") body += new TextDecoder().decode(event.data);
  }
  if (message === null) throw new Error("not taken");
  return { message, body };
}

/**
 * A session passes it on to a host that offers these extensions and answers RCPT so; what the client has said, what
 * the host has heard, and what the sender is told.
 */
function send(
  message: HeldEnvelope,
  body: string,
  offers: readonly string[],
  verdicts: readonly string[] = message.recipients.map(() => "250 2.1.5 ok"),
  seconds = 0,
): { said: string; told: Notification | null } {
  const passage = passOn(message, seconds, hop(offers));
  if (passage.envelope === null) throw new Error("it does not go this way");
  const session = new ClientSession({ name: "relay.example", tls: "never", chunking: "avoid" });
  session.transaction(passage.envelope);
  let said = "";
  let outcomes: readonly Outcome[] = [];
  const lines = ["mx.d.example", ...offers];
  const hello = lines.map((line, at) => `250${at < lines.length - 1 ? "-" : " "}${line}\r\n`).join("");
  for (const heard of [
    "",
    "220 mx\r\n",
    hello,
    ...["250 ok", ...verdicts, "354 go", "250 ok"].map((each) => `${each}\r\n`),
  ]) {
    if (session.waiting !== "input" && heard !== "") break;
    session.receive(new TextEncoder().encode(heard));
    for (let event = session.poll(); event !== null; event = session.poll()) {
      if (event.type === "send") said += new TextDecoder().decode(event.data);
      if (event.type === "done") outcomes = event.outcomes;
      if (event.type !== "body") continue;
      session.write(new TextEncoder().encode(body));
      session.finish();
    }
  }
  expect(outcomes).toHaveLength(message.recipients.length);
  const reports = passage.recipients.flatMap(({ index, relayed }, at): Report[] => {
    const outcome = outcomes[index as number];
    const report = { recipient: message.recipients[at], remote: "mx.d.example" };
    const step = nextStep([outcome], 0);
    if (step === "return") return [{ ...report, action: "failed", reply: outcomeReply(outcome) }];
    if (step !== "done" || relayed === null) return [];
    return [{ ...report, action: "relayed", reply: null, status: relayed }];
  });
  return { said, told: notification(message, reports, "relay.example") };
}

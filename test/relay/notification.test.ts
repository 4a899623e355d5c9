import {
  type DeliveryAction,
  type HeldEnvelope,
  isNotificationDue,
  type MailParameters,
  type Notification,
  noMailParameters,
  noRcptParameters,
  notification,
  type RcptParameters,
  type Report,
  reply,
  requestNotifications,
  UsageError,
} from "@sansmtp/core";
import { describe, expect, test } from "vitest";

type Notify = RcptParameters["notify"];

/** What became of a recipient: it failed, if nothing else is said. */
function report(notify: Notify = null, others: Partial<Report> = {}, address = "b@d.example"): Report {
  return {
    recipient: { to: { address }, parameters: { ...noRcptParameters, notify } },
    action: "failed",
    reply: reply(550, "5.1.1", "No such mailbox"),
    remote: "mx.d.example",
    ...others,
  };
}

function envelope(from: string | null, mail: Partial<MailParameters> = {}): HeldEnvelope {
  return {
    from: from === null ? null : { address: from },
    parameters: { ...noMailParameters, ...mail },
    recipients: [],
  };
}

function about(
  from: string | null,
  mail: Partial<MailParameters>,
  ...reports: readonly Report[]
): Notification | null {
  return notification(envelope(from, mail), reports.length === 0 ? [report()] : reports, "relay.example");
}

describe("X-DSN-10 who is told of what", () => {
  const table: [Notify, Record<DeliveryAction, boolean>][] = [
    [null, { failed: true, delayed: true, delivered: false, relayed: false, expanded: false }],
    [["NEVER"], { failed: false, delayed: false, delivered: false, relayed: false, expanded: false }],
    [["SUCCESS"], { failed: false, delayed: false, delivered: true, relayed: true, expanded: true }],
    [["FAILURE"], { failed: true, delayed: false, delivered: false, relayed: false, expanded: false }],
    [["DELAY"], { failed: false, delayed: true, delivered: false, relayed: false, expanded: false }],
    [
      ["FAILURE", "DELAY"],
      { failed: true, delayed: true, delivered: false, relayed: false, expanded: false },
    ],
    [
      ["SUCCESS", "FAILURE", "DELAY"],
      { failed: true, delayed: true, delivered: true, relayed: true, expanded: true },
    ],
  ];

  test.each(table)("NOTIFY=%j", (notify, expected) => {
    for (const [action, due] of Object.entries(expected) as [DeliveryAction, boolean][]) {
      const told = report(notify, { action });
      expect(isNotificationDue(action, envelope("a@a.example"), told.recipient), action).toBe(due);
      expect(about("a@a.example", {}, told) !== null, action).toBe(due);
    }
  });

  test.each(table)(
    "X-DSN-11 H-LOOP-03 L-RETRY-04 NOTIFY=%j, and nobody of mail from the null sender",
    (notify, actions) => {
      for (const action of Object.keys(actions) as DeliveryAction[]) {
        const told = report(notify, { action });
        for (const from of [null, "", "<>"]) {
          const traced = { by: { seconds: 1, mode: "notify", trace: true } } as const;
          expect(isNotificationDue(action, envelope(from, traced), told.recipient)).toBe(false);
          expect(about(from, traced, told)).toBeNull();
        }
      }
    },
  );
});

test("X-DSN-11 H-LOOP-03 L-RETRY-04 of a notification that cannot be delivered no other one is made", () => {
  const first = about("a@a.example", {});
  if (first === null) throw new Error("no notification");
  const [recipient] = first.envelope.recipients;
  for (const notify of [null, ["FAILURE"]] as const) {
    const again = { ...recipient, parameters: { ...recipient.parameters, notify } };
    expect(notification(first.envelope, [report(null, { recipient: again })], "relay.example")).toBeNull();
  }
});

test("X-DSN-12 H-DSN-01 it comes from the null sender, asks for nothing, and has no ENVID and no RET", () => {
  const it = about("a@a.example", { ret: "FULL", envid: "QQ1", auth: "x@a.example" });
  expect(it?.envelope).toEqual({
    from: null,
    parameters: { ...noMailParameters, requireTls: false, priority: null },
    recipients: [{ to: { address: "a@a.example" }, parameters: { ...noRcptParameters, notify: ["NEVER"] } }],
  });
});

test.each([
  ["a@a.example", "a@a.example"],
  ["<a@a.example>", "a@a.example"],
  ["<@hub.example,@other.example:a@a.example>", "a@a.example"],
  ['<"a b"@a.example>', '"a b"@a.example'],
  ["<jürgen@a.example>", "jürgen@a.example"],
])("H-DSN-01 H-GW-01 mail from %s is notified to the reverse-path, without its route: %s", (from, to) => {
  expect(about(from, {})?.envelope.recipients.map((each) => each.to.address)).toEqual([to]);
});

test("SEC-INJ-02 what is no reverse-path is an error of the caller", () => {
  for (const from of ["a", "a@b\r\nRCPT TO:<c@d>", "<a@b", "<a@b> SIZE=1"])
    expect(() => about(from, {})).toThrow(UsageError);
});

describe("H-DSN-02 what it consists of", () => {
  test("a report with a part for programs, and a third part", () => {
    const it = about("a@a.example", {});
    expect(it?.contentType).toBe("multipart/report; report-type=delivery-status");
    expect(it?.status.contentType).toBe("message/delivery-status");
    expect(it?.status.text).toContain("Final-Recipient: rfc822; b@d.example\r\n");
  });

  test.each([
    ["RET=FULL and a failure", { ret: "FULL" }, [report()], "message/rfc822"],
    ["RET=HDRS", { ret: "HDRS" }, [report()], "text/rfc822-headers"],
    ["no RET", {}, [report()], "text/rfc822-headers"],
    ["nothing that failed", { ret: "FULL" }, [report(null, { action: "delayed" })], "text/rfc822-headers"],
    [
      "a failure among others",
      { ret: "FULL" },
      [report(null, { action: "delayed" }), report()],
      "message/rfc822",
    ],
    [
      "a failure of which the sender does not want to know",
      { ret: "FULL" },
      [report(null, { action: "delayed" }), report(["DELAY"])],
      "text/rfc822-headers",
    ],
    ["REQUIRETLS", { ret: "FULL", requireTls: true }, [report()], "text/rfc822-headers"],
    ["SMTPUTF8", { ret: "FULL", smtputf8: true }, [report()], "message/global"],
    ["SMTPUTF8, headers alone", { smtputf8: true }, [report()], "message/global-headers"],
  ] as [string, Partial<MailParameters>, Report[], string][])(
    "X-RTLS-04 with %s",
    (_, mail, reports, type) => {
      const it = about("a@a.example", mail, ...reports);
      expect(it?.original).toEqual({ contentType: type, whole: !type.endsWith("headers") });
    },
  );
});

test("X-RTLS-04 the notification of a message with REQUIRETLS has it, too", () => {
  expect(about("a@a.example", { requireTls: true })?.envelope.parameters.requireTls).toBe(true);
  expect(about("a@a.example", {})?.envelope.parameters.requireTls).toBe(false);
});

test("X-PRI-05 it has the priority of its message", () => {
  expect(about("a@a.example", { priority: -3 })?.envelope.parameters.priority).toBe(-3);
  expect(about("a@a.example", {})?.envelope.parameters.priority).toBeNull();
});

test("a sender in UTF-8 is written to with SMTPUTF8", () => {
  expect(about("jürgen@a.example", {})?.envelope.parameters.smtputf8).toBe(true);
  expect(about("a@a.example", {})?.envelope.parameters.smtputf8).toBe(false);
});

test("H-DSN-04 one notification tells of all recipients of whom the sender wants to know", () => {
  const it = about(
    "a@a.example",
    { envid: "QQ1" },
    report(null, {}, "1@d.example"),
    report(["NEVER"], {}, "2@d.example"),
    report(["FAILURE"], { action: "delayed" }, "3@d.example"),
    report(["SUCCESS"], { action: "relayed" }, "4@d.example"),
    report(null, {}, "5@d.example"),
  );
  expect(it?.reports.map(({ recipient }) => recipient.to.address)).toEqual([
    "1@d.example",
    "4@d.example",
    "5@d.example",
  ]);
  expect(it?.status.text.match(/^Final-Recipient: .*$/gm)).toHaveLength(3);
  expect(it?.status.text).toMatch(/^Original-Envelope-Id: QQ1\r\n/);
  expect(it?.status.text).not.toContain("2@d.example");
});

test("X-DBY-05 with BY=...T the sender is told of each relay, unless it wants to know nothing", () => {
  const by = { seconds: 100, mode: "notify", trace: true } as const;
  const relayed = (notify: Notify, trace = true) =>
    about("a@a.example", { by: { ...by, trace } }, report(notify, { action: "relayed" }));
  expect(relayed(null)?.status.text).toContain("Action: relayed\r\n");
  expect(relayed(["FAILURE"])).not.toBeNull();
  expect(relayed(["NEVER"])).toBeNull();
  expect(relayed(null, false)).toBeNull();
});

test("X-DSN-13 a message that begins its way here names each recipient as the original one, and has a short ENVID", () => {
  const asked = requestNotifications(["b@d.example", "jürgen@e.example"], {
    notify: ["FAILURE", "DELAY"],
    ret: "HDRS",
    envid: "x".repeat(38),
  });
  expect(asked).toEqual({
    to: [
      { to: "b@d.example", notify: ["FAILURE", "DELAY"], orcpt: { type: "rfc822", address: "b@d.example" } },
      {
        to: "jürgen@e.example",
        notify: ["FAILURE", "DELAY"],
        orcpt: { type: "utf-8", address: "jürgen@e.example" },
      },
    ],
    ret: "HDRS",
    envid: "x".repeat(38),
  });
  expect(() => requestNotifications(["b@d.example"], { envid: "x".repeat(39) })).toThrow(UsageError);
  expect(requestNotifications(["b@d.example"])).toEqual({
    to: [{ to: "b@d.example", orcpt: { type: "rfc822", address: "b@d.example" } }],
  });
});

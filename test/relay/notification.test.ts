import {
  type DeliveryAction,
  isNotificationDue,
  noMailParameters,
  notification,
  type RcptParameters,
  type Report,
  reply,
  requestNotifications,
  type SentMail,
  UsageError,
} from "@sansmtp/core";
import { describe, expect, test } from "vitest";

const failed: Report = {
  to: "b@d.example",
  notify: null,
  orcpt: null,
  action: "failed",
  reply: reply(550, "5.1.1", "No such mailbox"),
  remote: "mx.d.example",
};

function about(from: string | null, mail: Partial<SentMail>, ...reports: readonly Partial<Report>[]) {
  const all = reports.length === 0 ? [failed] : reports.map((report) => ({ ...failed, ...report }));
  return notification({ from, mail: { ...noMailParameters, ...mail } }, all, "relay.example");
}

type Notify = RcptParameters["notify"];

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
      expect(isNotificationDue(action, "a@a.example", notify), action).toBe(due);
      expect(about("a@a.example", {}, { action, notify }) !== null, action).toBe(due);
    }
  });

  test.each(table)(
    "X-DSN-11 H-LOOP-03 L-RETRY-04 NOTIFY=%j, and nobody of mail from the null sender",
    (notify, actions) => {
      for (const action of Object.keys(actions) as DeliveryAction[]) {
        for (const from of [null, "", "<>"]) {
          expect(isNotificationDue(action, from, notify, true)).toBe(false);
          expect(
            about(from, { by: { seconds: 1, mode: "notify", trace: true } }, { action, notify }),
          ).toBeNull();
        }
      }
    },
  );
});

test("X-DSN-11 H-LOOP-03 L-RETRY-04 of a notification that cannot be delivered no other one is made", () => {
  const first = about("a@a.example", {});
  if (first === null) throw new Error("no notification");
  expect(notification(first, [{ ...failed, to: first.to, notify: null }], "relay.example")).toBeNull();
});

test("X-DSN-12 H-DSN-01 it comes from the null sender, asks for nothing, and has no ENVID and no RET", () => {
  const it = about("a@a.example", { ret: "FULL", envid: "QQ1", auth: "x@a.example" });
  expect(it).toMatchObject({ from: null, to: "a@a.example" });
  expect(it?.mail).toMatchObject({ ret: null, envid: null, auth: null, body: null });
  expect(it?.rcpt).toMatchObject({ notify: ["NEVER"], orcpt: null });
});

test.each([
  ["a@a.example", "a@a.example"],
  ["<a@a.example>", "a@a.example"],
  ["<@hub.example,@other.example:a@a.example>", "a@a.example"],
  ['<"a b"@a.example>', '"a b"@a.example'],
  ["<jürgen@a.example>", "jürgen@a.example"],
])("H-DSN-01 H-GW-01 mail from %s is notified to the reverse-path, without its route: %s", (from, to) => {
  expect(about(from, {})?.to).toBe(to);
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
    ["RET=FULL and a failure", { ret: "FULL" }, [{}], "message/rfc822"],
    ["RET=HDRS", { ret: "HDRS" }, [{}], "text/rfc822-headers"],
    ["no RET", {}, [{}], "text/rfc822-headers"],
    ["nothing that failed", { ret: "FULL" }, [{ action: "delayed" }], "text/rfc822-headers"],
    ["a failure among others", { ret: "FULL" }, [{ action: "delayed" }, {}], "message/rfc822"],
    [
      "a failure of which the sender does not want to know",
      { ret: "FULL" },
      [{ action: "delayed" }, { notify: ["DELAY"] }],
      "text/rfc822-headers",
    ],
    ["REQUIRETLS", { ret: "FULL", requireTls: true }, [{}], "text/rfc822-headers"],
    ["SMTPUTF8", { ret: "FULL", smtputf8: true }, [{}], "message/global"],
    ["SMTPUTF8, headers alone", { smtputf8: true }, [{}], "message/global-headers"],
  ] as [string, Partial<SentMail>, Partial<Report>[], string][])(
    "X-RTLS-04 with %s",
    (_, mail, reports, type) => {
      const it = about("a@a.example", mail, ...reports);
      expect(it?.original).toEqual({ contentType: type, whole: !type.endsWith("headers") });
    },
  );
});

test("X-RTLS-04 the notification of a message with REQUIRETLS has it, too", () => {
  expect(about("a@a.example", { requireTls: true })?.mail.requireTls).toBe(true);
  expect(about("a@a.example", {})?.mail.requireTls).toBe(false);
});

test("X-PRI-05 it has the priority of its message", () => {
  expect(about("a@a.example", { priority: -3 })?.mail.priority).toBe(-3);
  expect(about("a@a.example", {})?.mail.priority).toBeNull();
});

test("a sender in UTF-8 is written to with SMTPUTF8", () => {
  expect(about("jürgen@a.example", {})?.mail.smtputf8).toBe(true);
  expect(about("a@a.example", {})?.mail.smtputf8).toBe(false);
});

test("H-DSN-04 one notification tells of all recipients of whom the sender wants to know", () => {
  const it = about(
    "a@a.example",
    { envid: "QQ1" },
    { to: "1@d.example" },
    { to: "2@d.example", notify: ["NEVER"] },
    { to: "3@d.example", action: "delayed", notify: ["FAILURE"] },
    { to: "4@d.example", action: "relayed", notify: ["SUCCESS"] },
    { to: "5@d.example" },
  );
  expect(it?.reports.map(({ to }) => to)).toEqual(["1@d.example", "4@d.example", "5@d.example"]);
  expect(it?.status.text.match(/^Final-Recipient: .*$/gm)).toHaveLength(3);
  expect(it?.status.text).toMatch(/^Original-Envelope-Id: QQ1\r\n/);
  expect(it?.status.text).not.toContain("2@d.example");
});

test("X-DBY-05 with BY=...T the sender is told of each relay, unless it wants to know nothing", () => {
  const by = { seconds: 100, mode: "notify", trace: true } as const;
  const relayed = (notify: Notify, trace = true) =>
    about("a@a.example", { by: { ...by, trace } }, { action: "relayed", notify });
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

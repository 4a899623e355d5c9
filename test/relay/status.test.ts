import {
  deliveryStatus,
  noRcptParameters,
  type RcptParameters,
  type Report,
  reply,
  reportStatus,
  UsageError,
} from "@sansmtp/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const failed: Report = {
  recipient: to("b@d.example"),
  action: "failed",
  reply: reply(550, "5.1.1", "No such mailbox"),
  remote: "mx.d.example",
};

function to(address: string, orcpt: RcptParameters["orcpt"] = null): Report["recipient"] {
  return { to: { address }, parameters: { ...noRcptParameters, orcpt } };
}

/** The groups of fields, each without its folding: name and value. */
function groups(text: string): string[][] {
  expect(text).toMatch(/\r\n$/);
  return text
    .slice(0, -2)
    .split("\r\n\r\n")
    .map((group) => group.replaceAll("\r\n ", " ").split("\r\n"));
}

function field(report: Partial<Report>, name: string): string | undefined {
  const text = deliveryStatus("relay.example", null, [{ ...failed, ...report }]);
  const found = groups(text)[1].find((line) => line.startsWith(`${name}: `));
  return found?.slice(name.length + 2);
}

test("H-DSN-03 the fields of the message, then those of each recipient, with blank lines between", () => {
  const text = deliveryStatus("relay.example", "QQ+20314159", [
    {
      ...failed,
      recipient: to("b@d.example", {
        type: "rfc822",
        address: "Bob+x@D.example",
        raw: "rfc822;Bob+2Bx@D.example",
      }),
    },
    { recipient: to("c@e.example"), action: "delayed", reply: null, remote: null },
  ]);
  expect(text).toBe(
    [
      "Original-Envelope-Id: QQ 314159",
      "Reporting-MTA: dns; relay.example",
      "",
      "Original-Recipient: rfc822; Bob+x@D.example",
      "Final-Recipient: rfc822; b@d.example",
      "Action: failed",
      "Status: 5.1.1",
      "Remote-MTA: dns; mx.d.example",
      "Diagnostic-Code: smtp; 550 5.1.1 No such mailbox",
      "",
      "Final-Recipient: rfc822; c@e.example",
      "Action: delayed",
      "Status: 4.0.0",
      "",
    ].join("\r\n"),
  );
});

test("H-DSN-03 ENVID and ORCPT have fields only if they were given, and can be read", () => {
  expect(groups(deliveryStatus("relay.example", null, [failed]))[0]).toEqual([
    "Reporting-MTA: dns; relay.example",
  ]);
  expect(groups(deliveryStatus("relay.example", "a+", [failed]))[0]).toHaveLength(1);
  expect(field({}, "Original-Recipient")).toBeUndefined();
  expect(
    field({ recipient: to("x", { type: "a:b", address: "x", raw: "" }) }, "Original-Recipient"),
  ).toBeUndefined();
});

test.each([
  ["failed", null, undefined, "5.0.0"],
  ["failed", reply(550, "No"), undefined, "5.0.0"],
  ["failed", reply(450, "Not now, and that for days"), undefined, "4.0.0"],
  ["failed", reply(550, "5.7.1", "No"), undefined, "5.7.1"],
  ["failed", reply(450, "4.2.1", "No"), "5.4.7", "5.4.7"],
  ["delayed", null, undefined, "4.0.0"],
  ["delayed", null, "4.4.7", "4.4.7"],
  ["delayed", reply(451, "Busy"), undefined, "4.0.0"],
  ["delivered", null, undefined, "2.0.0"],
  ["relayed", reply(250, "Ok"), undefined, "2.0.0"],
  ["relayed", reply(250, "2.1.5", "Ok"), "2.1.9", "2.1.9"],
  ["expanded", null, undefined, "2.0.0"],
  ["failed", null, "5.1.1\r\nX: y", "5.0.0"],
] as const)("H-DSN-03 the status of %s with %j and %j is %s", (action, said, status, expected) => {
  expect(reportStatus({ ...failed, action, reply: said, status })).toBe(expected);
  expect(field({ action, reply: said, status }, "Status")).toBe(expected);
});

test("H-DSN-03 the next host is named if there is one", () => {
  expect(field({ remote: "[192.0.2.1]" }, "Remote-MTA")).toBe("dns; [192.0.2.1]");
  for (const remote of [null, "", "a b", "a\r\nb"]) expect(field({ remote }, "Remote-MTA")).toBeUndefined();
});

test("H-DSN-07 a reply of several lines keeps the form of each, and is folded between them", () => {
  const said = reply(550, "5.1.1", ["mailbox unavailable", "", "user has moved with no forwarding address"]);
  const text = deliveryStatus("relay.example", null, [{ ...failed, reply: said }]);
  expect(text).toContain(
    "Diagnostic-Code: smtp; 550-5.1.1 mailbox unavailable\r\n 550-5.1.1\r\n" +
      " 550 5.1.1 user has moved with no forwarding address\r\n",
  );
  expect(field({ reply: reply(421, "bye") }, "Diagnostic-Code")).toBe("smtp; 421 bye");
});

test("H-DSN-07 of a reply without end the begin and the last line are told", () => {
  const lines = Array.from({ length: 1000 }, (_, at) => `${at}`.padEnd(4000, "x"));
  const told = field({ reply: reply(550, "5.0.0", lines) }, "Diagnostic-Code") as string;
  expect(told.length).toBeLessThan(25_000);
  expect(told).toMatch(/^smtp; 550-5\.0\.0 0x+ x+ 550-5\.0\.0 1x/);
  expect(told).toMatch(/ 550 5\.0\.0 999x+( x+)?$/);
});

describe("addresses that are not ASCII", () => {
  test.each([
    ["jürgen@d.example", "utf-8; j\\x{FC}rgen@d.example"],
    ["あ+b@樹.example", "utf-8; \\x{3042}\\x{2B}b@\\x{6A39}.example"],
    ["\u{1f600}=\\@d.example", "utf-8; \\x{1F600}\\x{3D}\\x{5C}@d.example"],
    ["a\ud800@d.example", "utf-8; a?@d.example"],
  ])("%s stands as %s", (address, expected) => {
    expect(field({ recipient: to(address) }, "Final-Recipient")).toBe(expected);
    expect(field({ recipient: to("x", { type: "UTF-8", address, raw: "" }) }, "Original-Recipient")).toBe(
      expected,
    );
  });

  test("what was sent as utf-8 stays so", () => {
    expect(
      field(
        { recipient: to("x", { type: "utf-8", address: "a+b@c.example", raw: "" }) },
        "Original-Recipient",
      ),
    ).toBe("utf-8; a\\x{2B}b@c.example");
  });
});

test("blanks in addresses are kept", () => {
  const address = `"a  b   ${"c ".repeat(30)}"@d.example`;
  expect(field({ recipient: to(address) }, "Final-Recipient")).toBe(`rfc822; ${address}`);
});

test("an odd name of this host, and a report about nobody, are errors of the caller", () => {
  for (const reporter of ["", "a b", "a\r\nX: y", "a;b"])
    expect(() => deliveryStatus(reporter, null, [failed])).toThrow(UsageError);
  expect(() => deliveryStatus("relay.example", null, [])).toThrow(UsageError);
});

test("SEC-INJ-02 SEC-TRU-07 H-DSN-03 whatever is told, the part is ASCII, in lines of 998 octets, with these fields alone", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.string({
      maxLength: 300,
      unit: fc.constantFrom(
        ..."\r\n\t\0 ;:<>@ax",
        "\r\n\r\n",
        "\r\nAction: delivered",
        "ü",
        "\ud800",
        "\u2028",
      ),
    }),
    fc.constantFrom(
      "x".repeat(3000),
      " ".repeat(3000),
      `x${" ".repeat(2000)}y`,
      "a ".repeat(900),
      "x".repeat(899),
    ),
  );
  const orcpt = fc.record({
    type: fc.oneof(fc.constantFrom("rfc822", "utf-8"), hostile),
    address: hostile,
    raw: hostile,
  });
  const report = fc.record({
    recipient: fc.tuple(hostile, fc.option(orcpt)).map(([address, original]) => to(address, original)),
    action: fc.constantFrom("failed", "delayed", "delivered", "relayed", "expanded"),
    reply: fc.option(
      fc.record({
        code: fc.integer({ min: 200, max: 559 }),
        enhanced: fc.option(hostile),
        lines: fc.array(hostile, { minLength: 1, maxLength: 4 }),
      }),
    ),
    status: fc.option(hostile),
    remote: fc.option(hostile),
  });
  const names = /^(?:Original-Recipient|Final-Recipient|Action|Status|Remote-MTA|Diagnostic-Code): [!-~]/;
  fc.assert(
    fc.property(fc.array(report, { minLength: 1, maxLength: 3 }), fc.option(hostile), (reports, envid) => {
      const text = deliveryStatus("relay.example", envid, reports);
      for (const line of text.slice(0, -2).split("\r\n")) {
        expect(line.length).toBeLessThanOrEqual(998);
        expect(line).toMatch(/^[ -~]*$/);
        expect(line).not.toMatch(/^ +$/);
      }
      const [message, ...recipients] = groups(text);
      expect(message.at(-1)).toBe("Reporting-MTA: dns; relay.example");
      expect(message.slice(0, -1).every((line) => line.startsWith("Original-Envelope-Id: "))).toBe(true);
      expect(recipients).toHaveLength(reports.length);
      for (const [at, fields] of recipients.entries()) {
        for (const line of fields) expect(line).toMatch(names);
        expect(new Set(fields.map((line) => line.split(":")[0])).size).toBe(fields.length);
        expect(fields).toContain(`Action: ${reports[at].action}`);
      }
    }),
    { numRuns: 800 },
  );
});

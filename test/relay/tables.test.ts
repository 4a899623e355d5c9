/** What a relay says and decides, row by row: replies with their texts, orders, and what is last within a limit. */
import {
  type DnsAnswer,
  deliveryStatus,
  domainToAscii,
  type FailureCode,
  findRoute,
  groupByTargets,
  HeaderReader,
  type HeldEnvelope,
  loopReply,
  nextStep,
  noMailParameters,
  noRcptParameters,
  notification,
  type Outcome,
  outcomeReply,
  passOn,
  type Reply,
  type Report,
  type RouteOptions,
  reply,
  reportStatus,
  requestNotifications,
  type Step,
  sameSolicitation,
  senderTakesNoMail,
  type Target,
  UsageError,
} from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { hop } from "./hop.ts";

const said = ({ code, enhanced, lines }: Reply) => `${code} ${enhanced} ${lines.join("|")}`;

describe("failures", () => {
  test.each<[FailureCode, Step, Step, string]>([
    ["unreachable", "next", "retry", "451 4.4.1 No answer from the host"],
    ["lost", "next", "retry", "451 4.4.2 The connection was lost"],
    ["ended", "next", "retry", "451 4.4.2 The connection was lost"],
    ["timeout", "next", "retry", "451 4.4.2 The connection was lost"],
    ["no-greeting", "next", "retry", "451 4.4.1 No answer from the host"],
    ["closed-by-server", "next", "retry", "451 4.4.2 The connection was lost"],
    ["closed", "retry", "retry", "451 4.4.2 The connection was lost"],
    ["tls-on-plain-port", "next", "retry", "451 4.4.0 The host does not speak SMTP there"],
    ["plain-on-tls-port", "next", "retry", "451 4.4.0 The host does not speak SMTP there"],
    ["http", "next", "retry", "451 4.4.0 The host does not speak SMTP there"],
    ["imap", "next", "retry", "451 4.4.0 The host does not speak SMTP there"],
    ["pop3", "next", "retry", "451 4.4.0 The host does not speak SMTP there"],
    ["ssh", "next", "retry", "451 4.4.0 The host does not speak SMTP there"],
    ["not-smtp", "next", "retry", "451 4.4.0 The host does not speak SMTP there"],
    ["greeting-refused", "next", "retry", "451 4.4.1 No answer from the host"],
    ["hello-refused", "next", "retry", "451 4.4.1 No answer from the host"],
    ["reply-syntax", "next", "retry", "451 4.5.0 The host does not keep to the protocol"],
    ["reply-unsolicited", "next", "retry", "451 4.5.0 The host does not keep to the protocol"],
    ["reply-unexpected", "next", "retry", "451 4.5.0 The host does not keep to the protocol"],
    ["tls-not-offered", "next", "retry", "451 4.7.0 No TLS with the host"],
    ["tls-refused", "next", "retry", "451 4.7.0 No TLS with the host"],
    ["tls-failed", "next", "retry", "451 4.7.0 No TLS with the host"],
    ["tls-injection", "next", "retry", "451 4.7.0 No TLS with the host"],
    ["turn-injection", "next", "retry", "451 4.5.0 The host does not keep to the protocol"],
    ["auth-not-offered", "next", "retry", "451 4.7.0 No authentication at the host"],
    ["auth-in-the-clear", "next", "retry", "451 4.7.0 No authentication at the host"],
    ["auth-refused", "next", "retry", "451 4.7.0 No authentication at the host"],
    ["xclient-refused", "next", "retry", "451 4.7.0 No authentication at the host"],
    ["atrn-refused", "next", "retry", "451 4.7.0 No authentication at the host"],
    ["size-exceeded", "return", "return", "552 5.3.4 Message too big for the host"],
    ["8bitmime-missing", "next", "return", "554 5.6.3 The host takes no 8-bit content"],
    ["binarymime-missing", "next", "return", "554 5.6.3 The host takes no binary content"],
    ["smtputf8-missing", "next", "return", "553 5.6.7 The host takes no UTF-8 addresses"],
    ["chunking-missing", "next", "return", "554 5.3.3 The host lacks an extension"],
    ["dsn-missing", "next", "return", "554 5.3.3 The host lacks an extension"],
    ["requiretls-missing", "next", "return", "550 5.7.30 REQUIRETLS: the host will not do"],
    ["extension-missing", "next", "return", "554 5.3.3 The host lacks an extension"],
    ["limit-exceeded", "again", "again", "452 4.5.3 No more of it at a time"],
    ["content-bare-cr", "return", "return", "554 5.6.0 The content cannot be sent as it is"],
    ["content-bare-lf", "return", "return", "554 5.6.0 The content cannot be sent as it is"],
    ["content-long-line", "return", "return", "554 5.6.0 The content cannot be sent as it is"],
    ["content-8bit", "return", "return", "554 5.6.0 The content cannot be sent as it is"],
    ["abandoned", "retry", "retry", "451 4.3.0 Sending was abandoned"],
  ])(
    "H-MX-16 %s: %s while there are others, then %s; in the words of SMTP %s",
    (code, others, last, words) => {
      const outcome: Outcome = { status: "notTried", reason: { code, detail: "" } };
      expect([nextStep([outcome], 1), nextStep([outcome], 0), said(outcomeReply(outcome))]).toEqual([
        others,
        last,
        words,
      ]);
    },
  );
});

describe("the header", () => {
  const read = (text: string, size = 1) => {
    const reader = new HeaderReader();
    for (let at = 0; at < text.length; at += size)
      reader.take(Buffer.from(text.slice(at, at + size), "latin1"));
    return reader;
  };

  test.each([
    ["Received: from [IPv6:::1]; Mon, 10:20:30\r\n\r\n", 1],
    [`Received${" ".repeat(24)}: x\r\n\r\n`, 1],
    [`Received${" ".repeat(25)}: x\r\n\r\n`, 0],
    ["Subject: Received: x\r\n\r\n", 0],
    [`${"x".repeat(40)}Received: x\r\n\r\n`, 0],
    ["\tReceived: x\r\n Received: y\r\nReceived: z\r\n\r\n", 1],
  ])("H-LOOP-01 of %j it counts %i Received fields", (text, received) => {
    expect(read(text).received).toBe(received);
    expect(read(text, 1000).received).toBe(received);
  });

  test("is over behind the blank line, and not before", () => {
    expect(
      ["", "a: b", "a: b\r\n", "a: b\r\n\r", "a: b\r\n\r\n", "\r\n"].map((text) => read(text).ended),
    ).toEqual([false, false, false, false, true, true]);
  });

  test.each([
    ["TLS-Required: No\r\n\r\n", true],
    ["tls-required:NO\r\n\r\n", true],
    ["TLS-Required:\t \t no\t \r\n \t\r\n\r\n", true],
    ["TLS-Required:\r\n\tNo\r\n\r\n", true],
    [`TLS-Required:${" ".repeat(40)}no${" ".repeat(40)}\r\n\r\n`, true],
    ["TLS-Required: N o\r\n\r\n", false],
    ["TLS-Required: No x\r\n\r\n", false],
    ["TLS-Required: Nox\r\n\r\n", false],
    ["TLS-Required: xNo\r\n\r\n", false],
    ["TLS-Required: Yes\r\n\r\n", false],
    ["TLS-Required:\r\n\r\n", false],
    ["TLS-Required: No\r\nTLS-Required: No\r\n\r\n", false],
    ["a: b\r\n\r\nTLS-Required: No\r\n\r\n", false],
  ])("X-RTLS-05 %j makes TLS optional: %s", (text, optional) => {
    expect([read(text).tlsIsOptional(false), read(text).tlsIsOptional(true)]).toEqual([optional, false]);
  });

  test("keywords of Solicitation are read over folded lines and several fields", () => {
    expect(read("Solicitation: a:b,\r\n\tc:d \r\n e\r\nx: y\r\nSolicitation:f\r\n\r\n").solicitation).toEqual(
      ["a:b", "c:de", "f"],
    );
    const same = [null, []] as const;
    for (const one of same) for (const other of same) expect(sameSolicitation(one, other)).toBe(true);
    expect(sameSolicitation(null, ["a:b"])).toBe(false);
    expect(sameSolicitation(["B:c", "a:b"], ["A:b", "b:C"])).toBe(true);
  });

  test("H-LOOP-01 the refusal of a loop says what it is", () => {
    expect(said(loopReply(100) as Reply)).toBe("554 5.4.6 Too many hops, the message goes round in a loop");
  });
});

describe("passing on", () => {
  const envelope: HeldEnvelope = {
    from: { address: "a@a.example" },
    parameters: noMailParameters,
    recipients: [{ to: { address: "b@d.example" }, parameters: noRcptParameters }],
  };
  const everything = hop([
    "DSN",
    "RRVS",
    "NO-SOLICITING",
    "MT-PRIORITY",
    "MTRK",
    "DELIVERBY",
    "REQUIRETLS",
    "AUTH X",
  ]);

  test("nothing is added, whatever the next host offers", () => {
    for (const next of [hop([]), everything]) {
      expect(passOn(envelope, 0, next).envelope).toStrictEqual({
        from: "a@a.example",
        to: [{ to: "b@d.example" }],
      });
    }
    const tracked = { ...envelope, parameters: { ...noMailParameters, envid: "x@y" } };
    expect(passOn(tracked, 0, everything).envelope).toStrictEqual({
      from: "a@a.example",
      to: [{ to: "b@d.example" }],
      envid: { raw: "x@y" },
    });
    expect(requestNotifications(["a@b"])).toStrictEqual({
      to: [{ to: "a@b", orcpt: { type: "rfc822", address: "a@b" } }],
    });
    expect(
      requestNotifications(["ü@b"], { notify: ["DELAY"], ret: "HDRS", envid: "x".repeat(38) }),
    ).toStrictEqual({
      to: [{ to: "ü@b", notify: ["DELAY"], orcpt: { type: "utf-8", address: "ü@b" } }],
      ret: "HDRS",
      envid: "x".repeat(38),
    });
    expect(() => requestNotifications(["a@b"], { envid: "x".repeat(39) })).toThrow(UsageError);
  });

  const by = (seconds: number, mode: "return" | "notify" = "return") => ({
    by: { seconds, mode, trace: false },
  });
  test.each([
    ["X-DBY-05", by(10), 10, ["DELIVERBY"], {}, "550 5.4.7 Delivery time expired", false],
    ["X-DBY-04", by(10), 0, [], {}, "550 5.4.7 The next host does not promise to deliver in time", true],
    [
      "X-DBY-04",
      by(10),
      0,
      ["DELIVERBY 11"],
      {},
      "550 5.4.7 The next host does not promise to deliver in time",
      true,
    ],
    ["X-DBY-04", by(10), 0, ["DELIVERBY 10"], {}, null, null],
    ["X-DBY-04", by(10), 0, ["DELIVERBY 10,x"], {}, null, null],
    [
      "X-DBY-04",
      by(10),
      0,
      ["DELIVERBY 11,x"],
      {},
      "550 5.4.7 The next host does not promise to deliver in time",
      true,
    ],
    ["X-DBY-04", by(10), 0, ["DELIVERBY x11"], {}, null, null],
    ["X-DBY-04", by(10), 0, ["DELIVERBY 11x"], {}, null, null],
    [
      "X-RTLS-03",
      { requireTls: true },
      0,
      ["REQUIRETLS"],
      {},
      "550 5.7.10 REQUIRETLS: no verified TLS with the next host",
      true,
    ],
    [
      "X-RTLS-03",
      { requireTls: true },
      0,
      [],
      { tls: true, verified: true },
      "550 5.7.30 REQUIRETLS is not supported by the next host",
      true,
    ],
    [
      "X-RTLS-03",
      { requireTls: true },
      0,
      ["REQUIRETLS"],
      { tls: true },
      "550 5.7.10 REQUIRETLS: no verified TLS with the next host",
      true,
    ],
    ["X-RTLS-02", { requireTls: true }, 0, ["REQUIRETLS"], { tls: true, verified: true }, null, null],
  ] as const)(
    "%s with %j, held for %i s, a host with %j and %j: %s",
    (_, mail, seconds, lines, facts, words, elsewhere) => {
      const given = { ...envelope, parameters: { ...noMailParameters, ...mail } };
      const { obstacle } = passOn(given, seconds, hop(lines, facts)).recipients[0];
      expect(obstacle === null ? [null, null] : [said(obstacle.reply), obstacle.elsewhere]).toEqual([
        words,
        elsewhere,
      ]);
    },
  );

  test("who insists on the owner of a mailbox is told that the next host does not look", () => {
    const rrvs = { since: "2026-01-02T03:04:05Z", action: "reject" } as const;
    const recipients = [{ to: { address: "b@d.example" }, parameters: { ...noRcptParameters, rrvs } }];
    const { obstacle } = passOn({ ...envelope, recipients }, 0, hop([])).recipients[0];
    expect(obstacle && said(obstacle.reply)).toBe("550 5.7.19 RRVS is not supported by the next host");
  });
});

describe("notifications", () => {
  const recipient = { to: { address: "b@d.example" }, parameters: noRcptParameters };
  const report: Report = { recipient, action: "failed", reply: null, remote: null };
  const envid = (text: string) =>
    deliveryStatus("relay.example", text, [report]).split("Reporting-MTA")[0] as string;

  test.each([
    ["5.1.1", "5.1.1"],
    ["5.12.345", "5.12.345"],
    ["5.123.4", "5.123.4"],
    ["x5.1.1", "5.0.0"],
    ["5.1.1x", "5.0.0"],
    ["15.1.1", "5.0.0"],
    ["5.1.1234", "5.0.0"],
    ["5.1234.1", "5.0.0"],
    ["3.1.1", "5.0.0"],
    [null, "5.0.0"],
  ])("H-DSN-03 the status %j is told as %s", (status, told) => {
    expect(reportStatus({ ...report, status })).toBe(told);
  });

  test("H-DSN-03 a reply of 4yz makes a failure, and nothing else, a passing one", () => {
    const actions = ["failed", "delayed", "delivered", "relayed", "expanded"] as const;
    const codes = actions.map((action) => reportStatus({ ...report, action, reply: reply(450, "x") }));
    expect(codes).toEqual(["4.0.0", "4.0.0", "2.0.0", "2.0.0", "2.0.0"]);
  });

  test.each([19, 20, 21, 22])("H-DSN-07 of a reply of %i lines 20 are told at most", (count) => {
    const lines = Array.from({ length: count }, (_, at) => `line${at}.`);
    const text = deliveryStatus("relay.example", null, [{ ...report, reply: reply(550, "5.0.0", lines) }]);
    const kept = count <= 20 ? lines : [...lines.slice(0, 19), lines[count - 1]];
    expect(text.match(/line[0-9]+\./g)).toEqual(kept);
    expect(text.match(/550[- ]/g)?.join("")).toBe(`${"550-".repeat(kept.length - 1)}550 `);
  });

  test.each([
    ["", "?"],
    ["+20", "?"],
    ["+20+20a", "a"],
    ["a+20+20b", "a  b"],
    [`a${"+20".repeat(99)}b`, `a${" ".repeat(22)}`],
    [`a${"+20".repeat(100)}b`, "a b"],
    ["+09a+FC+00", "?a??"],
    ["x".repeat(100), "x".repeat(100)],
    [`${"a".repeat(40)}+20${"b".repeat(14)}`, `${"a".repeat(40)} ${"b".repeat(14)}`],
    [`${"a".repeat(40)}+20${"b".repeat(15)}`, `${"a".repeat(40)}\r\n ${"b".repeat(15)}`],
  ])("H-DSN-03 the ENVID %s stands as %j", (given, told) => {
    const text = envid(given);
    if (given.includes("+20".repeat(99)) && !given.includes("+20".repeat(100)))
      expect(text).toBe(`Original-Envelope-Id: a\r\n${" ".repeat(99)}b\r\n`);
    else expect(text).toBe(`Original-Envelope-Id: ${told}\r\n`);
  });

  test("H-DSN-03 a word that is longer than a line may be is broken", () => {
    expect(envid("x".repeat(1000))).toBe(
      `Original-Envelope-Id: ${"x".repeat(900 - 22)}\r\n ${"x".repeat(122)}\r\n`,
    );
    expect(envid("x".repeat(878))).toBe(`Original-Envelope-Id: ${"x".repeat(878)}\r\n`);
  });

  test.each([
    ["a@b", "a@b"],
    ["<a@b>", "a@b"],
    ["<@one,@two:a@b>", "a@b"],
    ["a..b.@c", '"a..b."@c'],
    ["a_b@c_d", "a_b@c_d"],
    ['a."b c".d@e', '"a.b c.d"@e'],
    ["jürgen@münchen.example", "jürgen@münchen.example"],
    [`${"l".repeat(300)}@${"d.".repeat(150)}d`, `${"l".repeat(300)}@${"d.".repeat(150)}d`],
  ])("H-DSN-01 to the sender %s it goes as %s", (from, to) => {
    const made = notification(
      { from: { address: from }, parameters: noMailParameters, recipients: [] },
      [report],
      "relay.example",
    );
    expect(made?.envelope.recipients[0]?.to.address).toBe(to);
  });

  test.each(["a@b.", "<a@b.>"])("H-DSN-01 a dot behind the domain of %s is tolerated", (from) => {
    const made = notification(
      { from: { address: from }, parameters: noMailParameters, recipients: [] },
      [report],
      "relay.example",
    );
    expect(made?.envelope.recipients[0]?.to.address).toMatch(/^a@b\.?$/);
  });

  test("H-DSN-01 from whom no session can have accepted it is an error, by the limits of a header line", () => {
    const from = (text: string) => ({
      from: { address: text },
      parameters: noMailParameters,
      recipients: [],
    });
    const domain = (length: number) => "d.".repeat(320).slice(-length);
    for (const text of [`${"l".repeat(641)}@b`, `a@${domain(641)}`, `${"l".repeat(320)}@${domain(319)}`])
      expect(() => notification(from(text), [report], "relay.example")).toThrow(UsageError);
    expect(
      notification(from(`${"l".repeat(318)}@${domain(319).slice(1)}`), [report], "relay.example"),
    ).not.toBeNull();
  });

  test.each(["a", "a b@c", "<a@b", "a@b>", "<a@b> x", "@b"])("from %s it is an error", (from) => {
    const held = { from: { address: from }, parameters: noMailParameters, recipients: [] };
    expect(() => notification(held, [report], "relay.example")).toThrow(UsageError);
  });
});

describe("routes", () => {
  const options: RouteOptions = {
    own: ["relay.example", "[192.0.2.250]", "[IPv6:2001:DB8::25]"],
    random: () => 0,
  };
  const mx = (name: string, ...records: (readonly [number, string])[]): DnsAnswer => ({
    type: "mx",
    name,
    status: "found",
    records: records.map(([preference, exchange]) => ({ preference, exchange })),
  });
  const ip = (name: string, ...addresses: string[]): DnsAnswer => ({
    type: "addresses",
    name,
    status: "found",
    addresses,
  });
  const trouble = (
    type: "mx" | "addresses",
    name: string,
    status: "failed" | "nonexistent" = "failed",
  ): DnsAnswer => ({ type, name, status });
  const d = "d.example";
  /** In a line: what is asked, where to go, or why not. */
  const route = (
    domain: string,
    answers: readonly DnsAnswer[],
    others: Partial<RouteOptions> = {},
  ): string => {
    const found = findRoute(domain, answers, { ...options, ...others });
    if (found.status === "asking")
      return `? ${found.questions.map(({ type, name }) => `${type} ${name}`).join(", ")}`;
    if (found.status === "none") return `${found.reason}: ${said(found.reply)}`;
    return found.targets
      .map(({ host, address, preference }) => `${preference} ${host} ${address}`)
      .join(", ");
  };
  const alias = (count: number, type: "mx" | "addresses" = "mx"): DnsAnswer[] =>
    Array.from(
      { length: count },
      (_, at): DnsAnswer => ({
        type,
        name: at === 0 ? d : `a${at}.example`,
        status: "alias",
        to: `a${at + 1}.example.`,
      }),
    );
  const loop = "loop: 554 5.4.6 Mail for the domain loops back to this host";
  const noSuchDomain = "no-such-domain: 550 5.1.2 Recipient domain does not exist";
  const noExchange = "no-exchange: 550 5.4.4 No mail host of the domain has an address";
  const dnsFailure = "dns-failure: 451 4.4.3 Recipient domain cannot be looked up now";

  test.each<[string, string, readonly DnsAnswer[], string]>([
    ["H-MX-01", d, [], "? mx d.example"],
    ["H-MX-01", "D.Example.", [], "? mx d.example"],
    ["H-MX-13", "bücher.example", [], "? mx xn--bcher-kva.example"],
    ["H-MX-01", "a_b.example", [], "? mx a_b.example"],
    ["H-MX-13", "☃.example", [], noSuchDomain],
    ["H-MX-02", d, [trouble("mx", d)], dnsFailure],
    ["H-MX-02", d, [trouble("mx", d, "nonexistent")], noSuchDomain],
    ["H-MX-03", d, [mx(d)], "? addresses d.example"],
    ["H-MX-03", d, [mx(d), ip(d, "192.0.2.1")], "0 d.example 192.0.2.1"],
    ["H-MX-03", d, [mx(d), ip(d)], noSuchDomain],
    ["H-MX-03", d, [mx(d), trouble("addresses", d)], dnsFailure],
    ["H-MX-03", d, [mx(d), trouble("addresses", d, "nonexistent")], noSuchDomain],
    ["H-MX-06", "relay.example", [mx("relay.example")], loop],
    ["H-MX-08", d, [mx(d, [0, "."])], "null-mx: 556 5.1.10 Domain does not accept mail"],
    ["H-MX-09", d, [mx(d, [0, "."], [5, "x.example"])], "? addresses x.example"],
    ["H-MX-12", d, [mx(d, [0, "192.0.2.1"])], noExchange],
    ["H-MX-12", d, [mx(d, [0, "2130706433"])], noExchange],
    ["H-MX-12", d, [mx(d, [0, "ü.example"])], noExchange],
    ["H-MX-12", d, [mx(d, [0, "a..example"])], noExchange],
    ["H-MX-12", d, [mx(d, [0, "a.example.."])], noExchange],
    ["H-MX-12", d, [mx(d, [0, "1a.example"])], "? addresses 1a.example"],
    ["H-MX-12", d, [mx(d, [0, "4.3.example"])], "? addresses 4.3.example"],
    ["H-MX-12", d, [mx(d, [0, "a_b.example"])], "? addresses a_b.example"],
    [
      "H-MX-05",
      d,
      [
        mx(d, [20, "b.example"], [10, "a.example"]),
        ip("a.example", "192.0.2.1"),
        ip("b.example", "192.0.2.2"),
      ],
      "10 a.example 192.0.2.1, 20 b.example 192.0.2.2",
    ],
    ["H-MX-06", d, [mx(d, [30, "relay.example"], [10, "RELAY.example."], [20, "b.example"])], loop],
    ["H-MX-06", d, [mx(d, [30, "relay.example"], [20, "b.example"])], "? addresses b.example"],
    [
      "H-MX-06",
      d,
      [
        mx(d, [10, "a.example"], [10, "b.example"]),
        ip("a.example", "192.0.2.250"),
        trouble("addresses", "b.example"),
      ],
      loop,
    ],
    [
      "H-MX-06",
      d,
      [
        mx(d, [20, "a.example"], [10, "b.example"]),
        ip("a.example", "192.0.2.250"),
        trouble("addresses", "b.example"),
      ],
      dnsFailure,
    ],
    [
      "H-MX-06",
      d,
      [
        mx(d, [10, "a.example"], [20, "b.example"]),
        ip("a.example", "::ffff:192.0.2.250"),
        ip("b.example", "192.0.2.2"),
      ],
      loop,
    ],
    ["H-MX-06", d, [mx(d, [10, "a.example"]), ip("a.example", "2001:db8:0::25")], loop],
    [
      "H-MX-02",
      d,
      [mx(d, [10, "a.example"], [20, "b.example"]), trouble("addresses", "a.example"), ip("b.example")],
      dnsFailure,
    ],
    [
      "H-MX-12",
      d,
      [
        mx(d, [10, "a.example"], [20, "b.example"]),
        ip("a.example"),
        trouble("addresses", "b.example", "nonexistent"),
      ],
      noExchange,
    ],
    ["H-MX-05", d, [mx(d, [20, "a.example"], [10, "a.example"])], "? addresses a.example"],
    [
      "H-MX-05",
      d,
      [mx(d, [20, "a.example"], [10, "a.example"]), ip("a.example", "192.0.2.1")],
      "10 a.example 192.0.2.1",
    ],
    ["H-MX-11", "[192.0.2.1]", [], "0 null 192.0.2.1"],
    ["H-MX-11", "[IPv6:2001:db8::1]", [], "0 null 2001:db8::1"],
    ["H-MX-11", "[IPv6:::ffff:192.0.2.1]", [], "0 null 192.0.2.1"],
    ["H-MX-06", "[192.0.2.250]", [], loop],
    ["H-MX-06", "[IPv6:2001:db8::25]", [], loop],
    ["H-MX-11", "[x:y]", [], "unknown-literal: 550 5.1.2 Address literal of an unknown kind"],
    ["H-MX-01", d, [...alias(8), mx("a8.example", [0, "x.example"])], "? addresses x.example"],
    ["H-MX-01", d, [...alias(9), mx("a9.example", [0, "x.example"])], dnsFailure],
    [
      "H-MX-01",
      d,
      [mx(d), ...alias(8, "addresses"), ip("a8.example", "192.0.2.1")],
      "0 a8.example 192.0.2.1",
    ],
    ["H-MX-01", d, [mx(d), ...alias(9, "addresses"), ip("a9.example", "192.0.2.1")], dnsFailure],
  ])("%s to %s with %j: %s", (_, domain, answers, expected) => {
    expect(route(domain, answers)).toBe(expected);
    expect(route(domain, [...answers].reverse())).toBe(expected);
  });

  test("H-MX-01 a domain that is given as one may have the dot of the root behind it", () => {
    const found = findRoute({ kind: "name", text: "D.example." }, [], options);
    expect(found).toEqual({ status: "asking", questions: [{ type: "mx", name: "d.example" }] });
  });

  test("H-MX-06 what is no address of ours in full is none", () => {
    for (const own of ["x[192.0.2.1]", "[192.0.2.1]x", "[IPv6:2001:db8::1]x", "192.0.2.1.", ""])
      expect(route("[192.0.2.1]", [], { own: [own] })).toBe("0 null 192.0.2.1");
    for (const own of ["192.0.2.1", "[192.0.2.1]", "::ffff:192.0.2.1", "[ipv6:::ffff:192.0.2.1]"])
      expect(route("[192.0.2.1]", [], { own: [own] })).toBe(loop);
  });

  test("H-MX-05 the limit keeps the best, and each order of equals takes as many draws as it needs", () => {
    const answers = [mx(d, [20, "b.example"], [10, "a.example"], [10, "c.example"])];
    expect(route(d, answers, { limit: 1 })).toBe("? addresses a.example");
    expect(route(d, answers, { limit: 2 })).toBe("? addresses a.example, addresses c.example");
    expect(() => route(d, answers, { limit: 0 })).toThrow(UsageError);
    let draws = 0;
    const random = () => {
      draws++;
      return 0;
    };
    const known = [
      ...answers,
      ...["a", "b", "c"].map((name, at) => ip(`${name}.example`, `192.0.2.${at + 1}`)),
    ];
    expect(route(d, known, { random })).toBe(
      "10 c.example 192.0.2.3, 10 a.example 192.0.2.1, 20 b.example 192.0.2.2",
    );
    expect(draws).toBe(2);
    expect(route(d, known, { limit: 2 })).toBe("10 c.example 192.0.2.3, 10 a.example 192.0.2.1");
  });

  test("H-MX-10 a sender who can be told nothing is refused in these words", () => {
    expect(said(senderTakesNoMail)).toBe("550 5.7.27 Sender address has null MX");
  });

  test("H-MX-14 the same targets are the same in any order of equals, and whatever the numbers are", () => {
    const target = (host: string, preference: number): Target => ({
      host,
      address: `192.0.2.${host.length}`,
      preference,
    });
    const of = (...targets: Target[]) => ({ targets });
    const together = [
      of(target("a", 10), target("bb", 20), target("ccc", 20)),
      of(target("bb", 20), target("ccc", 20), target("a", 10)),
      of(target("a", 5), target("ccc", 6), target("bb", 6)),
      of(target("ccc", 300), target("bb", 300), target("a", 20)),
    ];
    const apart = [
      of(target("a", 20), target("bb", 10), target("ccc", 10)),
      of(target("a", 10), target("bb", 20), target("ccc", 30)),
      of(target("a", 10), target("bb", 20)),
    ];
    expect(groupByTargets([...together, ...apart])).toEqual([together, ...apart.map((one) => [one])]);
  });
});

describe("names in the DNS", () => {
  test.each([
    `a-ü.example`,
    "a-b-ü.example",
    "aüb--c.example",
    "abc--ü.example",
    "例丠他zz.example",
    `ü${"a".repeat(55)}.example`,
  ])("H-MX-13 %s is what the URL of the host has", (name) => {
    expect(domainToAscii(name)).toBe(new URL(`http://${name}`).hostname);
  });

  test.each([
    [`ü${"a".repeat(56)}.example`, false],
    [`${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}`, true],
    [`${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(62)}`, false],
    [`${"a".repeat(64)}.example`, false],
    ["a--ü.example", true],
    ["ab--ü.example", false],
    ["-ü.example", false],
    ["ü-.example", false],
  ])("H-MX-13 %s can be in it: %s", (name, can) => {
    expect(domainToAscii(name) !== null).toBe(can);
  });
});

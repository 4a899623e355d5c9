import {
  type CustomExtension,
  defaultExtensions,
  isAnnounced,
  redactUrl,
  registry,
  reply,
  type ServerConfig,
  ServerSession,
  settle,
  UsageError,
} from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { isWithin, parseAddressOctets, parseNetwork } from "../../packages/core/src/wire/network.ts";
import { Client, codesOf, ehlo, frozen } from "../dialogues/client.ts";

const name = "mx.example.com";
const submission: Partial<ServerConfig> = { service: "submission", mechanisms: ["SCRAM-SHA-256"] };
const onDemand: Partial<ServerConfig> = { service: "on-demand", mechanisms: ["CRAM-MD5"] };
const release = { maximumInterval: 60, maximumTime: "2027-01-01T00:00:00Z" };

describe("an extension of the application's own", () => {
  const own: CustomExtension = {
    keyword: "XQUEUE",
    announce: "fast slow",
    mail: [
      { keyword: "XQUEUE", valid: (value) => value === "fast" || value === "slow" },
      { keyword: "XHELD", value: "none" },
      { keyword: "XNOTE", value: "optional" },
    ],
    rcpt: [{ keyword: "XROUTE" }],
    verbs: [
      { verb: "XSTAT", syntax: "XSTAT [queue]" },
      { verb: "XFLUSH", transaction: "outside", beforeHello: false },
      { verb: "XMARK", transaction: "within", pipelined: true },
    ],
  };

  test("X-GEN-01 is announced, and its parameters and verbs come to the application, without any other change", () => {
    const client = new Client({ custom: [own] }, (question) => {
      if (question.type === "command" && question.verb === "XSTAT") return reply(250, "2.0.0", "42 messages");
      return question.type === "message" ? reply(250, "2.0.0", "OK") : undefined;
    });
    expect(client.say(ehlo)).toMatch(/\r\n250 XQUEUE fast slow\r\n$/);
    expect(client.say("xstat deferred  \r\n")).toBe("250 2.0.0 42 messages\r\n");
    expect(client.of("command").at(-1)).toMatchObject({ verb: "XSTAT", argument: "deferred" });
    // Silence means no.
    expect(client.codes("XFLUSH")).toBe("502");
    expect(client.codes("MAIL FROM:<a@example.net> xqueue=fast XHELD XNOTE=x")).toBe("250");
    expect(client.of("mail")[0]?.parameters.other).toEqual({ XQUEUE: "fast", XHELD: true, XNOTE: "x" });
    expect(client.codes("RCPT TO:<b@example.com> XROUTE=here")).toBe("250");
    expect(client.of("rcpt")[0]?.parameters.other).toEqual({ XROUTE: "here" });
    expect(client.codes("XMARK")).toBe("502");
    expect(client.codes("RSET", "MAIL FROM:<a@example.net> XNOTE", "RCPT TO:<b@example.com>")).toBe(
      "250 250 250",
    );
    expect(client.of("mail")[1]?.parameters.other).toEqual({ XNOTE: true });
    expect(client.of("rcpt")[1]?.parameters.other).toEqual({});
  });

  test("S-PARM-02 S-PARM-03 S-PARM-04 S-PARM-05 X-GEN-03 its parameters are judged as all others are", () => {
    const client = new Client({ custom: [own] });
    client.say(ehlo);
    for (const [parameters, code] of [
      ["XQUEUE=medium", "501"],
      ["XQUEUE", "501"],
      ["XQUEUE=", "501"],
      ["XQUEUE=fast XQUEUE=fast", "501"],
      ["XHELD=1", "501"],
      ["XROUTE=here", "555"],
      ["XELSE", "555"],
    ] as const)
      expect([parameters, client.codes(`MAIL FROM:<a@example.net> ${parameters}`)]).toEqual([
        parameters,
        code,
      ]);
    expect(client.codes("HELO a.example", "MAIL FROM:<a@example.net> XQUEUE=fast")).toBe("250 555");
    const without = new Client();
    expect(without.codes("EHLO a.example", "MAIL FROM:<> XQUEUE=fast", "XSTAT")).toBe("250 555 500");
  });

  test("S-SEQ-01 its verbs are legal where they say", () => {
    const client = new Client({ custom: [own], tls: "offered" });
    expect(client.codes("XSTAT", "XFLUSH", "XMARK")).toBe("502 503 503");
    client.say(ehlo);
    expect(client.codes("XSTAT", "XFLUSH", "XMARK")).toBe("502 502 503");
    expect(client.codes("MAIL FROM:<a@example.net>", "XSTAT", "XFLUSH", "XMARK")).toBe("250 502 503 502");
    expect(client.of("command").map(({ verb }) => verb)).toEqual([
      "XSTAT",
      "XSTAT",
      "XFLUSH",
      "XSTAT",
      "XMARK",
    ]);
    const demanding = new Client({ custom: [own], tls: "required" });
    expect(demanding.codes("XSTAT")).toBe("530");
    const open = { keyword: null, verbs: [{ verb: "XSTAT", beforeTls: true, beforeAuth: true }] };
    const both = { tls: "required", mechanisms: ["SCRAM-SHA-256"], authRequired: true } as const;
    expect(new Client({ custom: [open], ...both }).codes("XSTAT")).toBe("502");
  });

  test("S-HELP-01 HELP knows them", () => {
    const client = new Client({ custom: [own] });
    expect(client.say("HELP\r\n")).toMatch(/ XSTAT XFLUSH XMARK\r\n$/);
    expect(client.say("HELP xstat\r\n")).toBe("214 2.0.0 Syntax: XSTAT [queue]\r\n");
  });

  test("G2 G7 a session with them is frozen and thawed as any other", () => {
    const config = { name, custom: [own] };
    const client = new Client(config);
    client.say(`${ehlo}MAIL FROM:<a@example.net> XNOTE=x\r\nRCPT TO:<b@example.com> XROUTE=here\r\n`);
    const again = ServerSession.restore(config, frozen(client.session));
    expect(again.envelope).toEqual(client.session.envelope);
    expect(again.envelope.recipients[0]?.parameters.other).toEqual({ XROUTE: "here" });
  });

  test.each<[string, CustomExtension]>([
    ["a keyword of the registry", { keyword: "size" }],
    ["a keyword with a space", { keyword: "X Y" }],
    ["a keyword with a line end", { keyword: "X\r\nSTARTTLS" }],
    ["an empty keyword", { keyword: "" }],
    ["words that end the line", { keyword: "XX", announce: "a\r\n250 STARTTLS" }],
    ["words without keyword", { keyword: null, announce: "a" }],
    ["two blanks", { keyword: "XX", announce: "a  b" }],
    ["a line too long", { keyword: "XX", announce: "a".repeat(504) }],
    ["a parameter of the registry", { keyword: "XX", mail: [{ keyword: "SIZE" }] }],
    ["one of RCPT at MAIL", { keyword: "XX", mail: [{ keyword: "NOTIFY" }] }],
    ["a parameter in small letters", { keyword: "XX", rcpt: [{ keyword: "xx" }] }],
    ["a parameter with =", { keyword: "XX", rcpt: [{ keyword: "X=" }] }],
    ["a misspelled kind of value", { keyword: "XX", mail: [{ keyword: "XX", value: "requierd" as "none" }] }],
    ["a verb of the standards", { keyword: "XX", verbs: [{ verb: "QUIT" }] }],
    ["a verb of the registry", { keyword: "XX", verbs: [{ verb: "XCLIENT" }] }],
    ["a verb in small letters", { keyword: "XX", verbs: [{ verb: "xx" }] }],
    ["a verb that is too long", { keyword: "XX", verbs: [{ verb: "X".repeat(64) }] }],
    ["a misspelled place", { keyword: "XX", verbs: [{ verb: "XX", transaction: "outsdie" as "outside" }] }],
    ["a syntax with a line end", { keyword: "XX", verbs: [{ verb: "XX", syntax: "XX\r\n" }] }],
  ])("G9 G12 %s is refused", (_, extension) => {
    expect(() => settle({ name, custom: [extension] })).toThrow(UsageError);
  });

  test("G9 nothing is there twice", () => {
    for (const two of [
      [{ keyword: "XX" }, { keyword: "xx" }],
      [
        { keyword: null, mail: [{ keyword: "XX" }] },
        { keyword: null, mail: [{ keyword: "XX" }] },
      ],
      [{ keyword: null, rcpt: [{ keyword: "XX" }, { keyword: "XX" }] }],
      [{ keyword: null, verbs: [{ verb: "XX" }, { verb: "XX" }] }],
    ] satisfies CustomExtension[][])
      expect(() => settle({ name, custom: two })).toThrow(/twice/);
  });

  test("S-LINE-13 a verb is not taken for another that begins alike", () => {
    const custom = [{ keyword: null, verbs: [{ verb: "X".repeat(63) }] }];
    const client = new Client({ custom });
    expect(client.codes("X".repeat(63), "X".repeat(64), "X".repeat(65))).toBe("502 500 500");
  });
});

describe("what is configured", () => {
  test.each<[string, Partial<ServerConfig>]>([
    ["X-BURL-01 BURL on a relay", { extensions: { burl: { urls: ["imap"] } } }],
    [
      "X-BURL-01 BURL without 8BITMIME",
      { ...submission, extensions: { burl: { urls: ["imap"] }, "8bitmime": false } },
    ],
    ["X-BURL-05 BURL without a URL", { ...submission, extensions: { burl: { urls: [] } } }],
    ["X-BURL-05 G12 BURL with a space", { ...submission, extensions: { burl: { urls: ["imap http"] } } }],
    ["X-BURL-05 BURL with a path", { ...submission, extensions: { burl: { urls: ["imap://a.example/b"] } } }],
    ["X-BURL-05 BURL with a user", { ...submission, extensions: { burl: { urls: ["imap://a@b.example"] } } }],
    [
      "X-BURL-05 BURL with too many",
      { ...submission, extensions: { burl: { urls: Array(99).fill("imaps") } } },
    ],
    ["X-FUT-01 FUTURERELEASE on a relay", { extensions: { futurerelease: release } }],
    [
      "X-FUT-01 for no time",
      { ...submission, extensions: { futurerelease: { ...release, maximumInterval: 0 } } },
    ],
    [
      "X-FUT-01 for too long",
      { ...submission, extensions: { futurerelease: { ...release, maximumInterval: 1e9 } } },
    ],
    [
      "X-FUT-01 until nonsense",
      { ...submission, extensions: { futurerelease: { ...release, maximumTime: "soon" } } },
    ],
    [
      "X-FUT-01 until elsewhere",
      {
        ...submission,
        extensions: { futurerelease: { ...release, maximumTime: "2027-01-01T00:00:00+01:00" } },
      },
    ],
    [
      "X-FUT-01 until a function fails",
      { ...submission, extensions: { futurerelease: { ...release, maximumTime: () => 5 as never } } },
    ],
    ["X-DBY-01 a least time of 0", { extensions: { deliverby: { minimum: 0 } } }],
    ["X-DBY-01 a least time of ten digits", { extensions: { deliverby: { minimum: 1_000_000_000 } } }],
    ["X-PRI-01 a policy of 21 letters", { extensions: { mtPriority: { policy: "x".repeat(21) } } }],
    ["X-PRI-01 a policy with a space", { extensions: { mtPriority: { policy: "a b" } } }],
    ["X-PRI-03 trust that is misspelled", { extensions: { mtPriority: { trust: "everybody" as "all" } } }],
    ["X-NOSOL-01 keywords that are none", { extensions: { noSoliciting: { keywords: ["ADV"] } } }],
    ["X-NOSOL-01 no keywords", { extensions: { noSoliciting: { keywords: [] } } }],
    [
      "X-NOSOL-01 keywords too long for a line",
      { extensions: { noSoliciting: { keywords: [`a:${"b".repeat(479)}`] } } },
    ],
    ["X-MTRK-01 MTRK without DSN", { extensions: { mtrk: true } }],
    ["X-XCL-01 a trusted host by name", { extensions: { xclient: { trusted: ["proxy.example"] } } }],
    ["X-XFW-01 a network with bits behind it", { extensions: { xforward: { trusted: ["10.0.0.1/8"] } } }],
    ["X-ETRN-05 X-SUB-03 ETRN on submission", { ...submission, extensions: { etrn: true } }],
    ["X-ATRN-05 X-SUB-03 ATRN on submission", { ...submission, extensions: { atrn: true } }],
    ["X-ATRN-05 ATRN on a relay", { mechanisms: ["CRAM-MD5"], extensions: { atrn: true } }],
    ["X-ATRN-01 on-demand without ATRN", { ...onDemand, extensions: { atrn: false } }],
    ["X-ATRN-04 on-demand without CRAM-MD5", { service: "on-demand", mechanisms: ["SCRAM-SHA-256"] }],
    ["X-ATRN-02 on-demand for anybody", { ...onDemand, authRequired: false }],
    ["X-SUB-03 submission without AUTH", { service: "submission" }],
    ["a service that is misspelled", { service: "submision" as "submission" }],
    ["LMTP with PRDR", { protocol: "lmtp", extensions: { prdr: true } }],
  ])("%s cannot be", (_, config) => {
    expect(() => settle({ name, ...config })).toThrow(UsageError);
  });

  test("X-SUB-03 521 is no greeting of a submission server", () => {
    const session = new ServerSession({ name, ...submission });
    const question = session.poll();
    if (question?.type !== "connect") throw new Error("no greeting was asked");
    expect(() => session.answer(question.id, reply(521, "No mail here"))).toThrow(UsageError);
    expect(session.answer(question.id, reply(554, "No mail here"))).toBe(true);
  });

  test("G9 stays the caller's own: nothing of it is frozen, and nothing that becomes of it counts", () => {
    const trusted = ["10.0.0.1"];
    const urls = ["imap"];
    const extensions = { xclient: { trusted }, burl: { urls }, deliverby: { minimum: 5 } };
    const settings = settle({ name, ...submission, extensions });
    trusted.push("192.0.2.1");
    urls[0] = "http";
    extensions.deliverby.minimum = 1;
    expect(settings.extensions.xclient).toEqual({ trusted: ["10.0.0.1"] });
    expect(settings.extensions.burl).toEqual({ urls: ["imap"] });
    expect(settings.extensions.deliverby).toEqual({ minimum: 5 });
    const options = settings.extensions.xclient as { trusted: string[] };
    expect(() => options.trusted.push("0.0.0.0/0")).toThrow(TypeError);
  });

  test("X-FUT-01 G1 FUTURERELEASE is offered as long as the application's function gives a time", () => {
    let give = (): string => "2027-01-01T00:00:00Z";
    const futurerelease = { maximumInterval: 60, maximumTime: () => give() };
    const client = new Client({ ...submission, authRequired: false, extensions: { futurerelease } });
    const held = "MAIL FROM:<a@example.net> HOLDFOR=60";
    expect(client.say(ehlo)).toMatch(/FUTURERELEASE 60 2027-01-01T00:00:00Z\r\n/);
    give = () => "2026-12-01T00:00:00Z";
    expect(client.say(ehlo)).toMatch(/FUTURERELEASE 60 2026-12-01T00:00:00Z\r\n/);
    expect(client.codes("MAIL FROM:<a@example.net> HOLDUNTIL=2026-12-02T00:00:00Z")).toBe("501");
    expect(client.codes(held, "RSET")).toBe("250 250");
    for (const nonsense of [
      () => "nonsense",
      () => "a\r\n250 STARTTLS",
      () => undefined as never,
      () => {
        throw new Error("no clock");
      },
    ]) {
      give = nonsense;
      expect(client.say(ehlo)).not.toMatch(/FUTURERELEASE|STARTTLS/);
      expect(client.codes(held)).toBe("555");
    }
    give = () => "2027-01-01T00:00:00Z";
    expect(client.codes(held)).toBe("250");
  });

  test("every extension that is off is off, and every row has its switch", () => {
    const names = registry.map(({ name }) => name).filter((each) => each !== "starttls" && each !== "auth");
    expect(Object.keys(defaultExtensions).sort()).toEqual([...names].sort());
  });
});

describe("addresses that are trusted", () => {
  test.each([
    ["192.0.2.1", "192.0.2.1", true],
    ["192.0.2.1", "192.0.2.2", false],
    ["192.0.2.0/24", "192.0.2.255", true],
    ["192.0.2.0/24", "192.0.3.0", false],
    ["192.0.2.128/25", "192.0.2.127", false],
    ["0.0.0.0/0", "203.0.113.9", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["0.0.0.0/0", "::ffff:192.0.2.1", true],
    ["::/0", "2001:db8::1", true],
    ["::/0", "192.0.2.1", false],
    ["::/0", "::ffff:192.0.2.1", false],
    ["2001:db8::/33", "2001:db8:7fff::1", true],
    ["2001:db8::/33", "2001:db8:8000::1", false],
    ["::ffff:192.0.2.1", "192.0.2.1", true],
    ["::ffff:192.0.2.0/120", "192.0.2.9", true],
    ["::ffff:192.0.2.0/120", "192.0.3.9", false],
    ["::ffff:0:0/96", "192.0.3.9", true],
  ])("X-XCL-01 %s has %s: %s", (network, address, expected) => {
    expect(isWithin(parseAddressOctets(address)!, parseNetwork(network)!)).toBe(expected);
  });

  test.each([
    "",
    "/8",
    "10.0.0.0/",
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/8/8",
    "10.0.0/8",
    "010.0.0.0/8",
    "10.0.0.1/31x",
    "10.0.0.0/ 31",
    "10.0.0.0/0x1f",
    "10.0.0.0/+8",
    "10.0.0.0/0008",
    "10.0.0.0/8.0",
    "2001:db8::/1e2",
    "10.0.0.1/8",
    "2001:db8::/129",
    "::ffff:10.0.0.0/8",
    "::ffff:192.0.2.1/120",
    "fe80::1%eth0",
    "localhost",
  ])("X-XCL-01 %s is no network", (network) => {
    expect(parseNetwork(network)).toBeNull();
  });

  test("X-XCL-01 G9 an address is told once it is one, and before the greeting", () => {
    const session = new ServerSession({ name });
    for (const odd of ["", "localhost", "192.0.2.1:25", "[192.0.2.1]", "192.0.2.1%eth0", "::1%a%b:"])
      expect(() => session.connected(odd)).toThrow(UsageError);
    session.connected("FE80::1%eth0");
    expect(session.client.address).toBe("fe80::1");
    session.connected("::ffff:192.0.2.1");
    expect(session.client.address).toBe("192.0.2.1");
    session.poll();
    expect(() => session.connected("192.0.2.1")).toThrow(/greeting/);
  });
});

test.each([
  ["imap://imap.example.com/x", true],
  ["IMAP://user;auth=*@Imap.Example.COM", true],
  ["imap://imap.example.com?x", true],
  ["imap://imap.example.com#x", true],
  ["imaps://anything.example/x", true],
  ["imap://imap.example.com:143/x", false],
  ["imap://imap.example.com./x", false],
  ["imap://imap.example.com.evil.example/x", false],
  ["imap://imap.example.com@evil.example/x", false],
  ["imap://imap.example.com:1@evil.example/x", false],
  ["imap://evil.example#@imap.example.com/x", false],
  ["imap://evil.example?@imap.example.com/x", false],
  ["imap://evil.example/@imap.example.com", false],
  ["imap://evil.example\\@imap.example.com/x", false],
  ["imap://evil.example@x@imap.example.com/x", false],
  ["imap://[::1]@imap.example.com/x", false],
  ["imap://imap%2Eexample.com/x", false],
  ["imap:imap.example.com/x", false],
  ["imap:/imap.example.com/x", false],
  ["imaps:///x", false],
  ["imaps://", false],
  ["http://imap.example.com/x", false],
  ["ximap://imap.example.com/x", false],
])("X-BURL-05 %s is announced: %s", (url, expected) => {
  expect(isAnnounced(url, { urls: ["imap://imap.example.com", "imaps"] })).toBe(expected);
});

describe("when the roles are about to turn", () => {
  /** A session that has said 250 to ATRN, and has not turned yet. */
  function about(): Client {
    const client = new Client(onDemand, (question) =>
      question.type === "auth" ? reply(235, "Welcome") : question.type === "atrn" ? "later" : undefined,
    );
    client.say(`${ehlo}AUTH CRAM-MD5\r\nATRN example.com\r\n`);
    client.session.answer(client.open[0]!.id, reply(250, "Now turning"));
    expect(client.session.poll()).toMatchObject({ type: "send" });
    expect(client.session.phase).toBe("closing");
    return client;
  }
  const last = ({ session }: Client) => {
    const event = session.poll();
    expect(session.poll()).toBeNull();
    return event;
  };

  test("X-ATRN-03 they turn", () => {
    expect(last(about())).toEqual({ type: "turn", domains: ["example.com"] });
  });

  test("X-ATRN-06 G9 octets belong to the client session: they are neither taken nor thrown away", () => {
    const client = about();
    expect(() => client.session.receive(Buffer.from("220 hello\r\n"))).toThrow(UsageError);
    expect(last(client)).toMatchObject({ type: "turn" });
  });

  test.each([
    ["lost", (session: ServerSession) => session.lost(), "lost"],
    ["end", (session: ServerSession) => session.receiveEnd(), "end"],
    ["shutdown", (session: ServerSession) => session.shutdown("now"), "shutdown"],
  ])("X-ATRN-03 S-SES-12 %s: there is nobody to turn to", (_, happens, reason) => {
    const client = about();
    happens(client.session);
    expect(last(client)).toEqual({ type: "close", reason });
  });

  test("X-ATRN-02 G9 a reply that turns nothing cannot accept", () => {
    const client = new Client(onDemand, (question) =>
      question.type === "auth" ? reply(235, "Welcome") : question.type === "atrn" ? "later" : undefined,
    );
    client.say(`${ehlo}AUTH CRAM-MD5\r\nATRN\r\n`);
    for (const code of [220, 221, 251, 334, 354])
      expect(() => client.session.answer(client.open[0]!.id, reply(code, "x"))).toThrow(UsageError);
    expect(codesOf(client.answer(client.open.shift(), undefined))).toBe("450");
  });
});

describe("verdicts under PRDR", () => {
  function open(): Client {
    const client = new Client({ extensions: { prdr: true } }, ({ type }) =>
      type === "message" ? "later" : undefined,
    );
    client.say(`${ehlo}MAIL FROM:<> PRDR\r\nRCPT TO:<b@example.com>\r\nRCPT TO:<c@example.com>\r\n`);
    client.say("BDAT 0 LAST\r\n");
    return client;
  }
  const yes = reply(250, "2.0.0", "OK");
  const no = reply(550, "5.7.1", "No");

  test("G9 there is one for each recipient, no more and no fewer, and each is given once", () => {
    const { session, open: asked } = open();
    const { id } = asked[0]!;
    expect(() => session.answer(id, [yes])).toThrow(UsageError);
    expect(() => session.answer(id, [yes, yes, yes])).toThrow(UsageError);
    expect(() => session.answerRecipient(id, 2, yes)).toThrow(UsageError);
    expect(session.answerRecipient(id, 1, no)).toBe(true);
    expect(session.answerRecipient(id, 1, yes)).toBe(false);
    expect(session.answer(id, [yes, yes])).toBe(true);
    expect(session.answer(id, yes)).toBe(false);
    const sent = session.poll();
    if (sent?.type !== "send") throw new Error("nothing was sent");
    expect(codesOf(Buffer.from(sent.data).toString())).toBe("353 250 550 250");
  });

  test("G7 they are frozen and thawed, given and not, and how they were given", () => {
    const one = open();
    one.session.answerRecipient(one.open[0]!.id, 0, no);
    const two = one.clone();
    expect(codesOf(two.answer(two.open[0], yes))).toBe("250 250");
    expect(codesOf(two.sent)).toMatch(/353 550 250 250$/);
    const all = open();
    all.session.answer(all.open[0]!.id, yes);
    all.watch.answered(all.open[0]!.id);
    const thawed = all.clone();
    expect(codesOf(thawed.sent)).toMatch(/ 250$/);
    expect(codesOf(thawed.sent)).not.toMatch(/353/);
    expect(thawed.session.transaction).toBe("none");
  });
});

describe("G13 of a URL nothing is shown but where it leads", () => {
  test.each([
    ["imap://imap.example.com/Drafts;UID=25;urlauth=submit+a:internal:91354a", "imap://imap.example.com/***"],
    ["imap://me@imap.example.com:143/x", "imap://me@imap.example.com:143/***"],
    ["imap://me:secret@imap.example.com/x", "imap://me:***@imap.example.com/***"],
    ["imap://imap.example.com?secret", "imap://imap.example.com***"],
    ["imap://imap.example.com#secret", "imap://imap.example.com***"],
    ["imap://imap.example.com/", "imap://imap.example.com/"],
    ["IMAP://[2001:db8::1]:143/x", "IMAP://[2001:db8::1]:143/***"],
    ["imap:secret", "imap:***"],
    ["secret", "***"],
    ["", ""],
  ])("%s", (url, shown) => {
    expect(redactUrl(url)).toBe(shown);
  });
});

import { type ClientConfig, ClientSession, type OutgoingEnvelope, UsageError } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { Player } from "../client-dialogues/play.ts";

const envelope: OutgoingEnvelope = { from: "a@example.net", to: ["b@example.com"] };

function ready(offered: readonly string[], config: Partial<ClientConfig> = {}): Player {
  const player = new Player({ name: "client.example.net", tls: "never", ...config });
  player.hears("220 mx\n");
  const lines = ["mx", ...offered];
  player.hears(lines.map((line, at) => `250${at < lines.length - 1 ? "-" : " "}${line}\n`).join(""));
  return player;
}

const all = ["PIPELINING", "SIZE 100", "8BITMIME", "SMTPUTF8", "DSN", "CHUNKING", "BINARYMIME", "AUTH PLAIN"];
const without = (...gone: string[]) => all.filter((line) => !gone.includes(line.split(" ")[0] as string));
const say = (player: Player, more: Partial<OutgoingEnvelope>) =>
  player.does(`transaction ${JSON.stringify({ ...envelope, ...more })}`);

const utf8 = "j\u00fcrgen@example.com";

describe("what a message needs", () => {
  test.each<[string, string, string[], Partial<OutgoingEnvelope>, Partial<ClientConfig>]>([
    ["X-SIZE-07", "size-exceeded", all, { size: 101 }, {}],
    ["S-8BIT-04 C-CONV-02", "8bitmime-missing", without("8BITMIME"), { body: "8BITMIME" }, {}],
    ["S-BIN-03 C-CONV-02", "binarymime-missing", without("BINARYMIME"), { body: "BINARYMIME" }, {}],
    ["S-BIN-03", "binarymime-missing", without("CHUNKING"), { body: "BINARYMIME" }, {}],
    ["S-BDAT-17", "chunking-missing", without("CHUNKING"), {}, { chunking: "require" }],
    ["X-UTF8-10", "smtputf8-missing", without("SMTPUTF8"), { smtputf8: true }, {}],
    ["X-UTF8-10", "smtputf8-missing", without("SMTPUTF8"), { from: utf8 }, {}],
    ["X-UTF8-10", "smtputf8-missing", without("SMTPUTF8"), { auth: utf8 }, {}],
    ["X-GEN-02", "dsn-missing", without("DSN"), { ret: "HDRS" }, {}],
    ["X-GEN-02", "dsn-missing", without("DSN"), { envid: "x" }, {}],
    ["X-GEN-02", "extension-missing", without("AUTH"), { auth: "<>" }, {}],
  ])("C-TXN-01 %s %s: nothing is said (%#)", (_, code, offered, more, config) => {
    const player = ready(offered, config);
    expect(say(player, { ...more, to: ["b@example.com", "c@example.com"] })).toBe("");
    expect(player.of("done")[0]).toMatchObject({
      outcomes: [
        { status: "notTried", reason: { code } },
        { status: "notTried", reason: { code } },
      ],
      safeToRetry: true,
    });
    expect(player.session.waiting).toBe("work");
    // With everything offered it is said.
    expect(say(ready(all, config), { ...more, size: 100 })).toMatch(/^MAIL FROM:/);
  });

  test.each<[string, string, string[], OutgoingEnvelope["to"][number]]>([
    ["X-UTF8-10", "smtputf8-missing", without("SMTPUTF8"), utf8],
    ["S-RCPT-12", "dsn-missing", without("DSN"), { to: "c@example.com", notify: ["NEVER"] }],
    [
      "S-RCPT-12",
      "dsn-missing",
      without("DSN"),
      { to: "c@example.com", orcpt: { type: "rfc822", address: "x@y.example" } },
    ],
  ])("C-TXN-01 C-TXN-05 %s %s: that recipient is not tried, the others are", (_, code, offered, to) => {
    const player = ready([...offered.filter((line) => line !== "CHUNKING")]);
    expect(say(player, { to: [to, "b@example.com"] })).toBe(
      "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n",
    );
    player.hears("250 ok\n250 ok\n354 go\n");
    player.does("finish");
    player.hears("250 ok\n");
    expect(player.of("done")[0]?.outcomes).toMatchObject([
      { status: "notTried", reason: { code } },
      { status: "accepted" },
    ]);
    // With nobody else, nothing is said.
    expect(say(player, { to: [to] })).toBe("");
  });

  test("X-UTF8-09 S-8BIT-06 SMTPUTF8 is said when an address or the header needs it, and only then", () => {
    const one = ["8BITMIME", "SMTPUTF8"];
    expect(say(ready(one), {})).toBe("MAIL FROM:<a@example.net>\r\n");
    expect(say(ready(one), { body: "8BITMIME" })).toBe("MAIL FROM:<a@example.net> BODY=8BITMIME\r\n");
    expect(say(ready(one), { smtputf8: true })).toBe("MAIL FROM:<a@example.net> SMTPUTF8\r\n");
    for (const to of [[utf8], ["b@example.com", utf8], [utf8, "b@example.com"]])
      expect(say(ready(one), { to })).toBe("MAIL FROM:<a@example.net> SMTPUTF8\r\n");
    expect(say(ready([...one, "AUTH X"]), { auth: utf8 })).toBe(
      "MAIL FROM:<a@example.net> SMTPUTF8 AUTH=j+C3+BCrgen@example.com\r\n",
    );
    // Not for the sake of somebody who is not tried.
    const few = [...one, "LIMITS RCPTMAX=1"];
    expect(say(ready(few), { to: ["b@example.com", utf8] })).toBe("MAIL FROM:<a@example.net>\r\n");
    expect(say(ready(one), { from: utf8 })).toBe(
      `MAIL FROM:<${Buffer.from(utf8).toString("latin1")}> SMTPUTF8\r\n`,
    );
  });

  test("PRDR is asked for where there is more than one to ask about", () => {
    const two = ["b@example.com", "c@example.com"];
    expect(say(ready(["PRDR"]), { to: two })).toBe("MAIL FROM:<a@example.net> PRDR\r\n");
    expect(say(ready(["PRDR"]), {})).toBe("MAIL FROM:<a@example.net>\r\n");
    const few = ready(["PRDR", "LIMITS RCPTMAX=1"]);
    expect(say(few, { to: two })).toBe("MAIL FROM:<a@example.net>\r\n");
    // Under LMTP each has a verdict as it is.
    expect(say(ready(["PRDR"], { protocol: "lmtp" }), { to: two })).toBe("MAIL FROM:<a@example.net>\r\n");
  });

  test("S-PARM-06 parameters of the registry and of one's own are said together, on MAIL and on RCPT", () => {
    const flag = { keyword: "XFLAG", value: "none" } as const;
    const number = { keyword: "XNUMBER", valid: (value: string) => /^[0-9]+$/.test(value) };
    const custom = [{ keyword: "XEXAMPLE", mail: [number, flag], rcpt: [number, flag] }];
    const player = ready(["DSN", "XEXAMPLE", "PIPELINING"], { custom });
    const other = { XFLAG: true } as const;
    const sent = say(player, {
      ret: "FULL",
      other,
      to: [{ to: "b@example.com", notify: ["NEVER"], other }, "c@example.com"],
    });
    expect(sent).toBe(
      [
        "MAIL FROM:<a@example.net> RET=FULL XFLAG",
        "RCPT TO:<b@example.com> NOTIFY=NEVER XFLAG",
        "RCPT TO:<c@example.com>",
        "DATA",
        "",
      ].join("\r\n"),
    );
    // One that is not announced goes without saying.
    const silent = [{ keyword: null, mail: [flag] }];
    expect(say(ready([], { custom: silent }), { other })).toBe("MAIL FROM:<a@example.net> XFLAG\r\n");
    expect(say(ready([], { custom: silent }), { other: null as never })).toBe(
      "MAIL FROM:<a@example.net>\r\n",
    );
  });

  test("X-UTF8-14 X-UTF8-15 lengths count octets of UTF-8, and nothing is folded or normalised", () => {
    const local = "\u00fc".repeat(32);
    const decomposed = "U\u0308@example.com";
    const { session } = ready(["SMTPUTF8"]);
    expect(() => session.transaction({ ...envelope, to: [`${local}u@example.com`] })).toThrow(UsageError);
    const player = ready(["SMTPUTF8", "PIPELINING"]);
    expect(say(player, { to: [`${local}@example.com`, decomposed] })).toContain(
      Buffer.from(`RCPT TO:<${local}@example.com>\r\nRCPT TO:<${decomposed}>`).toString("latin1"),
    );
  });

  test("S-DATA-23 X-UTF8-09 8-bit content goes where the envelope says so", () => {
    for (const more of [{ body: "8BITMIME" }, { smtputf8: true }] as const) {
      const player = ready(["8BITMIME", "SMTPUTF8"]);
      say(player, more);
      for (const reply of ["250 ok\n", "250 ok\n", "354 go\n"]) player.hears(reply);
      expect(player.does("write \\xc3\\xbc")).toBe("\xc3\xbc");
    }
  });

  test("X-DSN-08 A-PARM-03 S-PARM-06 parameters go as they were given, encoded, and none is added", () => {
    const player = ready(["DSN", "SIZE", "AUTH PLAIN", "PIPELINING"]);
    const sent = say(player, {
      size: 7,
      ret: "FULL",
      envid: "a+b=c d",
      auth: "e+f@example.net",
      to: [
        {
          to: "b@example.com",
          notify: ["SUCCESS", "DELAY"],
          orcpt: { type: "rfc822", address: "B+x@Example.com" },
        },
        { to: "c@example.com", notify: ["NEVER"] },
        "d@example.com",
      ],
    });
    expect(sent).toBe(
      "MAIL FROM:<a@example.net> SIZE=7 RET=FULL ENVID=a+2Bb+3Dc+20d AUTH=e+2Bf@example.net\r\n" +
        "RCPT TO:<b@example.com> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;B+2Bx@Example.com\r\n" +
        "RCPT TO:<c@example.com> NOTIFY=NEVER\r\n" +
        "RCPT TO:<d@example.com>\r\nDATA\r\n",
    );
    expect(say(ready(["AUTH PLAIN"]), { auth: "<>" })).toBe("MAIL FROM:<a@example.net> AUTH=<>\r\n");
  });

  test("S-MAIL-01 a notification comes from nobody, and asks for nothing", () => {
    expect(say(ready(["DSN"]), { from: null, to: [{ to: "b@example.com", notify: ["NEVER"] }] })).toBe(
      "MAIL FROM:<>\r\n",
    );
  });

  test.each([
    ["utf-8", "a+b=c@example.com", "a\\x{2B}b\\x{3D}c@example.com"],
    ["UTF-8", '"a\\\\b"@example.com', '"a\\x{5C}\\x{5C}b"@example.com'],
    ["utf-8", "j\u00fcrgen@example.com", "j\\x{FC}rgen@example.com"],
    ["utf-8", "\u{1f4e7}@example.com", "\\x{1F4E7}@example.com"],
  ])("X-DSN-15 an ORCPT of type %s is %s in the form of its own: %s", (type, address, encoded) => {
    const player = ready(["DSN", "PIPELINING"]);
    const sent = say(player, { to: [{ to: "b@example.com", orcpt: { type, address } }] });
    expect(sent).toContain(`RCPT TO:<b@example.com> ORCPT=${type};${encoded}\r\n`);
  });

  test.each<Partial<OutgoingEnvelope>>([
    { size: -1 },
    { size: 1.5 },
    { size: Number.NaN },
    { to: [{ to: "b@example.com", notify: [] }] },
    { to: [{ to: "b@example.com", notify: ["NEVER", "DELAY"] }] },
    { to: [{ to: "b@example.com", orcpt: { type: "utf-8", address: "j\u00fcrgen" } }] },
    { envid: "" },
    { envid: "\u00fc" },
    { envid: "x".repeat(101) },
    { auth: "" },
  ])("SEC-INJ-01 %j cannot be said", (more) => {
    expect(() => ready(all).session.transaction({ ...envelope, ...more })).toThrow(UsageError);
  });
});

describe("limits of the server", () => {
  test("X-LIM-02 X-LIM-04 C-TXN-10 RCPTMAX: those above it are not tried", () => {
    const player = ready(["PIPELINING", "LIMITS RCPTMAX=2"]);
    const to = ["b@example.com", "c@example.com", "d@example.com"];
    expect(say(player, { to })).toBe(
      "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.com>\r\nRCPT TO:<c@example.com>\r\nDATA\r\n",
    );
    player.hears("250 ok\n250 ok\n250 ok\n354 go\n");
    player.does("finish");
    player.hears("250 ok\n");
    expect(player.of("done")[0]?.outcomes[2]).toMatchObject({ reason: { code: "limit-exceeded" } });
    expect(say(player, { to: ["d@example.com"] })).toMatch(/^MAIL/);
  });

  test("X-LIM-04 MAILMAX: no more messages on this connection, refused ones count", () => {
    const player = ready(["LIMITS MAILMAX=2"]);
    for (let times = 0; times < 2; times++) {
      expect(say(player, {})).toMatch(/^MAIL/);
      player.hears("550 no\n");
    }
    expect(say(player, {})).toBe("");
    expect(player.of("done")[2]?.outcomes[0]).toMatchObject({ reason: { code: "limit-exceeded" } });
  });

  test("X-LIM-04 RCPTDOMAINMAX: domains count over the whole session, in whatever letters", () => {
    const player = ready(["PIPELINING", "LIMITS RCPTDOMAINMAX=2"]);
    expect(say(player, { to: ["b@one.example", "c@ONE.example", "d@two.example", "e@three.example"] })).toBe(
      "MAIL FROM:<a@example.net>\r\nRCPT TO:<b@one.example>\r\nRCPT TO:<c@ONE.example>\r\nRCPT TO:<d@two.example>\r\nDATA\r\n",
    );
    player.hears("250 ok\n250 ok\n250 ok\n250 ok\n354 go\n");
    player.does("finish");
    player.hears("250 ok\n");
    expect(say(player, { to: ["e@three.example"] })).toBe("");
    expect(say(player, { to: ["f@two.example"] })).toMatch(/^MAIL/);
  });
});

describe("line ends of content", () => {
  test.each([
    ["normalize", "a\\n.b\\rc", "a\r\n..b\r\nc\r\n.\r\n"],
    ["space", "a\\n.b\\rc\\r\\n.", "a .b c\r\n..\r\n.\r\n"],
  ] as const)("C-CONV-01 S-DATA-21 SEC-EOD-06 %s, before dots are stuffed", (lineEnds, content, wire) => {
    const player = ready([], { lineEnds });
    say(player, {});
    for (const reply of ["250 ok\n", "250 ok\n", "354 go\n"]) player.hears(reply);
    expect(player.does(`write ${content}`) + player.does("finish")).toBe(wire);
  });

  test.each([
    ["normalize", "a\\n.b\\r", "BDAT 7 LAST\r\na\r\n.b\r\n"],
    ["space", "\\n.b\\r", "BDAT 4 LAST\r\n .b "],
  ] as const)(
    "C-CONV-01 S-BDAT-18 S-DOT-04 SEC-EOD-07 %s, before octets of a chunk are counted",
    (lineEnds, content, wire) => {
      const player = ready(["CHUNKING"], { lineEnds });
      say(player, {});
      for (const reply of ["250 ok\n", "250 ok\n"]) player.hears(reply);
      expect(player.does(`write ${content}`) + player.does("finish")).toBe(wire);
    },
  );

  test("C-CONV-03 C-CONV-02 the content is what was written: nothing is added to the header", () => {
    const player = ready([]);
    say(player, {});
    for (const reply of ["250 ok\n", "250 ok\n", "354 go\n"]) player.hears(reply);
    expect(player.does("write Subject: x\\r\\n\\r\\n")).toBe("Subject: x\r\n\r\n");
  });
});

describe("secrets", () => {
  const secret = "s3cr3t-of-mine";
  const seen = (text: string) =>
    [
      secret,
      Buffer.from(secret).toString("base64"),
      Buffer.from(secret).toString("base64").slice(2, -4),
    ].some((form) => text.includes(form)) ||
    text.includes(JSON.stringify([...Buffer.from(secret)]).slice(1, -1));

  test("A-AUTH-29 G13 no snapshot, outcome or failure shows them, at any moment", () => {
    const player = new Player({ name: "client.example.net", allowInsecureAuth: true });
    const look = () => {
      const snapshot = player.session.snapshot();
      expect(seen(JSON.stringify(snapshot))).toBe(false);
      if (snapshot.redacted) {
        expect(() => ClientSession.restore(player.config, snapshot)).toThrow(UsageError);
      }
    };
    player.call(`auth PLAIN ${secret}`);
    look();
    player.call('transaction {"from": null, "to": ["b@example.com"]}');
    player.hears("220 mx\n");
    look();
    player.hear("250-mx\r\n250 AUTH PLAIN LOGIN\r\n");
    look();
    // The line is said, and has not left.
    while (player.session.poll()?.type !== "hello") look();
    look();
    player.drain();
    look();
    player.hears(`334 ${Buffer.from(secret).toString("base64")}\n`);
    look();
    player.session.respond(Buffer.from(secret));
    look();
    player.drain();
    look();
    player.hears("235 ok\n");
    look();
    expect(player.of("reply")[0]?.reply.code).toBe(235);
    player.does("lost");
    look();
    const told = player.polled.filter(
      ({ type }) => type === "done" || type === "failed" || type === "skipped",
    );
    expect(seen(JSON.stringify(told))).toBe(false);
  });

  test("A-AUTH-29 G13 nor does what is skipped", () => {
    const player = ready([]);
    player.does(`auth PLAIN ${secret}`);
    expect(player.of("skipped")).toHaveLength(1);
    expect(seen(JSON.stringify(player.polled))).toBe(false);
  });
});

describe("configuration", () => {
  test.each<[string, Partial<ClientConfig>]>([
    ["limits.line", { limits: { line: 511 } }],
    ["limits.chunk", { limits: { chunk: 0 } }],
    ["limits.outstanding", { limits: { outstanding: Number.NaN } }],
    ["timers.mail", { timers: { mail: -1 } }],
  ])("R-FMT-13 L-TIME-01 %s that cannot be", (_, config) => {
    expect(() => new ClientSession({ name: "client.example.net", ...config })).toThrow(UsageError);
  });
});

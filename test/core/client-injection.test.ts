import { ClientSession, type OutgoingEnvelope, UsageError } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { Player } from "../client-dialogues/play.ts";

const offered =
  "250-mx\n250-PIPELINING\n250-SIZE 1000000\n250-8BITMIME\n250-SMTPUTF8\n250-DSN\n250-AUTH PLAIN EXTERNAL\n250 STARTTLS\n";

function ready(hello = offered, config = {}): Player {
  const player = new Player({ name: "client.example.net", tls: "never", ...config });
  player.hears("220 mx\n");
  player.hears(hello);
  return player;
}

const envelope: OutgoingEnvelope = { from: "a@example.net", to: ["b@example.com"] };
const controls = Array.from({ length: 33 }, (_, code) => String.fromCharCode(code === 32 ? 127 : code));

/** Each string argument of the client, with a value in it that has to be refused if it is bad. */
const places: Record<string, (session: ClientSession, text: string) => unknown> = {
  "the name": (_, text) => new ClientSession({ name: `client${text}.example.net` }),
  "the sender": (session, text) => session.transaction({ ...envelope, from: `a${text}@example.net` }),
  "the sender's domain": (session, text) =>
    session.transaction({ ...envelope, from: `a@ex${text}ample.net` }),
  "a recipient": (session, text) => session.transaction({ ...envelope, to: [`b@example.com${text}`] }),
  "a quoted local-part": (session, text) =>
    session.transaction({ ...envelope, to: [`"b${text}"@example.com`] }),
  "a quoted pair": (session, text) => session.transaction({ ...envelope, to: [`"b\\${text}"@example.com`] }),
  "a structured local-part": (session, text) =>
    session.transaction({
      ...envelope,
      to: [{ local: `b${text}`, domain: { kind: "name", text: "example.com" } }],
    }),
  "a structured domain": (session, text) =>
    session.transaction({
      ...envelope,
      to: [{ local: "b", domain: { kind: "name", text: `example.com${text}` } }],
    }),
  ENVID: (session, text) => session.transaction({ ...envelope, envid: `id${text}` }),
  "the type of ORCPT": (session, text) =>
    session.transaction({
      ...envelope,
      to: [{ to: "b@example.com", orcpt: { type: `rfc822${text}`, address: "b@example.com" } }],
    }),
  "the address of ORCPT": (session, text) =>
    session.transaction({
      ...envelope,
      to: [{ to: "b@example.com", orcpt: { type: "rfc822", address: `b@example.com${text}` } }],
    }),
  NOTIFY: (session, text) =>
    session.transaction({
      ...envelope,
      to: [{ to: "b@example.com", notify: [`NEVER${text}` as "NEVER"] }],
    }),
  RET: (session, text) => session.transaction({ ...envelope, ret: `FULL${text}` as "FULL" }),
  BODY: (session, text) => session.transaction({ ...envelope, body: `7BIT${text}` as "7BIT" }),
  "AUTH=": (session, text) => session.transaction({ ...envelope, auth: `a@example.net${text}` }),
  "the mechanism": (session, text) => session.auth(`PLAIN${text}`),
  "a verb": (session, text) => session.command(`VRFY${text}`),
  "the argument of a command": (session, text) => session.command("VRFY", `b${text}`),
};

describe("addresses", () => {
  test.each([
    "@hub.example:b@example.com",
    "@one.example,@two.example:b@example.com",
    "<@hub.example:b@example.com>",
    "@:b@example.com",
    "@hub.example,:b@example.com",
  ])("S-RCPT-13 S-MAIL-11 the source route of %s is never said, valid or not", (address) => {
    const player = ready();
    for (const wrong of [{ to: [address] }, { from: address }, { to: [{ to: address }] }])
      expect(() => player.session.transaction({ ...envelope, ...wrong })).toThrow(UsageError);
    player.drain();
    expect(player.sent).toBe("EHLO client.example.net\r\n");
  });

  test.each([
    ['"b"@example.com', "b"],
    ['"b.c"@example.com', "b.c"],
    ['"\\b"@example.com', "b"],
    ['"b\\ c"@example.com', '"b c"'],
    ['"b\\"c"@example.com', '"b\\"c"'],
    ['""@example.com', '""'],
  ])("C-SES-12 %s goes as it was given, and from its parts as %s", (typed, least) => {
    const domain = { kind: "name", text: "example.com" } as const;
    const local = JSON.parse(typed.slice(0, -12).replace(/\\(?!")/g, "")) as string;
    const player = ready();
    player.session.transaction({ from: typed, to: [typed, { local, domain }, { to: { local, domain } }] });
    player.session.transaction({ from: { local, domain }, to: ["b@example.com"] });
    player.drain();
    expect(player.hears("250 ok\n550 no\n550 no\n550 no\n554 no\n")).toContain(
      `MAIL FROM:<${least}@example.com>\r\n`,
    );
    expect(player.sent).toContain(
      `MAIL FROM:<${typed}>\r\nRCPT TO:<${typed}>\r\nRCPT TO:<${least}@example.com>\r\nRCPT TO:<${least}@example.com>\r\n`,
    );
  });
});

describe("injection", () => {
  test.each(Object.keys(places))(
    "SEC-INJ-01 C-SES-11 %s lets no control octet pass, and nothing changes",
    (place) => {
      const player = ready();
      const before = JSON.stringify(player.session.snapshot());
      for (const control of [...controls, "\ud800", "\r\nRSET", "\u2028\n", "\u0085\r"]) {
        expect(() => places[place]!(player.session, control), JSON.stringify(control)).toThrow(UsageError);
      }
      expect(JSON.stringify(player.session.snapshot())).toBe(before);
      player.drain();
      expect(player.sent).toBe("EHLO client.example.net\r\n");
    },
  );

  test.each([
    ["SEC-INJ-03", "b@example.com> SIZE=1"],
    ["SEC-INJ-03", "b@example.com>\r\nDATA"],
    ["SEC-INJ-03", "b@example.com> NOTIFY=NEVER"],
    ["SEC-INJ-03", "<b@example.com>"],
    ["S-LINE-07", "b@example.com "],
    ["S-LINE-07", " b@example.com"],
    ["C-SES-11", "b @example.com"],
    ["C-SES-11", "b@example.com,c@example.com"],
    ["S-RCPT-13", "@relay.example:b@example.com"],
    ["S-MAIL-13", "b"],
    ["S-MAIL-13", "b@"],
    ["C-SES-11", "@example.com"],
    ["C-SES-11", "b@c@example.com"],
    ["C-SES-11", ""],
    ["S-OLD-02", "b@#123"],
    ["C-SES-11", "b@[300.1.1.1]"],
    ["C-SES-11", '"b@example.com'],
    ["S-ADDR-05", "b\u0001@example.com"],
    ["S-ADDR-05", '"b\u007f"@example.com'],
    ["L-LEN-01", `${"b".repeat(65)}@example.com`],
    ["L-LEN-02", `b@${"a".repeat(64)}.example`],
    ["L-LEN-02", `b@${"a.".repeat(128)}example`],
  ])("%s %j is no address, of nobody", (_, address) => {
    const { session } = ready();
    expect(() => session.transaction({ ...envelope, to: [address] })).toThrow(UsageError);
    expect(() => session.transaction({ ...envelope, from: address })).toThrow(UsageError);
    expect(() => session.transaction({ ...envelope, auth: address })).toThrow(UsageError);
  });

  test("S-MAIL-13 Postmaster alone is a recipient, and no sender", () => {
    const { session } = ready();
    expect(() => session.transaction({ ...envelope, from: "Postmaster" })).toThrow(UsageError);
    expect(() => session.transaction({ ...envelope, auth: "Postmaster" })).toThrow(UsageError);
    const player = ready();
    expect(player.does('transaction {"from": null, "to": ["PostMaster"]}')).toBe(
      "MAIL FROM:<>\r\nRCPT TO:<PostMaster>\r\nDATA\r\n",
    );
  });

  test.each([
    ["S-ADDR-04", '"a@b"@example.com'],
    ["S-ADDR-04", '"a>b"@example.com'],
    ["S-ADDR-04", '"a b"@example.com'],
    ["S-ADDR-04", '"a\\"b"@example.com'],
    ["C-SES-12", "a+b/c='{d}@example.com"],
    ["S-LINE-04", "A.Person@EXAMPLE.com"],
    ["C-SES-12", "b@[192.0.2.1]"],
    ["C-SES-12", "b@[IPv6:2001:db8::1]"],
    ["S-ADDR-11 L-LEN-01", `${"b".repeat(64)}@example.com`],
    ["S-ADDR-11 L-LEN-03", `${"b".repeat(64)}@${"c".repeat(63)}.${"d".repeat(63)}.${"e".repeat(61)}`],
  ])("%s %s goes as it was given", (_, address) => {
    const player = ready();
    expect(player.does(`transaction ${JSON.stringify({ from: address, to: [address] })}`)).toBe(
      `MAIL FROM:<${address}>\r\nRCPT TO:<${address}>\r\nDATA\r\n`,
    );
  });

  test.each([
    `${"b".repeat(64)}@${"c".repeat(63)}.${"d".repeat(63)}.${"e".repeat(62)}`,
    `b@${"c".repeat(63)}.${"d".repeat(63)}.${"e".repeat(63)}.${"f".repeat(61)}`,
    `ü@${"\u00e9".repeat(30)}.${"\u00e9".repeat(30)}.${"\u00e9".repeat(30)}.${"\u00e9".repeat(30)}.${"e".repeat(8)}`,
  ])("S-ADDR-11 L-LEN-03 %s makes a path of 257 octets or more, and is no address", (address) => {
    const player = ready("SMTPUTF8");
    expect(Buffer.byteLength(address)).toBeGreaterThan(254);
    for (const envelope of [
      { from: address, to: ["b@example.com"] },
      { from: "a@example.net", to: ["b@example.com", address] },
    ])
      expect(() => player.does(`transaction ${JSON.stringify(envelope)}`)).toThrow(UsageError);
  });

  test.each(["BODY=BINARYMIME", "BODY=8BITMIME", "SMTPUTF8", "PRDR"])(
    "S-DOT-01 S-DATA-23 SEC-INJ-03 an address that looks like %s changes nothing about the content",
    (word) => {
      const player = ready();
      player.does(
        `transaction ${JSON.stringify({ from: `"a ${word} b"@example.net`, to: ["b@example.com"] })}`,
      );
      player.hears("250 ok\n250 ok\n354 go\n");
      expect(player.does("write .\\r\\nMAIL")).toBe("..\r\nMAIL");
      player.does("write \\xff");
      expect(player.failed).toBe("content-8bit");
    },
  );

  test.each([
    "client..example",
    "client example",
    "",
    "-a.example",
    "b\u00fccher.example",
    "[1.2.3]",
    "a".repeat(256),
  ])("S-EHLO-12 X-UTF8-08 %j is no name for EHLO", (name) => {
    expect(() => new ClientSession({ name })).toThrow(UsageError);
  });

  test.each(["client.example.net", "[192.0.2.1]", "[IPv6:2001:db8::1]", "localhost"])(
    "S-EHLO-12 %j is one",
    (name) => {
      const player = new Player({ name });
      expect(player.hears("220 mx\n")).toBe(`EHLO ${name}\r\n`);
    },
  );

  test.each(["SEND", "SOML", "SAML", "TURN", "ATRN", "soml"])("S-OLD-02 %s is not offered", (verb) => {
    const { session } = ready();
    expect(() => session.command(verb, "FROM:<a@example.net>")).toThrow(UsageError);
  });

  test.each([
    "MAIL",
    "RCPT",
    "DATA",
    "BDAT",
    "EHLO",
    "HELO",
    "LHLO",
    "AUTH",
    "STARTTLS",
    "QUIT",
    "mail",
    "",
    "A B",
    "1A",
  ])("S-SEQ-02 G9 %j is no command that can be said past the session", (verb) => {
    expect(() => ready().session.command(verb)).toThrow(UsageError);
  });

  test.each([" b", "b ", " ", "a".repeat(508)])("S-LINE-07 L-LEN-22 %j is no argument", (argument) => {
    expect(() => ready().session.command("VRFY", argument)).toThrow(UsageError);
  });

  test("L-LEN-22 S-LINE-07 a command line is up to 512 octets", () => {
    const { session } = ready();
    expect(() => session.command("X".repeat(511))).toThrow(UsageError);
    expect(() => session.command("XLONGVERB", "a".repeat(501))).toThrow(UsageError);
    const player = ready();
    expect(player.does(`command VRFY ${"a".repeat(500)}`)).toBe(`VRFY ${"a".repeat(500)}\r\n`);
  });

  test("L-LEN-22 MAIL and RCPT stay within 512 octets and what the extensions add", () => {
    const player = ready();
    const domain = `${"d".repeat(63)}.`.repeat(2) + "d".repeat(60);
    const long = `${"+".repeat(64)}@${domain}`;
    expect(() =>
      player.session.transaction({
        ...envelope,
        auth: `${"\u00fc".repeat(32)}@${"\u00fc.".repeat(60)}example`,
      }),
    ).toThrow(UsageError);
    expect(() => player.session.transaction({ ...envelope, envid: "+".repeat(34) })).toThrow(UsageError);
    expect(() =>
      player.session.transaction({
        ...envelope,
        to: [{ to: long, orcpt: { type: "rfc822", address: "=".repeat(165) } }],
      }),
    ).toThrow(UsageError);
    const sent = player.does(
      `transaction ${JSON.stringify({
        from: long,
        to: [
          {
            to: long,
            notify: ["SUCCESS", "FAILURE", "DELAY"],
            orcpt: { type: "rfc822", address: "=".repeat(164) },
          },
        ],
        size: 1000,
        body: "8BITMIME",
        smtputf8: true,
        ret: "HDRS",
        envid: "+".repeat(33),
        auth: long,
      })}`,
    );
    const [mail = "", rcpt = ""] = sent.split(/(?<=\n)/);
    expect(mail.length).toBeLessThanOrEqual(512 + 26 + 17 + 500 + 115 + 10);
    expect(rcpt.length).toBeLessThanOrEqual(512 + 530);
  });

  test.each(["A".repeat(21), "", "a b", "PLAIN=", "\u00e4"])("L-LEN-16 %j is no mechanism", (name) => {
    expect(() => ready().session.auth(name)).toThrow(UsageError);
  });
});

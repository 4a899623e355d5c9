import {
  type ClientConfig,
  ClientSession,
  type CustomExtension,
  type MailParameters,
  noMailParameters,
  noRcptParameters,
  type OutgoingEnvelope,
  type RcptParameters,
  registry,
  ServerSession,
  UsageError,
} from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { Player } from "../client-dialogues/play.ts";

const envelope: OutgoingEnvelope = { from: "a@example.net", to: ["b@example.com"] };

/** EHLO lines of a server that offers everything. */
const all = [
  "PIPELINING",
  "DSN",
  "AUTH PLAIN",
  "DELIVERBY 60",
  "FUTURERELEASE 86400 2026-12-31T00:00:00Z",
  "MT-PRIORITY",
  "REQUIRETLS",
  "RRVS",
  "NO-SOLICITING",
  "MTRK",
];

function ready(offered: readonly string[], config: Partial<ClientConfig> = {}): Player {
  const tls = config.tls ?? "never";
  const player = new Player({ name: "client.example.net", tls, ...config });
  player.drain();
  if (tls === "implicit") player.does("upgraded");
  player.hears("220 mx\n");
  const lines = ["mx", ...offered];
  player.hears(lines.map((line, at) => `250${at < lines.length - 1 ? "-" : " "}${line}\n`).join(""));
  return player;
}

const say = (player: Player, more: Partial<OutgoingEnvelope>) =>
  player.does(`transaction ${JSON.stringify({ ...envelope, ...more })}`);

/** Secure, to a server whose name was validated. */
const safe: Partial<ClientConfig> = { tls: "implicit", validatedHost: true };

/** What is asked for, the words of MAIL that it becomes, and what a server reads in them. */
const mailParameters: [string, Partial<OutgoingEnvelope>, string, Partial<MailParameters>][] = [
  ["DSN", { ret: "FULL", envid: "a b" }, "RET=FULL ENVID=a+20b", { ret: "FULL", envid: "a+20b" }],
  ["AUTH", { auth: "e=mc2@example.com" }, "AUTH=e+3Dmc2@example.com", { auth: "<>" }],
  [
    "DELIVERBY",
    { by: { seconds: 120, mode: "return", trace: true } },
    "BY=120;RT",
    { by: { seconds: 120, mode: "return", trace: true } },
  ],
  [
    "DELIVERBY",
    { by: { seconds: -999_999_999, mode: "notify", trace: false } },
    "BY=-999999999;N",
    { by: { seconds: -999_999_999, mode: "notify", trace: false } },
  ],
  ["FUTURERELEASE", { holdFor: 86_400 }, "HOLDFOR=86400", { holdFor: 86_400 }],
  [
    "FUTURERELEASE",
    { holdUntil: "2026-12-24T18:00:00Z" },
    "HOLDUNTIL=2026-12-24T18:00:00Z",
    { holdUntil: "2026-12-24T18:00:00Z" },
  ],
  ["MT-PRIORITY", { priority: -9 }, "MT-PRIORITY=-9", { priority: -9 }],
  ["MT-PRIORITY", { priority: -0 }, "MT-PRIORITY=0", { priority: 0 }],
  ["REQUIRETLS", { requireTls: true }, "REQUIRETLS", { requireTls: true }],
  [
    "NO-SOLICITING",
    { solicit: ["org.example:ADV", "net.example:ADV"] },
    "SOLICIT=org.example:ADV,net.example:ADV",
    { solicit: ["org.example:ADV", "net.example:ADV"] },
  ],
  [
    "MTRK",
    { envid: "x1@client.example.net", track: { certifier: "MDEyMw==", timeout: 3600 } },
    "ENVID=x1@client.example.net MTRK=MDEyMw==:3600",
    { envid: "x1@client.example.net", track: { certifier: "MDEyMw==", timeout: 3600 } },
  ],
];

const rcptParameters: [string, object, string, Partial<RcptParameters>][] = [
  ["DSN", { notify: ["SUCCESS", "DELAY"] }, "NOTIFY=SUCCESS,DELAY", { notify: ["SUCCESS", "DELAY"] }],
  [
    "DSN",
    { orcpt: { type: "rfc822", address: "x+y@z.example" } },
    "ORCPT=rfc822;x+2By@z.example",
    { orcpt: { type: "rfc822", address: "x+y@z.example", raw: "rfc822;x+2By@z.example" } },
  ],
  [
    "RRVS",
    { rrvs: { since: "2014-04-03T23:01:00+02:00", action: "continue" } },
    "RRVS=2014-04-03T23:01:00+02:00;C",
    { rrvs: { since: "2014-04-03T23:01:00+02:00", action: "continue" } },
  ],
];

/** A server of ours that offers everything, to the point at which MAIL can be said. */
function server(): ServerSession {
  const session = new ServerSession({
    name: "mx.example.com",
    service: "submission",
    authRequired: false,
    mechanisms: ["SCRAM-SHA-256"],
    tls: "implicit",
    extensions: {
      dsn: true,
      deliverby: { minimum: 60 },
      futurerelease: { maximumInterval: 86_400, maximumTime: "2026-12-31T00:00:00Z" },
      mtPriority: { trust: "all" },
      requiretls: true,
      rrvs: true,
      noSoliciting: true,
      mtrk: true,
    },
  });
  while (session.poll()?.type !== "upgrade");
  session.upgraded();
  hear(session, "EHLO client.example.net\r\n");
  return session;
}

/** Answers everything by default; what was asked about MAIL and RCPT. */
function hear(session: ServerSession, octets: string) {
  session.receive(Buffer.from(octets));
  let mail: MailParameters | null = null;
  let rcpt: RcptParameters | null = null;
  for (let event = session.poll(); event !== null; event = session.poll()) {
    if (event.type === "mail") mail = event.parameters;
    if (event.type === "rcpt") rcpt = event.parameters;
    if ("id" in event) session.answer(event.id, undefined);
  }
  return { mail, rcpt };
}

describe("parameters", () => {
  test.each(mailParameters)(
    "X-GEN-02 C-TXN-01 %s: MAIL says it where it is offered, and a server reads it so (%#)",
    (keyword, given, words, read) => {
      const said = say(ready(all, safe), given);
      expect(said.split("\r\n")[0]).toBe(`MAIL FROM:<a@example.net> ${words}`);
      expect(hear(server(), said).mail).toEqual({ ...noMailParameters, ...read });
      const player = ready(
        all.filter((line) => !line.startsWith(keyword)),
        safe,
      );
      expect(say(player, given)).toBe("");
      expect(player.of("done")[0]).toMatchObject({
        outcomes: [{ status: "notTried", reason: { code: expect.stringMatching(/-missing$/) } }],
        safeToRetry: true,
      });
    },
  );

  test.each(rcptParameters)(
    "X-GEN-02 C-TXN-05 %s: RCPT says it where it is offered, and a server reads it so",
    (keyword, given, words, read) => {
      const to = [{ to: "b@example.com", ...given }, "c@example.com"];
      const said = say(ready(all), { to });
      expect(said).toContain(`RCPT TO:<b@example.com> ${words}\r\nRCPT TO:<c@example.com>\r\n`);
      const [mail, rcpt] = said.split("\r\n");
      expect(hear(server(), `${mail}\r\n${rcpt}\r\n`).rcpt).toEqual({ ...noRcptParameters, ...read });
      const player = ready(all.filter((line) => !line.startsWith(keyword)));
      expect(say(player, { to })).toContain("RCPT TO:<c@example.com>\r\n");
      expect(player.sent).not.toContain("b@example.com");
    },
  );

  test("every parameter of the registry that a caller can give is tried above", () => {
    const tried = [...mailParameters, ...rcptParameters].map(([, , words]) => words).join(" ");
    for (const { mail = {}, rcpt = {} } of registry) {
      for (const [name, { write }] of Object.entries({ ...mail, ...rcpt })) {
        if (write !== null) expect(` ${tried}`).toMatch(new RegExp(` ${name}\\b`));
      }
    }
  });

  test.each<[string, Partial<OutgoingEnvelope>]>([
    ["X-DBY-02", { by: { seconds: 1_000_000_000, mode: "notify", trace: false } }],
    ["X-DBY-02", { by: { seconds: 1.5, mode: "notify", trace: false } }],
    ["X-DBY-03", { by: { seconds: 0, mode: "return", trace: false } }],
    ["X-DBY-02", { by: { seconds: 1, mode: "R" as "return", trace: false } }],
    ["X-FUT-02", { holdFor: 0 }],
    ["X-FUT-02", { holdUntil: "2026-12-24T18:00:00+01:00" }],
    ["X-FUT-02", { holdUntil: "2026-02-30T18:00:00Z" }],
    ["X-FUT-02", { holdUntil: "tomorrow\r\nRSET" }],
    ["X-PRI-02", { priority: 10 }],
    ["X-PRI-02", { priority: 0.5 }],
    ["X-NOSOL-02", { solicit: [] }],
    ["X-NOSOL-02", { solicit: ["ADV"] }],
    ["X-NOSOL-02", { solicit: ["org.example:ADV\r\nRSET"] }],
    ["X-MTRK-01", { track: { certifier: "MDEyMw==", timeout: null } }],
    ["X-MTRK-01", { envid: "x1", track: { certifier: "MDEyMw==", timeout: null } }],
    ["X-MTRK-01", { envid: "x@y.example", track: { certifier: "M D", timeout: null } }],
    ["X-RRVS-01", { to: [{ to: "b@example.com", rrvs: { since: "2014", action: "reject" } }] }],
    [
      "X-RRVS-01",
      { to: [{ to: "b@example.com", rrvs: { since: "2014-04-03T23:01:00Z", action: "x" as "reject" } }] },
    ],
    ["X-XFW-04", { forwarded: { name: "a b" } }],
    ["X-XFW-04", { forwarded: { helo: "a\r\nRSET" } }],
    ["X-XFW-02", { forwarded: { addr: "[192.0.2.1]" } }],
    ["X-XFW-02", { forwarded: { port: 65_536 } }],
    ["X-GEN-02", { other: { XFOO: "1" } }],
  ])("C-SES-11 G12 %s: what no server could be told is an error of the caller (%#)", (_id, given) => {
    const session = new ClientSession({ name: "client.example.net" });
    expect(() => session.transaction({ ...envelope, ...given })).toThrow(UsageError);
    expect(session.snapshot()).toEqual(new ClientSession({ name: "client.example.net" }).snapshot());
  });

  test.each<[string, Partial<OutgoingEnvelope>]>([
    ["X-DBY-04", { by: { seconds: 59, mode: "return", trace: false } }],
    ["X-FUT-02", { holdFor: 86_401 }],
    ["X-FUT-02", { holdUntil: "2026-12-31T00:00:01Z" }],
  ])("C-TXN-01 %s: what the server has announced not to take is not said (%#)", (_id, given) => {
    const player = ready(all);
    expect(say(player, given)).toBe("");
    expect(player.of("done")[0]?.outcomes).toMatchObject([
      { status: "notTried", reason: { code: "extension-missing" } },
    ]);
  });
});

describe("REQUIRETLS", () => {
  test.each<[string, readonly string[], Partial<ClientConfig>]>([
    ["without TLS", all, { validatedHost: true }],
    ["to a server whose name anybody could have forged", all, { tls: "implicit" }],
    ["where EHLO inside TLS does not list it", all.filter((line) => line !== "REQUIRETLS"), safe],
  ])("X-RTLS-02 C-TXN-01 it is not said %s", (_where, offered, config) => {
    const player = ready(offered, config);
    expect(say(player, { requireTls: true })).toBe("");
    expect(player.of("done")[0]?.outcomes).toMatchObject([
      { status: "notTried", reason: { code: "requiretls-missing" } },
    ]);
    expect(say(player, {})).toMatch(/^MAIL FROM:<a@example\.net>\r\n/);
  });
});

describe("an extension of the application's own", () => {
  const extension: CustomExtension = {
    keyword: "XCOLOR",
    mail: [{ keyword: "COLOR", valid: (value) => /^(red|green)$/.test(value) }],
    rcpt: [{ keyword: "SHADE", value: "none" }],
    verbs: [{ verb: "PAINT" }],
  };
  const custom = [extension];

  test("X-GEN-02 S-LINE-17 its parameters and its verb are said where it is announced, and nowhere else", () => {
    const player = ready(["PIPELINING", "XCOLOR"], { custom });
    const given = { other: { COLOR: "red" }, to: [{ to: "b@example.com", other: { SHADE: true } }] };
    expect(say(player, given as Partial<OutgoingEnvelope>)).toBe(
      "MAIL FROM:<a@example.net> COLOR=red\r\nRCPT TO:<b@example.com> SHADE\r\nDATA\r\n",
    );
    player.hears("250 ok\n550 no\n554 no\n");
    player.hears("250 reset\n");
    expect(player.does("command PAINT it")).toBe("PAINT it\r\n");
    const other = ready(["PIPELINING"], { custom });
    expect(say(other, given as Partial<OutgoingEnvelope>)).toBe("");
    expect(other.does("command PAINT it")).toBe("");
    expect(other.of("skipped")[0]?.reason.code).toBe("extension-missing");
    const session = new ClientSession({ name: "client.example.net", custom });
    const wrongs: Record<string, string | true>[] = [
      { COLOR: "blue" },
      { COLOR: true },
      { HUE: "red" },
      { COLOR: "red\r\nRSET" },
    ];
    for (const other of wrongs) {
      expect(() => session.transaction({ ...envelope, other })).toThrow(UsageError);
    }
  });
});

describe("ATRN", () => {
  test("X-ATRN-03 both sides turn, and mail goes the other way on the same connection", () => {
    const customer = new ClientSession({ name: "customer.example.com", tls: "never" });
    const provider = new ServerSession({
      name: "odmr.example.net",
      service: "on-demand",
      mechanisms: ["CRAM-MD5"],
    });
    const sentBy = { customer: "", provider: "" };
    const turned = new Set<string>();
    /** Carries octets to and fro until both rest. */
    const run = (): void => {
      for (let rests = false; !rests; ) {
        rests = true;
        for (let event = provider.poll(); event !== null; event = provider.poll()) {
          rests = false;
          if (event.type === "turn") turned.add(`provider ${event.domains.join(" ")}`);
          if (event.type === "send") {
            sentBy.provider += Buffer.from(event.data).toString();
            customer.receive(event.data);
          }
          if (event.type === "auth") {
            provider.answer(
              event.id,
              event.step === 0
                ? { code: 334, enhanced: null, lines: ["PDE+"] }
                : { code: 235, enhanced: null, lines: ["ok"] },
            );
          } else if (event.type === "atrn") {
            provider.answer(event.id, {
              code: 250,
              enhanced: null,
              lines: ["OK now reversing the connection"],
            });
          } else if ("id" in event) provider.answer(event.id, undefined);
        }
        for (let event = customer.poll(); event !== null; event = customer.poll()) {
          rests = false;
          if (event.type === "turn") turned.add("customer");
          if (event.type === "challenge") customer.respond(Buffer.from("customer b913"));
          if (event.type === "send") {
            sentBy.customer += Buffer.from(event.data).toString();
            provider.receive(event.data);
          }
        }
      }
    };
    run();
    customer.auth("CRAM-MD5");
    customer.atrn(["example.com"]);
    run();
    expect(sentBy.customer).toMatch(/ATRN example\.com\r\n$/);
    expect([...turned].sort()).toEqual(["customer", "provider example.com"]);
    expect([provider.waiting, customer.waiting]).toEqual(["closed", "closed"]);
    // What was the client greets, and what was the server says EHLO: nothing of before is known to either.
    const server = new ServerSession({ name: "customer.example.com" });
    const client = new ClientSession({ name: "odmr.example.net", tls: "never" });
    client.transaction({ from: "a@example.net", to: ["b@example.com"] });
    let heard = "";
    for (let round = 0; round < 20; round++) {
      for (let event = server.poll(); event !== null; event = server.poll()) {
        if (event.type === "send") client.receive(event.data);
        if ("id" in event) {
          server.answer(
            event.id,
            event.type === "message" ? { code: 250, enhanced: null, lines: ["kept"] } : undefined,
          );
        }
      }
      for (let event = client.poll(); event !== null; event = client.poll()) {
        if (event.type === "send") {
          heard += Buffer.from(event.data).toString();
          server.receive(event.data);
        }
        if (event.type === "body") {
          client.write(Buffer.from("hi\r\n"));
          client.finish();
        }
        if (event.type === "done") expect(event.outcomes).toMatchObject([{ status: "accepted" }]);
      }
    }
    expect(heard).toMatch(/^EHLO odmr\.example\.net\r\nMAIL FROM:<a@example\.net>/);
  });
});

import { type ClientConfig, ClientSession, type CustomExtension, UsageError } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { Player } from "../client-dialogues/play.ts";

function ready(offered: readonly string[] = [], config: Partial<ClientConfig> = {}): Player {
  const player = new Player({ name: "client.example.net", tls: "never", ...config });
  player.drain();
  player.hears("220 mx\n");
  const lines = ["mx", ...offered];
  player.hears(lines.map((line, at) => `250${at < lines.length - 1 ? "-" : " "}${line}\n`).join(""));
  return player;
}

/** What is given to `transaction`. */
const message = (more: object = {}) =>
  JSON.stringify({ from: "a@example.net", to: ["b@example.com"], ...more });

/** A session that was asked for the content of a message. */
function inBody(offered: readonly string[], more: object = {}, config: Partial<ClientConfig> = {}): Player {
  const player = ready(["PIPELINING", ...offered], config);
  const said = player.does(`transaction ${message(more)}`);
  player.hears(said.endsWith("DATA\r\n") ? "250 ok\n250 ok\n354 go\n" : "250 ok\n250 ok\n");
  return player;
}

describe("a session that ends", () => {
  test("C-SES-09 QUIT is said to a server that has closed its side, and nothing else is", () => {
    const player = ready();
    player.call("quit");
    player.call("end");
    player.drain();
    expect(player.sent).toBe("EHLO client.example.net\r\nQUIT\r\n");
    expect(player.of("failed")).toEqual([]);
    expect(player.of("close")).toEqual([{ type: "close", broken: false }]);
    const other = ready();
    other.call(`transaction ${message()}`);
    other.call("end");
    other.drain();
    expect(other.sent).toBe("EHLO client.example.net\r\n");
    expect(other.statuses).toBe("notTried");
    expect(other.failed).toBe("ended");
  });

  test("C-TXN-15 a verdict that comes before the end of the message has left fails the session", () => {
    const { session } = inBody([]);
    session.write(Buffer.from("hello\r\n"));
    session.finish();
    session.receive(Buffer.from("250 queued\r\n"));
    const events = [];
    // The connection is full: nothing of the content leaves.
    for (let event = session.poll(true); event !== null; event = session.poll(true)) events.push(event);
    expect(events).toMatchObject([
      {
        type: "done",
        outcomes: [{ status: "notTried", reason: { code: "reply-unexpected" } }],
        safeToRetry: true,
      },
      { type: "failed", failure: { code: "reply-unexpected" }, reply: { code: 250 } },
      { type: "close", broken: true },
    ]);
  });
});

describe("work that is queued when the session is lost", () => {
  test("C-SES-07 is skipped under the name of its verb, QUIT apart, and a message is not tried", () => {
    const player = ready(["AUTH PLAIN", "XCLIENT ADDR", "ATRN", "STARTTLS"]);
    player.call(`transaction ${message()}`);
    for (const call of [
      "auth PLAIN x",
      "starttls",
      "atrn",
      'xclient {"addr": "192.0.2.1"}',
      "command VRFY a",
      "reset",
      "quit",
    ])
      player.call(call);
    player.call("lost");
    player.drain();
    expect(player.statuses).toBe("notTried");
    expect(player.of("skipped").map(({ id, verb, reason }) => [id, verb, reason.code])).toEqual([
      [2, "AUTH", "ended"],
      [3, "STARTTLS", "ended"],
      [4, "ATRN", "ended"],
      [5, "XCLIENT", "ended"],
      [6, "VRFY", "ended"],
      [7, "RSET", "ended"],
    ]);
    expect(player.failed).toBe("ended");
  });
});

describe("calls at the wrong time", () => {
  test("G9 octets behind the end of the connection, and a response that nobody asked for, are errors and change nothing", () => {
    const player = ready();
    expect(() => player.session.respond(Buffer.from("x"))).toThrow(UsageError);
    expect(() => player.session.respond(null)).toThrow(UsageError);
    expect(() => player.session.write(Buffer.from("x"))).not.toThrow();
    player.call("end");
    expect(() => player.session.receive(Buffer.from("250 x\r\n"))).toThrow(UsageError);
    player.drain();
    expect(player.failed).toBe("ended");
  });

  test("C-SES-09 G9 QUIT is said once, and behind it nothing is taken; a session that is over is closed no second time", () => {
    const player = ready();
    player.call("quit");
    player.call("quit");
    expect(() => player.session.noop()).toThrow(UsageError);
    player.drain();
    expect(player.session.phase).toBe("quitting");
    player.call("quit");
    expect(() => player.session.transaction({ from: "a@example.net", to: ["b@example.com"] })).toThrow(
      UsageError,
    );
    expect(player.hears("221 bye\n")).toBe("");
    expect(player.sent).toBe("EHLO client.example.net\r\nQUIT\r\n");
    player.call("close");
    player.drain();
    expect(() => player.session.noop()).toThrow(UsageError);
    expect(player.of("close")).toEqual([{ type: "close", broken: false }]);
    expect(player.of("failed")).toEqual([]);
    expect(player.session.waiting).toBe("closed");
    // What comes late is not read.
    player.session.advance(1e9);
    player.hear("250 late\r\n");
    expect(player.session.waiting).toBe("closed");
  });
});

describe("what cannot be said", () => {
  test("C-SES-11 X-XCL-06 an attribute of XCLIENT that is no text", () => {
    const { session } = ready(["XCLIENT NAME"]);
    expect(() => session.xclient({ name: "\ud800" })).toThrow(UsageError);
    expect(() => session.xclient({ login: "dana\udfff" })).toThrow(UsageError);
  });

  test.each([
    "//example.com/x",
    "imap://example.com/a b",
    "imap://example.com/x LAST",
    "imap://example.com/x ",
    "imap://example.com/\r\nRSET",
    `imap://example.com/${"a".repeat(482)}`,
  ])("C-SES-11 G12 BURL is not said with %j", (url) => {
    const player = inBody(["8BITMIME", "CHUNKING", "BURL imap"], { burl: true });
    expect(() => player.session.burl(url)).toThrow(UsageError);
    // The session is as it was.
    expect(player.does("burl imap://example.com/x")).toBe("");
    expect(player.does("finish")).toBe("BURL imap://example.com/x LAST\r\n");
  });

  test("L-LEN-02 a URL of 500 octets is said", () => {
    const player = inBody(["8BITMIME", "CHUNKING", "BURL imap"], { burl: true });
    const url = `imap://example.com/${"a".repeat(481)}`;
    player.session.burl(url);
    expect(player.does("finish")).toBe(`BURL ${url} LAST\r\n`);
  });

  test("X-GEN-02 BURL is not said in a message whose envelope did not say so", () => {
    const player = inBody(["8BITMIME", "CHUNKING", "BURL imap"], {}, { chunking: "prefer" });
    expect(() => player.session.burl("imap://example.com/x")).toThrow(UsageError);
    expect(player.does("write x")).toBe("");
    expect(player.does("finish")).toBe("BDAT 1 LAST\r\nx");
  });

  test("G9 a URL for a message that has failed meanwhile goes nowhere, and is no error", () => {
    const player = inBody(["8BITMIME", "CHUNKING", "BURL imap"], { burl: true });
    player.call("abandon 1");
    expect(player.does("burl imap://example.com/x")).toBe("RSET\r\n");
    expect(player.does("finish")).toBe("");
    expect(player.statuses).toBe("notTried");
  });

  test.each(["", "exa mple.com", "example.com,example.org", "[192.0.2.1]", "example.com\r\nRSET"])(
    "C-SES-11 G12 ATRN is not said with %j",
    (domain) => {
      const player = ready(["ATRN"]);
      expect(() => player.session.atrn(["example.net", domain])).toThrow(UsageError);
      expect(player.does("atrn")).toBe("ATRN\r\n");
    },
  );

  test("L-LEN-02 ATRN has 512 octets at most", () => {
    const names = (last: number) => [
      "a".repeat(60).concat(`.${"b".repeat(60)}.${"c".repeat(60)}.example`),
      "d".repeat(60).concat(`.${"e".repeat(60)}.${"f".repeat(60)}.example`),
      "g".repeat(60).concat(`.${"h".repeat(last)}`),
    ];
    const length = 500 - (names(1).join(",").length - 1);
    const player = ready(["ATRN"]);
    expect(() => player.session.atrn(names(length + 1))).toThrow(UsageError);
    player.session.atrn(names(length));
    player.drain();
    expect(player.sent).toContain(`ATRN ${names(length).join(",")}\r\n`);
  });

  test("C-SES-11 an error in a function of the application's own comes to it as it is", () => {
    const custom: CustomExtension[] = [
      {
        keyword: "XCOLOR",
        rcpt: [
          {
            keyword: "SHADE",
            valid: () => {
              throw new RangeError("of the application");
            },
          },
        ],
      },
    ];
    const session = new ClientSession({ name: "client.example.net", custom });
    const to = [{ to: "b@example.com", other: { SHADE: "dark" } }];
    expect(() => session.transaction({ from: "a@example.net", to })).toThrow(RangeError);
  });
});

describe("what is asked for in vain", () => {
  test("T-TLS-09 STARTTLS is skipped where it is not offered, and inside TLS", () => {
    const plain = ready();
    expect(plain.does("starttls")).toBe("");
    expect(plain.of("skipped")).toMatchObject([
      { id: 1, verb: "STARTTLS", reason: { code: "tls-not-offered" } },
    ]);
    expect(plain.of("ready")).toHaveLength(2);
    const player = new Player({ name: "client.example.net", tls: "implicit" });
    player.drain();
    player.does("upgraded");
    player.hears("220 mx\n");
    player.hears("250-mx\n250 STARTTLS\n");
    expect(player.does("starttls")).toBe("");
    expect(player.of("skipped")).toMatchObject([{ verb: "STARTTLS", reason: { code: "tls-not-offered" } }]);
  });

  test("S-RSET-01 the reply to a RSET that was asked for is told, that to one of the session's own is not", () => {
    const player = ready();
    expect(player.does("reset")).toBe("RSET\r\n");
    player.hears("250 2.0.0 forgotten\n");
    expect(player.of("reply")).toMatchObject([{ id: 1, verb: "RSET", reply: { code: 250 } }]);
    expect(player.of("ready")).toHaveLength(2);
  });
});

describe("content", () => {
  test("C-CONV-01 C-TXN-08 a CR at the very end is bare: the message is not ended, and the connection is", () => {
    const player = inBody([]);
    player.call("write hello\\r");
    player.call("finish");
    player.drain();
    expect(player.sent).not.toMatch(/\r\n\.\r\n/);
    expect(player.statuses).toBe("notTried");
    expect(player.of("done")[0]?.outcomes).toMatchObject([{ reason: { code: "content-bare-cr" } }]);
    expect(player.of("close")).toEqual([{ type: "close", broken: true }]);
  });

  test("X-SIZE-07 in chunks, what exceeds the announced size by its last line end alone is given up before it is sent", () => {
    const player = inBody(["CHUNKING", "SIZE 6"], {}, { lineEnds: "normalize" });
    player.call("write hello\\r");
    expect(player.does("finish")).toBe("RSET\r\n");
    expect(player.of("done")[0]?.outcomes).toMatchObject([
      { status: "notTried", reason: { code: "size-exceeded" } },
    ]);
    const fits = inBody(["CHUNKING", "SIZE 7"], {}, { lineEnds: "normalize" });
    fits.call("write hello\\r");
    expect(fits.does("finish")).toBe("BDAT 7 LAST\r\nhello\r\n");
  });
});

describe("a date", () => {
  test.each([
    ["2028-02-29", true],
    ["2027-02-29", false],
    ["2100-02-29", false],
    ["2400-02-29", true],
    ["2027-02-28", true],
    ["2027-04-30", true],
    ["2027-04-31", false],
    ["2027-06-31", false],
    ["2027-09-31", false],
    ["2027-11-31", false],
    ["2027-12-31", true],
    ["2027-01-32", false],
    ["2027-01-00", false],
    ["2027-00-01", false],
    ["2027-13-01", false],
  ])("X-FUT-02 HOLDUNTIL on %s can be said: %j", (day, can) => {
    const session = new ClientSession({ name: "client.example.net" });
    const send = (holdUntil: string) =>
      session.transaction({ from: "a@example.net", to: ["b@example.com"], holdUntil });
    if (can) expect(send(`${day}T00:00:00Z`)).toBe(1);
    else expect(() => send(`${day}T00:00:00Z`)).toThrow(UsageError);
  });

  test.each(["T24:00:00Z", "T00:60:00Z", "T00:00:61Z", "T00:00:00", "T00:00:00+00:00", " 00:00:00Z"])(
    "X-FUT-02 HOLDUNTIL cannot be said at %s",
    (time) => {
      const session = new ClientSession({ name: "client.example.net" });
      const envelope = { from: "a@example.net", to: ["b@example.com"], holdUntil: `2027-01-01${time}` };
      expect(() => session.transaction(envelope)).toThrow(UsageError);
    },
  );
});

describe("a snapshot", () => {
  test("G9 that is none of this version is not restored", () => {
    const config = { name: "client.example.net" };
    const snapshot = new ClientSession(config).snapshot();
    for (const wrong of [{ ...snapshot, version: 2 }, {}, null, undefined, { ...snapshot, redacted: true }]) {
      expect(() => ClientSession.restore(config, wrong as never)).toThrow(UsageError);
    }
    expect(ClientSession.restore(config, snapshot).snapshot()).toEqual(snapshot);
  });
});

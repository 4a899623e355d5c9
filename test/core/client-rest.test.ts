import { type ClientConfig, ClientSession, type ClientSnapshot, UsageError } from "@sansmtp/core";
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

const envelope = { from: "a@example.net", to: ["b@example.com", "c@example.com"] };

describe("421", () => {
  test("C-SES-06 R-FMT-17 in place of the reply to RCPT is told of that recipient, and all are tried again later", () => {
    const player = ready(["PIPELINING"]);
    player.does(`transaction ${JSON.stringify(envelope)}`);
    player.hears("250 ok\n250 ok\n421 4.3.2 closing\n");
    expect(player.of("recipient").map(({ id, index, reply }) => [id, index, reply.code])).toEqual([
      [1, 0, 250],
      [1, 1, 421],
    ]);
    expect(player.statuses).toBe("notTried notTried");
    expect(player.of("done")[0]?.safeToRetry).toBe(true);
    expect(player.failed).toBe("closed-by-server");
    expect(player.of("close")).toEqual([{ type: "close", broken: true }]);
  });

  test("C-SES-06 to QUIT closes as any reply does", () => {
    const player = ready();
    expect(player.does("quit")).toBe("QUIT\r\n");
    player.hears("421 closing\n");
    expect(player.failed).toBeNull();
    expect(player.of("close")).toEqual([{ type: "close", broken: false }]);
  });
});

describe("who the client is", () => {
  test("X-XCL-06 every attribute that the server lists is said, an IPv6 address with its tag, and nothing else with it", () => {
    const player = ready(["XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"]);
    const client = {
      name: "a.example",
      addr: "2001:db8::1",
      port: 4711,
      proto: "SMTP",
      helo: "[IPv6:2001:db8::2]",
      login: "dana",
      destaddr: "2001:db8::3",
      destport: 25,
    };
    expect(player.does(`xclient ${JSON.stringify(client)}`)).toBe(
      "XCLIENT NAME=a.example PORT=4711 PROTO=SMTP HELO=[IPv6:2001:db8::2] LOGIN=dana DESTADDR=IPV6:2001:db8::3 DESTPORT=25 ADDR=IPV6:2001:db8::1\r\n",
    );
    player.hears("220 mx\n");
    expect(player.session.phase).toBe("hello");
    expect(player.session.capabilities.pipelining).toBe(false);
  });

  test("X-XFW-01 of a message, likewise", () => {
    const player = ready(["XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"]);
    const forwarded = { addr: "2001:db8::1", proto: "ESMTP", helo: "x:y", source: "LOCAL" };
    expect(player.does(`transaction ${JSON.stringify({ ...envelope, forwarded })}`)).toBe(
      "XFORWARD ADDR=IPV6:2001:db8::1 PROTO=ESMTP HELO=x:y SOURCE=LOCAL\r\n",
    );
  });

  test("L-LEN-20 C-SES-11 an attribute that fits in no line is an error of the caller", () => {
    const session = new ClientSession({ name: "client.example.net" });
    expect(() => session.xclient({ login: "a".repeat(600) })).toThrow(UsageError);
    expect(() => session.transaction({ ...envelope, forwarded: { ident: "a".repeat(600) } })).toThrow(
      UsageError,
    );
  });
});

describe("chunks that have not left", () => {
  const chunked = () => {
    const player = ready(["PIPELINING", "CHUNKING"], {
      chunking: "prefer",
      limits: { chunk: 1024 } as never,
    });
    player.does(`transaction ${JSON.stringify(envelope)}`);
    player.hears("250 ok\n250 ok\n250 ok\n");
    return player;
  };

  test("C-TXN-09 are taken back with the replies that they would have had when the message is given up", () => {
    const player = chunked();
    player.session.write(Buffer.alloc(2500, "a\r\n"));
    expect(player.session.abandon(1)).toBe(true);
    const before = player.sent.length;
    player.drain();
    expect(player.sent.slice(before)).toBe("RSET\r\n");
    expect(player.statuses).toBe("notTried notTried");
    player.hears("250 reset\n");
    expect(player.failed).toBeNull();
    expect(player.of("ready")).toHaveLength(2);
    expect(player.does("noop")).toBe("NOOP\r\n");
  });

  test("C-TXN-09 those that have left are waited for before the message is forgotten", () => {
    const player = chunked();
    player.session.write(Buffer.alloc(1024, "a\r\n"));
    player.drain();
    expect(player.sent).toMatch(/BDAT 1024\r\n/);
    player.session.abandon(1);
    const before = player.sent.length;
    player.drain();
    expect(player.of("done")).toEqual([]);
    expect(player.hears("250 ok\n")).toBe("RSET\r\n");
    expect(player.sent.slice(before)).toBe("RSET\r\n");
    expect(player.statuses).toBe("notTried notTried");
  });

  test("C-TXN-14 C-TXN-09 a chunk that is refused takes back those behind it that have not left", () => {
    const player = chunked();
    player.session.write(Buffer.alloc(1024, "a\r\n"));
    player.drain();
    player.session.write(Buffer.alloc(1024, "a\r\n"));
    // Nothing leaves while the connection is full.
    player.session.receive(Buffer.from("552 5.3.4 too big\r\n"));
    for (let event = player.session.poll(true); event !== null; event = player.session.poll(true))
      player.polled.push(event);
    expect(player.of("done")[0]?.outcomes).toMatchObject([
      { status: "refused", reply: { code: 552 } },
      { status: "refused", reply: { code: 552 } },
    ]);
    player.drain();
    expect(player.sent).not.toMatch(/BDAT 1024[^]*BDAT 1024/);
    player.hears("250 reset\n");
    expect(player.failed).toBeNull();
  });
});

describe("what the session tells of itself", () => {
  test("G3 capabilities are those of the last EHLO, and settings those that it was made with", () => {
    const player = ready(["SIZE 1000", "PIPELINING"]);
    expect(player.session.capabilities).toMatchObject({ size: 1000, pipelining: true, chunking: false });
    expect(player.session.settings).toMatchObject({
      name: "client.example.net",
      tls: "never",
      protocol: "smtp",
    });
    expect([player.session.phase, player.session.secure, player.session.waiting]).toEqual([
      "ready",
      false,
      "work",
    ]);
  });
});

describe("commands of one line", () => {
  test("L-LEN-02 have 512 octets at most, with CRLF", () => {
    const player = ready();
    expect(() => player.session.command("VRFY", "a".repeat(506))).toThrow(UsageError);
    player.session.command("VRFY", "a".repeat(505));
    player.drain();
    expect(player.sent).toContain(`VRFY ${"a".repeat(505)}\r\n`);
  });

  test("X-GEN-02 S-LINE-17 belong to the extension that has them, and those of RFC 5321 to none", () => {
    const custom = [
      { keyword: "XONE", verbs: [{ verb: "ONE" }, { verb: "EINS" }] },
      { keyword: "XTWO", verbs: [{ verb: "TWO" }], mail: [{ keyword: "SIDE" }] },
      { keyword: "XTHREE", mail: [{ keyword: "PART" }, { keyword: "WHOLE" }], rcpt: [{ keyword: "SHADE" }] },
    ];
    const player = ready(["XTWO"], { custom });
    expect(player.does("command EINS")).toBe("");
    expect(player.of("skipped").map(({ verb, reason }) => [verb, reason.code])).toEqual([
      ["EINS", "extension-missing"],
    ]);
    for (const verb of ["TWO", "EXPN list", "HELP", "VRFY a", "OTHER"]) {
      expect(player.does(`command ${verb}`)).toBe(`${verb}\r\n`);
      player.hears("250 ok\n");
    }
    expect(player.of("reply").map(({ verb }) => verb)).toEqual(["TWO", "EXPN", "HELP", "VRFY", "OTHER"]);
    const send = (other: object) => player.does(`transaction ${JSON.stringify({ ...envelope, other })}`);
    expect(send({ WHOLE: "x" })).toBe("");
    expect(player.of("done").at(-1)?.outcomes[0]).toMatchObject({ reason: { code: "extension-missing" } });
    expect(send({ SIDE: "x" })).toBe("MAIL FROM:<a@example.net> SIDE=x\r\n");
    const session = new ClientSession({ name: "client.example.net", custom });
    for (const other of [{ SHADE: "x" }, { NONE: "x" }] as Record<string, string>[])
      expect(() => session.transaction({ ...envelope, other })).toThrow(UsageError);
  });

  test("C-SES-08 S-RSET-01 a RSET that is refused fails the session: what the server holds is not known", () => {
    const player = ready();
    player.does("reset");
    player.hears("500 what\n");
    expect(player.failed).toBe("reply-unexpected");
    expect(player.of("reply")).toEqual([]);
  });
});

describe("a redacted snapshot", () => {
  const heldIn = (snapshot: ClientSnapshot) => snapshot.held as unknown as Record<string, unknown>;

  test("G13 leaves out AUTH that is queued, and keeps what else is", () => {
    const player = new Player({ name: "client.example.net" });
    player.call(`transaction ${JSON.stringify(envelope)}`);
    player.call("auth PLAIN secret");
    player.call("noop");
    const snapshot = player.session.snapshot();
    expect(snapshot.redacted).toBe(true);
    const { operations } = heldIn(snapshot).state as { operations: { kind: string; id: number }[] };
    expect(operations.map(({ kind, id }) => [kind, id])).toEqual([
      ["transaction", 1],
      ["command", 3],
    ]);
    expect(JSON.stringify(snapshot)).not.toContain(Buffer.from("secret").toString("base64"));
    expect(heldIn(snapshot)).toMatchObject({ input: null, replies: null, out: null });
    expect(player.session.snapshot({ secrets: true }).redacted).toBe(false);
    expect(JSON.stringify(player.session.snapshot({ secrets: true }))).toContain(
      Buffer.from("secret").toString("base64"),
    );
  });

  test("G13 leaves out a challenge that nobody has seen, and keeps the events beside it", () => {
    const player = ready(["AUTH SCRAM-SHA-256"]);
    player.session.auth("SCRAM-SHA-256", Buffer.from("first"));
    player.drain();
    player.hear(`334 ${Buffer.from("challenge").toString("base64")}\r\n`);
    expect(player.session.snapshot().redacted).toBe(true);
    const event = player.session.poll();
    expect(event?.type).toBe("challenge");
    // It waits for the response: that alone is reason enough.
    const snapshot = player.session.snapshot();
    expect(snapshot.redacted).toBe(true);
    expect(JSON.stringify(snapshot)).not.toContain(Buffer.from("challenge").toString("base64"));
    expect(() => ClientSession.restore({ name: "client.example.net" }, snapshot)).toThrow(UsageError);
    player.session.respond(Buffer.from("second"));
    player.drain();
    player.hears("235 ok\n");
    expect(player.session.snapshot().redacted).toBe(false);
  });
});

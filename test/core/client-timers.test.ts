import { defaultClientTimers } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { Player } from "../client-dialogues/play.ts";

const envelope = 'transaction {"from": "a@example.net", "to": ["b@example.com"]}';
const name = "client.example.net";

describe("timers", () => {
  test("L-TIME-01 L-TIME-17 the defaults are those of RFC 5321 §4.5.3.2", () => {
    expect(defaultClientTimers).toMatchObject({
      greeting: 300_000,
      mail: 300_000,
      rcpt: 300_000,
      dataInit: 120_000,
      dataBlock: 180_000,
      dataDone: 600_000,
    });
  });

  test("L-TIME-08 replies for which RFC 5321 has no time are waited for 5 minutes, that to QUIT 10 seconds", () => {
    const wait = (player: Player) => [
      player.session.deadlineReason,
      (player.session.deadline as number) - player.now,
    ];
    const hello = (protocol: "smtp" | "lmtp" = "smtp") => {
      const player = new Player({ name, protocol, tls: "never", allowInsecureAuth: true });
      player.does("advance 1000");
      expect(player.hears("220 mx\n")).toBe(protocol === "lmtp" ? `LHLO ${name}\r\n` : `EHLO ${name}\r\n`);
      return player;
    };
    expect(wait(hello())).toEqual(["other", 300_000]);
    expect(wait(hello("lmtp"))).toEqual(["other", 300_000]);
    const helo = hello();
    expect(helo.hears("500 what?\n")).toBe(`HELO ${name}\r\n`);
    expect(wait(helo)).toEqual(["other", 300_000]);
    for (const [call, line, span] of [
      ["reset", "RSET", 300_000],
      ["noop", "NOOP", 300_000],
      ["command VRFY b", "VRFY b", 300_000],
      ["auth PLAIN", "AUTH PLAIN", 300_000],
      ["starttls", "STARTTLS", 300_000],
      ["quit", "QUIT", 10_000],
    ] as const) {
      const player = hello();
      player.hears("250-mx\n250-AUTH PLAIN\n250 STARTTLS\n");
      player.does("advance 1000");
      expect(player.does(call)).toBe(`${line}\r\n`);
      expect(wait(player)).toEqual([line === "QUIT" ? "quit" : "other", span]);
      player.does(`advance ${span - 1}`);
      expect(player.closed).toBe(false);
      player.does("advance 1");
      expect(player.closed).toBe(true);
      expect(player.failed).toBe(line === "QUIT" ? null : "timeout");
    }
    const asked = hello();
    asked.hears("250-mx\n250 AUTH PLAIN\n");
    asked.does("auth PLAIN");
    asked.hears("334 \n");
    expect(asked.session.deadline).toBeNull();
    asked.does("respond x");
    expect(wait(asked)).toEqual(["other", 300_000]);
  });

  test("L-TIME-09 the reply to a chunk that is not the last is waited for 5 minutes", () => {
    const player = new Player({ name, limits: { chunk: 4 } });
    player.hears("220 mx\n");
    player.hears("250-mx\n250 CHUNKING\n");
    player.does(envelope);
    player.hears("250 ok\n250 ok\n");
    player.does("advance 1000");
    expect(player.does("write 1234")).toBe("BDAT 4\r\n1234");
    expect(player.session.deadlineReason).toBe("chunk");
    player.does("advance 299999");
    expect(player.failed).toBeNull();
    player.does("advance 1");
    expect(player.of("done")[0]).toMatchObject({ outcomes: [{ status: "notTried" }], safeToRetry: true });
    expect(player.failed).toBe("timeout");
  });

  test("L-TIME-01 L-TIME-17 each stage names its own, which begins with its command", () => {
    const player = new Player({ name });
    const seen: [string | null, number | null][] = [];
    const look = () =>
      seen.push([player.session.deadlineReason, (player.session.deadline ?? 0) - player.now]);
    const hears = (text: string) => {
      player.does("advance 1000");
      player.hears(text);
      look();
    };
    look();
    hears("220 mx\n");
    hears("250-mx\n250-CHUNKING\n250 STARTTLS\n");
    hears("220 go\n");
    player.does("upgraded");
    look();
    hears("250-mx\n250 PIPELINING\n");
    player.does(envelope);
    look();
    hears("250 ok\n");
    hears("250 ok\n");
    hears("354 go\n");
    player.does("write a");
    look();
    player.does("finish");
    look();
    hears("250 ok\n");
    player.does("quit");
    look();
    expect(seen.map(([reason]) => reason)).toEqual([
      "greeting",
      "other",
      "other",
      "tls",
      "other",
      null,
      "mail",
      "rcpt",
      "dataInit",
      null,
      null,
      "dataDone",
      null,
      "quit",
    ]);
    for (const [reason, span] of seen) {
      if (reason !== null) expect(span).toBe(defaultClientTimers[reason as "mail"]);
    }
  });

  test("L-TIME-01 the deadline of each reply of a group begins when the one before it came", () => {
    const player = new Player({ name });
    player.hears("220 mx\n");
    player.hears("250-mx\n250 PIPELINING\n");
    player.does('transaction {"from": "a@example.net", "to": ["b@example.com", "c@example.com"]}');
    for (const timer of ["mail", "rcpt", "rcpt", "dataInit"] as const) {
      expect(player.session.deadlineReason).toBe(timer);
      expect(player.session.deadline).toBe(player.now + defaultClientTimers[timer]);
      player.does("advance 100000");
      expect(player.failed).toBeNull();
      player.hears(timer === "dataInit" ? "354 go\n" : "250 ok\n");
    }
  });

  test("L-TIME-01 half a reply extends nothing, nor do the lines before the last", () => {
    const player = new Player({ name });
    player.hears("220 mx\n");
    for (let times = 0; times < 3; times++) {
      player.does("advance 99999");
      player.hears("250-still here\n");
    }
    expect(player.failed).toBeNull();
    player.does("advance 3");
    expect(player.failed).toBe("timeout");
  });

  test("L-TIME-01 a reply that came in time counts, even when the clock has passed its deadline since", () => {
    const player = new Player({ name });
    player.hear("220 mx\r\n");
    player.does("advance 300001");
    expect(player.failed).toBeNull();
    expect(player.sent).toBe(`EHLO ${name}\r\n`);
  });

  test("L-TIME-01 time for a piece of content to leave", () => {
    const player = new Player({ name });
    player.hears("220 mx\n");
    player.hears("250 mx\n");
    player.does(envelope);
    for (const reply of ["250 ok\n", "250 ok\n", "354 go\n"]) player.hears(reply);
    const { session } = player;
    session.write(Buffer.from("a\r\n"));
    expect(session.poll()).toMatchObject({ type: "send" });
    expect(session.deadlineReason).toBe("dataBlock");
    expect(session.deadline).toBe(180_000);
    session.advance(179_999);
    expect(session.poll(true)).toBeNull();
    session.advance(180_000);
    expect(session.poll(true)).toMatchObject({ type: "done", outcomes: [{ status: "notTried" }] });
    expect(session.poll(true)).toMatchObject({ type: "failed", failure: { code: "timeout" } });
  });

  test("L-TIME-18 C-SES-07 too late at the end of the data: nobody knows, and it is told", () => {
    const player = new Player({ name, timers: { dataDone: 10 } });
    player.hears("220 mx\n");
    player.hears("250 mx\n");
    player.does(envelope);
    for (const reply of ["250 ok\n", "250 ok\n", "354 go\n"]) player.hears(reply);
    player.does("finish");
    player.does("advance 10");
    expect(player.of("done")[0]).toMatchObject({
      outcomes: [{ status: "unknown", reason: "timeout" }],
      safeToRetry: false,
    });
  });

  test("S-QUIT-02 QUIT waits for its reply, not for long, and nothing is lost by it", () => {
    const player = new Player({ name });
    player.hears("220 mx\n");
    player.hears("250 mx\n");
    player.does("quit");
    expect(player.closed).toBe(false);
    player.does("advance 10000");
    expect(player.closed).toBe(true);
    expect(player.failed).toBeNull();
  });

  test("L-TIME-17 G9 Infinity is no deadline, and time does not run backwards", () => {
    const player = new Player({ name, timers: { greeting: Number.POSITIVE_INFINITY } });
    expect(player.session.deadline).toBeNull();
    player.session.advance(5);
    player.session.advance(2);
    player.session.advance(Number.NaN);
    player.hears("220 mx\n");
    expect(player.session.deadline).toBe(300_005);
  });
});

import { type ClientConfig, UsageError } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { Player } from "../client-dialogues/play.ts";

const envelope = 'transaction {"from": "a@example.net", "to": ["b@example.com"]}';

/** A session that waits for content; by BDAT in chunks of four octets, or by DATA. */
function atBody(by: "BDAT" | "DATA", config: Partial<ClientConfig> = {}, pipelining = true): Player {
  const player = new Player({ name: "client.example.net", limits: { chunk: 4 }, ...config });
  player.hears("220 mx\n");
  const offered = [by === "BDAT" ? ["CHUNKING"] : [], pipelining ? ["PIPELINING"] : []].flat();
  player.hears(
    ["mx", ...offered].map((line, at) => `250${at < offered.length ? "-" : " "}${line}\n`).join(""),
  );
  player.does(envelope);
  for (const reply of by === "BDAT" ? [250, 250] : [250, 250, 354]) player.hears(`${reply} x\n`);
  expect(player.of("body")).toHaveLength(1);
  return player;
}

const octets = (text: string) => Buffer.from(text, "latin1");

describe("content that has not left", () => {
  test("C-PIPE-03 X-PIPE-06 replies are read while content waits, and commands leave", () => {
    const { session } = atBody("BDAT");
    session.write(octets("1234"));
    expect(session.poll(true)).toBeNull();
    expect(session.wantsInput).toBe(true);
    session.receive(octets("421 bye\r\n"));
    expect(session.poll(true)).toMatchObject({ type: "done", outcomes: [{ status: "notTried" }] });
  });

  test.each([
    ["DATA", true],
    ["DATA", false],
    ["BDAT", true],
    ["BDAT", false],
  ] as const)(
    "C-TXN-08 C-TXN-09 %s: given up when all was written and its end was not sent (full: %s)",
    (by, full) => {
      const player = atBody(by);
      player.session.write(octets("ab"));
      player.session.finish();
      if (full) expect(player.session.poll(true)).toBeNull();
      const before = player.sent.length;
      expect(player.session.abandon(1)).toBe(true);
      player.drain();
      expect(player.statuses).toBe("notTried");
      if (by === "DATA") expect(player.closed).toBe(true);
      else expect(player.sent.slice(before)).toBe("RSET\r\n");
      expect(player.sent.slice(before)).not.toMatch(/\.\r\n|LAST/);
    },
  );

  test.each([true, false])(
    "S-BDAT-19 chunks that wait are not sent behind a refused one (full: %s)",
    (full) => {
      const player = atBody("BDAT");
      player.does("write 1111");
      player.session.write(octets("2222"));
      if (full) expect(player.session.poll(true)).toBeNull();
      player.session.write(octets("33"));
      player.session.finish();
      const before = player.sent.length;
      player.session.receive(octets("552 too big\r\n"));
      if (full) {
        for (let event = player.session.poll(true); event !== null; event = player.session.poll(true)) {
          if (event.type === "done") expect(event.outcomes[0]?.status).toBe("refused");
        }
        player.drain();
        expect(player.sent.slice(before)).not.toMatch(/BDAT/);
        expect(player.session.poll()).toBeNull();
        player.hears("250 ok\n");
        expect(player.failed).toBeNull();
        expect(player.session.waiting).toBe("work");
      } else {
        player.drain();
        // They left before the refusal was read.
        expect(player.sent.slice(before)).toBe("BDAT 4\r\n2222BDAT 2 LAST\r\n33");
        player.hears("503 no\n503 no\n");
        expect(player.statuses).toBe("refused");
      }
    },
  );

  test("G6 C-PIPE-03 no more content than what has left and is answered", () => {
    const player = atBody("BDAT", { limits: { chunk: 4, chunks: 2 } });
    expect(player.session.waiting).toBe("body");
    player.session.write(octets("1111"));
    expect(player.session.wantsBody).toBe(false);
    player.drain();
    expect(player.session.wantsBody).toBe(true);
    player.does("write 2222");
    expect(player.session.wantsBody).toBe(false);
    expect(player.session.waiting).toBe("input");
    player.hears("250 ok\n");
    expect(player.session.wantsBody).toBe(true);
  });

  test("X-PIPE-01 a chunk at a time where PIPELINING is not offered", () => {
    const player = atBody("BDAT", {}, false);
    expect(player.does("write 1111")).toBe("BDAT 4\r\n1111");
    expect(player.session.wantsBody).toBe(false);
    player.call("write 22");
    expect(player.does("finish")).toBe("");
    expect(player.hears("250 ok\n")).toBe("BDAT 2 LAST\r\n22");
    player.hears("250 ok\n");
    expect(player.statuses).toBe("accepted");
  });

  test("L-TIME-18 the last piece is handed out once, and from then on nobody knows", () => {
    const player = atBody("DATA");
    player.session.write(octets("ab\r\n".repeat(5000)));
    player.session.finish();
    const { session } = player;
    expect(session.poll()).toMatchObject({ type: "send" });
    session.lost();
    expect(session.poll()).toMatchObject({
      type: "done",
      outcomes: [{ status: "notTried" }],
      safeToRetry: true,
    });

    const sent = atBody("DATA");
    sent.does("write ab");
    sent.does("finish");
    sent.does("lost");
    expect(sent.of("done")[0]).toMatchObject({ outcomes: [{ status: "unknown" }], safeToRetry: false });
  });

  test("L-TIME-18 a little content leaves together with the end of the data, and from then on nobody knows", () => {
    const player = atBody("DATA");
    player.session.write(octets("ab\r\n"));
    player.session.finish();
    const sent = player.session.poll();
    expect(sent?.type === "send" && String.fromCharCode(...sent.data)).toBe("ab\r\n.\r\n");
    player.session.lost();
    expect(player.session.poll()).toMatchObject({ type: "done", outcomes: [{ status: "unknown" }] });
  });

  test("SEC-TLS-05 T-TLS-16 no octets are taken while the handshake is pending, and none before it is", () => {
    const implicit = new Player({ name: "client.example.net", tls: "implicit" });
    expect(() => implicit.session.receive(octets("220 mx\r\n"))).toThrow(UsageError);
    expect(() => implicit.session.upgraded()).toThrow(UsageError);
    implicit.drain();
    expect(() => implicit.session.receive(octets("220 mx\r\n"))).toThrow(UsageError);
    implicit.does("upgraded");
    implicit.hears("220 mx\n");
    expect(implicit.of("greeting")).toHaveLength(1);
    expect(() => implicit.session.upgraded()).toThrow(UsageError);
    expect(() => implicit.session.upgradeFailed()).toThrow(UsageError);
  });

  test("G9 writing when nothing was asked for throws; when the message has failed meanwhile it goes nowhere", () => {
    const idle = new Player({ name: "client.example.net" });
    expect(() => idle.session.finish()).not.toThrow();
    const player = atBody("BDAT");
    player.does("write 1111");
    player.hears("552 no\n");
    expect(player.statuses).toBe("refused");
    const sent = player.sent;
    player.does("write 2222");
    player.does("finish");
    expect(player.sent).toBe(sent);
    const twice = atBody("DATA");
    twice.does("finish");
    expect(() => twice.session.finish()).toThrow();
    expect(() => twice.session.write(octets("a"))).toThrow();
  });
});

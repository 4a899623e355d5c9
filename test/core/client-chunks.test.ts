import { defaultClientLimits } from "@sansmtp/core";
import { describe, expect, test } from "vitest";
import { Player } from "../client-dialogues/play.ts";

/** A client whose message is awaited, at a server that offers this. */
function taking(offer: readonly string[], limits: Record<string, number> = {}): Player {
  const player = new Player({ name: "client.example.net", limits });
  player.hears("220 mx\n");
  player.hears(`250-mx\n${offer.map((line) => `250-${line}\n`).join("")}250 HELP\n`);
  player.does('transaction {"from": "a@example.net", "to": ["b@example.com"]}');
  player.hears("250 ok\n250 ok\n");
  if (!offer.includes("CHUNKING")) player.hears("354 go\n");
  player.sent = "";
  return player;
}

/** `BDAT` commands that were sent, each with the octets that it says and that follow. */
function chunks(sent: string): { size: number; last: boolean }[] {
  const found: { size: number; last: boolean }[] = [];
  for (let at = 0; at < sent.length; ) {
    const [line = "", size = "", last] = /^BDAT (\d+)( LAST)?\r\n/.exec(sent.slice(at, at + 40)) ?? [];
    expect(line).not.toBe("");
    found.push({ size: Number(size), last: last !== undefined });
    at += line.length + Number(size);
    expect(at).toBeLessThanOrEqual(sent.length);
  }
  return found;
}

function write(player: Player, octets: number): void {
  player.session.write(new Uint8Array(Buffer.from(`${"x".repeat(998)}\r\n`.repeat(octets / 1000))));
  player.drain();
}

describe("chunks", () => {
  test("S-BDAT-21 are of 64 KiB to 1 MiB by default, however much is written at once", () => {
    expect(defaultClientLimits.chunk).toBeGreaterThanOrEqual(65_536);
    expect(defaultClientLimits.chunk).toBeLessThanOrEqual(1_048_576);
    for (const piece of [10_000, 3_000_000]) {
      const player = taking(["PIPELINING", "CHUNKING"]);
      for (let written = 0; written < 3_000_000; written += piece) {
        write(player, piece);
        while (!player.session.wantsBody) player.hears("250 ok\n");
      }
      player.does("finish");
      const sent = chunks(player.sent);
      expect(sent.reduce((sum, { size }) => sum + size, 0)).toBe(3_000_000);
      expect(sent.map(({ last }) => last).indexOf(true)).toBe(sent.length - 1);
      for (const { size, last } of sent) if (!last) expect(size).toBe(defaultClientLimits.chunk);
      expect(sent.at(-1)?.size).toBeLessThan(defaultClientLimits.chunk);
    }
  });

  test.each([
    ["with PIPELINING", ["PIPELINING", "CHUNKING"], 2],
    ["without PIPELINING", ["CHUNKING"], 1],
  ] as const)("X-PIPE-01 %s, as many of one large piece go as may be unanswered", (_, offer, most) => {
    const player = taking(offer, { chunk: 1000, chunks: 2 });
    write(player, 6000);
    player.does("finish");
    for (let answered = 0; answered < 6; answered++) {
      const full = chunks(player.sent).filter(({ last }) => !last);
      expect(full).toHaveLength(Math.min(6, answered + most));
      player.hears("250 ok\n");
    }
    expect(chunks(player.sent)).toHaveLength(7);
    expect(chunks(player.sent).at(-1)).toEqual({ size: 0, last: true });
    player.hears("250 ok\n");
    expect(player.statuses).toBe("accepted");
  });

  test("S-BDAT-19 none that waits is sent behind a refused one", () => {
    const player = taking(["CHUNKING"], { chunk: 1000 });
    write(player, 6000);
    player.does("finish");
    expect(player.hears("552 too big\n")).toBe("RSET\r\n");
    expect(chunks(player.sent.slice(0, -6))).toHaveLength(1);
    expect(player.statuses).toBe("refused");
  });

  test("G7 a session that is frozen and thawed between two of them goes on with the next", () => {
    const player = taking(["CHUNKING"], { chunk: 1000 });
    write(player, 3000);
    player.restore();
    expect(chunks(player.hears("250 ok\n"))).toEqual([{ size: 1000, last: false }]);
  });

  test("S-BDAT-21 are within SIZE: what turns out to be larger is given up before it is said", () => {
    const player = taking(["PIPELINING", "CHUNKING", "SIZE 5000"], { chunk: 2000 });
    write(player, 5000);
    expect(chunks(player.sent).reduce((sum, { size }) => sum + size, 0)).toBe(4000);
    player.hears("250 ok\n250 ok\n");
    player.sent = "";
    write(player, 1000);
    expect(player.sent).toBe("RSET\r\n");
    expect(player.of("done")[0]?.outcomes).toMatchObject([
      { status: "notTried", reason: { code: "size-exceeded" } },
    ]);
    player.hears("250 ok\n");
    expect(player.session.phase).toBe("ready");
  });

  test("S-BDAT-21 SIZE without a number, or of 0, sets no bound", () => {
    for (const size of ["SIZE", "SIZE 0"]) {
      const player = taking(["PIPELINING", "CHUNKING", size], { chunk: 2000 });
      write(player, 6000);
      expect(chunks(player.sent)).toHaveLength(3);
    }
  });
});

describe("lines", () => {
  const offers = { DATA: ["PIPELINING"], BDAT: ["PIPELINING", "CHUNKING"] };

  test.each(["DATA", "BDAT"] as const)(
    "S-DATA-22 by %s, above 998 octets they are an error, and are not sent",
    (verb) => {
      for (const pieces of [[`${"x".repeat(999)}\r\n`], ["x".repeat(500), "x".repeat(499), "\r\n"]]) {
        const player = taking(offers[verb]);
        for (const piece of pieces) player.does(`write ${piece.replace("\r\n", "\\r\\n")}`);
        expect(player.of("done")[0]?.outcomes).toMatchObject([
          { status: "notTried", reason: { code: "content-long-line" } },
        ]);
        expect(player.sent).not.toMatch(/x{501}|^\.\r\n|LAST/m);
      }
    },
  );

  test.each(["DATA", "BDAT"] as const)("S-DATA-22 by %s, of 998 octets they go", (verb) => {
    const player = taking(offers[verb]);
    write(player, 1000);
    player.does("finish");
    player.hears("250 ok\n");
    expect(player.statuses).toBe("accepted");
    expect(player.sent).toContain("x".repeat(998));
  });

  test("S-DATA-22 longer ones are passed on when that is wanted", () => {
    const player = taking(offers.DATA, { textLine: Number.POSITIVE_INFINITY });
    player.does(`write ${"x".repeat(5000)}`);
    player.does("finish");
    expect(player.sent).toBe(`${"x".repeat(5000)}\r\n.\r\n`);
  });
});

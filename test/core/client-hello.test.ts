import { describe, expect, test } from "vitest";
import { Player } from "../client-dialogues/play.ts";

const name = "client.example.net";
const envelope = 'transaction {"from": "a@example.net", "to": ["b@example.com"]}';

/** A client with a message to send, at a server that has greeted. */
function greeted(): Player {
  const player = new Player({ name });
  player.call(envelope);
  expect(player.hears("220 mx\n")).toBe("EHLO client.example.net\r\n");
  return player;
}

describe("EHLO", () => {
  test.each([500, 501, 502, 503, 504, 521, 550, 554, 599])(
    "S-EHLO-15 C-SES-04 comes first, and %i to it leads to HELO on the same connection",
    (code) => {
      const player = greeted();
      expect(player.hears(`${code} what?\n`)).toBe("HELO client.example.net\r\n");
      expect(player.hears("250 mx\n")).toBe("MAIL FROM:<a@example.net>\r\n");
      expect(player.closed).toBe(false);
    },
  );

  test("S-EHLO-15 421 to it ends the session: no HELO, and not even QUIT", () => {
    const player = greeted();
    expect(player.hears("421 going down\n")).toBe("");
    expect(player.closed).toBe(true);
    expect(player.of("done")[0]).toMatchObject({
      outcomes: [{ status: "notTried", reason: { code: 421 } }],
      safeToRetry: true,
    });
  });

  test.each([450, 451, 499])("S-EHLO-15 %i to it is a failure for now: no HELO, and QUIT", (code) => {
    const player = greeted();
    expect(player.hears(`${code} later\n`)).toBe("QUIT\r\n");
    expect(player.of("done")[0]).toMatchObject({
      outcomes: [{ status: "notTried", reason: { code } }],
      safeToRetry: true,
    });
  });

  test("C-SES-04 a server that closes on it is told as such: HELO on another connection is the caller's to try", () => {
    const player = greeted();
    expect(player.does("end")).toBe("");
    expect(player.failed).toBe("ended");
    expect(player.of("done")[0]).toMatchObject({ outcomes: [{ status: "notTried" }], safeToRetry: true });
  });
});

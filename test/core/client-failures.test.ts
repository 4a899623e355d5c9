import { expect, test } from "vitest";
import { Player } from "../client-dialogues/play.ts";

test.each(["what?\r\n", "250-one\r\n550 two\r\n", "354 go\r\n"])(
  "C-SES-03 a session that has failed fails once, whatever %j the server says to its QUIT",
  (said) => {
    const player = new Player({ name: "client.example.net" });
    player.call('transaction {"from": "a@example.net", "to": ["b@example.com"]}');
    expect(player.hears("554 no mail here\n")).toBe("QUIT\r\n");
    player.hear(said);
    player.drain();
    expect(player.closed).toBe(true);
    expect(player.of("failed").map(({ failure }) => failure.code)).toEqual(["greeting-refused"]);
    expect(player.of("done")).toHaveLength(1);
  },
);

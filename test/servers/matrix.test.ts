import { describe, expect } from "vitest";
import { eightBit, large, short as message, utf8 } from "../clients/messages.ts";
import { exim } from "./exim.ts";
import { peers } from "./peers.ts";
import { until } from "./root.ts";
import { type Door, it, short } from "./sending.ts";

const from = "a@example.net";
const three = ["b@example.com", "nobody@example.com", "c@example.com"];

// Our client at each server, each thing to do.
for (const peer of peers) {
  describe(peer.name, () => {
    const esmtp = peer.protocol === "smtp";

    it("delivers two messages on one connection", async ({ serve }) => {
      const door = await serve(peer);
      const client = await door.connect();
      for (const expected of [1, 2]) {
        const { outcomes, safeToRetry } = await client.send({ from, to: "b@example.com", body: message });
        expect(short(outcomes)).toEqual(["accepted 250"]);
        expect(safeToRetry).toBe(false);
        await expectKept(door, "b", message, expected);
      }
      await client.quit();
      expect(await client.closed).toMatchObject({ failure: null });
    });

    if (peer.tls) {
      it("delivers by STARTTLS to a server whose certificate it checks", async ({ serve }) => {
        const door = await serve(peer);
        const client = await door.connect({ tls: "required" });
        expect(client.tls).not.toBeNull();
        const { outcomes } = await client.send({ from, to: "b@example.com", body: message });
        expect(short(outcomes)).toEqual(["accepted 250"]);
        await expectKept(door, "b", message);
        await client.quit();
      });

      it("does not deliver by STARTTLS to a server whose certificate nobody has vouched for", async ({
        serve,
      }) => {
        const door = await serve(peer);
        const attempt = door.connect({ tls: "required", tlsOptions: {} });
        await expect(attempt).rejects.toMatchObject({ code: "tls-failed" });
      });
    }

    for (const pipelined of [true, false]) {
      const ways = peer.chunking && pipelined ? (["prefer", "avoid"] as const) : (["avoid"] as const);
      for (const chunking of ways) {
        const how = `${chunking === "prefer" ? "BDAT" : "DATA"}, ${pipelined ? "as early as it may" : "not before the recipients are known"}`;
        it(`tells each of three recipients, one of them refused, what became of it: ${how}`, async ({
          serve,
        }) => {
          const door = await serve(peer);
          const client = await door.connect({ pipelineData: pipelined, chunking });
          const sent = await client.send({ from, to: three, body: message });
          expect(short(sent.outcomes)).toEqual(["accepted 250", `refused ${peer.refusal}`, "accepted 250"]);
          expect(sent.refused).toEqual(["nobody@example.com"]);
          await expectKept(door, "b", message);
          await expectKept(door, "c", message);
          const none = await client.send({ from, to: ["nobody@example.com"], body: message });
          expect(short(none.outcomes)).toEqual([`refused ${peer.refusal}`]);
          expect(none.safeToRetry).toBe(true);
          const after = await client.send({ from, to: ["c@example.com"], body: message });
          expect(short(after.outcomes)).toEqual(["accepted 250"]);
          await expectKept(door, "c", message, 2);
          expect(door.server.kept("b")).toHaveLength(1);
          await client.quit();
        });
      }
    }

    for (const tls of peer.tls ? (["never", "required"] as const) : (["never"] as const)) {
      for (const chunking of peer.chunking ? (["prefer", "avoid"] as const) : (["avoid"] as const)) {
        const how = `${chunking === "prefer" ? "BDAT" : "DATA"}${tls === "required" ? " inside TLS" : ""}`;
        it(`delivers 20 MB, octet for octet: ${how}`, async ({ serve }) => {
          const door = await serve(peer);
          const client = await door.connect({ tls, chunking });
          const { outcomes } = await client.send({ from, to: "b@example.com", body: large() });
          expect(short(outcomes)).toEqual(["accepted 250"]);
          await expectKept(door, "b", large());
          await client.quit();
        });
      }
    }

    it("delivers 8-bit octets, declared", async ({ serve }) => {
      const door = await serve(peer);
      const client = await door.connect();
      expect(client.capabilities["8bitmime"]).toBe(true);
      const { outcomes } = await client.send({ from, to: "b@example.com", body: eightBit });
      expect(short(outcomes)).toEqual(["accepted 250"]);
      expect(door.dialogue).toMatch(/C: MAIL FROM:.* BODY=8BITMIME/);
      await expectKept(door, "b", eightBit);
      await client.quit();
    });

    if (peer.utf8) {
      it("delivers from and to addresses in UTF-8", async ({ serve }) => {
        const door = await serve(peer);
        const client = await door.connect();
        const to = ["δοκιμή@example.com", "b@example.com"];
        const { outcomes } = await client.send({ from: "jürgen@example.net", to, body: utf8 });
        expect(short(outcomes)).toEqual(["accepted 250", "accepted 250"]);
        expect(door.dialogue).toMatch(/C: MAIL FROM:<jürgen@example\.net>.* SMTPUTF8/);
        await expectKept(door, "δοκιμή", utf8);
        await expectKept(door, "b", utf8);
        await client.quit();
      });
    } else {
      it("does not try addresses in UTF-8 where they are not offered, and the others it does", async ({
        serve,
      }) => {
        const door = await serve(peer);
        const client = await door.connect();
        const to = ["δοκιμή@example.com", "b@example.com"];
        const { outcomes } = await client.send({ from, to, body: message });
        expect(short(outcomes)).toEqual(["notTried smtputf8-missing", "accepted 250"]);
        await expectKept(door, "b", message);
        const sender = await client.send({ from: "jürgen@example.net", to, body: message });
        expect(short(sender.outcomes)).toEqual(["notTried smtputf8-missing", "notTried smtputf8-missing"]);
        await client.quit();
      });
    }

    it("says nothing of a message that is larger than the server takes", async ({ serve }) => {
      const door = await serve(peer);
      const client = await door.connect();
      if (client.capabilities.size === null) expect(esmtp, "SIZE is missing").toBe(false);
      else {
        const size = 100_000_000;
        const body = new ReadableStream<Uint8Array>();
        const { outcomes, safeToRetry } = await client.send({ from, to: "b@example.com", size, body });
        expect(short(outcomes)).toEqual(["notTried size-exceeded"]);
        expect(safeToRetry).toBe(true);
        expect(door.dialogue).not.toContain("MAIL");
      }
      await client.quit();
    });
  });
}

describe("Exim with PRDR", () => {
  it("tells each recipient's verdict on the content", async ({ serve }) => {
    const door = await serve(exim());
    const client = await door.connect();
    const to = ["b@example.com", "late@example.com", "nobody@example.com", "c@example.com"];
    const { outcomes } = await client.send({ from, to, body: message });
    expect(short(outcomes)).toEqual(["accepted 250", "refused 550", "refused 550", "accepted 250"]);
    expect(door.dialogue).toMatch(/C: MAIL FROM:.* PRDR/);
    await expectKept(door, "b", message);
    await expectKept(door, "c", message);
    expect(door.server.kept("late")).toHaveLength(0);
    await client.quit();
  });
});

/** The server keeps so many messages for a recipient, or soon will, the last of which is this one. */
async function expectKept(door: Door, local: string, sent: Buffer, count = 1): Promise<void> {
  // A server may keep lines as its system has them, and puts its trace before a message.
  const text = Buffer.from(sent.toString("latin1").replaceAll("\r\n", "\n"), "latin1");
  const isWhole = (kept: Buffer): boolean =>
    [sent, text].some((each) => kept.subarray(-each.length).equals(each));
  let kept: readonly Buffer[] = [];
  const whole = await until(() => {
    kept = door.server.kept(local);
    return kept.length >= count && kept.every(isWhole) ? true : undefined;
  });
  expect(kept, `messages for ${local}`).toHaveLength(count);
  if (whole) return;
  for (const each of kept) {
    if (sent.length < 10_000)
      expect(each.toString("latin1").slice(-text.length)).toBe(text.toString("latin1"));
    expect.fail(`${each.length} octets were kept of ${sent.length}, and they differ`);
  }
}

import { ConnectError, connect, type Streams } from "@sansmtp/web";
import { describe, expect, it } from "vitest";
import { pause, until } from "../node/client.ts";
import { connected, type Ends, ehlo, Hand, message, serving } from "./streams.ts";

const name = "client.example.net";

/** Octets as nobody would take for SMTP: what stands for TLS here. */
function veiled({
  readable,
  writable,
}: Pick<Streams, "readable" | "writable">): Pick<Streams, "readable" | "writable"> {
  const veil = (): TransformStream<Uint8Array, Uint8Array> =>
    new TransformStream({
      transform: (octets, controller) => controller.enqueue(octets.map((octet) => octet ^ 0xff)),
    });
  const out = veil();
  out.readable.pipeTo(writable).catch(() => {});
  return { readable: readable.pipeThrough(veil()), writable: out.writable };
}

/** An end that can be veiled, once, and what it was when that began. */
function upgradable(end: Streams, tls: object = {}): { streams: Streams; begun: Uint8Array[] } {
  const begun: Uint8Array[] = [];
  const upgrade = async (received: Uint8Array): Promise<Pick<Streams, "readable" | "writable">> => {
    begun.push(received);
    expect(end.readable.locked || end.writable.locked).toBe(false);
    await pause(5);
    return { ...veiled(end), ...tls };
  };
  return { streams: { ...end, upgrade }, begun };
}

function both(ends: Ends): { client: Streams; server: Streams } {
  return { client: upgradable(ends.client).streams, server: upgradable(ends.server).streams };
}

describe("streams that can be upgraded", () => {
  it.each(["required", "implicit"] as const)("deliver on both sides, with TLS %s", async (tls) => {
    for (const piece of [1, 7, 1_000]) {
      const { client: mine, server } = both(connected({ piece }));
      const { connection, messages } = serving(server, { tls });
      const client = await connect({ streams: mine, name, tls });
      expect(connection.client.tls).not.toBeNull();
      expect((await client.send(message)).accepted).toHaveLength(1);
      expect(connection.protocol).toBe("ESMTPS");
      await client.quit();
      await connection.closed;
      expect(messages).toEqual([message.body]);
    }
  });

  it("tell what the handshake gave", async () => {
    const ends = connected();
    const info = { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256" };
    const { streams } = upgradable(ends.client, { tls: info });
    serving(both(ends).server);
    const client = await connect({ streams, name });
    expect(client.tls).toEqual(info);
  });

  it("are offered by a server, and used by a client, unless they say otherwise", async () => {
    const ends = connected();
    const { streams, begun } = upgradable(ends.client);
    const { connection } = serving(both(ends).server);
    const client = await connect({ streams, name });
    expect(begun).toEqual([new Uint8Array(0)]);
    expect(connection.client.tls).not.toBeNull();
    await client.quit();
  });

  it("begin TLS when the 220 has left, with both locks released, and leave unread what comes next", async () => {
    const ends = connected({ holds: 8 });
    const { streams, begun } = upgradable(ends.server);
    serving(streams);
    const hand = new Hand(ends.client);
    await hand.hear(/^220 /);
    void hand.send(ehlo);
    await hand.hear(/STARTTLS\r\n(?:.*\r\n)*250 /m);
    void hand.send("STARTTLS\r\n");
    await pause(20);
    expect(begun).toEqual([]);
    await hand.hear(/^220 2/m);
    hand.release();
    const secure = new Hand(veiled(ends.client));
    void secure.send(ehlo);
    expect(await secure.hear(/^250 /m)).not.toMatch(/STARTTLS/);
    expect(begun).toEqual([new Uint8Array(0)]);
  });
});

describe("a handshake that fails", () => {
  it("is a client's failure, with its cause, and the connection is let go of", async () => {
    const ends = connected();
    let closed = false;
    const streams: Streams = {
      ...ends.client,
      upgrade: () => Promise.reject(new Error("the certificate has expired")),
      close: () => {
        closed = true;
      },
    };
    const { connection } = serving(both(ends).server);
    const error = await connect({ streams, name, tls: "required" }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ConnectError);
    expect(error).toMatchObject({ code: "tls-failed", cause: { message: "the certificate has expired" } });
    await until(() => closed, "the client to let go");
    expect((await connection.closed).reason).not.toBe("quit");
  });

  it("is a server's loss of the connection", async () => {
    const ends = connected();
    const failure = new Error("no shared cipher");
    const { connection } = serving({ ...ends.server, upgrade: () => Promise.reject(failure) });
    const connecting = connect({ streams: upgradable(ends.client).streams, name, tls: "required" });
    await expect(connecting).rejects.toMatchObject({ name: "ConnectError" });
    expect((await connection.closed).error).toBe(failure);
  });

  it.each(["client", "server"] as const)("is one that takes too long, for a %s", async (side) => {
    const ends = connected();
    let closed = 0;
    let finish = (_: Pick<Streams, "readable" | "writable">): void => {};
    const slow = (end: Streams): Streams => ({
      ...end,
      upgrade: () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
      close: () => closed++,
    });
    const other = upgradable(ends[side === "client" ? "server" : "client"]).streams;
    const timers = { tls: 30 };
    const own = slow(ends[side]);
    const server = serving(side === "server" ? own : other, side === "server" ? { timers } : {});
    const connecting = connect({
      streams: side === "client" ? own : other,
      name,
      tls: "required",
      ...(side === "client" && { timers }),
    });
    await expect(connecting).rejects.toMatchObject({ name: "ConnectError" });
    await server.connection.closed;
    await until(() => closed === 1, "it to let go");
    // It succeeds after all: nobody wants it any more.
    const late = connected();
    finish(late.client);
    const hand = new Hand(late.server);
    await expect(hand.hear()).rejects.toThrow("the session is over");
  });

  it("is one that begins when the connection is broken", async () => {
    const ends = connected();
    const streams = upgradable(ends.server);
    const { connection } = serving(streams.streams);
    const hand = new Hand(ends.client);
    void hand.send(ehlo);
    await hand.hear(/^250 /m);
    void hand.send("STARTTLS\r\n");
    await pause(10);
    // The 220 was not read, and never will be.
    await hand.cancel(new Error("gone"));
    expect((await connection.closed).error).toMatchObject({ message: "gone" });
    expect(streams.begun).toEqual([]);
  });

  it("is one that cannot begin because nobody reads the 220", async () => {
    const ends = connected({ holds: 8 });
    const { streams, begun } = upgradable(ends.server);
    let closed = false;
    const close = (): void => {
      closed = true;
    };
    serving({ ...streams, close }, { timers: { tls: 30 } });
    const hand = new Hand(ends.client);
    void hand.send(ehlo);
    await hand.hear(/^250 /m);
    void hand.send("STARTTLS\r\n");
    // At once: there is no last reply that could still arrive.
    await until(() => closed, "the server to let go", 1_000);
    expect(begun).toEqual([]);
  });
});

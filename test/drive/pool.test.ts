import { UsageError } from "@sansmtp/core";
import { type Client, ConnectError, Pool } from "@sansmtp/drive";
import { describe, expect, it } from "vitest";
import { message, Talk } from "./talk.ts";
import { settled } from "./wire.ts";

const ok = "250 2.0.0 Ok";

/** A pool, and the connections that it has asked for. */
function pooled(options: ConstructorParameters<typeof Pool>[1] = {}): { pool: Pool; talks: Talk[] } {
  const talks: Talk[] = [];
  const connect = async (): Promise<Client> => {
    const talk = await Talk.ready();
    talks.push(talk);
    return talk.client;
  };
  return { pool: new Pool(connect, options), talks };
}

async function take(talk: Talk): Promise<void> {
  for (const reply of [ok, ok, "354 Go", ok]) await talk.say(reply);
}

describe("a pool", () => {
  it.each(["maxConnections", "maxMessages", "attempts"])("%s is at least 1", (name) => {
    expect(() => pooled({ [name]: 0 })).toThrow(UsageError);
  });

  it("keeps the order of those who wait", async () => {
    const { pool, talks } = pooled({ maxConnections: 1 });
    const sent: number[] = [];
    for (const number of [1, 2, 3]) {
      void pool.send({ ...message, to: `r${number}@example.com` }).then(() => sent.push(number));
    }
    for (let time = 0; time < 3; time++) {
      await settled();
      await settled();
      await take(talks[0]!);
    }
    expect(sent).toEqual([1, 2, 3]);
    expect(talks[0]!.wire.sent.match(/r\d(?=@)/g)).toEqual(["r1", "r2", "r3"]);
  });

  it("goes on when somebody whose turn has come gives up at that moment", async () => {
    const { pool, talks } = pooled({ maxConnections: 1 });
    const controller = new AbortController();
    const first = pool.send(message).then(() => controller.abort());
    const second = pool.send({ ...message, signal: controller.signal });
    const third = pool.send(message);
    await settled();
    await settled();
    await take(talks[0]!);
    await first;
    await second;
    await settled();
    await take(talks[0]!);
    await take(talks[0]!);
    expect((await third).accepted).toHaveLength(1);
  });

  it("passes on what is no failure of a connection, and has room again", async () => {
    let error: Error = new UsageError("name: none");
    const pool = new Pool(() => Promise.reject(error), { maxConnections: 1 });
    await expect(pool.send(message)).rejects.toThrow("name: none");
    error = new ConnectError({ code: "unreachable", detail: "nobody there" });
    expect((await pool.send(message)).outcomes).toMatchObject([{ reason: { code: "unreachable" } }]);
    expect(pool.connections).toBe(0);
  });

  it("lets go of a stream for which there is no connection", async () => {
    let left = false;
    const stream = new ReadableStream<string>({
      cancel() {
        left = true;
      },
    });
    const pool = new Pool(() => Promise.reject(new ConnectError({ code: "unreachable", detail: "nobody" })));
    await pool.send({ ...message, body: stream });
    await settled();
    expect(left).toBe(true);
  });

  it("C-TXN-08 does not repeat what the caller has given up", async () => {
    const { pool, talks } = pooled();
    const controller = new AbortController();
    const sending = pool.send({ ...message, signal: controller.signal });
    await settled();
    await settled();
    controller.abort();
    await talks[0]!.say(ok);
    expect((await sending).notTried).toHaveLength(1);
    expect(talks).toHaveLength(1);
  });
});

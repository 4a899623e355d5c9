import { once } from "node:events";
import { connect, webSocketStreams } from "@sansmtp/web";
import { describe, expect, it, onTestFinished } from "vitest";
import WebSocket, { WebSocketServer } from "ws";
import { pause, until } from "../node/client.ts";
import { large } from "./runtimes/errand.ts";
import { message, type Serving, serving } from "./streams.ts";

const name = "client.example.net";

/** Both ends of a WebSocket over loopback; the client's one may still be connecting. */
async function dialled(): Promise<{ mine: WebSocket; theirs: Promise<WebSocket> }> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const theirs = once(server, "connection").then(([socket]) => socket as WebSocket);
  const mine = new WebSocket(`ws://127.0.0.1:${port}`);
  mine.on("error", () => {});
  onTestFinished(() => {
    for (const socket of [mine, ...server.clients]) socket.terminate();
    server.close();
  });
  return { mine, theirs };
}

function streamsOf(socket: WebSocket, options: { maxUnread?: number } = {}) {
  return webSocketStreams(socket, options);
}

async function served(options: Parameters<typeof serving>[1] = {}): Promise<Serving & { mine: WebSocket }> {
  const { mine, theirs } = await dialled();
  const server = theirs.then((socket) => serving(streamsOf(socket), options));
  return { mine, ...(await server) };
}

describe("a WebSocket", () => {
  it("carries a session, and ends with it", async () => {
    const { mine, theirs } = await dialled();
    const connecting = connect({ streams: streamsOf(mine), name });
    const socket = await theirs;
    const { messages, connection } = serving(streamsOf(socket));
    const client = await connecting;
    expect((await client.send(message)).accepted).toHaveLength(1);
    await client.quit();
    expect((await connection.closed).reason).toBe("quit");
    expect(messages).toEqual([message.body]);
    await until(() => mine.readyState === 3 && socket.readyState === 3, "both to be closed");
  });

  it("carries 10 MB", async () => {
    const { mine, messages } = await served({ limits: { message: 20_000_000 } });
    const client = await connect({ streams: streamsOf(mine), name });
    const body = large(10_000_000);
    expect((await client.send({ ...message, body })).accepted).toHaveLength(1);
    expect(messages[0] === body).toBe(true);
    await client.quit();
  });

  it("holds back who writes when it does not leave", async () => {
    const { mine, theirs } = await dialled();
    const streams = streamsOf(mine);
    const socket = await theirs;
    socket.pause();
    const writer = streams.writable.getWriter();
    await writer.ready;
    let taken = 0;
    const block = new Uint8Array(65_536);
    for (let time = 0; time < 1_000; time++) void writer.write(block).then(() => taken++);
    // What the kernel takes, and the megabyte.
    let before = -1;
    await until(() => {
      const rests = taken === before;
      before = taken;
      return rests && taken > 0 && mine.bufferedAmount > 1_000_000;
    }, "it to be full");
    await pause(50);
    expect(taken).toBe(before);
    expect(mine.bufferedAmount).toBeLessThan(1_300_000);
    expect(writer.desiredSize).toBeLessThan(0);
    socket.resume();
    await until(() => taken === 1_000, "it to drain");
  });

  it("does not keep more than it may of what nobody reads", async () => {
    const { mine, theirs } = await dialled();
    const streams = streamsOf(mine, { maxUnread: 100_000 });
    const socket = await theirs;
    socket.send(new Uint8Array(100_000));
    socket.send(new Uint8Array(1));
    const reader = streams.readable.getReader();
    await expect(reader.closed).rejects.toThrow("more than 100000 octets are unread");
    await once(socket, "close");
  });

  it("that is cut off is a connection that is lost, with what was said to it", async () => {
    const { mine, connection } = await served();
    const client = await connect({ streams: streamsOf(mine), name });
    mine.terminate();
    expect((await connection.closed).reason).toBe("lost");
    expect((await connection.closed).error).toMatchObject({ message: "the WebSocket broke off: 1006" });
    expect((await client.closed).error).toBeInstanceOf(Error);
  });

  it("that the peer closes in order is the end of its side", async () => {
    const { mine, connection } = await served();
    await connect({ streams: streamsOf(mine), name });
    mine.close(1000);
    const { reason } = await connection.closed;
    expect(reason).not.toBe("quit");
    await until(() => mine.readyState === 3, "it to be closed");
  });

  it("that nobody answers is an error", async () => {
    const mine = new WebSocket("ws://127.0.0.1:1");
    await expect(connect({ streams: streamsOf(mine), name })).rejects.toMatchObject({ name: "ConnectError" });
  });

  it("has no text", async () => {
    const { mine, connection } = await served();
    await until(() => mine.readyState === 1, "it to be open");
    mine.send("EHLO client.example.net\r\n");
    expect((await connection.closed).error).toMatchObject({
      message: "a WebSocket frame that is not binary",
    });
    await once(mine, "close");
  });

  it("that is closing takes nothing more, and says so", async () => {
    const { mine, theirs } = await dialled();
    const streams = streamsOf(mine);
    await theirs;
    await until(() => mine.readyState === 1, "it to be open");
    const writer = streams.writable.getWriter();
    mine.close();
    await expect(writer.write(new Uint8Array(1))).rejects.toThrow("the WebSocket is not open");
  });
});

import type { Incoming } from "@sansmtp/drive";
import { describe, expect, it, vi } from "vitest";
import type { Conn } from "../../packages/deno/src/sockets.ts";
import { ConnTransport } from "../../packages/deno/src/transport.ts";

/** A connection that does what the test says, as Deno would. */
class Faked implements Conn {
  readonly localAddr = {};
  readonly remoteAddr = {};
  written = "";
  /** How much a write takes at most. */
  takes = Number.POSITIVE_INFINITY;
  readonly calls: string[] = [];
  #read: { resolve(piece: string | null): void; reject(error: Error): void } | null = null;
  #write: ((error: Error) => void) | null = null;

  /** How much may be read. */
  room = 0;

  async read(into: Uint8Array): Promise<number | null> {
    if (this.#read !== null) throw named("Busy");
    this.room = into.length;
    const piece = await new Promise<string | null>((resolve, reject) => {
      this.#read = { resolve, reject };
    });
    if (piece === null) return null;
    into.set(octets(piece));
    return piece.length;
  }

  write(given: Uint8Array): Promise<number> {
    if (this.takes === 0)
      return new Promise((_, reject) => {
        this.#write = reject;
      });
    const taken = given.subarray(0, this.takes);
    this.written += new TextDecoder().decode(taken);
    return Promise.resolve(taken.length);
  }

  async closeWrite(): Promise<void> {
    this.calls.push(`closeWrite after ${this.written}`);
  }

  close(): void {
    if (this.calls.includes("close")) throw named("BadResource");
    this.calls.push("close");
    this.#read?.reject(named("Interrupted"));
    this.#write?.(named("Interrupted"));
  }

  get reading(): boolean {
    return this.#read !== null;
  }

  /** What the peer sends; null: it ends its side. */
  async says(piece: string | null): Promise<void> {
    const read = this.#read;
    if (read === null) throw new Error("nobody reads");
    this.#read = null;
    read.resolve(piece);
    await settled();
  }

  async resets(): Promise<void> {
    const read = this.#read!;
    this.#read = null;
    read.reject(named("ConnectionReset"));
    await settled();
  }
}

function opened(): { conn: Faked; transport: ConnTransport; seen: string[] } {
  const conn = new Faked();
  const transport = new ConnTransport(conn);
  const seen: string[] = [];
  const connection: Incoming = {
    receive: (piece) => void seen.push(new TextDecoder().decode(piece)),
    receiveEnd: () => void seen.push("end"),
    lost: (error) => void seen.push(`lost ${(error as Error | undefined)?.name}`),
    wake: () => void seen.push("wake"),
  };
  transport.attach(connection);
  return { conn, transport, seen };
}

describe("a connection of Deno", () => {
  it("writes again what a short write has left, in order", async () => {
    const { conn, transport } = opened();
    conn.takes = 3;
    transport.write(octets("220 mx\r\n"));
    transport.write(octets("250 Ok\r\n"));
    await settled();
    expect(conn.written).toBe("220 mx\r\n250 Ok\r\n");
  });

  it("is full when much is unsent, until it is not, or the connection is gone", async () => {
    const { conn, transport } = opened();
    conn.takes = 40_000;
    expect(transport.write(new Uint8Array(50_000))).toBeUndefined();
    const full = transport.write(new Uint8Array(50_000));
    expect(full).toBeInstanceOf(Promise);
    await full;
    conn.takes = 0;
    const never = transport.write(new Uint8Array(100_000));
    transport.destroy();
    await never;
  });

  it("keeps what comes when nobody wants it any more, and its buffer to itself", async () => {
    const { conn, transport, seen } = opened();
    transport.read(true);
    await conn.says("EHLO ");
    transport.read(false);
    await conn.says("a.b\r\n");
    expect(conn.reading).toBe(false);
    expect(seen).toEqual(["EHLO "]);
    transport.read(true);
    await settled();
    expect(seen).toEqual(["EHLO ", "a.b\r\n"]);
    transport.read(false);
    await conn.says(null);
    expect(seen).toHaveLength(2);
    transport.read(true);
    await settled();
    expect(seen[2]).toBe("end");
    // It has ended: nothing more is asked of it.
    expect(conn.reading).toBe(false);
  });

  it("reads more at a time when there is more, and gives each piece away for good", async () => {
    const { conn, transport } = opened();
    const rooms: number[] = [];
    const pieces: Uint8Array[] = [];
    transport.attach({
      receive: (piece) => void pieces.push(piece),
      receiveEnd: () => {},
      lost: () => {},
      wake: () => {},
    });
    transport.read(true);
    for (const letter of "abcdef") {
      rooms.push(conn.room);
      await conn.says(letter.repeat(letter === "d" ? 10 : conn.room));
    }
    expect(rooms).toEqual([8_192, 32_768, 65_536, 65_536, 65_536, 65_536]);
    expect(pieces.map((piece) => [String.fromCharCode(piece[0]!), piece.length])).toEqual([
      ["a", 8_192],
      ["b", 32_768],
      ["c", 65_536],
      ["d", 10],
      ["e", 65_536],
      ["f", 65_536],
    ]);
  });

  it("never has two reads under way", async () => {
    const { conn, transport, seen } = opened();
    for (const on of [true, false, true, true, false, true]) transport.read(on);
    await conn.says("NOOP\r\n");
    expect(seen).toEqual(["NOOP\r\n"]);
  });

  it("ends its side when all is written, discards the rest, and lets go at the peer's end", async () => {
    const { conn, transport, seen } = opened();
    conn.takes = 2;
    transport.read(true);
    transport.write(octets("221 Bye\r\n"));
    transport.close();
    await settled();
    expect(conn.calls).toEqual(["closeWrite after 221 Bye\r\n"]);
    await conn.says("late\r\n");
    await conn.says(null);
    expect(conn.calls).toEqual(["closeWrite after 221 Bye\r\n", "close"]);
    // That all is over is told when it is.
    expect(seen).toEqual(["lost undefined"]);
  });

  it("does not wait long for a peer that does not end, nor read what it sends without end", async () => {
    vi.useFakeTimers();
    try {
      const { conn, transport } = opened();
      transport.read(true);
      transport.close();
      for (let time = 0; time < 129; time++) await conn.says("x".repeat(8_192));
      expect(conn.reading).toBe(false);
      expect(conn.calls).not.toContain("close");
      await vi.advanceTimersByTimeAsync(2_000);
      expect(conn.calls).toContain("close");
    } finally {
      vi.useRealTimers();
    }
  });

  it("tells once that it is lost, and never from within a call", async () => {
    const { conn, transport, seen } = opened();
    transport.read(true);
    conn.write = () => {
      throw named("BrokenPipe");
    };
    transport.write(octets("250 Ok\r\n"));
    expect(seen).toEqual([]);
    await settled();
    // The read that was under way was interrupted by letting go, which is no news.
    expect(seen).toEqual(["lost BrokenPipe"]);
    const reset = opened();
    reset.transport.read(true);
    await reset.conn.resets();
    expect(reset.seen).toEqual(["lost ConnectionReset"]);
    expect(reset.conn.calls).toEqual(["close"]);
    reset.transport.close();
    reset.transport.write(octets("421 Late\r\n"));
    expect(reset.conn.calls).toEqual(["close"]);
  });
});

function octets(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function named(name: string): Error {
  return Object.assign(new Error(name), { name });
}

/** Until all that follows of itself has followed. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
}

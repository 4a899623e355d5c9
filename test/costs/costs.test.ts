import { reply, ServerSession } from "@sansmtp/core";
import { Alarm, serve, type Transport } from "@sansmtp/drive";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { Child } from "../../bench/processes.ts";
import { programOf } from "../../bench/servers.ts";

// What a message costs in numbers that are the same on every machine: octets allocated, held and copied, calls, writes and
// timers. They have budgets, with room for small changes: what breaks one has made something grossly dearer. Time is the
// business of bench.

const envelope = [
  "MAIL FROM:<sender@example.net> SIZE=4000",
  "RCPT TO:<one@example.com>",
  "RCPT TO:<two@example.com>",
  "DATA",
];
const burst = octets(envelope);
const line = "The quick brown fox jumps over the lazy dog, and the dog does not mind it..";
const content = octets(["Subject: costs", "", ...Array.from({ length: 52 }, () => line), "."]);
const queued = reply(250, "2.0.0", "Queued");

/** Octets, about half as much again as on Node 20. */
const budgets = {
  message: 10_000,
  session: 28_000,
  command: 1_800,
  noop: 1_000,
  idle: 1_100,
  transaction: 2_600,
};

describe("a message of 4 KiB, pipelined", () => {
  it("G5 has the replies to its group in one piece, and its verdict in another", () => {
    const { said } = begun();
    expect(said(burst).sent).toEqual(["250 250 250 354"]);
    expect(said(content).sent).toEqual(["250"]);
  });

  it("takes as many calls of poll as it has questions, and few more", () => {
    const { said } = begun();
    // Three questions, the replies, and null, with two for what may come to be asked or told.
    expect(said(burst).polls).toBeLessThanOrEqual(7);
    // The content, the question, the reply, and null.
    expect(said(content).polls).toBeLessThanOrEqual(6);
  });

  it("has content that is a view of what was received, however it is cut, and none of it copied", () => {
    for (const size of [content.length, 1000]) {
      const { said } = begun();
      said(burst);
      const pieces: Uint8Array[] = [];
      let chunks = 0;
      for (let at = 0; at < content.length; at += size) {
        const chunk = content.slice(at, at + size);
        for (const piece of said(chunk).bodies) {
          expect(piece.buffer).toBe(chunk.buffer);
          pieces.push(piece);
        }
        chunks++;
      }
      expect(pieces.length).toBeLessThanOrEqual(chunks);
      expect(pieces.reduce((sum, { length }) => sum + length, 0)).toBe(content.length - ".\r\n".length);
    }
  });

  it("costs two writes when it is served, and no timer of its own", () => {
    const created = vi.spyOn(globalThis, "setTimeout");
    try {
      const few = served(1);
      const timers = created.mock.calls.length;
      const many = served(101);
      expect(many.writes - few.writes).toBe(200);
      expect(created.mock.calls.length - timers).toBeLessThanOrEqual(timers);
      expect(timers).toBeLessThanOrEqual(2);
      // Nothing is stopped or begun that was not.
      expect(many.reads - few.reads).toBe(0);
    } finally {
      created.mockRestore();
    }
  });
});

describe("octets, in a process of its own", () => {
  let child: Child;
  beforeAll(async () => {
    const roomy = ["--expose-gc", "--min-semi-space-size=128", "--max-semi-space-size=128"];
    const given = JSON.stringify({ subject: "core" });
    child = new Child("the core", null, [process.execPath, ...roomy, await programOf("session"), given]);
    await child.answer();
  });
  afterAll(() => child.stop());

  for (const [dialogue, times, budget] of [
    ["4 KiB message, pipelined", 800, budgets.message],
    ["64 KiB message, pipelined", 800, budgets.message],
    ["4 KiB message, a session each", 800, budgets.session],
    ["MAIL RCPT RCPT RSET, pipelined", 40, budgets.command],
    ["NOOP, pipelined", 40, budgets.noop],
  ] as const) {
    it(`are allocated within ${budget}: ${dialogue}`, async () => {
      const asked = { ask: "allocate", dialogue, times };
      // What the compilers have not yet got round to allocates more.
      for (let pass = 0; pass < 2; pass++) await child.ask(asked);
      const { octets } = await child.ask<{ octets: number }>(asked);
      expect(octets).toBeGreaterThan(0);
      expect(octets).toBeLessThan(budget);
    });
  }

  for (const [state, budget] of [
    ["greeted", budgets.idle],
    ["after EHLO", budgets.idle],
    ["after RCPT", budgets.transaction],
    ["in DATA", budgets.transaction],
  ] as const) {
    it(`are held within ${budget} by an idle session, ${state}`, async () => {
      const { octets } = await child.ask<{ octets: number }>({ ask: "hold", state, count: 2000 });
      expect(octets).toBeGreaterThan(0);
      expect(octets).toBeLessThan(budget);
    });
  }
});

/** A session after EHLO, and what it gives for a piece of input. */
function begun(): { said: (input: Uint8Array) => Given } {
  const session = new ServerSession({ name: "mx.example.com" });
  const said = (input: Uint8Array): Given => {
    const given: Given = { polls: 1, sent: [], bodies: [] };
    session.receive(input);
    for (let event = session.poll(); event !== null; event = session.poll()) {
      given.polls++;
      if (event.type === "send") given.sent.push(codes(event.data));
      if (event.type === "body") given.bodies.push(event.data);
      if ("id" in event) session.answer(event.id, event.type === "message" ? queued : undefined);
    }
    return given;
  };
  said(octets(["EHLO client.example.net"]));
  return { said };
}

interface Given {
  polls: number;
  /** For each piece that was to be sent, the codes in it. */
  readonly sent: string[];
  readonly bodies: Uint8Array[];
}

/** Serves so many messages over one connection. */
function served(messages: number): { writes: number; reads: number } {
  const count = { writes: 0, reads: 0 };
  let sent = "";
  const alarm = new Alarm(() => connection.wake());
  const transport: Transport = {
    write(data) {
      count.writes++;
      sent += `${codes(data)} `;
    },
    read: () => void count.reads++,
    wake: (at) => alarm.set(at),
    close: () => {},
    now: () => alarm.now(),
  };
  const session = new ServerSession({ name: "mx.example.com" }, transport.now());
  const handlers = { rcpt: () => undefined, message: () => queued };
  const connection = serve(session, transport, handlers, { id: 1, peer: null, local: null });
  connection.receive(octets(["EHLO client.example.net"]));
  for (let left = messages; left > 0; left--) {
    connection.receive(burst);
    connection.receive(content);
  }
  expect(sent.match(/250 250 250 354 250 /g)?.length).toBe(messages);
  connection.lost();
  return count;
}

function codes(replies: Uint8Array): string {
  return (
    new TextDecoder()
      .decode(replies)
      .match(/^\d{3}(?= )/gm)
      ?.join(" ") ?? ""
  );
}

function octets(lines: readonly string[]): Uint8Array {
  return new TextEncoder().encode(lines.map((each) => `${each}\r\n`).join(""));
}

import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { NodeTransport } from "../../packages/node/src/transport.ts";

const octets = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Transports on sockets in memory, and what reaches the sockets: which, and what at a time. */
function transports(count: number): { all: NodeTransport[]; left: [number, string][] } {
  const left: [number, string][] = [];
  const all = Array.from({ length: count }, (_, at) => {
    const socket = new Duplex({
      read() {},
      write(piece: Buffer, _encoding, taken) {
        left.push([at, piece.toString()]);
        taken();
      },
      writev(pieces, taken) {
        left.push([at, Buffer.concat(pieces.map(({ chunk }) => chunk as Buffer)).toString()]);
        taken();
      },
    });
    return new NodeTransport(socket as unknown as Socket, null);
  });
  return { all, left };
}

describe("what is written on sockets of Node in one turn of the event loop", () => {
  test("leaves at its end, what is for one socket as one piece", async () => {
    const { all, left } = transports(3);
    for (const text of ["250 a\r\n", "250 b\r\n"]) for (const each of all) each.write(octets(text));
    expect(left).toEqual([]);
    await turn();
    expect(left).toEqual([0, 1, 2].map((at) => [at, "250 a\r\n250 b\r\n"]));
  });

  test("leaves at once when 64 sockets wait, and the rest at its end", async () => {
    const { all, left } = transports(65);
    for (const each of all.slice(0, 63)) each.write(octets("x"));
    expect(left).toEqual([]);
    all[63]?.write(octets("x"));
    expect(left).toHaveLength(64);
    all[64]?.write(octets("x"));
    await turn();
    expect(left).toHaveLength(65);
  });

  test("leaves at once when it is more than a socket wants to hold", async () => {
    const { all, left } = transports(1);
    all[0]?.write(octets("x"));
    all[0]?.write(new Uint8Array(100_000).fill(0x61));
    expect(left.map(([, text]) => text.length)).toEqual([100_001]);
  });
});

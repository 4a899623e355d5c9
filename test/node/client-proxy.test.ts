import { reply, UsageError } from "@sansmtp/core";
import { describe, expect, it } from "vitest";
import { certificates } from "./certificates.ts";
import { dialled, message, replying, scripted } from "./scripted.ts";
import { serving } from "./serving.ts";

const source = { address: "192.0.2.1", port: 56324 };
const destination = { address: "198.51.100.7", port: 25 };

describe("a PROXY header", () => {
  for (const version of [1, 2] as const) {
    for (const tls of ["never", "required", "implicit"] as const) {
      it(`SEC-PRX-13 SEC-PRX-12 of version ${version} comes before anything else, with TLS ${tls}`, async () => {
        const { server: tlsOptions, ca } = await certificates();
        const seen: unknown[] = [];
        const running = await serving({
          proxy: true,
          trustedProxies: ["127.0.0.1"],
          ...(tls === "never" ? {} : { tls: tls === "required" ? "offered" : "implicit", tlsOptions }),
          connect(_, { remote, local, proxy }) {
            seen.push(remote, local, proxy?.version);
            return undefined;
          },
        });
        const { port } = running.address as { port: number };
        const client = await dialled({
          host: "localhost",
          port,
          tls,
          tlsOptions: { ca: ca.cert },
          proxyHeader: { version, source, destination },
        });
        expect(seen).toEqual([source, destination, version]);
        expect((await client.send(message)).accepted).toEqual(["b@example.com"]);
        expect(running.messages).toEqual([message.body]);
      });
    }
  }

  it("SEC-PRX-13 is sent at once, before the server has said anything", async () => {
    const server = await scripted((socket) => {
      socket.once("data", () => socket.end("554 mx.example.com\r\n"));
    });
    const proxyHeader = { version: 1, source, destination } as const;
    await expect(dialled({ port: server.port, proxyHeader })).rejects.toMatchObject({
      code: "greeting-refused",
    });
    expect(server.heard()).toBe("PROXY TCP4 192.0.2.1 198.51.100.7 56324 25\r\n");
  });

  it("that cannot be is refused before anything is connected", async () => {
    const running = await serving();
    const { port } = running.address as { port: number };
    const proxyHeader = { version: 2, source, destination: null } as const;
    await expect(dialled({ port, proxyHeader })).rejects.toThrow(UsageError);
    expect(running.closings).toEqual([]);
    expect(running.server.connections.size).toBe(0);
  });
});

describe("XFORWARD", () => {
  it("X-XFW-02 goes before the message that it is about, which goes on whatever the server says to it", async () => {
    const seen: unknown[] = [];
    const messages: string[] = [];
    const { address } = await serving({
      extensions: { xforward: { trusted: ["127.0.0.1"] } },
      async message({ forwarded, body }) {
        seen.push(forwarded);
        for await (const octets of body) messages.push(Buffer.from(octets).toString("latin1"));
        return reply(250, "2.0.0", "Queued");
      },
    });
    const { port } = address as { port: number };
    const client = await dialled({ port });
    const forwarded = { name: "spike.example", addr: "2001:db8::9", port: 4711 };
    expect((await client.send({ ...message, forwarded })).accepted).toEqual(message.to);
    expect(messages).toEqual([message.body]);
    expect(seen).toEqual([{ ...forwarded, proto: null, helo: null, ident: null, source: null }]);
    const refusing = await scripted((socket) =>
      replying(socket, { EHLO: "250-mx\r\n250 XFORWARD NAME ADDR", XFORWARD: "550 5.7.0 No" }),
    );
    const other = await dialled({ port: refusing.port });
    expect((await other.send({ ...message, forwarded })).accepted).toEqual(message.to);
    expect(refusing.heard()).toMatch(/\r\nXFORWARD NAME=spike\.example ADDR=IPV6:2001:db8::9\r\nMAIL /);
  });
});

import { reply, ServerSession, UsageError } from "@sansmtp/core";
import { type Connected, Service } from "@sansmtp/drive";
import { describe, expect, it } from "vitest";
import { codes, settled, Wire } from "./wire.ts";

describe("a service", () => {
  function dial(service: Service, address: string | null): { wire: Wire; connection: Connected | null } {
    const wire = new Wire();
    const peer = address === null ? null : { address, port: 1 };
    return { wire, connection: service.accept(wire, { peer, local: null }) };
  }

  it("S-SES-06 tells 421 to connections beyond its limits, in all and from one client", async () => {
    let asked = 0;
    const service = new Service(
      { name: "mx.example.com" },
      {
        connect() {
          asked++;
          return undefined;
        },
      },
      { maxConnections: 4, maxConnectionsPerAddress: 2 },
    );
    const from = (address: string | null) => codes(dial(service, address).wire.sent);
    const first = dial(service, "192.0.2.1");
    expect(from("192.0.2.1")).toBe("220");
    expect(from("192.0.2.1")).toBe("421");
    first.connection?.lost();
    await settled();
    expect(from("192.0.2.1")).toBe("220");
    // A /64 of IPv6 is one client.
    expect(from("2001:db8::1")).toBe("220");
    expect(from("2001:db8:0:0:ffff::2")).toBe("220");
    expect(from("2001:db8:0:1::2")).toBe("421");
    await settled();
    expect(service.connections.size).toBe(4);
    expect(asked).toBe(5);
  });

  it("has its sessions made elsewhere if asked to, by the number of the connection", () => {
    const made: { id: number; session: ServerSession }[] = [];
    const service = new Service(
      { name: "mx.example.com" },
      {
        session(settings, now, id) {
          const session = new ServerSession({ ...settings, name: `mx${id}.example.com` }, now);
          made.push({ id, session });
          return session;
        },
      },
    );
    const [one, two] = [dial(service, null), dial(service, null)];
    expect(made.map(({ id }) => id)).toEqual([one.connection?.id, two.connection?.id]);
    expect(one.wire.sent).toBe("220 mx1.example.com ESMTP\r\n");
    expect(two.wire.sent).toBe("220 mx2.example.com ESMTP\r\n");
  });

  it("counts the clients that PROXY headers name, and a refused one does not count", async () => {
    const service = new Service(
      { name: "mx.example.com", proxy: true },
      { connect: () => reply(421, "Not now") },
      { maxConnectionsPerAddress: 1 },
    );
    for (const client of ["192.0.2.1", "192.0.2.1", "192.0.2.2"]) {
      const { wire, connection } = dial(service, "10.0.0.1");
      connection?.receive(Buffer.from(`PROXY TCP4 ${client} 192.0.2.9 1 2\r\n`));
      await settled();
      expect(wire.sent).toMatch(/Not now/);
    }
    expect(service.connections.size).toBe(0);
  });

  it("SEC-DOS-01 lets no more in than it can tell so", () => {
    const service = new Service({ name: "mx.example.com", tls: "implicit" }, {}, { maxConnections: 10 });
    const all = Array.from({ length: 100 }, (_, at) => dial(service, `192.0.2.${at}`).connection);
    expect(all.filter((connection) => connection !== null)).toHaveLength(21);
  });

  it("ends: 421 to the idle, and to the others when they are done, or now", async () => {
    const service = new Service({ name: "mx.example.com" }, { rcpt: () => undefined });
    const idle = dial(service, null);
    const busy = dial(service, null);
    busy.connection?.receive(Buffer.from("HELO x.y\r\nMAIL FROM:<>\r\n"));
    let empty = false;
    const ended = service.shutdown("idle").then(() => {
      empty = true;
    });
    await settled();
    expect(codes(idle.wire.sent)).toBe("220 421");
    expect(codes(busy.wire.sent)).toBe("220 250 250");
    const late = dial(service, null);
    expect(codes(late.wire.sent)).toBe("220 421");
    expect(empty).toBe(false);
    await service.shutdown("now");
    expect(codes(busy.wire.sent)).toBe("220 250 250 421");
    await ended;
    await service.shutdown("idle");
  });

  it("refuses limits that cannot be", () => {
    expect(() => new Service({ name: "a.b" }, {}, { maxConnections: 0 })).toThrow(UsageError);
    expect(() => new Service({ name: "a.b" }, {}, { maxConnectionsPerAddress: Number.NaN })).toThrow(
      UsageError,
    );
    expect(() => new Service({ name: "not a name" }, {})).toThrow(UsageError);
  });
});

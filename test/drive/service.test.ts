import { reply, ServerSession, UsageError } from "@sansmtp/core";
import { type Connected, Service } from "@sansmtp/drive";
import { describe, expect, it } from "vitest";
import { codes, settled, Wire } from "./wire.ts";

/** A wire that is not gone when it was closed: the last reply is on its way. */
class Lingering extends Wire {
  destroyed = false;
  connection: Connected | null = null;

  /** Its client has taken the last reply. */
  go(): void {
    this.connection?.lost();
  }

  destroy(): void {
    this.destroyed = true;
    this.go();
  }
}

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

  it("SEC-DOS-01 one client cannot take the places of all by handshakes that it does not end", () => {
    const service = new Service(
      { name: "mx.example.com", tls: "implicit" },
      {},
      { maxConnections: 1000, maxConnectionsPerAddress: 20 },
    );
    const all = Array.from({ length: 100 }, () => dial(service, "2001:db8::1").connection);
    // A tenth more than may be, and ten: these can still be told 421.
    expect(all.filter((connection) => connection !== null)).toHaveLength(32);
    expect(dial(service, "2001:db8::ffff").connection).toBeNull();
    expect(dial(service, "192.0.2.1").connection).not.toBeNull();
  });

  it("SEC-DOS-01 places that a client has left are free for it again", async () => {
    const service = new Service(
      { name: "mx.example.com", tls: "implicit" },
      {},
      { maxConnectionsPerAddress: 1 },
    );
    for (let time = 0; time < 50; time++) {
      const { connection } = dial(service, "192.0.2.1");
      expect(connection).not.toBeNull();
      connection?.lost();
      await settled();
    }
  });

  it.each([
    ["whose proxy has many clients", { proxy: true }],
    ["to whom a proxy tells its clients", { extensions: { xclient: { trusted: ["192.0.2.0/24"] } } }],
  ])("SEC-DOS-01 S-SES-06 a server %s does not count them as one", (_, config) => {
    const service = new Service(
      { name: "mx.example.com", tls: "implicit", ...config },
      {},
      { maxConnectionsPerAddress: 1 },
    );
    const all = Array.from({ length: 100 }, () => dial(service, "192.0.2.1").connection);
    expect(all.every((connection) => connection !== null)).toBe(true);
  });

  it("SEC-DOS-01 of those that were told 421 and do not go the oldest are let go of", async () => {
    const service = new Service({ name: "mx.example.com" }, {}, { maxConnections: 1 });
    expect(codes(dial(service, "192.0.2.1").wire.sent)).toBe("220");
    const wires: Lingering[] = [];
    for (let at = 0; at < 30; at++) {
      const wire = new Lingering();
      wires.push(wire);
      wire.connection = service.accept(wire, { peer: { address: "192.0.2.2", port: 1 }, local: null });
      await settled();
      // This one goes by itself, and takes nobody's place.
      if (at === 25) wire.go();
    }
    expect(wires.map(({ sent }) => codes(sent))).toEqual(Array(30).fill("421"));
    expect(wires.filter(({ destroyed }) => destroyed)).toHaveLength(19);
    expect(wires.findIndex(({ destroyed }) => !destroyed)).toBe(19);
  });

  it("S-SES-06 counts who was told 421 at once, and who is lost, out again", async () => {
    const told: string[] = [];
    const service = new Service(
      { name: "mx.example.com" },
      { onClose: ({ reason }) => void told.push(reason) },
      { maxConnections: 1, maxConnectionsPerAddress: 1 },
    );
    const first = dial(service, "192.0.2.1");
    for (let time = 0; time < 20; time++) dial(service, "192.0.2.1").connection?.lost();
    expect(service.connections.size).toBe(1);
    first.connection?.lost();
    first.connection?.lost();
    expect(service.connections.size).toBe(0);
    expect(codes(dial(service, "192.0.2.1").wire.sent)).toBe("220");
    expect(told).toEqual([...Array(20).fill("refused"), "lost"]);
  });

  it("has ended when the last reply has arrived, or is not waited for any more", async () => {
    const service = new Service({ name: "mx.example.com" }, {});
    const wire = new Lingering();
    wire.connection = service.accept(wire, { peer: null, local: null });
    let ended = false;
    const shutdown = service.shutdown("idle").then(() => {
      ended = true;
    });
    await settled();
    expect([codes(wire.sent), wire.closed, service.connections.size, ended]).toEqual([
      "220 421",
      true,
      0,
      false,
    ]);
    wire.go();
    await shutdown;
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

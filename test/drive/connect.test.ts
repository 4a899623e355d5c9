import { UsageError } from "@sansmtp/core";
import { ConnectError, type ConnectOptions, connectBy, type Dialled, type Target } from "@sansmtp/drive";
import { describe, expect, it, vi } from "vitest";
import { hello } from "./talk.ts";
import { settled, Wire } from "./wire.ts";

/** An adapter without a network: what it was asked for, and a wire for each connection. */
class Network {
  readonly targets: Target[] = [];
  readonly wires: Wire[] = [];
  destroyed = 0;
  name = "";
  /** Called for each connection; by default it is there at once. */
  answer: () => Promise<void> = () => Promise.resolve();
  readonly #hear: ((octets: string) => void)[] = [];

  readonly dialler = {
    hostname: (): string => this.name,
    dial: async (target: Target): Promise<Dialled> => {
      this.targets.push(target);
      await this.answer();
      const wire = new Wire();
      this.wires.push(wire);
      return {
        transport: wire,
        local: { address: "2001:db8::7", port: 40_000 },
        attach: (connection) => {
          this.#hear.push((octets) => connection.receive(Buffer.from(octets)));
        },
        destroy: () => {
          this.destroyed++;
        },
      };
    },
  };

  async say(...lines: readonly string[]): Promise<string> {
    await settled();
    this.#hear.at(-1)?.(lines.map((line) => `${line}\r\n`).join(""));
    await settled();
    return this.wires.at(-1)?.sent ?? "";
  }
}

async function target(options: ConnectOptions): Promise<Target> {
  const network = new Network();
  network.answer = () => Promise.reject(new Error("nobody there"));
  await expect(connectBy(options, network.dialler)).rejects.toThrow("nobody there");
  return network.targets[0] as Target;
}

const auth = { user: "dana", pass: "secret" };

describe("where a client connects, and how, if it is not told", () => {
  it("X-SUB-05 T-IMP-02 who authenticates goes to the submission port inside TLS, to a server that is who it says", async () => {
    expect(await target({ auth })).toEqual({
      place: { host: "localhost", port: 587 },
      host: "localhost",
      tls: "required",
      verify: true,
    });
    expect(await target({ auth, tls: "implicit" })).toMatchObject({ place: { port: 465 }, verify: true });
    expect(await target({ host: "mx.example.com", port: 465 })).toMatchObject({
      tls: "implicit",
      verify: true,
    });
    expect(await target({ auth, allowInsecureAuth: true })).toMatchObject({ tls: "offered", verify: true });
  });

  it("a relay goes to port 25, and takes TLS where it is offered", async () => {
    expect(await target({ host: "mx.example.com" })).toEqual({
      place: { host: "mx.example.com", port: 25 },
      host: "mx.example.com",
      tls: "offered",
      verify: false,
    });
    expect(await target({ path: "/run/lmtp" })).toMatchObject({ place: { path: "/run/lmtp" } });
  });

  it.each([0, 65_536, 1.5])("refuses port %d", async (port) => {
    await expect(connectBy({ port }, new Network().dialler)).rejects.toThrow(UsageError);
  });

  it.each([
    ["client.example.net", "client.example.net"],
    ["laptop", "[IPv6:2001:db8::7]"],
    ["192.0.2.1", "[IPv6:2001:db8::7]"],
    ["my_laptop.example.net", "[IPv6:2001:db8::7]"],
  ])("S-EHLO-09 a machine named %s calls itself %s", async (name, said) => {
    const network = new Network();
    network.name = name;
    const connecting = connectBy({ tls: "never" }, network.dialler);
    expect(await network.say("220 mx")).toBe(`EHLO ${said}\r\n`);
    await network.say(...hello([]));
    (await connecting).close();
  });
});

describe("an attempt that comes to nothing", () => {
  it("is given up in time, and what comes too late is let go of", async () => {
    vi.useFakeTimers();
    try {
      const network = new Network();
      let arrive = (): void => {};
      network.answer = () => new Promise((resolve) => void (arrive = resolve));
      const connecting = connectBy({ host: "mx.example.com", connectTimeout: 5_000 }, network.dialler);
      const failed = expect(connecting).rejects.toMatchObject({
        code: "unreachable",
        message: "cannot connect to mx.example.com:25: no answer in time",
      });
      await vi.advanceTimersByTimeAsync(5_000);
      await failed;
      arrive();
      await vi.advanceTimersByTimeAsync(0);
      expect(network.destroyed).toBe(1);
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("ends when its signal is aborted, with the reason", async () => {
    const network = new Network();
    network.answer = () => new Promise(() => {});
    const controller = new AbortController();
    const connecting = connectBy({ signal: controller.signal }, network.dialler);
    controller.abort(new Error("enough"));
    await expect(connecting).rejects.toThrow("enough");
    await expect(connectBy({ signal: controller.signal }, network.dialler)).rejects.toThrow("enough");
    expect(network.targets.length).toBe(1);
  });

  it("tells of each address that failed", async () => {
    const network = new Network();
    network.answer = () => Promise.reject(new AggregateError([new Error("A"), new Error("B")]));
    await expect(connectBy({ host: "::1", port: 2525 }, network.dialler)).rejects.toThrow(
      "cannot connect to [::1]:2525: A; B",
    );
  });

  it("lets go of the connection when the options cannot be", async () => {
    const network = new Network();
    await expect(connectBy({ name: "not a name" }, network.dialler)).rejects.toThrow(UsageError);
    expect(network.destroyed).toBe(1);
  });

  it("T-TLS-14 where TLS was only offered, another connection goes without", async () => {
    const network = new Network();
    const connecting = connectBy({}, network.dialler);
    await network.say("220 mx");
    await network.say(...hello(["STARTTLS"]));
    await network.say("220 go");
    network.wires[0]?.handshake(new Error("no common cipher"));
    await settled();
    expect(network.targets.map(({ tls }) => tls)).toEqual(["offered", "never"]);
    await network.say("220 mx");
    await network.say(...hello(["STARTTLS"]));
    const client = await connecting;
    expect(client.tls).toBeNull();
    client.close();
    const required = new Network();
    const failing = connectBy({ tls: "required" }, required.dialler);
    failing.catch(() => {});
    await required.say("220 mx");
    await required.say(...hello(["STARTTLS"]));
    await required.say("220 go");
    required.wires[0]?.handshake(new Error("no common cipher"));
    await expect(failing).rejects.toThrow(ConnectError);
    expect(required.targets.length).toBe(1);
  });
});

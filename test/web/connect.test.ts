import {
  type ConnectOptions,
  capabilities,
  connect,
  type ServeOptions,
  type Streams,
  serveStreams,
  socketStreams,
  type TcpConnect,
  type TcpSocket,
} from "@sansmtp/web";
import { describe, expect, it } from "vitest";
import { pause } from "../node/client.ts";
import { connected, Hand, message, serving } from "./streams.ts";

const name = "client.example.net";

/** How a network in memory behaves. */
interface Network {
  /** What its servers do about TLS. */
  readonly tls?: "none" | "offered" | "implicit";
  /** What becomes of a handshake. */
  readonly handshake?: Error;
  readonly opened?: Promise<unknown>;
}

/** The `connect` of Workers with a server of ours behind each address; TLS is the octets as they are. */
function network({ tls = "none", handshake, opened = Promise.resolve({}) }: Network = {}) {
  const calls: unknown[] = [];
  const names: unknown[] = [];
  const servers: ReturnType<typeof serving>[] = [];
  let open = 0;
  const dial: TcpConnect = (address, options) => {
    calls.push({ ...address, ...options });
    const ends = connected();
    const upgrade = async (): Promise<Streams> => ends.server;
    servers.push(serving(tls === "none" ? ends.server : { ...ends.server, upgrade }, { tls }));
    open++;
    const socket = (ready: Promise<unknown>, secureTransport: "on" | "off" | "starttls"): TcpSocket => ({
      ...ends.client,
      opened: ready,
      closed: new Promise(() => {}),
      secureTransport,
      startTls: (given) => {
        names.push(given?.expectedServerHostname);
        return socket(handshake === undefined ? ready : Promise.reject(handshake), "on");
      },
      close: async () => void open--,
    });
    return socket(opened, options.secureTransport);
  };
  return { dial, calls, names, servers, open: () => open };
}

describe("connect over the sockets of a platform", () => {
  it.each([
    [{}, "none", { port: 25, secureTransport: "starttls" }],
    [{ tls: "never" }, "none", { port: 25, secureTransport: "off" }],
    [{ tls: "required" }, "offered", { port: 25, secureTransport: "starttls" }],
    [{ tls: "implicit" }, "implicit", { port: 465, secureTransport: "on" }],
    [{ port: 465 }, "implicit", { port: 465, secureTransport: "on" }],
    [{ port: 2525, host: "mx.example.com" }, "offered", { port: 2525, hostname: "mx.example.com" }],
  ] as const)("with %j at a server with TLS %s asks for %j", async (options, tls, asked) => {
    const { dial, calls, servers } = network({ tls });
    const client = await connect({ connect: dial, name, ...options });
    expect(calls).toEqual([
      expect.objectContaining({ hostname: "localhost", allowHalfOpen: true, ...asked }),
    ]);
    expect((await client.send(message)).accepted).toHaveLength(1);
    const secure = tls !== "none" && (options as ConnectOptions).tls !== "never";
    expect(client.tls !== null).toBe(secure);
    await client.quit();
    expect(servers[0]!.messages).toEqual([message.body]);
  });

  it("says a password only to port 587, inside TLS", async () => {
    const { dial, calls } = network({ tls: "none" });
    const auth = { user: "me", pass: "secret" };
    await expect(connect({ connect: dial, name, auth })).rejects.toMatchObject({ code: "tls-not-offered" });
    expect(calls).toEqual([expect.objectContaining({ port: 587, secureTransport: "starttls" })]);
  });

  it("expects the name that it is told to after STARTTLS", async () => {
    const { dial, names } = network({ tls: "offered" });
    await connect({ connect: dial, name, tlsOptions: { servername: "mx.example.com" } });
    await connect({ connect: dial, name });
    expect(names).toEqual(["mx.example.com", undefined]);
  });

  it("makes another connection without TLS where that was only offered and fails, and never otherwise", async () => {
    const offered = network({ tls: "offered", handshake: new Error("no") });
    const client = await connect({ connect: offered.dial, name });
    expect(client.tls).toBeNull();
    expect(offered.calls).toMatchObject([{ secureTransport: "starttls" }, { secureTransport: "off" }]);
    const required = network({ tls: "offered", handshake: new Error("no") });
    const connecting = connect({ connect: required.dial, name, tls: "required" });
    await expect(connecting).rejects.toMatchObject({ code: "tls-failed" });
    expect(required.calls).toHaveLength(1);
  });

  it("is told what the platform says when nobody is there, now or later", async () => {
    const refused = new Error("proxy request failed");
    const { dial, open } = network({ opened: Promise.reject(refused) });
    const connecting = connect({ connect: dial, name, host: "mx.example.com" });
    await expect(connecting).rejects.toMatchObject({
      code: "unreachable",
      detail: "cannot connect to mx.example.com:25: proxy request failed",
      cause: refused,
    });
    await pause(0);
    expect(open()).toBe(0);
    const invalid = new TypeError("Specified address is missing port.");
    const throwing: TcpConnect = () => {
      throw invalid;
    };
    await expect(connect({ connect: throwing, name })).rejects.toMatchObject({
      code: "unreachable",
      cause: invalid,
    });
  });

  it("waits for an answer for so long only, or until it is given up", async () => {
    const { dial, open } = network({ opened: new Promise(() => {}) });
    const late = connect({ connect: dial, name, connectTimeout: 20 });
    await expect(late).rejects.toMatchObject({
      code: "unreachable",
      cause: { message: "no answer in time" },
    });
    const controller = new AbortController();
    const connecting = connect({ connect: dial, name, signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 10);
    await expect(connecting).rejects.toThrow("enough");
    await expect(connect({ connect: dial, name, signal: controller.signal })).rejects.toThrow("enough");
    expect(open()).toBe(0);
  });

  it("does not begin when it was given up before", async () => {
    const { client: streams } = connected();
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(connect({ streams, name, signal })).rejects.toThrow("enough");
    expect(streams.readable.locked || streams.writable.locked).toBe(false);
  });

  it("is given up while the server is silent, and lets go", async () => {
    const ends = connected();
    const controller = new AbortController();
    const connecting = connect({ streams: ends.client, name, signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 10);
    await expect(connecting).rejects.toThrow("enough");
    expect(await new Hand(ends.server).hear()).toBe("");
  });
});

describe("connect over a socket that is there", () => {
  const auth = { user: "me", pass: "secret" };

  it.each([
    ["on", {}, true],
    ["on", { tls: "implicit" }, true],
    ["on", { tls: "required" }, true],
    ["off", {}, false],
    ["off", { tls: "never" }, false],
    ["starttls", {}, true],
    ["starttls", { tls: "never" }, false],
    // What the port is called says nothing of a connection that is there.
    ["starttls", { port: 465 }, true],
  ] as const)(
    "with secureTransport %s and %j delivers; TLS: %s",
    async (secureTransport, options, secure) => {
      const { dial } = network({ tls: secureTransport === "on" ? "implicit" : "offered" });
      const socket = dial(
        { hostname: "mx", port: 25 },
        { secureTransport, allowHalfOpen: true, highWaterMark: 1 },
      );
      const client = await connect({ socket, name, ...options });
      expect((await client.send(message)).accepted).toHaveLength(1);
      expect(client.tls !== null).toBe(secure);
    },
  );

  it.each([
    ["on", { tls: "never" }, "tls: never cannot be had with a socket with secureTransport on"],
    ["off", { tls: "offered" }, "tls: offered cannot be had with a socket with secureTransport off"],
    ["off", { tls: "required" }, "tls: required cannot be had"],
    ["off", { auth }, "tls: required cannot be had"],
    ["starttls", { tls: "implicit" }, "tls: implicit cannot be had"],
    ["on", { tlsOptions: { servername: "mx" } }, "servername: without STARTTLS"],
    ["off", { connectTimeout: 1 }, "connectTimeout: the connection is there already"],
  ] as const)("with secureTransport %s refuses %j", async (secureTransport, options, says) => {
    const { dial } = network();
    const socket = dial(
      { hostname: "mx", port: 25 },
      { secureTransport, allowHalfOpen: true, highWaterMark: 1 },
    );
    const connecting = connect({ socket, name, ...options });
    await expect(connecting).rejects.toThrow(says);
    await expect(connecting).rejects.toMatchObject({ name: "UsageError" });
    expect(socket.readable.locked).toBe(false);
  });

  it("is told when that does not open, and closes it when it is given up", async () => {
    const refused = new Error("proxy request failed");
    const opening = (opened: Promise<unknown>) => {
      const { dial, open } = network({ opened });
      const options = { secureTransport: "starttls", allowHalfOpen: true, highWaterMark: 1 } as const;
      return { socket: dial({ hostname: "mx", port: 25 }, options), open };
    };
    await expect(connect({ socket: opening(Promise.reject(refused)).socket, name })).rejects.toMatchObject({
      code: "unreachable",
      detail: "the socket did not open: proxy request failed",
      cause: refused,
    });
    const controller = new AbortController();
    const { socket, open } = opening(new Promise(() => {}));
    const connecting = connect({ socket, name, signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 10);
    await expect(connecting).rejects.toThrow("enough");
    await pause(0);
    expect(open()).toBe(0);
  });

  it("serves a client that has come in by one", async () => {
    const ends = connected();
    const socket: TcpSocket = {
      ...ends.server,
      opened: Promise.resolve(),
      closed: Promise.resolve(),
      secureTransport: "starttls",
      startTls: () => {
        throw new Error("the client's handshake");
      },
      close: async () => {},
    };
    const { messages } = serving(socketStreams(socket));
    const client = await connect({ streams: ends.client, name });
    expect(client.capabilities.starttls).toBe(false);
    expect((await client.send(message)).accepted).toHaveLength(1);
    expect(messages).toHaveLength(1);
  });
});

describe("options that would have no effect", () => {
  const { client: streams } = connected();
  const { dial } = network();

  it.each<[string, Partial<Record<string, unknown>>]>([
    ["connect, socket, streams", {}],
    ["connect, socket, streams", { connect: dial, streams }],
    ["path", { connect: dial, path: "/run/smtp" }],
    ["name", { streams, name: undefined }],
    ["connectTimeout", { streams, connectTimeout: 1 }],
    ["tlsOptions", { streams, tlsOptions: { servername: "mx" } }],
    ["tlsOptions.ca", { connect: dial, tlsOptions: { ca: "" } }],
    ["tlsOptions.rejectUnauthorized", { connect: dial, tlsOptions: { rejectUnauthorized: false } }],
    ["proxyHeader", { connect: dial, port: 465, proxyHeader: "local" }],
    ["servername", { connect: dial, port: 465, tlsOptions: { servername: "mx" } }],
    ["tls", { streams, tls: "required" }],
  ])("are refused by connect: %s", async (option, options) => {
    const connecting = connect({ name, ...options } as ConnectOptions);
    await expect(connecting).rejects.toMatchObject({ name: "UsageError" });
    await expect(connecting).rejects.toThrow(`${option}: `);
    expect(streams.readable.locked).toBe(false);
  });

  it.each<[string, Partial<Record<string, unknown>>]>([
    ["tlsOptions", { tlsOptions: {} }],
    ["trustedProxies", { proxy: true, trustedProxies: ["127.0.0.1"] }],
    ["maxConnections", { maxConnections: 1 }],
    ["maxConnectionsPerAddress", { maxConnectionsPerAddress: 1 }],
    ["tls", { tls: "required" }],
    ["name", { name: "not a name" }],
  ])("are refused by serveStreams: %s", (option, options) => {
    expect(() => serveStreams(streams, { name: "mx.example.com", ...options } as ServeOptions)).toThrow(
      new RegExp(`^${option}\\b.*: `),
    );
    expect(streams.readable.locked).toBe(false);
  });

  it("belong to what is said not to work", () => {
    expect(capabilities).toMatchObject({
      unixSocket: expect.stringContaining("Unix"),
      ownAuthorities: expect.stringContaining("TLS"),
      serverStartTls: expect.stringContaining("server"),
    });
  });
});

describe("what a client cannot be", () => {
  it("is said before its streams are used, and they are let go of", async () => {
    const ends = connected();
    await expect(connect({ streams: ends.client, name: "not a name" })).rejects.toThrow(/^name/);
    const hand = new Hand(ends.server);
    await expect(hand.hear()).rejects.toThrow("the session is over");
    expect(hand.heard).toBe("");
  });
});

describe("what is known of the other end", () => {
  it("is what the PROXY header says, before TLS", async () => {
    const ends = connected();
    const upgrade = (end: Streams) => ({ ...end, upgrade: async () => end });
    const { connection } = serving(upgrade(ends.server), { proxy: true, tls: "implicit" });
    const source = { address: "192.0.2.7", port: 40_000 };
    const proxyHeader = { version: 2, source, destination: { address: "192.0.2.1", port: 465 } } as const;
    const client = await connect({ streams: upgrade(ends.client), name, tls: "implicit", proxyHeader });
    expect(connection.remote).toEqual(source);
    await client.quit();
  });

  it("is what serveStreams was told", async () => {
    const ends = connected();
    const peer = { address: "192.0.2.1", port: 40_000 };
    const { connection } = serving(ends.server, { peer });
    expect(connection.remote).toEqual(peer);
    expect(serving(connected().server).connection.remote).toBeNull();
  });
});

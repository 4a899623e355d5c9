import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, reply, type Server, type ServerOptions } from "@sansmtp/node";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { certificates } from "../../node/certificates.ts";
import { until } from "../../node/client.ts";
import { scripted } from "../../node/scripted.ts";
import { text } from "../streams.ts";
import { type Errand, large } from "./errand.ts";
import { Workerd } from "./workerd.ts";

const certs = await certificates();
let workerd: Workerd;
beforeAll(async () => {
  workerd = await Workerd.start(certs.ca.cert);
});
afterAll(() => workerd.stop());

/** A server, and what it was given. */
interface Door {
  readonly port: number;
  readonly messages: string[];
}

type Tls = "none" | "offered" | "implicit";

const ours = {
  name: "createServer of @sansmtp/node",
  async open(
    tls: Tls,
    tlsOptions = certs.server,
    more: Partial<ServerOptions> = {},
  ): Promise<Door & { server: Server }> {
    const messages: string[] = [];
    const server = createServer({
      name: "mx.example.com",
      tls,
      tlsOptions,
      limits: { message: 20_000_000 },
      rcpt: () => undefined,
      async message({ body }) {
        messages.push(await text(body));
        return reply(250, "2.0.0", "Queued");
      },
      ...more,
    });
    const address = await server.listen({ port: 0, host: "localhost" });
    onTestFinished(() => server.close({ within: 0 }));
    return { port: (address as { port: number }).port, messages, server };
  },
};

const theirs = {
  name: "smtp-server of npm",
  async open(tls: Tls, { key, cert } = certs.server, more: SMTPServerOptions = {}): Promise<Door> {
    const messages: string[] = [];
    const server = new SMTPServer({
      key,
      cert,
      secure: tls === "implicit",
      hideSTARTTLS: tls === "none",
      authOptional: true,
      logger: false,
      onData(stream, _session, done) {
        text(stream).then((whole) => {
          messages.push(whole);
          done();
        }, done);
      },
      ...more,
    });
    server.on("error", () => {});
    const listening = server.listen(0, "localhost");
    await new Promise((resolve) => listening.once("listening", resolve));
    onTestFinished(() => new Promise<void>((resolve) => server.close(resolve)));
    return { port: (listening.address() as { port: number }).port, messages };
  },
};

const name = "worker.example.net";

for (const peer of [ours, theirs]) {
  describe(`in workerd, at ${peer.name}`, () => {
    it.each<[Tls, Errand["over"], Errand["options"]]>([
      ["none", "connect", { name }],
      ["none", "off", { name }],
      ["offered", "connect", { name }],
      ["offered", "connect", { name, tls: "never" }],
      ["offered", "connect", { name, tls: "required" }],
      ["offered", "starttls", { name, tls: "required" }],
      ["implicit", "connect", { name, tls: "implicit" }],
      ["implicit", "on", { name }],
    ])("delivers: TLS %s, over %s, with %j", async (tls, over, options) => {
      const { port, messages } = await peer.open(tls);
      const report = await workerd.run({ over, options: { ...options, port }, messages: 3 });
      const secure = tls !== "none" && options.tls !== "never";
      expect(report).toEqual({ outcomes: ["accepted", "accepted", "accepted"], tls: secure, failure: null });
      expect(messages).toEqual([large(1_000), large(1_000), large(1_000)]);
    });

    it.each<[Tls, Errand["over"], Errand["options"]]>([
      ["none", "connect", { name }],
      ["none", "off", { name }],
      ["offered", "connect", { name, tls: "required" }],
      ["offered", "starttls", { name, tls: "required" }],
      ["implicit", "connect", { name, tls: "implicit" }],
    ])("delivers 8 MB: TLS %s, over %s, with %j", async (tls, over, options) => {
      const { port, messages } = await peer.open(tls);
      const report = await workerd.run({ over, options: { ...options, port }, size: 8_000_000 });
      expect(report).toMatchObject({ outcomes: ["accepted"], failure: null });
      expect(messages[0] === large(8_000_000)).toBe(true);
    });

    it("is not fooled by a certificate of somebody else's", async () => {
      for (const pair of [certs.impostor, certs.other]) {
        const { port, messages } = await peer.open("offered", pair);
        const starttls = await workerd.run({ options: { name, port, tls: "required" } });
        expect(starttls).toMatchObject({ code: "tls-failed" });
        const other = await peer.open("implicit", pair);
        const implicit = await workerd.run({ options: { name, port: other.port, tls: "implicit" } });
        // The platform does not say what it was that failed.
        expect(implicit).toMatchObject({ code: "unreachable" });
        expect([...messages, ...other.messages]).toEqual([]);
      }
    });

    it("makes another connection in the clear where TLS was only offered, and failed", async () => {
      const { port, messages } = await peer.open("offered", certs.impostor);
      const report = await workerd.run({ options: { name, port } });
      expect(report).toEqual({ outcomes: ["accepted"], tls: false, failure: null });
      expect(messages).toHaveLength(1);
    });
  });
}

describe("in workerd", () => {
  it("the example of the README runs as it stands", async () => {
    const readme = readFileSync(new URL("../../../packages/web/README.md", import.meta.url), "utf8");
    const [, code = ""] = /<!-- run by test\/web[^>]*-->\s+```js\n(.*?)```/s.exec(readme) ?? [];
    expect(code.trim().split("\n").filter(Boolean).length).toBeLessThan(10);
    const { port, messages } = await ours.open("offered", certs.server, {
      mechanisms: ["PLAIN"],
      authRequired: true,
      auth: () => reply(235, "2.7.0", "Authenticated"),
    });
    const example = new URL("example.tmp.js", import.meta.url);
    writeFileSync(example, code);
    onTestFinished(() => rmSync(example));
    const auth = { user: "me", pass: "secret" };
    const worker = await Workerd.start(certs.ca.cert, "example.tmp.js", {
      HOST: "localhost",
      PORT: port,
      auth,
    });
    onTestFinished(() => worker.stop());
    expect(await worker.post("Subject: hello\r\n\r\nIt works.\r\n")).toMatchObject([{ status: "accepted" }]);
    expect(messages).toEqual(["Subject: hello\r\n\r\nIt works.\r\n"]);
  });

  it("authenticates inside STARTTLS, and expects the name that it is told to", async () => {
    const said: string[] = [];
    const { port } = await ours.open("offered", certs.server, {
      mechanisms: ["PLAIN"],
      auth: ({ mechanism, response }) => {
        said.push(mechanism, Buffer.from(response ?? []).toString("latin1"));
        return reply(235, "2.7.0", "Authenticated");
      },
    });
    const options = {
      name,
      host: "127.0.0.1",
      port,
      auth: { user: "me", pass: "secret" },
      tlsOptions: { servername: "mx.example.com" },
    };
    expect(await workerd.run({ options })).toMatchObject({ outcomes: ["accepted"], tls: true });
    expect(said).toEqual(["PLAIN", "\0me\0secret"]);
  });

  it.each(["TransformStreams", "WebSockets"] as const)(
    "is a client and a server to itself over %s",
    async (over) => {
      for (const size of [1_000, 4_000_000]) {
        const report = await workerd.run({ over, size, messages: 2, options: { name } });
        const twice = { outcomes: ["accepted", "accepted"], kept: [true, true] };
        expect(report).toEqual({ ...twice, tls: false, failure: null });
      }
    },
  );

  it("has the plain scanner: code must not be compiled at run time there", async () => {
    expect(await workerd.run({ over: "nothing" })).toEqual({ scanner: "plain" });
  });

  it("says so when nobody is there", async () => {
    const report = await workerd.run({ options: { name, port: 1 } });
    expect(report).toMatchObject({ code: "unreachable" });
    expect(report.error).toMatch(/^cannot connect to localhost:1: /);
  });

  it("is held back by a server that does not read, gives up in time, and lets go", async () => {
    let taken = 0;
    const server = await scripted((socket) => {
      socket.write("220 mx\r\n");
      socket.once("data", () => {
        socket.write("250 mx\r\n");
        socket.once("data", () => {
          socket.write("250 Ok\r\n");
          socket.once("data", () => {
            socket.write("250 Ok\r\n");
            socket.once("data", () => {
              socket.write("354 Go\r\n");
              taken = socket.bytesRead;
              socket.pause();
            });
          });
        });
      });
    });
    const options = {
      name,
      host: "127.0.0.1",
      port: server.port,
      tls: "never",
      timers: { dataBlock: 300 },
    } as const;
    for (const over of ["connect", "off"] as const) {
      const report = await workerd.run({ over, options, size: 50_000_000 });
      expect(report).toMatchObject({ outcomes: ["notTried"] });
      const socket = server.sockets.at(-1)!;
      socket.resume();
      await until(() => socket.closed, "the worker to let go");
      // What two kernels hold, and not the message.
      expect(socket.bytesRead - taken).toBeLessThan(20_000_000);
    }
  });

  it("tells of a connection that is reset in the middle of a message", async () => {
    const server = await scripted((socket) => {
      socket.write("220 mx\r\n");
      socket.on("data", (octets) => {
        const word = octets.toString("latin1").slice(0, 4);
        if (word === "DATA") socket.write("354 Go\r\n");
        else if (["EHLO", "MAIL", "RCPT"].includes(word)) socket.write("250 Ok\r\n");
        else socket.resetAndDestroy();
      });
    });
    const options = { name, host: "127.0.0.1", port: server.port };
    expect(await workerd.run({ options, size: 5_000_000 })).toEqual({
      outcomes: ["notTried"],
      tls: false,
      failure: "ended",
    });
  });
});
